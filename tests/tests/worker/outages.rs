//! A Livy, a YARN, a Step Functions that do not answer, or not in time.

use std::time::{Duration, Instant};

use serde_json::json;
use sparkwright_tests::aws;
use sparkwright_tests::cluster::{Application, ApplicationState, Fate, Job, Memory};
use sparkwright_tests::faults::{Fault, Moment, On};
use sparkwright_tests::step_functions::Outcome;
use tokio::time::timeout;

use crate::site::{HEARTBEAT, Site, cause};

#[tokio::test]
async fn a_livy_that_is_down_is_named_at_once_and_ends_the_task_at_the_submit_time_out() {
    let site = Site::new().await;
    site.cluster.crash_livy().await;
    let worker = site.worker(&["--submit-timeout=4s"]).await;
    let task = site.run("pi.py");
    worker.shows("/", "being submitted").await;
    let began = Instant::now();
    worker
        .shows("/", &format!("Livy at {}", site.cluster.livy_url()))
        .await;
    worker.shows("/", "cannot be used since").await;
    worker.shows("/readyz", "fails since").await;
    assert_eq!(worker.get("/readyz").await.0, 503);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    let outcome = task.outcome().await;
    let (error, text) = outcome.failure();
    assert_eq!(error, "SparkJob.LivyUnavailable");
    let message = cause(text)["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("nothing was submitted within 4 s") && message.contains("is Livy running there"),
        "{text}"
    );
    assert!(site.cluster.world().applications().is_empty());
}

#[tokio::test]
async fn a_livy_that_comes_back_in_time_gets_the_job() {
    let site = Site::new().await;
    site.cluster.crash_livy().await;
    let worker = site.worker(&["--submit-timeout=20s"]).await;
    let task = site.run("pi.py");
    worker.shows("/", "being submitted").await;
    task.beaten(3).await;
    site.cluster.start_livy();
    assert_eq!(task.outcome().await.output()["state"], "SUCCEEDED");
}

#[tokio::test]
async fn without_yarn_nothing_is_submitted() {
    let site = Site::new().await;
    site.cluster.crash_resource_manager().await;
    let worker = site.worker(&[]).await;
    let task = site.run("pi.py");
    worker.shows("/", "the ResourceManager at").await;
    worker.shows("/readyz", "the ResourceManager at").await;
    let outcome = task.outcome().await;
    let (error, text) = outcome.failure();
    assert_eq!(error, "SparkJob.LivyUnavailable");
    assert!(
        text.contains("ResourceManager") && text.contains("security group"),
        "{text}"
    );
    assert_eq!(site.cluster.livy().journal().count("POST /batches"), 0);
}

#[tokio::test]
async fn a_job_outlives_an_outage_of_both_and_is_reported_with_the_truth() {
    let site = Site::new().await;
    let _worker = site.worker(&[]).await;
    let task = site.run("forever.py");
    let running = |application: &Application| application.state == ApplicationState::Running;
    site.cluster
        .world()
        .until(|world| world.applications().iter().any(running))
        .await;
    let application = site.cluster.world().applications()[0].id;
    site.cluster.crash_livy().await;
    site.cluster.crash_resource_manager().await;
    let beats = task.heartbeats();
    task.beaten(beats + 3).await;
    assert_eq!(task.outcome_so_far(), None);
    site.cluster.start_livy();
    site.cluster.start_resource_manager(Memory::Keeps);
    site.cluster.world().end(
        application,
        Fate::Raises {
            error: "ValueError: late".into(),
        },
    );
    let outcome = task.outcome().await;
    let (error, text) = outcome.failure();
    assert!(
        error == "SparkJob.Failed" && text.contains("ValueError: late"),
        "{error} {text}"
    );
    assert_eq!(site.cluster.livy().journal().count("POST /batches"), 1);
}

