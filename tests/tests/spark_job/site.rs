//! A cluster, and orders for it.

use std::time::Duration;

use serde_json::{Map, Value, json};
use sparkwright_spark_job::cluster::Cluster as Endpoints;
use sparkwright_spark_job::endpoint::{DeclaredEndpoint, Endpoint, ResourceManager};
use sparkwright_spark_job::identity::{Intent, Spec};
use sparkwright_spark_job::names::{RunKey, Slug, intent_tag};
use sparkwright_spark_job::outcome::{Outcome, conclude};
use sparkwright_spark_job::parameters::Parameters;
use sparkwright_spark_job::redact::Redaction;
use sparkwright_spark_job::standing::{Phase, Standing};
use sparkwright_spark_job::stop::{StopOrder, Stopped, stop};
use sparkwright_spark_job::submission::{Numbering, Order, Patience, Run, SubmitError, Unsupervised, submit};
use sparkwright_spark_job::watch::{Report, Watch};
use sparkwright_tests::cluster::{Application, Builder, Cluster};
use tokio::time::{Instant, timeout};

/// Long enough for whatever the simulator does late, short enough to wait for.
pub(crate) const SETTLE: Duration = Duration::from_millis(600);

/// The time between two looks.
pub(crate) const PERIOD: Duration = Duration::from_millis(20);

/// Longer than anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A simulated cluster with the clients of one program.
pub(crate) struct Site {
    pub(crate) cluster: Cluster,
    pub(crate) endpoints: Endpoints,
}

impl Site {
    pub(crate) async fn new() -> Self {
        Self::on(Cluster::builder()).await
    }

    pub(crate) async fn on(builder: Builder) -> Self {
        let cluster = builder.start().await;
        let endpoints = Endpoints::connect(endpoint(&cluster), None).unwrap();
        Self { cluster, endpoints }
    }

    /// The order of a job that runs until it is stopped.
    pub(crate) fn order(&self, token: &str) -> Order {
        self.order_of(token, json!({"File": self.cluster.job_file("forever.py")}))
    }

    pub(crate) fn order_of(&self, token: &str, parameters: Value) -> Order {
        let object: Map<String, Value> = parameters.as_object().unwrap().clone();
        let parameters = Parameters::parse(&object).unwrap();
        Order {
            spec: Spec::of(&parameters, &DeclaredEndpoint::default(), ""),
            parameters,
            slug: Slug::of("etl"),
            intent: Intent::of_token(token),
            resource: None,
            numbering: Numbering::Numbered {
                reuse_success_since: None,
            },
        }
    }

    pub(crate) async fn submit(&self, order: &Order) -> Result<Run, SubmitError> {
        within(submit(&self.endpoints, order, &patience(), &Unsupervised)).await
    }

    /// Submits, and waits until the job is as far as this.
    pub(crate) async fn run_to(&self, order: &Order, phase: Phase) -> (Run, Report) {
        let run = self.submit(order).await.unwrap();
        let mut watch = self.watch(&run);
        let report = within(async {
            loop {
                let report = watch.next().await;
                match report.standing {
                    Standing::Pending(now) if now < phase => {}
                    Standing::Pending(_) => return report,
                    Standing::Ended(ending) => panic!("it ended: {ending:?}"),
                }
            }
        })
        .await;
        (run, report)
    }

    pub(crate) fn watch(&self, run: &Run) -> Watch {
        Watch::new(self.endpoints.clone(), run, SETTLE, PERIOD)
    }

    /// Watches a run to its end, and says how that is explained.
    pub(crate) async fn outcome(&self, order: &Order, run: &Run) -> Outcome {
        let mut watch = self.watch(run);
        within(async {
            loop {
                let report = watch.next().await;
                if let Standing::Ended(ending) = report.standing {
                    let redaction = Redaction::of(&order.parameters, &[]);
                    return conclude(&self.endpoints, run, &report, ending, &redaction).await;
                }
            }
        })
        .await
    }

    /// Stops a run within so long.
    pub(crate) async fn stop(&self, run: &Run, time: Duration) -> Stopped {
        let order = StopOrder {
            name: run.name.clone(),
            last_post: Some(run.last_post),
            application: None,
            settle: SETTLE,
            waits_for_livy: true,
            poll_period: PERIOD,
            deadline: Instant::now() + time,
        };
        within(stop(&self.endpoints, &order)).await
    }

    pub(crate) fn posts(&self) -> usize {
        self.cluster.livy().journal().count("POST /batches")
    }

    /// The order's applications that live, by their ids.
    pub(crate) fn live(&self, order: &Order) -> Vec<String> {
        let of_intent = |application: &&Application| application.tags.contains(&intent_tag(order.intent));
        let live = self.cluster.world().live_applications();
        live.iter().filter(of_intent).map(|a| a.id.to_string()).collect()
    }

    /// The most of the order's applications that ever lived at one time.
    pub(crate) fn peak(&self, order: &Order) -> usize {
        self.cluster.world().peak_live(&intent_tag(order.intent))
    }
}

pub(crate) fn endpoint(cluster: &Cluster) -> Endpoint {
    Endpoint {
        livy: cluster.livy_url(),
        ca_certificate: None,
        resource_manager: ResourceManager::Required {
            urls: cluster.resource_manager_urls(),
            user: "hadoop".into(),
        },
    }
}

pub(crate) fn patience() -> Patience {
    Patience {
        settle: SETTLE,
        submit_timeout: Duration::from_secs(5),
        lost_timeout: Duration::from_secs(10),
        poll_period: PERIOD,
        deadline: None,
    }
}

/// The number of the order's run that this is.
pub(crate) fn number(order: &Order, run: &Run) -> u32 {
    (1..100)
        .find(|number| *run.name.key() == RunKey::of(order.intent, None, *number))
        .unwrap()
}

/// What a test waits for comes, or the test says that it did not.
#[track_caller]
pub(crate) fn within<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    async move {
        match timeout(PATIENCE, work).await {
            Ok(value) => value,
            Err(_) => panic!("what {caller} waits for has not come"),
        }
    }
}
