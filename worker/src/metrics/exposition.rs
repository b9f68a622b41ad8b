//! The metrics as the text that Prometheus reads, under their names.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::Metrics;
use super::current::Current;
use crate::slots::Slots;
use crate::status::Status;

/// Of the text that [`Exposition::text`] gives.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Every name begins with it.
const PREFIX: &str = "sparkwright_worker";

/// All metrics, as text.
#[derive(Debug)]
pub(crate) struct Exposition(Registry);

impl Exposition {
    /// What is counted in `metrics`, and what `status` shows whenever it is asked.
    pub(crate) fn new(metrics: &Metrics, status: Status) -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The program that runs", version);
        registry.register_collector(Box::new(Current(status)));
        metrics.register(&mut registry);
        Self(registry)
    }

    /// As [`CONTENT_TYPE`] says.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.0).expect("a string can be written to");
        text
    }
}

impl Metrics {
    /// Names, and what Prometheus shows beside them.
    fn register(&self, registry: &mut Registry) {
        let counters = [
            (
                "tasks_unprotected",
                "Tasks whose input lacks what makes a lost worker harmless",
                &self.series.tasks_unprotected,
            ),
            (
                "tasks_ended",
                "Tasks that have ended, by what was reported",
                &self.series.tasks_ended,
            ),
        ];
        for (name, help, family) in counters {
            registry.register(name, help, family.clone());
        }
        registry.register(
            "tasks_received",
            "Tasks that Step Functions has handed to this worker",
            self.series.tasks_received.clone(),
        );
        let calls = [
            (
                "livy_calls",
                "Calls to Livy that have ended",
                &self.series.livy_calls,
            ),
            (
                "yarn_calls",
                "Calls to YARN that have ended",
                &self.series.yarn_calls,
            ),
            (
                "step_functions_calls",
                "Calls to Step Functions that have ended",
                &self.series.step_functions_calls,
            ),
            (
                "journal_writes",
                "Steps written to the journal",
                &self.series.journal_writes,
            ),
        ];
        for (name, help, family) in calls {
            registry.register(name, help, family.clone());
        }
        let times = [
            (
                "queue_latency",
                "From a task's coming to its job's submission",
                &self.series.queue_latency,
            ),
            (
                "start_latency",
                "From a job's submission to the sight of its driver running",
                &self.series.start_latency,
            ),
            (
                "end_detection_latency",
                "From a job's end by YARN's clock to Step Functions' answer to the report",
                &self.series.end_detection_latency,
            ),
            (
                "heartbeat_lateness",
                "How much later than planned heartbeats were sent",
                &self.series.heartbeat_lateness,
            ),
        ];
        for (name, help, histogram) in times {
            registry.register_with_unit(name, help, Unit::Seconds, histogram.clone());
        }
    }
}

/// The names of all metrics, as queries have them; of a histogram without `_bucket`, `_sum` and `_count`.
pub fn names() -> Vec<String> {
    let metrics = Metrics::default();
    // The only one whose series cannot be known beforehand.
    drop(
        metrics
            .series
            .tasks_received
            .get_or_create(&[("activity", String::new())]),
    );
    let status = Status::new(Slots::new(1), metrics.clone());
    let text = Exposition::new(&metrics, status).text();
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types
        .filter_map(|line| line.split_once(' '))
        .map(|(name, of_type)| match of_type {
            "counter" => format!("{name}_total"),
            "info" => format!("{name}_info"),
            _ => name.to_owned(),
        })
        .collect()
}
