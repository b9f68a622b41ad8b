//! The Runtime API (2018-06-01).

use std::sync::{Arc, Mutex};

use hyper::Method;
use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot};

use super::InvocationResult;
use crate::http::{Answer, Request};
use crate::server::{Answering, Simulator};
use crate::sync::lock;

/// An event for the function, and the way back for its result.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) id: String,
    pub(super) event: Value,
    pub(super) deadline_ms: i64,
    pub(super) answer: oneshot::Sender<InvocationResult>,
}

/// The invocation that waits for the function, or for its answer.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    offered: Mutex<Option<Invocation>>,
    taken: Mutex<Option<(String, oneshot::Sender<InvocationResult>)>>,
    news: Notify,
}

impl Waiting {
    pub(super) fn offer(&self, invocation: Invocation) {
        *lock(&self.offered) = Some(invocation);
        self.news.notify_one();
    }

    /// Nobody waits for an answer any more.
    pub(super) fn withdraw(&self) {
        lock(&self.offered).take();
        lock(&self.taken).take();
    }

    async fn next(&self) -> (String, Value, i64) {
        loop {
            if let Some(invocation) = lock(&self.offered).take() {
                *lock(&self.taken) = Some((invocation.id.clone(), invocation.answer));
                return (invocation.id, invocation.event, invocation.deadline_ms);
            }
            self.news.notified().await;
        }
    }

    /// Whether the id is that of the invocation under way.
    fn finish(&self, id: &str, result: InvocationResult) -> bool {
        let mut taken = lock(&self.taken);
        if taken.as_ref().is_none_or(|(known, _)| known != id) {
            return false;
        }
        // The caller may have given up at this very moment.
        taken
            .take()
            .is_some_and(|(_, answer)| answer.send(result).is_ok())
    }
}

pub(super) struct Api {
    pub(super) waiting: Arc<Waiting>,
}

impl Simulator for Api {
    fn route(&self, request: &Request) -> String {
        let segments = request.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments[..] {
            ["2018-06-01", "runtime", "invocation", "next"] => "GET next".to_owned(),
            [
                "2018-06-01",
                "runtime",
                "invocation",
                _,
                what @ ("response" | "error"),
            ] => format!("POST {what}"),
            ["2018-06-01", "runtime", "init", "error"] => "POST init/error".to_owned(),
            _ => format!("{} ?", request.method),
        }
    }

    fn answer(self: Arc<Self>, request: Request) -> Answering {
        Box::pin(async move {
            let segments = request.segments();
            let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
            match (&request.method, &segments[..]) {
                (&Method::GET, ["2018-06-01", "runtime", "invocation", "next"]) => tokio::select! {
                    // A killed process must not take the next one's event.
                    () = request.hung_up.cancelled() => Answer::empty(410),
                    next = self.waiting.next() => handed(next),
                },
                (&Method::POST, ["2018-06-01", "runtime", "invocation", id, "response"]) => {
                    self.finish(id, InvocationResult::Response(request.json()))
                }
                (&Method::POST, ["2018-06-01", "runtime", "invocation", id, "error"]) => {
                    self.finish(id, error(&request.json()))
                }
                // The process ends after this, which is what the invocation then sees.
                (&Method::POST, ["2018-06-01", "runtime", "init", "error"]) => accepted(),
                _ => Answer::json(
                    404,
                    &json!({ "errorType": "NotFound", "errorMessage": request.path }),
                ),
            }
        })
    }
}

impl Api {
    fn finish(&self, id: &str, result: InvocationResult) -> Answer {
        if self.waiting.finish(id, result) {
            return accepted();
        }
        Answer::json(
            400,
            &json!({ "errorType": "InvalidRequestID", "errorMessage": "Invalid request ID" }),
        )
    }
}

fn handed((id, event, deadline_ms): (String, Value, i64)) -> Answer {
    Answer::json(200, &event)
        .with_header("Lambda-Runtime-Aws-Request-Id", id)
        .with_header("Lambda-Runtime-Deadline-Ms", deadline_ms.to_string())
        .with_header(
            "Lambda-Runtime-Invoked-Function-Arn",
            format!(
                "arn:aws:lambda:eu-west-1:123456789012:function:{}",
                super::FUNCTION_NAME
            ),
        )
        .with_header(
            "Lambda-Runtime-Trace-Id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
        )
}

fn accepted() -> Answer {
    Answer::json(202, &json!({ "status": "OK" }))
}

fn error(body: &Value) -> InvocationResult {
    let text = |member: &str| body[member].as_str().unwrap_or_default().to_owned();
    InvocationResult::Error {
        kind: text("errorType"),
        message: text("errorMessage"),
    }
}
