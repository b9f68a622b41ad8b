//! AWS JSON 1.0 and 1.1: the operation in a header, errors with a type.

use serde_json::{Value, json};

use crate::http::{Answer, Request};

/// The operation that a request calls: the end of `X-Amz-Target`.
pub(crate) fn operation(request: &Request) -> Option<String> {
    let target = request.header("x-amz-target")?;
    target.rsplit_once('.').map(|(_, operation)| operation.to_owned())
}

/// A good answer.
pub(crate) fn answer(body: &Value) -> Answer {
    dressed(200, body)
}

/// An error of the service, for a fault: `error("AccessDeniedException", "…")`.
pub fn error(kind: &str, message: &str) -> Answer {
    dressed(400, &json!({ "__type": kind, "message": message })).with_header("x-amzn-ErrorType", kind)
}

/// The error of a caller that calls too often.
pub fn throttled() -> Answer {
    error("ThrottlingException", "Rate exceeded")
}

fn dressed(status: u16, body: &Value) -> Answer {
    Answer::empty(status)
        .with_header("Content-Type", "application/x-amz-json-1.0")
        .with_header("x-amzn-RequestId", crate::random::uuid())
        .with_body(body.to_string())
}
