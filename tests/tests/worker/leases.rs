//! A token that is over: was its task cancelled, or its lease lost?

use std::time::Duration;

use serde_json::{Value, json};
use sparkwright_tests::cluster::Fate;
use sparkwright_tests::faults::{Fault, On};
use sparkwright_tests::step_functions::{Execution, ExecutionStatus, Outcome, TaskHandle, TimeOut};

use crate::site::{Running, Site};

fn input(site: &Site, execution: &Execution) -> Value {
    json!({
        "ClientToken": "e/s/1",
        "ExecutionId": execution.arn(),
        "File": site.cluster.job_file("forever.py"),
    })
}

/// A worker runs the job of an execution's task.
async fn at_work(site: &Site, further: &[&str]) -> (Running, Execution, TaskHandle) {
    let worker = site.worker(further).await;
    let execution = site.step_functions.start_execution();
    let task = execution.schedule(site.task(input(site, &execution)));
    site.running(1).await;
    (worker, execution, task)
}

/// The same, and the job is left for a retry.
async fn left(site: &Site, further: &[&str]) -> (Running, Execution) {
    let (worker, execution, task) = at_work(site, further).await;
    lose_lease(site, &task).await;
    worker.shows("/", "left for a retry").await;
    (worker, execution)
}

/// The worker is cut off from Step Functions until the task's token has expired.
async fn lose_lease(site: &Site, task: &TaskHandle) {
    let cut_off = site
        .step_functions
        .server()
        .faults()
        .inject(On::operation("SendTaskHeartbeat"), Fault::lost_request());
    assert_eq!(task.outcome().await, Outcome::TimedOut(TimeOut::Heartbeat));
    tokio::time::sleep(Duration::from_millis(200)).await;
    cut_off.remove();
}

#[tokio::test]
async fn a_job_whose_lease_was_lost_is_stopped_once_its_execution_has_ended() {
    let site = Site::new().await;
    let (worker, execution) = left(&site, &[]).await;
    assert_eq!(site.cluster.world().live_applications().len(), 1);
    execution.end(ExecutionStatus::Failed);
    site.running(0).await;
    worker.shows("/", "0 tasks").await;
}

#[tokio::test]
async fn a_job_whose_lease_was_lost_with_its_execution_is_stopped_at_once() {
    let site = Site::new().await;
    let (_worker, execution, task) = at_work(&site, &[]).await;
    let cut_off = site
        .step_functions
        .server()
        .faults()
        .inject(On::operation("SendTaskHeartbeat"), Fault::lost_request());
    task.outcome().await;
    execution.end(ExecutionStatus::Failed);
    cut_off.remove();
    site.running(0).await;
}

#[tokio::test]
async fn a_job_that_a_retry_has_taken_over_is_let_go_of() {
    let site = Site::new().await;
    let (worker, execution) = left(&site, &[]).await;
    let retry = execution.schedule(site.task(input(&site, &execution)));
    retry.beaten(4).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    worker.shows("/", "1 tasks").await;
    site.end(Fate::Succeeds);
    retry.outcome().await.output();
    assert_eq!(site.cluster.world().applications().len(), 1);
}

#[tokio::test]
async fn an_execution_that_nobody_knows_leaves_the_job() {
    let site = Site::new().await;
    let worker = site.worker(&[]).await;
    let execution = site.step_functions.start_execution();
    let mut input = input(&site, &execution);
    input["ExecutionId"] = json!("arn:aws:states:eu-west-1:123456789012:execution:etl:nowhere");
    let task = execution.schedule(site.task(input));
    site.running(1).await;
    lose_lease(&site, &task).await;
    worker.shows("/", "0 tasks").await;
    assert_eq!(site.cluster.world().live_applications().len(), 1);
}

#[tokio::test]
async fn the_next_process_waits_on_for_the_end_of_the_execution() {
    let site = Site::new().await;
    let journal = site.journal("a");
    let (mut first, execution) = left(&site, &[&journal]).await;
    first.shut_down();
    first.ended().await;
    let second = site.worker(&[&journal]).await;
    second.shows("/", "left for a retry").await;
    assert_eq!(site.cluster.world().live_applications().len(), 1);
    execution.end(ExecutionStatus::Aborted);
    site.running(0).await;
}

#[tokio::test]
async fn a_job_that_was_left_for_a_retry_is_not_watched_after_its_end() {
    let site = Site::new().await;
    let (worker, _execution) = left(&site, &[]).await;
    site.end(Fate::Succeeds);
    // The execution goes on.
    worker.shows("/", "0 tasks").await;
}

#[tokio::test]
async fn a_job_is_stopped_with_its_execution_though_a_retry_came_that_never_had_it() {
    let site = Site::new().await;
    let (worker, execution) = left(&site, &["--submit-timeout=300ms"]).await;
    let faults = site.cluster.resource_manager().faults();
    let silent = faults.inject(On::any(), Fault::lost_request());
    let retry = execution.schedule(site.task(input(&site, &execution)));
    assert_eq!(retry.outcome().await.failure().0, "SparkJob.LivyUnavailable");
    execution.end(ExecutionStatus::Failed);
    silent.remove();
    site.running(0).await;
    worker.shows("/", "0 tasks").await;
}
