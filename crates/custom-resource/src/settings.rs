//! How much time the parts of a request may take.

use std::time::Duration;

/// Times of a [`Handler`](crate::Handler). The defaults suit a function of any length.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            answer_reserve: Duration::from_secs(10),
            attempt_timeout: Duration::from_secs(10),
            shortest_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(10),
        }
    }
}
