//! What keeps CloudFormation from being asked: told once, and not run into again at every moment.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

/// What a first failure costs: most pass by then.
const SHORTEST_PAUSE: Duration = Duration::from_secs(15);
/// What lasts is looked at again after so long; a warm function sees a new permission or endpoint then.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// The kinds of what stands in the way. Of each, one process warns once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// The function's role may not ask.
    Denied,
    /// There is no way to the service, or it does not answer in time.
    Unreachable,
    /// It is asked too often, or has trouble of its own.
    Busy,
    /// It does not know the stack or the resource: another account's, or an emulator's.
    Unknown,
    /// Anything else, such as an emulator without this operation.
    Strange,
}

/// One failure to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Obstacle {
    pub(super) kind: Kind,
    /// What stood in the way, and what to do about it.
    pub(super) why: String,
}

impl Obstacle {
    /// No answer in time.
    pub(super) fn silence(after: Duration) -> Self {
        Self {
            kind: Kind::Unreachable,
            why: format!(
                "CloudFormation did not answer within {} s: a function in a VPC needs a NAT gateway or an interface \
                 endpoint for it (`com.amazonaws.<region>.cloudformation`)",
                after.as_secs()
            ),
        }
    }

    /// An answer without what was asked for.
    pub(super) fn no_status() -> Self {
        Self {
            kind: Kind::Strange,
            why: "CloudFormation's answer holds no `ResourceStatus`".into(),
        }
    }
}

/// Those that a process has met.
#[derive(Debug, Default)]
pub(super) struct Obstacles(Mutex<Met>);

#[derive(Debug, Default)]
struct Met {
    warned: HashSet<Kind>,
    in_a_row: u32,
    until: Option<Instant>,
}

impl Obstacles {
    /// Whether asking would only cost time.
    pub(super) fn stand(&self) -> bool {
        self.met().until.is_some_and(|until| Instant::now() < until)
    }

    /// The way is free.
    pub(super) fn clear(&self) {
        let mut met = self.met();
        (met.in_a_row, met.until) = (0, None);
    }

    /// Something is in the way.
    pub(super) fn meet(&self, obstacle: Obstacle) {
        let mut met = self.met();
        let pause = match obstacle.kind {
            Kind::Denied | Kind::Strange => LONGEST_PAUSE,
            Kind::Unreachable | Kind::Busy => {
                let doubled = SHORTEST_PAUSE.saturating_mul(1 << met.in_a_row.min(5));
                doubled.min(LONGEST_PAUSE)
            }
            // That is said at once, and says nothing about the next stack.
            Kind::Unknown => Duration::ZERO,
        };
        met.in_a_row = met.in_a_row.saturating_add(1);
        met.until = Some(Instant::now() + pause);
        if met.warned.insert(obstacle.kind) {
            warn!(
                why = obstacle.why,
                "CloudFormation cannot be asked whether a request was superseded: one that is may go on until its Delete \
                 stops it"
            );
        }
    }

    fn met(&self) -> MutexGuard<'_, Met> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn obstacle(kind: Kind) -> Obstacle {
        Obstacle {
            kind,
            why: "a wall".into(),
        }
    }

    /// How long asking is pointless after another failure.
    async fn pause(obstacles: &Obstacles, kind: Kind) -> u64 {
        obstacles.meet(obstacle(kind));
        let began = Instant::now();
        while obstacles.stand() {
            advance(Duration::from_secs(1)).await;
        }
        began.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_silence_is_waited_out_longer_each_time() {
        let obstacles = Obstacles::default();
        let mut pauses = Vec::new();
        for _ in 0..7 {
            pauses.push(pause(&obstacles, Kind::Unreachable).await);
        }
        assert_eq!(pauses, [15, 30, 60, 120, 240, 300, 300]);
        obstacles.clear();
        assert_eq!(pause(&obstacles, Kind::Busy).await, 15);
    }

    #[tokio::test(start_paused = true)]
    async fn a_missing_permission_lasts_and_an_unknown_stack_is_no_obstacle_for_the_next() {
        let obstacles = Obstacles::default();
        assert_eq!(pause(&obstacles, Kind::Denied).await, 300);
        assert_eq!(pause(&obstacles, Kind::Strange).await, 300);
        assert_eq!(pause(&obstacles, Kind::Unknown).await, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_free_way_is_used_at_once() {
        let obstacles = Obstacles::default();
        assert!(!obstacles.stand());
        obstacles.meet(obstacle(Kind::Denied));
        assert!(obstacles.stand());
        obstacles.clear();
        assert!(!obstacles.stand());
    }
}
