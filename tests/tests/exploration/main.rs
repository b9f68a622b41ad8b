//! Exhaustive exploration of the decisions: a model checker takes the function's own decisions through everything that
//! can happen to a stack's resource, and looks for a rule that does not hold.
//!
//! ```text
//! cargo test -p sparkwright-tests --test exploration -- --nocapture
//! EXPLORATION_DEEP=1 cargo test -p sparkwright-tests --test exploration histories -- --nocapture
//! EXPLORATION_ONLY="handed over" cargo test -p sparkwright-tests --test exploration histories -- --nocapture
//! ```
//!
//! # What is real, and what is model
//!
//! Real: `Life`, `Sweep`, `Goal` and `StackWord` of the function; `Submission`, `Watched` with its `RunHistory`, `Stop`, the
//! tie-break and the intents of `spark-job`. Model: the drivers around them, one request to a service a step (`invocation`
//! and what it is made of), Livy, YARN and the spark-submits (`world`), CloudFormation (`stack`) and Lambda (`state`).
//!
//! # Bounds
//!
//! - Time passes in ticks of a minute: two are what a spark-submit takes at most, three are more than the time to settle.
//!   Within a tick anything comes in any order, but a question whether a request is wanted and the POST or the answer that
//!   follows at once are one step, unless the POST arrives late (`Fault::Stall`).
//! - A history has as many faults as its `Scenario` says, of the kinds that it names.
//! - There is one place, always with a ResourceManager; Livy runs cluster mode and refuses nothing.
//!
//! # Layout
//!
//! `histories` are explored and hold; `defects` break one rule each and are found; `findings` are histories that once
//! broke a rule; those that still do, or are out of the model's reach, are ignored and say why. `violations` lists the rules.
//! All of this is of a stack's resource; `worker` has the same of the worker's tasks, in words of its own.
#![allow(clippy::print_stdout, reason = "the exploration's figures are for people")]

mod answering;
mod checks;
mod defect;
mod defects;
mod deleting;
mod explore;
mod findings;
mod histories;
mod invocation;
mod model;
mod names;
mod provisioning;
mod request;
mod scenario;
mod sight;
mod stack;
mod state;
mod stopping;
mod submitting;
mod violations;
mod waiting;
mod worker;
mod world;
