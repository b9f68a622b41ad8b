//! What CloudFormation takes for an answer, and what it does not.

use hyper::Method;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use serde_json::{Map, Value};

use crate::event::SINK;
use crate::server::Seen;

const MAX_BYTES: usize = 4096;
const MAX_ID_BYTES: usize = 1024;
/// No id that CloudFormation itself makes comes near this, in bytes of JSON; a longer one may be cut.
const ECHOED_WHOLE: usize = 300;
/// What the protocol crate itself adds to a reason.
const OURS: [&str; 4] = [
    "****",
    "[…]",
    "…[cut: 4096-byte limit]",
    "the provider gave no reason",
];

/// An answer that CloudFormation accepted.
#[derive(Debug)]
pub struct Accepted(Map<String, Value>);

impl Accepted {
    /// The one that the server took, of all requests that it saw; panics when there is not exactly one, or when
    /// CloudFormation would not understand it.
    pub fn only(event: &Value, seen: &[Seen]) -> Self {
        let answers = puts(seen);
        let taken = answers
            .iter()
            .filter(|put| put.answered.is_some_and(|status| status < 300));
        assert_eq!(
            taken.count(),
            1,
            "answers that were taken, of {} that came",
            answers.len()
        );
        let bodies: Vec<_> = answers.iter().map(|put| &put.body).collect();
        assert!(
            bodies.windows(2).all(|pair| pair[0] == pair[1]),
            "a repeated answer differs from the first"
        );
        let last = answers.last().expect("there is one");
        assert!(
            last.answered.is_some_and(|status| status < 300),
            "an answer after the one that was taken"
        );
        Self::read(event, &last.body)
    }

    fn read(event: &Value, body: &[u8]) -> Self {
        assert!(body.len() <= MAX_BYTES, "{} bytes", body.len());
        let text = std::str::from_utf8(body).expect("an answer is UTF-8");
        let value: Value = serde_json::from_str(text).expect("an answer is JSON");
        assert!(!has_null(&value), "a null in {text}");
        let Value::Object(fields) = value else {
            panic!("not an object: {text}")
        };
        let answer = Self(fields);
        answer.check_outcome();
        answer.check_ids(event);
        answer
    }

    /// `SUCCESS` or `FAILED`.
    pub fn status(&self) -> &str {
        self.text("Status")
    }

    /// What the resource goes by.
    pub fn physical_resource_id(&self) -> &str {
        self.text("PhysicalResourceId")
    }

    /// An attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.0.get("Data")?.get(name)?.as_str()
    }

    /// Panics if the reason shows this text.
    pub fn hides(&self, secret: &str) {
        // A reason is lines of printable text: what is none cannot be found in it as it was.
        let is_line = secret.trim() == secret && !secret.is_empty() && !secret.contains(char::is_control);
        let is_ours = OURS
            .iter()
            .any(|text| text.contains(secret) || secret.contains(text));
        assert!(
            !is_line || is_ours || !self.text("Reason").contains(secret),
            "the reason shows `{secret}`"
        );
    }

    fn check_outcome(&self) {
        const KNOWN: [&str; 8] = [
            "Status",
            "Reason",
            "PhysicalResourceId",
            "StackId",
            "RequestId",
            "LogicalResourceId",
            "NoEcho",
            "Data",
        ];
        assert!(self.0.keys().all(|name| KNOWN.contains(&&**name)), "{:?}", self.0);
        match self.status() {
            "SUCCESS" => assert!(!self.0.contains_key("Reason"), "a reason for a success"),
            "FAILED" => {
                assert!(
                    !self.text("Reason").trim().is_empty(),
                    "a failure without a reason"
                );
                assert!(!self.0.contains_key("Data"), "attributes of a failure");
            }
            other => panic!("the status `{other}`"),
        }
        let is_shown = |c: char| c == '\n' || !c.is_control();
        assert!(
            self.text("Reason").chars().all(is_shown),
            "control characters in the reason"
        );
        let data = self
            .0
            .get("Data")
            .map(|data| data.as_object().expect("`Data` is an object"));
        assert!(
            data.into_iter().flatten().all(|(_, value)| value.is_string()),
            "an attribute that is no text"
        );
    }

    fn check_ids(&self, event: &Value) {
        let id = self.physical_resource_id();
        let own = text_of(event, "PhysicalResourceId");
        assert!(
            !id.is_empty() && (id == own || !id.trim().is_empty()),
            "no physical id"
        );
        assert!(
            id.len() <= MAX_ID_BYTES.max(own.len()),
            "a physical id of {} bytes",
            id.len()
        );
        for name in ["StackId", "RequestId", "LogicalResourceId"] {
            let (given, echoed) = (text_of(event, name), self.text(name));
            assert!(given.starts_with(echoed), "`{name}` is not the event's: {echoed}");
            assert!(given.is_empty() || !echoed.is_empty(), "`{name}` is lost");
            let bytes = Value::from(&*given).to_string().len() - 2;
            assert!(
                given == echoed || bytes > ECHOED_WHOLE,
                "`{name}` is cut: {echoed}"
            );
        }
    }

    fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// The answers that came, each as CloudFormation's storage wants it.
pub fn puts(seen: &[Seen]) -> Vec<&Seen> {
    let puts: Vec<_> = seen.iter().filter(|request| request.part == SINK).collect();
    for put in &puts {
        let header = |name| put.headers.get(name).and_then(|value| value.to_str().ok());
        assert_eq!(put.method, Method::PUT);
        assert_eq!(header(CONTENT_LENGTH), Some(&*put.body.len().to_string()));
        assert_eq!(
            header(CONTENT_TYPE),
            Some(""),
            "the content type is signed, and empty"
        );
        assert_eq!(header(TRANSFER_ENCODING), None);
    }
    puts
}

/// A field of the event as the protocol reads it.
pub fn text_of(event: &Value, name: &str) -> String {
    match &event[name] {
        Value::String(text) => text.clone(),
        scalar @ (Value::Number(_) | Value::Bool(_)) => scalar.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.values().any(has_null),
        Value::Array(items) => items.iter().any(has_null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
