//! How often Livy and YARN are asked for everything: the more it costs them, the more seldom.

use std::time::Duration;

/// Between two looks passes at least so many times as long as the first took, so that there is time for others.
const STRETCH: u32 = 4;

/// However slow the answers are, somebody looks this often.
const LONGEST: Duration = Duration::from_secs(30);

/// How long to pause after a look that took so long: at least `period`, and `least` where that is not too long.
pub(crate) fn pause(took: Duration, period: Duration, least: Duration) -> Duration {
    (took * STRETCH).max(least).clamp(period, LONGEST.max(period))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(took_ms: u64, period_s: u64, least_s: u64, expected_ms: u64) {
        let paused = pause(
            Duration::from_millis(took_ms),
            Duration::from_secs(period_s),
            Duration::from_secs(least_s),
        );
        assert_eq!(paused, Duration::from_millis(expected_ms));
    }

    #[test]
    fn a_pause_grows_with_what_a_look_took_and_not_for_ever() {
        check(100, 1, 0, 1_000);
        check(600, 1, 0, 2_400);
        check(7_500, 1, 0, 30_000);
        check(60_000, 1, 0, 30_000);
    }

    #[test]
    fn a_pause_is_no_shorter_than_what_was_asked_for() {
        check(100, 1, 10, 10_000);
        check(100, 1, 100, 30_000);
        // Who asks more seldom than that is not asked for more.
        check(60_000, 60, 100, 60_000);
    }
}
