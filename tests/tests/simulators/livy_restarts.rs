//! Livy ends and starts again.

use std::time::Duration;

use serde_json::json;
use sparkwright_tests::cluster::{ApplicationState, BatchState, Cluster, Fate, Job, LivyVersion};

use crate::livy::{show, submit};
use crate::raw;

#[tokio::test]
async fn a_crash_without_recovery_forgets_everything() {
    let cluster = Cluster::start().await;
    submit(&cluster, "orphan", "forever.py", json!({})).await;
    cluster.world().batch_is("orphan", BatchState::Running).await;
    cluster.crash_livy().await;
    assert!(
        tokio::net::TcpStream::connect(cluster.livy().address())
            .await
            .is_err()
    );
    cluster.start_livy();
    assert_eq!(
        raw::get(cluster.livy().address(), "/batches").await.json()["total"],
        0
    );
    assert_eq!(cluster.world().live_applications().len(), 1);
    let next = submit(&cluster, "next", "pi.py", json!({})).await;
    assert_eq!((next.status, &next.json()["id"]), (201, &json!(0)));
}

#[tokio::test]
async fn a_spark_submit_outlives_the_livy_that_forked_it() {
    let cluster = Cluster::start().await;
    cluster.world().script(
        "late",
        Job::until_ended().appearing_after(Duration::from_millis(200)),
    );
    submit(&cluster, "late", "x.py", json!({})).await;
    cluster.crash_livy().await;
    assert_eq!(
        (
            cluster.world().applications().len(),
            cluster.world().running_spark_submits()
        ),
        (0, 1)
    );
    let application = cluster.world().appeared("late").await;
    assert!(application.is_live());
}

#[tokio::test]
async fn an_orderly_stop_without_recovery_kills() {
    let cluster = Cluster::start().await;
    submit(&cluster, "killed", "forever.py", json!({})).await;
    submit(&cluster, "unborn", "forever.py", json!({})).await;
    cluster.world().batch_is("killed", BatchState::Running).await;
    cluster.stop_livy().await;
    let states: Vec<_> = cluster
        .world()
        .applications()
        .iter()
        .map(|application| application.state)
        .collect();
    assert_eq!(states, [ApplicationState::Killed, ApplicationState::Killed]);
    cluster.start_livy();
    assert_eq!(cluster.world().batches(), []);
}

#[tokio::test]
async fn an_orderly_stop_with_recovery_leaves_applications_alone() {
    let cluster = Cluster::builder().recovery().start().await;
    submit(&cluster, "lives", "forever.py", json!({})).await;
    cluster.world().batch_is("lives", BatchState::Running).await;
    cluster.stop_livy().await;
    cluster.start_livy();
    assert_eq!(cluster.world().live_applications().len(), 1);
    cluster.world().batch_is("lives", BatchState::Running).await;
}

#[tokio::test]
async fn recovery_brings_batches_back() {
    let cluster = Cluster::builder().recovery().start().await;
    for number in 0..6 {
        submit(&cluster, &format!("r-{number}"), "forever.py", json!({})).await;
    }
    cluster
        .world()
        .until(|world| world.batches().iter().all(|batch| batch.application.is_some()))
        .await;
    let before = cluster.world().batch("r-2").unwrap();
    cluster.restart_livy().await;
    let order: Vec<i64> = cluster.world().batches().iter().map(|batch| batch.id).collect();
    assert_eq!(order, [3, 5, 2, 0, 4, 1]);
    let after = cluster.world().batch("r-2").unwrap();
    assert_eq!((after.id, after.application), (before.id, before.application));
    assert_eq!(
        show(&cluster, "r-2").await["log"],
        json!(["stdout: ", "\nstderr: ", "\nYARN Diagnostics: "])
    );
    cluster.world().batch_is("r-2", BatchState::Running).await;
    assert_eq!(submit(&cluster, "r-6", "pi.py", json!({})).await.json()["id"], 6);
}

#[tokio::test]
async fn a_batch_without_an_application_is_recovered_by_its_tag() {
    let cluster = Cluster::builder().recovery().start().await;
    cluster.world().script(
        "early",
        Job::until_ended().appearing_after(Duration::from_millis(150)),
    );
    submit(&cluster, "early", "x.py", json!({})).await;
    cluster.restart_livy().await;
    assert_eq!(
        cluster.world().batch("early").unwrap().state,
        BatchState::Recovering
    );
    cluster.world().batch_is("early", BatchState::Running).await;
}

#[tokio::test]
async fn what_ended_while_livy_was_down_is_told_after_recovering() {
    let cluster = Cluster::builder().recovery().start().await;
    submit(&cluster, "down", "forever.py", json!({})).await;
    cluster.world().batch_is("down", BatchState::Running).await;
    let application = cluster.world().application_named("down").unwrap().id;
    cluster.crash_livy().await;
    cluster.world().end(application, Fate::Succeeds);
    cluster
        .world()
        .until(|world| world.live_applications().is_empty())
        .await;
    cluster.start_livy();
    assert_eq!(show(&cluster, "down").await["state"], "recovering");
    cluster.world().batch_is("down", BatchState::Success).await;
}

#[tokio::test]
async fn a_dead_batch_is_dropped_from_the_store_since_0_8() {
    for (version, status) in [(LivyVersion::V0_7, 200), (LivyVersion::V0_8, 404)] {
        let cluster = Cluster::builder().livy_version(version).recovery().start().await;
        submit(&cluster, "bad", "raise.py", json!({})).await;
        submit(&cluster, "good", "pi.py", json!({})).await;
        cluster.world().batch_is("bad", BatchState::Dead).await;
        cluster.world().batch_is("good", BatchState::Success).await;
        cluster.restart_livy().await;
        assert_eq!(
            raw::get(cluster.livy().address(), "/batches/bad").await.status,
            status,
            "{version:?}"
        );
        cluster.world().batch_is("good", BatchState::Success).await;
    }
}

#[tokio::test]
async fn a_deletion_under_way_dies_with_livy() {
    let cluster = Cluster::start().await;
    cluster.world().script("stuck", Job::until_ended().unkillable());
    submit(&cluster, "stuck", "x.py", json!({})).await;
    cluster.world().batch_is("stuck", BatchState::Running).await;
    let livy = cluster.livy().address();
    let deletion = tokio::spawn(async move {
        let stream = reqwest::Client::new()
            .delete(format!("http://{livy}/batches/stuck"))
            .send();
        stream.await.is_err()
    });
    cluster.livy().journal().reached("DELETE *", 1).await;
    cluster.crash_livy().await;
    assert!(deletion.await.unwrap());
    assert_eq!(cluster.world().live_applications().len(), 1);
}
