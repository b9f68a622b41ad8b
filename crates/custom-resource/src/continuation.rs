//! Work that is longer than one invocation: the function hands the request over to itself.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{Mutex, watch};

use crate::HandOverError;
use crate::means::Means;

/// The way from this invocation to the next one of the same request.
///
/// # Flow
///
/// The provider plans: [`hops_left`](Self::hops_left) times the length of an invocation is what it has, and
/// [`check`](Self::check) tells before anything is begun whether the function may invoke itself. Some time
/// before [`Request::deadline`](crate::Request::deadline), enough to end the request without it, it calls
/// [`hand_over`](Self::hand_over) with what the next invocation has to know.
///
/// # Guarantees
///
/// - The next invocation sees the same request, one [`hop`](Self::hop) on, with the state, the claimed id and
///   the same [`Request::service_deadline`](crate::Request::service_deadline): a hop that arrives late gains
///   no time, and one that arrives after it does nothing but answer (a Delete is still carried out).
/// - Once handed over, the provider's task is dropped and this invocation answers nothing.
/// - After a hand-over that failed the provider still has its time, and its answer is the request's.
///
/// # Assumptions
///
/// - A hop may be delivered twice, and so may the invocations before it: then the provider runs twice and both
///   may answer. It must reach the same decision upon a fresh look at the world, whatever the state says.
/// - Texts hidden in [`Request::redactions`](crate::Request::redactions) are not carried: hide them again.
/// - The function's role allows `lambda:InvokeFunction` on the function itself.
#[derive(Clone)]
pub struct Continuation(Arc<Inner>);

struct Inner {
    hop: u32,
    state: Option<Value>,
    max_hops: u32,
    means: Result<Means, &'static str>,
    stage: watch::Sender<Stage>,
    /// Held by the one call that may be under way.
    turn: Mutex<()>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The request is this invocation's.
    Open,
    /// It is the next one's.
    HandedOver,
    /// It was ended here.
    Ended,
}

impl Continuation {
    pub(crate) fn new(
        hop: u32,
        state: Option<Value>,
        max_hops: u32,
        means: Result<Means, &'static str>,
    ) -> Self {
        Self(Arc::new(Inner {
            hop,
            state,
            max_hops,
            means,
            stage: watch::Sender::new(Stage::Open),
            turn: Mutex::new(()),
        }))
    }

    /// How many times the request was handed over: 0 in CloudFormation's own invocation.
    pub fn hop(&self) -> u32 {
        self.0.hop
    }

    /// What the provider carried over from the invocation before; `None` in CloudFormation's own.
    pub fn state(&self) -> Option<&Value> {
        self.0.state.as_ref()
    }

    /// Whether the request can be handed over: there is an invoker, Lambda said which function this is, and
    /// hops are left. Whether it is allowed, [`check`](Self::check) tells.
    pub fn is_available(&self) -> bool {
        self.means().is_ok()
    }

    /// How many more times the request can be handed over, each time by the invocation that then has it; 0
    /// when it cannot.
    pub fn hops_left(&self) -> u32 {
        self.means()
            .map_or(0, |_| self.0.max_hops.saturating_sub(self.0.hop))
    }

    /// Asks whether the function may invoke itself, without doing it.
    ///
    /// # Errors
    ///
    /// As [`hand_over`](Self::hand_over), [`HandOverError::TooLarge`] excepted.
    pub async fn check(&self) -> Result<(), HandOverError> {
        let means = self.means()?;
        let way = &means.way;
        means.patiently(way.invoker.check(&way.function_arn)).await
    }

    /// Hands the request over to a further invocation of the function. **It returns only when that failed**: on
    /// success the provider's task is dropped where it stands, and nothing is answered in this invocation.
    ///
    /// The call is not to be cancelled: dropped half-way, the next invocation may take place beside this one.
    ///
    /// # Errors
    ///
    /// When the function was not invoked, or when that is unknown
    /// ([`may_have_happened`](HandOverError::may_have_happened)). It takes at most a third of the time that
    /// remains, so there is time to end the request.
    pub async fn hand_over(&self, state: Value) -> Result<Infallible, HandOverError> {
        let means = self.means()?;
        // A second call waits for the first, and for ever once that has succeeded.
        let _turn = self.0.turn.lock().await;
        let stage = *self.0.stage.borrow();
        match stage {
            Stage::Open => {}
            Stage::HandedOver => std::future::pending().await,
            Stage::Ended => {
                let why = "the request has already been ended in this invocation";
                return Err(HandOverError::NotAvailable { why });
            }
        }
        let payload = means.payload(self.0.hop + 1, state)?;
        let way = &means.way;
        means
            .patiently(way.invoker.invoke(&way.function_arn, payload))
            .await?;
        self.0.stage.send_if_modified(|stage| {
            let is_open = *stage == Stage::Open;
            if is_open {
                *stage = Stage::HandedOver;
            }
            is_open
        });
        std::future::pending().await
    }

