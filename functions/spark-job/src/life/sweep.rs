//! Which runs a Delete removes whose physical id CloudFormation invented, and until when it looks for them.
//!
//! The Create that it calls off may still be at work. A later Create of the same resource has other runs, which are none
//! of this Delete's business.

use std::time::{Duration, SystemTime};

use sparkwright_spark_job::sighting::FoundRun;

/// A presigned URL gives its time in whole seconds.
const RESOLUTION: Duration = Duration::from_secs(1);

/// The time in which whatever a called-off Create submitted must have shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sweep {
    ends: SystemTime,
}

impl Sweep {
    /// A Delete that was issued then, as far as that is known, and arrives now.
    pub fn of(issued: Option<SystemTime>, now: SystemTime, settle: Duration) -> Self {
        let issued = issued.map_or(now, |issued| issued + RESOLUTION).min(now);
        Self {
            ends: issued + settle,
        }
    }

    /// How long there may be more to come.
    pub fn left(&self, now: SystemTime) -> Duration {
        self.ends.duration_since(now).unwrap_or_default()
    }

    /// Whether by now everything has shown.
    pub fn is_over(&self, now: SystemTime) -> bool {
        self.left(now).is_zero()
    }

    /// Whether a run may live and can be the called-off Create's.
    pub fn holds(&self, now: SystemTime, run: &FoundRun) -> bool {
        let ends = self
            .ends
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        match run.live_application() {
            Some(application) => u128::try_from(application.started_at_ms).unwrap_or(0) <= ends.as_millis(),
            None => run.may_live() && !self.is_over(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_773_480_413 + seconds)
    }

    #[track_caller]
    fn check(issued: Option<u64>, now: u64, left: u64) {
        let sweep = Sweep::of(issued.map(at), at(now), Duration::from_secs(150));
        assert_eq!(sweep.left(at(now)), Duration::from_secs(left));
        assert_eq!(sweep.is_over(at(now)), left == 0);
    }

    #[test]
    fn a_called_off_create_is_waited_for_from_when_the_delete_was_issued() {
        check(Some(0), 10, 141);
    }

    #[test]
    fn a_late_duplicate_waits_no_more() {
        check(Some(0), 4000, 0);
    }

    #[test]
    fn without_a_date_or_with_one_in_the_future_the_arrival_counts() {
        check(None, 0, 150);
        check(Some(500), 0, 150);
    }
}
