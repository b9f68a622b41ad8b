//! A stack's resource, the function that serves it, and the services around them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sfn::config::{Credentials, SharedCredentialsProvider};
use custom_resource::{Handler, Request};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Map, Value, json};
use spark_job_function::aws::Aws;
use spark_job_function::gate::{Closed, Gate, Moment};
use spark_job_function::provider::{Settings, SparkJobs};
use sparkwright_tests::aws::Aws as SimulatedAws;
use sparkwright_tests::cloudformation::{Answer, Event, Sink, StackResource, Verdict};
use sparkwright_tests::cluster::{Application, Builder, Cluster};
use sparkwright_tests::faults::{Fault, On};
use sparkwright_tests::http;
use url::Url;

use crate::continuation::Relay;

/// Long enough for whatever the simulator does late, short enough to wait for.
pub(crate) const SETTLE: Duration = Duration::from_millis(600);

/// Lambda's longest invocation.
pub(crate) const LONG: Duration = Duration::from_secs(900);

/// What happens to a request at a gate.
#[derive(Clone, Debug)]
pub(crate) enum Strike {
    /// It is told that nobody wants it any more.
    Close,
    /// It is told that it was answered with SUCCESS, by another delivery.
    Accept,
    /// The function's own code panics.
    Panic,
}

/// A gate that strikes at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct TestGate {
    strike: Arc<Mutex<Option<(Moment, Strike)>>>,
    leaves: Arc<AtomicBool>,
}

impl TestGate {
    /// The stack deletes the resource from now on, by the id of each Delete.
    pub(crate) fn leave(&self) {
        self.leaves.store(true, Ordering::Relaxed);
    }

    pub(crate) fn strike(&self, at: Moment, strike: Strike) {
        *self.strike.lock().unwrap() = Some((at, strike));
    }

    pub(crate) fn open(&self) {
        *self.strike.lock().unwrap() = None;
    }

    fn at(&self, moment: Moment) -> Option<Strike> {
        self.strike
            .lock()
            .unwrap()
            .as_ref()
            .filter(|(at, _)| *at == moment)
            .map(|(_, strike)| strike.clone())
    }
}

impl Gate for TestGate {
    async fn pass(&self, _request: &Request, moment: Moment) -> Result<(), Closed> {
        match self.at(moment) {
            None => Ok(()),
            Some(Strike::Close) => Err("the stack has rolled back meanwhile".into()),
            Some(Strike::Accept) => Err(Closed {
                is_accepted: true,
                ..Closed::from("it was answered already")
            }),
            Some(Strike::Panic) => panic!("struck at {moment:?}"),
        }
    }

    async fn is_leaving(&self, _request: &Request) -> bool {
        self.leaves.load(Ordering::Relaxed)
    }
}

/// Everything that one test needs.
pub(crate) struct Stage {
    pub(crate) cluster: Cluster,
    pub(crate) sink: Sink,
    pub(crate) aws: SimulatedAws,
    pub(crate) gate: TestGate,
    pub(crate) resource: StackResource,
    pub(crate) relay: Relay,
    handler: Handler<SparkJobs<TestGate>>,
}

impl Stage {
    pub(crate) async fn new() -> Stage {
        Stage::on(Cluster::builder()).await
    }

    pub(crate) async fn on(cluster: Builder) -> Stage {
        Stage::settling(cluster, SETTLE).await
    }

    pub(crate) async fn settling(cluster: Builder, settle: Duration) -> Stage {
        let (sink, aws, gate) = (
            Sink::start().await,
            SimulatedAws::start().await,
            TestGate::default(),
        );
        let settings = Settings {
            settle,
            poll_period: Duration::from_millis(20),
            linger: Duration::from_millis(100),
            leak_check: Duration::from_millis(200),
        };
        let jobs = SparkJobs::behind(gate.clone(), settings, Aws::of(sdk_config(&aws.url())));
        let mut protocol = custom_resource::Settings::default();
        protocol.shortest_pause = Duration::from_millis(10);
        protocol.attempt_timeout = Duration::from_secs(2);
        let relay = Relay::default();
        let handler = Handler::new(jobs, protocol).continued_by(relay.clone());
        let resource = StackResource::new("SparkPi");
        Stage {
            cluster: cluster.start().await,
            sink,
            aws,
            gate,
            resource,
            relay,
            handler,
        }
    }

    /// The least that a template says of a job that runs until it is stopped.
    pub(crate) fn properties(&self) -> Value {
        self.running("forever.py")
    }

    /// The least that a template says of a job.
    pub(crate) fn running(&self, file: &str) -> Value {
        json!({
            "LivyUrl": self.cluster.livy_url(),
            "ResourceManagerUrl": self.cluster.resource_manager_url(),
            "HealthySeconds": 0,
            "SubmitTimeoutSeconds": 1,
            "Parameters": {"File": self.cluster.job_file(file)},
        })
    }

    /// Hands an event to the function, and gives its one answer.
    pub(crate) async fn send(&self, event: &Event) -> Answer {
        self.send_within(event, LONG).await
    }