    /// Returns once the request has been handed over.
    pub(crate) async fn handed_over(&self) {
        let mut stage = self.0.stage.subscribe();
        // The sender lives as long as `self`.
        let _ = stage.wait_for(|stage| *stage == Stage::HandedOver).await;
    }

    /// Lets nothing be handed over from now on; says whether it had been.
    pub(crate) fn end(&self) -> bool {
        self.0.stage.send_replace(Stage::Ended) == Stage::HandedOver
    }

    fn means(&self) -> Result<&Means, HandOverError> {
        let means = self.0.means.as_ref();
        let means = means.map_err(|why| HandOverError::NotAvailable { why })?;
        if self.0.hop < self.0.max_hops {
            Ok(means)
        } else {
            Err(HandOverError::TooManyHops { max: self.0.max_hops })
        }
    }
}

impl fmt::Debug for Continuation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Continuation")
            .field("hop", &self.0.hop)
            .field("max_hops", &self.0.max_hops)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as StdMutex;
    use std::time::{Duration, SystemTime};

    use serde_json::json;
    use tokio::time::{Instant, timeout};

    use super::*;
    use crate::invoker::AnyInvoker;
    use crate::means::{MAX_PAYLOAD_BYTES, Way};
    use crate::{Claim, InvokeError, Invoker};

    const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:nightly-report:7";
    const MINUTE: Duration = Duration::from_secs(60);

    /// Function and payload of each call.
    type Calls = Arc<StdMutex<Vec<(String, Vec<u8>)>>>;

    /// Answers each call alike, or never.
    #[derive(Clone)]
    struct Scripted {
        answer: Option<Result<(), InvokeError>>,
        seen: Calls,
    }

    impl Scripted {
        fn new(answer: Option<Result<(), InvokeError>>) -> Self {
            Self {
                answer,
                seen: Arc::default(),
            }
        }

        async fn answer(&self, function_arn: &str, payload: Vec<u8>) -> Result<(), InvokeError> {
            self.seen.lock().unwrap().push((function_arn.to_owned(), payload));
            match &self.answer {
                Some(answer) => answer.clone(),
                None => std::future::pending().await,
            }
        }
    }

    impl Invoker for Scripted {
        async fn invoke(&self, function_arn: &str, payload: Vec<u8>) -> Result<(), InvokeError> {
            self.answer(function_arn, payload).await
        }

        async fn check(&self, function_arn: &str) -> Result<(), InvokeError> {
            self.answer(function_arn, Vec::new()).await
        }
    }

    fn refused() -> InvokeError {
        InvokeError::Refused { why: "no".to_owned() }
    }

    /// At this hop of at most two, with a minute to go.
    fn continuation(hop: u32, invoker: &Scripted) -> Continuation {
        let claim = Claim::default();
        claim.physical_resource_id("report-18");
        let event = json!({"RequestType": "Create", "CustomResourceContinuation": "of the hop before"});
        let means = Means {
            way: Way {
                invoker: AnyInvoker::new(invoker.clone()),
                function_arn: ARN.to_owned(),
                event: event.as_object().unwrap().clone(),
            },
            claim,
            received_at: SystemTime::UNIX_EPOCH + MINUTE,
            service_deadline: SystemTime::UNIX_EPOCH + 60 * MINUTE,
            deadline: Instant::now() + MINUTE,
            patience: Duration::from_secs(20),
        };
        Continuation::new(hop, None, 2, Ok(means))
    }

    /// Why it was not handed over. (A hand-over would never return.)
    async fn failed(continuation: &Continuation, state: Value) -> HandOverError {
        let handed_over = timeout(60 * MINUTE, continuation.hand_over(state));
        handed_over.await.expect("it was handed over").unwrap_err()
    }

    #[tokio::test(start_paused = true)]
    async fn a_hand_over_sends_the_event_with_what_the_next_invocation_needs_and_never_returns() {
        let invoker = Scripted::new(Some(Ok(())));
        let continuation = continuation(1, &invoker);
        let soon = Duration::from_secs(1);
        assert!(timeout(soon, continuation.handed_over()).await.is_err());
        let handed_over = timeout(60 * MINUTE, continuation.hand_over(json!({"Page": 7})));
        assert!(handed_over.await.is_err());

        continuation.handed_over().await;
        assert!(continuation.end());
        let seen = invoker.seen.lock().unwrap();
        let [(function_arn, payload)] = &seen[..] else {
            panic!("{} calls", seen.len());
        };
        assert_eq!(function_arn, ARN);
        let expected = json!({"RequestType": "Create", "CustomResourceContinuation": {
            "Hop": 2, "ReceivedAt": 60_000, "ServiceDeadline": 3_600_000, "ClaimedId": "report-18",
            "State": {"Page": 7},
        }});
        assert_eq!(serde_json::from_slice::<Value>(payload).unwrap(), expected);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_returns_and_hands_nothing_over() {
        let continuation = continuation(0, &Scripted::new(Some(Err(refused()))));
        let error = failed(&continuation, json!(null)).await;
        assert_eq!(error, HandOverError::Refused { why: "no".to_owned() });
        assert!(!error.may_have_happened());
        assert_eq!(continuation.check().await, Err(error));
        assert!(!continuation.end());
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_invoker_takes_at_most_its_time_out_or_a_third_of_what_is_left() {
        let continuation = continuation(0, &Scripted::new(None));
        let begun = Instant::now();
        let mut ends = Vec::new();
        for _ in 0..3 {
            let error = failed(&continuation, json!(null)).await;
            assert!(error.may_have_happened(), "{error}");
            ends.push(begun.elapsed().as_secs_f32().round());
        }
        // 20 s of the 60, then a third of 40, then a third of what is left of that.
        assert_eq!(ends, [20.0, 33.0, 42.0]);
        tokio::time::sleep_until(begun + MINUTE).await;
        for error in [
            failed(&continuation, json!(null)).await,
            continuation.check().await.unwrap_err(),
        ] {
            assert!(matches!(error, HandOverError::NotAvailable { .. }), "{error}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_lambda_takes_is_sent() {
        let invoker = Scripted::new(Some(Ok(())));
        let text = "x".repeat(MAX_PAYLOAD_BYTES);
        let error = failed(&continuation(0, &invoker), json!(text)).await;
        assert!(
            matches!(error, HandOverError::TooLarge { bytes } if bytes > MAX_PAYLOAD_BYTES),
            "{error}"
        );
        assert!(invoker.seen.lock().unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn hops_are_counted_down_to_none() {
        let invoker = Scripted::new(Some(Ok(())));
        for (hop, left) in [(0, 2), (1, 1), (2, 0), (9, 0)] {
            let continuation = continuation(hop, &invoker);
            assert_eq!(
                (continuation.hops_left(), continuation.is_available()),
                (left, left > 0)
            );
        }
        let last = continuation(2, &invoker);
        let error = HandOverError::TooManyHops { max: 2 };
        assert_eq!(failed(&last, json!(null)).await, error);
        assert_eq!(last.check().await.unwrap_err(), error);
        assert!(invoker.seen.lock().unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_call_waits_for_the_first_and_a_request_is_handed_over_once() {
        let invoker = Scripted::new(Some(Ok(())));
        let continuation = continuation(0, &invoker);
        let calls =
            async { tokio::join!(continuation.hand_over(json!(1)), continuation.hand_over(json!(2))) };
        assert!(timeout(MINUTE, calls).await.is_err());
        assert_eq!(invoker.seen.lock().unwrap().len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_was_ended_is_not_handed_over_by_what_still_runs() {
        let invoker = Scripted::new(Some(Ok(())));
        let continuation = continuation(0, &invoker);
        assert!(!continuation.end());
        let error = failed(&continuation, json!(null)).await;
        assert!(matches!(error, HandOverError::NotAvailable { .. }), "{error}");
        assert!(invoker.seen.lock().unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_that_is_printed_shows_the_event_or_the_state() {
        let continuation = continuation(0, &Scripted::new(None));
        assert_eq!(
            format!("{continuation:?}"),
            "Continuation { hop: 0, max_hops: 2, .. }"
        );
    }
}
