//! Which open task has which intent, so that one worker never serves an intent twice at a time; and which job it names.
//!
//! A retry can arrive before the task that it replaces has learned that its token is over. It waits for that, and for
//! a job of the intent that is being stopped.

mod jobs;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sparkwright_spark_job::identity::{Intent, Spec};
use tokio::sync::watch;

use self::jobs::Jobs;
use crate::heartbeat::Pulse;
use crate::token::TaskId;

/// The intents of all open tasks. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Intents {
    held: Arc<Mutex<HashMap<Intent, Holder>>>,
    jobs: Arc<Mutex<Jobs>>,
}

#[derive(Clone, Debug)]
struct Holder {
    task: TaskId,
    pulse: Pulse,
    /// The job is being stopped, whatever the token says.
    stopping: bool,
    /// The task has a run of it.
    adopted: bool,
    /// Each task that waits for the intent has a clone.
    waiting: Arc<()>,
    /// Closed when the claim is dropped.
    released: watch::Receiver<()>,
}

/// A place among those who wait for an intent: whoever has it knows that it is wanted.
#[derive(Debug)]
pub(crate) struct Waiting(#[expect(dead_code, reason = "held, not read")] Arc<()>);

/// Another task has the intent, and its token is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) by: TaskId,
}

/// A task's hold on its intent; others may have it once this is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    intents: Intents,
    intent: Intent,
    _released: watch::Sender<()>,
}

impl Intents {
    /// Waits until the intent is free, or until it is certain that another open task has it.
    pub(crate) async fn claim(&self, intent: Intent, task: &TaskId, pulse: Pulse) -> Result<Claim, Taken> {
        loop {
            let mut other = match self.try_claim(intent, task, &pulse) {
                Ok(claim) => return Ok(claim),
                Err(other) => other,
            };
            if !other.stopping && other.pulse.is_good().await && !self.is_stopping(intent) {
                return Err(Taken { by: other.task });
            }
            // The sender is never used: the channel closes when the claim is dropped.
            let _ = other.released.changed().await;
        }
    }

    /// Lets whoever has the intent know that it is wanted.
    pub(crate) fn wait(&self, intent: Intent) -> Option<Waiting> {
        self.with(intent, |holder| Waiting(Arc::clone(&holder.waiting)))
    }

    /// The intent, if it is free now.
    pub(crate) fn claim_now(&self, intent: Intent, task: &TaskId, pulse: &Pulse) -> Option<Claim> {
        self.try_claim(intent, task, pulse).ok()
    }

    fn try_claim(&self, intent: Intent, task: &TaskId, pulse: &Pulse) -> Result<Claim, Holder> {
        let mut held = self.lock();
        if let Some(holder) = held.get(&intent) {
            return Err(holder.clone());
        }
        let (sender, released) = watch::channel(());
        let waiting = Arc::new(());
        let holder = Holder {
            task: task.clone(),
            pulse: pulse.clone(),
            stopping: false,
            adopted: false,
            waiting,
            released,
        };
        held.insert(intent, holder);
        Ok(Claim {
            intents: self.clone(),
            intent,
            _released: sender,
        })
    }

    /// Whether any task has the intent.
    pub(crate) fn is_taken(&self, intent: Intent) -> bool {
        self.lock().contains_key(&intent)
    }

    /// Whether any task has a run of the intent.
    pub(crate) fn is_adopted(&self, intent: Intent) -> bool {
        self.lock().get(&intent).is_some_and(|holder| holder.adopted)
    }

    /// From now on the intent names this job, unless it names one already; whether that is new.
    pub(crate) fn names(&self, intent: Intent, spec: Spec) -> bool {
        self.jobs().name(intent, spec)
    }

    /// Whether the intent names another job than this.
    pub(crate) fn names_other(&self, intent: Intent, spec: Spec) -> bool {
        self.jobs().is_other(intent, spec)
    }

