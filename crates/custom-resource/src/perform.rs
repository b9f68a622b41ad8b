//! Runs the provider so that each way in which it can end is a value.

use std::any::Any;
use std::sync::Arc;

use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument, Span};

use crate::times::{Bound, Times};
use crate::{Failure, Provider, Provisioned, Request, RequestType};

/// How a request's work ended. (A hand-over to a further invocation would be one more ending.)
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

/// Runs the provider until it ends, or aborts it at the deadline.
pub(crate) async fn perform<P: Provider>(provider: Arc<P>, request: Request, times: &Times) -> Ending {
    let begun = Instant::now();
    // A set, because it aborts its tasks when it is dropped.
    let mut task = JoinSet::new();
    task.spawn(run(provider, request).instrument(Span::current()));

    if let Ok(joined) = timeout_at(times.deadline, task.join_next()).await {
        return joined.expect("the set has its one task").unwrap_or_else(broken);
    }
    task.abort_all();
    // It may have ended at the same moment: then that is the truth. If it blocks its thread it goes on.
    let patience = times.answer_by.saturating_duration_since(times.deadline) / 4;
    match timeout_at(Instant::now() + patience, task.join_next()).await {
        Ok(Some(Ok(ending))) => ending,
        Ok(_) | Err(_) => out_of_time(begun, times.bound).into(),
    }
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
    use std::time::Duration;

    use serde_json::json;

    use super::*;

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
        let times = Times {
            deadline: request.deadline,
            answer_by: request.invocation_deadline,
            invocation_deadline: request.invocation_deadline,
            bound: Bound::Function,
            too_late: false,
        };
        perform(Arc::new(Scripted(script)), request, &times).await
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
}
