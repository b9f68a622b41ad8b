//! The journal: what a later process has to know of each open task, synced to disk before the world can know it.
//!
//! # Guarantees
//! - A checkpoint is on disk when `Entry::reach` returns `Ok`: a `kill -9` or a power cut after that does not lose it.
//! - One process at a time has the file, which nobody but its owner can read: it holds task tokens and inputs.
//! - A file that cannot be used stops the start, with what to do about it; it is never replaced silently.
//!
//! # Errors
//! [`OpenError`] when the file cannot be used at the start, `WriteError` when a step could not be written, or when the disk
//! has not taken it within 10 s: then it may still be written later. A task that is at work goes on without its journal: by
//! names and tags its job is found again, only later and by a retry.
//!
//! The file is an SQLite database (WAL, `synchronous=FULL`). Steps of many tasks share a transaction.

mod checkpoint;
mod store;
mod writer;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::warn;

use crate::activity::ActivityTask;
use crate::leases::Place;
use crate::metrics::Metrics;
use crate::token::TaskToken;
use store::Store;
use writer::{Write, Writer};

pub use checkpoint::STEPS;
pub(crate) use checkpoint::{Checkpoint, RunRecord, Telling};
pub use store::OpenError;
pub(crate) use store::{Backlog, Inspection, Row};

/// Where in a durable step a process may be broken, for tests of crashes and of full disks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Point {
    /// What is written: the name of a checkpoint, `closed`, `accepted` or `check`.
    pub step: &'static str,
    /// Whether it is on disk already.
    pub is_written: bool,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = if self.is_written { "after" } else { "before" };
        write!(f, "{when}-{}", self.step)
    }
}

/// Called at every [`Point`], by the thread that writes. An error before a step is that step's failure.
pub type Probe = Arc<dyn Fn(Point) -> Result<(), String> + Send + Sync>;

/// No test looks on.
pub fn unprobed() -> Probe {
    Arc::new(|_| Ok(()))
}

/// Nobody waits longer for the disk: a token would be lost with a task that does, and a worker that stops would not end.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// A step could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("could not write the journal: {why}")]
pub(crate) struct WriteError {
    why: String,
}

impl WriteError {
    fn too_slow() -> Self {
        let seconds = WRITE_TIMEOUT.as_secs();
        Self {
            why: format!("the disk has not taken it within {seconds} s"),
        }
    }
}

/// A handle to the journal. Cheap to clone; the file is free for others once the last is dropped.
#[derive(Clone)]
pub(crate) struct Journal {
    writer: Arc<Writer>,
    metrics: Metrics,
    /// Why the last step could not be written, if it could not.
    failure: Arc<watch::Sender<Option<WriteError>>>,
}

impl Journal {
    /// Opens the journal, or makes it, and reads what an earlier process has left.
    pub(crate) fn open(path: &Path, probe: Probe) -> Result<(Self, Backlog), OpenError> {
        let (store, backlog) = Store::open(path)?;
        Ok((Self::of(store, probe), backlog))
    }

    fn of(store: Store, probe: Probe) -> Self {
        Self {
            writer: Arc::new(Writer::start(store, probe)),
            metrics: Metrics::default(),
            failure: Arc::new(watch::Sender::new(None)),
        }
    }

    /// Counts its writes here.
    pub(crate) fn counted_by(self, metrics: Metrics) -> Self {
        Self { metrics, ..self }
    }

    /// A task has arrived. Without an entry nobody would know of it after a crash.
    pub(crate) async fn receive(&self, task: &ActivityTask) -> Result<(), WriteError> {
        let write = Write::Receive {
            token: task.token.clone(),
            activity: task.activity.clone(),
            input: task.input.clone(),
            received: Timestamp::now(),
        };
        self.write(Checkpoint::Received.name(), write).await
    }

    /// The entry of a task that was received, by this process or an earlier one.
    pub(crate) fn entry(&self, token: TaskToken) -> Entry {
        Entry {
            journal: self.clone(),
            token,
            place: None,
        }
    }

    /// Whether it can be written, if the last try failed.
    pub(crate) async fn check(&self) -> Result<(), WriteError> {
        if self.failure.borrow().is_none() {
            return Ok(());
        }
        let at = Timestamp::now();
        self.write("check", Write::Check { at }).await
    }

    /// The tokens of all open tasks were good at this time.
    pub(crate) async fn accepted(&self, at: Timestamp) -> Result<(), WriteError> {
        self.write("accepted", Write::Accepted { at }).await
    }

    /// Why the last step could not be written, if it could not.
    pub(crate) fn failure(&self) -> watch::Receiver<Option<WriteError>> {
        self.failure.subscribe()
    }

    async fn write(&self, step: &'static str, write: Write) -> Result<(), WriteError> {
        let written = timeout(WRITE_TIMEOUT, self.writer.write(step, write)).await;
        let written = written.unwrap_or_else(|_| Err(WriteError::too_slow()));
        self.metrics.journal_written(step, written.is_ok());
        self.failure.send_if_modified(|failure| {
            let now = written.as_ref().err().cloned();
            let is_news = *failure != now;
            *failure = now;
            is_news
        });
        written
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Journal")
    }
}

/// One task's entry. It outlives the handle: only [`Entry::close`] ends it.
#[derive(Debug)]
pub(crate) struct Entry {
    journal: Journal,
    token: TaskToken,
    place: Option<Place>,
}

impl Entry {
    /// The task's lease counts among all others until the journal no longer depends on it.
    pub(crate) fn count(&mut self, place: Place) {
        self.place = Some(place);
    }

    fn release(&self) {
        if let Some(place) = &self.place {
            place.release();
        }
    }

    /// The task has come so far; returns once that is on disk.
    pub(crate) async fn reach(&self, checkpoint: &Checkpoint) -> Result<(), WriteError> {
        let write = Write::Reach {
            token: self.token.clone(),
            checkpoint: checkpoint.to_json(),
        };
        self.journal.write(checkpoint.name(), write).await?;
        if checkpoint.is_decided() {
            self.release();
        }
        Ok(())
    }

    /// The same where the task goes on in any case.
    pub(crate) async fn note(&self, checkpoint: &Checkpoint) {
        if let Err(error) = self.reach(checkpoint).await {
            warn!(
                error = sparkwright_spark_job::chain(&error),
                stage = checkpoint.name(),
                "the journal is behind: after a crash of the worker the task's job would be looked for by its name"
            );
        }
    }

    /// The task was not taken on. Its token counts no more, whether it can be written or not.
    pub(crate) async fn forget(self) {
        self.release();
        self.close().await;
    }

    /// Nobody has to know of the task any more.
    pub(crate) async fn close(self) {
        let Self {
            journal,
            token,
            place,
        } = self;
        if let Err(error) = journal.write("closed", Write::Close { token, place }).await {
            warn!(
                error = sparkwright_spark_job::chain(&error),
                "the journal still has a task that is over: the next process takes it up, and finds that it is over"
            );
        }
    }
}

#[cfg(test)]
mod tests;
