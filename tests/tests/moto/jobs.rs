//! Whole requests, of jobs that name a cluster and a secret: the cluster and the secret are moto's, Livy and YARN are
//! simulators.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use custom_resource::Handler;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use spark_job_function::gate::AlwaysOpen;
use spark_job_function::provider::{Settings, SparkJobs};
use sparkwright_tests::cloudformation::{Answer, Event, Sink, StackResource};
use sparkwright_tests::cluster::Cluster;

use crate::site::Moto;

const OLD: &str = r#"{"username": "etl", "password": "hunter22"}"#;
const NEW: &str = r#"{"username": "etl", "password": "hunter23"}"#;

/// The function, and a Livy that wants the new password.
struct Stage {
    moto: Moto,
    livy: Cluster,
    sink: Sink,
    resource: StackResource,
    handler: Handler<SparkJobs<AlwaysOpen>>,
}

impl Stage {
    fn find() -> Option<impl Future<Output = Stage>> {
        let moto = Moto::find()?;
        Some(async {
            let settings = Settings {
                settle: Duration::from_millis(600),
                poll_period: Duration::from_millis(20),
                linger: Duration::from_millis(100),
                leak_check: Duration::from_millis(200),
            };
            let jobs = SparkJobs::behind(AlwaysOpen, settings, moto.aws());
            Stage {
                moto,
                livy: Cluster::builder().credentials("etl", "hunter23").start().await,
                sink: Sink::start().await,
                resource: StackResource::new("SparkPi"),
                handler: Handler::new(jobs, custom_resource::Settings::default()),
            }
        })
    }

    /// A cluster whose primary node is the one on which the simulated Livy runs.
    async fn cluster(&self) -> String {
        self.moto.cluster(&[("primary", "127.0.0.1")]).await
    }

    fn properties(&self, cluster_id: &str, secret: &str) -> Value {
        json!({
            "ClusterId": cluster_id,
            "LivyPort": self.livy.livy_url().port(),
            "ResourceManagerUrl": self.livy.resource_manager_url(),
            "LivyCredentials": secret,
            "HealthySeconds": 0,
            "SubmitTimeoutSeconds": 2,
            "Parameters": {"File": self.livy.job_file("forever.py")},
        })
    }

    async fn create(&self, properties: &Value) -> Answer {
        self.send(&self.sink.create(&self.resource, properties.clone()))
            .await
    }

    async fn delete(&self, id: &str, properties: &Value) -> Answer {
        self.send(&self.sink.delete(&self.resource, id, properties.clone()))
            .await
    }

