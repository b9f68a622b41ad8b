//! The submissions that are at one cluster at the same time: few of them, the others in line.

use std::sync::{Mutex, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::sighting::YarnSight;

/// So many are between their last look and the answer to their POST. Livy takes POSTs one by one: more of them only wait
/// there, each with a connection of its own and a time-out that runs.
const AT_ONCE: usize = 16;

/// The line of a cluster's submissions.
#[derive(Debug)]
pub(crate) struct Submissions {
    places: Semaphore,
    /// When YARN was last asked without an answer, and why there was none.
    silence: Mutex<Option<(Instant, String)>>,
    /// When Livy last refused to start one more.
    full: Mutex<Option<Instant>>,
}

impl Default for Submissions {
    fn default() -> Self {
        Self {
            places: Semaphore::new(AT_ONCE),
            silence: Mutex::default(),
            full: Mutex::default(),
        }
    }
}

impl Submissions {
    /// Waits for a place, which is free again when dropped.
    pub(crate) async fn place(&self) -> SemaphorePermit<'_> {
        self.places.acquire().await.expect("it is never closed")
    }

    /// What YARN says, or said to somebody else who asked it after `since` in vain: a line of thousands must not wait for
    /// one time-out after the other.
    pub(crate) async fn ask(&self, since: Instant, question: impl Future<Output = YarnSight>) -> YarnSight {
        let silence = self.silence().clone();
        if let Some((_, why)) = silence.filter(|(asked, _)| *asked >= since) {
            return YarnSight::Silent(why);
        }
        let asked = Instant::now();
        let answer = question.await;
        if let YarnSight::Silent(why) = &answer {
            *self.silence() = Some((asked, why.clone()));
        }
        answer
    }

    /// Livy starts as many as it may.
    pub(crate) fn refused(&self) {
        *self.full() = Some(Instant::now());
    }

    /// Whether Livy has said so to somebody since `since`: to each of those who were in line it would say the same.
    pub(crate) fn were_refused_since(&self, since: Instant) -> bool {
        self.full().is_some_and(|at| at >= since)
    }

    fn full(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.full.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn silence(&self) -> std::sync::MutexGuard<'_, Option<(Instant, String)>> {
        // Nothing that could panic happens under the lock.
        self.silence.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silent(why: &str) -> YarnSight {
        YarnSight::Silent(why.into())
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_in_vain_answers_those_who_waited_meanwhile_and_no_later_one() {
        let line = Submissions::default();
        let waiting_since = Instant::now();
        let first = line.ask(waiting_since, async { silent("refused") }).await;
        assert_eq!(first, silent("refused"));
        let unasked = async { panic!("YARN was just asked in vain") };
        assert_eq!(line.ask(waiting_since, unasked).await, silent("refused"));
        tokio::time::advance(std::time::Duration::from_millis(1)).await;
        let answer = || YarnSight::Applications(Vec::new());
        assert_eq!(line.ask(Instant::now(), async { answer() }).await, answer());
        // Who asks later is answered whatever was said before, and an answer does not count as silence.
        assert_eq!(line.ask(Instant::now(), async { answer() }).await, answer());
    }

    #[tokio::test]
    async fn a_place_is_free_again_when_it_is_given_up() {
        let line = Submissions::default();
        let mut places = Vec::new();
        for _ in 0..AT_ONCE {
            places.push(line.place().await);
        }
        assert_eq!(line.places.available_permits(), 0);
        places.clear();
        drop(line.place().await);
        assert_eq!(line.places.available_permits(), AT_ONCE);
    }
}
