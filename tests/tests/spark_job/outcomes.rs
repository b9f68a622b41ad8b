//! How runs end on a cluster, and how that is explained.

use serde_json::json;
use sparkwright_spark_job::outcome::Outcome;
use sparkwright_spark_job::standing::{Ending, Phase};
use sparkwright_tests::cluster::{Cluster, LivyVersion};
use tokio::time::Instant;

use crate::site::{SETTLE, Site};

async fn run(site: &Site, file: &str) -> Outcome {
    let order = site.order_of(file, json!({"File": site.cluster.job_file(file)}));
    let run = site.submit(&order).await.unwrap();
    site.outcome(&order, &run).await
}

#[tokio::test]
async fn a_success_has_a_summary_and_needs_no_explanation() {
    let site = Site::new().await;
    let outcome = run(&site, "pi.py").await;
    assert_eq!(outcome.ending, Ending::Succeeded);
    assert_eq!(
        (outcome.summary.attempts, outcome.explanation.message.as_str()),
        (Some(1), "")
    );
    let summary = serde_json::to_value(&outcome.summary).unwrap();
    assert_eq!(
        (&summary["state"], &summary["batchId"]),
        (&json!("SUCCEEDED"), &json!(0))
    );
    for known in [
        "applicationId",
        "submittedAt",
        "startedAt",
        "endedAt",
        "durationSeconds",
        "sparkUiUrl",
    ] {
        assert!(summary.get(known).is_some(), "{known} in {summary}");
    }
}

#[tokio::test]
async fn a_failure_is_told_by_the_drivers_own_error() {
    let cases = [
        (
            "raise.py",
            Ending::Failed,
            "the job failed: RuntimeError: boom from the fixture",
        ),
        (
            "boom.jar",
            Ending::Failed,
            "the job failed: java.lang.IllegalStateException: boom from the jar",
        ),
        (
            "exit3.py",
            Ending::Failed,
            "the job failed: User application exited with status 3; the last that it wrote: about to fail",
        ),
        (
            "missing.py",
            Ending::NotStarted,
            "the job could not be started: java.io.FileNotFoundException: File file:/jobs/missing.py does not exist",
        ),
    ];
    let site = Site::new().await;
    for (file, ending, message) in cases {
        let outcome = run(&site, file).await;
        assert_eq!(
            (outcome.ending, outcome.explanation.message.as_str()),
            (ending, message)
        );
    }
}

#[tokio::test]
async fn a_start_that_fails_is_known_long_before_it_settles() {
    for version in [LivyVersion::V0_7, LivyVersion::V0_8, LivyVersion::V0_9] {
        let site = Site::on(Cluster::builder().livy_version(version)).await;
        let begun = Instant::now();
        assert_eq!(run(&site, "missing.py").await.ending, Ending::NotStarted);
        assert!(begun.elapsed() < SETTLE);
    }
}

#[tokio::test]
async fn an_unknown_queue_is_named() {
    let site = Site::new().await;
    let parameters = json!({"File": site.cluster.job_file("pi.py"), "Queue": "nosuch"});
    let order = site.order_of("a", parameters);
    let run = site.submit(&order).await.unwrap();
    let outcome = site.outcome(&order, &run).await;
    let message = &outcome.explanation.message;
    assert!(message.ends_with("to unknown queue: nosuch"), "{message}");
}

#[tokio::test]
async fn a_job_that_somebody_kills_was_killed() {
    let site = Site::new().await;
    let order = site.order("a");
    let (run, report) = site.run_to(&order, Phase::Running).await;
    let id = report.application.unwrap().id.to_string().parse().unwrap();
    site.cluster.world().kill(id, "ops");
    let outcome = site.outcome(&order, &run).await;
    assert_eq!(outcome.ending, Ending::Killed);
    let message = outcome.explanation.message;
    assert!(message.contains("was killed by user ops"), "{message}");
}

#[tokio::test]
async fn an_explanation_is_made_of_what_is_left() {
    let site = Site::new().await;
    site.cluster.node_manager().down().await;
    let outcome = run(&site, "raise.py").await;
    assert_eq!(
        outcome.explanation.message,
        "the job failed: User application exited with status 1"
    );
}
