//! One task, as it is shown: while it is open, and for a while after that.

use std::fmt;

use jiff::Timestamp;
use sparkwright_spark_job::standing::Phase;
use sparkwright_spark_job::watch::Report;

use crate::completion::{Completion, Reason};
use crate::errors::ErrorName;
use crate::token::TaskId;

/// What a task is at.
#[derive(Clone, Debug)]
pub(crate) struct TaskStatus {
    pub(crate) id: TaskId,
    pub(crate) activity: String,
    pub(crate) since: Timestamp,
    pub(crate) step: TaskState,
    /// What would make a lost worker harmless, and is missing in its input.
    pub(crate) unprotected: Vec<Unprotected>,
    pub(crate) batch_name: Option<String>,
    pub(crate) application_id: Option<String>,
    pub(crate) links: Links,
    /// What is waited for.
    pub(crate) note: Option<String>,
}

/// The steps of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TaskState {
    Received,
    Submitting,
    Watching(Phase),
    Stopping,
    Orphaned,
    Reporting,
}

impl TaskState {
    /// One of each that are told apart.
    pub(crate) const SHOWN: [Self; 8] = [
        Self::Received,
        Self::Submitting,
        Self::Watching(Phase::Starting),
        Self::Watching(Phase::Submitted),
        Self::Watching(Phase::Running),
        Self::Stopping,
        Self::Orphaned,
        Self::Reporting,
    ];

    /// A word for metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Submitting => "submitting",
            Self::Watching(Phase::Unknown | Phase::Starting) => "starting",
            Self::Watching(Phase::Submitted) => "accepted",
            Self::Watching(Phase::Running) => "running",
            Self::Stopping => "stopping",
            Self::Orphaned => "orphaned",
            Self::Reporting => "reporting",
        }
    }

    /// The same for people.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Submitting => "being submitted",
            Self::Watching(Phase::Unknown | Phase::Starting) => "starting",
            Self::Watching(Phase::Submitted) => "waiting for YARN",
            Self::Watching(Phase::Running) => "running",
            Self::Stopping => "being stopped",
            Self::Orphaned => "left for a retry",
            Self::Reporting => "being reported",
        }
    }
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// What an input lacks: with both, a lost worker is noticed, and its job found by the retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unprotected {
    ClientToken,
    HeartbeatSeconds,
}

impl Unprotected {
    pub(crate) const ALL: [Self; 2] = [Self::ClientToken, Self::HeartbeatSeconds];

    /// The input's field.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ClientToken => "ClientToken",
            Self::HeartbeatSeconds => "HeartbeatSeconds",
        }
    }
}

/// Where people read on. Whoever named them is not trusted: see what the page does with them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Links {
    pub(crate) spark_ui: Option<String>,
    pub(crate) driver_log: Option<String>,
}

impl Links {
    /// YARN's, or else Livy's; what is known already stays. Thousands of tasks look each second, so nothing is copied that
    /// is not new.
    pub(crate) fn update(&mut self, report: &Report) {
        let application = report.application.as_ref();
        let livy = report.batch.as_ref().map(|batch| &batch.app_info);
        let spark_ui = application
            .and_then(|application| application.tracking_url.as_deref())
            .or_else(|| livy?.spark_ui_url.as_deref());
        let driver_log = application
            .and_then(|application| application.am_container_logs.as_deref())
            .or_else(|| livy?.driver_log_url.as_deref());
        for (known, now) in [(&mut self.spark_ui, spark_ui), (&mut self.driver_log, driver_log)] {
            if now.is_some() && known.as_deref() != now {
                *known = now.map(str::to_owned);
            }
        }
    }
}

/// How a task ended, as far as this process is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Succeeded,
    Failed(ErrorName),
    /// Its token was over: cancelled, or expired. There was nobody to be told.
    TokenOver,
    /// The next process goes on with it.
    Left,
}

impl Ended {
    pub(crate) fn all() -> [Self; 12] {
        let mut all = [Self::Succeeded; 12];
        all[1..10].copy_from_slice(&ErrorName::ALL.map(Self::Failed));
        all[10..].copy_from_slice(&[Self::TokenOver, Self::Left]);
        all
    }

    /// What Step Functions was told.
    pub(crate) fn with(completion: &Completion) -> Self {
        match completion {
            Completion::Success { .. } => Self::Succeeded,
            Completion::Failure { name, .. } => Self::Failed(*name),
        }
    }

    /// A word for metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "success",
            Self::Failed(name) => name.as_str(),
            Self::TokenOver => "token_over",
            Self::Left => "left",
        }
    }

    /// The same for people.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed(name) => name.as_str(),
            Self::TokenOver => "token over",
            Self::Left => "left to the next process",
        }
    }
}

/// A task that has ended.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    /// As it stood at the end.
    pub(crate) task: TaskStatus,
    pub(crate) how: Ended,
    pub(crate) at: Timestamp,
    /// Why it failed.
    pub(crate) reason: Option<Reason>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_and_each_step_has_one_name() {
        let mut names: Vec<_> = Ended::all().map(Ended::name).to_vec();
        names.extend(TaskState::SHOWN.map(TaskState::name));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{names:?}");
    }
}
