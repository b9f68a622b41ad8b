//! What Prometheus reads at `/metrics`: what is counted while the worker works, and what can be read off at any moment.
//!
//! A label's values come from a closed list, or from the worker's own options (its activities, its Livys): neither a
//! task nor its input makes a series. `docs/operations.md` says what each metric means, and what to do about it.

mod current;
mod exposition;

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use sparkwright_spark_job::cluster::Observers;
use tokio::time::Instant;

use crate::activity::ActivityArn;
use crate::call_error::{CallError, Operation};
use crate::snapshot::{Ended, Unprotected};

pub use exposition::names;
pub(crate) use exposition::{CONTENT_TYPE, Exposition};

const SUCCESS: &str = "ok";

/// Whoever called did not wait for the answer.
const GIVEN_UP: &str = "given_up";

/// Waiting for a free slot of Livy's and YARN's, in seconds: from at once to a full cluster.
const SUBMISSION_SECONDS: [f64; 11] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0];

/// The start of a driver takes seconds; more is a queue in YARN.
const START_SECONDS: [f64; 11] = [1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0];

/// Fine around the poll period, which is what it mostly takes.
const END_SECONDS: [f64; 11] = [0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 60.0];

/// From timers that are on time to a heartbeat time-out.
const LATE_SECONDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

/// Pairs of label and value, all from closed lists.
type Labels<const N: usize> = [(&'static str, &'static str); N];

/// What the worker counts. A clone counts into the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics {
    /// Every task has several clones.
    series: Arc<Series>,
}

#[derive(Debug)]
struct Series {
    tasks_received: Family<[(&'static str, String); 1], Counter>,
    tasks_unprotected: Family<Labels<1>, Counter>,
    tasks_ended: Family<Labels<1>, Counter>,
    queue_latency: Histogram,
    start_latency: Histogram,
    end_detection_latency: Histogram,
    heartbeat_lateness: Histogram,
    livy_calls: Family<Labels<2>, Counter>,
    yarn_calls: Family<Labels<2>, Counter>,
    step_functions_calls: Family<Labels<2>, Counter>,
    journal_writes: Family<Labels<2>, Counter>,
}

impl Default for Series {
    /// What has not happened yet stands at zero, so that its first time is seen as an increase.
    fn default() -> Self {
        Self {
            tasks_received: Family::default(),
            tasks_unprotected: at_zero(Unprotected::ALL.map(unprotected)),
            tasks_ended: at_zero(Ended::all().map(outcome)),
            queue_latency: Histogram::new(SUBMISSION_SECONDS),
            start_latency: Histogram::new(START_SECONDS),
            end_detection_latency: Histogram::new(END_SECONDS),
            heartbeat_lateness: Histogram::new(LATE_SECONDS),
            livy_calls: at_zero(sparkwright_livy::Operation::ALL.map(|call| result(call.name(), SUCCESS))),
            yarn_calls: at_zero(sparkwright_yarn::Operation::ALL.map(|call| result(call.name(), SUCCESS))),
            step_functions_calls: at_zero(Operation::CALLED.map(|call| result(call.name(), SUCCESS))),
            journal_writes: at_zero([SUCCESS, "failed"].map(|how| step("received", how))),
        }
    }
}

impl Metrics {
    /// A task was handed out to this worker.
    pub(crate) fn task_received(&self, activity: &ActivityArn) {
        self.series
            .tasks_received
            .get_or_create(&[("activity", activity.to_string())])
            .inc();
    }

    /// A task came without something that makes a lost worker harmless.
    pub(crate) fn task_unprotected(&self, missing: Unprotected) {
        self.series
            .tasks_unprotected
            .get_or_create(&unprotected(missing))
            .inc();
    }

    /// A task has ended, as far as this process is concerned.
    pub(crate) fn task_ended(&self, how: Ended) {
        self.series.tasks_ended.get_or_create(&outcome(how)).inc();
    }

    /// So long after its task had come, a job was submitted.
    pub(crate) fn submitted_after(&self, latency: Duration) {
        self.series.queue_latency.observe(latency.as_secs_f64());
    }

    /// So long after its submission, a job was seen running.
    pub(crate) fn started_after(&self, latency: Duration) {
        self.series.start_latency.observe(latency.as_secs_f64());
    }

    /// So long after a job's end by YARN's clock, Step Functions had heard of it.
    pub(crate) fn end_reported_after(&self, latency: Duration) {
        self.series.end_detection_latency.observe(latency.as_secs_f64());
    }

    /// A heartbeat was planned for this time.
    pub(crate) fn heartbeat_due(&self, due: Instant) -> DueHeartbeat<'_> {
        DueHeartbeat { metrics: self, due }
    }

    /// A call to Step Functions begins.
    pub(crate) fn step_functions_call(&self, operation: Operation) -> OpenCall<'_> {
        OpenCall {
            metrics: self,
            operation,
            result: GIVEN_UP,
        }
    }

    /// A step of the journal is on disk, or could not be written.
    pub(crate) fn journal_written(&self, what: &'static str, is_written: bool) {
        let how = if is_written { SUCCESS } else { "failed" };
        self.series.journal_writes.get_or_create(&step(what, how)).inc();
    }

    /// Who counts the calls to Livy and YARN.
    pub(crate) fn observers(&self) -> Observers {
        let counting = |calls: &Family<Labels<2>, Counter>| {
            let calls = calls.clone();
            move |operation, how| {
                calls.get_or_create(&result(operation, how)).inc();
            }
        };
        Observers {
            livy: sparkwright_livy::Observer::new(counting(&self.series.livy_calls)),
            yarn: sparkwright_yarn::Observer::new(counting(&self.series.yarn_calls)),
        }
    }
}

/// A call to Step Functions, counted when this is dropped: one that is given up, too.
#[derive(Debug)]
pub(crate) struct OpenCall<'a> {
    metrics: &'a Metrics,
    operation: Operation,
    result: &'static str,
}

impl OpenCall<'_> {
    pub(crate) fn operation(&self) -> Operation {
        self.operation
    }

    /// There is an answer, or there will be none.
    pub(crate) fn ended(mut self, error: Option<&CallError>) {
        self.result = error.map_or(SUCCESS, |error| error.class().name());
    }
}

impl Drop for OpenCall<'_> {
    fn drop(&mut self) {
        let labels = result(self.operation.name(), self.result);
        self.metrics
            .series
            .step_functions_calls
            .get_or_create(&labels)
            .inc();
    }
}

/// A heartbeat whose lateness is measured when this is dropped: when it is sent, or when it gives up waiting for its turn.
/// Those are the latest of all.
#[derive(Debug)]
pub(crate) struct DueHeartbeat<'a> {
    metrics: &'a Metrics,
    due: Instant,
}

impl Drop for DueHeartbeat<'_> {
    fn drop(&mut self) {
        let late = self.due.elapsed().as_secs_f64();
        self.metrics.series.heartbeat_lateness.observe(late);
    }
}

fn unprotected(missing: Unprotected) -> Labels<1> {
    [("missing", missing.name())]
}

fn outcome(how: Ended) -> Labels<1> {
    [("outcome", how.name())]
}

fn result(operation: &'static str, how: &'static str) -> Labels<2> {
    [("operation", operation), ("result", how)]
}

fn step(what: &'static str, how: &'static str) -> Labels<2> {
    [("step", what), ("result", how)]
}

fn at_zero<const N: usize, const M: usize>(series: [Labels<N>; M]) -> Family<Labels<N>, Counter> {
    let family = Family::default();
    for labels in series {
        drop(family.get_or_create(&labels));
    }
    family
}

#[cfg(test)]
mod tests;
