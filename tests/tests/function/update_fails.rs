//! An Update that fails: which id it answers with decides what CloudFormation does next.

use std::time::Duration;

use serde_json::{Value, json};

use crate::stage::{Stage, batch_of, failed, other, succeeded, with};

/// The new job raises; the old one runs.
async fn failing(policy: &str) -> (Stage, Value, Value, String) {
    let stage = Stage::new().await;
    let old = with(
        &stage.properties(),
        json!({"UpdatePolicy": policy, "WaitFor": "Running"}),
    );
    let id = stage.created(&old).await;
    let mut new = with(&old, json!({"WaitFor": "Success"}));
    new["Parameters"]["File"] = json!(stage.cluster.job_file("raise.py"));
    (stage, old, new, id)
}

#[tokio::test]
async fn under_stop_then_start_it_answers_the_new_id_and_the_rollback_brings_the_old_job_back() {
    let (stage, old, new, id) = failing("StopThenStart").await;
    let answer = stage.update(&id, &old, &new).await;
    failed(&answer, "RuntimeError: boom from the fixture");
    assert_ne!(answer.physical_id(), id);
    assert_eq!(stage.living(), 0);
    let back = succeeded(&stage.update(answer.physical_id(), &new, &old).await);
    succeeded(&stage.delete(answer.physical_id(), &old).await);
    assert_eq!(batch_of(&back), stage.live().name);
    assert_eq!(stage.peak(), 1);
}

#[tokio::test]
async fn under_start_then_stop_it_answers_the_old_id_and_the_old_job_never_stopped() {
    let (stage, old, new, id) = failing("StartThenStop").await;
    let original = stage.live().id;
    let answer = stage.update(&id, &old, &new).await;
    failed(&answer, "RuntimeError: boom from the fixture");
    assert_eq!(answer.physical_id(), id);
    assert_eq!(succeeded(&stage.update(&id, &new, &old).await), id);
    assert_eq!((stage.live().id, stage.posts()), (original, 2));
}

#[tokio::test]
async fn a_mistake_in_the_new_properties_stops_nothing() {
    let (stage, old, mut new, id) = failing("StopThenStart").await;
    new["Parameters"]["File"] = json!("raise.py");
    let original = stage.live().id;
    let answer = stage.update(&id, &old, &new).await;
    failed(&answer, "`File` must be a URI with a scheme");
    assert_eq!((answer.physical_id(), stage.live().id), (&*id, original));
}

#[tokio::test]
async fn a_new_place_that_cannot_be_reached_stops_nothing() {
    let (stage, old, new, id) = failing("StopThenStart").await;
    let original = stage.live().id;
    let closed = "http://127.0.0.1:9";
    let secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:none-a1b2c3";
    let certificate = "-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----";
    for (place, words) in [
        (
            json!({"LivyUrl": closed}),
            "could not list the batches at `http://127.0.0.1:9/`",
        ),
        (
            json!({"ResourceManagerUrl": closed}),
            "could not list the YARN applications at `http://127.0.0.1:9/`",
        ),
        (
            json!({"LivyUrl": "http://livy.invalid:8998"}),
            "the host `livy.invalid` is not known here",
        ),
        (
            json!({"LivyUrl": null, "ClusterId": "j-NONE"}),
            "EMR does not know the cluster `j-NONE`",
        ),
        (json!({"LivyCredentials": secret}), "there is no secret `arn:aws:"),
        (
            json!({"LivyUrl": "https://127.0.0.1:9", "LivyCaCertificate": certificate}),
            "could not set up a client of Livy at `https://127.0.0.1:9/`: invalid peer certificate",
        ),
    ] {
        let answer = stage.update(&id, &old, &with(&new, place.clone())).await;
        failed(&answer, words);
        assert_eq!(
            (answer.physical_id(), stage.live().id),
            (&*id, original),
            "{place}"
        );
    }
    assert_eq!(stage.posts(), 1);
}

#[tokio::test]
async fn an_old_job_that_cannot_be_seen_to_stop_keeps_the_new_one_from_starting() {
    let stage = Stage::new().await;
    let old = stage.properties();
    let id = stage.created(&old).await;
    stage.lose_kills();
    let event = stage.sink.update(&stage.resource, &id, old.clone(), other(&old));
    let answer = stage.send_within(&event, Duration::from_secs(3)).await;
    failed(&answer, "has stopped could not be confirmed");
    assert_eq!((stage.posts(), stage.living()), (1, 1));
    // The old job may be on its way out: the rollback has to look, and adopts what still lives.
    let new_id = answer.physical_id();
    assert_ne!(new_id, id);
    assert_eq!(succeeded(&stage.update(new_id, &other(&old), &old).await), id);
    assert_eq!(stage.posts(), 1);
}

#[tokio::test]
async fn a_new_job_that_cannot_be_seen_to_have_stopped_is_led_to_by_the_new_id() {
    let stage = Stage::new().await;
    let old = with(&stage.properties(), json!({"UpdatePolicy": "StartThenStop"}));
    let id = stage.created(&old).await;
    let original = stage.live().id;
    stage.lose_kills();
    let new = with(
        &other(&old),
        json!({"WaitFor": "Success", "WaitTimeoutSeconds": 1}),
    );
    let event = stage.sink.update(&stage.resource, &id, old.clone(), new.clone());
    let answer = stage.send_within(&event, Duration::from_secs(4)).await;
    failed(&answer, "has stopped could not be confirmed");
    let new_id = answer.physical_id();
    assert_ne!(new_id, id);
    stage.find_kills();
    assert_eq!(succeeded(&stage.update(new_id, &new, &old).await), id);
    succeeded(&stage.delete(new_id, &old).await);
    assert_eq!(stage.live().id, original);
}
