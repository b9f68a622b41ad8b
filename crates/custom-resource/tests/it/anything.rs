//! Any JSON for an event, any ending of the provider: one answer that CloudFormation takes.

use std::time::Duration;

use custom_resource::{Handler, Settings};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;

use crate::events::{KINDS, event, invocation};
use crate::provider::{Script, Scripted};
use crate::relay::Recorder;
use crate::sink::{Reply, Sink};

const CASES: u32 = 400;
const FIELDS: [&str; 9] = [
    "RequestType",
    "RequestId",
    "StackId",
    "LogicalResourceId",
    "ResourceType",
    "PhysicalResourceId",
    "ResourceProperties",
    "OldResourceProperties",
    "CustomResourceContinuation",
];

/// Those that end by themselves and print no panic.
const SCRIPTS: [Script; 7] = [
    Script::Succeed,
    Script::SucceedWithoutId,
    Script::SucceedWithTooLongId,
    Script::SucceedWithTooMuch,
    Script::FailWithoutReason,
    Script::FailWithEverything,
    Script::ClaimAndFail,
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
        // Long, with what JSON escapes.
        (0..2000_usize).prop_map(|times| Value::from("\"\n\u{1b}é🦀".repeat(times))),
    ];
    let name = prop_oneof![
        Just("Hop".to_owned()),
        Just("ClaimedId".to_owned()),
        Just("ServiceTimeout".to_owned()),
        ".*",
    ];
    leaf.prop_recursive(3, 24, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..6)
                .prop_map(|fields| fields.into_iter().collect::<Value>()),
        ]
    })
}

/// A real event in which some fields are replaced or gone.
fn any_event() -> impl Strategy<Value = Map<String, Value>> {
    let changes = prop::collection::vec((0..FIELDS.len(), prop::option::of(any_json())), 0..4);
    (0..KINDS.len(), changes).prop_map(|(kind, changes)| {
        let Value::Object(mut fields) = event(KINDS[kind], "http://sink") else {
            unreachable!("an event is an object");
        };
        for (field, value) in changes {
            match value {
                Some(value) => fields.insert(FIELDS[field].to_owned(), value),
                None => fields.remove(FIELDS[field]),
            };
        }
        fields
    })
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.values().any(has_null),
        Value::Array(items) => items.iter().any(has_null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Handles it and gives the one answer; the sink checks its length and form.
async fn answered(mut event: Map<String, Value>, script: Script) -> Value {
    let sink = Sink::start(&[Reply::Status(200)]).await;
    let url = event["ResponseURL"]
        .as_str()
        .unwrap()
        .replace("http://sink", &sink.url());
    event.insert("ResponseURL".to_owned(), url.into());
    let event = Value::Object(event);
    let handler = Handler::new(Scripted::new(script), Settings::default()).continued_by(Recorder::taking());
    let invocation = invocation(event.clone(), Duration::from_secs(60));
    handler.handle(invocation).await.unwrap();
    let mut answers = sink.answers(&event);
    assert_eq!((answers.len(), sink.attempts()), (1, 1));
    answers.remove(0)
}

#[test]
fn any_event_gets_one_answer_that_cloudformation_takes() {
    let runtime = Runtime::new().unwrap();
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let mut statuses = [0, 0];
    let script = (0..SCRIPTS.len()).prop_map(|index| SCRIPTS[index]);
    let statuses_of = std::cell::RefCell::new(&mut statuses);
    let law = |(event, script): (Map<String, Value>, Script)| {
        let answer = runtime.block_on(answered(event, script));
        prop_assert!(!has_null(&answer), "{}", answer);
        let id = answer["PhysicalResourceId"].as_str().unwrap_or_default();
        prop_assert!((1..=1024).contains(&id.len()));
        for echoed in ["StackId", "RequestId", "LogicalResourceId"] {
            prop_assert!(answer[echoed].is_string());
        }
        let is_failed = answer["Status"] == json!("FAILED");
        prop_assert!(is_failed || answer["Status"] == json!("SUCCESS"));
        let reason = answer["Reason"].as_str().unwrap_or_default();
        prop_assert_eq!(is_failed, !reason.trim().is_empty());
        statuses_of.borrow_mut()[usize::from(is_failed)] += 1;
        Ok(())
    };
    TestRunner::new(config).run(&(any_event(), script), law).unwrap();
    // Else the law would say little.
    assert!(statuses.iter().all(|count| *count > 20), "{statuses:?}");
}
