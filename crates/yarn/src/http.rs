//! Requests and answers: headers, limits, and the one place that turns an answer into bytes or an error.

use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue, LOCATION, REFRESH, USER_AGENT};
use reqwest::redirect::Policy;
use reqwest::{Certificate, RequestBuilder, Response};
use url::Url;

use crate::answer::{Refusal, one_line};
use crate::config::ClientConfig;
use crate::error::{Error, Operation};
use crate::failover;
use crate::list::Elements;

/// Some ten thousand applications.
const MAX_BODY_BYTES: usize = 32 << 20;
/// A refusal is read no further.
const MAX_REFUSAL_BYTES: usize = 64 << 10;
/// Hadoop's servers close an idle connection after 10 s or more; a request must not meet that.
const POOL_IDLE: Duration = Duration::from_secs(8);

/// The connections of a client.
pub(crate) fn connections(config: &ClientConfig) -> Result<reqwest::Client, Error> {
    let url = config.resource_managers.first().map(bare).unwrap_or_default();
    let refused = |message: String| Error::Configuration {
        url: url.to_string(),
        message,
    };
    let certificates = config
        .ca_certificate
        .as_deref()
        .map(certificates)
        .transpose()
        .map_err(refused)?;
    let certificates = certificates.unwrap_or_default();
    let builder = reqwest::Client::builder()
        .http1_only()
        .no_proxy()
        // A redirect is a standby's, or a node's to the history server: each is followed where it is
        // understood.
        .redirect(Policy::none())
        .referer(false)
        .connect_timeout(config.timeouts.connect)
        .pool_idle_timeout(POOL_IDLE)
        .default_headers(headers());
    let builder = match config.resource_managers.iter().any(|url| url.scheme() == "https") {
        true => builder.tls_certs_merge(certificates),
        // Without TLS the system's certificates are not loaded: that costs some milliseconds.
        false => builder.tls_certs_only(certificates),
    };
    builder.build().map_err(|error| refused(innermost(&error)))
}

/// What a server said.
pub(crate) enum Answer {
    /// What was asked for.
    Body(Vec<u8>),
    /// Another server has it, which may be known: a standby names the active one, a node the history server.
    Elsewhere(Option<Url>),
}

/// One request on its way.
pub(crate) struct Call<'a> {
    pub(crate) operation: Operation,
    /// The server's address, for messages.
    pub(crate) url: &'a Url,
    pub(crate) request: RequestBuilder,
    /// From the start of the request to the last byte of its answer.
    pub(crate) limit: Duration,
    /// How much of the body is kept.
    pub(crate) body: Keep<'a>,
}

/// How much of a body is kept.
pub(crate) enum Keep<'a> {
    /// All of it; a body that is too large is an error.
    All,
    /// The same, but for what is taken out of it on the way.
    Rest(&'a mut dyn Elements),
    /// At least its last bytes; of a body that is not much larger all of it.
    Last(usize),
}

impl Call<'_> {
    /// Sends it once.
    pub(crate) async fn send(self) -> Result<Answer, Error> {
        let Self {
            operation,
            url,
            request,
            limit,
            body: keep,
        } = self;
        let transport = |error: reqwest::Error| Error::Transport {
            operation,
            url: url.to_string(),
            source: error.without_url(),
        };
        let mut response = request.timeout(limit).send().await.map_err(transport)?;
        let status = response.status();
        if status.is_success() {
            let read = match keep {
                Keep::Last(bytes) => read_last(&mut response, bytes).await.map(|body| (body, true)),
                Keep::All => read_up_to(&mut response, MAX_BODY_BYTES, |_| {}).await,
                Keep::Rest(elements) => {
                    elements.begin();
                    read_up_to(&mut response, MAX_BODY_BYTES, |body| elements.take(body)).await
                }
            };
            let (body, whole) = read.map_err(transport)?;
            if !whole {
                let message = format!("it is larger than {MAX_BODY_BYTES} bytes");
                return Err(Error::Decode {
                    operation,
                    url: url.to_string(),
                    message,
                });
            }
            // A program may print what it likes.
            let standby = operation != Operation::ContainerLog && failover::is_standby(&body);
            return Ok(match standby {
                true => Answer::Elsewhere(target(&response)),
                false => Answer::Body(body),
            });
        }
        // What the refusal says is lost when the connection breaks here; that it is one is not.
        let body = read_up_to(&mut response, MAX_REFUSAL_BYTES, |_| {})
            .await
            .map_or(Vec::new(), |(body, _)| body);
        let target = target(&response);
        if failover::is_standby(&body) || (status.is_redirection() && target.is_some()) {
            return Ok(Answer::Elsewhere(target));
        }
        let Refusal { exception, message } = Refusal::read(&body, &reason(&response));
        Err(Error::Api {
            operation,
            url: url.to_string(),
            status: status.as_u16(),
            exception,
            message,
        })
    }
}

/// Where an answer leads, if that is a REST API.
fn target(response: &Response) -> Option<Url> {
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    failover::target(header(LOCATION), header(REFRESH))
}

/// The body, or its first `limit` bytes and `false`; less what `take` takes out of it while it comes.
async fn read_up_to(
    response: &mut Response,
    limit: usize,
    mut take: impl FnMut(&mut Vec<u8>),
) -> Result<(Vec<u8>, bool), reqwest::Error> {
    let mut body = Vec::new();
    let mut room = limit;
    while let Some(chunk) = response.chunk().await? {
        let kept = &chunk[..chunk.len().min(room)];
        body.extend_from_slice(kept);
        if kept.len() < chunk.len() {
            return Ok((body, false));
        }
        room -= kept.len();
        take(&mut body);
    }
    Ok((body, true))
}

/// The body, without its beginning when that is long: a node of Hadoop 2.8 knows no size and sends the whole
/// file.
async fn read_last(response: &mut Response, bytes: usize) -> Result<Vec<u8>, reqwest::Error> {
    // Two framed parts have room, so that only an unframed body is ever cut.
    let most = 2 * bytes + (64 << 10);
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > 2 * most {
            body.drain(..body.len() - most);
        }
    }
    Ok(body)
}

/// What stands for a body that says nothing.
fn reason(response: &Response) -> String {
    let status = response.status();
    match response
        .headers()
        .get(LOCATION)
        .and_then(|value| value.to_str().ok())
    {
        Some(location) if status.is_redirection() => format!("a redirect to `{}`", one_line(location)),
        _ => status.canonical_reason().unwrap_or("no reason given").to_owned(),
    }
}

fn headers() -> HeaderMap {
    let ours = HeaderValue::from_static("sparkwright");
    HeaderMap::from_iter([
        (ACCEPT, HeaderValue::from_static("application/json")),
        (USER_AGENT, ours.clone()),
        // A ResourceManager with CSRF protection refuses whatever changes something without it.
        (HeaderName::from_static("x-xsrf-header"), ours),
    ])
}

fn certificates(pem: &str) -> Result<Vec<Certificate>, String> {
    let certificates = Certificate::from_pem_bundle(pem.as_bytes())
        .map_err(|error| format!("the CA certificate cannot be read: {}", innermost(&error)))?;
    if certificates.is_empty() {
        return Err("the CA certificate has no `BEGIN CERTIFICATE`".to_owned());
    }
    Ok(certificates)
}

/// The cause that says what to change; what is around it says only that something failed.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    one_line(&cause.to_string())
}

/// The address as it may be shown.
pub(crate) fn bare(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for an address that cannot have a user.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.to_string()
}
