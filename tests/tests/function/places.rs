//! Where a job can be: EMR clusters, gateways with TLS and credentials, a Livy without YARN.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sparkwright_tests::aws;
use sparkwright_tests::cluster::{Cluster, Master};
use sparkwright_tests::faults::{Fault, On};

use crate::stage::{Stage, attributes, failed, is_nothing, succeeded, with};

fn on_cluster(stage: &Stage, id: &str) -> Value {
    let port = stage.cluster.livy_url().port().unwrap();
    with(
        &stage.properties(),
        json!({"LivyUrl": null, "ClusterId": id, "LivyPort": port}),
    )
}

#[tokio::test]
async fn a_cluster_id_is_looked_up_at_every_request() {
    let stage = Stage::new().await;
    stage.aws.cluster("j-2AXXXXXXGAPLF", "WAITING", Some("localhost"));
    let properties = on_cluster(&stage, "j-2AXXXXXXGAPLF");
    let id = stage.created(&properties).await;
    assert!(id.contains(":j-2AXXXXXXGAPLF;port="), "{id}");
    // The primary node was replaced.
    stage.aws.cluster("j-2AXXXXXXGAPLF", "RUNNING", Some("127.0.0.1"));
    succeeded(&stage.delete(&id, &json!({})).await);
    assert_eq!(stage.living(), 0);
    assert_eq!(stage.aws.server().journal().count("DescribeCluster"), 2);
}

#[tokio::test]
async fn a_cluster_that_is_not_there_fails_a_create_and_frees_a_delete() {
    let stage = Stage::new().await;
    let properties = on_cluster(&stage, "j-LOST");
    for (state, said) in [
        (
            None,
            "EMR does not know the cluster `j-LOST`: Cluster id 'j-LOST' is not valid.",
        ),
        (Some("TERMINATED"), "the cluster `j-LOST` is TERMINATED"),
        (
            Some("STARTING"),
            "the cluster `j-LOST` is STARTING, and no jobs can run on it",
        ),
    ] {
        if let Some(state) = state {
            stage.aws.cluster("j-LOST", state, None);
        }
        let answer = stage.create(&properties).await;
        failed(&answer, said);
        is_nothing(answer.physical_id());
    }
    stage.aws.cluster("j-LOST", "WAITING", Some("127.0.0.1"));
    let id = stage.created(&properties).await;
    stage.cluster.livy().down().await;
    stage.aws.cluster("j-LOST", "TERMINATED_WITH_ERRORS", None);
    succeeded(&stage.delete(&id, &properties).await);
}

