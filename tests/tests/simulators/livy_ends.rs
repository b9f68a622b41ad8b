//! How batches end, by themselves and by deletion.

use std::time::Duration;

use serde_json::{Value, json};
use sparkwright_tests::cluster::{
    ApplicationState, BatchState, Cluster, FinalStatus, Job, Latencies, LivyVersion,
};

use crate::livy::{show, submit, whole_log};
use crate::raw;

#[tokio::test]
async fn a_missing_file_is_dead_before_there_is_an_application() {
    let cluster = Cluster::builder().max_container_mb(4096).start().await;
    for (name, file, more, reason) in [
        (
            "file",
            "missing.py",
            json!({}),
            "FileNotFoundException: File file:/jobs/missing.py does not exist",
        ),
        (
            "memory",
            "pi.py",
            json!({ "driverMemory": "lots" }),
            "Driver memory must be a positive number",
        ),
        (
            "executor",
            "pi.py",
            json!({ "conf": { "spark.executor.memory": "8g" } }),
            "is above the max threshold (4096 MB)",
        ),
        (
            "driver",
            "pi.py",
            json!({ "driverMemory": "8g" }),
            "Required AM memory (8192+819 MB) is above",
        ),
    ] {
        submit(&cluster, name, file, more).await;
        cluster.world().batch_is(name, BatchState::Dead).await;
        let batch = show(&cluster, name).await;
        assert_eq!(batch["appId"], Value::Null, "{name}");
        assert_eq!(
            batch["log"].as_array().unwrap().last().unwrap(),
            "spark-submit start failed",
            "{name}"
        );
        let log = whole_log(&cluster, name).await;
        assert!(log.iter().any(|line| line.contains(reason)), "{name}: {log:?}");
    }
    assert_eq!(cluster.world().applications(), []);
}

#[tokio::test]
async fn an_unknown_queue_leaves_a_failed_application() {
    let cluster = Cluster::start().await;
    let more = json!({ "queue": "nosuch", "conf": { "spark.yarn.tags": "mine" } });
    submit(&cluster, "queue", "pi.py", more).await;
    cluster.world().batch_is("queue", BatchState::Dead).await;
    assert_eq!(show(&cluster, "queue").await["appId"], Value::Null);
    let applications = cluster.world().applications_tagged("mine");
    assert_eq!(applications.len(), 1);
    assert_eq!(
        (applications[0].state, applications[0].final_status),
        (ApplicationState::Failed, FinalStatus::Failed)
    );
    assert!(
        applications[0].diagnostics.ends_with("to unknown queue: nosuch"),
        "{}",
        applications[0].diagnostics
    );
}

#[tokio::test]
async fn livy_0_6_waits_for_the_look_up_time() {
    let cluster = Cluster::builder()
        .livy_version(LivyVersion::V0_6)
        .with_latencies(|latencies| latencies.app_lookup = Duration::from_millis(300))
        .start()
        .await;
    let begun = std::time::Instant::now();
    submit(&cluster, "missing", "missing.py", json!({})).await;
    cluster.world().batch_is("missing", BatchState::Dead).await;
    assert!(begun.elapsed() >= Duration::from_millis(300));
    let log = whole_log(&cluster, "missing").await;
    assert!(
        log.last()
            .unwrap()
            .starts_with("No YARN application is found with tag livy-batch-0-"),
        "{log:?}"
    );
}

#[tokio::test]
async fn livy_0_6_calls_a_finishing_job_dead() {
    for (version, state) in [
        (LivyVersion::V0_6, BatchState::Dead),
        (LivyVersion::V0_7, BatchState::Success),
    ] {
        let cluster = Cluster::builder()
            .livy_version(version)
            .with_latencies(|latencies| latencies.finishing = Duration::from_millis(400))
            .start()
            .await;
        submit(&cluster, "good", "pi.py", json!({})).await;
        cluster
            .world()
            .until(|world| world.batch("good").is_some_and(|batch| batch.state.is_terminal()))
            .await;
        assert_eq!(cluster.world().batch("good").unwrap().state, state);
        cluster
            .world()
            .until(|world| world.live_applications().is_empty())
            .await;
        assert_eq!(
            cluster.world().applications()[0].final_status,
            FinalStatus::Succeeded
        );
    }
}

