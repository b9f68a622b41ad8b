//! The query protocol: a form goes in, XML comes out.

use url::form_urlencoded;

use crate::http::{Answer, Request};
use crate::random;

/// A parameter of the form.
pub(super) fn parameter(request: &Request, name: &str) -> Option<String> {
    form_urlencoded::parse(&request.body)
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// The operation that a request calls.
pub(super) fn action(request: &Request) -> Option<String> {
    parameter(request, "Action").filter(|action| !action.is_empty())
}

/// A good answer; `result` is XML.
pub(super) fn answer(action: &str, result: &str) -> Answer {
    let id = random::uuid();
    dressed(
        200,
        &format!(
            "<{action}Response xmlns=\"{NAMESPACE}\"><{action}Result>{result}</{action}Result>\
             <ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></{action}Response>"
        ),
    )
}

/// An error of a service that speaks the query protocol, for a fault: `query_error(403, "AccessDenied", "…")`.
pub fn query_error(status: u16, code: &str, message: &str) -> Answer {
    let kind = if status < 500 { "Sender" } else { "Receiver" };
    let (message, id) = (escaped(message), random::uuid());
    dressed(
        status,
        &format!(
            "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>{kind}</Type><Code>{code}</Code>\
             <Message>{message}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>"
        ),
    )
}

/// One element.
pub(super) fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>", escaped(text))
}

const NAMESPACE: &str = "http://cloudformation.amazonaws.com/doc/2010-05-15/";

fn dressed(status: u16, body: &str) -> Answer {
    Answer::empty(status)
        .with_header("Content-Type", "text/xml")
        .with_header("x-amzn-RequestId", random::uuid())
        .with_body(body.to_owned())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
