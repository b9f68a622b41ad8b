//! How long to wait after a failed call: by what the failure means, longer each time, never for ever.

use std::time::Duration;

use crate::call_error::Class;

/// The first and the longest wait after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    first: Duration,
    longest: Duration,
}

/// Consecutive failures of one caller.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
    class: Option<Class>,
}

impl Backoff {
    /// A call went well.
    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// A call failed: how long to wait, spread by `luck` (0 to 1) over the upper half of the step, so that callers
    /// that failed together do not come back together.
    pub(crate) fn failed(&mut self, class: Class, luck: f64) -> Duration {
        if self.class != Some(class) {
            *self = Self {
                failures: 0,
                class: Some(class),
            };
        }
        let Range { first, longest } = range(class);
        let step = first
            .saturating_mul(2_u32.saturating_pow(self.failures))
            .min(longest);
        self.failures = self.failures.saturating_add(1);
        step.mul_f64(0.5 + 0.5 * luck.clamp(0.0, 1.0))
    }
}

fn range(class: Class) -> Range {
    let (first, longest) = match class {
        Class::Unreachable => (200, 10_000),
        Class::Throttled => (1_000, 20_000),
        // Somebody has to do something first, and the call is not worth much until then.
        Class::Unauthorized | Class::NoActivity | Class::PollerLimit => (5_000, 60_000),
        Class::Over | Class::Refused => (1_000, 60_000),
    };
    Range {
        first: Duration::from_millis(first),
        longest: Duration::from_millis(longest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(class: Class, count: usize) -> Vec<u128> {
        let mut backoff = Backoff::default();
        (0..count)
            .map(|_| backoff.failed(class, 1.0).as_millis())
            .collect()
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        assert_eq!(
            waits(Class::Unreachable, 8),
            [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]
        );
        assert_eq!(
            waits(Class::NoActivity, 6),
            [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]
        );
        assert_eq!(waits(Class::Throttled, 100).last(), Some(&20_000));
    }

    #[test]
    fn another_trouble_or_a_success_starts_anew() {
        let mut backoff = Backoff::default();
        let mut wait = |class| backoff.failed(class, 1.0).as_millis();
        assert_eq!(
            [
                wait(Class::Unreachable),
                wait(Class::Unreachable),
                wait(Class::Throttled)
            ],
            [200, 400, 1000]
        );
        backoff.succeeded();
        assert_eq!(backoff.failed(Class::Throttled, 0.0).as_millis(), 500);
    }
}
