//! The ways in which each stage of a request can break, and how it must end.

use std::time::Duration;

use custom_resource::{NOTHING_CREATED, RequestType};
use serde_json::{Value, json};

use crate::events::{KINDS, OLD_ID, event, event_issued};
use crate::provider::{CLAIMED_ID, FALLBACK_ID, NEW_ID, Script};
use crate::sink::Reply;

const LONG: Duration = Duration::from_secs(60);
/// The provider has half of it.
pub(crate) const SHORT: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Answer { status: &'static str, id: &'static str },
    Error(&'static str),
}

pub(crate) fn failed(id: &'static str) -> Expected {
    Expected::Answer { status: "FAILED", id }
}

#[derive(Clone)]
pub(crate) struct Break {
    pub(crate) name: String,
    pub(crate) payload: Value,
    pub(crate) script: Script,
    pub(crate) calls: usize,
    pub(crate) length: Duration,
    pub(crate) expected: Expected,
}

/// Breaks a request of this type somewhere, with the sink's address to be filled in.
pub(crate) fn request(kind: RequestType, script: Script, expected: Expected) -> Break {
    let payload = event(kind, "http://sink");
    Break {
        name: format!("{kind}: {script:?}"),
        payload,
        script,
        calls: 1,
        length: LONG,
        expected,
    }
}

/// Events that CloudFormation would not send.
pub(crate) fn broken_events() -> Vec<Break> {
    let mut cases = Vec::new();
    let mut add = |name: &str, payload: Value, calls: usize, expected: Expected| {
        let name = format!("event: {name}");
        cases.push(Break {
            name,
            payload,
            script: Script::Succeed,
            calls,
            length: LONG,
            expected,
        });
    };
    for payload in [
        json!(null),
        json!("text"),
        json!([1]),
        json!(7),
        json!({}),
        json!({"Records": []}),
    ] {
        add(
            &payload.to_string(),
            payload.clone(),
            0,
            Expected::Error("CustomResource.NoResponseUrl"),
        );
    }
    for kind in KINDS {
        let with = |field: &str, value: Value| {
            let mut payload = event(kind, "http://sink");
            payload[field] = value;
            payload
        };
        let without = |field: &str| {
            let mut payload = event(kind, "http://sink");
            payload.as_object_mut().unwrap().remove(field);
            payload
        };
        let old_id = if kind == RequestType::Create {
            NOTHING_CREATED
        } else {
            OLD_ID
        };
        let done = Expected::Answer {
            status: "SUCCESS",
            id: if kind == RequestType::Delete {
                OLD_ID
            } else {
                NEW_ID
            },
        };

        let nowhere = Expected::Error("CustomResource.NoResponseUrl");
        add("no URL", without("ResponseURL"), 0, nowhere.clone());
        for url in [
            json!(null),
            json!(7),
            json!(""),
            json!("sink"),
            json!("ftp://sink/x"),
            json!(["http://sink"]),
        ] {
            add(
                &format!("URL {url}"),
                with("ResponseURL", url),
                0,
                nowhere.clone(),
            );
        }
        add("no request type", without("RequestType"), 0, failed(old_id));
        for word in [
            json!("Destroy"),
            json!("create"),
            json!(""),
            json!(null),
            json!(1),
            json!({}),
        ] {
            add(
                &format!("type {word}"),
                with("RequestType", word),
                0,
                failed(old_id),
            );
        }
        for field in [
            "StackId",
            "RequestId",
            "LogicalResourceId",
            "ResourceType",
            "ServiceToken",
            "ResourceProperties",
        ] {
            add(&format!("no {field}"), without(field), 1, done.clone());
            for value in [json!(null), json!([]), json!({"a": null})] {
                add(&format!("{field} {value}"), with(field, value), 1, done.clone());
            }
        }
        for properties in [
            json!("none"),
            json!([1]),
            json!({"ServiceTimeout": "soon"}),
            json!({"ServiceTimeout": 0}),
        ] {
            add(
                &format!("properties {properties}"),
                with("ResourceProperties", properties),
                1,
                done.clone(),
            );
        }
        for id in [json!(null), json!(""), json!([]), json!({})] {
            let id_of_delete = Expected::Answer {
                status: "SUCCESS",
                id: FALLBACK_ID,
            };
            let expected = if kind == RequestType::Delete {
                id_of_delete
            } else {
                done.clone()
            };
            add(
                &format!("physical id {id}"),
                with("PhysicalResourceId", id),
                1,
                expected,
            );
        }
        // Past an hour, past the URL's time, on the next day.
        for minutes in [61, 121, 1800] {
            let late = event_issued(kind, "http://sink", Duration::from_secs(minutes * 60));
            let name = format!("{minutes} minutes late");
            match kind {
                RequestType::Create => add(&name, late, 0, failed(FALLBACK_ID)),
                RequestType::Update => add(&name, late, 0, failed(OLD_ID)),
                RequestType::Delete => add(&name, late, 1, done.clone()),
            }
        }
    }
    cases
}

