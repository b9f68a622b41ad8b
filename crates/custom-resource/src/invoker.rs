//! Who invokes the function again.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

/// Invokes the function asynchronously, for work that is longer than one invocation.
///
/// `SelfInvocation` (feature `aws`) does it through Lambda's own interface.
///
/// # Assumptions
///
/// - An event that was taken is delivered at least once, not necessarily soon.
/// - The event holds the URL that answers the request: it is not logged or stored.
pub trait Invoker: Send + Sync + 'static {
    /// Has the function invoked with this event, without waiting for what becomes of it.
    fn invoke(
        &self,
        function_arn: &str,
        payload: Vec<u8>,
    ) -> impl Future<Output = Result<(), InvokeError>> + Send;

    /// Whether [`invoke`](Self::invoke) would be allowed now, without doing it.
    fn check(&self, function_arn: &str) -> impl Future<Output = Result<(), InvokeError>> + Send;
}

/// Why the function was not invoked, or perhaps not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvokeError {
    /// An answer that refuses: the function was not invoked, and will not be if it is tried again.
    #[error("{why}")]
    Refused {
        /// What to change.
        why: String,
    },
    /// No answer, or one that may pass. The function may have been invoked nevertheless.
    #[error("{why}")]
    Failed {
        /// What stood in the way.
        why: String,
    },
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<(), InvokeError>> + Send + 'a>>;

/// An [`Invoker`] of any type, so that handlers and requests need no parameter for it.
#[derive(Clone)]
pub(crate) struct AnyInvoker(Arc<dyn Erased>);

impl AnyInvoker {
    pub(crate) fn new(invoker: impl Invoker) -> Self {
        Self(Arc::new(invoker))
    }

    pub(crate) fn invoke<'a>(&'a self, function_arn: &'a str, payload: Vec<u8>) -> Answer<'a> {
        self.0.invoke(function_arn, payload)
    }

    pub(crate) fn check<'a>(&'a self, function_arn: &'a str) -> Answer<'a> {
        self.0.check(function_arn)
    }
}

impl fmt::Debug for AnyInvoker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyInvoker(..)")
    }
}

trait Erased: Send + Sync {
    fn invoke<'a>(&'a self, function_arn: &'a str, payload: Vec<u8>) -> Answer<'a>;
    fn check<'a>(&'a self, function_arn: &'a str) -> Answer<'a>;
}

impl<I: Invoker> Erased for I {
    fn invoke<'a>(&'a self, function_arn: &'a str, payload: Vec<u8>) -> Answer<'a> {
        Box::pin(Invoker::invoke(self, function_arn, payload))
    }

    fn check<'a>(&'a self, function_arn: &'a str) -> Answer<'a> {
        Box::pin(Invoker::check(self, function_arn))
    }
}
