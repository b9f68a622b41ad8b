//! Any event, and any way in which a provider can end: CloudFormation gets one answer, and one that it understands.

#![no_main]

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use custom_resource::respond::Error;
use custom_resource::{Failure, Handler, Provider, Provisioned, Request, Settings};
use libfuzzer_sys::fuzz_target;
use sparkwright_fuzz::answer::{Accepted, puts};
use sparkwright_fuzz::event::{SINK, hasten, invocation, lead_home};
use sparkwright_fuzz::scenario::Scenario;
use sparkwright_fuzz::server::{Answer, Server};

static SERVER: LazyLock<Server> = LazyLock::new(Server::new);
static HANDLER: LazyLock<Handler<Scripted>> = LazyLock::new(|| {
    let mut settings = Settings::default();
    settings.shortest_pause = Duration::from_millis(1);
    settings.longest_pause = Duration::from_millis(1);
    Handler::new(Scripted, settings)
});
/// What the provider does with the one request that is under way.
static PART: Mutex<Option<Scenario>> = Mutex::new(None);
/// Whether it was asked at all, and has told what to hide.
static HAS_HIDDEN: AtomicBool = AtomicBool::new(false);

/// So long has a provider that never ends.
const SHORT: Duration = Duration::from_millis(20);
const MOST_TRIES: usize = 5;

sparkwright_fuzz::mutate_json!();

fuzz_target!(|input: &[u8]| {
    let scenario = Scenario::read(input, "event");
    let provider = scenario.part("provider");
    let mut event = scenario.value("event").clone();
    let is_answerable = lead_home(&mut event, &SERVER);
    if is_answerable && provider.text("ends") == Some("never") {
        hasten(&mut event, SHORT);
    }
    let sink = sink(&scenario);
    let is_taken = sink.iter().find_map(|answer| match answer {
        Answer::Says {
            status: 408 | 429 | 500..,
            ..
        }
        | Answer::HangsUp
        | Answer::IsSilent => None,
        Answer::Says { status, .. } => Some(*status < 300),
    });
    let hidden = provider.texts("hides");
    *PART.lock().expect("nobody panics with it") = Some(provider);
    HAS_HIDDEN.store(false, Ordering::Relaxed);

    let handling = HANDLER.handle(invocation(event.clone()));
    let (result, seen) = SERVER.during(HashMap::from([(SINK, sink.into())]), handling);
    match (is_answerable, is_taken) {
        (false, _) => {
            assert!(matches!(result, Err(Error::NoResponseUrl { .. })), "{result:?}");
            assert!(seen.is_empty(), "{seen:?}");
        }
        (true, Some(true)) => {
            let answer = Accepted::only(&event, &seen);
            let hidden = hidden.iter().filter(|_| HAS_HIDDEN.load(Ordering::Relaxed));
            hidden.for_each(|secret| answer.hides(secret));
            let value = result.expect("the answer was taken");
            assert_eq!(value["Status"], answer.status());
        }
        (true, _) => {
            assert!(matches!(result, Err(Error::Refused { .. })), "{result:?}");
            assert!(!puts(&seen).is_empty());
        }
    }
});

/// What the answers meet. At last one is taken: trying on would take all of the invocation.
fn sink(scenario: &Scenario) -> Vec<Answer> {
    let taken = Answer::Says {
        status: 200,
        location: None,
        body: Vec::new(),
    };
    let answers = SERVER.answers(scenario, SINK).into_iter().take(MOST_TRIES);
    answers.map(Answer::at_once).chain([taken]).collect()
}

struct Scripted;

impl Provider for Scripted {
    async fn create(&self, request: Request) -> Result<Provisioned, Failure> {
        end(&request).await
    }

    async fn update(&self, request: Request) -> Result<Provisioned, Failure> {
        end(&request).await
    }

    async fn delete(&self, request: Request) -> Result<(), Failure> {
        end(&request).await.map(drop)
    }

    fn fallback_id(&self, _: &Request) -> String {
        part().text("fallback").unwrap_or("fallback").to_owned()
    }
}

async fn end(request: &Request) -> Result<Provisioned, Failure> {
    let part = part();
    for secret in part.texts("hides") {
        request.redactions.hide(secret);
    }
    HAS_HIDDEN.store(true, Ordering::Relaxed);
    if let Some(id) = part.text("claims") {
        request.claim.physical_resource_id(id);
    }
    let text = |name| part.text(name).unwrap_or_default();
    match text("ends") {
        "failed" => {
            let failure = Failure::new(text("reason")).with_log_lines(part.texts("lines"));
            Err(match part.text("id") {
                Some(id) => failure.with_physical_resource_id(id),
                None => failure,
            })
        }
        // As a panic, but past the hook by which libFuzzer takes every panic for a finding.
        "panics" => resume_unwind(Box::new(text("reason").to_owned())),
        "never" => std::future::pending().await,
        _ => {
            let mut provisioned = Provisioned::new(text("id"));
            provisioned.attributes = part.text_map("attributes").into_iter().collect();
            provisioned.no_echo = part.value("noEcho") == true;
            Ok(provisioned)
        }
    }
}

fn part() -> Scenario {
    PART.lock()
        .expect("nobody panics with it")
        .clone()
        .unwrap_or_default()
}
