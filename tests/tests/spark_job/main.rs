//! The job model's drivers over real clients, against the simulators of Livy and YARN.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod crowds;
mod outcomes;
mod site;
mod slow;
mod stops;
mod submits;
mod ties;
mod watcher;
