//! One request as a provider sees it.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::envelope::Envelope;
use crate::means::{Means, Way};
use crate::now::Now;
use crate::times::Times;
use crate::{Claim, Continuation, Issued, NOTHING_CREATED, Redactions, Settings};

/// What CloudFormation wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestType {
    /// The resource is new to the stack.
    Create,
    /// A property changed, or a change is rolled back.
    Update,
    /// The resource leaves the stack, was replaced, or its Create failed.
    Delete,
}

impl RequestType {
    /// CloudFormation's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Update => "Update",
            Self::Delete => "Delete",
        }
    }

    pub(crate) fn read(word: &str) -> Option<Self> {
        [Self::Create, Self::Update, Self::Delete]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

impl fmt::Display for RequestType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A request, without the URL that answers it.
///
/// Text fields that the event lacks are empty. `Debug` shows no properties: they may hold secrets.
#[derive(Clone)]
#[non_exhaustive]
pub struct Request {
    /// What is to be done.
    pub request_type: RequestType,
    /// One per request and stack, though CloudFormation uses it again when a failed deployment is retried.
    pub request_id: String,
    /// The stack's ARN.
    pub stack_id: String,
    /// The resource's name in the template.
    pub logical_resource_id: String,
    /// The resource's type, such as `Custom::Thing`.
    pub resource_type: String,
    /// CloudFormation gives it with each Update and Delete, never with a Create; some emulators give none.
    pub physical_resource_id: Option<String>,
    /// `ResourceProperties`: every scalar is a string. Empty when the event has none.
    pub properties: Map<String, Value>,
    /// `OldResourceProperties` of an Update. Empty when the event has none.
    pub old_properties: Map<String, Value>,
    /// The last instant at which the provider may still be at work; then it is aborted and FAILED is sent.
    /// Whatever has to be stopped for want of time must be stopped before it.
    pub deadline: Instant,
    /// When Lambda ends this invocation.
    pub invocation_deadline: Instant,
    /// The provider's last instant over all invocations: when CloudFormation stops waiting, less the time for
    /// the answer. Worked out once and carried along, so it is the same in each [`hop`](Continuation::hop).
    /// For a Delete that nobody waits for any more it is [`deadline`](Self::deadline).
    pub service_deadline: Instant,
    /// When CloudFormation signed the response URL, and until when it accepts an answer.
    pub issued: Issued,
    /// Tells by which id a Delete finds what a failure leaves behind.
    pub claim: Claim,
    /// Texts that must not appear in an answer's reason or in a log.
    pub redactions: Redactions,
    /// The way to a further invocation, for work that is longer than this one.
    pub continuation: Continuation,
    /// When the invocation began.
    begun: Now,
}

impl Request {
    /// The request that a provider sees of this event in an invocation of this length (2 to 900 s), for its
    /// tests; `None` when the request type is unknown. It cannot be handed over.
    pub fn from_event(event: Value, invocation: Duration) -> Option<Self> {
        let mut envelope = Envelope::read(event);
        let kind = envelope.request_type.as_ref().ok().copied()?;
        let settings = Settings::default();
        let now = Now::read(settings.wall_clock);
        let times = Times::plan(now, invocation, &envelope, settings.answer_reserve);
        let way = Err("the request did not come from a handler");
        Some(Self::take(kind, &mut envelope, now, &times, &settings, way))
    }

    /// Takes the properties and the state out of the envelope: the answer does not need them.
    pub(crate) fn take(
        kind: RequestType,
        envelope: &mut Envelope,
        begun: Now,
        times: &Times,
        settings: &Settings,
        way: Result<Way, &'static str>,
    ) -> Self {
        let claim = Claim::default();
        if let Some(id) = &envelope.carried.claimed_id {
            claim.physical_resource_id(id);
        }
        let means = way.map(|way| Means {
            way,
            claim: claim.clone(),
            received_at: times.received_at,
            service_deadline: begun.wall_clock_at(times.service_deadline),
            deadline: times.deadline,
            patience: settings.hand_over_timeout,
        });
        let (hop, state) = (envelope.carried.hop, envelope.carried.state.take());
        Self {
            request_type: kind,
            request_id: envelope.request_id.clone(),
            stack_id: envelope.stack_id.clone(),
            logical_resource_id: envelope.logical_resource_id.clone(),
            resource_type: envelope.resource_type.clone(),
            physical_resource_id: envelope.physical_resource_id.clone(),
            properties: std::mem::take(&mut envelope.properties),
            old_properties: std::mem::take(&mut envelope.old_properties),
            deadline: times.deadline,
            invocation_deadline: times.invocation_deadline,
            service_deadline: times.service_deadline,
            issued: envelope.issued(),
            claim,
            redactions: Redactions::default(),
            continuation: Continuation::new(hop, state, settings.max_hops, means),
            begun,
        }
    }

    /// The wall clock now: what was read when the invocation began, and what has passed on tokio's clock since.
    /// Within an invocation it does not jump.
    pub fn wall_clock(&self) -> SystemTime {
        self.wall_clock_at(Instant::now())
    }

    /// The instant of a time. A time in the past gives an instant in the past, and the beginning of the
    /// invocation when the clock does not reach so far back; one in the far future is brought nearer.
    pub fn instant_at(&self, wall_clock: SystemTime) -> Instant {
        self.begun.instant_at(wall_clock)
    }

    /// The time of an instant, as [`wall_clock`](Self::wall_clock) would give it then.
    pub fn wall_clock_at(&self, instant: Instant) -> SystemTime {
        self.begun.wall_clock_at(instant)
    }

    /// Whether the physical id says that the Create failed before there was anything to delete;
    /// for providers that keep the default [`fallback_id`](crate::Provider::fallback_id).
    pub fn nothing_was_created(&self) -> bool {
        self.physical_resource_id.as_deref() == Some(NOTHING_CREATED)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("request_type", &self.request_type)
            .field("request_id", &self.request_id)
            .field("stack_id", &self.stack_id)
            .field("logical_resource_id", &self.logical_resource_id)
            .field("resource_type", &self.resource_type)
            .field("physical_resource_id", &self.physical_resource_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_prints_neither_properties_nor_url() {
        let event = json!({
            "RequestType": "Create", "LogicalResourceId": "Report", "ResponseURL": "https://host/k?X-Amz-Signature=c0ffee",
            "ResourceProperties": {"Password": "hunter2"}, "OldResourceProperties": {"Password": "hunter1"},
        });
        let request = Request::from_event(event, Duration::from_secs(60)).unwrap();
        assert_eq!(request.properties["Password"], "hunter2");
        let text = format!("{request:?}");
        assert!(
            text.contains("Report") && !text.contains("hunter") && !text.contains("c0ffee"),
            "{text}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn within_an_invocation_there_is_one_clock() {
        let event = json!({ "RequestType": "Create" });
        let request = Request::from_event(event, Duration::from_secs(60)).unwrap();
        let (begun, wall) = (Instant::now(), request.wall_clock());
        tokio::time::advance(Duration::from_secs(7)).await;
        assert_eq!(request.wall_clock(), wall + Duration::from_secs(7));
        assert_eq!(request.instant_at(request.wall_clock()), Instant::now());
        assert_eq!(request.wall_clock_at(begun), wall);
    }

    #[test]
    fn a_hop_is_read_from_its_event_and_cannot_be_handed_over_without_a_handler() {
        let event = json!({ "RequestType": "Create", "CustomResourceContinuation": {
            "Hop": 2, "ReceivedAt": 1000, "ServiceDeadline": 4_000_000_000_000_u64, "ClaimedId": "report-18",
            "State": {"Page": 7},
        }});
        let request = Request::from_event(event, Duration::from_secs(60)).unwrap();
        let way = &request.continuation;
        assert_eq!((way.hop(), way.state()), (2, Some(&json!({"Page": 7}))));
        assert_eq!(request.claim.claimed().as_deref(), Some("report-18"));
        assert_eq!((way.is_available(), way.hops_left()), (false, 0));
    }

    #[test]
    fn only_the_marker_says_that_nothing_was_created() {
        let with_id = |id: Value| {
            let event = json!({ "RequestType": "Delete", "PhysicalResourceId": id });
            Request::from_event(event, Duration::from_secs(60))
                .unwrap()
                .nothing_was_created()
        };
        assert!(with_id(json!(NOTHING_CREATED)));
        assert!(!with_id(json!("stack-Report-1Q2W3E")));
        assert!(!with_id(Value::Null));
        assert!(Request::from_event(json!({"RequestType": "Destroy"}), Duration::ZERO).is_none());
    }
}
