//! How often Step Functions is called: one bucket for all calls of a worker, and a line for those that find it empty.
//!
//! # Guarantees
//! - Heartbeats and reports go before polls, so that no task is taken on whose heartbeats could not be sent any more.
//! - Among equals, whoever was due first goes first: nobody is overtaken by those that were due later, however many.
//! - A caller that gives up leaves nothing behind: its place is free, and its call, if it was granted, is another's.
//!
//! One place in the line is what a waiting call costs, and one task serves the line while there is one.
//!
//! Not a crate's: `governor` has no line (each waiter sleeps and tries again, so that order is luck), and that of
//! `leaky-bucket` has no precedence.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};
use tracing::warn;

/// The bucket holds what may be called in this part of a second, so that calls are spread and a timer that is late costs
/// nothing.
const BURST: f64 = 0.1;

/// A heartbeat or report that has waited here for so long is worth a word.
const LONG: Duration = Duration::from_secs(5);

/// Said once in so long.
const REMIND: Duration = Duration::from_secs(60);

/// What a call is for, the more urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// A task's token, or its outcome, would be lost with it.
    Report,
    /// A task that is not taken yet can wait.
    Poll,
}

/// Keeps calls under a rate. A clone is the same limiter.
#[derive(Clone, Debug)]
pub(crate) struct Limiter {
    line: Arc<Mutex<Line>>,
}

#[derive(Debug)]
struct Line {
    bucket: Bucket,
    waiting: BTreeMap<Place, Waiting>,
    /// How many have ever waited.
    arrivals: u64,
    /// A task grants calls to those who wait.
    is_served: bool,
    warned: Option<Instant>,
}

/// A call that waits.
#[derive(Debug)]
struct Waiting {
    /// A call can be late already when it comes.
    since: Instant,
    granted: oneshot::Sender<()>,
}

/// A place in the line: the least is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    urgency: Urgency,
    due: Instant,
    /// Parts those that were due together.
    arrival: u64,
}

impl Limiter {
    /// So many calls a second.
    pub(crate) fn new(per_second: u32) -> Self {
        let line = Line {
            bucket: Bucket::full(f64::from(per_second), Instant::now()),
            waiting: BTreeMap::new(),
            arrivals: 0,
            is_served: false,
            warned: None,
        };
        Self {
            line: Arc::new(Mutex::new(line)),
        }
    }

    /// Waits until a call that was due at `due` may be made.
    pub(crate) async fn turn(&self, urgency: Urgency, due: Instant) {
        if let Some(turn) = self.queue(urgency, due) {
            turn.granted().await;
        }
    }

    /// A place in the line; none if the call may be made at once.
    fn queue(&self, urgency: Urgency, due: Instant) -> Option<Turn> {
        let mut line = self.lock();
        if line.waiting.is_empty() && line.bucket.take(Instant::now()) {
            return None;
        }
        let place = Place {
            urgency,
            due,
            arrival: line.arrivals,
        };
        line.arrivals += 1;
        let (sender, granted) = oneshot::channel();
        let waiting = Waiting {
            since: Instant::now(),
            granted: sender,
        };
        line.waiting.insert(place, waiting);
        if !std::mem::replace(&mut line.is_served, true) {
            tokio::spawn(self.clone().serve());
        }
        Some(Turn {
            limiter: self.clone(),
            place,
            granted,
            is_used: false,
        })
    }

    /// Grants calls until nobody waits.
    async fn serve(self) {
        loop {
            let wait = self.lock().grant(Instant::now());
            let Some(wait) = wait else { return };
            sleep(wait).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        // Nothing that could panic happens under the lock.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// Grants what the bucket has; how long until it has more, if somebody still waits.
    fn grant(&mut self, now: Instant) -> Option<Duration> {
        while let Some(first) = self.waiting.first_entry() {
            if !self.bucket.take(now) {
                self.warn_of_waits(now);
                return Some(self.bucket.until_next());
            }
            // Whoever has given up just now hands the call back.
            let _ = first.remove().granted.send(());
        }
        self.is_served = false;
        None
    }

    fn warn_of_waits(&mut self, now: Instant) {
        let Some(waited) = self.long_wait(now) else {
            return;
        };
        let is_new = self
            .warned
            .is_none_or(|warned| now.duration_since(warned) >= REMIND);
        if is_new {
            self.warned = Some(now);
            warn!(
                waiting = self.waiting.len(),
                waited_s = waited.as_secs(),
                "heartbeats and reports wait for their turn: raise --sfn-rate, HeartbeatSeconds, or the number of workers"
            );
        }
    }

    /// How long the first heartbeat or report has stood here, if that is long.
    fn long_wait(&self, now: Instant) -> Option<Duration> {
        let (first, waiting) = self.waiting.first_key_value()?;
        let waited = now.duration_since(waiting.since);
        (first.urgency == Urgency::Report && waited >= LONG).then_some(waited)
    }
}

/// A place in the line, left when dropped.
struct Turn {
    limiter: Limiter,
    place: Place,
    granted: oneshot::Receiver<()>,
    is_used: bool,
}

impl Turn {
    async fn granted(mut self) {
        // The sender is kept in the line until it is used.
        self.is_used = (&mut self.granted).await.is_ok();
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.is_used {
            return;
        }
        let mut line = self.limiter.lock();
        if line.waiting.remove(&self.place).is_none() {
            line.bucket.give_back();
        }
    }
}

/// A token bucket.
#[derive(Debug)]
struct Bucket {
    per_second: f64,
    capacity: f64,
    level: f64,
    filled: Instant,
}

impl Bucket {
    fn full(per_second: f64, now: Instant) -> Self {
        let capacity = (per_second * BURST).max(1.0);
        Self {
            per_second,
            capacity,
            level: capacity,
            filled: now,
        }
    }

    /// Whether there was one to take.
    fn take(&mut self, now: Instant) -> bool {
        let since = now.duration_since(self.filled).as_secs_f64();
        self.level = (self.level + since * self.per_second).min(self.capacity);
        self.filled = now;
        let has_one = self.level >= 1.0;
        if has_one {
            self.level -= 1.0;
        }
        has_one
    }

    fn give_back(&mut self) {
        self.level = (self.level + 1.0).min(self.capacity);
    }

    /// How long until there is one to take, when there is none.
    fn until_next(&self) -> Duration {
        Duration::from_secs_f64((1.0 - self.level).max(0.0) / self.per_second).max(Duration::from_millis(1))
    }
}

#[cfg(test)]
mod tests;
