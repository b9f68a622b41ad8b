//! No path ends without an answer: each stage of a request is broken, for each type of request.
//!
//! Whatever breaks, there is exactly one answer; and once the services are well again, what CloudFormation does next
//! (a Delete of the id that it was told, a rollback) leaves nothing alive in YARN that no id leads to.

mod declared;
mod life;
mod services;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sparkwright_tests::cloudformation::{Answer, Event, Verdict};
use sparkwright_tests::cluster::{Builder, Cluster, Job};
use sparkwright_tests::server::Server;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::stage::{LONG, Stage, failed, other, succeeded, with};

/// What goes on beside the request.
type Meanwhile = for<'a> fn(&'a Stage) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A function with so little time that a service which hangs outlasts it.
const SHORT: Duration = Duration::from_secs(4);

/// What a Create that meets the break is answered.
#[derive(Clone, Copy)]
enum Expected {
    Success,
    Failed(&'static str),
}

/// One way in which a request can break.
#[derive(Clone)]
struct Break {
    stage: &'static str,
    name: &'static str,
    expected: Expected,
    cluster: fn(Builder) -> Builder,
    properties: fn(&Stage, Value) -> Value,
    event: fn(&mut Value),
    given: fn(&Stage),
    down: Option<fn(&Stage) -> &Server>,
    meanwhile: Meanwhile,
    time: Duration,
    create_only: bool,
}

impl Break {
    fn new(stage: &'static str, name: &'static str, expected: Expected) -> Break {
        Break {
            stage,
            name,
            expected,
            cluster: |builder| builder,
            properties: |_, properties| properties,
            event: |_| {},
            given: |_| {},
            down: None,
            meanwhile: |_| Box::pin(async {}),
            time: LONG,
            create_only: false,
        }
    }

    /// The cluster is another one.
    fn on(self, cluster: fn(Builder) -> Builder) -> Break {
        Break { cluster, ..self }
    }

    /// The request's properties are others.
    fn properties(self, properties: fn(&Stage, Value) -> Value) -> Break {
        Break { properties, ..self }
    }

    /// The event is another one.
    fn event(self, event: fn(&mut Value)) -> Break {
        Break { event, ..self }
    }

    /// This is so when the request comes.
    fn given(self, given: fn(&Stage)) -> Break {
        Break { given, ..self }
    }

    /// This server is down when the request comes.
    fn down(self, server: fn(&Stage) -> &Server) -> Break {
        Break {
            down: Some(server),
            ..self
        }
    }

    /// This happens beside the request.
    fn meanwhile(self, meanwhile: Meanwhile) -> Break {
        Break { meanwhile, ..self }
    }

    /// The function has so much time.
    fn within(self, time: Duration) -> Break {
        Break { time, ..self }
    }

    /// In seconds: short where nobody can be reached, and otherwise long enough for a busy machine.
    fn submit_timeout(&self) -> u32 {
        let never_submits = match self.expected {
            Expected::Failed(reason) => {
                ["secret", "cluster look-up"].contains(&self.stage)
                    || reason.starts_with("nothing was submitted")
            }
            Expected::Success => false,
        };
        if never_submits { 1 } else { 20 }
    }

