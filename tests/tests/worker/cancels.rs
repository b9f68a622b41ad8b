//! Tasks that somebody ends: their jobs are stopped, and nothing is reported.

use std::time::Duration;

use serde_json::json;
use sparkwright_tests::cluster::ApplicationState;
use sparkwright_tests::faults::{Fault, Moment, On};
use sparkwright_tests::http::Answer;
use sparkwright_tests::journal::Ending;
use sparkwright_tests::step_functions::{Outcome, TimeOut};

use crate::crashing::Crashing;
use crate::site::Site;

#[tokio::test]
async fn a_stopped_execution_kills_its_job_and_hears_nothing() {
    let site = Site::new().await;
    let worker = site.worker(&[]).await;
    let task = site.run("forever.py");
    site.running(1).await;
    task.stop_execution();
    site.running(0).await;
    assert_eq!(
        site.cluster.world().applications()[0].state,
        ApplicationState::Killed
    );
    worker.shows("/", "0 tasks").await;
    let journal = site.step_functions.server().journal();
    assert_eq!(
        journal.count("SendTaskSuccess") + journal.count("SendTaskFailure"),
        0
    );
}

#[tokio::test]
async fn a_job_is_killed_at_the_first_heartbeat_after_its_task_is_over() {
    let site = Site::new().await;
    let _worker = site.worker(&[]).await;
    for ending in [Outcome::Stopped, Outcome::TimedOut(TimeOut::Task)] {
        let task = site.run("forever.py");
        site.running(1).await;
        task.beaten(2).await;
        task.close(ending.clone());
        site.running(0).await;
        let application = site.cluster.world().applications().pop().unwrap();
        assert_eq!(application.state, ApplicationState::Killed, "{ending:?}");
        // One heartbeat was told so, and no second one was needed.
        let token = task.token().unwrap();
        let beats = site
            .step_functions
            .server()
            .journal()
            .entries("SendTaskHeartbeat");
        let refused = beats.iter().filter(|beat| {
            beat.ending == Ending::Answered(400)
                && String::from_utf8_lossy(&beat.request.body).contains(&token)
        });
        assert_eq!(refused.count(), 1, "{ending:?}");
    }
}

#[tokio::test]
async fn a_cancelled_task_whose_job_is_to_be_left_leaves_it() {
    let site = Site::new().await;
    let worker = site.worker(&[]).await;
    let file = site.cluster.job_file("forever.py");
    let task = site.schedule(json!({"File": file, "OnCancel": "Leave"}));
    site.running(1).await;
    task.stop_execution();
    worker.shows("/", "0 tasks").await;
    assert_eq!(site.cluster.world().live_applications().len(), 1);
    assert_eq!(site.cluster.livy().journal().count("DELETE *"), 0);
}

#[tokio::test]
async fn a_task_that_is_cancelled_before_its_submission_submits_nothing() {
    let site = Site::new().await;
    let gate = site
        .cluster
        .livy()
        .faults()
        .hold(On::get("/batches"), Moment::Before);
    let worker = site.worker(&[]).await;
    let task = site.run("pi.py");
    gate.arrived(1).await;
    task.stop_execution();
    let refused = site.step_functions.server().journal().count("SendTaskHeartbeat");
    site.step_functions
        .server()
        .journal()
        .reached("SendTaskHeartbeat", refused + 1)
        .await;
    // The heartbeat that was refused has to be heard before Livy answers.
    tokio::time::sleep(Duration::from_millis(200)).await;
    gate.open();
    worker.shows("/", "0 tasks").await;
    assert_eq!(site.cluster.livy().journal().count("POST /batches"), 0);
}

#[tokio::test]
async fn a_task_that_is_cancelled_while_livy_is_down_frees_its_slot_and_its_client_token() {
    let site = Site::new().await;
    site.cluster.crash_livy().await;
    let worker = site.worker(&["--slots=1", "--submit-timeout=10m"]).await;
    let input = json!({"ClientToken": "execution/state/1", "File": site.cluster.job_file("pi.py")});
    let task = site.schedule(input.clone());
    worker.shows("/", "being submitted").await;
    task.stop_execution();
    worker.shows("/", "0 tasks").await;
    site.cluster.start_livy();
    assert_eq!(
        site.schedule(input).outcome().await.output()["state"],
        "SUCCEEDED"
    );
    assert_eq!(site.cluster.livy().journal().count("POST /batches"), 1);
}

#[tokio::test]
async fn a_task_that_is_cancelled_during_its_post_stops_what_came_of_it() {
    let site = Site::new().await;
    let gate = site
        .cluster
        .livy()
        .faults()
        .hold(On::post("/batches"), Moment::After);
    let worker = site.worker(&[]).await;
    let task = site.run("forever.py");
    site.running(1).await;
    task.stop_execution();
    tokio::time::sleep(Duration::from_millis(500)).await;
    gate.open();
    site.running(0).await;
    worker.shows("/", "0 tasks").await;
    assert_eq!(site.cluster.world().applications().len(), 1);
}

