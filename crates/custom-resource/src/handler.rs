//! From an event to exactly one answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use lambda_runtime::LambdaEvent;
use serde_json::{Value, json};
use tracing::{Instrument, error, error_span, info, warn};

use crate::answer::{Answer, Known, Outcome};
use crate::body;
use crate::envelope::Envelope;
use crate::perform::perform;
use crate::respond::{Error, Responder};
use crate::times::{Now, Times, service_timeout};
use crate::{Failure, NOTHING_CREATED, Provider, Request, RequestType, Settings};

/// Answers requests by asking a provider. One handler serves all invocations of a function.
#[derive(Debug)]
pub struct Handler<P> {
    provider: Arc<P>,
    settings: Settings,
    responder: Responder,
}

impl<P: Provider> Handler<P> {
    /// A handler for this provider. It opens no connection and sets up no TLS before the first answer.
    pub fn new(provider: P, settings: Settings) -> Self {
        let responder = Responder::new(&settings);
        Self {
            provider: Arc::new(provider),
            settings,
            responder,
        }
    }

    /// Handles one event; to be given to `lambda_runtime::run(service_fn(|event| handler.handle(event)))`.
    ///
    /// The value that it returns is for whoever invokes the function by hand; CloudFormation does not read it.
    ///
    /// # Errors
    ///
    /// When the event has no usable `ResponseURL`, or when the answer could not be delivered to it.
    pub async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, Error> {
        let (payload, context) = event.into_parts();
        let envelope = Envelope::read(payload);
        // Of the highest level, so that no log level leaves the messages without it.
        let span = error_span!(
            "custom_resource",
            request_type = envelope.request_type.as_ref().map_or("unknown", |kind| kind.as_str()),
            request_id = %envelope.request_id,
            logical_resource_id = %envelope.logical_resource_id,
            resource_type = %envelope.resource_type,
        );
        self.answer(envelope, context.deadline).instrument(span).await
    }

    async fn answer(&self, mut envelope: Envelope, lambda_deadline: u64) -> Result<Value, Error> {
        let now = Now::read();
        let url = match envelope.response_url.clone() {
            Ok(url) => url,
            Err(why) => {
                error!(
                    why,
                    "the event cannot be answered: it has no usable `ResponseURL`"
                );
                return Err(Error::NoResponseUrl { why });
            }
        };
        let issued = url.issued();
        let request_type = envelope.request_type.as_ref().ok().copied();
        let service_timeout = service_timeout(&envelope.properties);
        let invocation = now.invocation_until(lambda_deadline);
        let reserve = self.settings.answer_reserve;
        let times = Times::plan(now, invocation, &issued, service_timeout, reserve, request_type);
        let request = request_type.map(|kind| Request::take(kind, &mut envelope, issued, &times));

        let ending = match &request {
            None => unknown_type(&envelope).into(),
            Some(request) if times.too_late && request.request_type != RequestType::Delete => {
                too_late().into()
            }
            Some(request) => perform(Arc::clone(&self.provider), request.clone(), &times).await,
        };
        let known = match &request {
            None => Known::new(&envelope),
            Some(request) => Known::of(&envelope, request),
        };
        let answer = known.answer(ending, || self.fallback_id(request.as_ref()));

        let delivered = self
            .responder
            .deliver(&url, body::write(&answer, &envelope), times.answer_by)
            .await;
        log(&answer, &delivered, now);
        delivered
            .map(|_| json!({ "Status": answer.status(), "PhysicalResourceId": answer.physical_resource_id }))
    }

    fn fallback_id(&self, request: Option<&Request>) -> String {
        let ask = || request.map(|request| self.provider.fallback_id(request));
        let id = catch_unwind(AssertUnwindSafe(ask)).unwrap_or_default();
        id.unwrap_or_else(|| NOTHING_CREATED.to_owned())
    }
}

fn unknown_type(envelope: &Envelope) -> Failure {
    let word = envelope.request_type.as_ref().err().map_or("", String::as_str);
    Failure::new(format!(
        "`{word}` is not a request type: it must be Create, Update or Delete"
    ))
}

fn too_late() -> Failure {
    Failure::new("the request arrived when CloudFormation no longer waited for its answer; nothing was done")
}

/// The request's one line. A failure is logged in full, because its stack event may have had no room for it.
fn log(answer: &Answer, delivered: &Result<u32, Error>, begun: Now) {
    let (status, physical_resource_id) = (answer.status(), &*answer.physical_resource_id);
    let took_s = begun.instant.elapsed().as_secs_f32();
    let (reason, log_lines) = match &answer.outcome {
        Outcome::Success { .. } => (None, None),
        Outcome::Failed { reason, log_lines } => (
            Some(reason.as_str()),
            Some(log_lines.join("\n")).filter(|lines| !lines.is_empty()),
        ),
    };
    match delivered {
        Err(error) => {
            let error = crate::chain(error);
            error!(
                status,
                physical_resource_id, reason, log_lines, took_s, error, "CloudFormation has no answer"
            );
        }
        Ok(attempts) if reason.is_some() => {
            warn!(
                status,
                physical_resource_id, reason, log_lines, took_s, attempts, "request answered"
            );
        }
        Ok(attempts) => info!(status, physical_resource_id, took_s, attempts, "request answered"),
    }
}
