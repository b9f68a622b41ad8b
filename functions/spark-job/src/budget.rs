//! How a request's time is divided: waiting ends early enough to stop what was waited for.
//!
//! One invocation is short of what a request may take. At its *cut* it hands over to a further one, if that can be and
//! gains any time; if not, what is waited for is *cut short*, and what remains is for stopping and answering.

use std::time::Duration;

use custom_resource::Request;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// What is kept of an invocation for stopping and answering; of a short one, a third.
const RESERVE: Duration = Duration::from_secs(60);

/// Of that, what is left for stopping once the protocol's own reserve is gone; of a short time, a fifth.
const STOP_RESERVE: Duration = Duration::from_secs(50);

/// So much before the protocol gives up on us, our own answer has to be there.
const LAST_WORD: Duration = Duration::from_secs(2);

/// Why a wait is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// Its own limit has come.
    Limit,
    /// The invocation ends, and no other takes over.
    CutShort,
}

/// A request's limits in time, as absolute instants.
#[derive(Debug)]
pub(crate) struct Budget {
    /// When this invocation hands over, or is cut short.
    pub(crate) cut: Instant,
    /// Whether a hand-over at the cut gains time.
    pub(crate) continues: bool,
    /// When stopping ends in this invocation, confirmed or not.
    last: Instant,
    /// A little later: what does not end by itself until then is left.
    end: Instant,
    /// When waiting ends over all invocations, and stopping begins.
    pub(crate) wait_end: Instant,
    /// When stopping ends over all invocations.
    stop_end: Instant,
    short: watch::Sender<bool>,
}

impl Budget {
    /// Divides the time that a request has left.
    pub(crate) fn of(request: &Request) -> Self {
        Self::plan(
            Instant::now(),
            request.deadline,
            request.invocation_deadline,
            request
                .continuation
                .is_available()
                .then_some(request.service_deadline),
        )
    }

    /// `service_deadline`: when CloudFormation stops waiting, if further invocations can take over.
    fn plan(
        now: Instant,
        deadline: Instant,
        invocation_deadline: Instant,
        service_deadline: Option<Instant>,
    ) -> Self {
        let available = deadline.saturating_duration_since(now);
        let invocation = invocation_deadline.saturating_duration_since(now);
        let by_invocation = invocation.saturating_sub(RESERVE.min(invocation / 3));
        let by_deadline = available.saturating_sub(STOP_RESERVE.min(available / 5));
        let cut = now + by_invocation.min(by_deadline);
        let last_word = LAST_WORD.min(available / 10);
        let last = now + available.saturating_sub(last_word);
        let mut budget = Self {
            cut,
            continues: false,
            last,
            end: last + last_word / 2,
            wait_end: cut,
            stop_end: last,
            short: watch::Sender::new(false),
        };
        if let Some(end) = service_deadline.filter(|end| *end > deadline) {
            let in_all = end.saturating_duration_since(now);
            budget.continues = true;
            budget.wait_end = now + in_all.saturating_sub(STOP_RESERVE.min(in_all / 5));
            budget.stop_end = now + in_all.saturating_sub(LAST_WORD.min(in_all / 10));
        }
        budget
    }

    /// How many further invocations a wait of so long from now on takes, when each lasts as long as this one.
    pub(crate) fn hand_overs(&self, wait: Duration) -> u32 {
        let now = Instant::now();
        let wait = wait.min(self.wait_end.saturating_duration_since(now));
        let each = self
            .cut
            .saturating_duration_since(now)
            .max(Duration::from_secs(1));
        u32::try_from(wait.as_millis() / each.as_millis()).unwrap_or(u32::MAX)
    }

    /// A limit of a wait, which has to leave time for stopping.
    pub(crate) fn for_waiting(&self, limit: Instant) -> Instant {
        limit.min(self.wait_end)
    }

    /// A limit of a stop.
    pub(crate) fn for_stopping(&self, limit: Instant) -> Instant {
        limit.min(self.stop_end())
    }

    /// When stopping ends, as far as is known by now.
    pub(crate) fn stop_end(&self) -> Instant {
        if *self.short.borrow() {
            self.last
        } else {
            self.stop_end
        }
    }

    /// Nobody takes over: what is waited for has to be given up now.
    pub(crate) fn cut_short(&self) {
        self.short.send_replace(true);
    }

    /// Works until it is done, the limit has come, or the invocation is cut short.
    pub(crate) async fn wait<T>(&self, limit: Instant, work: impl Future<Output = T>) -> Result<T, Over> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = sleep_until(limit) => Err(Over::Limit),
            () = self.is_cut_short() => Err(Over::CutShort),
        }
    }

    /// Works on stopping something; none when the invocation ends before it is done.
    pub(crate) async fn stop<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let end = async {
            self.is_cut_short().await;
            sleep_until(self.end).await;
        };
        tokio::select! {
            biased;
            done = work => Some(done),
            () = end => None,
        }
    }

    async fn is_cut_short(&self) {
        // The sender is this budget's own.
        let _ = self.short.subscribe().wait_for(|short| *short).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(deadline: f64, invocation: f64, service: Option<f64>) -> (Budget, Instant) {
        let now = Instant::now();
        let at = |seconds| now + Duration::from_secs_f64(seconds);
        (
            Budget::plan(now, at(deadline), at(invocation), service.map(at)),
            now,
        )
    }

    /// All in seconds: the provider's and the invocation's deadline, and the expected cut.
    #[track_caller]
    fn check(deadline: f64, invocation: f64, cut: f64) {
        let (budget, now) = plan(deadline, invocation, None);
        assert_eq!((budget.cut - now).as_secs_f64(), cut);
        assert!(budget.cut < budget.last && budget.last < now + Duration::from_secs_f64(deadline));
        assert!(!budget.continues && budget.wait_end == budget.cut && budget.stop_end == budget.last);
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

    #[test]
    fn with_further_invocations_the_service_bounds_the_wait() {
        let (budget, now) = plan(890.0, 900.0, Some(3590.0));
        assert!(budget.continues);
        assert_eq!((budget.cut - now).as_secs(), 840);
        assert_eq!((budget.wait_end - now).as_secs(), 3540);
        assert_eq!((budget.stop_end - now).as_secs(), 3588);
    }

    #[test]
    fn a_hand_over_that_gains_no_time_is_none() {
        let (budget, _) = plan(290.0, 900.0, Some(290.0));
        assert!(!budget.continues);
    }

    #[tokio::test(start_paused = true)]
    async fn the_invocations_that_a_wait_takes_are_known_before_it_begins() {
        let (budget, _) = plan(890.0, 900.0, Some(3590.0));
        assert_eq!(budget.hand_overs(Duration::from_secs(839)), 0);
        assert_eq!(budget.hand_overs(Duration::from_secs(900)), 1);
        assert_eq!(budget.hand_overs(Duration::from_secs(3300)), 3);
        let (budget, _) = plan(50.0, 60.0, Some(3590.0));
        assert_eq!(budget.hand_overs(Duration::from_secs(3300)), 82);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_cut_short_still_has_time_to_stop() {
        let (budget, now) = plan(50.0, 60.0, Some(3590.0));
        let far = now + Duration::from_secs(3000);
        budget.cut_short();
        let waited = budget.wait(far, std::future::pending::<()>()).await;
        assert_eq!((waited, now.elapsed().as_secs()), (Err(Over::CutShort), 0));
        assert_eq!(budget.for_stopping(far), budget.last);
        assert_eq!(budget.stop(std::future::pending::<()>()).await, None);
        assert_eq!(now.elapsed().as_secs(), 49);
    }
}