#[tokio::test]
async fn a_task_that_is_cancelled_after_a_post_that_livy_did_not_take_ends_without_a_search() {
    let site = Site::new().await;
    let full = Answer::json(
        400,
        &json!({"msg": "Rejected, too many sessions are being created!"}),
    );
    let livy = site.cluster.livy().faults();
    livy.inject(On::post("/batches"), Fault::Answer(full));
    let worker = site.worker(&["--submit-timeout=10m"]).await;
    let task = site.run("pi.py");
    worker.shows("/", "as many sessions as it may").await;
    // From now on nobody can say what there is.
    site.cluster.crash_livy().await;
    task.stop_execution();
    worker.shows("/", "0 tasks").await;
}

#[tokio::test]
async fn a_state_that_times_out_stops_its_job() {
    let site = Site::new().await;
    let _worker = site.worker(&[]).await;
    let file = site.cluster.job_file("forever.py");
    let task = site
        .task(json!({"File": file}))
        .timeout(Duration::from_millis(1500));
    let task = site.step_functions.schedule_task(task);
    assert_eq!(task.outcome().await, Outcome::TimedOut(TimeOut::Task));
    site.running(0).await;
    assert_eq!(site.cluster.world().applications().len(), 1);
}

#[tokio::test]
async fn a_stop_does_not_take_the_room_of_other_tasks() {
    let site = Site::new().await;
    let gate = site.cluster.livy().faults().hold(On::delete("*"), Moment::Before);
    site.cluster
        .resource_manager()
        .faults()
        .hold(On::put("*"), Moment::Before);
    let _worker = site.worker(&["--slots=1"]).await;
    let task = site.run("forever.py");
    site.running(1).await;
    task.stop_execution();
    gate.arrived(1).await;
    assert_eq!(site.run("pi.py").outcome().await.output()["state"], "SUCCEEDED");
}

/// A retry, on a worker that knows nothing of the job that runs, is cancelled while YARN is silent.
async fn a_retry_is_cancelled_before_it_could_look(site: &Site, on_cancel: &str) -> Crashing {
    let first = Crashing::start(site, &[]).await;
    let input = json!({
        "ClientToken": "execution/state/1",
        "File": site.cluster.job_file("forever.py"),
        "OnCancel": on_cancel,
    });
    let task = site.schedule(input.clone());
    site.running(1).await;
    first.kill().await;
    assert_eq!(task.outcome().await, Outcome::TimedOut(TimeOut::Heartbeat));
    let faults = site.cluster.resource_manager().faults();
    let silent = faults.inject(On::any(), Fault::lost_request());
    let second = Crashing::start(site, &["--submit-timeout=10m", &site.journal("second")]).await;
    let retry = site.schedule(input);
    second.shows("being submitted").await;
    retry.beaten(2).await;
    retry.stop_execution();
    if on_cancel == "Stop" {
        second.shows("being stopped").await;
    }
    silent.remove();
    second
}

#[tokio::test]
async fn a_retry_that_is_cancelled_before_it_could_look_stops_the_job() {
    let site = Site::new().await;
    let worker = a_retry_is_cancelled_before_it_could_look(&site, "Stop").await;
    site.running(0).await;
    worker.shows("0 tasks").await;
    assert_eq!(site.cluster.world().applications().len(), 1);
}

#[tokio::test]
async fn a_retry_that_is_cancelled_before_it_could_look_leaves_the_job_as_it_is_told() {
    let site = Site::new().await;
    let worker = a_retry_is_cancelled_before_it_could_look(&site, "Leave").await;
    worker.shows("0 tasks").await;
    assert_eq!(site.cluster.world().live_applications().len(), 1);
}

#[tokio::test]
async fn the_next_process_goes_on_to_look_for_the_job_of_a_cancelled_retry() {
    let site = Site::new().await;
    let worker = a_retry_is_cancelled_before_it_could_look(&site, "Stop").await;
    worker.kill().await;
    let next = Crashing::start(&site, &[&site.journal("second")]).await;
    site.running(0).await;
    next.shows("0 tasks").await;
}

#[tokio::test]
async fn a_livy_that_keeps_the_batch_of_a_cancelled_task_does_not_hold_the_stop_up_for_ever() {
    let site = Site::new().await;
    let keeps_batch = async {
        site.running(1).await;
        let application = site.cluster.world().live_applications()[0].clone();
        let batch = json!({
            "id": 0,
            "name": application.name,
            "state": "running",
            "appId": application.id.to_string(),
            "log": [],
        });
        let list = json!({"from": 0, "total": 1, "sessions": [batch]});
        let faults = site.cluster.livy().faults();
        faults.inject(On::delete("*"), Fault::status(500));
        faults.inject(On::get("/batches"), Fault::Answer(Answer::json(200, &list)));
        faults.inject(On::get("/batches/*"), Fault::Answer(Answer::json(200, &batch)));
    };
    let (worker, ()) = tokio::join!(
        a_retry_is_cancelled_before_it_could_look(&site, "Stop"),
        keeps_batch
    );
    site.running(0).await;
    worker.shows("0 tasks").await;
    assert!(site.cluster.livy().journal().count("DELETE *") >= 1);
}
