//! The events of a custom resource.

use serde_json::{Map, Value, json};

use super::sink::Sink;
use crate::random;

/// A resource of a stack.
#[derive(Clone, Debug)]
pub struct StackResource {
    /// The stack's ARN.
    pub stack_id: String,
    /// The logical id.
    pub logical_id: String,
    /// The type.
    pub resource_type: String,
}

/// An event, as the function gets it.
#[derive(Clone, Debug)]
pub struct Event {
    /// The event.
    pub body: Value,
    /// Its `RequestId`.
    pub request_id: String,
    /// By which the sink knows its answer: the `RequestId`, unless that was in use before.
    pub key: String,
}

/// By which words a request goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Identity {
    /// A new request id.
    #[default]
    New,
    /// The id of an earlier request, with a response URL of its own.
    Again(String),
}

impl StackResource {
    /// A `Custom::SparkJob` of a new stack.
    pub fn new(logical_id: &str) -> StackResource {
        let stack = random::uuid();
        StackResource {
            stack_id: format!("arn:aws:cloudformation:eu-west-1:123456789012:stack/simulated/{stack}"),
            logical_id: logical_id.to_owned(),
            resource_type: "Custom::SparkJob".to_owned(),
        }
    }

    /// A physical id of the form that CloudFormation invents when it never heard one.
    pub fn invented_id(&self) -> String {
        self.invented_prefix() + &random::alphanumeric(12).to_uppercase()
    }

    pub(super) fn invented_prefix(&self) -> String {
        format!("simulated-{}-", self.logical_id)
    }
}

impl Sink {
    /// A Create.
    pub fn create(&self, resource: &StackResource, properties: Value) -> Event {
        self.create_as(Identity::New, resource, properties)
    }

    pub(super) fn create_as(&self, identity: Identity, resource: &StackResource, properties: Value) -> Event {
        self.event("Create", identity, resource, properties, |_| {})
    }

    /// An Update of the resource that has this physical id.
    pub fn update(&self, resource: &StackResource, physical_id: &str, old: Value, new: Value) -> Event {
        self.update_as(Identity::New, resource, physical_id, old, new)
    }

    pub(super) fn update_as(
        &self,
        identity: Identity,
        resource: &StackResource,
        physical_id: &str,
        old: Value,
        new: Value,
    ) -> Event {
        self.event("Update", identity, resource, new, |event| {
            event.insert("PhysicalResourceId".to_owned(), json!(physical_id));
            event.insert("OldResourceProperties".to_owned(), as_sent(with_token(old)));
        })
    }

    /// A Delete of the resource that has this physical id.
    pub fn delete(&self, resource: &StackResource, physical_id: &str, properties: Value) -> Event {
        self.event("Delete", Identity::New, resource, properties, |event| {
            event.insert("PhysicalResourceId".to_owned(), json!(physical_id));
        })
    }

    fn event(
        &self,
        request_type: &str,
        identity: Identity,
        resource: &StackResource,
        properties: Value,
        add: impl FnOnce(&mut Map<String, Value>),
    ) -> Event {
        let (request_id, key) = match identity {
            Identity::New => {
                let id = random::uuid();
                (id.clone(), id)
            }
            Identity::Again(id) => (id, random::uuid()),
        };
        let mut event = Map::new();
        for (member, value) in [
            ("RequestType", request_type),
            ("ServiceToken", SERVICE_TOKEN),
            ("ResponseURL", self.presigned_url(&key).as_str()),
            ("StackId", &resource.stack_id),
            ("RequestId", &request_id),
            ("LogicalResourceId", &resource.logical_id),
            ("ResourceType", &resource.resource_type),
        ] {
            event.insert(member.to_owned(), json!(value));
        }
        event.insert("ResourceProperties".to_owned(), as_sent(with_token(properties)));
        add(&mut event);
        self.await_answer_at(&key, &request_id, resource);
        Event {
            body: Value::Object(event),
            request_id,
            key,
        }
    }
}

const SERVICE_TOKEN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:spark-job";

fn with_token(mut properties: Value) -> Value {
    if let Some(properties) = properties.as_object_mut() {
        properties
            .entry("ServiceToken")
            .or_insert_with(|| json!(SERVICE_TOKEN));
    }
    properties
}

/// CloudFormation sends every scalar as a string, and leaves out what is null.
fn as_sent(value: Value) -> Value {
    match value {
        Value::Bool(_) | Value::Number(_) => Value::String(value.to_string()),
        Value::Array(items) => Value::Array(items.into_iter().map(as_sent).collect()),
        Value::Object(object) => {
            let kept = object.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key, as_sent(value))).collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_sent_as_strings_and_nulls_are_left_out() {
        let sent = as_sent(
            json!({ "LivyPort": 8998, "Args": [10, true], "Queue": null, "Parameters": { "DriverCores": 2 } }),
        );
        assert_eq!(
            sent,
            json!({ "LivyPort": "8998", "Args": ["10", "true"], "Parameters": { "DriverCores": "2" } })
        );
    }

    #[tokio::test]
    async fn an_update_carries_the_old_properties_and_the_physical_id() {
        let sink = Sink::start().await;
        let resource = StackResource::new("Job");
        let event = sink
            .update(&resource, "id-1", json!({ "A": 1 }), json!({ "A": 2 }))
            .body;
        assert_eq!(
            event["OldResourceProperties"],
            json!({ "A": "1", "ServiceToken": SERVICE_TOKEN })
        );
        assert_eq!(
            (
                event["PhysicalResourceId"].as_str(),
                event["RequestType"].as_str()
            ),
            (Some("id-1"), Some("Update"))
        );
        assert!(
            sink.create(&resource, json!({}))
                .body
                .get("PhysicalResourceId")
                .is_none()
        );
    }
}
