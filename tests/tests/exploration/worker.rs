//! The same of the worker: what can happen to an execution's one job, whose state is retried, on one worker or two.
//!
//! ```text
//! cargo test -p sparkwright-tests --test exploration worker -- --nocapture
//! ```
//!
//! # What is real, and what is model
//!
//! Real: `Life` with `judge` and `Search` of the worker; `Submission`, `Stop`, the tie-break and the names of `spark-job`;
//! Livy, YARN and the spark-submits are the model that the function's exploration has (`world`). Model: the drivers around
//! them, a step each (`task`, `submitting`, `stopping`), the process with its journal (`process`), Step Functions with an
//! execution, its retries and its tokens (`step_functions`). How a followed run stands is told by YARN's word alone
//! (`task`): `Watched` is explored with the function, and its instants would make each state many.
//!
//! # Bounds
//!
//! - Time passes in ticks of a minute, as there. A token lives for two ticks without a heartbeat.
//! - A process that has ended, or is cut off from Step Functions, is back after three ticks at the latest.
//! - There is one execution with one state and one ClientToken.

mod checks;
mod defects;
mod histories;
mod model;
mod names;
mod process;
mod scenario;
mod state;
mod step_functions;
mod stopping;
mod submitting;
mod surroundings;
mod task;
mod watching;