    async fn send(&self, event: &Event) -> Answer {
        let mut context = Context::default();
        let deadline = SystemTime::now() + Duration::from_secs(900);
        context.deadline = u64::try_from(deadline.duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
        let event_of_lambda = LambdaEvent::new(event.body.clone(), context);
        self.handler.handle(event_of_lambda).await.unwrap();
        let answers = self.sink.answers(&event.request_id);
        assert_eq!(answers.len(), 1, "{answers:?}");
        answers[0].clone()
    }

    fn living(&self) -> usize {
        self.livy.world().live_applications().len()
    }
}

#[track_caller]
fn succeeded(answer: &Answer) -> String {
    assert!(answer.verdict.is_success(), "{:?}", answer.verdict);
    answer.physical_id().to_owned()
}

#[track_caller]
fn failed(answer: &Answer, words: &[&str]) {
    assert!(!answer.verdict.is_success(), "{:?}", answer.verdict);
    for word in words {
        assert!(
            answer.reason().contains(word),
            "`{word}` is not in: {}",
            answer.reason()
        );
    }
}

async fn lives_and_is_stopped(stage: &Stage, secret: &str) {
    let properties = stage.properties(&stage.cluster().await, secret);
    let id = succeeded(&stage.create(&properties).await);
    assert_eq!(stage.living(), 1);
    succeeded(&stage.delete(&id, &properties).await);
    assert_eq!(stage.living(), 0);
}

#[tokio::test]
async fn a_job_on_a_cluster_lives_and_is_stopped() {
    let Some(stage) = Stage::find() else { return };
    let stage = stage.await;
    let secret = stage.moto.secret("life", NEW).await;
    lives_and_is_stopped(&stage, &secret).await;
}

#[tokio::test]
async fn a_secret_that_was_rotated_is_read_again_when_livy_refuses_the_old_one() {
    let Some(stage) = Stage::find() else { return };
    let mut stage = stage.await;
    let secret = stage.moto.secret("rotated-under-way", OLD).await;
    let wants_new = std::mem::replace(&mut stage.livy, Cluster::builder().start().await);
    // From a job on a Livy that takes whatever it is given, the function knows the secret as it was.
    let properties = stage.properties(&stage.cluster().await, &secret);
    let id = succeeded(&stage.create(&properties).await);
    succeeded(&stage.delete(&id, &properties).await);
    stage.moto.rotate(&secret, NEW).await;

    stage.livy = wants_new;
    lives_and_is_stopped(&stage, &secret).await;
}

#[tokio::test]
async fn a_secret_that_livy_refuses_is_named() {
    let Some(stage) = Stage::find() else { return };
    let stage = stage.await;
    let secret = stage.moto.secret("refused", OLD).await;
    let properties = stage.properties(&stage.cluster().await, &secret);
    failed(&stage.create(&properties).await, &[&secret]);
    assert_eq!(stage.living(), 0);
}

#[tokio::test]
async fn the_job_of_a_terminated_cluster_is_gone_with_it() {
    let Some(stage) = Stage::find() else { return };
    let stage = stage.await;
    let secret = stage.moto.secret("terminated", NEW).await;
    let cluster_id = stage.cluster().await;
    let properties = stage.properties(&cluster_id, &secret);
    let id = succeeded(&stage.create(&properties).await);
    stage.moto.terminate(&cluster_id).await;
    let asked = stage.livy.livy().journal().count("*");
    succeeded(&stage.delete(&id, &properties).await);
    assert_eq!(
        stage.livy.livy().journal().count("*"),
        asked,
        "nothing is asked of its Livy"
    );
    failed(&stage.create(&properties).await, &[&cluster_id, "TERMINATED"]);
}

#[tokio::test]
async fn a_delete_on_a_cluster_that_emr_has_forgotten_succeeds() {
    let Some(stage) = Stage::find() else { return };
    let stage = stage.await;
    let secret = stage.moto.secret("forgotten", NEW).await;
    let cluster_id = stage.cluster().await;
    let properties = stage.properties(&cluster_id, &secret);
    let id = succeeded(&stage.create(&properties).await);
    // moto forgets no cluster; an id that it never had is the same to whoever asks.
    let forgotten = id.replace(&cluster_id, "j-0FORGOTTEN");
    assert_ne!(forgotten, id);
    succeeded(
        &stage
            .delete(&forgotten, &stage.properties("j-0FORGOTTEN", &secret))
            .await,
    );
    assert_eq!(stage.living(), 1, "that is another cluster's");
}

#[tokio::test]
async fn a_create_on_a_cluster_that_starts_says_when_it_can_be() {
    let Some(stage) = Stage::find() else { return };
    let stage = stage.await;
    let secret = stage.moto.secret("starting", NEW).await;
    let cluster_id = stage
        .moto
        .cluster(&[("state", "STARTING"), ("primary", "")])
        .await;
    let answer = stage.create(&stage.properties(&cluster_id, &secret)).await;
    failed(&answer, &[&cluster_id, "STARTING", "RUNNING or WAITING"]);
    succeeded(
        &stage
            .delete(answer.physical_id(), &stage.properties(&cluster_id, &secret))
            .await,
    );
}

#[tokio::test]
async fn a_delete_without_its_secret_says_so_or_lets_go_as_declared() {
    let Some(stage) = Stage::find() else { return };
    let stage = stage.await;
    let secret = stage.moto.secret("gone", NEW).await;
    let properties = stage.properties(&stage.cluster().await, &secret);
    let id = succeeded(&stage.create(&properties).await);
    stage.moto.delete_secret(&secret).await;
    // Another function's, that has not read it: the one above still has it.
    let Some(cold) = Stage::find() else { return };
    let cold = cold.await;
    failed(&cold.delete(&id, &properties).await, &[&secret]);
    assert_eq!(stage.living(), 1);
    let mut lenient = properties.clone();
    lenient["IfStopUnconfirmed"] = json!("Succeed");
    succeeded(&cold.delete(&id, &lenient).await);
    // What the warm one still knows is good enough for Livy.
    succeeded(&stage.delete(&id, &properties).await);
    assert_eq!(stage.living(), 0);
}
