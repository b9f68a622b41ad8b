//! From an event to exactly one answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use lambda_runtime::LambdaEvent;
use serde_json::{Value, json};
use tracing::{Instrument, error, error_span, info, warn};

use crate::answer::{Answer, Known, Outcome};
use crate::body;
use crate::envelope::Envelope;
use crate::invoker::AnyInvoker;
use crate::means::Way;
use crate::now::Now;
use crate::perform::perform;
use crate::respond::{Error, Responder};
use crate::times::Times;
use crate::{Failure, Invoker, NOTHING_CREATED, Provider, Request, RequestType, Settings};

/// Answers requests by asking a provider. One handler serves all invocations of a function.
#[derive(Debug)]
pub struct Handler<P> {
    provider: Arc<P>,
    settings: Settings,
    responder: Responder,
    invoker: Option<AnyInvoker>,
}

impl<P: Provider> Handler<P> {
    /// A handler for this provider. It opens no connection and sets up no TLS before the first answer.
    pub fn new(provider: P, settings: Settings) -> Self {
        let responder = Responder::new(&settings);
        Self {
            provider: Arc::new(provider),
            settings,
            responder,
            invoker: None,
        }
    }

    /// Lets the provider hand work that is longer than one invocation over to a further one
    /// ([`Request::continuation`]).
    #[must_use]
    pub fn continued_by(mut self, invoker: impl Invoker) -> Self {
        self.invoker = Some(AnyInvoker::new(invoker));
        self
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
        let way = self.way(&payload, context.invoked_function_arn);
        let envelope = Envelope::read(payload);
        // Of the highest level, so that no log level leaves the messages without it.
        let span = error_span!(
            "custom_resource",
            request_type = envelope.request_type.as_ref().map_or("unknown", |kind| kind.as_str()),
            request_id = %envelope.request_id,
            logical_resource_id = %envelope.logical_resource_id,
            resource_type = %envelope.resource_type,
            hop = envelope.carried.hop,
        );
        self.answer(envelope, context.deadline, way)
            .instrument(span)
            .await
    }

    async fn answer(
        &self,
        mut envelope: Envelope,
        lambda_deadline: u64,
        way: Result<Way, &'static str>,
    ) -> Result<Value, Error> {
        let now = Now::read(self.settings.wall_clock);
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
        let invocation = now.invocation_until(lambda_deadline);
        let times = Times::plan(now, invocation, &envelope, self.settings.answer_reserve);
        let request_type = envelope.request_type.as_ref().ok().copied();
        let request =
            request_type.map(|kind| Request::take(kind, &mut envelope, now, &times, &self.settings, way));

        let ending = match (self.refusal(&envelope, &times), &request) {
            (None, Some(request)) => {
                let ending = perform(Arc::clone(&self.provider), request.clone(), &times).await;
                let Some(ending) = ending else {
                    let next_hop = envelope.carried.hop + 1;
                    info!(next_hop, took_s = took(now), "request handed over");
                    return Ok(json!({ "Status": "HANDED_OVER", "Hop": next_hop }));
                };
                ending
            }
            (refusal, _) => refusal.unwrap_or_else(|| unknown_type(&envelope)).into(),
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

    /// The way to a further invocation of this function, or what is missing to it.
    fn way(&self, payload: &Value, function_arn: String) -> Result<Way, &'static str> {
        let Some(invoker) = self.invoker.clone() else {
            return Err("the function was built without a way to invoke itself (`Handler::continued_by`)");
        };
        // Without the header the runtime puts a sentence there.
        if !function_arn.starts_with("arn:") {
            return Err("Lambda did not tell the ARN of the invoked function");
        }
        Ok(Way {
            invoker,
            function_arn,
            event: payload.as_object().cloned().unwrap_or_default(),
        })
    }

    /// Why the provider is not asked.
    fn refusal(&self, envelope: &Envelope, times: &Times) -> Option<Failure> {
        let carried = &envelope.carried;
        let max = self.settings.max_hops;
        if let Some(flaw) = carried.flaw {
            return Some(Failure::new(format!(
                "the work cannot go on: what the invocation before handed over cannot be read ({flaw})"
            )));
        }
        if carried.hop > max {
            return Some(Failure::new(format!(
                "the work cannot go on: it was handed over {} times, and the limit is {max}",
                carried.hop
            )));
        }
        (times.too_late && envelope.request_type != Ok(RequestType::Delete)).then(|| too_late(carried.hop))
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

fn too_late(hop: u32) -> Failure {
    Failure::new(match hop {
        0 => {
            "the request arrived when CloudFormation no longer waited for its answer; nothing was done".into()
        }
        hop => format!(
            "not done when CloudFormation's time-out for it ran out, before invocation {hop} after the first began"
        ),
    })
}

fn took(begun: Now) -> f32 {
    begun.instant.elapsed().as_secs_f32()
}

/// The request's one line. A failure is logged in full, because its stack event may have had no room for it.
fn log(answer: &Answer, delivered: &Result<u32, Error>, begun: Now) {
    let (status, physical_resource_id) = (answer.status(), &*answer.physical_resource_id);
    let took_s = took(begun);
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