#[tokio::test]
async fn a_job_of_which_nobody_tells_is_lost_and_stopped_when_they_return() {
    let site = Site::new().await;
    let worker = site.worker(&["--lost-timeout=500ms"]).await;
    let task = site.run("forever.py");
    site.cluster
        .world()
        .until(|world| world.live_applications().len() == 1)
        .await;
    site.cluster.livy().down().await;
    site.cluster.resource_manager().down().await;
    let outcome = task.outcome().await;
    let (error, text) = outcome.failure();
    assert_eq!((error, &cause(text)["state"]), ("SparkJob.Lost", &json!("LOST")));
    worker.shows("/", "being stopped").await;
    assert_eq!(site.cluster.world().live_applications().len(), 1);
    site.cluster.livy().up();
    site.cluster.resource_manager().up();
    site.cluster
        .world()
        .until(|world| world.live_applications().is_empty())
        .await;
}

#[tokio::test]
async fn a_job_that_livy_shows_is_not_lost_while_yarn_is_silent() {
    let site = Site::new().await;
    let _worker = site.worker(&["--lost-timeout=500ms"]).await;
    let task = site.run("forever.py");
    site.cluster
        .world()
        .until(|world| world.live_applications().len() == 1)
        .await;
    site.cluster.resource_manager().down().await;
    // Three times as long as it may go unseen.
    let early = timeout(Duration::from_millis(1500), task.outcome()).await;
    assert!(early.is_err(), "{early:?}");
    site.cluster.resource_manager().up();
    site.cluster
        .world()
        .end(site.cluster.world().applications()[0].id, Fate::Succeeds);
    assert_eq!(task.outcome().await.output()["state"], "SUCCEEDED");
}

#[tokio::test]
async fn a_lost_answer_to_the_post_makes_one_application() {
    let site = Site::new().await;
    let lost = site
        .cluster
        .livy()
        .faults()
        .inject(On::post("/batches").first(1), Fault::lost_answer());
    let _worker = site.worker(&[]).await;
    assert_eq!(site.run("pi.py").outcome().await.output()["state"], "SUCCEEDED");
    assert_eq!(lost.hits(), 1);
    assert_eq!(site.cluster.world().applications().len(), 1);
    assert_eq!(site.cluster.livy().journal().count("POST /batches"), 1);
}

#[tokio::test]
async fn heartbeats_keep_their_time_while_livy_hangs() {
    let site = Site::new().await;
    let gate = site.cluster.livy().faults().hold(On::any(), Moment::Before);
    let _worker = site.worker(&["--submit-timeout=20s"]).await;
    let task = site.run("pi.py");
    gate.arrived(1).await;
    task.beaten(5).await;
    assert!(task.longest_silence() < HEARTBEAT, "{:?}", task.longest_silence());
    site.cluster.livy().faults().clear();
    gate.open();
    assert_eq!(task.outcome().await.output()["state"], "SUCCEEDED");
}

#[tokio::test]
async fn heartbeats_that_fail_or_hang_are_sent_again_and_never_taken_for_a_cancel() {
    let site = Site::new().await;
    let faults = site.step_functions.server().faults();
    faults.inject(On::operation("SendTaskHeartbeat").nth(2), Fault::status(500));
    faults.inject(On::operation("SendTaskHeartbeat").nth(4), Fault::lost_request());
    faults.inject(On::operation("SendTaskHeartbeat").nth(6), Fault::lost_answer());
    faults.inject(
        On::operation("SendTaskHeartbeat").nth(8),
        Fault::Answer(aws::throttled()),
    );
    let _worker = site.worker(&[]).await;
    let task = site
        .step_functions
        .schedule(json!({"File": site.cluster.job_file("forever.py")}));
    task.beaten(12).await;
    assert_eq!(task.outcome_so_far(), None);
    assert_eq!(site.cluster.world().live_applications().len(), 1);
}

#[tokio::test]
async fn a_completion_whose_answer_is_lost_is_sent_again() {
    let site = Site::new().await;
    let faults = site.step_functions.server().faults();
    let lost = faults.inject(On::operation("SendTaskSuccess").first(1), Fault::lost_answer());
    let failing = faults.inject(On::operation("SendTaskFailure").first(2), Fault::status(503));
    let _worker = site.worker(&[]).await;
    assert_eq!(site.run("pi.py").outcome().await.output()["state"], "SUCCEEDED");
    assert_eq!(
        site.run("raise.py").outcome().await.failure().0,
        "SparkJob.Failed"
    );
    site.step_functions
        .server()
        .journal()
        .reached("SendTaskSuccess", 2)
        .await;
    assert_eq!((lost.hits(), failing.hits()), (1, 2));
}

