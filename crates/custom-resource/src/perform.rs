//! Runs the provider so that each way in which it can end is a value.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{Instrument, Span};

use crate::times::{Bound, Times};
use crate::{Failure, Provider, Provisioned, Request, RequestType};

/// How long a provider's task that was aborted is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// How a request's work ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Provisioned(Provisioned),
    Deleted,
    Failed(Failure),
}

impl From<Failure> for Ending {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Runs the provider until it ends or hands over, or aborts it at the deadline. `None`: a further invocation
/// has the request, and the provider's task is gone.
pub(crate) async fn perform<P: Provider>(
    provider: Arc<P>,
    request: Request,
    times: &Times,
) -> Option<Ending> {
    let continuation = request.continuation.clone();
    let received = request.instant_at(times.received_at);
    // A set, because it aborts its tasks when it is dropped.
    let mut task = JoinSet::new();
    task.spawn(run(provider, request).instrument(Span::current()));

    let joined = tokio::select! {
        joined = timeout_at(times.deadline, task.join_next()) => joined.ok().flatten(),
        () = continuation.handed_over() => None,
    };
    let joined = match joined {
        Some(joined) => Some(joined),
        None => {
            task.abort_all();
            // It may have ended at the same moment: then that is the truth. If it blocks its thread it goes on.
            let left = times.answer_by.saturating_duration_since(Instant::now());
            let stopped = timeout(PATIENCE.min(left / 4), task.join_next()).await;
            stopped.ok().flatten().filter(|joined| !is_abort(joined))
        }
    };
    if continuation.end() {
        return None;
    }
    Some(match joined {
        Some(joined) => joined.unwrap_or_else(broken),
        None => out_of_time(received, times.bound).into(),
    })
}

fn is_abort(joined: &Result<Ending, JoinError>) -> bool {
    joined.as_ref().is_err_and(JoinError::is_cancelled)
}

async fn run<P: Provider>(provider: Arc<P>, request: Request) -> Ending {
    let result = match request.request_type {
        RequestType::Create => provider.create(request).await.map(Ending::Provisioned),
        RequestType::Update => provider.update(request).await.map(Ending::Provisioned),
        RequestType::Delete => provider.delete(request).await.map(|()| Ending::Deleted),
    };
    result.unwrap_or_else(Ending::Failed)
}

fn broken(error: JoinError) -> Ending {
    let reason = match error.try_into_panic() {
        Ok(panic) => format!("the provider panicked: {}", panic_text(&*panic)),
        Err(_) => "the provider was aborted".to_owned(),
    };
    Failure::new(reason).into()
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no text)")
}

