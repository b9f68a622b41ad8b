//! Delivers the answer to the presigned URL.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use lambda_runtime::Diagnostic;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, StatusCode, redirect};
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::warn;

use crate::Settings;
use crate::response_url::ResponseUrl;

/// Why CloudFormation has no answer: the only errors that a handler returns. Lambda then invokes it again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is nowhere to answer.
    #[error("could not answer, for want of a usable `ResponseURL`: {why}")]
    NoResponseUrl {
        /// What is wrong with it.
        why: &'static str,
    },
    /// The HTTP client could not be made.
    #[error("could not set up the HTTP client for the answer")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The response URL refused the answer for good; 403 is what an expired one says.
    #[error("could not deliver the answer: the response URL refused it with status {status}")]
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// No attempt got through while there was time.
    #[error(
        "could not deliver the answer in {attempts} attempts (a function in a VPC needs a route to Amazon S3)"
    )]
    Undelivered {
        /// How many attempts were made.
        attempts: u32,
        /// What the last one met.
        #[source]
        last: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// A stable name, which Lambda shows as the error's type.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NoResponseUrl { .. } => "CustomResource.NoResponseUrl",
            Self::Client(_) => "CustomResource.Client",
            Self::Refused { .. } => "CustomResource.Refused",
            Self::Undelivered { .. } => "CustomResource.Undelivered",
        }
    }
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        Self {
            error_type: error.name().to_owned(),
            error_message: crate::chain(&error),
        }
    }
}

/// Why an attempt failed that may be repeated.
#[derive(Debug, thiserror::Error)]
enum Obstacle {
    #[error("the request failed")]
    Transport(#[source] reqwest::Error),
    #[error("status {0}")]
    Status(StatusCode),
    #[error("no response in time")]
    TimedOut,
}

/// Sends answers. A client is made when it is first needed: setting up TLS would slow down every cold start.
#[derive(Debug)]
pub(crate) struct Responder {
    secure: OnceCell<Client>,
    /// For emulators, whose response URLs are plain http: it reads no certificates.
    plain: OnceCell<Client>,
    attempt_timeout: Duration,
    pauses: ExponentialBuilder,
}

impl Responder {
    pub(crate) fn new(settings: &Settings) -> Self {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(settings.shortest_pause)
            .with_max_delay(settings.longest_pause)
            .without_max_times()
            .with_jitter();
        Self {
            secure: OnceCell::new(),
            plain: OnceCell::new(),
            attempt_timeout: settings.attempt_timeout,
            pauses,
        }
    }

    /// Puts the answer until it is taken, refused, or no time remains; returns how many attempts that took.
    pub(crate) async fn deliver(
        &self,
        url: &ResponseUrl,
        body: Vec<u8>,
        answer_by: Instant,
    ) -> Result<u32, Error> {
        let client = self
            .client_for(url)
            .await
            .map_err(|error| Error::Client(error.into()))?;
        let mut pauses = self.pauses.build();
        let mut met: Option<Obstacle> = None;
        for attempt in 1.. {
            let patience = Instant::now() + self.attempt_timeout;
            let obstacle = match timeout_at(patience.min(answer_by), put(client, url, body.clone())).await {
                Ok(Ok(status)) if status.is_success() => return Ok(attempt),
                Ok(Ok(status)) if may_pass(status) => Obstacle::Status(status),
                Ok(Ok(status)) => {
                    return Err(Error::Refused {
                        status: status.as_u16(),
                    });
                }
                Ok(Err(error)) => Obstacle::Transport(error),
                // Cut short by the invocation's end, it says nothing of the URL: what came before does.
                Err(_) if answer_by < patience => met.take().unwrap_or(Obstacle::TimedOut),
                Err(_) => Obstacle::TimedOut,
            };
            warn!(
                attempt,
                obstacle = crate::chain(&obstacle),
                "the answer was not delivered"
            );
            match pauses.next() {
                Some(pause) if Instant::now() + pause < answer_by => sleep(pause).await,
                Some(_) | None => {
                    return Err(Error::Undelivered {
                        attempts: attempt,
                        last: obstacle.into(),
                    });
                }
            }
            met = Some(obstacle);
        }
        unreachable!("the loop ends by returning")
    }

    async fn client_for(&self, url: &ResponseUrl) -> Result<&Client, reqwest::Error> {
        // A connection kept from an earlier invocation would have broken while the function was frozen.
        let builder = Client::builder()
            .redirect(redirect::Policy::none())
            .pool_max_idle_per_host(0);
        if url.is_secure() {
            self.secure.get_or_try_init(async || builder.build()).await
        } else {
            self.plain
                .get_or_try_init(async || builder.tls_certs_only([]).build())
                .await
        }
    }
}

fn may_pass(status: StatusCode) -> bool {
    // What is above 599 is no status, and to be taken for a server's error (RFC 9110, section 15).
    status >= StatusCode::INTERNAL_SERVER_ERROR
        || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status)
}

async fn put(client: &Client, url: &ResponseUrl, body: Vec<u8>) -> Result<StatusCode, reqwest::Error> {
    // The content type is part of what is signed, and it is empty.
    let request = client
        .put(url.expose())
        .header(CONTENT_TYPE, HeaderValue::from_static(""))
        .body(body);
    let response = request.send().await.map_err(reqwest::Error::without_url)?;
    Ok(response.status())
}
