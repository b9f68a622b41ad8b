//! One intent, several tasks: retries adopt, and never double, a job.

use std::time::Duration;

use serde_json::{Value, json};
use sparkwright_tests::cluster::{Fate, Job};
use sparkwright_tests::faults::{Fault, Moment, On};
use sparkwright_tests::step_functions::{Outcome, TimeOut};
use tokio::time::timeout;

use crate::site::{Site, cause};

fn input(site: &Site, file: &str) -> Value {
    json!({"ClientToken": "execution/state/1", "File": site.cluster.job_file(file)})
}

#[tokio::test]
async fn a_lost_lease_leaves_the_job_and_the_retry_adopts_it() {
    let site = Site::new().await;
    let _worker = site.worker(&[]).await;
    let first = site.schedule(input(&site, "forever.py"));
    site.running(1).await;
    // The worker is cut off until its token has expired.
    let cut_off = site
        .step_functions
        .server()
        .faults()
        .inject(On::operation("SendTaskHeartbeat"), Fault::lost_request());
    assert_eq!(first.outcome().await, Outcome::TimedOut(TimeOut::Heartbeat));
    tokio::time::sleep(Duration::from_millis(200)).await;
    cut_off.remove();
    let retry = site.schedule(input(&site, "forever.py"));
    retry.beaten(4).await;
    assert_eq!(site.cluster.world().live_applications().len(), 1);
    site.end(Fate::Succeeds);
    assert_eq!(retry.outcome().await.output()["state"], "SUCCEEDED");
    assert_eq!(site.cluster.world().applications().len(), 1);
    assert_eq!(site.cluster.livy().journal().count("POST /batches"), 1);
}

#[tokio::test]
async fn another_worker_adopts_the_job_of_one_that_was_killed() {
    let site = Site::new().await;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let _killed = site.worker_on(runtime.handle(), &[]).await;
    let first = site.schedule(input(&site, "forever.py"));
    site.running(1).await;
    runtime.shutdown_background();
    assert_eq!(first.outcome().await, Outcome::TimedOut(TimeOut::Heartbeat));
    let _worker = site.worker(&[]).await;
    let retry = site.schedule(input(&site, "forever.py"));
    retry.beaten(2).await;
    site.end(Fate::Succeeds);
    let outcome = retry.outcome().await;
    assert_eq!(
        outcome.output()["applicationId"],
        site.cluster.world().applications()[0].id.to_string()
    );
    assert_eq!(site.cluster.world().applications().len(), 1);
}

#[tokio::test]
async fn a_failed_job_runs_again_under_the_next_number() {
    let site = Site::new().await;
    site.cluster
        .world()
        .script_next("*", Job::raises("ValueError: first"));
    let _worker = site.worker(&[]).await;
    let first = site.schedule(input(&site, "pi.py")).outcome().await;
    assert_eq!(first.failure().0, "SparkJob.Failed");
    let second = site.schedule(input(&site, "pi.py")).outcome().await;
    let names: Vec<_> = site
        .cluster
        .world()
        .applications()
        .into_iter()
        .map(|a| a.name)
        .collect();
    assert_eq!(second.output()["name"], names[1]);
    assert_eq!(names[1], format!("{}-2", names[0]));
}

#[tokio::test]
async fn a_success_since_the_state_was_entered_is_returned_and_not_repeated() {
    let site = Site::new().await;
    let _worker = site.worker(&[]).await;
    let mut input = input(&site, "pi.py");
    input["EnteredTime"] = json!("2026-01-01T00:00:00.000Z");
    let first = site.schedule(input.clone()).outcome().await;
    let second = site.schedule(input).outcome().await;
    assert_eq!(first.output()["applicationId"], second.output()["applicationId"]);
    assert_eq!(site.cluster.world().applications().len(), 1);
}

#[tokio::test]
async fn a_second_open_task_with_the_same_client_token_is_refused() {
    let site = Site::new().await;
    let _worker = site.worker(&[]).await;
    let first = site.schedule(input(&site, "forever.py"));
    site.running(1).await;
    let outcome = site.schedule(input(&site, "forever.py")).outcome().await;
    let (error, text) = outcome.failure();
    assert_eq!(error, "SparkJob.InvalidInput");
    assert!(
        cause(text)["message"]
            .as_str()
            .unwrap()
            .contains("already names another open task"),
        "{text}"
    );
    assert_eq!(first.outcome_so_far(), None);
    assert_eq!(site.cluster.world().applications().len(), 1);
}

#[tokio::test]
async fn a_retry_waits_for_the_job_that_is_being_stopped_and_runs_under_the_next_number() {
    let site = Site::new().await;
    site.cluster.world().script_next("*", Job::until_ended());
    let worker = site.worker(&[]).await;
    let first = site.schedule(input(&site, "pi.py"));
    site.running(1).await;
    site.cluster.world().lose_kills(true);
    let deletion = site.cluster.livy().faults().hold(On::delete("*"), Moment::Before);
    let kill = site
        .cluster
        .resource_manager()
        .faults()
        .hold(On::put("*"), Moment::Before);
    first.stop_execution();
    worker.shows("/", "being stopped").await;
    let retry = site.schedule(input(&site, "pi.py"));
    retry.beaten(4).await;
    assert_eq!(site.cluster.world().applications().len(), 1);
    deletion.open();
    kill.open();
    let outcome = retry.outcome().await;
    assert!(
        outcome.output()["name"].as_str().unwrap().ends_with("-2"),
        "{outcome:?}"
    );
    assert_eq!(site.cluster.world().peak_live("sparkwright"), 1);
}

#[tokio::test]
async fn a_retry_waits_no_longer_than_its_start_time_out_for_a_job_that_is_being_stopped() {
    let site = Site::new().await;
    let worker = site.worker(&[]).await;
    let first = site.schedule(input(&site, "forever.py"));
    site.running(1).await;
    // Nobody can confirm the stop.
    site.cluster.resource_manager().down().await;
    first.stop_execution();
    worker.shows("/", "being stopped").await;
    let mut input = input(&site, "forever.py");
    input["StartTimeoutSeconds"] = json!(1);
    let retry = site.schedule(input);
    let outcome = timeout(Duration::from_secs(20), retry.outcome())
        .await
        .expect("the retry ends");
    let (error, text) = outcome.failure();
    assert_eq!(error, "SparkJob.StartTimeout");
    assert!(
        text.contains("an earlier run of this ClientToken is still being stopped"),
        "{text}"
    );
    assert_eq!(site.cluster.livy().journal().count("POST /batches"), 1);
}

#[tokio::test]
async fn tasks_without_a_client_token_are_told_apart() {
    let site = Site::new().await;
    let _worker = site.worker(&[]).await;
    let tasks = [site.run("pi.py"), site.run("pi.py")];
    for task in &tasks {
        task.outcome().await.output();
    }
    let names: Vec<_> = site
        .cluster
        .world()
        .applications()
        .into_iter()
        .map(|a| a.name)
        .collect();
    assert!(names.len() == 2 && names[0] != names[1], "{names:?}");
}
