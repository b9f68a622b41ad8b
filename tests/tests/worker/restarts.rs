//! A worker that ends, in whichever way, and the next one with the same journal.

use std::time::Duration;

use serde_json::{Value, json};
use sparkwright_tests::cluster::{Cluster, Fate, Job};
use sparkwright_tests::faults::{Fault, Injected, Moment, On};
use sparkwright_tests::step_functions::{Outcome, StepFunctions, TaskHandle};

use crate::crashing::{Crashing, polls_of_the_dead_are_over};
use crate::site::{HEARTBEAT, Site};

fn input(site: &Site, file: &str) -> Value {
    json!({"ClientToken": "execution/state/1", "File": site.cluster.job_file(file)})
}

/// A worker with a task, and the option by which another goes on in its place.
async fn begun(site: &Site, input: Value) -> (String, Crashing, TaskHandle) {
    let journal = site.journal("a");
    let worker = Crashing::start(site, &[&journal]).await;
    (journal, worker, site.schedule(input))
}

/// The same, and its job runs.
async fn at_work(site: &Site) -> (String, Crashing, TaskHandle) {
    let begun = begun(site, input(site, "forever.py")).await;
    site.running(1).await;
    begun
}

/// The same, and the worker has seen that.
async fn seen_running(site: &Site, input: Value) -> (String, Crashing, TaskHandle) {
    let begun = begun(site, input).await;
    begun.1.shows("running").await;
    begun
}

/// The option by which another goes on where a worker was killed whose batch was made, and who has not heard of that.
async fn killed_unanswered(site: &Site, input: Value) -> (String, TaskHandle) {
    let livy = site.cluster.livy().faults();
    let answer = livy.hold(On::post("/batches"), Moment::After);
    let (journal, worker, task) = begun(site, input).await;
    answer.arrived(1).await;
    worker.kill().await;
    answer.open();
    (journal, task)
}

/// Neither Livy nor YARN answers until these are removed.
fn silence(site: &Site) -> [Injected; 2] {
    let faults = [
        site.cluster.livy().faults(),
        site.cluster.resource_manager().faults(),
    ];
    faults.map(|faults| faults.inject(On::any(), Fault::lost_request()))
}

#[tokio::test]
async fn a_job_that_was_left_is_followed_by_the_next_process_under_the_same_token() {
    let site = Site::new().await;
    let journal = site.journal("a");
    let mut first = site.worker(&[&journal]).await;
    let task = site.schedule(input(&site, "forever.py"));
    site.running(1).await;
    first.shut_down();
    first.ended().await;
    let _second = site.worker(&[&journal]).await;
    task.beaten(task.heartbeats() + 3).await;
    site.end(Fate::Succeeds);
    assert_eq!(task.outcome().await.output()["state"], "SUCCEEDED");
    assert_eq!(site.cluster.world().applications().len(), 1);
}

#[tokio::test]
async fn a_worker_that_is_killed_goes_on_where_it_was() {
    let site = Site::new().await;
    let journal = site.journal("a");
    let first = Crashing::start(&site, &[&journal]).await;
    let tasks: Vec<_> = (0..3)
        .map(|number| {
            site.schedule(json!({
                "ClientToken": format!("e/s/{number}"),
                "File": site.cluster.job_file("forever.py"),
            }))
        })
        .collect();
    site.running(3).await;
    first.kill().await;
    let _second = site.worker(&[&journal]).await;
    for application in site.cluster.world().applications() {
        site.cluster.world().end(application.id, Fate::Succeeds);
    }
    for task in &tasks {
        assert_eq!(task.outcome().await.output()["state"], "SUCCEEDED");
    }
    assert_eq!(site.cluster.world().applications().len(), 3);
}

