//! The heartbeats of one task: on a schedule of their own, whatever Livy does meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sparkwright_spark_job::chain;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::{sleep_until, timeout};
use tracing::{Instrument, Span, debug, warn};

use crate::activity::Clients;
use crate::token::TaskToken;

/// However long HeartbeatSeconds is: a cancelled task is noticed at the next heartbeat.
const LONGEST_PERIOD: Duration = Duration::from_secs(60);

/// Without HeartbeatSeconds, a token that was good within so many periods is cancelled rather than expired.
const PERIODS_OF_TRUST: u32 = 3;

/// Heartbeats may come so much earlier than their period, so that those of many tasks spread.
const JITTER: f64 = 0.1;

/// When to beat. It knows no clock: every instant is given.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    period: Duration,
    /// HeartbeatSeconds, if the input says it.
    timeout: Option<Duration>,
    /// When the token was last known to be good, if that can be told.
    accepted: Option<Instant>,
    next: Instant,
    failures: u32,
}

impl Schedule {
    /// The schedule of a token that was handed out at `received`: the first beat is due at once.
    pub(crate) fn new(received: Instant, default_period: Duration, timeout: Option<Duration>) -> Self {
        Self::resumed(received, Some(received), default_period, timeout)
    }

    /// The schedule of a token that an earlier process has left, and that was good at `accepted`.
    pub(crate) fn resumed(
        now: Instant,
        accepted: Option<Instant>,
        default_period: Duration,
        timeout: Option<Duration>,
    ) -> Self {
        let period = timeout.map_or(default_period, |timeout| (timeout / 3).min(LONGEST_PERIOD));
        Self {
            period,
            timeout,
            accepted,
            next: now,
            failures: 0,
        }
    }

    /// When the next beat is due.
    pub(crate) fn next(&self) -> Instant {
        self.next
    }

    /// How long the answer to one beat may take before it is given up for the next.
    pub(crate) fn patience(&self) -> Duration {
        self.period
            .clamp(Duration::from_millis(500), Duration::from_secs(10))
    }

    /// A beat that was sent at `sent` was accepted; `luck` (0 to 1) spreads the next one.
    pub(crate) fn accepted(&mut self, sent: Instant, luck: f64) {
        self.accepted = self.accepted.max(Some(sent));
        self.failures = 0;
        self.next = sent + self.period.mul_f64(1.0 - JITTER * luck.clamp(0.0, 1.0));
    }

    /// A beat failed at `now`, though the token may be good: soon again.
    pub(crate) fn failed(&mut self, now: Instant) {
        let step = (self.period / 16)
            .saturating_mul(2_u32.saturating_pow(self.failures))
            .min(self.period / 2);
        self.failures = self.failures.saturating_add(1);
        let mut next = now + step;
        // Half of what is left comes before the time-out, however little that is.
        if let Some(expires) = self.expires().filter(|expires| *expires > now) {
            next = next.min(now + (expires - now) / 2);
        }
        self.next = next.max(now + Duration::from_millis(10));
    }

    /// Whether a token that is over at `now` was good so recently that it cannot have expired: it was cancelled.
    pub(crate) fn was_good_until(&self, now: Instant) -> bool {
        self.accepted
            .is_some_and(|accepted| now.duration_since(accepted) < self.trust())
    }

    /// So long after it was good a token cannot have expired.
    fn trust(&self) -> Duration {
        self.timeout.unwrap_or(self.period * PERIODS_OF_TRUST)
    }

    fn expires(&self) -> Option<Instant> {
        Some(self.accepted? + self.timeout?)
    }
}

/// What is known of a task's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lease {
    /// An earlier process has left it, and the service was not heard about it yet.
    Unconfirmed,
    /// It was good when the last beat was sent, or when it was handed out; that was then.
    Held(Instant),
    /// The service says that it is over, and it was good until just before: somebody ended the task.
    Cancelled,
    /// The service says that it is over, and it may have expired: a retry may have taken over.
    Expired,
}

impl Lease {
    /// Whether the service has said that the token is over.
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::Cancelled | Self::Expired)
    }
}

/// A task's heartbeats; they end when this is dropped.
#[derive(Debug)]
pub(crate) struct Heartbeats {
    /// A token that was not heard of for so long may have expired.
    fresh_for: Duration,
    lease: watch::Receiver<Lease>,
    beat_now: Arc<Notify>,
    task: AbortHandle,
}

