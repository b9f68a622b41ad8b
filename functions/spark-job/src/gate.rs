//! Whether CloudFormation still wants what a request asked for.
//!
//! A request can be overtaken: its stack rolls back while it is still at work. Whoever knows so closes the gate; the
//! request then stops its own run only, submits nothing, and answers FAILED. If the stack already counts that very run as
//! its resource, another delivery of the same request was faster, and the run is left alone.

use std::future::Future;

use custom_resource::Request;

/// When the gate is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The request has arrived. What is said now calls nothing off; it is what later words are compared with.
    Beginning,
    /// An earlier run is about to be stopped, or still being stopped.
    BeforeStopping,
    /// The batch is about to be created.
    BeforePost,
    /// The batch was created.
    AfterPost,
    /// From time to time while the job is watched.
    Waiting,
    /// The request is about to be answered with SUCCESS.
    BeforeAnswer,
}

/// Why nobody wants a request any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// What people read.
    pub why: String,
    /// The physical id that the stack now has for the resource, if it is known.
    pub stack_has: Option<String>,
    /// The request was answered with SUCCESS: what becomes of its run is the stack's business.
    pub is_accepted: bool,
}

impl From<&str> for Closed {
    fn from(why: &str) -> Self {
        why.to_owned().into()
    }
}

impl From<String> for Closed {
    fn from(why: String) -> Self {
        Self {
            why,
            stack_has: None,
            is_accepted: false,
        }
    }
}

/// Somebody who knows whether a request was overtaken.
pub trait Gate: Send + Sync + 'static {
    /// Lets the request go on, or says why nobody wants it any more.
    fn pass(&self, request: &Request, moment: Moment) -> impl Future<Output = Result<(), Closed>> + Send;

    /// Whether the stack is deleting its resource by the very id of this Delete, so that no other id owns anything of it.
    /// A clean-up after a replacement deletes another.
    fn is_leaving(&self, request: &Request) -> impl Future<Output = bool> + Send;
}

/// A gate that is always open: nothing is known of other requests, and a Delete's settling is what remains.
#[derive(Clone, Copy, Debug, Default)]
pub struct AlwaysOpen;

impl Gate for AlwaysOpen {
    async fn pass(&self, _request: &Request, _moment: Moment) -> Result<(), Closed> {
        Ok(())
    }

    async fn is_leaving(&self, _request: &Request) -> bool {
        false
    }
}
