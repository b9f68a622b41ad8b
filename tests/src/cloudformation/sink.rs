//! The place to which a presigned URL leads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::Method;
use serde_json::Value;
use tokio::sync::watch;
use url::Url;

use super::event::StackResource;
use super::verdict::{self, Verdict};
use crate::clock;
use crate::http::{self, Request};
use crate::server::{Answering, Server, ServerOptions, Simulator};
use crate::sync::lock;

/// How long a presigned URL is good.
const URL_LIFE: Duration = Duration::from_secs(7200);

/// The sink of all answers. Clones are the same sink; it ends with the last of them.
#[derive(Clone, Debug)]
pub struct Sink {
    server: Server,
    state: Arc<State>,
}

/// An answer of a custom resource that the sink took.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The bytes.
    pub raw: Vec<u8>,
    /// The bytes as JSON; `null` when they are none.
    pub body: Value,
    /// The `content-type` header.
    pub content_type: Option<String>,
    /// What CloudFormation makes of it.
    pub verdict: Verdict,
    /// When it was taken, in milliseconds since the epoch.
    pub at_ms: i64,
}

impl Answer {
    /// The physical id that it gives.
    pub fn physical_id(&self) -> &str {
        self.body["PhysicalResourceId"].as_str().unwrap_or_default()
    }

    /// The reason that it gives.
    pub fn reason(&self) -> &str {
        self.body["Reason"].as_str().unwrap_or_default()
    }
}

#[derive(Debug, Default)]
struct State {
    awaited: Mutex<HashMap<String, Awaited>>,
    taken: watch::Sender<HashMap<String, Vec<Answer>>>,
}

/// What an answer has to echo.
#[derive(Clone, Debug)]
struct Awaited {
    request_id: String,
    resource: StackResource,
}

impl Sink {
    /// A sink that got nothing yet.
    pub async fn start() -> Sink {
        let state = Arc::new(State::default());
        let server = Server::start(
            Arc::new(Bucket {
                state: Arc::clone(&state),
            }),
            ServerOptions::default(),
        );
        Sink { server, state }
    }

    /// Its server: faults, journal.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// A presigned URL for the answer to a request.
    pub fn presigned_url(&self, request_id: &str) -> Url {
        self.url_signed_at(request_id, clock::now_ms())
    }

    /// A presigned URL whose time is over.
    pub fn expired_url(&self, request_id: &str) -> Url {
        let life = i64::try_from(URL_LIFE.as_millis()).expect("two hours");
        self.url_signed_at(request_id, clock::now_ms() - life - 1000)
    }

    fn url_signed_at(&self, request_id: &str, ms: i64) -> Url {
        let mut url = self.server.url();
        let stack = "arn%3Aaws%3Acloudformation%3Aeu-west-1%3A123456789012%3Astack/simulated";
        url.set_path(&format!("/{stack}%7C{request_id}"));
        url.query_pairs_mut()
            .append_pair("X-Amz-Algorithm", "AWS4-HMAC-SHA256")
            .append_pair("X-Amz-Date", &clock::amz_date(ms))
            .append_pair("X-Amz-SignedHeaders", "host")
            .append_pair("X-Amz-Expires", &URL_LIFE.as_secs().to_string())
            .append_pair(
                "X-Amz-Credential",
                "AKIDSIMULATED/20261121/eu-west-1/s3/aws4_request",
            )
            .append_pair("X-Amz-Signature", "secret-signature-of-the-response-url");
        url
    }

    /// Tells the sink whose answer to expect under this request id, so that it can judge the echoed ids.
    pub fn await_answer_to(&self, request_id: &str, resource: &StackResource) {
        self.await_answer_at(request_id, request_id, resource);
    }

    /// The same for a request whose id is in use again: its URL has a key of its own, for which [`Sink::expect`] and
    /// [`Sink::answers`] are asked then.
    pub(super) fn await_answer_at(&self, key: &str, request_id: &str, resource: &StackResource) {
        let awaited = Awaited {
            request_id: request_id.to_owned(),
            resource: resource.clone(),
        };
        lock(&self.state.awaited).insert(key.to_owned(), awaited);
    }

    /// Waits for the answer to a request.
    pub async fn expect(&self, key: &str) -> Answer {
        let mut taken = self.state.taken.subscribe();
        let taken = taken
            .wait_for(|taken| taken.contains_key(key))
            .await
            .expect("this sink keeps the sender");
        taken[key][0].clone()
    }

    /// All answers to a request: more than one is one too many.
    pub fn answers(&self, key: &str) -> Vec<Answer> {
        self.state.taken.borrow().get(key).cloned().unwrap_or_default()
    }
}

struct Bucket {
    state: Arc<State>,
}

impl Simulator for Bucket {
    fn route(&self, request: &Request) -> String {
        if request.method == Method::PUT {
            "PUT response".to_owned()
        } else {
            format!("{} ?", request.method)
        }
    }

    fn answer(self: Arc<Self>, request: Request) -> Answering {
        Box::pin(async move { self.put(&request) })
    }
}

impl Bucket {
    fn put(&self, request: &Request) -> http::Answer {
        if request.method != Method::PUT {
            return refusal(
                405,
                "MethodNotAllowed",
                "The specified method is not allowed against this resource.",
            );
        }
        let signed = request
            .parameter("X-Amz-Date")
            .and_then(|date| clock::parse_amz_date(&date));
        let life = request
            .parameter("X-Amz-Expires")
            .and_then(|life| life.parse::<i64>().ok());
        let good_until = signed.zip(life).map(|(signed, life)| signed + life * 1000);
        if good_until.is_none_or(|until| clock::now_ms() >= until) {
            return refusal(403, "AccessDenied", "Request has expired");
        }
        // The URL is signed for an empty content type.
        let content_type = request.header("content-type").map(str::to_owned);
        if content_type.as_deref().is_some_and(|sent| !sent.is_empty()) {
            let text = "The request signature we calculated does not match the signature you provided.";
            return refusal(403, "SignatureDoesNotMatch", text);
        }
        if request.header("transfer-encoding").is_some() {
            let text = "A header you provided implies functionality that is not implemented";
            return refusal(501, "NotImplemented", text);
        }
        if request.header("content-length").is_none() {
            return refusal(
                411,
                "MissingContentLength",
                "You must provide the Content-Length HTTP header.",
            );
        }
        let object = request.segments().join("/");
        let key = object.rsplit('|').next().unwrap_or_default().to_owned();
        let awaited = lock(&self.state.awaited).get(&key).cloned();
        let (request_id, resource) = match &awaited {
            Some(awaited) => (awaited.request_id.as_str(), Some(&awaited.resource)),
            None => (key.as_str(), None),
        };
        let body = request.json();
        let verdict = verdict::judge(&request.body, &body, request_id, resource);
        let answer = Answer {
            raw: request.body.to_vec(),
            body,
            content_type,
            verdict,
            at_ms: clock::now_ms(),
        };
        self.state
            .taken
            .send_modify(|taken| taken.entry(key).or_default().push(answer));
        http::Answer::empty(200).with_header("ETag", "\"0123456789abcdef0123456789abcdef\"")
    }
}

fn refusal(status: u16, code: &str, message: &str) -> http::Answer {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
         <RequestId>0123456789ABCDEF</RequestId></Error>"
    );
    http::Answer::empty(status)
        .with_header("Content-Type", "application/xml")
        .with_body(body)
}
