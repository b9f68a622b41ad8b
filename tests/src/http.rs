//! What a simulator sees of a request, and what it gives as an answer.

use std::borrow::Cow;

use hyper::body::Bytes;
use hyper::{HeaderMap, Method};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use url::form_urlencoded;

/// A request, read to its end.
#[derive(Clone, Debug)]
pub struct Request {
    /// GET, POST, …
    pub method: Method,
    /// The path as sent, percent-encoded.
    pub path: String,
    /// The query as sent, without its question mark; empty when there is none.
    pub query: String,
    /// The headers as sent.
    pub headers: HeaderMap,
    /// The body as sent.
    pub body: Bytes,
    /// Cancelled when the caller has gone, or has its answer.
    pub(crate) hung_up: CancellationToken,
}

impl Request {
    #[cfg(test)]
    pub(crate) fn new(method: Method, path: &str, query: &str, body: &str) -> Request {
        Request {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::from(body.to_owned()),
            hung_up: CancellationToken::new(),
        }
    }

    /// The body as text.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body as JSON, or `null` when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// A header's value, when it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The path's segments, each percent-decoded. A trailing slash makes an empty last one.
    pub fn segments(&self) -> Vec<String> {
        let path = self.path.strip_prefix('/').unwrap_or(&self.path);
        path.split('/')
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect()
    }

    /// The first value of a query parameter.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.parameters(name).into_iter().next()
    }

    /// Every value of a query parameter, in the order sent.
    pub fn parameters(&self, name: &str) -> Vec<String> {
        form_urlencoded::parse(self.query.as_bytes())
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
            .collect()
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The reason phrase, where the real server's is not the usual one.
    pub reason: Option<String>,
    /// Headers besides `Date` and `Content-Length`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer without a body.
    pub fn empty(status: u16) -> Answer {
        Answer {
            status,
            reason: None,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// An answer of JSON that is written out already, so that its bytes are the ones sent.
    pub fn json_text(status: u16, body: impl Into<String>) -> Answer {
        Answer::empty(status)
            .with_header("Content-Type", "application/json;charset=utf-8")
            .with_body(body.into())
    }

    /// An answer of JSON.
    pub fn json(status: u16, body: &impl Serialize) -> Answer {
        Answer::json_text(
            status,
            serde_json::to_string(body).expect("a simulator's answer is plain data"),
        )
    }

    /// An answer of plain text.
    pub fn text(status: u16, body: impl Into<String>) -> Answer {
        Answer::empty(status)
            .with_header("Content-Type", "text/plain;charset=utf-8")
            .with_body(body.into())
    }

    /// An answer of HTML, as proxies and error pages send it.
    pub fn html(status: u16, body: impl Into<String>) -> Answer {
        Answer::empty(status)
            .with_header("Content-Type", "text/html;charset=iso-8859-1")
            .with_body(body.into())
    }

    /// The answer with another header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Answer {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The answer with this reason phrase.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Answer {
        self.reason = Some(reason.into());
        self
    }

    /// The answer with this body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Answer {
        self.body = body.into();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(path: &str, query: &str) -> Request {
        Request::new(Method::GET, path, query, "")
    }

    #[test]
    fn a_segment_is_decoded_after_the_path_is_split() {
        assert_eq!(request("/batches/a%20b%2Fc", "").segments(), ["batches", "a b/c"]);
        assert_eq!(request("/batches/", "").segments(), ["batches", ""]);
    }

    #[test]
    fn a_repeated_parameter_keeps_all_values() {
        let request = request("/", "states=NEW&states=RUNNING&tag=a%2Cb");
        assert_eq!(request.parameters("states"), ["NEW", "RUNNING"]);
        assert_eq!(request.parameter("tag").as_deref(), Some("a,b"));
        assert_eq!(request.parameter("none"), None);
    }
}
