//! SIGTERM while jobs run.

use serde_json::json;
use sparkwright_tests::cluster::Fate;
use sparkwright_tests::faults::{Moment, On};
use sparkwright_tests::step_functions::{Outcome, TimeOut};

use crate::site::{Site, cause};

#[tokio::test]
async fn jobs_are_left_and_a_worker_without_the_journal_adopts_them() {
    let site = Site::new().await;
    let mut first = site.worker(&[]).await;
    let input = json!({"ClientToken": "e/s/1", "File": site.cluster.job_file("forever.py")});
    let task = site.schedule(input.clone());
    site.running(1).await;
    first.shut_down();
    first.ended().await;
    assert_eq!(site.cluster.world().live_applications().len(), 1);
    assert_eq!(task.outcome_so_far(), None);
    assert_eq!(task.outcome().await, Outcome::TimedOut(TimeOut::Heartbeat));
    let _second = site.worker(&[]).await;
    let retry = site.schedule(input);
    retry.beaten(2).await;
    site.end(Fate::Succeeds);
    retry.outcome().await.output();
    assert_eq!(site.cluster.world().applications().len(), 1);
}

#[tokio::test]
async fn jobs_are_waited_for() {
    let site = Site::new().await;
    let mut worker = site.worker(&["--drain=wait", "--drain-timeout=20s"]).await;
    let task = site.run("forever.py");
    site.running(1).await;
    worker.shut_down();
    worker.shows("/", "The worker is stopping").await;
    let beats = task.heartbeats();
    task.beaten(beats + 3).await;
    site.end(Fate::Succeeds);
    task.outcome().await.output();
    worker.ended().await;
}

#[tokio::test]
async fn what_is_waited_for_in_vain_is_left_at_the_time_out() {
    let site = Site::new().await;
    let mut worker = site.worker(&["--drain=wait", "--drain-timeout=300ms"]).await;
    let task = site.run("forever.py");
    site.running(1).await;
    worker.shut_down();
    worker.ended().await;
    assert_eq!(
        (
            site.cluster.world().live_applications().len(),
            task.outcome_so_far()
        ),
        (1, None)
    );
}

#[tokio::test]
async fn jobs_are_stopped_and_their_tasks_told() {
    let site = Site::new().await;
    let mut worker = site.worker(&["--drain=stop", "--drain-timeout=20s"]).await;
    let task = site.run("forever.py");
    site.running(1).await;
    worker.shut_down();
    let outcome = task.outcome().await;
    let (error, text) = outcome.failure();
    assert!(
        error == "SparkJob.Cancelled" && text.contains("KILLED"),
        "{error} {text}"
    );
    assert!(site.cluster.world().live_applications().is_empty());
    worker.ended().await;
}

#[tokio::test]
async fn a_job_that_fails_by_itself_while_it_is_stopped_is_reported_as_failed() {
    let site = Site::new().await;
    let mut worker = site.worker(&["--drain=stop", "--drain-timeout=20s"]).await;
    let task = site.run("forever.py");
    site.cluster
        .world()
        .until(|world| world.live_applications().iter().any(|a| a.attempts.len() == 1))
        .await;
    // Livy does not get to delete the batch, nor YARN to kill the application.
    let _deletion = site.cluster.livy().faults().hold(On::delete("*"), Moment::Before);
    let kill = site
        .cluster
        .resource_manager()
        .faults()
        .hold(On::put("*"), Moment::Before);
    worker.shut_down();
    kill.arrived(1).await;
    site.cluster.world().end(
        site.cluster.world().applications()[0].id,
        Fate::Raises {
            error: "ValueError: by itself".into(),
        },
    );
    site.running(0).await;
    kill.open();
    let outcome = task.outcome().await;
    let (error, text) = outcome.failure();
    let cause = cause(text);
    assert_eq!(
        (error, &cause["state"]),
        ("SparkJob.Failed", &json!("FAILED")),
        "{text}"
    );
    let exception = cause["exception"].as_str().unwrap();
    assert!(exception.contains("ValueError: by itself"), "{text}");
    worker.ended().await;
}

#[tokio::test]
async fn a_task_that_waits_for_livy_is_left_or_handed_back() {
    for drain in ["leave", "wait"] {
        let site = Site::new().await;
        site.cluster.crash_livy().await;
        let journal = site.journal("a");
        let drain_option = format!("--drain={drain}");
        let options = ["--submit-timeout=60s", &drain_option, &journal];
        let mut worker = site.worker(&options).await;
        let task = site.run("pi.py");
        worker.shows("/", "being submitted").await;
        worker.shut_down();
        worker.ended().await;
        if drain == "wait" {
            assert_eq!(task.outcome().await.failure().0, "SparkJob.WorkerDraining");
            continue;
        }
        assert_eq!(task.outcome_so_far(), None);
        site.cluster.restart_livy().await;
        let _next = site.worker(&options).await;
        task.outcome().await.output();
        assert_eq!(site.cluster.world().applications().len(), 1);
    }
}
