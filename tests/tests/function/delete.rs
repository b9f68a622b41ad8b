//! Delete: what the id leads to is stopped, and nothing else.

use std::time::Duration;

use serde_json::{Value, json};
use sparkwright_tests::cluster::{BatchState, Cluster, Fate, Job, Memory};

use crate::stage::{Stage, aged, failed, other, succeeded, with};

async fn no_request(stage: &Stage) -> bool {
    stage.cluster.livy().journal().counts().is_empty()
        && stage.cluster.resource_manager().journal().counts().is_empty()
        && stage.aws.server().journal().counts().is_empty()
}

/// A job of the older Java provider: no name of ours, no tags.
async fn legacy_job(stage: &Stage) -> (String, i64) {
    let batch = json!({"file": stage.cluster.job_file("forever.py"), "name": "legacy"});
    let url = stage.cluster.livy_url().join("batches").unwrap();
    let created: Value = reqwest::Client::new()
        .post(url)
        .json(&batch)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    stage
        .cluster
        .world()
        .batch_is("legacy", BatchState::Running)
        .await;
    let application = stage.cluster.world().appeared("legacy").await;
    (application.id.to_string(), created["id"].as_i64().unwrap())
}

#[tokio::test]
async fn a_delete_stops_the_job_and_may_come_again() {
    let stage = Stage::new().await;
    let id = stage.created(&stage.properties()).await;
    for _ in 0..2 {
        assert_eq!(succeeded(&stage.delete(&id, &stage.properties()).await), id);
        assert_eq!(stage.living(), 0);
    }
}

/// The ids of two Updates that have failed, one of which submitted nothing, and of two such Creates.
fn failed_ids(id: &str) -> [String; 4] {
    let [scheme, version, batch, spec, place] = id.splitn(5, ':').collect::<Vec<_>>().try_into().unwrap();
    let (resource, _) = batch.rsplit_once('-').unwrap();
    assert_ne!(spec, "000000000000");
    let run = format!("{scheme}:{version}:{resource}-0123456789ab:000000000000:{place}");
    let nothing = format!("{scheme}:{version}:none:0123456789ab");
    [
        format!("{run};of=update"),
        format!("{nothing};of=update"),
        run,
        nothing,
    ]
}

#[tokio::test]
async fn what_a_failed_update_was_to_replace_goes_with_it_only_when_the_resource_leaves_the_stack() {
    let stage = Stage::new().await;
    let properties = stage.properties();
    let id = stage.created(&properties).await;
    let [run, nothing, of_create, nothing_of_create] = failed_ids(&id);
    for cleaned_up in [&run, &nothing] {
        succeeded(&stage.delete(cleaned_up, &properties).await);
        assert_eq!(stage.living(), 1, "the stack has the job");
    }
    stage.gate.leave();
    for retained in [&of_create, &nothing_of_create] {
        succeeded(&stage.delete(retained, &properties).await);
        assert_eq!(stage.living(), 1, "an earlier stack left the job");
    }
    succeeded(&stage.delete(&nothing, &properties).await);
    assert_eq!(stage.living(), 0);
    stage.created(&properties).await;
    succeeded(&stage.delete(&run, &properties).await);
    assert_eq!(stage.living(), 0);
}

// Of a failed Update's own run YARN says enough; of what it was to replace, only both together.
#[tokio::test]
async fn a_failed_updates_own_run_is_stopped_though_livy_cannot_be_asked_for_the_others() {
    let stage = Stage::new().await;
    let properties = stage.properties();
    let id = stage.created(&properties).await;
    let spec = id.split(':').nth(3).unwrap();
    let own = format!("{};of=update", id.replacen(spec, "000000000000", 1));
    stage.gate.leave();
    stage.cluster.livy().down().await;
    let ended = async {
        while stage.living() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        answer = stage.delete(&own, &properties) => panic!("{answer:?}"),
        () = ended => {}
    }
}

#[tokio::test]
async fn a_delete_needs_no_valid_properties() {
    for properties in [
        json!({}),
        json!({"Parameters": 7, "LivyHost": ["x"], "StopTimeoutSeconds": "soon"}),
    ] {
        let stage = Stage::new().await;
        let id = stage.created(&stage.properties()).await;
        succeeded(&stage.delete(&id, &properties).await);
        assert_eq!(stage.living(), 0);
    }
}

