//! How jobs end, as state machines see it.

use std::time::{Duration, Instant};

use serde_json::json;
use sparkwright_tests::cluster::{Cluster, Fate, Job, LivyVersion, Master};
use sparkwright_tests::step_functions::StepFunctions;

use crate::site::{Site, cause};

#[tokio::test]
async fn a_success_has_an_output() {
    let site = Site::new().await;
    let _worker = site.worker(&["--worker-name=primary-1"]).await;
    let task = site.run("pi.py");
    let outcome = task.outcome().await;
    let output = outcome.output();
    let application = &site.cluster.world().applications()[0];
    assert_eq!(output["applicationId"], application.id.to_string());
    assert_eq!(output["state"], "SUCCEEDED");
    assert_eq!((&output["batchId"], &output["attempts"]), (&json!(0), &json!(1)));
    assert_eq!(output["name"], application.name);
    assert!(application.name.starts_with("etl-"), "{}", application.name);
    for time in ["submittedAt", "startedAt", "endedAt"] {
        assert!(
            output[time].as_str().is_some_and(|time| time.ends_with('Z')),
            "{time} of {output}"
        );
    }
    assert!(output["durationSeconds"].is_u64() && output["driverLogUrl"].is_string());
    assert_eq!(task.worker_name().as_deref(), Some("primary-1"));
    assert_eq!(site.cluster.livy().journal().count("POST /batches"), 1);
}

#[tokio::test]
async fn a_failure_carries_the_drivers_traceback() {
    let site = Site::new().await;
    let _worker = site.worker(&[]).await;
    let outcome = site.run("raise.py").outcome().await;
    let (error, text) = outcome.failure();
    assert_eq!(error, "SparkJob.Failed");
    let cause = cause(text);
    let exception = cause["exception"].as_str().unwrap();
    assert!(
        exception.starts_with("Traceback") && exception.contains("RuntimeError: boom from the fixture"),
        "{text}"
    );
    assert!(
        cause["message"]
            .as_str()
            .unwrap()
            .contains("boom from the fixture"),
        "{text}"
    );
    assert_eq!(cause["state"], "FAILED");
    assert_eq!(
        cause["applicationId"],
        site.cluster.world().applications()[0].id.to_string()
    );
}

#[tokio::test]
async fn a_missing_file_fails_in_seconds_and_is_named() {
    // Livy's look-up time and the time to settle are the real ones: neither may be waited for.
    let site = Site::new().await;
    let _worker = site.worker(&["--settle=150s"]).await;
    let began = Instant::now();
    let outcome = site.run("missing.py").outcome().await;
    let (error, text) = outcome.failure();
    assert_eq!(error, "SparkJob.Failed");
    assert!(
        text.contains("missing.py") && text.contains("does not exist"),
        "{text}"
    );
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_job_that_somebody_kills_is_killed() {
    let site = Site::new().await;
    let _worker = site.worker(&[]).await;
    let task = site.run("forever.py");
    site.cluster
        .world()
        .until(|world| world.live_applications().iter().any(|a| a.attempts.len() == 1))
        .await;
    site.cluster
        .world()
        .kill(site.cluster.world().applications()[0].id, "ops");
    let outcome = task.outcome().await;
    let (error, text) = outcome.failure();
    assert_eq!(
        (error, &cause(text)["state"]),
        ("SparkJob.Killed", &json!("KILLED"))
    );
}

#[tokio::test]
async fn what_livy_refuses_is_rejected_with_its_words_and_leaves_nothing() {
    let site = Site::new().await;
    let _worker = site.worker(&[]).await;
    let outcome = site
        .schedule(json!({"File": "file:///etc/job.py"}))
        .outcome()
        .await;
    let (error, text) = outcome.failure();
    assert_eq!(error, "SparkJob.Rejected");
    assert!(text.contains("/etc/job.py"), "{text}");
    assert!(site.cluster.world().applications().is_empty() && site.cluster.world().batches().is_empty());
}

#[tokio::test]
async fn a_job_that_does_not_get_to_run_in_time_is_stopped() {
    let site = Site::new().await;
    site.cluster.world().bar_queue();
    let _worker = site.worker(&[]).await;
    let file = site.cluster.job_file("pi.py");
    let task = site.schedule(json!({"File": file, "StartTimeoutSeconds": 1}));
    let outcome = task.outcome().await;
    let (error, text) = outcome.failure();
    assert_eq!(error, "SparkJob.StartTimeout");
    assert!(text.contains("StartTimeoutSeconds"), "{text}");
    assert!(site.cluster.world().live_applications().is_empty());
}

#[tokio::test]
async fn every_livy_version_runs_a_job() {
    for version in LivyVersion::ALL {
        let step_functions = StepFunctions::builder().poll_time(Duration::from_millis(500));
        let site = Site::with(Cluster::builder().livy_version(version), step_functions).await;
        let _worker = site.worker(&[]).await;
        assert_eq!(
            site.run("pi.py").outcome().await.output()["state"],
            "SUCCEEDED",
            "{version:?}"
        );
    }
}

#[tokio::test]
async fn a_livy_without_yarn_is_believed() {
    let step_functions = StepFunctions::builder().poll_time(Duration::from_millis(500));
    let site = Site::with(Cluster::builder().master(Master::Local), step_functions).await;
    let _worker = site.worker(&["--resource-manager=none"]).await;
    assert_eq!(site.run("pi.py").outcome().await.output()["state"], "SUCCEEDED");
    assert_eq!(
        site.run("raise.py").outcome().await.failure().0,
        "SparkJob.Failed"
    );
}

#[tokio::test]
async fn many_jobs_share_the_looks_at_the_cluster() {
    let site = Site::new().await;
    site.cluster.world().script("*", Job::until_ended());
    let _worker = site.worker(&["--slots=40", "--heartbeat-period=5s"]).await;
    let input = json!({"File": "/jobs/job.py"});
    let tasks: Vec<_> = (0..30)
        .map(|_| site.step_functions.schedule(input.clone()))
        .collect();
    site.cluster
        .world()
        .until(|world| world.live_applications().len() == 30)
        .await;
    // Each job costs its own submission, and nothing more per look.
    site.cluster.resource_manager().journal().clear();
    tokio::time::sleep(Duration::from_millis(600)).await;
    let looks = site.cluster.resource_manager().journal().count("GET *");
    assert!(looks <= 60, "{looks} requests in 600 ms for 30 jobs");
    for application in site.cluster.world().applications() {
        site.cluster.world().end(application.id, Fate::Succeeds);
    }
    for task in tasks {
        task.outcome().await.output();
    }
}