    /// Only a Create meets it.
    fn create_only(self) -> Break {
        Break {
            create_only: true,
            ..self
        }
    }
}

fn all() -> Vec<Break> {
    [
        declared::envelope(),
        declared::properties(),
        services::secret(),
        services::cluster(),
        services::livy(),
        services::yarn(),
        life::wait(),
        life::panic(),
        life::deadline(),
        life::put(),
    ]
    .concat()
}

/// Many times what the longest of them takes.
const AT_MOST: Duration = Duration::from_secs(180);

/// Which request meets the break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Create,
    StopThenStart,
    StartThenStop,
    Delete,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_stage_may_break_and_every_request_is_answered() {
    let mut tried = BTreeMap::<&str, usize>::new();
    let mut runs = JoinSet::new();
    // Breaks wait more than they work.
    let room = Arc::new(Semaphore::new(24));
    let mut names = std::collections::HashMap::new();
    for broken in all() {
        for kind in [
            Kind::Create,
            Kind::StopThenStart,
            Kind::StartThenStop,
            Kind::Delete,
        ] {
            if broken.create_only && kind != Kind::Create {
                continue;
            }
            *tried.entry(broken.stage).or_default() += 1;
            let (room, broken) = (Arc::clone(&room), broken.clone());
            let label = format!("{}: {} ({kind:?})", broken.stage, broken.name);
            let task = runs.spawn(async move {
                let _place = room.acquire().await.unwrap();
                // A request that nobody answers is named, and does not hang the others.
                tokio::time::timeout(AT_MOST, run(&broken, kind))
                    .await
                    .expect("it ends");
            });
            names.insert(task.id(), label);
        }
    }
    let mut wrong = Vec::new();
    while let Some(joined) = runs.join_next_with_id().await {
        if let Err(error) = joined {
            wrong.push(names[&error.id()].clone());
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let total: usize = tried.values().sum();
    // Written past the test's own capture, so that a plain run shows it.
    let mut out = std::io::stdout();
    writeln!(
        out,
        "spark-job-function: {total} breaks tried, each request had its one answer: {tried:?}"
    )
    .unwrap();
    assert!(tried.len() >= 9 && total >= 100, "{tried:?}");
}

/// Breaks one request of this kind, and lets CloudFormation go on from there.
async fn run(broken: &Break, kind: Kind) {
    let stage = Stage::on((broken.cluster)(Cluster::builder())).await;
    let policy = if kind == Kind::StartThenStop {
        "StartThenStop"
    } else {
        "StopThenStart"
    };
    let old = with(&stage.properties(), json!({"UpdatePolicy": policy}));
    let id = match kind {
        Kind::Create => None,
        _ => Some(stage.created(&old).await),
    };
    (broken.given)(&stage);
    if let Some(server) = broken.down {
        server(&stage).down().await;
    }
    let declared = if kind == Kind::Create {
        old.clone()
    } else {
        other(&old)
    };
    let declared = with(
        &declared,
        json!({"SubmitTimeoutSeconds": broken.submit_timeout()}),
    );
    let new = (broken.properties)(&stage, declared);
    let mut event = match (kind, &id) {
        (Kind::Delete, Some(id)) => stage.sink.delete(&stage.resource, id, new.clone()),
        (_, Some(id)) => stage.sink.update(&stage.resource, id, old.clone(), new.clone()),
        (_, None) => stage.sink.create(&stage.resource, new.clone()),
    };
    (broken.event)(&mut event.body);
    let answering = answered(&stage, &event, broken);
    tokio::pin!(answering);
    let answer = tokio::select! {
        // What happens beside a request has no time after it.
        answer = &mut answering => answer,
        () = (broken.meanwhile)(&stage) => answering.await,
    };
    if kind == Kind::Create {
        match broken.expected {
            Expected::Success => drop(succeeded(&answer)),
            Expected::Failed(reason) => failed(&answer, reason),
        }
    }
    heal(&stage);
    let told = answer.physical_id().to_owned();
    let mut ids = vec![told.clone()];
    if answer.verdict.is_success() {
        ids.extend(id);
    } else if kind != Kind::Create && kind != Kind::Delete {
        // The stack rolls back.
        let back = succeeded(&stage.update(&told, &new, &old).await);
        assert!(stage.living() >= 1, "the old job is back");
        ids.push(back);
    }
    ids.dedup();
    for id in ids {
        succeeded(&stage.delete(&id, &old).await);
    }
    assert_eq!(
        (stage.living(), stage.cluster.world().running_spark_submits()),
        (0, 0)
    );
}

/// The request's one answer. A PUT whose own answer was lost may come again, with the same bytes.
async fn answered(stage: &Stage, event: &Event, broken: &Break) -> Answer {
    let result = stage.invoke(event, broken.time).await;
    assert!(result.is_ok(), "{result:?}");
    let answers = stage.sink.answers(&event.request_id);
    assert!(
        !answers.is_empty() && answers.iter().all(|answer| answer.raw == answers[0].raw),
        "{answers:?}"
    );
    assert!(answers.len() == 1 || broken.stage == "PUT", "{answers:?}");
    assert!(
        !matches!(answers[0].verdict, Verdict::Invalid(_)),
        "{:?}",
        answers[0].verdict
    );
    answers[0].clone()
}

/// Everything is well again.
fn heal(stage: &Stage) {
    stage.gate.open();
    let servers = [
        stage.cluster.livy(),
        stage.cluster.resource_manager(),
        stage.cluster.node_manager(),
        stage.aws.server(),
        stage.sink.server(),
    ];
    for server in servers {
        server.faults().clear();
        server.speak();
        server.up();
    }
    stage.cluster.world().lose_kills(false);
    stage.cluster.world().open_queue();
    stage.cluster.world().script("*", Job::until_ended());
}

#[tokio::test]
async fn an_event_without_a_way_to_answer_is_an_error_and_starts_nothing() {
    let stage = Stage::new().await;
    for url in [
        json!(null),
        json!(7),
        json!("nowhere"),
        json!("ftp://127.0.0.1/x"),
    ] {
        let mut event = stage.sink.create(&stage.resource, stage.properties());
        event.body["ResponseURL"] = url;
        assert!(stage.invoke(&event, LONG).await.is_err());
    }
    let mut event = stage.sink.create(&stage.resource, stage.properties());
    for body in [json!(null), json!([]), json!("Create"), json!({})] {
        event.body = body;
        assert!(stage.invoke(&event, LONG).await.is_err());
    }
    assert_eq!(stage.posts(), 0);
}
