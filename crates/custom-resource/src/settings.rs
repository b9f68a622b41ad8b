//! How much time the parts of a request may take, and how often it may be handed over.

use std::time::{Duration, SystemTime};

/// Times and bounds of a [`Handler`](crate::Handler). The defaults suit a function of any length.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// What is kept of an invocation for the answer: 10 s. An invocation shorter than twice that keeps half.
    pub answer_reserve: Duration,
    /// How long one attempt to deliver the answer may take: 10 s.
    pub attempt_timeout: Duration,
    /// The pause before the second attempt: 200 ms. It doubles with each, and jitter is added.
    pub shortest_pause: Duration,
    /// The longest pause between two attempts, before jitter: 10 s.
    pub longest_pause: Duration,
    /// How often a request may be handed over to a further invocation: 12. Lambda ends a chain of a function's
    /// own invocations at about 16, without a word to CloudFormation; what remains is for a function that is
    /// itself called by others.
    pub max_hops: u32,
    /// How long a hand-over, or the check whether one is allowed, may take: 20 s, and never more than a third
    /// of what remains until [`Request::deadline`](crate::Request::deadline), so that there is always time to
    /// answer without it.
    pub hand_over_timeout: Duration,
    /// The wall clock: [`SystemTime::now`]. Read once in each invocation; from then on
    /// [`Request::wall_clock`](crate::Request::wall_clock) follows tokio's clock. Another is for tests
    /// that run in virtual time.
    pub wall_clock: fn() -> SystemTime,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            answer_reserve: Duration::from_secs(10),
            attempt_timeout: Duration::from_secs(10),
            shortest_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(10),
            max_hops: 12,
            hand_over_timeout: Duration::from_secs(20),
            wall_clock: SystemTime::now,
        }
    }
}
