//! A journal that cannot be written: what is at work goes on, nothing new is taken on, and everybody can see it.

use std::time::Duration;

use sparkwright_tests::cluster::{Cluster, Fate};
use sparkwright_tests::step_functions::{Outcome, StepFunctions};

use crate::crashing::Crashing;
use crate::site::Site;

#[tokio::test]
async fn a_full_disk_keeps_new_work_out_and_stops_nothing() {
    // Polls outlast the time until everybody can see it.
    let step_functions = StepFunctions::builder().poll_time(Duration::from_secs(40));
    let site = Site::with(Cluster::builder(), step_functions).await;
    let folder = tempfile::tempdir().unwrap();
    let full = folder.path().join("full");
    let mut worker = Crashing::spawn_on_disk(&site, &[&site.journal("a")], &full);
    worker.says("the worker polls").await;
    let first = site.run("forever.py");
    site.running(1).await;
    worker.shows_at("readyz", "ready").await;

    std::fs::write(&full, "").unwrap();
    // Also while no task comes: the journal is written every few seconds.
    worker.shows_at("readyz", "journal").await;
    worker.shows_at("readyz", "has room").await;
    // The poll was open before.
    let second = site.run("pi.py");
    let Outcome::Failed { error, cause } = second.outcome().await else {
        panic!("it was not handed back");
    };
    assert_eq!(error, "SparkJob.WorkerDraining");
    assert!(cause.contains("disk is full"), "{cause}");
    assert_eq!(site.cluster.livy().journal().count("POST /batches"), 1);
    site.end(Fate::Succeeds);
    assert_eq!(first.outcome().await.output()["state"], "SUCCEEDED");

    std::fs::remove_file(&full).unwrap();
    let third = site.run("pi.py");
    third.outcome().await.output();
    worker.shows_at("readyz", "ready").await;
}

#[tokio::test]
async fn a_disk_that_hangs_keeps_new_work_out_and_stops_nothing() {
    let site = Site::new().await;
    let folder = tempfile::tempdir().unwrap();
    let hangs = folder.path().join("hangs");
    let mut worker = Crashing::spawn_on_hanging_disk(&site, &[&site.journal("a")], &hangs);
    worker.says("the worker polls").await;
    let first = site.run("forever.py");
    worker.shows("running").await;
    worker.shows_at("readyz", "ready").await;

    std::fs::write(&hangs, "").unwrap();
    // It is handed to a poll that was open before.
    let second = site.run("pi.py");
    worker.shows_at("readyz", "has not taken it within 10 s").await;
    let outcome = second.outcome().await;
    let (error, cause) = outcome.failure();
    assert_eq!(error, "SparkJob.WorkerDraining");
    assert!(cause.contains("has not taken it within 10 s"), "{cause}");
    let activity = site.step_functions.activity_arn();
    let polls = format!("sparkwright_worker_open_polls{{activity=\"{activity}\"}} 0");
    worker.shows_at("metrics", &polls).await;
    // What runs has kept its heartbeat, and is reported.
    site.end(Fate::Succeeds);
    assert_eq!(first.outcome().await.output()["state"], "SUCCEEDED");
    let third = site.run("pi.py");

    std::fs::remove_file(&hangs).unwrap();
    third.outcome().await.output();
    worker.shows_at("readyz", "ready").await;
    assert_eq!(site.cluster.livy().journal().count("POST /batches"), 2);
}
