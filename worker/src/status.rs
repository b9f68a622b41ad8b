//! What the worker is doing, for its page and its probes, and for the log where something begins or ceases to fail.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use sparkwright_spark_job::names::BatchName;
use tracing::{info, warn};

use crate::activity::ActivityArn;
use crate::slots::Slots;
use crate::snapshot::{ActivityStatus, Failing, Snapshot, Step, TaskStatus, shown};
use crate::token::TaskId;

/// A failure that is said again after so long, in seconds.
const REMIND_S: i64 = 60;

/// Everything that a page shows. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    slots: Slots,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    activities: BTreeMap<String, ActivityStatus>,
    services: BTreeMap<String, Option<Failing>>,
    /// By the order of their coming.
    tasks: BTreeMap<u64, TaskStatus>,
    next_line: u64,
    draining: bool,
}

impl Status {
    pub(crate) fn new(slots: Slots) -> Self {
        Self {
            slots,
            state: Arc::default(),
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let state = self.lock();
        Snapshot {
            slots: self.slots.total(),
            free_slots: self.slots.free(),
            draining: state.draining,
            activities: state.activities.clone(),
            services: state.services.clone(),
            tasks: state.tasks.values().cloned().collect(),
        }
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

    /// Shows a task until the listing is dropped.
    pub(crate) fn list(&self, id: TaskId, activity: &ActivityArn) -> Listing {
        let task = TaskStatus {
            id,
            activity: activity.name().to_owned(),
            since: Timestamp::now(),
            step: Step::Received,
            batch_name: None,
            application_id: None,
            note: None,
        };
        let mut state = self.lock();
        let line = state.next_line;
        state.next_line += 1;
        state.tasks.insert(line, task);
        Listing {
            status: self.clone(),
            line,
        }
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

/// A task's line on the page, gone when dropped.
#[derive(Debug)]
pub(crate) struct Listing {
    status: Status,
    line: u64,
}

impl Listing {
    pub(crate) fn step(&self, step: Step) {
        self.update(|task| {
            task.step = step;
            task.note = None;
        });
    }

    pub(crate) fn batch(&self, name: &BatchName) {
        self.update(|task| task.batch_name = Some(name.to_string()));
    }

    pub(crate) fn application(&self, id: String) {
        self.update(|task| task.application_id = Some(id));
    }

    /// What is waited for; whether that is new.
    pub(crate) fn note(&self, why: Option<&str>) -> bool {
        self.update(|task| {
            let is_new = task.note.as_deref() != why;
            task.note = why.map(str::to_owned);
            is_new
        })
        .unwrap_or_default()
    }

    fn update<T>(&self, change: impl FnOnce(&mut TaskStatus) -> T) -> Option<T> {
        self.status.lock().tasks.get_mut(&self.line).map(change)
    }
}

impl Drop for Listing {
    fn drop(&mut self) {
        self.status.lock().tasks.remove(&self.line);
    }
}
