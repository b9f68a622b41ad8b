//! How a request's time is divided: waiting ends early enough to stop what was waited for.

use std::time::Duration;

use custom_resource::Request;
use tokio::time::Instant;

/// What is kept of an invocation for stopping and answering; of a short one, a third.
const RESERVE: Duration = Duration::from_secs(60);

/// Of that, what is left for stopping once the protocol's own reserve is gone; of a short time, a fifth.
const STOP_RESERVE: Duration = Duration::from_secs(50);

/// So much before the protocol gives up on us, our own answer has to be there.
const LAST_WORD: Duration = Duration::from_secs(2);

/// A request's limits in time, as absolute instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    /// When waiting ends and stopping begins. (A hand-over to a further invocation would come here.)
    pub(crate) cut: Instant,
    /// When stopping ends, confirmed or not.
    pub(crate) last: Instant,
}

impl Budget {
    /// Divides the time that a request has left.
    pub(crate) fn of(request: &Request) -> Self {
        Self::plan(Instant::now(), request.deadline, request.invocation_deadline)
    }

    fn plan(now: Instant, deadline: Instant, invocation_deadline: Instant) -> Self {
        let available = deadline.saturating_duration_since(now);
        let invocation = invocation_deadline.saturating_duration_since(now);
        let by_invocation = invocation.saturating_sub(RESERVE.min(invocation / 3));
        let by_deadline = available.saturating_sub(STOP_RESERVE.min(available / 5));
        Self {
            cut: now + by_invocation.min(by_deadline),
            last: now + available.saturating_sub(LAST_WORD.min(available / 10)),
        }
    }

    /// The instant after `time`, but not after the cut.
    pub(crate) fn within(&self, time: Duration) -> Instant {
        (Instant::now() + time).min(self.cut)
    }

    /// When a stop that may take `time` counts as unconfirmed.
    pub(crate) fn stop_by(&self, time: Duration) -> Instant {
        (Instant::now() + time).min(self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All in seconds: the provider's and the invocation's deadline, and the expected cut.
    #[track_caller]
    fn check(deadline: f64, invocation: f64, cut: f64) {
        let now = Instant::now();
        let at = |seconds| now + Duration::from_secs_f64(seconds);
        let budget = Budget::plan(now, at(deadline), at(invocation));
        assert_eq!((budget.cut - now).as_secs_f64(), cut);
        assert!(budget.cut < budget.last && budget.last < at(deadline));
    }

    #[test]
    fn a_wait_ends_a_minute_before_the_invocation() {
        check(890.0, 900.0, 840.0);
        check(290.0, 300.0, 240.0);
    }

    #[test]
    fn a_short_invocation_keeps_a_third() {
        check(50.0, 60.0, 40.0);
        check(3.0, 6.0, 2.4);
    }

    #[test]
    fn a_short_service_timeout_bounds_the_wait_too() {
        check(290.0, 900.0, 240.0);
        check(20.0, 900.0, 16.0);
    }
}