#[tokio::test]
async fn a_deletion_waits_for_the_application_and_kills_it() {
    let cluster = Cluster::start().await;
    let slow = Job::until_ended().appearing_after(Duration::from_millis(200));
    cluster.world().script("early", slow);
    let begun = std::time::Instant::now();
    submit(&cluster, "early", "x.py", json!({})).await;
    let deleted = raw::delete(cluster.livy().address(), "/batches/early").await;
    assert_eq!((deleted.status, deleted.message().as_str()), (200, "deleted"));
    assert!(
        begun.elapsed() >= Duration::from_millis(200),
        "{:?}",
        begun.elapsed()
    );
    let application = cluster.world().application_named("early").unwrap();
    let killed = format!(
        "Application {} was killed by user livy at 127.0.0.1",
        application.id
    );
    assert_eq!(
        (application.state, application.diagnostics),
        (ApplicationState::Killed, killed)
    );
    assert_eq!(
        raw::delete(cluster.livy().address(), "/batches/early")
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn of_two_deletions_at_once_the_second_finds_it_stopped() {
    let cluster = Cluster::start().await;
    submit(&cluster, "both", "forever.py", json!({})).await;
    cluster.world().batch_is("both", BatchState::Running).await;
    let livy = cluster.livy().address();
    let (one, other) = tokio::join!(
        raw::delete(livy, "/batches/both"),
        raw::delete(livy, "/batches/both")
    );
    let mut answers = [one.message(), other.message()];
    answers.sort();
    assert_eq!(answers, ["Session 0 already stopped.", "deleted"]);
}

#[tokio::test]
async fn a_deletion_whose_kill_is_lost_says_deleted_all_the_same() {
    let cluster = Cluster::start().await;
    submit(&cluster, "leak", "forever.py", json!({})).await;
    cluster.world().batch_is("leak", BatchState::Running).await;
    cluster.world().lose_kills(true);
    assert_eq!(
        raw::delete(cluster.livy().address(), "/batches/leak")
            .await
            .status,
        200
    );
    assert_eq!(cluster.world().live_applications().len(), 1);
}

#[tokio::test]
async fn an_application_that_comes_too_late_is_dead_to_livy_and_killed() {
    let cluster = Cluster::builder()
        .with_latencies(|latencies| latencies.app_lookup = Duration::from_millis(100))
        .start()
        .await;
    let late = Job::until_ended()
        .appearing_after(Duration::from_millis(300))
        .outliving_livy();
    cluster.world().script("late", late);
    submit(&cluster, "late", "x.py", json!({})).await;
    cluster.world().batch_is("late", BatchState::Dead).await;
    assert_eq!(cluster.world().applications(), []);
    let application = cluster.world().appeared("late").await;
    cluster
        .world()
        .until(|world| !world.application(application.id).unwrap().is_live())
        .await;
    assert_eq!(
        cluster.world().application(application.id).unwrap().state,
        ApplicationState::Killed
    );
}

#[tokio::test]
async fn a_finished_batch_is_collected_at_a_sweep() {
    let quick = |latencies: &mut Latencies| {
        (latencies.retention, latencies.sweep) = (Duration::from_millis(500), Duration::from_millis(50));
    };
    let cluster = Cluster::builder().with_latencies(quick).start().await;
    submit(&cluster, "done", "pi.py", json!({})).await;
    submit(&cluster, "goes-on", "forever.py", json!({})).await;
    cluster.world().batch_is("done", BatchState::Success).await;
    let status = async || raw::get(cluster.livy().address(), "/batches/done").await.status;
    assert_eq!(status().await, 200);
    while status().await != 404 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(submit(&cluster, "done", "pi.py", json!({})).await.status, 201);
    assert!(cluster.world().batch("goes-on").is_some());
}
