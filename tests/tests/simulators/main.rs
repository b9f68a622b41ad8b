//! Tests of the simulators themselves: plain HTTP, no client of Sparkwright's own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod aws;
mod cloudformation;
mod faults;
mod fixture;
mod lambda;
mod livy;
mod livy_ends;
mod livy_restarts;
mod load;
mod raw;
mod step_functions;
mod step_functions_refusals;
mod ties;
mod yarn;
mod yarn_ends;
mod yarn_outages;