#[tokio::test]
async fn a_submission_whose_answer_no_process_has_heard_is_found_and_not_repeated() {
    let site = Site::new().await;
    let (journal, task) = killed_unanswered(&site, input(&site, "forever.py")).await;
    let _second = site.worker(&[&journal]).await;
    site.running(1).await;
    task.beaten(task.heartbeats() + 3).await;
    site.end(Fate::Succeeds);
    let outcome = task.outcome().await;
    assert_eq!(site.cluster.world().applications().len(), 1, "{outcome:?}");
    assert_eq!(outcome.output()["state"], "SUCCEEDED");
}

#[tokio::test]
async fn a_job_that_failed_while_no_worker_was_there_is_reported_and_not_repeated() {
    let site = Site::new().await;
    let (journal, first, task) = seen_running(&site, input(&site, "forever.py")).await;
    first.kill().await;
    site.end(Fate::Raises {
        error: "ValueError: alone".into(),
    });
    site.running(0).await;
    let _second = site.worker(&[&journal]).await;
    let outcome = task.outcome().await;
    let (error, text) = outcome.failure();
    assert_eq!(error, "SparkJob.Failed");
    assert!(text.contains("ValueError: alone"), "{text}");
    assert_eq!(site.cluster.world().applications().len(), 1);
}

#[tokio::test]
async fn an_end_that_was_not_reported_is_reported_by_the_next_process() {
    let site = Site::new().await;
    let journal = site.journal("a");
    let first = Crashing::start(&site, &[&journal]).await;
    let unheard = site
        .step_functions
        .server()
        .faults()
        .hold(On::operation("SendTaskSuccess"), Moment::Before);
    let task = site.schedule(input(&site, "pi.py"));
    unheard.arrived(1).await;
    first.kill().await;
    // That request is never heard; the next one is.
    site.step_functions.server().faults().clear();
    let posts = site.cluster.livy().journal().count("POST /batches");
    // Livy and YARN are gone by now; the journal knows.
    site.cluster.livy().down().await;
    site.cluster.resource_manager().down().await;
    let _second = site.worker(&[&journal]).await;
    assert_eq!(task.outcome().await.output()["state"], "SUCCEEDED");
    assert_eq!(posts, 1);
}

#[tokio::test]
async fn a_stop_that_was_begun_is_finished_by_the_next_process_and_nobody_hears_of_it() {
    let site = Site::new().await;
    site.cluster.world().script_next("*", Job::until_ended());
    let (journal, first, task) = begun(&site, input(&site, "pi.py")).await;
    site.running(1).await;
    site.cluster.world().lose_kills(true);
    task.stop_execution();
    first.shows("being stopped").await;
    first.kill().await;
    site.cluster.world().lose_kills(false);
    let second = Crashing::start(&site, &[&journal]).await;
    polls_of_the_dead_are_over().await;
    // A retry waits for it.
    let retry = site.schedule(input(&site, "pi.py"));
    let outcome = retry.outcome().await;
    let outcome = outcome.output();
    assert!(outcome["name"].as_str().unwrap().ends_with("-2"));
    assert_eq!(site.cluster.world().peak_live("sparkwright"), 1);
    second.shows("0 tasks").await;
}

#[tokio::test]
async fn a_task_that_was_cancelled_while_no_worker_was_there_has_its_job_stopped() {
    let site = Site::new().await;
    let (journal, first, task) = at_work(&site).await;
    task.beaten(4).await;
    // Long enough for that to be noted.
    tokio::time::sleep(Duration::from_millis(500)).await;
    first.kill().await;
    task.stop_execution();
    let _second = site.worker(&[&journal]).await;
    site.running(0).await;
}

#[tokio::test]
async fn a_token_that_expired_while_no_worker_was_there_leaves_the_job_to_the_retry() {
    let site = Site::new().await;
    let (journal, first, task) = at_work(&site).await;
    first.kill().await;
    assert!(matches!(task.outcome().await, Outcome::TimedOut(_)));
    let _second = site.worker(&[&journal]).await;
    polls_of_the_dead_are_over().await;
    let retry = site.schedule(input(&site, "forever.py"));
    retry.beaten(3).await;
    assert_eq!(site.cluster.world().live_applications().len(), 1);
    site.end(Fate::Succeeds);
    retry.outcome().await.output();
    assert_eq!(site.cluster.world().applications().len(), 1);
}

