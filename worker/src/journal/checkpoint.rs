//! How far a task has come, as far as a later process has to know.

use serde::{Deserialize, Serialize};

use crate::completion::Completion;
use crate::errors::ErrorName;
use crate::life::{Stage, Which};

/// Every step that the journal writes: the stages of a task, and what else there is to write. Tests of crashes end a process
/// at each.
pub const STEPS: [&str; 10] = [
    "received",
    "posting",
    "following",
    "running",
    "stopping",
    "orphaned",
    "concluded",
    "closed",
    "accepted",
    "check",
];

/// The durable steps of a task. Each is on disk before what it names can be seen from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Checkpoint {
    /// Nothing was posted.
    Received,
    /// The batch of this number may exist.
    Posting { number: u32 },
    /// This run is the task's.
    Following {
        run: RunRecord,
        /// Its driver has been seen running: it has started in time.
        running: bool,
    },
    /// This run is to stop, or whichever the intent has; then the task is to be told, if it is still open.
    Stopping {
        run: Option<RunRecord>,
        telling: Option<Telling>,
    },
    /// The token is over, and a retry may want this run, or whichever the intent has: it is stopped once the execution
    /// has ended.
    Orphaned { run: Option<RunRecord> },
    /// The task ends with this, once that is heard; a run that nobody can see is to stop after that.
    Concluded {
        completion: Completion,
        stop: Option<RunRecord>,
        /// Nobody has looked whether the intent has a run.
        #[serde(default)]
        unsearched: bool,
    },
}

/// A run, as it is found again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunRecord {
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

impl Checkpoint {
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

    /// The same as the decisions see it.
    pub(crate) fn stage(&self) -> Stage {
        let which = |run: &Option<RunRecord>| if run.is_some() { Which::Own } else { Which::Any };
        match self {
            Self::Received => Stage::Received,
            Self::Posting { number } => Stage::Posting { number: *number },
            Self::Following { running, .. } => Stage::Following { running: *running },
            Self::Stopping { run, telling } => Stage::Stopping {
                run: which(run),
                telling: telling.as_ref().map(|telling| telling.error),
            },
            Self::Orphaned { run } => Stage::Orphaned { run: which(run) },
            Self::Concluded { stop, unsearched, .. } => Stage::Concluded {
                left: match stop {
                    Some(_) => Some(Which::Own),
                    None => unsearched.then_some(Which::Any),
                },
            },
        }
    }

    /// Whether the task's own job may have been submitted, as far as this says.
    pub(crate) fn is_submitted(&self) -> bool {
        match self {
            Self::Received | Self::Concluded { .. } => false,
            Self::Posting { .. } | Self::Following { .. } => true,
            Self::Stopping { run, .. } | Self::Orphaned { run } => run.is_some(),
        }
    }

    /// The run that it names.
    pub(crate) fn run(&self) -> Option<&RunRecord> {
        match self {
            Self::Received | Self::Posting { .. } => None,
            Self::Following { run, .. } => Some(run),
            Self::Stopping { run, .. } | Self::Orphaned { run } => run.as_ref(),
            Self::Concluded { stop, .. } => stop.as_ref(),
        }
    }

    /// Whether it does not depend on the token any more what becomes of the run.
    pub(super) fn is_decided(&self) -> bool {
        matches!(
            self,
            Self::Stopping { telling: None, .. }
                | Self::Orphaned { .. }
                | Self::Concluded {
                    stop: None,
                    unsearched: false,
                    ..
                }
        )
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("texts, numbers and lists are always JSON")
    }

    pub(super) fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }
}
