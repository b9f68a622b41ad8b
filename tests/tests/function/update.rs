//! Update: in place when the same job is wanted, else the new one in the old one's place.

use serde_json::json;
use sparkwright_tests::cluster::{Cluster, Fate, Memory};

use crate::stage::{Stage, attributes, batch_of, other, succeeded, with};

#[tokio::test]
async fn what_is_not_part_of_the_job_is_changed_in_place() {
    let stage = Stage::new().await;
    let old = stage.properties();
    let id = stage.created(&old).await;
    let job = stage.live();
    let answer = stage
        .update(&id, &old, &with(&old, json!({"StopTimeoutSeconds": 60})))
        .await;
    assert_eq!(succeeded(&answer), id);
    assert_eq!(attributes(&answer)["ApplicationId"], job.id.to_string());
    assert_eq!((stage.posts(), stage.live().id), (1, job.id));
}

#[tokio::test]
async fn an_update_in_place_needs_no_contact() {
    let stage = Stage::new().await;
    let old = stage.properties();
    let id = stage.created(&old).await;
    stage.cluster.livy().down().await;
    stage.cluster.resource_manager().down().await;
    let answer = stage
        .update(&id, &old, &with(&old, json!({"StopTimeoutSeconds": 60})))
        .await;
    assert_eq!(succeeded(&answer), id);
    let attributes = attributes(&answer);
    assert_eq!(
        (&attributes["State"], &attributes["Name"]),
        (&json!("unknown"), &json!(batch_of(&id)))
    );
    assert_eq!(attributes.len(), 8);
}

#[tokio::test]
async fn a_job_that_succeeded_or_is_forgotten_is_not_run_again() {
    let stage = Stage::new().await;
    let old = with(&stage.running("pi.py"), json!({"WaitFor": "Success"}));
    let id = stage.created(&old).await;
    let new = with(&old, json!({"StopTimeoutSeconds": 60}));
    assert_eq!(succeeded(&stage.update(&id, &old, &new).await), id);
    stage.cluster.world().collect_finished();
    stage.cluster.crash_resource_manager().await;
    stage.cluster.start_resource_manager(Memory::Forgets);
    let answer = stage.update(&id, &new, &old).await;
    assert_eq!((succeeded(&answer), stage.posts()), (id, 1));
    assert_eq!(attributes(&answer)["ApplicationId"], "unknown");
}

#[tokio::test]
async fn a_job_that_failed_since_is_submitted_anew() {
    let stage = Stage::new().await;
    let old = stage.properties();
    let id = stage.created(&old).await;
    let failed = stage.live().id;
    stage.cluster.world().end(
        failed,
        Fate::Raises {
            error: "OSError: disk".into(),
        },
    );
    stage
        .cluster
        .world()
        .until(|world| world.live_applications().is_empty())
        .await;
    let new_id = succeeded(
        &stage
            .update(&id, &old, &with(&old, json!({"StopTimeoutSeconds": 60})))
            .await,
    );
    assert_ne!(new_id, id);
    let anew = stage.live();
    succeeded(&stage.delete(&id, &old).await);
    assert_eq!(stage.live().id, anew.id);
}

#[tokio::test]
async fn stop_then_start_never_has_two() {
    let stage = Stage::new().await;
    let old = stage.properties();
    let id = stage.created(&old).await;
    let old_job = stage.live().id;
    let new_id = succeeded(&stage.update(&id, &old, &other(&old)).await);
    let new_job = stage.live();
    let old_job = stage.cluster.world().application(old_job).unwrap();
    assert!(
        old_job.finished_at <= new_job.started_at,
        "{old_job:?} {new_job:?}"
    );
    assert_eq!(stage.peak(), 1);
    assert_ne!(new_id, id);
    assert_eq!(batch_of(&new_id), new_job.name);
    succeeded(&stage.delete(&id, &other(&old)).await);
    assert_eq!(stage.live().id, new_job.id);
}

#[tokio::test]
async fn start_then_stop_never_has_none() {
    let stage = Stage::new().await;
    let old = with(&stage.properties(), json!({"UpdatePolicy": "StartThenStop"}));
    let id = stage.created(&old).await;
    let old_job = stage.live().id;
    let new_id = succeeded(&stage.update(&id, &old, &other(&old)).await);
    assert_eq!(stage.living(), 2);
    succeeded(&stage.delete(&id, &other(&old)).await);
    let new_job = stage.live();
    assert_ne!(new_job.id, old_job);
    assert_eq!(batch_of(&new_id), new_job.name);
}

