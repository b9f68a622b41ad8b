//! A request that a stack has sent, and what came of it.

use serde_json::Value;

use crate::clock::now_ms;
use crate::cloudformation::Event;

/// A request, as the stack remembers it.
#[derive(Clone, Debug)]
pub struct Request {
    /// By which the sink knows its answer.
    pub key: String,
    /// Its `RequestId`.
    pub request_id: String,
    /// `Create`, `Update` or `Delete`.
    pub kind: String,
    /// The physical id that it carried.
    pub physical_id: Option<String>,
    /// The properties, before they were sent as text.
    pub properties: Value,
    /// When it was sent, in milliseconds since the epoch.
    pub sent_ms: i64,
    /// When the stack went on.
    pub ended_ms: Option<i64>,
    /// What came of it; none while the stack waits.
    pub reply: Option<Reply>,
}

/// What came of a request, for the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// SUCCESS, with this physical id.
    Success(String),
    /// FAILED, with this physical id.
    Failed(String),
    /// No answer in time, or one that CloudFormation cannot use.
    NoAnswer,
    /// The stack did not wait for it any longer.
    Cancelled,
}

impl Request {
    pub(super) fn sent(event: &Event, properties: &Value) -> Request {
        let text = |member: &str| event.body[member].as_str().map(str::to_owned);
        Request {
            key: event.key.clone(),
            request_id: event.request_id.clone(),
            kind: text("RequestType").unwrap_or_default(),
            physical_id: text("PhysicalResourceId"),
            properties: properties.clone(),
            sent_ms: now_ms(),
            ended_ms: None,
            reply: None,
        }
    }
}
