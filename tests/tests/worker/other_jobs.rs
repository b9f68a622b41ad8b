//! One ClientToken, two jobs: the second is refused, whether the first one's application can be seen or not.

use std::time::Duration;

use serde_json::{Value, json};
use sparkwright_tests::cluster::{Fate, Job};
use sparkwright_tests::faults::{Fault, Injected, On};
use sparkwright_tests::http::Answer;
use sparkwright_tests::step_functions::{Execution, Outcome, TaskHandle};
use tokio::time::timeout;

use crate::crashing::{Crashing, polls_of_the_dead_are_over};
use crate::site::Site;

/// Longer than anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

fn input(site: &Site, execution: &Execution, file: &str) -> Value {
    json!({
        "ClientToken": "execution/state/1",
        "ExecutionId": execution.arn(),
        "File": site.cluster.job_file(file),
    })
}

/// A task with the ClientToken and other parameters is refused.
async fn is_refused(site: &Site, execution: &Execution) {
    second_is_refused(&execution.schedule(site.task(input(site, execution, "pi.py")))).await;
}

async fn second_is_refused(second: &TaskHandle) {
    let outcome = timeout(PATIENCE, second.outcome()).await.expect("it is refused");
    let (error, text) = outcome.failure();
    assert_eq!(error, "SparkJob.InvalidInput", "{text}");
    assert!(text.contains("already names another job"), "{text}");
    assert!(text.contains("index of every enclosing Map"), "{text}");
}

/// A site where the first job runs, whose worker was killed and whose task has ended.
async fn after_the_firsts_worker() -> (Site, Execution) {
    let site = Site::new().await;
    let execution = site.step_functions.start_execution();
    let worker = Crashing::start(&site, &[]).await;
    let first = execution.schedule(site.task(input(&site, &execution, "forever.py")));
    site.running(1).await;
    worker.kill().await;
    first.outcome().await;
    (site, execution)
}

#[tokio::test]
async fn the_worker_that_has_submitted_the_first_refuses_the_second_before_an_application_shows() {
    let site = Site::new().await;
    site.cluster.world().script_next("*", Job::never_appears());
    let execution = site.step_functions.start_execution();
    let journal = site.journal("a");
    let mut worker = Crashing::start(&site, &[&journal]).await;
    let first = execution.schedule(site.task(input(&site, &execution, "forever.py")));
    worker.says("the job is followed").await;
    is_refused(&site, &execution).await;
    // Nor when nobody has the intent any more.
    let faults = site.step_functions.server().faults();
    let cut_off = faults.inject(On::operation("SendTaskHeartbeat"), Fault::lost_request());
    assert!(matches!(first.outcome().await, Outcome::TimedOut(_)));
    tokio::time::sleep(Duration::from_millis(200)).await;
    cut_off.remove();
    worker.shows("left for a retry").await;
    is_refused(&site, &execution).await;
    // Nor by the next process.
    worker.kill().await;
    polls_of_the_dead_are_over().await;
    let next = Crashing::start(&site, &[&journal]).await;
    next.shows("left for a retry").await;
    is_refused(&site, &execution).await;
    let retry = execution.schedule(site.task(input(&site, &execution, "forever.py")));
    retry.beaten(3).await;
    assert_eq!(site.cluster.livy().journal().count("POST /batches"), 1);
    assert_eq!(retry.outcome_so_far(), None);
}

#[tokio::test]
async fn another_worker_refuses_the_second_once_the_firsts_application_shows() {
    let (site, execution) = after_the_firsts_worker().await;
    // As long as YARN does not show it, it could be anybody's.
    let faults = site.cluster.resource_manager().faults();
    let hidden = [
        faults.inject(
            On::get("/ws/v1/cluster/apps"),
            Fault::Answer(Answer::json(200, &json!({"apps": null}))),
        ),
        faults.inject(On::get("/ws/v1/cluster/apps/*"), Fault::status(404)),
    ];
    let mut other = Crashing::start(&site, &[]).await;
    let second = execution.schedule(site.task(input(&site, &execution, "pi.py")));
    other.says("the job is followed").await;
    assert_eq!(second.outcome_so_far(), None);
    hidden.iter().for_each(Injected::remove);
    second_is_refused(&second).await;
    // The first one's job lives, and its retry has it.
    let retry = execution.schedule(site.task(input(&site, &execution, "forever.py")));
    retry.beaten(3).await;
    site.end(Fate::Succeeds);
    retry.outcome().await.output();
    assert_eq!(site.cluster.world().applications().len(), 1);
    assert_eq!(site.cluster.livy().journal().count("POST /batches"), 1);
}

#[tokio::test]
async fn another_worker_refuses_the_second_while_the_first_runs() {
    let (site, execution) = after_the_firsts_worker().await;
    let _other = site.worker(&[]).await;
    is_refused(&site, &execution).await;
    assert_eq!(site.cluster.world().live_applications().len(), 1);
    let retry = execution.schedule(site.task(input(&site, &execution, "forever.py")));
    retry.beaten(2).await;
    assert_eq!(site.cluster.world().applications().len(), 1);
}

#[tokio::test]
async fn whichever_worker_it_is_refuses_the_second_after_the_first_has_ended() {
    for file in ["sleep.py", "raise.py"] {
        let site = Site::new().await;
        let execution = site.step_functions.start_execution();
        let mut worker = site.worker(&[]).await;
        let mut input = input(&site, &execution, file);
        input["Args"] = json!(["0.1"]);
        execution.schedule(site.task(input)).outcome().await;
        is_refused(&site, &execution).await;
        worker.shut_down();
        worker.ended().await;
        // This one knows only what YARN does.
        let _other = site.worker(&[]).await;
        is_refused(&site, &execution).await;
        assert_eq!(site.cluster.livy().journal().count("POST /batches"), 1, "{file}");
    }
}

#[tokio::test]
async fn after_a_job_that_livy_refused_the_token_may_name_another() {
    let site = Site::new().await;
    let execution = site.step_functions.start_execution();
    let _worker = site.worker(&[]).await;
    let refused = json!({
        "ClientToken": "execution/state/1",
        "ExecutionId": execution.arn(),
        "File": "file:///etc/job.py",
    });
    let first = execution.schedule(site.task(refused)).outcome().await;
    assert_eq!(first.failure().0, "SparkJob.Rejected");
    // Its state's Catch has mended the parameters.
    let second = execution.schedule(site.task(input(&site, &execution, "pi.py")));
    let second = timeout(PATIENCE, second.outcome()).await.expect("it ends");
    assert_eq!(second.output()["state"], "SUCCEEDED");
}
