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
