//! Whether CloudFormation still wants what a request asked for.
//!
//! A request can be overtaken: its stack rolls back while it is still at work. Whoever knows so closes the gate; the
//! request then stops its own run only, submits nothing, and answers FAILED.

use std::future::Future;

use custom_resource::Request;

/// When the gate is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// An earlier run is about to be stopped.
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

/// Somebody who knows whether a request was overtaken.
pub trait Gate: Send + Sync + 'static {
    /// Lets the request go on, or says why nobody wants it any more.
    fn pass(&self, request: &Request, moment: Moment) -> impl Future<Output = Result<(), String>> + Send;
}

/// A gate that is always open: nothing is known of other requests, and a Delete's settling is what remains.
#[derive(Clone, Copy, Debug, Default)]
pub struct AlwaysOpen;

impl Gate for AlwaysOpen {
    async fn pass(&self, _request: &Request, _moment: Moment) -> Result<(), String> {
        Ok(())
    }
}
