//! For how long what proves nothing yet has stood under each number.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// What was seen under a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Unproven {
    /// This batch of Livy's looks like one being born, or like a shell that never will be.
    Shape(Option<i64>),
    /// Livy has lost sight of this batch, and YARN knows nothing of it.
    LostSight(Option<i64>),
    /// Nothing, where something was.
    Vanished,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Sight {
    since: Instant,
    what: Unproven,
}

/// What proves nothing yet, by the run's number.
///
/// What comes under the number of something else was posted later, by another program that had settled the other
/// thing for itself, and has its own time to settle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Unsettled(BTreeMap<u32, Sight>);

impl Unsettled {
    /// Notes it, if it is new under the number, and says whether it has stood there for so long.
    pub(super) fn has_stood(&mut self, now: Instant, number: u32, what: Unproven, settle: Duration) -> bool {
        let new = Sight { since: now, what };
        let sight = self.0.entry(number).or_insert_with(|| new.clone());
        match what {
            // Whoever posted it did so before it was seen.
            Unproven::Vanished => sight.what = what,
            _ if sight.what != what => *sight = new,
            _ => {}
        }
        now.duration_since(sight.since) >= settle
    }

    /// Whether something that is not among these numbers may have lived until lately.
    pub(super) fn has_lately_vanished(
        &mut self,
        now: Instant,
        seen: &BTreeSet<u32>,
        settle: Duration,
    ) -> bool {
        let vanished: Vec<_> = self
            .0
            .keys()
            .filter(|number| !seen.contains(number))
            .copied()
            .collect();
        vanished
            .into_iter()
            .any(|number| !self.has_stood(now, number, Unproven::Vanished, settle))
    }

    /// Drops what is gone for certain.
    pub(super) fn forget(&mut self, number: u32) {
        self.0.remove(&number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLE: Duration = Duration::from_secs(150);

    struct Clock(Instant);

    impl Clock {
        fn at(&self, seconds: u64) -> Instant {
            self.0 + Duration::from_secs(seconds)
        }
    }

    #[test]
    fn what_stays_settles_and_goes_on_settling_when_it_is_seen_no_longer() {
        let (clock, mut unsettled) = (Clock(Instant::now()), Unsettled::default());
        let shape = Unproven::Shape(Some(3));
        assert!(!unsettled.has_stood(clock.at(0), 1, shape, SETTLE));
        assert!(!unsettled.has_stood(clock.at(149), 1, shape, SETTLE));
        assert!(unsettled.has_lately_vanished(clock.at(149), &BTreeSet::new(), SETTLE));
        assert!(!unsettled.has_lately_vanished(clock.at(150), &BTreeSet::new(), SETTLE));
    }

    #[test]
    fn another_batch_under_the_number_settles_anew() {
        let later = [
            Unproven::Shape(Some(4)),
            Unproven::LostSight(Some(4)),
            // Livy counts from 0 again.
            Unproven::LostSight(Some(3)),
        ];
        for what in later {
            let (clock, mut unsettled) = (Clock(Instant::now()), Unsettled::default());
            unsettled.has_stood(clock.at(0), 1, Unproven::Shape(Some(3)), SETTLE);
            assert!(!unsettled.has_stood(clock.at(160), 1, what, SETTLE), "{what:?}");
            assert!(unsettled.has_stood(clock.at(310), 1, what, SETTLE), "{what:?}");
        }
    }

    #[test]
    fn what_comes_back_settles_anew() {
        let (clock, mut unsettled) = (Clock(Instant::now()), Unsettled::default());
        let shape = Unproven::Shape(Some(0));
        unsettled.has_stood(clock.at(0), 1, shape, SETTLE);
        unsettled.has_lately_vanished(clock.at(100), &BTreeSet::new(), SETTLE);
        assert!(!unsettled.has_stood(clock.at(160), 1, shape, SETTLE));
    }
}