#[tokio::test]
async fn a_redelivered_update_watches_the_run_that_the_first_one_made() {
    let stage = Stage::new().await;
    let old = stage.properties();
    let id = stage.created(&old).await;
    let event = stage.sink.update(&stage.resource, &id, old.clone(), other(&old));
    let new_id = succeeded(&stage.send(&event).await);
    stage.invoke(&event, crate::stage::LONG).await.unwrap();
    let answers = stage.sink.answers(&event.request_id);
    assert_eq!(succeeded(&answers[1]), new_id);
    assert_eq!((stage.posts(), stage.living()), (2, 1));
}

#[tokio::test]
async fn a_rollback_after_start_then_stop_finds_the_original_still_running() {
    let stage = Stage::new().await;
    let old = with(&stage.properties(), json!({"UpdatePolicy": "StartThenStop"}));
    let id = stage.created(&old).await;
    let original = stage.live().id;
    let new_id = succeeded(&stage.update(&id, &old, &other(&old)).await);
    // Another resource of the stack fails: the Update is undone, then what it made is deleted.
    let answer = stage.update(&new_id, &other(&old), &old).await;
    assert_eq!(succeeded(&answer), id);
    assert_eq!(attributes(&answer)["ApplicationId"], original.to_string());
    succeeded(&stage.delete(&new_id, &old).await);
    assert_eq!((stage.live().id, stage.posts()), (original, 2));
}

#[tokio::test]
async fn a_rollback_after_stop_then_start_brings_the_old_job_back() {
    let stage = Stage::new().await;
    let old = stage.properties();
    let id = stage.created(&old).await;
    let new_id = succeeded(&stage.update(&id, &old, &other(&old)).await);
    let back = succeeded(&stage.update(&new_id, &other(&old), &old).await);
    assert!(back != id && back != new_id, "{back}");
    succeeded(&stage.delete(&new_id, &old).await);
    assert_eq!(batch_of(&back), stage.live().name);
    assert_eq!(stage.peak(), 1);
}

#[tokio::test]
async fn a_job_that_moves_to_another_cluster_ends_on_the_first() {
    let stage = Stage::new().await;
    let old = stage.properties();
    let id = stage.created(&old).await;
    let elsewhere = Cluster::start().await;
    let new = with(
        &old,
        json!({"LivyUrl": elsewhere.livy_url(), "ResourceManagerUrl": elsewhere.resource_manager_url()}),
    );
    let new_id = succeeded(&stage.update(&id, &old, &new).await);
    assert_eq!(
        (stage.living(), elsewhere.world().live_applications().len()),
        (0, 1)
    );
    succeeded(&stage.delete(&id, &new).await);
    assert_eq!(elsewhere.world().live_applications().len(), 1);
    succeeded(&stage.delete(&new_id, &new).await);
    assert!(elsewhere.world().live_applications().is_empty());
}

#[tokio::test]
async fn a_job_whose_cluster_is_gone_starts_on_the_next() {
    let stage = Stage::new().await;
    let port = stage.cluster.livy_url().port().unwrap();
    let on = |id: &str| {
        with(
            &stage.properties(),
            json!({"LivyUrl": null, "ClusterId": id, "LivyPort": port}),
        )
    };
    stage.aws.cluster("j-OLD", "WAITING", Some("127.0.0.1"));
    let id = stage.created(&on("j-OLD")).await;
    stage.cluster.world().kill(stage.live().id, "EMR");
    stage
        .cluster
        .world()
        .until(|world| world.live_applications().is_empty())
        .await;
    stage.aws.cluster("j-OLD", "TERMINATED", None);
    stage.aws.cluster("j-NEW", "WAITING", Some("127.0.0.1"));
    let new_id = succeeded(&stage.update(&id, &on("j-OLD"), &on("j-NEW")).await);
    assert!(new_id.contains(":j-NEW;"), "{new_id}");
    succeeded(&stage.delete(&id, &on("j-NEW")).await);
    assert_eq!(batch_of(&new_id), stage.live().name);
}

#[tokio::test]
async fn an_update_without_an_id_takes_over_whatever_the_resource_has() {
    let stage = Stage::new().await;
    let old = with(&stage.properties(), json!({"UpdatePolicy": "StartThenStop"}));
    stage.created(&old).await;
    let mut event = stage.sink.update(&stage.resource, "", old.clone(), other(&old));
    event.body["PhysicalResourceId"] = json!(null);
    let id = succeeded(&stage.send(&event).await);
    assert_eq!(batch_of(&id), stage.live().name);
}
