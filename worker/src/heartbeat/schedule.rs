//! When a token's heart beats. It knows no clock: every instant is given.

use std::time::{Duration, Instant};

/// However long HeartbeatSeconds is: a cancelled task is noticed at the next heartbeat.
const LONGEST_PERIOD: Duration = Duration::from_secs(60);

/// Without HeartbeatSeconds, a token that was good within so many periods is cancelled rather than expired.
const PERIODS_OF_TRUST: u32 = 3;

/// Heartbeats may come so much earlier than their period, so that those of many tasks spread.
const JITTER: f64 = 0.1;

/// When one token's heart beats.
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
    pub(super) fn trust(&self) -> Duration {
        self.timeout.unwrap_or(self.period * PERIODS_OF_TRUST)
    }

    fn expires(&self) -> Option<Instant> {
        Some(self.accepted? + self.timeout?)
    }
}

#[cfg(test)]
mod tests;
