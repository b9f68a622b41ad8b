//! A provider whose work is longer than one invocation, and an invoker that keeps what it is given.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use custom_resource::{
    Failure, HandOverError, Handler, InvokeError, Invoker, Provider, Provisioned, Request, Settings,
};
use serde_json::{Value, json};

use crate::events::{FUNCTION_ARN, invocation};
use crate::provider::{CLAIMED_ID, FALLBACK_ID, NEW_ID};

/// An invocation that nothing here runs into.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Takes events, or does not.
#[derive(Clone, Default)]
pub(crate) struct Recorder {
    /// `None` never answers.
    pub(crate) answer: Arc<Mutex<Option<Option<InvokeError>>>>,
    pub(crate) events: Arc<Mutex<Vec<Value>>>,
}

impl Recorder {
    pub(crate) fn taking() -> Self {
        Self {
            answer: Arc::new(Mutex::new(Some(None))),
            events: Arc::default(),
        }
    }

    pub(crate) fn refusing(error: InvokeError) -> Self {
        Self {
            answer: Arc::new(Mutex::new(Some(Some(error)))),
            events: Arc::default(),
        }
    }

    /// The events taken, in order.
    pub(crate) fn taken(&self) -> Vec<Value> {
        self.events.lock().unwrap().clone()
    }

    async fn answer(&self) -> Result<(), InvokeError> {
        let answer = self.answer.lock().unwrap().clone();
        match answer {
            Some(None) => Ok(()),
            Some(Some(error)) => Err(error),
            None => std::future::pending().await,
        }
    }
}

impl Invoker for Recorder {
    async fn invoke(&self, function_arn: &str, payload: Vec<u8>) -> Result<(), InvokeError> {
        assert_eq!(function_arn, FUNCTION_ARN);
        self.answer().await?;
        let event = serde_json::from_slice(&payload).unwrap();
        self.events.lock().unwrap().push(event);
        Ok(())
    }

    async fn check(&self, function_arn: &str) -> Result<(), InvokeError> {
        assert_eq!(function_arn, FUNCTION_ARN);
        self.answer().await
    }
}

/// What a provider does when it could not hand over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Otherwise {
    Fail,
    Panic,
}

/// What one call saw: the state, and the service deadline by the wall clock.
pub(crate) type Seen = (Option<Value>, SystemTime);

/// Prints a report of so many parts, one in each invocation. The printer is the world that it looks at.
#[derive(Clone)]
pub(crate) struct Printing {
    pub(crate) parts: u32,
    pub(crate) otherwise: Otherwise,
    /// Bytes of state that nobody needs.
    pub(crate) ballast: usize,
    pub(crate) calls: Arc<AtomicUsize>,
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
}

impl Printing {
    pub(crate) fn of(parts: u32) -> Self {
        Self {
            parts,
            otherwise: Otherwise::Fail,
            ballast: 0,
            calls: Arc::default(),
            seen: Arc::default(),
        }
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// The same provider in a function that is invoked so.
    pub(crate) fn continued_by(&self, recorder: &Recorder, settings: Settings) -> Handler<Self> {
        Handler::new(self.clone(), settings).continued_by(recorder.clone())
    }

    async fn print(&self, request: &Request) -> Result<(), Failure> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let way = &request.continuation;
        let deadline = request.wall_clock_at(request.service_deadline);
        self.seen.lock().unwrap().push((way.state().cloned(), deadline));
        let printed = way.hop() + 1;
        if printed >= self.parts {
            return Ok(());
        }
        request.claim.physical_resource_id(CLAIMED_ID);
        let state = json!({ "Printed": printed, "Ballast": "x".repeat(self.ballast) });
        let Err(error) = way.hand_over(state).await;
        assert!(self.otherwise == Otherwise::Fail, "{error}");
        let certain = matches!(
            error,
            HandOverError::NotAvailable { .. }
                | HandOverError::TooManyHops { .. }
                | HandOverError::Refused { .. }
                | HandOverError::TooLarge { .. }
        );
        assert_eq!(error.may_have_happened(), !certain);
        Err(Failure::from_error(&error))
    }
}

impl Provider for Printing {
    async fn create(&self, request: Request) -> Result<Provisioned, Failure> {
        self.print(&request).await?;
        Ok(Provisioned::new(NEW_ID))
    }

    async fn update(&self, request: Request) -> Result<Provisioned, Failure> {
        self.create(request).await
    }

    async fn delete(&self, request: Request) -> Result<(), Failure> {
        self.print(&request).await
    }

    fn fallback_id(&self, _: &Request) -> String {
        FALLBACK_ID.to_owned()
    }
}

/// Has a handler handle an event, in a long invocation.
pub(crate) async fn handle(handler: &Handler<Printing>, event: &Value) -> Value {
    handler.handle(invocation(event.clone(), LONG)).await.unwrap()
}
