//! What the worker is doing, for its page and its probes, and for the log where something begins or ceases to fail.

mod listing;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tracing::{info, warn};

use crate::activity::ActivityArn;
use crate::metrics::Metrics;
use crate::slots::Slots;
use crate::snapshot::{ActivityStatus, Failing, Finished, Rows, Snapshot, shown};
use crate::token::TaskId;

use listing::Line;
pub(crate) use listing::Listing;

/// A failure that is said again after so long, in seconds.
const REMIND_S: i64 = 60;

/// So many tasks that have ended are shown.
const FINISHED: usize = 100;

/// Everything that a page shows. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    slots: Slots,
    metrics: Metrics,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    activities: BTreeMap<String, ActivityStatus>,
    services: BTreeMap<String, Option<Failing>>,
    /// By the order of their coming: the map's leaves are half empty then, so that the lines are beside it.
    tasks: BTreeMap<u64, Box<Line>>,
    next_line: u64,
    /// The newest last.
    finished: VecDeque<Finished>,
    polls: bool,
    draining: bool,
}

impl Status {
    pub(crate) fn new(slots: Slots, metrics: Metrics) -> Self {
        Self {
            slots,
            metrics,
            state: Arc::default(),
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let state = self.lock();
        let mut steps = BTreeMap::new();
        for line in state.tasks.values() {
            *steps.entry(line.task.step.name()).or_default() += 1;
        }
        Snapshot {
            slots: self.slots.total(),
            free_slots: self.slots.free(),
            starting: !state.polls,
            draining: state.draining,
            activities: state.activities.clone(),
            services: state.services.clone(),
            tasks: state.tasks.len(),
            steps,
        }
    }

    /// The tasks one by one, at most so many that are open.
    pub(crate) fn rows(&self, most: usize) -> Rows {
        let state = self.lock();
        let open = state.tasks.values().take(most);
        Rows {
            open: open.map(|line| line.task.clone()).collect(),
            finished: state.finished.iter().rev().cloned().collect(),
        }
    }

    /// The activities that are to be polled. One that never answers is seen from the start.
    pub(crate) fn serves(&self, activities: &[ActivityArn]) {
        let mut state = self.lock();
        for activity in activities {
            state.activities.entry(activity.to_string()).or_default();
        }
    }

    /// What an earlier process has left is taken up, and new work is asked for.
    pub(crate) fn polling(&self) {
        self.lock().polls = true;
    }

    pub(crate) fn draining(&self) {
        self.lock().draining = true;
    }

    pub(crate) fn poll_opened(&self, activity: &ActivityArn) {
        self.lock()
            .activities
            .entry(activity.to_string())
            .or_default()
            .open_polls += 1;
    }

    /// A poll is open for so long that Step Functions must have taken it.
    pub(crate) fn poll_held(&self, activity: &ActivityArn) {
        let mut state = self.lock();
        note(
            &mut state.activities.entry(activity.to_string()).or_default().failing,
            activity.as_str(),
            None,
        );
    }

    /// A poll returned; `failure` says why it was in vain.
    pub(crate) fn poll_returned(&self, activity: &ActivityArn, failure: Option<String>) {
        let mut state = self.lock();
        let entry = state.activities.entry(activity.to_string()).or_default();
        entry.open_polls = entry.open_polls.saturating_sub(1);
        if failure.is_none() {
            entry.last_answer = Some(Timestamp::now());
        }
        note(&mut entry.failing, activity.as_str(), failure);
    }

    /// A service answered, or did not.
    pub(crate) fn service(&self, name: &str, failure: Option<String>) {
        let mut state = self.lock();
        note(state.services.entry(name.to_owned()).or_default(), name, failure);
    }

    /// Shows a task until the listing is dropped; an earlier process may have had it for a while.
    pub(crate) fn list(&self, id: TaskId, activity: &ActivityArn, age: Duration) -> Listing {
        let mut state = self.lock();
        let number = state.next_line;
        state.next_line += 1;
        state.tasks.insert(number, Box::new(Line::new(id, activity, age)));
        Listing::new(self.clone(), number)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes and logs when something begins to fail, still fails, or works again.
fn note(failing: &mut Option<Failing>, what: &str, failure: Option<String>) {
    let now = Timestamp::now();
    match (failing.as_mut(), failure) {
        (None, None) => {}
        (None, Some(why)) => {
            warn!(what, why, "something does not answer; it is tried again");
            *failing = Some(Failing {
                since: now,
                why,
                said: now,
            });
        }
        (Some(before), Some(why)) => {
            if before.why != why || now.duration_since(before.said).as_secs() >= REMIND_S {
                before.said = now;
                warn!(
                    what,
                    why,
                    since = shown(before.since),
                    "something still does not answer"
                );
            }
            before.why = why;
        }
        (Some(before), None) => {
            info!(
                what,
                silent_s = now.duration_since(before.since).as_secs(),
                "it answers again"
            );
            *failing = None;
        }
    }
}

#[cfg(test)]
mod tests;
