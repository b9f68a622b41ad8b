//! The event's outer fields, read so that nothing in them can stop an answer.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::carried::Carried;
use crate::response_url::ResponseUrl;
use crate::{Issued, RequestType};

/// What every event has in common. A field that is missing or of a strange type reads as empty.
#[derive(Debug)]
pub(crate) struct Envelope {
    /// Or the word that is none.
    pub(crate) request_type: Result<RequestType, String>,
    pub(crate) request_id: String,
    pub(crate) stack_id: String,
    pub(crate) logical_resource_id: String,
    pub(crate) resource_type: String,
    pub(crate) physical_resource_id: Option<String>,
    pub(crate) properties: Map<String, Value>,
    pub(crate) old_properties: Map<String, Value>,
    /// Or why there is none.
    pub(crate) response_url: Result<ResponseUrl, &'static str>,
    /// From the invocation before.
    pub(crate) carried: Carried,
}

impl Envelope {
    pub(crate) fn read(payload: Value) -> Self {
        let is_object = payload.is_object();
        let mut fields = Fields(match payload {
            Value::Object(fields) => fields,
            _ => Map::new(),
        });
        let word = fields.text("RequestType");
        Self {
            request_type: RequestType::read(&word).ok_or(word),
            request_id: fields.text("RequestId"),
            stack_id: fields.text("StackId"),
            logical_resource_id: fields.text("LogicalResourceId"),
            resource_type: fields.text("ResourceType"),
            physical_resource_id: Some(fields.text("PhysicalResourceId")).filter(|id| !id.is_empty()),
            properties: fields.object("ResourceProperties"),
            old_properties: fields.object("OldResourceProperties"),
            response_url: match fields.0.get("ResponseURL") {
                Some(Value::String(text)) => ResponseUrl::parse(text),
                Some(_) => Err("it is not a string"),
                None if is_object => Err("the event has none"),
                None => Err("the event is not an object"),
            },
            carried: Carried::take(&mut fields.0),
        }
    }

    /// When the request was issued, as far as is known.
    pub(crate) fn issued(&self) -> Issued {
        let url = self.response_url.as_ref();
        url.map(|url| url.issued()).unwrap_or_default()
    }

    /// `ServiceTimeout`, as far as the properties tell; what is not 1 to 3600 seconds is none.
    pub(crate) fn service_timeout(&self) -> Option<Duration> {
        let seconds = match self.properties.get("ServiceTimeout")? {
            Value::String(text) => text.trim().parse().ok()?,
            number => number.as_u64()?,
        };
        (1..=3600)
            .contains(&seconds)
            .then(|| Duration::from_secs(seconds))
    }
}

struct Fields(Map<String, Value>);

impl Fields {
    fn text(&mut self, name: &str) -> String {
        match self.0.remove(name) {
            Some(Value::String(text)) => text,
            Some(scalar @ (Value::Number(_) | Value::Bool(_))) => scalar.to_string(),
            Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => String::new(),
        }
    }

    fn object(&mut self, name: &str) -> Map<String, Value> {
        match self.0.remove(name) {
            Some(Value::Object(fields)) => fields,
            _ => Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_update_is_read_whole() {
        let envelope = Envelope::read(json!({
            "RequestType": "Update", "RequestId": "r", "StackId": "s", "LogicalResourceId": "l",
            "ResourceType": "Custom::T", "PhysicalResourceId": "p", "ResponseURL": "https://host/key?x=y",
            "ResourceProperties": {"A": "new"}, "OldResourceProperties": {"A": "old"}, "ServiceToken": "t",
        }));
        assert_eq!(envelope.request_type, Ok(RequestType::Update));
        assert_eq!((&*envelope.request_id, &*envelope.stack_id), ("r", "s"));
        assert_eq!(
            (&*envelope.logical_resource_id, &*envelope.resource_type),
            ("l", "Custom::T")
        );
        assert_eq!(envelope.physical_resource_id.as_deref(), Some("p"));
        assert_eq!(
            (&envelope.properties["A"], &envelope.old_properties["A"]),
            (&json!("new"), &json!("old"))
        );
        assert!(envelope.response_url.is_ok());
    }

    #[test]
    fn an_emulators_nulls_and_numbers_are_tolerated() {
        let envelope = Envelope::read(json!({
            "RequestType": "Update", "RequestId": 7, "StackId": null, "PhysicalResourceId": null,
            "ResourceProperties": "none", "ResponseURL": "http://127.0.0.1:4566/x",
        }));
        assert_eq!((&*envelope.request_id, &*envelope.stack_id), ("7", ""));
        assert_eq!(envelope.physical_resource_id, None);
        assert!(envelope.properties.is_empty() && envelope.old_properties.is_empty());
        assert!(envelope.response_url.is_ok());
    }

    #[test]
    fn a_missing_url_says_why() {
        let why = |payload| Envelope::read(payload).response_url.unwrap_err();
        assert_eq!(why(json!({})), "the event has none");
        assert_eq!(why(json!([1])), "the event is not an object");
        assert_eq!(why(json!({"ResponseURL": null})), "it is not a string");
        assert_eq!(why(json!({"ResponseURL": "nowhere"})), "it is not a URL");
    }

    #[test]
    fn a_service_timeout_is_read_from_either_form() {
        let read = |value: Value| {
            let properties = json!({ "ServiceTimeout": value });
            Envelope::read(json!({ "ResourceProperties": properties })).service_timeout()
        };
        assert_eq!(read(json!("300")), Some(Duration::from_secs(300)));
        assert_eq!(read(json!(3600)), Some(Duration::from_secs(3600)));
        for nonsense in [
            json!("0"),
            json!(3601),
            json!(-5),
            json!("soon"),
            json!(null),
            json!([60]),
        ] {
            assert_eq!(read(nonsense), None);
        }
        assert_eq!(Envelope::read(json!({})).service_timeout(), None);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        let name = prop_oneof![
            "[A-Z][a-zA-Z]*",
            Just("RequestType".to_owned()),
            Just("ResponseURL".to_owned())
        ];
        leaf.prop_recursive(3, 24, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((name.clone(), inner), 0..6)
                    .prop_map(|fields| fields.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_json_is_read_without_a_panic(payload in any_json()) {
            let _ = Envelope::read(payload);
        }
    }
}
