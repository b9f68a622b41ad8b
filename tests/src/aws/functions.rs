//! Lambda: `Invoke`, asynchronous and as a trial.

use std::collections::HashMap;
use std::sync::Mutex;

use hyper::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::http::{Answer, Request};
use crate::random;
use crate::sync::lock;

/// An asynchronous invocation's event may be as large as this.
const MAX_EVENT_BYTES: usize = 1 << 20;

/// The events with which a function was invoked asynchronously, in this order.
#[derive(Debug)]
pub struct Invocations(mpsc::UnboundedReceiver<Value>);

impl Invocations {
    /// Waits for the next; none when the service has ended.
    pub async fn next(&mut self) -> Option<Value> {
        self.0.recv().await
    }
}

#[derive(Debug, Default)]
pub(super) struct Functions(Mutex<HashMap<String, mpsc::UnboundedSender<Value>>>);

impl Functions {
    pub(super) fn add(&self, name: &str) -> Invocations {
        let (events, invocations) = mpsc::unbounded_channel();
        lock(&self.0).insert(name.to_owned(), events);
        Invocations(invocations)
    }

    pub(super) fn invoke(&self, request: &Request) -> Answer {
        let name = invoked(request).unwrap_or_default();
        let functions = lock(&self.0);
        let Some(events) = functions.get(&name) else {
            let message =
                format!("Function not found: arn:aws:lambda:eu-west-1:123456789012:function:{name}");
            return rest_error(404, "ResourceNotFoundException", &message);
        };
        match request.header("x-amz-invocation-type") {
            Some("DryRun") => done(204),
            Some("Event") if request.body.len() > MAX_EVENT_BYTES => {
                let message = format!(
                    "{} byte payload is too large for the Event invocation type (limit {MAX_EVENT_BYTES} bytes)",
                    request.body.len()
                );
                rest_error(413, "RequestTooLargeException", &message)
            }
            Some("Event") => match serde_json::from_slice(&request.body) {
                // Whoever took no interest in the events misses none.
                Ok(event) => {
                    let _ = events.send(event);
                    done(202)
                }
                Err(error) => {
                    let message = format!("Could not parse request body into json: {error}");
                    rest_error(400, "InvalidRequestContentException", &message)
                }
            },
            _ => rest_error(
                400,
                "InvalidParameterValueException",
                "the simulator invokes with `Event` and `DryRun` only",
            ),
        }
    }
}

/// The name of the function that a request invokes, if it does: the path has a name or an ARN, with or without a
/// version.
pub(super) fn invoked(request: &Request) -> Option<String> {
    let segments = request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (&request.method, &segments[..]) {
        (&Method::POST, ["2015-03-31", "functions", function, "invocations"]) => {
            let mut parts = function.split(':');
            let name = if function.starts_with("arn:") {
                parts.nth(6)
            } else {
                parts.next()
            };
            name.map(str::to_owned)
        }
        _ => None,
    }
}

/// An error of a service that speaks REST and JSON, for a fault: `rest_error(403, "AccessDeniedException", "…")`.
pub fn rest_error(status: u16, kind: &str, message: &str) -> Answer {
    Answer::json(status, &json!({ "Type": "User", "Message": message }))
        .with_header("x-amzn-ErrorType", kind)
        .with_header("x-amzn-RequestId", random::uuid())
}

fn done(status: u16) -> Answer {
    Answer::empty(status).with_header("x-amzn-RequestId", random::uuid())
}
