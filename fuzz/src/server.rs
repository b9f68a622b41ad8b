//! The only server that a target speaks to, on a port of this machine and in the target's own thread, so that the same
//! input runs the same way again.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderMap, HeaderValue, LOCATION};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use url::Url;

use crate::scenario::Scenario;

/// Fields of an answer by which clients are led to another host.
const HOSTS: [&str; 3] = ["MasterPublicDnsName", "PrivateDnsName", "PublicDnsName"];
const HOSTS_WITH_PORT: [&str; 1] = ["nodeHttpAddress"];

/// What a target does its work with: a runtime, and the server.
#[derive(Debug)]
pub struct Server {
    runtime: Runtime,
    port: u16,
    script: Arc<Mutex<Script>>,
}

/// What the server answers to the requests whose path begins with `/<part>`, one after the other; the last answer is
/// given again and again. A part without answers closes its connections.
pub type Answers = HashMap<&'static str, VecDeque<Answer>>;

/// What a server does with one request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It answers.
    Says {
        /// The status.
        status: u16,
        /// The path on this server that a `Location` leads to.
        location: Option<String>,
        /// The body.
        body: Vec<u8>,
    },
    /// It closes the connection.
    HangsUp,
    /// It never answers.
    IsSilent,
}

impl Answer {
    /// For what would only wait: no answer becomes a broken one.
    #[must_use]
    pub fn at_once(self) -> Self {
        match self {
            Self::IsSilent => Self::HangsUp,
            other => other,
        }
    }
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The first segment of its path.
    pub part: String,
    /// Its method.
    pub method: Method,
    /// Its path without the first segment, and its query.
    pub rest: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
    /// The status of the answer, if there was one.
    pub answered: Option<u16>,
}

#[derive(Debug, Default)]
struct Script {
    answers: Answers,
    seen: Vec<Seen>,
}

impl Server {
    /// Starts it on a free port.
    #[expect(clippy::new_without_default, reason = "it opens a port")]
    pub fn new() -> Self {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a machine that can run a runtime");
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let script = Arc::<Mutex<Script>>::default();
        runtime.spawn(accept(listener, Arc::clone(&script)));
        Self {
            runtime,
            port,
            script,
        }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of one of its parts.
    pub fn url(&self, part: &str) -> Url {
        format!("http://127.0.0.1:{}/{part}", self.port)
            .parse()
            .expect("an address")
    }

    /// Does the work while the server gives these answers; tells which requests came.
    pub fn during<T>(&self, answers: Answers, work: impl Future<Output = T>) -> (T, Vec<Seen>) {
        *lock(&self.script) = Script {
            answers,
            seen: Vec::new(),
        };
        let result = self.runtime.block_on(work);
        (result, std::mem::take(&mut lock(&self.script).seen))
    }

    /// Reads answers: `{"status": 200, "location": "/path", "body": …}`, `"hangs up"`, `"is silent"`, or else a body.
    /// A body that is a text is sent as it stands, anything else as JSON. Hosts in it become this server.
    pub fn answers(&self, scenario: &Scenario, name: &str) -> VecDeque<Answer> {
        let single = [scenario.value(name).clone()];
        let values = scenario.value(name).as_array().map_or(&single[..], Vec::as_slice);
        values
            .iter()
            .filter(|value| !value.is_null())
            .map(|value| self.answer(value))
            .collect()
    }

    fn answer(&self, value: &Value) -> Answer {
        let (status, location, body) = match value {
            Value::String(word) if word == "hangs up" => return Answer::HangsUp,
            Value::String(word) if word == "is silent" => return Answer::IsSilent,
            Value::Object(fields) if fields.contains_key("status") => {
                let status = fields["status"]
                    .as_u64()
                    .and_then(|status| u16::try_from(status).ok());
                let location = fields.get("location").and_then(Value::as_str).map(str::to_owned);
                (
                    status.filter(|s| (200..1000).contains(s)).unwrap_or(200),
                    location,
                    fields.get("body"),
                )
            }
            body => (200, None, Some(body)),
        };
        let body = match body {
            // What a text says must not lead elsewhere either.
            Some(Value::String(text)) => match serde_json::from_str(text) {
                Ok(json) => self.at_home(json).to_string(),
                Err(_) => text.clone(),
            },
            Some(json) => self.at_home(json.clone()).to_string(),
            None => String::new(),
        };
        Answer::Says {
            status,
            location,
            body: body.into_bytes(),
        }
    }

    /// JSON in which every host that a client would go to is this server.
    fn at_home(&self, value: Value) -> Value {
        match value {
            Value::Array(items) => items.into_iter().map(|item| self.at_home(item)).collect(),
            Value::Object(fields) => {
                let field = |(name, value): (String, Value)| {
                    let value = match &*name {
                        name if HOSTS.contains(&name) && !value.is_null() => "127.0.0.1".into(),
                        name if HOSTS_WITH_PORT.contains(&name) && !value.is_null() => {
                            format!("127.0.0.1:{}", self.port).into()
                        }
                        _ => self.at_home(value),
                    };
                    (name, value)
                };
                fields.into_iter().map(field).collect()
            }
            scalar => scalar,
        }
    }
}

async fn accept(listener: TcpListener, script: Arc<Mutex<Script>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let script = Arc::clone(&script);
        let port = listener.local_addr().expect("it is bound").port();
        let service = service_fn(move |request| serve(request, Arc::clone(&script), port));
        // It ends with the client, or when an answer is to break it.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn serve(
    request: Request<Incoming>,
    script: Arc<Mutex<Script>>,
    port: u16,
) -> Result<Response<Full<Bytes>>, io::Error> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map_err(io::Error::other)?
        .to_bytes()
        .to_vec();
    let path = head
        .uri
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .trim_start_matches('/');
    let part = path.split(['/', '?']).next().unwrap_or_default().to_owned();
    let rest = path[part.len()..].to_owned();
    let answer = next(&mut lock(&script).answers, &part);
    let (method, headers) = (head.method, head.headers);
    let answered = match &answer {
        Answer::Says { status, .. } => Some(*status),
        Answer::HangsUp | Answer::IsSilent => None,
    };
    lock(&script).seen.push(Seen {
        part,
        method,
        rest,
        headers,
        body,
        answered,
    });
    match answer {
        Answer::Says {
            status,
            location,
            body,
        } => {
            let mut response = Response::new(Full::new(Bytes::from(body)));
            *response.status_mut() = StatusCode::from_u16(status).expect("it was checked when it was read");
            let location =
                location.map(|path| format!("http://127.0.0.1:{port}/{}", path.trim_start_matches('/')));
            if let Some(Ok(location)) = location.map(|url| HeaderValue::from_str(&url)) {
                response.headers_mut().insert(LOCATION, location);
            }
            Ok(response)
        }
        Answer::HangsUp => Err(io::Error::other("as the script says")),
        Answer::IsSilent => std::future::pending::<Result<_, Infallible>>()
            .await
            .map_err(io::Error::other),
    }
}

fn next(answers: &mut Answers, part: &str) -> Answer {
    let Some(left) = answers.get_mut(part) else {
        return Answer::HangsUp;
    };
    match left.len() {
        0 => Answer::HangsUp,
        1 => left[0].clone(),
        _ => left.pop_front().expect("it holds some"),
    }
}

fn lock(script: &Mutex<Script>) -> MutexGuard<'_, Script> {
    script.lock().unwrap_or_else(PoisonError::into_inner)
}
