//! A moment's picture of the worker, as its page and its probes show it.

mod task;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub(crate) use task::{Ended, Finished, Links, TaskState, TaskStatus, Unprotected};

/// Why a worker is not ready that takes up what an earlier process has left.
pub(crate) const STARTING: &str = "the worker is starting";

/// Why a worker is not ready that drains.
pub(crate) const STOPPING: &str = "the worker is stopping";

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

/// A moment's picture.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) slots: usize,
    pub(crate) free_slots: usize,
    /// It does not poll yet.
    pub(crate) starting: bool,
    pub(crate) draining: bool,
    pub(crate) activities: BTreeMap<String, ActivityStatus>,
    pub(crate) services: BTreeMap<String, Option<Failing>>,
    /// How many tasks are open.
    pub(crate) tasks: usize,
    /// The same by [`TaskState::name`].
    pub(crate) steps: BTreeMap<&'static str, usize>,
}

/// The tasks of a moment's picture, one by one.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    /// The oldest, as many as were asked for.
    pub(crate) open: Vec<TaskStatus>,
    /// The last ones, the newest first.
    pub(crate) finished: Vec<Finished>,
}

impl Snapshot {
    /// The worker in one line: what is wrong, else what it is at.
    pub(crate) fn summary(&self) -> String {
        let taken = self.slots - self.free_slots;
        let work = format!("{} tasks; {taken} of {} slots taken", self.tasks, self.slots);
        match self.troubles().first() {
            Some(trouble) => format!("{trouble}; {work}"),
            None => work,
        }
    }

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
        let starting = self.starting.then(|| STARTING.to_owned());
        let draining = self.draining.then(|| STOPPING.to_owned());
        let failing = of_activities
            .chain(of_services)
            .map(|(what, failing)| format!("{what} fails since {}: {}", shown(failing.since), failing.why));
        starting.into_iter().chain(draining).chain(failing).collect()
    }
}

/// A time as people read it.
pub(crate) fn shown(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