    /// The same, with a function that has this time-out.
    #[track_caller]
    pub(crate) fn send_within<'a>(
        &'a self,
        event: &'a Event,
        time: Duration,
    ) -> impl Future<Output = Answer> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let result = self.invoke(event, time).await;
            assert!(result.is_ok(), "{caller}: {result:?}");
            let answers = self.sink.answers(&event.request_id);
            assert_eq!(answers.len(), 1, "{caller}: one request, one answer: {answers:?}");
            let answer = answers[0].clone();
            assert!(
                !matches!(answer.verdict, Verdict::Invalid(_)),
                "{caller}: {:?}",
                answer.verdict
            );
            answer
        }
    }

    /// Hands an event to the function.
    pub(crate) async fn invoke(&self, event: &Event, time: Duration) -> Result<Value, String> {
        self.invoke_as("", event.body.clone(), time).await
    }

    /// Hands an event to a function that has this ARN: without one it cannot invoke itself.
    pub(crate) async fn invoke_as(&self, arn: &str, event: Value, time: Duration) -> Result<Value, String> {
        let mut context = Context::default();
        context.invoked_function_arn = arn.to_owned();
        let deadline = SystemTime::now() + time;
        context.deadline = u64::try_from(deadline.duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
        self.handler
            .handle(LambdaEvent::new(event, context))
            .await
            .map_err(|error| error.to_string())
    }

    pub(crate) async fn create(&self, properties: &Value) -> Answer {
        self.send(&self.sink.create(&self.resource, properties.clone()))
            .await
    }

    pub(crate) async fn update(&self, id: &str, old: &Value, new: &Value) -> Answer {
        self.send(&self.sink.update(&self.resource, id, old.clone(), new.clone()))
            .await
    }

    pub(crate) async fn delete(&self, id: &str, properties: &Value) -> Answer {
        self.send(&self.sink.delete(&self.resource, id, properties.clone()))
            .await
    }

    /// A Create that succeeds; its physical id.
    pub(crate) async fn created(&self, properties: &Value) -> String {
        succeeded(&self.create(properties).await)
    }

    /// The one application that lives.
    #[track_caller]
    pub(crate) fn live(&self) -> Application {
        let live = self.cluster.world().live_applications();
        assert_eq!(live.len(), 1, "{live:?}");
        live[0].clone()
    }

    /// Whoever orders a kill is told that it is done, and nothing happens.
    pub(crate) fn lose_kills(&self) {
        self.cluster.world().lose_kills(true);
        let done = Fault::Answer(http::Answer::json(200, &json!({"state": "RUNNING"})));
        let kills = On::put("/ws/v1/cluster/apps/*/state");
        self.cluster.resource_manager().faults().inject(kills, done);
    }

    /// Kills work again.
    pub(crate) fn find_kills(&self) {
        self.cluster.world().lose_kills(false);
        self.cluster.resource_manager().faults().clear();
    }

    /// How many applications live.
    pub(crate) fn living(&self) -> usize {
        self.cluster.world().live_applications().len()
    }

    /// How many batches were created, or tried to be.
    pub(crate) fn posts(&self) -> usize {
        self.cluster.livy().journal().count("POST /batches")
    }

    /// The most applications of the resource that ever lived at one time.
    pub(crate) fn peak(&self) -> usize {
        let applications = self.cluster.world().applications();
        let tags = applications.iter().flat_map(|application| &application.tags);
        let tag = tags
            .into_iter()
            .find(|tag| tag.starts_with("sparkwright-resource-"));
        tag.map_or(0, |tag| self.cluster.world().peak_live(tag))
    }
}

/// The properties with some of them changed; a null takes one away.
pub(crate) fn with(properties: &Value, changes: Value) -> Value {
    let mut changed = properties.as_object().unwrap().clone();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            changed.remove(name);
        } else {
            changed.insert(name.clone(), value.clone());
        }
    }
    Value::Object(changed)
}

/// The properties with another argument: another spec.
pub(crate) fn other(properties: &Value) -> Value {
    let mut changed = properties.clone();
    changed["Parameters"]["Configuration"] = json!({"spark.changed": true});
    changed
}

#[track_caller]
pub(crate) fn succeeded(answer: &Answer) -> String {
    assert!(answer.verdict.is_success(), "{:?}", answer.verdict);
    answer.physical_id().to_owned()
}

/// What `Fn::GetAtt` gives.
#[track_caller]
pub(crate) fn attributes(answer: &Answer) -> Map<String, Value> {
    match &answer.verdict {
        Verdict::Success { data, .. } => data.clone(),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn failed(answer: &Answer, reason: &str) {
    assert!(
        matches!(answer.verdict, Verdict::Failed { .. }),
        "{:?}",
        answer.verdict
    );
    assert!(
        answer.reason().contains(reason),
        "`{reason}` is not in: {}",
        answer.reason()
    );
}

/// The batch's name in one of our ids.
#[track_caller]
pub(crate) fn batch_of(id: &str) -> &str {
    let parts: Vec<_> = id.split(':').collect();
    assert_eq!(parts[..2], ["sparkwright", "1"], "{id}");
    parts[2]
}

#[track_caller]
pub(crate) fn is_nothing(id: &str) {
    assert!(id.starts_with("sparkwright:1:none:"), "{id}");
}

/// The event as if it had been issued so long ago.
pub(crate) fn aged(mut event: Event, age: Duration) -> Event {
    let mut url = Url::parse(event.body["ResponseURL"].as_str().unwrap()).unwrap();
    let issued = jiff::Timestamp::now() - jiff::SignedDuration::try_from(age).unwrap();
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    url.query_pairs_mut()
        .clear()
        .extend_pairs(pairs.into_iter().map(|(name, value)| match name.as_str() {
            "X-Amz-Date" => (name, issued.strftime("%Y%m%dT%H%M%SZ").to_string()),
            _ => (name, value),
        }));
    event.body["ResponseURL"] = json!(url);
    event
}

pub(crate) fn sdk_config(endpoint: &Url) -> SdkConfig {
    let credentials = Credentials::new("AKIDSIMULATED", "simulated", None, None, "tests");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(endpoint.as_str())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}
