//! A started task's signs of life, and the clocks that end it without them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::state::Core;
use super::task::{Outcome, TimeOut};

/// How far a task has come.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    pub(super) token: Option<String>,
    pub(super) worker_name: Option<String>,
    pub(super) outcome: Option<Outcome>,
    pub(super) heartbeats: usize,
    /// When the outcome came, in milliseconds since the epoch.
    pub(super) ended_at_ms: Option<i64>,
    started_at: Option<Instant>,
    last_sign: Option<Instant>,
    /// Between two signs of life each.
    pub(super) silences: Vec<Duration>,
}

impl Progress {
    /// The token was handed out: its clocks run from now on.
    pub(super) fn start(&mut self, worker_name: Option<String>) {
        let now = Instant::now();
        self.worker_name = worker_name;
        self.started_at = Some(now);
        self.sign(now);
    }

    /// A sign of life.
    pub(super) fn sign(&mut self, now: Instant) {
        if let Some(last) = self.last_sign.replace(now) {
            self.silences.push(now - last);
        }
    }

    pub(super) fn longest_silence(&self) -> Duration {
        let now = if self.outcome.is_some() {
            Duration::ZERO
        } else {
            self.last_sign.map_or(Duration::ZERO, |at| at.elapsed())
        };
        self.silences.iter().copied().max().unwrap_or_default().max(now)
    }
}

/// Ends the task when one of its times is over.
pub(super) async fn watch(
    core: Arc<Core>,
    id: u64,
    mut progress: watch::Receiver<Progress>,
    heartbeat: Option<Duration>,
    timeout: Option<Duration>,
) {
    loop {
        let (started, last) = {
            let progress = progress.borrow_and_update();
            if progress.outcome.is_some() {
                return;
            }
            let started = progress.started_at.expect("the clocks run from the start on");
            (started, progress.last_sign.unwrap_or(started))
        };
        let deadlines = [
            timeout.map(|timeout| (started + timeout, TimeOut::Task)),
            heartbeat.map(|heartbeat| (last + heartbeat, TimeOut::Heartbeat)),
        ];
        let Some((deadline, which)) = deadlines
            .into_iter()
            .flatten()
            .min_by_key(|(deadline, _)| *deadline)
        else {
            return;
        };
        tokio::select! {
            () = tokio::time::sleep_until(deadline.into()) => {
                core.close(id, Outcome::TimedOut(which));
                return;
            }
            changed = progress.changed() => if changed.is_err() { return },
        }
    }
}