/// Everything that a provider can do, and to which request which id it answers.
pub(crate) fn broken_providers() -> Vec<Break> {
    let mut cases = Vec::new();
    for kind in KINDS {
        let is_delete = kind == RequestType::Delete;
        let old_or = |id: &'static str| if kind == RequestType::Create { id } else { OLD_ID };
        let own_or = |id: &'static str| if is_delete { OLD_ID } else { id };
        let success = Expected::Answer {
            status: "SUCCESS",
            id: own_or(NEW_ID),
        };
        // What only a Create or Update can get wrong does not harm a Delete.
        let mistaken = if is_delete {
            success.clone()
        } else {
            failed(old_or(FALLBACK_ID))
        };
        let plain = failed(old_or(FALLBACK_ID));
        let mut add = |script, expected| cases.push(request(kind, script, expected));
        add(Script::Succeed, success.clone());
        add(Script::SucceedWithTooMuch, success);
        add(Script::SucceedWithoutId, mistaken.clone());
        add(Script::SucceedWithTooLongId, mistaken);
        for script in [
            Script::Fail,
            Script::FailWithoutReason,
            Script::FailWithEverything,
            Script::Panic,
            Script::PanicWithoutText,
            Script::PanicBeforeItsFuture,
            Script::NeverEnd,
        ] {
            add(script, plain.clone());
        }
        add(Script::PanicInFallback, failed(old_or(NOTHING_CREATED)));
        add(Script::FailWithNewId, failed(own_or(NEW_ID)));
        for script in [
            Script::ClaimAndFail,
            Script::ClaimAndPanic,
            Script::ClaimAndNeverEnd,
        ] {
            add(script, failed(own_or(CLAIMED_ID)));
        }
    }
    for case in &mut cases {
        if matches!(
            case.script,
            Script::NeverEnd | Script::ClaimAndNeverEnd | Script::BlockTheThread
        ) {
            case.length = SHORT;
        }
    }
    cases
}

/// Response URLs that refuse for good, or for as long as there is time.
pub(crate) const REFUSALS: [(&[Reply], &str); 8] = [
    (&[Reply::Status(403)], "CustomResource.Refused"),
    (&[Reply::Status(400)], "CustomResource.Refused"),
    (&[Reply::Status(404)], "CustomResource.Refused"),
    (&[Reply::Redirect], "CustomResource.Refused"),
    (
        &[Reply::Status(500), Reply::Status(403)],
        "CustomResource.Refused",
    ),
    (&[Reply::Status(500)], "CustomResource.Undelivered"),
    (&[Reply::Status(503), Reply::Hang], "CustomResource.Undelivered"),
    (&[Reply::Hang], "CustomResource.Undelivered"),
];

/// Response URLs that take the answer in the end.
pub(crate) const OBSTACLES: [&[Reply]; 6] = [
    &[Reply::Status(200)],
    &[Reply::Status(500), Reply::Status(200)],
    &[
        Reply::Status(503),
        Reply::Status(500),
        Reply::Status(502),
        Reply::Status(504),
        Reply::Status(200),
    ],
    &[Reply::Hang, Reply::Status(200)],
    &[
        Reply::Status(429),
        Reply::Hang,
        Reply::Status(408),
        Reply::Status(204),
    ],
    &[Reply::Status(900), Reply::Status(200)],
];
