//! The fixtures: events as CloudFormation sends them.

use std::time::Duration;

use aws_lambda_events::cloudformation::CloudFormationCustomResourceRequest as Event;
use custom_resource::{Request, RequestType};
use jiff::Timestamp;
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use url::Url;

const FILES: [&str; 3] = [
    include_str!("../fixtures/create.json"),
    include_str!("../fixtures/update.json"),
    include_str!("../fixtures/delete.json"),
];
const FROM_AN_EMULATOR: &str = include_str!("../fixtures/update-from-an-emulator.json");

pub(crate) const KINDS: [RequestType; 3] = [RequestType::Create, RequestType::Update, RequestType::Delete];
pub(crate) const OLD_ID: &str = "report-17";
pub(crate) const FUNCTION_ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:nightly-report:live";
pub(crate) const SIGNATURE: &str = "0ddc0ffee0ddba11";

fn fixture(kind: RequestType) -> Value {
    serde_json::from_str(FILES[kind as usize]).unwrap()
}

/// The fixture of this type, issued just now, to be answered at the sink.
pub(crate) fn event(kind: RequestType, sink: &str) -> Value {
    event_issued(kind, sink, Duration::ZERO)
}

/// The same, issued a while ago; its URL is good for two hours.
pub(crate) fn event_issued(kind: RequestType, sink: &str, ago: Duration) -> Value {
    let mut event = fixture(kind);
    let date = (Timestamp::now() - ago).strftime("%Y%m%dT%H%M%SZ").to_string();
    let path = Url::parse(event["ResponseURL"].as_str().unwrap())
        .unwrap()
        .path()
        .to_owned();
    event["ResponseURL"] = json!(format!(
        "{sink}{path}?X-Amz-Date={date}&X-Amz-Expires=7199&X-Amz-Signature={SIGNATURE}"
    ));
    event
}

/// An invocation that Lambda ends after this long.
pub(crate) fn invocation(payload: Value, length: Duration) -> LambdaEvent<Value> {
    let mut context = Context::default();
    context.deadline = u64::try_from((Timestamp::now() + length).as_millisecond()).unwrap();
    context.invoked_function_arn = FUNCTION_ARN.to_owned();
    LambdaEvent::new(payload, context)
}

fn request(event: Value) -> Request {
    Request::from_event(event, Duration::from_secs(900)).unwrap()
}

#[test]
fn the_fixtures_are_events_for_aws_own_types_too() {
    for kind in KINDS {
        let typed: Event = serde_json::from_value(fixture(kind)).unwrap();
        let ours = request(fixture(kind));
        let (request_id, stack_id, logical_id, resource_type, old_id, properties) = match typed {
            Event::Create(e) => (
                e.request_id,
                e.stack_id,
                e.logical_resource_id,
                e.resource_type,
                None,
                e.resource_properties,
            ),
            Event::Update(e) => {
                assert_eq!(
                    e.old_resource_properties,
                    Value::Object(ours.old_properties.clone())
                );
                let id = Some(e.physical_resource_id);
                (
                    e.request_id,
                    e.stack_id,
                    e.logical_resource_id,
                    e.resource_type,
                    id,
                    e.resource_properties,
                )
            }
            Event::Delete(e) => {
                let id = Some(e.physical_resource_id);
                (
                    e.request_id,
                    e.stack_id,
                    e.logical_resource_id,
                    e.resource_type,
                    id,
                    e.resource_properties,
                )
            }
            _ => panic!("an unknown kind of event"),
        };
        assert_eq!(ours.request_type, kind);
        assert_eq!((request_id, stack_id), (ours.request_id, ours.stack_id));
        assert_eq!(
            (logical_id, resource_type),
            (ours.logical_resource_id, ours.resource_type)
        );
        assert_eq!(
            (old_id, properties),
            (ours.physical_resource_id, Value::Object(ours.properties))
        );
    }
}

#[test]
fn the_signing_date_tells_requests_apart_in_either_form() {
    let issued = |kind| request(fixture(kind)).issued.as_str().to_owned();
    assert_eq!(issued(RequestType::Create), "20260314T092653Z");
    assert_eq!(issued(RequestType::Update), "20260315T101500Z");
    assert_eq!(issued(RequestType::Delete), "1773578700");
}

#[test]
fn an_emulators_update_without_an_id_is_read() {
    let event: Value = serde_json::from_str(FROM_AN_EMULATOR).unwrap();
    assert!(
        serde_json::from_value::<Event>(event.clone()).is_err(),
        "no longer a deviation: mend the fixture"
    );
    let request = request(event);
    assert_eq!(request.request_type, RequestType::Update);
    assert_eq!(request.physical_resource_id, None);
    assert!(request.old_properties.is_empty());
}
