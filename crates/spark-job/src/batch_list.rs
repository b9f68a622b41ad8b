//! Livy's list, read once for all who want it at the same time.
//!
//! Whoever submits has to know every batch of an intent, and only the list shows those of unknown names. A thousand
//! submissions at once must not read it a thousand times: each is given one whose reading began after it had asked.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sparkwright_livy::{Batch, Client};
use tokio::time::{Instant, sleep_until};

use crate::cluster::livy_silence;
use crate::identity::{Intent, Resource};
use crate::names::{intent_digits, intent_digits_of, run_number};
use crate::pace::pause;

/// Between two readings passes so long for each batch that Livy has: a page holds a thousand, and no more than one page is
/// read in a second.
const PER_BATCH: Duration = Duration::from_millis(1);

/// All batches of a Livy.
#[derive(Debug)]
pub(crate) struct BatchList {
    batches: Vec<Arc<Batch>>,
    /// Where those are whose names have these digits of an intent.
    by_intent: HashMap<Box<str>, Vec<usize>>,
}

impl BatchList {
    fn new(batches: Vec<Arc<Batch>>) -> Self {
        let mut by_intent: HashMap<Box<str>, Vec<usize>> = HashMap::new();
        for (index, batch) in batches.iter().enumerate() {
            if let Some(digits) = batch.name.as_deref().and_then(intent_digits_of) {
                by_intent.entry(digits.into()).or_default().push(index);
            }
        }
        Self { batches, by_intent }
    }

    /// Every run of an intent.
    pub(crate) fn of_intent(&self, intent: Intent, resource: Option<Resource>) -> Vec<Batch> {
        self.with_digits(&intent_digits(intent))
            .filter(|batch| {
                let name = batch.name.as_deref();
                name.is_some_and(|name| run_number(name, intent, resource).is_some())
            })
            .map(|batch| Batch::clone(batch))
            .collect()
    }

    /// The batch of this name.
    pub(crate) fn named(&self, name: &str) -> Option<&Arc<Batch>> {
        self.with_digits(intent_digits_of(name)?)
            .find(|batch| batch.name.as_deref() == Some(name))
    }

    /// A batch of a newer list: what has not changed is kept once.
    fn shared(&self, batch: Batch) -> Arc<Batch> {
        let known = batch.name.as_deref().and_then(|name| self.named(name));
        let same = known.filter(|known| ***known == batch).cloned();
        same.unwrap_or_else(|| Arc::new(batch))
    }

    fn with_digits(&self, digits: &str) -> impl Iterator<Item = &Arc<Batch>> {
        let indices = self.by_intent.get(digits).map_or(&[][..], Vec::as_slice);
        indices.iter().map(|&index| &self.batches[index])
    }
}

/// What came of one reading.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) began: Instant,
    /// The list, or why it could not be had.
    pub(crate) list: Result<Arc<BatchList>, String>,
}

/// The list of one Livy, for everybody who uses it.
#[derive(Debug, Default)]
pub(crate) struct SharedList {
    /// Held by whoever reads, or waits until it may.
    reading: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    /// How many wait for a list.
    wanting: AtomicUsize,
    /// A watcher looks at each.
    is_watched: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    latest: Option<Reading>,
    /// When it may be read again.
    due: Option<Instant>,
}

impl SharedList {
    /// A list whose reading began after now. Two readings are `spacing` apart, or further.
    pub(crate) async fn read(&self, livy: &Client, spacing: Duration) -> Result<Arc<BatchList>, String> {
        let asked = Instant::now();
        let wanting = Wanting::of(self);
        let _turn = self.reading.lock().await;
        let latest = self.state().latest.clone();
        let reading = match latest.filter(|reading| reading.began >= asked) {
            Some(reading) => reading,
            None => {
                let due = self.state().due;
                if let Some(due) = due {
                    sleep_until(due).await;
                }
                self.read_now(livy, spacing).await
            }
        };
        drop(wanting);
        reading.list
    }

    /// A list whose reading began after `since`, if there is one. Else it is read beside whoever asks, once it is due: a
    /// watcher does not wait for a Livy that takes its time. What is watched is kept.
    pub(crate) fn newer(
        self: &Arc<Self>,
        livy: &Client,
        spacing: Duration,
        since: Instant,
    ) -> Option<Reading> {
        self.is_watched.store(true, Ordering::Relaxed);
        let latest = self.state().latest.clone();
        if let Some(reading) = latest.filter(|reading| reading.began > since) {
            return Some(reading);
        }
        let is_due = self.state().due.is_none_or(|due| due <= Instant::now());
        // Else somebody reads it for all, or waits to.
        if is_due && self.reading.try_lock().is_ok() {
            let (list, livy) = (Arc::clone(self), livy.clone());
            tokio::spawn(async move { list.read(&livy, spacing).await });
        }
        None
    }

    /// Nobody watches.
    pub(crate) fn unwatched(&self) {
        self.is_watched.store(false, Ordering::Relaxed);
        if self.wanting.load(Ordering::Relaxed) == 0 {
            self.state().latest = None;
        }
    }

    async fn read_now(&self, livy: &Client, spacing: Duration) -> Reading {
        let began = Instant::now();
        let before = self.state().latest.clone().and_then(|reading| reading.list.ok());
        let shared = |batch| match &before {
            Some(before) => before.shared(batch),
            None => Arc::new(batch),
        };
        let batches = Box::pin(livy.batches_as(shared)).await;
        let pause = match &batches {
            Ok(batches) => {
                let length = u32::try_from(batches.len()).unwrap_or(u32::MAX);
                pause(began.elapsed(), spacing, PER_BATCH * length)
            }
            // What it took says nothing of the next.
            Err(_) => spacing,
        };
        let reading = Reading {
            began,
            list: batches
                .map(|batches| Arc::new(BatchList::new(batches)))
                .map_err(|error| livy_silence(&error)),
        };
        let mut state = self.state();
        state.due = Some(Instant::now() + pause);
        state.latest = Some(reading.clone());
        reading
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that could panic happens under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts whoever waits for a list, also when it gives up.
struct Wanting<'a>(&'a SharedList);

impl<'a> Wanting<'a> {
    fn of(list: &'a SharedList) -> Self {
        list.wanting.fetch_add(1, Ordering::Relaxed);
        Self(list)
    }
}

impl Drop for Wanting<'_> {
    fn drop(&mut self) {
        let is_last = self.0.wanting.fetch_sub(1, Ordering::Relaxed) == 1;
        if is_last && !self.0.is_watched.load(Ordering::Relaxed) {
            // It is large, and is nobody's any more.
            self.0.state().latest = None;
        }
    }
}

#[cfg(test)]
mod tests;
