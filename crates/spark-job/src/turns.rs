//! Whose turn it is at one cluster to submit: few at the same time, the others in line.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::sighting::YarnSight;

/// So many are between their last look and the answer to their POST. Livy takes POSTs one by one: more of them only wait
/// there, each with a connection of its own and a time-out that runs.
const AT_ONCE: usize = 16;

/// The turns of a cluster's submissions.
#[derive(Debug)]
pub(crate) struct Turns {
    free: Semaphore,
    /// What last stood in the way of a submission whose turn it was, and since when it is known to.
    obstacle: Mutex<Option<(Instant, Obstacle)>>,
}

/// What stands in the way of every submission: each of those that were in line would meet it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// YARN does not answer; why.
    SilentYarn(String),
    /// Livy starts as many sessions as it may.
    FullLivy,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            free: Semaphore::new(AT_ONCE),
            obstacle: Mutex::default(),
        }
    }
}

impl Turns {
    /// Waits for a turn, which is over when dropped.
    pub(crate) async fn next(&self) -> SemaphorePermit<'_> {
        self.free.acquire().await.expect("it is never closed")
    }

    /// What somebody else has met who was not there before `since`: a line of thousands must not wait for one time-out
    /// after the other.
    pub(crate) fn obstacle_since(&self, since: Instant) -> Option<Obstacle> {
        let (met, obstacle) = self.obstacle().clone()?;
        (met >= since).then_some(obstacle)
    }

    /// What YARN says; that it says nothing is kept for the others.
    pub(crate) async fn ask(&self, question: impl Future<Output = YarnSight>) -> YarnSight {
        let asked = Instant::now();
        let answer = question.await;
        if let YarnSight::Silent(why) = &answer {
            *self.obstacle() = Some((asked, Obstacle::SilentYarn(why.clone())));
        }
        answer
    }

    /// Livy has just refused to start one more.
    pub(crate) fn refused(&self) {
        *self.obstacle() = Some((Instant::now(), Obstacle::FullLivy));
    }

    fn obstacle(&self) -> MutexGuard<'_, Option<(Instant, Obstacle)>> {
        // Nothing that could panic happens under the lock.
        self.obstacle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn silent() -> YarnSight {
        YarnSight::Silent("refused".into())
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_in_vain_holds_for_those_who_waited_meanwhile_and_no_later_one() {
        let turns = Turns::default();
        let in_line_since = Instant::now();
        assert_eq!(turns.obstacle_since(in_line_since), None);
        turns.ask(async { silent() }).await;
        let obstacle = Obstacle::SilentYarn("refused".into());
        assert_eq!(turns.obstacle_since(in_line_since), Some(obstacle));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(turns.obstacle_since(Instant::now()), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_counts_from_when_it_was_asked_and_an_answer_is_no_obstacle() {
        let turns = Turns::default();
        let slow = async {
            tokio::time::sleep(Duration::from_secs(10)).await;
            silent()
        };
        let in_line_since = Instant::now() + Duration::from_secs(5);
        turns.ask(slow).await;
        // YARN may have come back since.
        assert_eq!(turns.obstacle_since(in_line_since), None);
        let asked = Instant::now();
        turns.ask(async { YarnSight::Applications(Vec::new()) }).await;
        assert_eq!(turns.obstacle_since(asked), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_livy_that_is_full_is_so_for_all_in_line() {
        let turns = Turns::default();
        let in_line_since = Instant::now();
        tokio::time::advance(Duration::from_secs(1)).await;
        turns.refused();
        assert_eq!(turns.obstacle_since(in_line_since), Some(Obstacle::FullLivy));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(turns.obstacle_since(Instant::now()), None);
    }

    #[tokio::test]
    async fn a_turn_that_is_over_is_somebody_elses() {
        let turns = Turns::default();
        let mut taken = Vec::new();
        for _ in 0..AT_ONCE {
            taken.push(turns.next().await);
        }
        assert_eq!(turns.free.available_permits(), 0);
        taken.clear();
        drop(turns.next().await);
        assert_eq!(turns.free.available_permits(), AT_ONCE);
    }
}
