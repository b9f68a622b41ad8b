//! A moment's picture of the worker, as its page and its probes show it.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use sparkwright_spark_job::standing::Phase;

use crate::token::TaskId;

/// How the polls of one activity go.
#[derive(Clone, Debug, Default)]
pub(crate) struct ActivityStatus {
    pub(crate) open_polls: usize,
    pub(crate) last_answer: Option<Timestamp>,
    pub(crate) failing: Option<Failing>,
}

/// Something that does not work.
#[derive(Clone, Debug)]
pub(crate) struct Failing {
    pub(crate) since: Timestamp,
    pub(crate) why: String,
    /// When the log last said so.
    pub(crate) said: Timestamp,
}

/// What a task is at.
#[derive(Clone, Debug)]
pub(crate) struct TaskStatus {
    pub(crate) id: TaskId,
    pub(crate) activity: String,
    pub(crate) since: Timestamp,
    pub(crate) step: Step,
    pub(crate) batch_name: Option<String>,
    pub(crate) application_id: Option<String>,
    /// What is waited for.
    pub(crate) note: Option<String>,
}

/// The steps of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Received,
    Submitting,
    Watching(Phase),
    Stopping,
    Reporting,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Received => "received",
            Self::Submitting => "being submitted",
            Self::Watching(Phase::Unknown | Phase::Starting) => "starting",
            Self::Watching(Phase::Submitted) => "waiting for YARN",
            Self::Watching(Phase::Running) => "running",
            Self::Stopping => "being stopped",
            Self::Reporting => "being reported",
        })
    }
}

/// A moment's picture.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) slots: usize,
    pub(crate) free_slots: usize,
    pub(crate) draining: bool,
    pub(crate) activities: BTreeMap<String, ActivityStatus>,
    pub(crate) services: BTreeMap<String, Option<Failing>>,
    pub(crate) tasks: Vec<TaskStatus>,
}

impl Snapshot {
    /// Why no task can be expected to run now; nothing when one can.
    pub(crate) fn troubles(&self) -> Vec<String> {
        let of_activities = self
            .activities
            .iter()
            .filter_map(|(arn, activity)| Some((arn, activity.failing.as_ref()?)));
        let of_services = self
            .services
            .iter()
            .filter_map(|(service, failing)| Some((service, failing.as_ref()?)));
        let draining = self.draining.then(|| "the worker is stopping".to_owned());
        let failing = of_activities
            .chain(of_services)
            .map(|(what, failing)| format!("{what} fails since {}: {}", shown(failing.since), failing.why));
        draining.into_iter().chain(failing).collect()
    }
}

/// A time as people read it.
pub(crate) fn shown(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
