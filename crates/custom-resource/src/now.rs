//! One moment on both clocks, so that an invocation has a single idea of the time.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// The longest that Lambda runs an invocation; assumed where the event comes without a deadline.
pub(crate) const LONGEST_INVOCATION: Duration = Duration::from_secs(900);
/// As far ahead as an instant is given: 30 years.
const FAR_AHEAD: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// The same moment on both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) instant: Instant,
    pub(crate) wall: SystemTime,
}

impl Now {
    /// Reads both clocks. Nothing else in this crate reads the wall clock.
    pub(crate) fn read(wall_clock: fn() -> SystemTime) -> Self {
        Self {
            instant: Instant::now(),
            wall: wall_clock(),
        }
    }

    /// How long an invocation lasts that ends so many milliseconds after the epoch; 0 is for none given.
    pub(crate) fn invocation_until(&self, deadline: u64) -> Duration {
        if deadline == 0 {
            return LONGEST_INVOCATION;
        }
        let since_epoch = self
            .wall
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Duration::from_millis(deadline).saturating_sub(since_epoch)
    }

    /// The instant of this time; that of `self` when the clock does not reach so far back.
    pub(crate) fn instant_at(&self, wall: SystemTime) -> Instant {
        match wall.duration_since(self.wall) {
            Ok(ahead) => self.instant + ahead.min(FAR_AHEAD),
            Err(behind) => self
                .instant
                .checked_sub(behind.duration())
                .unwrap_or(self.instant),
        }
    }

    /// The time of this instant; the epoch or the time of `self` when the clock does not reach so far.
    pub(crate) fn wall_clock_at(&self, instant: Instant) -> SystemTime {
        match instant.checked_duration_since(self.instant) {
            Some(ahead) => self.wall.checked_add(ahead).unwrap_or(self.wall),
            None => self
                .wall
                .checked_sub(self.instant.duration_since(instant))
                .unwrap_or(SystemTime::UNIX_EPOCH),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALL: Duration = Duration::from_secs(1_773_480_413);

    fn now() -> Now {
        Now::read(|| SystemTime::UNIX_EPOCH + WALL)
    }

    #[tokio::test(start_paused = true)]
    async fn a_time_and_its_instant_are_told_from_each_other_in_past_and_future() {
        let now = now();
        let minute = Duration::from_secs(60);
        for (wall, instant) in [
            (now.wall, now.instant),
            (now.wall + minute, now.instant + minute),
            (now.wall - minute, now.instant - minute),
        ] {
            assert_eq!(now.instant_at(wall), instant);
            assert_eq!(now.wall_clock_at(instant), wall);
        }
    }

    #[test]
    fn times_out_of_reach_are_cut_and_never_a_panic() {
        let now = now();
        let farthest = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::MAX / 4);
        assert_eq!(now.instant_at(farthest), now.instant + FAR_AHEAD);
        assert!(now.instant_at(SystemTime::UNIX_EPOCH) <= now.instant);
        assert!(now.instant_at(SystemTime::UNIX_EPOCH - Duration::from_secs(u64::MAX / 4)) <= now.instant);
    }

    #[test]
    fn an_invocation_lasts_until_lambdas_deadline() {
        let now = now();
        let at = |ahead: u64| u64::try_from(WALL.as_millis()).unwrap() + ahead * 1000;
        assert_eq!(now.invocation_until(at(60)), Duration::from_secs(60));
        assert_eq!(now.invocation_until(1), Duration::ZERO);
        assert_eq!(now.invocation_until(0), LONGEST_INVOCATION);
    }
}