#[tokio::test]
async fn a_delete_goes_to_the_place_of_its_id() {
    let stage = Stage::new().await;
    let id = stage.created(&stage.properties()).await;
    let properties = with(
        &stage.properties(),
        json!({"LivyUrl": "http://127.0.0.1:9", "ResourceManagerUrl": "http://127.0.0.1:9"}),
    );
    succeeded(&stage.delete(&id, &properties).await);
    assert_eq!(stage.living(), 0);
}

#[tokio::test]
async fn a_stranger_who_got_the_batchs_number_is_left_alone() {
    let stage = Stage::new().await;
    let id = stage.created(&stage.properties()).await;
    stage.cluster.restart_livy().await;
    let (stranger, number) = legacy_job(&stage).await;
    assert_eq!(number, 0);
    succeeded(&stage.delete(&id, &stage.properties()).await);
    assert_eq!(stage.live().id.to_string(), stranger);
}

#[tokio::test]
async fn a_job_that_has_ended_or_that_everybody_forgot_is_deleted() {
    let stage = Stage::new().await;
    let id = stage.created(&stage.properties()).await;
    stage
        .cluster
        .world()
        .end(stage.live().id, Fate::Exits { code: 3 });
    stage
        .cluster
        .world()
        .until(|world| world.live_applications().is_empty())
        .await;
    succeeded(&stage.delete(&id, &stage.properties()).await);
    stage.cluster.restart_livy().await;
    stage.cluster.crash_resource_manager().await;
    stage.cluster.start_resource_manager(Memory::Forgets);
    succeeded(&stage.delete(&id, &stage.properties()).await);
}

#[tokio::test]
async fn only_the_ids_own_run_is_stopped() {
    let stage = Stage::new().await;
    let old = with(&stage.properties(), json!({"UpdatePolicy": "StartThenStop"}));
    let id = stage.created(&old).await;
    let original = stage.live().id;
    let new_id = succeeded(&stage.update(&id, &old, &other(&old)).await);
    succeeded(&stage.delete(&new_id, &old).await);
    assert_eq!(stage.live().id, original);
}

#[tokio::test]
async fn ids_that_lead_nowhere_are_deleted_without_a_call() {
    let stage = Stage::new().await;
    stage.created(&stage.properties()).await;
    let own = stage.live().id;
    for server in [stage.cluster.livy(), stage.cluster.resource_manager()] {
        server.journal().clear();
    }
    let log_stream = "2026/11/21/[$LATEST]0123456789abcdef0123456789abcdef";
    for id in [
        "sparkwright:1:none:0123456789ab",
        "default",
        log_stream,
        "null#12",
        "custom-resource:nothing-created",
    ] {
        assert_eq!(succeeded(&stage.delete(id, &stage.properties()).await), id);
    }
    let counts = |journal: &sparkwright_tests::journal::Journal| journal.sum("*").total;
    assert_eq!(
        counts(stage.cluster.livy().journal()) + counts(stage.cluster.resource_manager().journal()),
        0
    );
    assert_eq!(stage.live().id, own);
}

#[tokio::test]
async fn a_failed_create_before_any_submission_is_deleted_without_a_call() {
    let stage = Stage::new().await;
    let answer = stage.create(&json!({"LivyHost": "nowhere.invalid"})).await;
    failed(&answer, "`Parameters` is missing");
    succeeded(&stage.delete(answer.physical_id(), &json!({})).await);
    assert!(no_request(&stage).await);
}

#[tokio::test]
async fn the_older_providers_jobs_are_deleted_by_application() {
    let stage = Stage::new().await;
    let (application, batch) = legacy_job(&stage).await;
    succeeded(
        &stage
            .delete(&format!("{application}#{batch}"), &stage.properties())
            .await,
    );
    assert_eq!(stage.living(), 0);
    assert!(stage.cluster.world().batches().is_empty());
    // After a restart the number means another batch.
    stage.cluster.restart_livy().await;
    let (stranger, batch) = legacy_job(&stage).await;
    succeeded(
        &stage
            .delete(&format!("{application}#{batch}"), &stage.properties())
            .await,
    );
    succeeded(
        &stage
            .delete(
                &format!("application_1700000000000_0001#{batch}"),
                &stage.properties(),
            )
            .await,
    );
    assert_eq!(stage.live().id.to_string(), stranger);
}

