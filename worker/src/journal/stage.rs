//! How far a task has come, as far as a later process has to know.

use serde::{Deserialize, Serialize};

use crate::completion::Completion;
use crate::errors::ErrorName;

/// The durable steps of a task. Each is on disk before what it names can be seen from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Stage {
    /// Nothing was posted.
    Received,
    /// The batch of this number may exist.
    Posting { number: u32 },
    /// This run is the task's.
    Following {
        run: RunLine,
        /// Its driver has been seen running: it has started in time.
        running: bool,
    },
    /// This run is to stop; then the task is to be told, if it is still open.
    Stopping { run: RunLine, telling: Option<Telling> },
    /// The token is over, and a retry may want this run: it is stopped once the execution has ended.
    Orphaned { run: RunLine, execution: String },
    /// The task ends with this, once that is heard; a run that nobody can see is to stop after that.
    Concluded {
        completion: Completion,
        stop: Option<RunLine>,
    },
}

/// A run, as it is found again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunLine {
    /// Its name in Livy.
    pub(crate) name: String,
    /// Livy's number.
    pub(crate) batch_id: Option<i64>,
    /// YARN's id of its application.
    pub(crate) application: Option<String>,
}

/// What a task is told after its run was stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Telling {
    pub(crate) error: ErrorName,
    pub(crate) message: String,
}

impl Stage {
    /// A word for logs and crash points.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Posting { .. } => "posting",
            Self::Following { running: false, .. } => "following",
            Self::Following { running: true, .. } => "running",
            Self::Stopping { .. } => "stopping",
            Self::Orphaned { .. } => "orphaned",
            Self::Concluded { .. } => "concluded",
        }
    }

    /// Whether its run is to stop, so that no other task may take it over.
    pub(crate) fn is_stopping(&self) -> bool {
        matches!(
            self,
            Self::Stopping { .. } | Self::Concluded { stop: Some(_), .. }
        )
    }

    /// Whether it does not depend on the token any more what becomes of the run.
    pub(super) fn is_decided(&self) -> bool {
        matches!(
            self,
            Self::Stopping { .. } | Self::Orphaned { .. } | Self::Concluded { .. }
        )
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts, numbers and lists are always JSON")
    }

    pub(super) fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }
}
