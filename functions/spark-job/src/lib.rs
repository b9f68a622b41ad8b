//! `Custom::SparkJob`: a Spark job as a resource of a CloudFormation stack.
//!
//! A stack declares a job; CloudFormation starts, replaces and stops it. The protocol, with its one answer for every
//! request, is the [`custom_resource`] crate's; what is done to Livy and YARN is [`sparkwright_spark_job`]'s. This crate
//! is what lies between: which run a request means, what has to go before it, and what is answered.
//!
//! # Layout
//!
//! | modules | what they hold |
//! |---|---|
//! | [`config`] | the environment |
//! | [`properties`], [`place`], `job` | what the template declares, read once, and the names that it goes by |
//! | [`physical_id`] | what a Delete has in hand, years later |
//! | [`aws`], [`cluster`], [`credentials`], `site` | from a place to clients of its Livy and ResourceManager |
//! | [`life`], [`wait`] | decisions, without client or clock |
//! | [`provider`], `provision`, `delete` | the requests: what carries the decisions out |
//! | `ground`, `launch`, `started`, `removal` | their steps: look, submit, watch, stop |
//! | `plan`, `budget`, `limits` | how a request's time is divided, over all invocations that it takes |
//! | [`gate`], [`superseded`] | where a request that was overtaken is called off, and who knows |
//! | [`answer`] | attributes and reasons |
//!
//! # Guarantees
//!
//! - Properties are validated completely, and the place of the new job has answered, before anything is stopped.
//! - The physical id is claimed before the first request that leaves something behind, so that whatever fails after it,
//!   a Delete finds the run.
//! - Finding and stopping a run needs its physical id only. Properties of any earlier form help where they can.

pub mod answer;
pub mod aws;
mod budget;
pub mod cluster;
pub mod config;
pub mod credentials;
mod delete;
pub mod gate;
mod ground;
mod job;
mod launch;
pub mod life;
mod limits;
pub mod physical_id;
pub mod place;
mod plan;
pub mod properties;
pub mod provider;
mod provision;
mod removal;
mod site;
mod started;
pub mod superseded;
pub mod wait;