#[tokio::test]
async fn a_completion_that_is_refused_is_sent_in_short() {
    let site = Site::new().await;
    let refused = aws::error("InvalidOutput", "no");
    site.step_functions
        .server()
        .faults()
        .inject(On::operation("SendTaskSuccess").first(1), Fault::Answer(refused));
    let _worker = site.worker(&[]).await;
    let outcome = site.run("pi.py").outcome().await;
    let application = site.cluster.world().applications()[0].id.to_string();
    assert_eq!(
        *outcome.output(),
        json!({"applicationId": application, "state": "SUCCEEDED"})
    );
}

#[tokio::test]
async fn a_task_that_timed_out_while_it_was_reported_is_let_go() {
    let site = Site::new().await;
    let gate = site
        .step_functions
        .server()
        .faults()
        .hold(On::operation("SendTaskSuccess"), Moment::Before);
    let worker = site.worker(&["--slots=1"]).await;
    let task = site.run("pi.py");
    gate.arrived(1).await;
    task.close(Outcome::Stopped);
    gate.open();
    worker.shows("/", "0 tasks").await;
    assert_eq!(site.run("pi.py").outcome().await.output()["state"], "SUCCEEDED");
}

#[tokio::test]
async fn a_job_of_which_yarn_knows_nothing_and_livy_does_not_tell_ends_at_the_start_time_out() {
    let site = Site::new().await;
    site.cluster.world().script("*", Job::never_appears());
    // Jobs are listed and posted, but nothing is told of a single one.
    let unanswered = site
        .cluster
        .livy()
        .faults()
        .inject(On::get("/batches/*"), Fault::reset());
    let worker = site.worker(&[]).await;
    let file = site.cluster.job_file("pi.py");
    let task = site.schedule(json!({"File": file, "StartTimeoutSeconds": 1}));
    let outcome = timeout(Duration::from_secs(30), task.outcome()).await.unwrap();
    let (error, text) = outcome.failure();
    assert_eq!(error, "SparkJob.StartTimeout");
    assert!(
        text.contains("StartTimeoutSeconds") && text.contains("Livy did not answer"),
        "{text}"
    );
    // It may yet come up when Livy does.
    worker.shows("/", "being stopped").await;
    unanswered.remove();
    site.cluster
        .livy()
        .journal()
        .reached("DELETE /batches/*", 1)
        .await;
    assert_eq!(site.cluster.livy().journal().count("POST /batches"), 1);
}

#[tokio::test]
async fn a_stop_that_nobody_confirms_is_told_as_a_lost_job_and_goes_on() {
    let site = Site::new().await;
    site.cluster.world().script("*", Job::never_appears());
    let worker = site
        .worker(&["--resource-manager=none", "--lost-timeout=1500ms"])
        .await;
    let task = site.schedule(json!({
        "File": site.cluster.job_file("forever.py"),
        "StartTimeoutSeconds": 1,
    }));
    site.cluster.livy().journal().reached("POST /batches", 1).await;
    // It answers whoever asks, and deletes nothing.
    let refused = site
        .cluster
        .livy()
        .faults()
        .inject(On::delete("/batches/*"), Fault::status(500));
    let outcome = task.outcome().await;
    let (error, text) = outcome.failure();
    assert_eq!(error, "SparkJob.Lost", "{text}");
    let message = &cause(text)["message"];
    assert!(
        message
            .as_str()
            .is_some_and(|message| message.contains("(StartTimeoutSeconds)")
                && message.contains("nobody confirms that, and the stop goes on")),
        "{text}"
    );
    worker.shows("/", "being stopped").await;
    let before = site.cluster.livy().journal().count("DELETE /batches/*");
    refused.remove();
    let journal = site.cluster.livy().journal();
    journal.reached("DELETE /batches/*", before + 1).await;
    assert_eq!(journal.count("POST /batches"), 1);
}
