//! The whole function: any request, at a Livy, a ResourceManager and an AWS that answer anything or nothing. There is
//! one answer, it is one that CloudFormation understands, and it comes in time.

#![no_main]

use std::collections::{HashMap, VecDeque};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use custom_resource::{Handler, Request, Settings};
use libfuzzer_sys::{Corpus, fuzz_target};
use serde_json::Value;
use spark_job_function::answer::ATTRIBUTES;
use spark_job_function::aws::Aws;
use spark_job_function::gate::{Closed, Gate, Moment};
use spark_job_function::physical_id::MAX_BYTES;
use spark_job_function::provider::{self, SparkJobs};
use sparkwright_fuzz::answer::{Accepted, text_of};
use sparkwright_fuzz::event::{SINK, hasten, invocation, lead_home};
use sparkwright_fuzz::home::{AWS, LIVY, LIVY_ROOT, NODE, RESOURCE_MANAGER, at_home, aws_config};
use sparkwright_fuzz::scenario::Scenario;
use sparkwright_fuzz::server::{Answer, Answers, Server};

/// What a request has: some ten exchanges take a few milliseconds.
const SHORT: Duration = Duration::from_millis(80);

static SERVER: LazyLock<Server> = LazyLock::new(Server::new);

sparkwright_fuzz::mutate_json!();

fuzz_target!(|input: &[u8]| -> Corpus {
    let scenario = Scenario::read(input, "event");
    let Some(mut event) = at_home(scenario.value("event").clone(), &SERVER) else {
        return Corpus::Reject;
    };
    let is_answerable = lead_home(&mut event, &SERVER);
    hasten(&mut event, SHORT);

    let settings = provider::Settings {
        settle: Duration::from_millis(5),
        poll_period: Duration::from_millis(1),
        linger: Duration::from_millis(2),
        leak_check: Duration::from_millis(3),
    };
    let gate = ScriptedGate::new(&scenario);
    let jobs = SparkJobs::behind(gate, settings, Aws::of(aws_config(&SERVER)));
    let handler = Handler::new(jobs, Settings::default());
    let handling = handler.handle(invocation(event.clone()));
    let (result, seen) = SERVER.during(answers(&scenario), handling);
    if !is_answerable {
        assert!(result.is_err() && seen.is_empty(), "{result:?}, {seen:?}");
        return Corpus::Keep;
    }
    let answer = Accepted::only(&event, &seen);
    if event["RequestType"] == "Create" || event["RequestType"] == "Update" {
        check_answer(&answer, &event);
    }
    Corpus::Keep
});

fn answers(scenario: &Scenario) -> Answers {
    let taken = Answer::Says {
        status: 200,
        location: None,
        body: Vec::new(),
    };
    let fields = [
        (LIVY, "livy"),
        (RESOURCE_MANAGER, "yarn"),
        (NODE, "node"),
        (AWS, "aws"),
    ];
    let mut answers = HashMap::from(fields.map(|(part, field)| (part, SERVER.answers(scenario, field))));
    answers.extend(LIVY_ROOT.map(|part| (part, SERVER.answers(scenario, "livy"))));
    answers.insert(SINK, [taken].into());
    answers
}

/// What a later Delete and `Fn::GetAtt` need.
fn check_answer(answer: &Accepted, event: &Value) {
    let id = answer.physical_resource_id();
    let is_ours = id != text_of(event, "PhysicalResourceId");
    assert!(
        !is_ours || id.len() <= MAX_BYTES && id.starts_with("sparkwright:1:"),
        "`{id}` is not ours"
    );
    if answer.status() == "SUCCESS" {
        for name in ATTRIBUTES {
            assert!(
                answer.attribute(name).is_some_and(|value| !value.is_empty()),
                "`{name}` is missing"
            );
        }
    }
}

/// Opens or closes as the input's `gate` says, a word for each look: `null` for open, or why it is closed. The last word
/// stays.
struct ScriptedGate(Mutex<VecDeque<Option<Closed>>>);

impl ScriptedGate {
    fn new(scenario: &Scenario) -> Self {
        let words = scenario.value("gate").as_array().into_iter().flatten();
        let word = |value: &Value| {
            let why = value.as_str().or_else(|| value["why"].as_str())?.to_owned();
            let stack_has = value["stackHas"].as_str().map(str::to_owned);
            Some(Closed {
                why,
                stack_has,
                is_accepted: value["isAccepted"] == true,
            })
        };
        Self(Mutex::new(words.map(word).collect()))
    }

    fn word(&self) -> Option<Closed> {
        let mut words = self.0.lock().expect("nobody panics with it");
        let word = if words.len() > 1 {
            words.pop_front()
        } else {
            words.front().cloned()
        };
        word.flatten()
    }
}

impl Gate for ScriptedGate {
    async fn pass(&self, _: &Request, _: Moment) -> Result<(), Closed> {
        self.word().map_or(Ok(()), Err)
    }

    /// A stack that deletes its resource waits for no request.
    async fn is_leaving(&self, _: &Request) -> bool {
        self.word().is_some()
    }
}