    /// It was a mistake that the intent names this job.
    pub(crate) fn misnamed(&self, intent: Intent, spec: Spec) {
        self.jobs().forget(intent, spec);
    }

    fn is_stopping(&self, intent: Intent) -> bool {
        self.lock().get(&intent).is_some_and(|holder| holder.stopping)
    }

    fn with<T>(&self, intent: Intent, act: impl FnOnce(&mut Holder) -> T) -> Option<T> {
        self.lock().get_mut(&intent).map(act)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Intent, Holder>> {
        // Nothing that could panic happens under the lock.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim {
    /// Whether another open task waits for the intent.
    pub(crate) fn is_wanted(&self) -> bool {
        self.intents
            .with(self.intent, |holder| Arc::strong_count(&holder.waiting) > 1)
            .unwrap_or_default()
    }

    /// From now on the task has a run, and sees to it.
    pub(crate) fn adopted(&self) {
        self.intents.with(self.intent, |holder| holder.adopted = true);
    }

    /// From now on the job is being stopped: whoever wants the intent waits for that.
    pub(crate) fn stopping(&self) {
        self.intents.with(self.intent, |holder| holder.stopping = true);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.intents.lock().remove(&self.intent);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::heartbeat::Lease;
    use crate::token::TaskToken;

    struct Task {
        id: TaskId,
        lease: watch::Sender<Lease>,
        pulse: Pulse,
    }

    fn task(token: &str) -> Task {
        let (lease, receiver) = watch::channel(Lease::Held(Instant::now()));
        let pulse = Pulse::still(receiver);
        Task {
            id: TaskToken::new(token).id(),
            lease,
            pulse,
        }
    }

    fn intent() -> Intent {
        Intent::of_token("execution/state/1")
    }

    #[tokio::test]
    async fn a_second_open_task_with_the_intent_is_refused() {
        let intents = Intents::default();
        let (first, second) = (task("1"), task("2"));
        let _claim = intents
            .claim(intent(), &first.id, first.pulse.clone())
            .await
            .unwrap();
        let claiming = intents.claim(intent(), &second.id, second.pulse.clone());
        let beating = async { first.lease.send_replace(Lease::Held(Instant::now())) };
        let (taken, _) = tokio::join!(claiming, beating);
        assert_eq!(taken.unwrap_err(), Taken { by: first.id });
    }

    #[tokio::test]
    async fn a_retry_waits_until_the_task_that_it_replaces_has_let_go() {
        let intents = Intents::default();
        let (first, second) = (task("1"), task("2"));
        let claim = intents
            .claim(intent(), &first.id, first.pulse.clone())
            .await
            .unwrap();
        assert!(!claim.is_wanted());
        let claiming = intents.claim(intent(), &second.id, second.pulse.clone());
        let letting_go = async {
            first.lease.send_replace(Lease::Expired);
            assert!(claim.is_wanted());
            drop(claim);
        };
        let (second_claim, ()) = tokio::join!(claiming, letting_go);
        assert!(!second_claim.unwrap().is_wanted());
    }

    #[tokio::test]
    async fn a_retry_waits_for_a_job_that_is_being_stopped() {
        let intents = Intents::default();
        let (first, second) = (task("1"), task("2"));
        let claim = intents
            .claim(intent(), &first.id, first.pulse.clone())
            .await
            .unwrap();
        claim.stopping();
        let claiming = intents.claim(intent(), &second.id, second.pulse.clone());
        let (second_claim, ()) = tokio::join!(claiming, async { drop(claim) });
        assert!(second_claim.is_ok());
    }

    #[tokio::test]
    async fn an_intent_is_free_again_after_its_task() {
        let intents = Intents::default();
        for token in ["1", "2"] {
            let task = task(token);
            drop(
                intents
                    .claim(intent(), &task.id, task.pulse.clone())
                    .await
                    .unwrap(),
            );
        }
        assert!(intents.lock().is_empty());
    }
}