fn out_of_time(begun: Instant, bound: Bound) -> Failure {
    let seconds = begun.elapsed().as_secs();
    Failure::new(match bound {
        Bound::Function => format!("not done after {seconds} s, when the function's time ran out"),
        Bound::ServiceTimeout => {
            format!("not done after {seconds} s, when CloudFormation's time-out for it ran out")
        }
    })
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use serde_json::json;

    use super::*;
    use crate::envelope::Envelope;
    use crate::invoker::AnyInvoker;
    use crate::means::Way;
    use crate::now::Now;
    use crate::{InvokeError, Invoker, Settings};

    /// Ends each request as its closure does.
    struct Scripted<F>(F);

    impl<F, Fut> Provider for Scripted<F>
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Provisioned, Failure>> + Send,
    {
        async fn create(&self, request: Request) -> Result<Provisioned, Failure> {
            (self.0)(request).await
        }

        async fn update(&self, request: Request) -> Result<Provisioned, Failure> {
            (self.0)(request).await
        }

        async fn delete(&self, request: Request) -> Result<(), Failure> {
            (self.0)(request).await.map(drop)
        }
    }

    /// Performs a request whose provider has 50 s.
    async fn performed<F, Fut>(kind: &str, script: F) -> Ending
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Provisioned, Failure>> + Send + 'static,
    {
        let request = Request::from_event(json!({ "RequestType": kind }), Duration::from_secs(60)).unwrap();
        let ending = perform(Arc::new(Scripted(script)), request.clone(), &times(&request)).await;
        ending.expect("there is no way to hand over")
    }

    fn times(request: &Request) -> Times {
        Times {
            deadline: request.deadline,
            service_deadline: request.service_deadline,
            answer_by: request.invocation_deadline,
            invocation_deadline: request.invocation_deadline,
            received_at: request.wall_clock(),
            bound: Bound::Function,
            too_late: false,
        }
    }

    fn reason(ending: Ending) -> String {
        match ending {
            Ending::Failed(failure) => failure.reason,
            Ending::Provisioned(_) | Ending::Deleted => panic!("a failure was expected"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_request_type_reaches_its_method() {
        let echo = |request: Request| async move { Ok(Provisioned::new(request.request_type.as_str())) };
        for kind in ["Create", "Update"] {
            assert_eq!(
                performed(kind, echo).await,
                Ending::Provisioned(Provisioned::new(kind))
            );
        }
        assert_eq!(performed("Delete", echo).await, Ending::Deleted);
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_is_a_failure_that_says_its_text() {
        let text = performed("Create", |_| async { panic!("row {} is gone", 7) }).await;
        assert_eq!(reason(text), "the provider panicked: row 7 is gone");
        let other = performed("Delete", |_| async { std::panic::panic_any(7) }).await;
        assert_eq!(reason(other), "the provider panicked: (no text)");
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_is_aborted_at_its_deadline_and_not_before() {
        let in_time = |request: Request| async move {
            tokio::time::sleep_until(request.deadline - Duration::from_millis(1)).await;
            Ok(Provisioned::new("just"))
        };
        assert_eq!(
            performed("Create", in_time).await,
            Ending::Provisioned(Provisioned::new("just"))
        );

        let begun = Instant::now();
        let never = performed("Create", |_| std::future::pending()).await;
        assert_eq!(begun.elapsed().as_secs(), 50);
        assert_eq!(
            reason(never),
            "not done after 50 s, when the function's time ran out"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_aborted_provider_is_dropped_before_the_answer() {
        let (held, mut released) = tokio::sync::mpsc::channel::<()>(1);
        let ending = performed("Update", move |_| {
            let held = held.clone();
            async move {
                let _held = held;
                std::future::pending().await
            }
        })
        .await;
        assert!(matches!(ending, Ending::Failed(_)));
        assert!(
            released.recv().await.is_none(),
            "the provider's task still holds its sender"
        );
    }

    /// An invoker that takes or refuses everything.
    struct Told(Result<(), InvokeError>);

    impl Invoker for Told {
        async fn invoke(&self, _: &str, _: Vec<u8>) -> Result<(), InvokeError> {
            self.0.clone()
        }

        async fn check(&self, _: &str) -> Result<(), InvokeError> {
            self.0.clone()
        }
    }

    /// Performs a Create that can be handed over; `None` says that it was.
    async fn continued<F, Fut>(answer: Result<(), InvokeError>, script: F) -> Option<Ending>
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Provisioned, Failure>> + Send + 'static,
    {
        let now = Now::read(SystemTime::now);
        let mut envelope = Envelope::read(json!({"RequestType": "Create"}));
        let settings = Settings::default();
        let times = Times::plan(now, Duration::from_secs(60), &envelope, settings.answer_reserve);
        let way = Way {
            invoker: AnyInvoker::new(Told(answer)),
            function_arn: "arn:report".to_owned(),
            event: serde_json::Map::new(),
        };
        let request = Request::take(
            RequestType::Create,
            &mut envelope,
            now,
            &times,
            &settings,
            Ok(way),
        );
        perform(Arc::new(Scripted(script)), request, &times).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_that_has_handed_over_is_dropped_at_once_and_ends_nothing() {
        let (held, mut released) = tokio::sync::mpsc::channel::<()>(1);
        let begun = Instant::now();
        let ending = continued(Ok(()), move |request| {
            let held = held.clone();
            async move {
                let _held = held;
                request.continuation.hand_over(json!(null)).await.unwrap();
                unreachable!("it has been handed over");
            }
        })
        .await;
        assert_eq!((ending, begun.elapsed()), (None, Duration::ZERO));
        assert!(
            released.recv().await.is_none(),
            "the provider's task still holds its sender"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_result_that_comes_together_with_the_hand_over_is_left_to_the_next_invocation() {
        let both = |request: Request| async move {
            tokio::select! {
                biased;
                _ = request.continuation.hand_over(json!(null)) => unreachable!("it never returns"),
                () = std::future::ready(()) => Ok(Provisioned::new("new")),
            }
        };
        assert_eq!(continued(Ok(()), both).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_hand_over_that_failed_the_provider_has_its_time_and_the_answer_is_its_own() {
        let refused = || {
            Err(InvokeError::Refused {
                why: "no permission".to_owned(),
            })
        };
        let told = continued(refused(), |request| async move {
            let Err(error) = request.continuation.hand_over(json!(null)).await;
            Err(Failure::from_error(&error))
        });
        assert_eq!(
            reason(told.await.unwrap()),
            "the hand-over to a further invocation was refused: no permission"
        );
        let panicked = continued(refused(), |request| async move {
            let Err(error) = request.continuation.hand_over(json!(null)).await;
            panic!("{error}")
        });
        assert!(reason(panicked.await.unwrap()).starts_with("the provider panicked: the hand-over"));
        let never = continued(refused(), |request| async move {
            let Err(_) = request.continuation.hand_over(json!(null)).await;
            std::future::pending().await
        });
        assert_eq!(
            reason(never.await.unwrap()),
            "not done after 50 s, when the function's time ran out"
        );
    }
}
