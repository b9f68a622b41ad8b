//! Polls: slots before them, none given up, none for ever in vain.

use std::time::Duration;

use serde_json::json;
use sparkwright_tests::aws;
use sparkwright_tests::cluster::{Cluster, Fate};
use sparkwright_tests::faults::{Fault, On};
use sparkwright_tests::http::Answer;
use sparkwright_tests::journal::Ending;
use sparkwright_tests::step_functions::{StepFunctions, Task};

use crate::site::Site;

fn refusal(code: &str) -> Fault {
    Fault::Answer(aws::error(code, "no"))
}

#[tokio::test]
async fn nothing_is_polled_without_a_free_slot() {
    let site = Site::new().await;
    let _worker = site.worker(&["--slots=2", "--pollers-per-activity=2"]).await;
    let tasks = [
        site.run("forever.py"),
        site.run("forever.py"),
        site.run("forever.py"),
    ];
    site.cluster
        .world()
        .until(|world| world.live_applications().len() == 2)
        .await;
    tasks[0].beaten(3).await;
    let polls = site.step_functions.server().journal();
    assert_eq!(
        (
            site.step_functions.waiting_tasks(),
            polls.sum("GetActivityTask").open
        ),
        (1, 0)
    );
    let first = site.cluster.world().live_applications()[0].id;
    site.cluster.world().end(first, Fate::Succeeds);
    site.cluster
        .world()
        .until(|world| world.applications().len() == 3)
        .await;
    assert_eq!(site.step_functions.waiting_tasks(), 0);
}

#[tokio::test]
async fn polls_that_fail_in_any_way_are_tried_again() {
    let site = Site::new().await;
    let faults = site.step_functions.server().faults();
    let poll = || On::operation("GetActivityTask");
    faults.inject(poll().nth(1), refusal("ThrottlingException"));
    faults.inject(poll().nth(2), Fault::status(500));
    faults.inject(poll().nth(3), Fault::reset());
    faults.inject(
        poll().nth(4),
        Fault::Answer(Answer::html(502, "<h1>Bad Gateway</h1>")),
    );
    let worker = site.worker(&["--pollers-per-activity=1"]).await;
    worker.shows("/readyz", "throttles").await;
    assert_eq!(site.run("pi.py").outcome().await.output()["state"], "SUCCEEDED");
    worker.shows("/readyz", "ready").await;
    assert_eq!(worker.get("/readyz").await.0, 200);
}

#[tokio::test]
async fn a_quota_of_polls_is_lived_with() {
    let step_functions = StepFunctions::builder()
        .poll_time(Duration::from_millis(200))
        .quota("GetActivityTask", 2, 2.0);
    let site = Site::with(Cluster::builder(), step_functions).await;
    let _worker = site.worker(&[]).await;
    let tasks = [site.run("pi.py"), site.run("pi.py"), site.run("pi.py")];
    for task in &tasks {
        task.outcome().await.output();
    }
}

#[tokio::test]
async fn an_activity_that_does_not_exist_is_named_and_does_not_keep_another_waiting() {
    let site = Site::new().await;
    let missing = "arn:aws:states:eu-west-1:123456789012:activity:missing";
    let worker = site.worker(&[&format!("--activity-arn={missing}")]).await;
    worker.shows("/readyz", "the activity does not exist").await;
    worker.shows("/readyz", missing).await;
    assert_eq!(site.run("pi.py").outcome().await.output()["state"], "SUCCEEDED");
    assert_eq!(worker.get("/healthz").await.0, 200);
}

#[tokio::test]
async fn two_activities_are_served() {
    let site = Site::new().await;
    let other = site.step_functions.create_activity("other");
    let _worker = site
        .worker(&[&format!("--activity-arn={other}"), "--slots=2"])
        .await;
    let file = site.cluster.job_file("pi.py");
    let tasks = [
        site.run("pi.py"),
        site.step_functions
            .schedule_task(Task::new(json!({"File": file})).activity(&other)),
    ];
    for task in &tasks {
        assert_eq!(task.outcome().await.output()["state"], "SUCCEEDED");
    }
}

#[tokio::test]
async fn refused_permissions_are_named() {
    let site = Site::new().await;
    let faults = site.step_functions.server().faults();
    faults.inject(On::operation("GetActivityTask"), refusal("AccessDeniedException"));
    let worker = site.worker(&[]).await;
    worker.shows("/readyz", "role's permissions").await;
}

#[tokio::test]
async fn open_polls_return_before_the_worker_ends_and_their_tasks_are_handed_back() {
    let step_functions = StepFunctions::builder().poll_time(Duration::from_secs(2));
    let site = Site::with(Cluster::builder(), step_functions).await;
    let mut worker = site.worker(&["--pollers-per-activity=3", "--drain=wait"]).await;
    site.step_functions
        .server()
        .journal()
        .until(|polls| polls.sum("GetActivityTask").open == 3)
        .await;
    worker.shut_down();
    worker.shows("/readyz", "the worker is stopping").await;
    let outcome = site.run("pi.py").outcome().await;
    assert_eq!(outcome.failure().0, "SparkJob.WorkerDraining");
    worker.ended().await;
    let polls = site.step_functions.server().journal().entries("GetActivityTask");
    assert!(
        polls.iter().all(|poll| poll.ending == Ending::Answered(200)),
        "an open poll was given up"
    );
    assert_eq!(polls.len(), 3);
    assert_eq!(site.cluster.livy().journal().count("POST /batches"), 0);
}