#[tokio::test]
async fn what_arrives_while_the_worker_leaves_is_run_by_the_next_process() {
    let site = Site::new().await;
    let journal = site.journal("a");
    let mut first = site.worker(&[&journal]).await;
    let poll = site
        .step_functions
        .server()
        .faults()
        .hold(On::operation("GetActivityTask"), Moment::After);
    let task = site.schedule(input(&site, "pi.py"));
    poll.arrived(1).await;
    first.shut_down();
    first.shows("/", "The worker is stopping").await;
    poll.open();
    drop(poll);
    first.ended().await;
    assert_eq!(site.cluster.livy().journal().count("POST /batches"), 0);
    let _second = site.worker(&[&journal]).await;
    assert_eq!(task.outcome().await.output()["state"], "SUCCEEDED");
}

#[tokio::test]
async fn a_job_that_was_running_is_not_late_though_nobody_can_be_asked_about_it() {
    let site = Site::new().await;
    let mut input = input(&site, "forever.py");
    input["StartTimeoutSeconds"] = json!(2);
    let (journal, first, task) = seen_running(&site, input).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    first.kill().await;
    let silent = silence(&site);
    let _second = site.worker(&[&journal]).await;
    task.beaten(task.heartbeats() + 5).await;
    silent.iter().for_each(Injected::remove);
    site.end(Fate::Succeeds);
    assert_eq!(task.outcome().await.output()["state"], "SUCCEEDED");
}

#[tokio::test]
async fn what_is_left_keeps_its_heartbeat_until_the_last_open_poll_has_returned() {
    // Polls are held for longer than a token lives without a heartbeat.
    let step_functions = StepFunctions::builder().poll_time(3 * HEARTBEAT / 2);
    let site = Site::with(Cluster::builder(), step_functions).await;
    let journal = site.journal("a");
    let mut first = site.worker(&[&journal, "--drain-timeout=20s"]).await;
    let task = site.schedule(input(&site, "forever.py"));
    site.running(1).await;
    first.shut_down();
    first.ended().await;
    assert_eq!(task.outcome_so_far(), None);
    let _second = site.worker(&[&journal]).await;
    task.beaten(task.heartbeats() + 2).await;
    site.end(Fate::Succeeds);
    task.outcome().await.output();
    assert!(task.longest_silence() < HEARTBEAT, "{:?}", task.longest_silence());
}

#[tokio::test]
async fn a_job_that_a_retry_has_adopted_elsewhere_outlives_two_restarts_without_step_functions() {
    let site = Site::new().await;
    let (journal, first, task) = at_work(&site).await;
    first.kill().await;
    assert!(matches!(task.outcome().await, Outcome::TimedOut(_)));
    let _elsewhere = site.worker(&[]).await;
    polls_of_the_dead_are_over().await;
    let retry = site.schedule(input(&site, "forever.py"));
    retry.beaten(2).await;
    // This one cannot hear that its token is over.
    let faults = site.step_functions.server().faults();
    let silent = faults.inject(
        On::operation("SendTaskHeartbeat").containing(&task.token().unwrap()),
        Fault::lost_request(),
    );
    let second = Crashing::spawn(&site, &[&journal], "");
    silent.struck(4).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    second.kill().await;
    silent.remove();
    let _third = site.worker(&[&journal]).await;
    retry.beaten(retry.heartbeats() + 6).await;
    assert_eq!(site.cluster.world().live_applications().len(), 1);
    site.end(Fate::Succeeds);
    retry.outcome().await.output();
}