impl Heartbeats {
    /// Begins to beat, at once; `lease` is what is known of the token already.
    pub(crate) fn start(clients: Clients, token: TaskToken, schedule: Schedule, lease: Lease) -> Self {
        let fresh_for = schedule.trust() / 2;
        let (sender, lease) = watch::channel(lease);
        let beat_now = Arc::new(Notify::new());
        let beating = beat(clients, token, schedule, sender, Arc::clone(&beat_now));
        let task = tokio::spawn(beating.instrument(Span::current())).abort_handle();
        Self {
            fresh_for,
            lease,
            beat_now,
            task,
        }
    }

    /// Waits until the service says that the token is over: whether it was cancelled, not expired.
    pub(crate) async fn over(&self) -> Lease {
        let mut lease = self.lease.clone();
        let over = lease.wait_for(|lease| lease.is_over()).await.map(|lease| *lease);
        match over {
            Ok(lease) => lease,
            // Without a beating task nothing is learned any more.
            Err(_) => std::future::pending().await,
        }
    }

    /// What is known now.
    pub(crate) fn lease(&self) -> Lease {
        *self.lease.borrow()
    }

    /// Whether the token is good: asks when that was not heard lately, however long the answer takes.
    pub(crate) async fn is_good(&self) -> bool {
        match self.lease() {
            Lease::Held(at) if at.elapsed() < self.fresh_for => true,
            Lease::Held(_) | Lease::Unconfirmed => self.pulse().is_good().await,
            Lease::Cancelled | Lease::Expired => false,
        }
    }

    /// Waits until the service has answered to a beat for the first time.
    pub(crate) fn first_answer(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut lease = self.lease.clone();
        // Every answer changes it; without a beating task none will come.
        async move { lease.changed().await.unwrap_or_default() }
    }

    /// What is known, for somebody who looks now and then.
    pub(crate) fn watched(&self) -> watch::Receiver<Lease> {
        self.lease.clone()
    }

    /// By which others can ask whether the token is still good.
    pub(crate) fn pulse(&self) -> Pulse {
        Pulse::new(self.lease.clone(), Arc::clone(&self.beat_now))
    }
}

impl Drop for Heartbeats {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A way to ask whether another task's token is still good.
#[derive(Clone, Debug)]
pub(crate) struct Pulse {
    lease: watch::Receiver<Lease>,
    beat_now: Arc<Notify>,
}

impl Pulse {
    pub(crate) fn new(lease: watch::Receiver<Lease>, beat_now: Arc<Notify>) -> Self {
        Self { lease, beat_now }
    }

    /// Beats now, and waits for what comes of it.
    pub(crate) async fn is_good(&mut self) -> bool {
        let asked = Instant::now();
        self.beat_now.notify_one();
        let answer = self.lease.wait_for(|lease| match lease {
            Lease::Unconfirmed => false,
            Lease::Held(sent) => *sent >= asked,
            Lease::Cancelled | Lease::Expired => true,
        });
        // A task whose heartbeats have ended has ended itself.
        answer.await.is_ok_and(|lease| matches!(*lease, Lease::Held(_)))
    }
}

async fn beat(
    clients: Clients,
    token: TaskToken,
    mut schedule: Schedule,
    lease: watch::Sender<Lease>,
    beat_now: Arc<Notify>,
) {
    loop {
        let due = tokio::select! {
            () = sleep_until(schedule.next().into()) => schedule.next(),
            () = beat_now.notified() => Instant::now(),
        };
        // However long that takes: whoever gave up would only have to stand in line again, behind all others.
        clients.turn_to_heartbeat(due.into()).await;
        let sent = Instant::now();
        match timeout(schedule.patience(), clients.send_heartbeat(&token)).await {
            Ok(Ok(())) => {
                schedule.accepted(sent, fastrand::f64());
                lease.send_replace(Lease::Held(sent));
            }
            Ok(Err(error)) if error.is_over() => {
                let cancelled = schedule.was_good_until(Instant::now());
                debug!(error = chain(&error), cancelled, "the task's token is over");
                lease.send_replace(if cancelled {
                    Lease::Cancelled
                } else {
                    Lease::Expired
                });
                return;
            }
            Ok(Err(error)) => {
                warn!(
                    error = chain(&error),
                    advice = error.class().advice(),
                    "a heartbeat failed; it is sent again"
                );
                schedule.failed(Instant::now());
            }
            Err(_) => {
                warn!(
                    waited_ms = schedule.patience().as_millis(),
                    "a heartbeat was not answered; it is sent again"
                );
                schedule.failed(Instant::now());
            }
        }
    }
}

#[cfg(test)]
mod tests;
