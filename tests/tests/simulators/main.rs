//! Tests of the simulators themselves: plain HTTP, no client of Sparkwright's own.

mod aws;
mod cloudformation;
mod faults;
mod fixture;
mod lambda;
mod livy;
mod livy_restarts;
mod load;
mod raw;
mod step_functions;
mod ties;
mod yarn;
