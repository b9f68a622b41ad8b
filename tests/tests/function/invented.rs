//! Deletes of ids that CloudFormation invented, because a Create was called off before its answer.

use std::time::Duration;

use serde_json::json;
use sparkwright_tests::cluster::{Cluster, Job};
use sparkwright_tests::faults::{Moment, On};

use crate::stage::{Stage, aged, succeeded, with};

#[tokio::test]
async fn what_a_called_off_create_has_submitted_is_stopped() {
    let stage = Stage::new().await;
    stage.created(&stage.properties()).await;
    succeeded(
        &stage
            .delete(&stage.resource.invented_id(), &stage.properties())
            .await,
    );
    assert_eq!(stage.living(), 0);
}

#[tokio::test]
async fn what_shows_only_after_the_delete_has_begun_is_stopped_too() {
    let stage = Stage::settling(Cluster::builder(), Duration::from_secs(3)).await;
    stage.cluster.world().script(
        "*",
        Job::until_ended()
            .appearing_after(Duration::from_millis(300))
            .outliving_livy(),
    );
    let gate = stage
        .cluster
        .livy()
        .faults()
        .hold(On::post("/batches"), Moment::Before);
    let create = stage.sink.create(
        &stage.resource,
        with(&stage.properties(), json!({"WaitFor": "Success"})),
    );
    let delete = stage
        .sink
        .delete(&stage.resource, &stage.resource.invented_id(), stage.properties());
    let deleting = async {
        gate.arrived(1).await;
        let (answer, ()) = tokio::join!(stage.send(&delete), async {
            stage.cluster.livy().journal().reached("GET /batches", 4).await;
            gate.open();
        });
        answer
    };
    let (created, deleted) = tokio::join!(stage.send(&create), deleting);
    succeeded(&deleted);
    assert!(!created.verdict.is_success(), "{created:?}");
    assert_eq!(
        (stage.living(), stage.cluster.world().running_spark_submits()),
        (0, 0)
    );
}

#[tokio::test]
async fn a_late_duplicate_leaves_a_later_create_alone() {
    let stage = Stage::new().await;
    let delete = stage
        .sink
        .delete(&stage.resource, &stage.resource.invented_id(), stage.properties());
    succeeded(&stage.send(&aged(delete, Duration::from_secs(600))).await);
    stage.created(&stage.properties()).await;
    let delete = stage
        .sink
        .delete(&stage.resource, &stage.resource.invented_id(), stage.properties());
    succeeded(&stage.send(&aged(delete, Duration::from_secs(600))).await);
    assert_eq!(stage.living(), 1);
}

#[tokio::test]
async fn properties_that_no_create_could_use_leave_nothing_to_do() {
    let stage = Stage::new().await;
    for properties in [
        json!({}),
        json!({"LivyHost": "a/b"}),
        json!({"ClusterId": "j-GONE"}),
    ] {
        succeeded(&stage.delete(&stage.resource.invented_id(), &properties).await);
    }
    assert_eq!(stage.cluster.livy().journal().sum("*").total, 0);
}

#[tokio::test]
async fn a_delete_without_an_id_means_whatever_the_resource_has() {
    let stage = Stage::new().await;
    stage.created(&stage.properties()).await;
    let mut event = stage.sink.delete(&stage.resource, "", stage.properties());
    event.body["PhysicalResourceId"] = json!(null);
    succeeded(&stage.send(&event).await);
    assert_eq!(stage.living(), 0);
}