#[tokio::test]
async fn credentials_come_from_the_secret_and_are_kept() {
    let stage = Stage::on(Cluster::builder().credentials("etl", "hunter22")).await;
    let secret = stage
        .aws
        .secret("livy", r#"{"username": "etl", "password": "hunter22"}"#);
    let properties = with(&stage.properties(), json!({"LivyCredentials": secret}));
    let id = stage.created(&properties).await;
    succeeded(&stage.delete(&id, &json!({})).await);
    assert_eq!(stage.living(), 0);
    assert_eq!(stage.aws.server().journal().count("GetSecretValue"), 1);
}

#[tokio::test]
async fn a_secret_that_cannot_be_used_says_why() {
    let stage = Stage::new().await;
    let missing = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:none-a1b2c3".to_owned();
    for (secret, said) in [
        (missing, "Secrets Manager can't find the specified secret."),
        (stage.aws.secret("word", "hunter22"), "it is not JSON"),
        (
            stage.aws.secret("half", r#"{"username": "etl"}"#),
            "`password` is missing",
        ),
        (stage.aws.binary_secret("bytes", "AAEC"), "it is binary"),
    ] {
        let answer = stage
            .create(&with(&stage.properties(), json!({"LivyCredentials": secret})))
            .await;
        failed(&answer, said);
        failed(&answer, &secret);
        assert!(!answer.reason().contains("hunter22"));
        is_nothing(answer.physical_id());
    }
}

#[tokio::test]
async fn a_delete_whose_secret_is_gone_uses_the_one_that_the_template_names_now() {
    let stage = Stage::on(Cluster::builder().credentials("etl", "hunter22")).await;
    let text = r#"{"username": "etl", "password": "hunter22"}"#;
    let (first, second) = (stage.aws.secret("first", text), stage.aws.secret("second", text));
    let properties = |secret: &str| with(&stage.properties(), json!({"LivyCredentials": secret}));
    let id = stage.created(&properties(&first)).await;
    stage.aws.delete_secret(&first);
    succeeded(&stage.delete(&id, &properties(&second)).await);
    assert_eq!(stage.living(), 0);
}

#[tokio::test]
async fn wrong_credentials_are_named() {
    let stage = Stage::on(Cluster::builder().credentials("etl", "hunter22")).await;
    let secret = stage
        .aws
        .secret("livy", r#"{"username": "etl", "password": "wrong"}"#);
    let answer = stage
        .create(&with(&stage.properties(), json!({"LivyCredentials": secret})))
        .await;
    failed(&answer, "check the Livy credentials");
    is_nothing(answer.physical_id());
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_the_template_says_so() {
    let stage = Stage::on(Cluster::builder().tls()).await;
    let answer = stage.create(&stage.properties()).await;
    failed(&answer, "certificate");
    is_nothing(answer.physical_id());
    let properties = with(
        &stage.properties(),
        json!({"LivyCaCertificate": stage.cluster.ca_certificate().unwrap()}),
    );
    let id = stage.created(&properties).await;
    // The id cannot hold the certificate; what the request's properties still say of it is enough.
    let leftover =
        json!({"LivyCaCertificate": stage.cluster.ca_certificate().unwrap(), "Parameters": "none"});
    succeeded(&stage.delete(&id, &leftover).await);
    assert_eq!(stage.living(), 0);
}

#[tokio::test]
async fn a_livy_without_yarn_is_taken_at_its_word() {
    let stage = Stage::on(Cluster::builder().master(Master::Local)).await;
    let properties = with(
        &stage.properties(),
        json!({"ResourceManagerUrl": null, "ResourceManager": "None"}),
    );
    let answer = stage.create(&properties).await;
    let id = succeeded(&answer);
    assert_eq!(attributes(&answer)["State"], "RUNNING");
    assert_eq!(attributes(&answer)["ApplicationId"], "unknown");
    assert!(id.ends_with(";rmmode=none"), "{id}");
    succeeded(&stage.delete(&id, &properties).await);
    assert!(stage.cluster.world().batches().is_empty());
}

#[tokio::test]
async fn an_unknown_host_is_named_in_seconds() {
    let stage = Stage::new().await;
    let began = Instant::now();
    let properties = with(
        &stage.properties(),
        json!({"LivyUrl": "http://primary.invalid:8998", "SubmitTimeoutSeconds": 60}),
    );
    let answer = stage.create(&properties).await;
    failed(&answer, "the host `primary.invalid` is not known here");
    is_nothing(answer.physical_id());
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[tokio::test]
async fn whoever_does_not_answer_is_named_with_the_port_within_the_submit_time_out() {
    for is_livy in [true, false] {
        let stage = Stage::new().await;
        let server = if is_livy {
            stage.cluster.livy()
        } else {
            stage.cluster.resource_manager()
        };
        server.down().await;
        let answer = stage.create(&stage.properties()).await;
        failed(&answer, "nothing was submitted within ");
        failed(&answer, if is_livy { "Livy" } else { "ResourceManager" });
        failed(&answer, &server.address().port().to_string());
        failed(&answer, "security group");
        is_nothing(answer.physical_id());
        assert_eq!(stage.posts(), 0);
    }
}

#[tokio::test]
async fn a_look_up_that_is_throttled_is_tried_again_until_the_submit_time_out() {
    let stage = Stage::new().await;
    stage.aws.cluster("j-BUSY", "WAITING", Some("127.0.0.1"));
    // The SDK gives up after three attempts.
    let throttled = Fault::Answer(aws::throttled());
    stage.aws.server().faults().inject(On::any().first(4), throttled);
    let properties = with(&on_cluster(&stage, "j-BUSY"), json!({"SubmitTimeoutSeconds": 30}));
    stage.created(&properties).await;
}
