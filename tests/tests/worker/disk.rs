//! A journal that cannot be written: what is at work goes on, nothing new is taken on, and everybody can see it.

use sparkwright_tests::cluster::Fate;
use sparkwright_tests::step_functions::Outcome;

use crate::crashing::Crashing;
use crate::site::Site;

#[tokio::test]
async fn a_full_disk_keeps_new_work_out_and_stops_nothing() {
    let site = Site::new().await;
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