#[tokio::test]
async fn a_job_that_was_submitted_in_time_is_not_stopped_unseen_after_a_long_absence() {
    let site = Site::new().await;
    let mut input = input(&site, "forever.py");
    input["StartTimeoutSeconds"] = json!(1);
    let (journal, task) = killed_unanswered(&site, input).await;
    site.running(1).await;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let second = site.worker(&[&journal]).await;
    second.shows("/", "running").await;
    task.beaten(task.heartbeats() + 3).await;
    site.end(Fate::Succeeds);
    task.outcome().await.output();
}

#[tokio::test]
async fn a_worker_that_is_stopped_while_it_takes_tasks_up_leaves_them() {
    let site = Site::new().await;
    let (journal, first, task) = at_work(&site).await;
    first.kill().await;
    let faults = site.step_functions.server().faults();
    let unanswered = faults.inject(On::operation("SendTaskHeartbeat"), Fault::hang());
    let mut second = Crashing::spawn(&site, &[&journal], "");
    second.says("they are taken up").await;
    second.terminate();
    let log = second.ended().await;
    assert!(
        log.contains("the worker has drained") && !log.contains("the worker polls"),
        "{log}"
    );
    unanswered.remove();
    let _third = site.worker(&[&journal]).await;
    task.beaten(task.heartbeats() + 2).await;
    assert_eq!(site.cluster.world().applications().len(), 1);
}

#[tokio::test]
async fn two_tasks_of_one_intent_are_taken_up_and_the_retry_has_the_job() {
    let site = Site::new().await;
    let journal = site.journal("a");
    let first = Crashing::start(&site, &[&journal]).await;
    let execution = site.step_functions.start_execution();
    let input = json!({
        "ClientToken": "execution/state/1",
        "ExecutionId": execution.arn(),
        "File": site.cluster.job_file("forever.py"),
    });
    let task = execution.schedule(site.task(input.clone()));
    site.running(1).await;
    let faults = site.step_functions.server().faults();
    let cut_off = faults.inject(On::operation("SendTaskHeartbeat"), Fault::lost_request());
    assert!(matches!(task.outcome().await, Outcome::TimedOut(_)));
    tokio::time::sleep(Duration::from_millis(200)).await;
    cut_off.remove();
    first.shows("left for a retry").await;
    // The retry cannot find the job as long as YARN is silent.
    let faults = site.cluster.resource_manager().faults();
    let silent = faults.inject(On::any(), Fault::lost_request());
    let retry = execution.schedule(site.task(input));
    first.shows("being submitted").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    first.shows("left for a retry").await;
    first.kill().await;
    silent.remove();
    let second = site.worker(&[&journal]).await;
    retry.beaten(retry.heartbeats() + 4).await;
    second.shows("/", "1 tasks").await;
    site.end(Fate::Succeeds);
    retry.outcome().await.output();
    second.shows("/", "0 tasks").await;
    assert_eq!(site.cluster.world().applications().len(), 1);
    assert_eq!(site.cluster.livy().journal().count("POST /batches"), 1);
}

#[tokio::test]
async fn an_application_that_the_journal_names_is_known_before_anybody_answers() {
    let site = Site::new().await;
    let (journal, first, task) = seen_running(&site, input(&site, "forever.py")).await;
    let application = site.cluster.world().applications()[0].id.to_string();
    first.shows(&application).await;
    // What is shown is in the journal a moment later.
    tokio::time::sleep(Duration::from_millis(500)).await;
    first.kill().await;
    let silent = silence(&site);
    // What it follows it writes into the journal anew, and the third process knows it from there.
    for _ in 0..2 {
        let next = Crashing::start(&site, &[&journal]).await;
        next.shows(&application).await;
        next.kill().await;
    }
    silent.iter().for_each(Injected::remove);
    let _last = site.worker(&[&journal]).await;
    site.end(Fate::Succeeds);
    task.outcome().await.output();
}
