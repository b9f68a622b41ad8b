use std::sync::Arc;

use sparkwright_spark_job::standing::{Phase, Standing};
use sparkwright_spark_job::submission::Run;
use sparkwright_spark_job::watch::Report;

use super::*;
use crate::completion::Completion;
use crate::errors::ErrorName;
use crate::metrics::Exposition;
use crate::snapshot::{Ended, TaskState};
use crate::token::TaskToken;

struct Site {
    metrics: Metrics,
    status: Status,
}

impl Site {
    fn new() -> Self {
        let metrics = Metrics::default();
        let status = Status::new(Slots::new(4), metrics.clone());
        Self { metrics, status }
    }

    fn list(&self, token: &str, age: Duration) -> Listing {
        let activity = "arn:aws:states:eu-west-1:1:activity:etl".parse().unwrap();
        self.status.list(TaskToken::new(token).id(), &activity, age)
    }

    /// How often a latency was measured, or the value of another series.
    fn count(&self, series: &str) -> u64 {
        let text = Exposition::new(&self.metrics, self.status.clone()).text();
        let line = |line: &str| {
            line.strip_prefix("sparkwright_worker_")?
                .strip_prefix(series)?
                .trim()
                .parse()
                .ok()
        };
        text.lines()
            .find_map(line)
            .unwrap_or_else(|| panic!("no {series} in\n{text}"))
    }
}

fn run(adopted: bool) -> Run {
    Run {
        name: sparkwright_spark_job::names::BatchName::parse("etl-0123456789ab").unwrap(),
        batch_id: Some(1),
        last_post: tokio::time::Instant::now(),
        adopted,
    }
}

fn failure() -> Completion {
    Completion::plain(ErrorName::Failed, "the job failed", None)
}

#[test]
fn a_jobs_way_is_measured_where_this_process_has_seen_all_of_it() {
    let site = Site::new();
    let task = site.list("1", Duration::ZERO);
    task.followed(&run(false));
    task.step(TaskState::Watching(Phase::Starting));
    assert_eq!(site.count("queue_latency_seconds_count"), 1);
    assert_eq!(site.count("start_latency_seconds_count"), 0);
    task.step(TaskState::Watching(Phase::Running));
    task.step(TaskState::Watching(Phase::Running));
    assert_eq!(site.count("start_latency_seconds_count"), 1);
    for (age, adopted) in [(0, true), (60, true)] {
        let task = site.list("2", Duration::from_secs(age));
        task.followed(&run(adopted));
        task.step(TaskState::Watching(Phase::Running));
    }
    assert_eq!(site.count("queue_latency_seconds_count"), 1);
    assert_eq!(site.count("start_latency_seconds_count"), 1);
}

#[test]
fn a_jobs_end_is_measured_from_yarns_clock_to_the_report() {
    let site = Site::new();
    let task = site.list("1", Duration::ZERO);
    let application = serde_json::json!({
        "id": "application_1795225753640_0009",
        "state": "FINISHED",
        "finishedTime": Timestamp::now().as_millisecond() - 1200,
    });
    task.looked(&Report {
        standing: Standing::Pending(Phase::Running),
        application: Some(Arc::new(serde_json::from_value(application).unwrap())),
        batch: None,
        silence: None,
        deaf: None,
        unknown_to_yarn: false,
    });
    task.reported(&failure(), true);
    assert_eq!(site.count("end_detection_latency_seconds_bucket{le=\"1.0\"}"), 0);
    assert_eq!(site.count("end_detection_latency_seconds_bucket{le=\"10.0\"}"), 1);
    assert_eq!(site.count("tasks_ended_total{outcome=\"SparkJob.Failed\"}"), 1);
}

#[test]
fn an_end_that_nobody_heard_is_none_of_the_jobs_own() {
    let site = Site::new();
    site.list("1", Duration::ZERO).reported(&failure(), false);
    assert_eq!(site.count("tasks_ended_total{outcome=\"SparkJob.Failed\"}"), 0);
    assert_eq!(site.count("tasks_ended_total{outcome=\"token_over\"}"), 1);
}

#[test]
fn the_last_tasks_that_have_ended_are_kept_the_newest_first() {
    let site = Site::new();
    for number in 0..FINISHED + 5 {
        let task = site.list(&number.to_string(), Duration::ZERO);
        task.ended(Ended::TokenOver);
    }
    let finished = site.status.rows(10).finished;
    assert_eq!(finished.len(), FINISHED);
    assert_eq!(
        finished[0].task.id,
        TaskToken::new((FINISHED + 4).to_string()).id()
    );
}
