//! What Prometheus reads of a worker with real tasks.

use serde_json::json;
use sparkwright_tests::aws;
use sparkwright_tests::cluster::Fate;
use sparkwright_tests::faults::{Fault, Moment, On};

use crate::site::{Running, Site};

/// Waits until a series has a value.
async fn reaches(worker: &Running, series: &str, value: &str) {
    worker
        .shows("/metrics", &format!("\nsparkwright_worker_{series} {value}\n"))
        .await;
}

#[tokio::test]
async fn a_tasks_way_is_counted_and_measured() {
    let site = Site::new().await;
    let worker = site.worker(&[]).await;
    let success = site.run("forever.py");
    // One that is over sooner than it is looked at was never seen running.
    reaches(&worker, "start_latency_seconds_count", "1").await;
    site.end(Fate::Succeeds);
    success.outcome().await.output();
    site.run("raise.py").outcome().await.failure();
    reaches(&worker, "tasks_ended_total{outcome=\"success\"}", "1").await;
    reaches(&worker, "tasks_ended_total{outcome=\"SparkJob.Failed\"}", "1").await;
    let activity = site.step_functions.activity_arn();
    reaches(
        &worker,
        &format!("tasks_received_total{{activity=\"{activity}\"}}"),
        "2",
    )
    .await;
    for measured in ["queue_latency", "end_detection_latency"] {
        reaches(&worker, &format!("{measured}_seconds_count"), "2").await;
    }
    reaches(&worker, "tasks_unprotected_total{missing=\"ClientToken\"}", "2").await;
    reaches(
        &worker,
        "tasks_unprotected_total{missing=\"HeartbeatSeconds\"}",
        "0",
    )
    .await;
    for calls in [
        "livy_calls_total{operation=\"create_batch\",result=\"ok\"}",
        "step_functions_calls_total{operation=\"SendTaskSuccess\",result=\"ok\"}",
        "step_functions_calls_total{operation=\"SendTaskFailure\",result=\"ok\"}",
    ] {
        let count = if calls.starts_with("livy") { "2" } else { "1" };
        reaches(&worker, calls, count).await;
    }
    for step in ["received", "posting", "following", "concluded", "closed"] {
        reaches(
            &worker,
            &format!("journal_writes_total{{step=\"{step}\",result=\"ok\"}}"),
            "2",
        )
        .await;
    }
    reaches(&worker, "service_up{service=\"journal\"}", "1").await;
    let (_, text) = worker.get("/metrics").await;
    assert!(!text.contains("heartbeat_lateness_seconds_count 0"), "{text}");
}

#[tokio::test]
async fn a_call_is_counted_by_what_came_of_it() {
    let site = Site::new().await;
    let faults = site.step_functions.server().faults();
    faults.inject(
        On::operation("GetActivityTask").nth(1),
        Fault::Answer(aws::error("ThrottlingException", "no")),
    );
    site.cluster.crash_livy().await;
    let worker = site.worker(&["--pollers-per-activity=1"]).await;
    let poll = |how| format!("step_functions_calls_total{{operation=\"GetActivityTask\",result=\"{how}\"}}");
    reaches(&worker, &poll("throttled"), "1").await;
    worker
        .shows(
            "/metrics",
            "livy_calls_total{operation=\"version\",result=\"no_answer\"}",
        )
        .await;
    let livy = format!("service_up{{service=\"Livy at {}\"}}", site.cluster.livy_url());
    reaches(&worker, &livy, "0").await;
}

#[tokio::test]
async fn neither_tokens_nor_inputs_make_series() {
    let site = Site::new().await;
    let worker = site.worker(&[]).await;
    let task = site.schedule(json!({
        "Parameters": {"Name": "nightly-load", "File": site.cluster.job_file("pi.py")},
        "ClientToken": "the-client-token",
    }));
    let token = task.started().await;
    task.outcome().await.output();
    let (status, text) = worker.get("/metrics").await;
    assert_eq!(status, 200);
    for secret in [token.as_str(), "the-client-token", "nightly-load", "pi.py"] {
        assert!(!text.contains(secret), "`{secret}` is in {text}");
    }
    let answer = reqwest::get(format!("http://{}/metrics", worker.page()))
        .await
        .unwrap();
    assert_eq!(
        answer.headers()["content-type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
}

#[tokio::test]
async fn an_activity_that_has_never_answered_stands_beside_one_that_has() {
    let site = Site::new().await;
    let missing = "arn:aws:states:eu-west-1:123456789012:activity:missing";
    let worker = site.worker(&[&format!("--activity-arn={missing}")]).await;
    let silent = format!("last_poll_timestamp_seconds{{activity=\"{missing}\"}}");
    worker.shows("/readyz", missing).await;
    reaches(&worker, &silent, "0.0").await;
    let heard = site.step_functions.activity_arn();
    let answered = format!("sparkwright_worker_last_poll_timestamp_seconds{{activity=\"{heard}\"}} 1");
    worker.shows("/metrics", &answered).await;
    reaches(&worker, &silent, "0.0").await;
}

#[tokio::test]
async fn an_activity_is_known_to_be_silent_before_its_first_poll() {
    let site = Site::new().await;
    let other = site.step_functions.create_activity("other");
    let gate = site
        .step_functions
        .server()
        .faults()
        .hold(On::operation("GetActivityTask"), Moment::Before);
    // The only slot is the first poll's.
    let worker = site
        .worker(&["--slots=1", &format!("--activity-arn={other}")])
        .await;
    gate.arrived(1).await;
    for activity in [site.step_functions.activity_arn(), &other] {
        let series = format!("last_poll_timestamp_seconds{{activity=\"{activity}\"}}");
        reaches(&worker, &series, "0.0").await;
    }
}
