//! Requests and answers: headers, limits, and the one place that turns an answer into a value or an error.

use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, RequestBuilder, Response};
use serde::de::DeserializeOwned;
use url::Url;

use crate::answer::{Refusal, one_line};
use crate::config::ClientConfig;
use crate::credentials::{Login, Used};
use crate::error::{Error, Operation};
use crate::observer::Observer;

/// A list of some thousand batches with their log tails.
const MAX_BODY_BYTES: usize = 16 << 20;
/// A refusal is read no further.
const MAX_REFUSAL_BYTES: usize = 64 << 10;
/// Livy's server closes an idle connection after 30 s; a request must not meet that.
const POOL_IDLE: Duration = Duration::from_secs(20);

/// The connections of a client.
#[derive(Debug)]
pub(crate) struct Http {
    /// Keeps connections.
    pub(crate) pooled: reqwest::Client,
    /// Opens one for each request, so that no creation is lost with a connection that was closed under it.
    pub(crate) fresh: reqwest::Client,
}

impl Http {
    pub(crate) fn new(config: &ClientConfig) -> Result<Self, Error> {
        let refused = |message: String| Error::Configuration {
            url: bare(&config.url),
            message,
        };
        let certificates = config
            .ca_certificate
            .as_deref()
            .map(certificates)
            .transpose()
            .map_err(refused)?;
        let build = |idle_connections| {
            let builder = reqwest::Client::builder()
                .http1_only()
                .no_proxy()
                .redirect(Policy::none())
                .referer(false)
                .connect_timeout(config.timeouts.connect)
                .pool_idle_timeout(POOL_IDLE)
                .pool_max_idle_per_host(idle_connections)
                .default_headers(headers());
            let certificates = certificates.clone().unwrap_or_default();
            let builder = match config.url.scheme() {
                "https" => builder.tls_certs_merge(certificates),
                // Without TLS the system's certificates are not loaded: that costs some milliseconds.
                _ => builder.tls_certs_only(certificates),
            };
            builder.build().map_err(|error| refused(innermost(&error)))
        };
        Ok(Self {
            pooled: build(usize::MAX)?,
            fresh: build(0)?,
        })
    }
}

/// One request on its way: some kilobytes, on the heap, so that a caller that may ask, and seldom does, stays small.
pub(crate) struct Call<'a> {
    pub(crate) operation: Operation,
    pub(crate) url: &'a Url,
    pub(crate) login: &'a Login,
    /// Without credentials.
    pub(crate) request: RequestBuilder,
    /// From the start of the request to the last byte of its answer.
    pub(crate) limit: Duration,
    pub(crate) observer: &'a Observer,
}

impl Call<'_> {
    /// Sends it and reads the answer as `T`.
    pub(crate) async fn read<T: DeserializeOwned>(self) -> Result<T, Error> {
        let (observer, operation) = (self.observer, self.operation);
        observer.observe(operation, Box::pin(self.value())).await
    }

    /// Sends it where the answer says nothing but that it was done.
    pub(crate) async fn done(self) -> Result<(), Error> {
        let (observer, operation) = (self.observer, self.operation);
        observer.observe(operation, Box::pin(self.body())).await.map(drop)
    }

    async fn value<T: DeserializeOwned>(self) -> Result<T, Error> {
        let (operation, url) = (self.operation, self.url);
        let body = self.body().await?;
        serde_json::from_slice(&body).map_err(|error| {
            let message = one_line(&error.to_string());
            Error::Decode {
                operation,
                url: url.to_string(),
                message,
            }
        })
    }

    /// The body of an answer that agrees; it is sent once more when the credentials were refused and there are
    /// others by now.
    async fn body(self) -> Result<Vec<u8>, Error> {
        let used = self.login.current();
        let refusal = match self.send_as(&used).await {
            Err(error) if error.is_unauthorized() => error,
            answer => return answer,
        };
        match self.login.renew(&used).await {
            None => Err(refusal),
            Some(Err(why)) => Err(refusal.with_remark(&why)),
            Some(Ok(newer)) => self.send_as(&newer).await.map_err(|error| {
                if error.is_unauthorized() {
                    error.with_remark(&self.login.newest_refused())
                } else {
                    error
                }
            }),
        }
    }

    async fn send_as(&self, used: &Used) -> Result<Vec<u8>, Error> {
        let Self { operation, url, .. } = *self;
        let request = self
            .request
            .try_clone()
            .expect("the body is a text, which can be sent again");
        let request = match &used.credentials {
            Some(known) => request.basic_auth(&known.username, Some(&known.password)),
            None => request,
        };
        let transport = |error: reqwest::Error| Error::Transport {
            operation,
            url: url.to_string(),
            source: error.without_url(),
        };
        let mut response = request.timeout(self.limit).send().await.map_err(transport)?;
        let status = response.status();
        if status.is_success() {
            let (body, whole) = read_up_to(&mut response, MAX_BODY_BYTES)
                .await
                .map_err(transport)?;
            if !whole {
                let message = format!("it is larger than {MAX_BODY_BYTES} bytes");
                return Err(Error::Decode {
                    operation,
                    url: url.to_string(),
                    message,
                });
            }
            return Ok(body);
        }
        let reason = reason(&response);
        // What the refusal says is lost when the connection breaks here; that it is one is not.
        let body = read_up_to(&mut response, MAX_REFUSAL_BYTES)
            .await
            .map_or(Vec::new(), |(body, _)| body);
        let Refusal { message, from_livy } = Refusal::read(&body, &reason);
        Err(Error::Api {
            operation,
            url: url.to_string(),
            status: status.as_u16(),
            message,
            from_livy,
        })
    }
}

/// The body, or its first `limit` bytes and `false`.
async fn read_up_to(response: &mut Response, limit: usize) -> Result<(Vec<u8>, bool), reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = limit - body.len();
        if chunk.len() > room {
            body.extend_from_slice(&chunk[..room]);
            return Ok((body, false));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((body, true))
}

/// What stands for a body that says nothing. Redirects are not followed: a creation must reach what was
/// configured.
fn reason(response: &Response) -> String {
    let status = response.status();
    let location = response
        .headers()
        .get("location")
        .and_then(|value| value.to_str().ok());
    match location {
        Some(location) if status.is_redirection() => format!("a redirect to `{}`", one_line(location)),
        _ => status.canonical_reason().unwrap_or("no reason given").to_owned(),
    }
}

fn headers() -> HeaderMap {
    let ours = HeaderValue::from_static("sparkwright");
    HeaderMap::from_iter([
        (ACCEPT, HeaderValue::from_static("application/json")),
        (reqwest::header::USER_AGENT, ours.clone()),
        // Livy with CSRF protection refuses whatever changes something without it.
        (HeaderName::from_static("x-requested-by"), ours),
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