#[tokio::test]
async fn the_older_providers_job_makes_way_for_ours() {
    let stage = Stage::new().await;
    let (application, batch) = legacy_job(&stage).await;
    let old = stage.properties();
    let id = succeeded(
        &stage
            .update(&format!("{application}#{batch}"), &old, &other(&old))
            .await,
    );
    assert_ne!(stage.live().id.to_string(), application);
    succeeded(&stage.delete(&id, &old).await);
    assert_eq!(stage.living(), 0);
}

#[tokio::test]
async fn a_stop_that_nobody_confirms_fails_unless_the_template_says_otherwise() {
    let stage = Stage::new().await;
    let id = stage.created(&stage.properties()).await;
    stage.cluster.resource_manager().down().await;
    stage.cluster.livy().down().await;
    let delete = |properties: Value| stage.sink.delete(&stage.resource, &id, properties);
    let event = delete(stage.properties());
    let answer = stage.send_within(&event, Duration::from_secs(2)).await;
    failed(&answer, "has stopped could not be confirmed");
    failed(&answer, "does a security group let this program reach port");
    failed(&answer, "IfStopUnconfirmed: Succeed");
    assert_eq!(answer.physical_id(), id);
    let event = delete(with(&stage.properties(), json!({"IfStopUnconfirmed": "Succeed"})));
    succeeded(&stage.send_within(&event, Duration::from_secs(2)).await);
    stage.cluster.resource_manager().up();
    stage.cluster.livy().up();
    succeeded(&stage.delete(&id, &stage.properties()).await);
    assert_eq!(stage.living(), 0);
}

#[tokio::test]
async fn a_job_that_outlives_its_time_to_stop_is_not_called_stopped() {
    let stage = Stage::new().await;
    let id = stage.created(&stage.properties()).await;
    stage.lose_kills();
    let event = stage.sink.delete(&stage.resource, &id, stage.properties());
    let answer = stage.send_within(&event, Duration::from_secs(6)).await;
    failed(&answer, "has not ended yet");
    stage.find_kills();
    succeeded(&stage.delete(&id, &stage.properties()).await);
    assert_eq!(stage.living(), 0);
}

#[tokio::test]
async fn an_expired_delete_still_stops_its_own_run_and_nothing_else() {
    let stage = Stage::new().await;
    let id = stage.created(&stage.properties()).await;
    let expired = |id: &str| {
        aged(
            stage.sink.delete(&stage.resource, id, stage.properties()),
            Duration::from_secs(7201),
        )
    };
    assert!(
        stage
            .invoke(&expired(&stage.resource.invented_id()), Duration::from_secs(6))
            .await
            .is_err()
    );
    assert_eq!(stage.living(), 1);
    assert!(stage.invoke(&expired(&id), Duration::from_secs(6)).await.is_err());
    assert_eq!(stage.living(), 0);
}

#[tokio::test]
async fn a_late_application_of_a_stopped_submission_is_killed_when_it_shows() {
    let forgetful = Cluster::builder().with_latencies(|latencies| {
        latencies.app_lookup = Duration::from_millis(50);
        latencies.leak_check = Duration::ZERO;
    });
    let stage = Stage::settling(forgetful, Duration::from_secs(3)).await;
    let late = Job::until_ended().appearing_after(Duration::from_millis(1700));
    stage.cluster.world().script("*", late.outliving_livy());
    let answer = stage
        .create(&with(&stage.properties(), json!({"WaitTimeoutSeconds": 1})))
        .await;
    failed(
        &answer,
        "not running within 1 s (`WaitTimeoutSeconds`); it was stopped",
    );
    let applications = stage.cluster.world().applications();
    assert_eq!(
        (applications.len(), stage.living()),
        (1, 0),
        "it showed, and was killed"
    );
    succeeded(&stage.delete(answer.physical_id(), &stage.properties()).await);
}
