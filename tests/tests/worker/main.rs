//! The real worker, in-process, against the simulators of Step Functions, Livy and YARN.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod cancels;
mod credentials;
mod documents;
mod draining;
mod inputs;
mod outages;
mod outcomes;
mod polls;
mod retries;
mod secrets;
mod site;
