//! How the worker ends: polls return, tasks are left, waited for or stopped, and after a while everything goes.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

use crate::config::Drain;

/// How long the last reports, and what is written of them, may take once everything else has ended.
pub(crate) const LAST_REPORTS: Duration = Duration::from_secs(30);

/// SIGTERM and SIGINT, counted from the moment when this is made, so that none is missed while nobody waits.
#[derive(Clone, Debug)]
pub struct Signals {
    count: watch::Receiver<u32>,
}

impl Signals {
    /// From now on neither of the two ends the process by itself.
    pub fn listen() -> Self {
        let listen = |kind| signal(kind).expect("SIGTERM and SIGINT can be listened for");
        let (mut terminate, mut interrupt): (Signal, Signal) =
            (listen(SignalKind::terminate()), listen(SignalKind::interrupt()));
        let (sender, count) = watch::channel(0);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                sender.send_modify(|count| *count += 1);
            }
        });
        Self { count }
    }

    /// Waits for the first one.
    pub async fn requested(&self) {
        self.reached(1).await;
    }

    /// Waits for the second one: somebody does not want to wait for the first one's draining.
    pub async fn insisted(&self) {
        self.reached(2).await;
    }

    async fn reached(&self, times: u32) {
        let mut count = self.count.clone();
        // The task that counts lives as long as the runtime.
        if count.wait_for(|count| *count >= times).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The stages of an end, as tasks see them. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Draining {
    mode: Drain,
    begun: CancellationToken,
    leave: CancellationToken,
    end: CancellationToken,
}

impl Draining {
    pub(crate) fn new(mode: Drain) -> Self {
        let [begun, leave, end] = std::array::from_fn(|_| CancellationToken::new());
        Self {
            mode,
            begun,
            leave,
            end,
        }
    }

    /// Begins; running jobs are left when all polls have returned, or when the time is over.
    pub(crate) fn begin(&self, limit: Duration) {
        info!(mode = ?self.mode, limit_s = limit.as_secs(), "draining: open polls return within a minute");
        self.begun.cancel();
        let (leave, end) = (self.leave.clone(), self.end.clone());
        tokio::spawn(async move {
            sleep(limit).await;
            leave.cancel();
            end.cancel();
        });
    }

    /// No task will arrive any more, so that the process can go: what is left keeps its heartbeats until now.
    pub(crate) fn polls_returned(&self) {
        if self.mode == Drain::Leave {
            self.leave.cancel();
        }
    }

    /// Whether nothing new is to be begun.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun.is_cancelled()
    }

    /// Nothing new is to be begun.
    pub(crate) async fn begun(&self) {
        self.begun.cancelled().await;
    }

    /// Running jobs are to be left as they are.
    pub(crate) async fn leave(&self) {
        self.leave.cancelled().await;
    }

    /// Running jobs are to be stopped.
    pub(crate) async fn stop(&self) {
        match self.mode {
            Drain::Stop => self.begun.cancelled().await,
            Drain::Leave | Drain::Wait => std::future::pending().await,
        }
    }

    /// Whatever is not done by now stays undone.
    pub(crate) async fn end(&self) {
        self.end.cancelled().await;
    }

    /// Waits until all tasks have ended, and no longer than they may take; whether they have.
    pub(crate) async fn wait_for(&self, tasks: &TaskTracker) -> bool {
        let too_late = async {
            self.end().await;
            sleep(LAST_REPORTS).await;
        };
        tokio::select! {
            biased;
            () = tasks.wait() => true,
            () = too_late => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    async fn seconds_until(stage: impl Future<Output = ()>) -> Option<u64> {
        let began = tokio::time::Instant::now();
        tokio::time::timeout(2 * LIMIT, stage)
            .await
            .ok()
            .map(|()| began.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn each_mode_has_its_stages() {
        for (mode, leave, stop) in [
            (Drain::Leave, Some(0), None),
            (Drain::Wait, Some(60), None),
            (Drain::Stop, Some(60), Some(0)),
        ] {
            let draining = Draining::new(mode);
            assert!(!draining.has_begun());
            draining.begin(LIMIT);
            assert!(draining.has_begun());
            assert_eq!(seconds_until(draining.stop()).await, stop, "{mode:?}");
            let draining = Draining::new(mode);
            draining.begin(LIMIT);
            draining.polls_returned();
            assert_eq!(seconds_until(draining.leave()).await, leave, "{mode:?}");
            let draining = Draining::new(mode);
            draining.begin(LIMIT);
            assert_eq!(seconds_until(draining.leave()).await, Some(60), "{mode:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_end_is_not_waited_for_for_ever() {
        let tasks = TaskTracker::new();
        tasks.spawn(std::future::pending::<()>());
        tasks.close();
        let draining = Draining::new(Drain::Leave);
        draining.begin(LIMIT);
        let began = tokio::time::Instant::now();
        assert!(!draining.wait_for(&tasks).await);
        assert_eq!(began.elapsed(), LIMIT + LAST_REPORTS);
        let none = TaskTracker::new();
        none.close();
        assert!(draining.wait_for(&none).await);
    }
}
