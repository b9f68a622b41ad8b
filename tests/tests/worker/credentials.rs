//! The credentials for Livy, which somebody changes while the worker runs.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sparkwright_tests::cluster::{Cluster, Fate};
use sparkwright_tests::faults::{Fault, Moment, On};
use sparkwright_tests::journal::Ending;
use sparkwright_tests::step_functions::StepFunctions;
use tempfile::TempDir;

use crate::site::Site;

/// The file that `--livy-credentials-file` names.
struct CredentialsFile(TempDir);

impl CredentialsFile {
    fn new(password: &str) -> Self {
        let file = Self(tempfile::tempdir().unwrap());
        file.write(password);
        file
    }

    fn write(&self, password: &str) {
        let text = json!({"username": "etl", "password": password}).to_string();
        std::fs::write(self.0.path().join("livy.json"), text).unwrap();
    }

    fn option(&self) -> String {
        format!(
            "--livy-credentials-file={}",
            self.0.path().join("livy.json").display()
        )
    }
}

/// A site whose Livy takes only `etl` with `right`.
async fn guarded() -> Site {
    let step_functions = StepFunctions::builder().poll_time(Duration::from_millis(500));
    Site::with(Cluster::builder().credentials("etl", "right"), step_functions).await
}

#[tokio::test]
async fn a_livy_that_refuses_the_credentials_rejects_until_they_are_right() {
    let site = guarded().await;
    let file = CredentialsFile::new("wrong");
    let _worker = site.worker(&[&file.option(), "--submit-timeout=60s"]).await;
    let outcome = site.run("pi.py").outcome().await;
    let (error, text) = outcome.failure();
    assert!(
        error == "SparkJob.Rejected" && text.contains("check the Livy credentials"),
        "{error} {text}"
    );
    file.write("right");
    assert_eq!(site.run("pi.py").outcome().await.output()["state"], "SUCCEEDED");
}

#[tokio::test]
async fn new_credentials_serve_every_task_that_was_refused_with_the_old() {
    let site = guarded().await;
    let gate = site
        .cluster
        .livy()
        .faults()
        .hold(On::get("/version"), Moment::Before);
    let file = CredentialsFile::new("wrong");
    let _worker = site.worker(&[&file.option(), "--submit-timeout=60s"]).await;
    let tasks = [site.run("pi.py"), site.run("pi.py")];
    // The worker's own probe and both tasks are about to learn that the old ones are refused.
    gate.arrived(3).await;
    file.write("right");
    gate.open();
    for task in tasks {
        assert_eq!(task.outcome().await.output()["state"], "SUCCEEDED");
    }
}

#[tokio::test]
async fn a_job_is_stopped_with_the_newest_credentials() {
    let site = Site::new().await;
    let file = CredentialsFile::new("old");
    let worker = site.worker(&[&file.option()]).await;
    let task = site.run("forever.py");
    site.cluster
        .world()
        .until(|world| world.live_applications().len() == 1)
        .await;
    worker.shows("/", "running").await;
    file.write("new");
    let faults = site.cluster.livy().faults();
    let looks = faults.inject(On::get("/batches*"), Fault::status(401));
    let refused = faults.inject(On::get("/version"), Fault::status(401));
    let other = site.run("pi.py");
    refused.struck(1).await;
    refused.remove();
    looks.remove();
    other.outcome().await.output();
    task.stop_execution();
    site.cluster.livy().journal().reached("DELETE *", 1).await;
    let deletion = site.cluster.livy().journal().last("DELETE *").unwrap();
    let expected = format!("Basic {}", STANDARD.encode("etl:new"));
    assert_eq!(deletion.request.header("authorization"), Some(expected.as_str()));
}

#[tokio::test]
async fn a_job_is_watched_on_when_livy_takes_another_password() {
    let site = guarded().await;
    let file = CredentialsFile::new("right");
    // Without YARN nobody but Livy tells how the job stands.
    let worker = site.worker(&[&file.option(), "--resource-manager=none"]).await;
    let task = site.run("forever.py");
    site.running(1).await;
    worker.shows("/", "1 running").await;
    let asked = || site.cluster.livy().journal().entries("GET /batches*");
    let refused = || {
        asked()
            .iter()
            .filter(|look| look.ending == Ending::Answered(403))
            .count()
    };
    assert_eq!(refused(), 0);
    site.cluster.change_password("new");
    // For a while the file is behind, and nobody tells how the job stands.
    site.cluster.livy().journal().until(|_| refused() >= 2).await;
    assert_eq!(task.outcome_so_far(), None);
    file.write("new");
    site.end(Fate::Succeeds);
    assert_eq!(task.outcome().await.output()["state"], "SUCCEEDED");
    let last = asked().pop().unwrap();
    let expected = format!("Basic {}", STANDARD.encode("etl:new"));
    assert_eq!(last.request.header("authorization"), Some(expected.as_str()));
    assert_eq!(site.cluster.world().applications().len(), 1);
}
