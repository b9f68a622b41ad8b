//! AWS CloudFormation custom resources on the Lambda runtime.
//!
//! CloudFormation waits up to an hour for the answer to each request, and a request that is never answered
//! holds its stack for all of it. A [`Handler`] gives **exactly one answer per request**, whatever the
//! [`Provider`] does: it may fail, panic, or work past the function's time. The README has an example.
//!
//! # Layout
//!
//! - [`Provider`]: what you write; [`Request`], [`Provisioned`] and [`Failure`] are its words.
//! - [`Handler`]: reads the event leniently, runs the provider as a task, answers.
//! - [`respond`]: delivers the answer to the presigned URL.
//! - [`Continuation`]: hands work that is longer than one invocation over to a further one, through an [`Invoker`];
//!   `SelfInvocation` (feature `aws`) is the one that real functions use.
//!
//! # Guarantees
//!
//! - Nothing before the envelope can fail: the payload is taken as JSON, and every field is optional except
//!   `ResponseURL`, without which there is nowhere to answer.
//! - The answer is at most 4096 bytes, has no `null`s, and has a reason whenever it says FAILED. Log lines
//!   give way first, then the end of the reason. Control characters and terminal colours are removed.
//! - A failed Update echoes the old physical id, unless the provider gives or has claimed another.
//! - A request that nobody waits for any more creates and updates nothing; a Delete is still carried out.
//! - A request that is handed over is answered by the last of its invocations. Whatever is wrong with a
//!   hand-over, the request is answered; no limit moves because of it.
//! - The response URL and what the provider hides never reach this crate's answers and logs.
//!
//! # Caveats
//!
//! - Lambda delivers at least once, and again after an undelivered answer: providers must be idempotent.
//! - A provider that blocks its thread cannot be aborted; on a runtime with one thread it blocks the answer.
//! - Release builds must unwind: with `panic = "abort"` a panic answers nothing.
//! - Two invocations of a request may overlap, and both may answer: CloudFormation takes the first answer.
//! - The Lambda runtime logs whole events, response URL included, at TRACE, and AWS' SDK what it sends; and a
//!   panic prints its own message to standard error. Keep the level above TRACE and secrets out of panics.

mod answer;
mod body;
mod carried;
mod claim;
mod continuation;
mod envelope;
mod hand_over_error;
mod handler;
mod invoker;
mod issued;
mod means;
mod now;
mod perform;
mod provider;
mod request;
pub mod respond;
mod response_url;
#[cfg(feature = "aws")]
mod self_invocation;
mod settings;
mod text;
mod times;

pub use claim::{Claim, Redactions};
pub use continuation::Continuation;
pub use hand_over_error::HandOverError;
pub use handler::Handler;
pub use invoker::{InvokeError, Invoker};
pub use issued::Issued;
pub use provider::{Failure, NOTHING_CREATED, Provider, Provisioned};
pub use request::{Request, RequestType};
#[cfg(feature = "aws")]
pub use self_invocation::SelfInvocation;
pub use settings::Settings;

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Compiles the README's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
