//! Each stage of a request broken in every way that we know: exactly one answer, or the allowed error.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use custom_resource::{Handler, RequestType, Settings};
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::cases::{
    Break, Expected, OBSTACLES, REFUSALS, SHORT, broken_events, broken_providers, failed, request,
};
use crate::events::{KINDS, event, invocation};
use crate::provider::{FALLBACK_ID, Script, Scripted};
use crate::sink::{Reply, Sink};

const TAKEN: &[Reply] = &[Reply::Status(200)];
/// More at once would measure this machine, not the crate.
const AT_ONCE: usize = 32;

/// Handles it and checks answer, error and the number of calls of the provider.
async fn check(case: Break, replies: &'static [Reply]) {
    let sink = Sink::start(replies).await;
    let mut payload = case.payload;
    if let Some(Value::String(url)) = payload.get_mut("ResponseURL") {
        *url = url.replace("http://sink", &sink.url());
    }
    let mut settings = Settings::default();
    settings.shortest_pause = Duration::from_millis(20);
    settings.longest_pause = Duration::from_secs(1);
    let hangs = replies.contains(&Reply::Hang);
    if hangs {
        settings.attempt_timeout = Duration::from_millis(1500);
    }

    let provider = Scripted::new(case.script);
    let calls = Arc::clone(&provider.calls);
    let handler = Handler::new(provider, settings);
    let result = handler.handle(invocation(payload.clone(), case.length)).await;
    let name = format!("{} {replies:?}", case.name);
    assert_eq!(
        calls.load(Ordering::SeqCst),
        case.calls,
        "{name}: calls of the provider"
    );

    let answers = sink.answers(&payload);
    match (case.expected, result) {
        (Expected::Answer { status, id }, Ok(value)) => {
            // On a busy machine a good reply, too, may come after the short time-out: then it was sent once more.
            assert!(
                answers.len() == 1 || hangs && answers.len() > 1,
                "{name}: {answers:?}"
            );
            let answer = &answers[0];
            assert_eq!(
                (&answer["Status"], &answer["PhysicalResourceId"]),
                (&json!(status), &json!(id)),
                "{name}"
            );
            assert_eq!(
                (&answer["Status"], &answer["PhysicalResourceId"]),
                (&value["Status"], &value["PhysicalResourceId"])
            );
            for field in ["StackId", "RequestId", "LogicalResourceId"] {
                let sent = payload
                    .get(field)
                    .filter(|value| value.is_string())
                    .cloned()
                    .unwrap_or(json!(""));
                assert_eq!(answer[field], sent, "{name}: {field}");
            }
            let reason = answer.get("Reason").map(|reason| reason.as_str().unwrap());
            assert_eq!(reason.is_some(), status == "FAILED", "{name}");
            assert!(reason.is_none_or(|reason| !reason.trim().is_empty()), "{name}");
        }
        (Expected::Error(expected), Err(error)) => {
            assert_eq!(error.name(), expected, "{name}: {error}");
            assert!(answers.is_empty(), "{name}: {answers:?}");
        }
        (expected, result) => panic!("{name}: expected {expected:?}, got {result:?}"),
    }
}

/// Runs cases side by side.
struct Trial {
    cases: JoinSet<()>,
    room: Arc<Semaphore>,
}

impl Trial {
    fn start(&mut self, case: Break, replies: &'static [Reply]) {
        let room = Arc::clone(&self.room);
        self.cases.spawn(async move {
            // Those that run into their deadline spend it waiting.
            let _place = if case.length == SHORT {
                None
            } else {
                Some(room.acquire().await.unwrap())
            };
            check(case, replies).await;
        });
    }
}

/// Keeps the provider's own panics out of the output: printing a hundred backtraces takes longer than the test.
fn hush_the_provider() {
    let others = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic
            .location()
            .is_none_or(|location| !location.file().ends_with("it/provider.rs"))
        {
            others(panic);
        }
    }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_break_ends_with_exactly_one_answer_or_the_one_allowed_error() {
    hush_the_provider();
    let mut trial = Trial {
        cases: JoinSet::new(),
        room: Arc::new(Semaphore::new(AT_ONCE)),
    };
    let events = broken_events();
    let providers = broken_providers();
    let scripts = [Script::Succeed, Script::Fail, Script::Panic];
    let counts = [
        events.len(),
        providers.len() * OBSTACLES.len(),
        KINDS.len() * scripts.len() * REFUSALS.len(),
        KINDS.len(),
    ];

    for case in events {
        trial.start(case, TAKEN);
    }
    for replies in OBSTACLES {
        for case in providers.clone() {
            trial.start(case, replies);
        }
    }
    // Bound, so that nobody else gets it, but nobody listens.
    let closed_port = TcpSocket::new_v4().unwrap();
    closed_port.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    for kind in KINDS {
        for script in scripts {
            for (replies, error) in REFUSALS {
                let case = request(kind, script, Expected::Error(error));
                let length = if error == "CustomResource.Undelivered" {
                    SHORT
                } else {
                    case.length
                };
                trial.start(Break { length, ..case }, replies);
            }
        }
        let payload = event(kind, &format!("http://{}", closed_port.local_addr().unwrap()));
        let expected = Expected::Error("CustomResource.Undelivered");
        trial.start(
            Break {
                payload,
                length: SHORT,
                ..request(kind, Script::Succeed, expected)
            },
            TAKEN,
        );
    }
    let total: usize = counts.iter().sum();
    assert_eq!(trial.cases.len(), total);
    trial.cases.join_all().await;

    // Written past the test's own capture, so that a plain run shows it.
    let [events, providers, refusals, closed] = counts;
    writeln!(
        std::io::stdout(),
        "custom-resource: {total} breaks tried ({events} of events, {providers} of providers with obstacles, \
         {refusals} refusals, {closed} closed ports): each ended with one answer or the allowed error"
    )
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_blocks_one_of_two_threads_is_answered_for() {
    let case = request(RequestType::Create, Script::BlockTheThread, failed(FALLBACK_ID));
    check(
        Break {
            length: SHORT,
            ..case
        },
        TAKEN,
    )
    .await;
}
