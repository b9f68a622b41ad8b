//! A batch in Livy's memory.

use std::sync::Arc;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cluster::application::ApplicationId;
use crate::cluster::spark_submit::SparkSubmit;

/// The states that Livy gives to batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchState {
    /// From the POST to YARN's RUNNING.
    Starting,
    /// After a restart of Livy, until it has looked.
    Recovering,
    /// Running.
    Running,
    /// Ended well.
    Success,
    /// Ended badly, or lost from sight.
    Dead,
    /// Killed.
    Killed,
}

impl BatchState {
    /// Livy's word.
    pub fn word(self) -> &'static str {
        match self {
            BatchState::Starting => "starting",
            BatchState::Recovering => "recovering",
            BatchState::Running => "running",
            BatchState::Success => "success",
            BatchState::Dead => "dead",
            BatchState::Killed => "killed",
        }
    }

    /// Whether Livy is done with it.
    pub fn is_terminal(self) -> bool {
        matches!(self, BatchState::Success | BatchState::Dead | BatchState::Killed)
    }
}

/// A snapshot of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Its id, which the next Livy may give to another.
    pub id: i64,
    /// Its name.
    pub name: Option<String>,
    /// Its state.
    pub state: BatchState,
    /// Its application, once Livy has found it.
    pub application: Option<ApplicationId>,
    /// Whether its start was refused, so that it only holds its name.
    pub is_zombie: bool,
}

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: i64,
    pub(crate) name: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) proxy_user: Option<String>,
    pub(crate) state: BatchState,
    pub(crate) application: Option<ApplicationId>,
    pub(crate) driver_log_url: Option<String>,
    pub(crate) spark_ui_url: Option<String>,
    /// `livy-batch-<id>-<8 characters>`.
    pub(crate) tag: String,
    /// False while it is being born, and for ever when its start was refused.
    pub(crate) started: bool,
    pub(crate) spark_submit: Option<Arc<SparkSubmit>>,
    /// A Livy started later does not read the output of a spark-submit that another one forked.
    pub(crate) reads_output: bool,
    pub(crate) diagnostics: Vec<String>,
    pub(crate) ended_at: Option<Instant>,
    /// A DELETE works on it.
    pub(crate) stopping: bool,
    /// Cancelled when it is removed.
    pub(crate) removed: CancellationToken,
}

impl Session {
    pub(crate) fn snapshot(&self) -> Batch {
        Batch {
            id: self.id,
            name: self.name.clone(),
            state: self.state,
            application: self.application,
            is_zombie: !self.started,
        }
    }

    /// All that `/log` can show.
    pub(crate) fn log(&self, with_yarn: bool) -> Vec<String> {
        if !self.started {
            return Vec::new();
        }
        let mut lines = vec!["stdout: ".to_owned()];
        if let Some(spark_submit) = self.spark_submit.as_ref().filter(|_| self.reads_output) {
            lines.extend(spark_submit.lines());
        }
        lines.push("\nstderr: ".to_owned());
        if with_yarn {
            lines.push("\nYARN Diagnostics: ".to_owned());
            lines.extend(self.diagnostics.iter().cloned());
        }
        lines
    }

    /// Takes a state; the first terminal one is the last.
    pub(crate) fn enter(&mut self, state: BatchState) {
        if self.ended_at.is_some() {
            return;
        }
        self.state = state;
        if state.is_terminal() {
            self.ended_at = Some(Instant::now());
        }
    }
}
