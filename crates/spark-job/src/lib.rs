//! A Spark job: declared, submitted once, watched, stopped, explained.
//!
//! The job model that the CloudFormation function and the Step Functions worker share. It speaks to Livy and to
//! YARN's ResourceManager through their clients, and knows no AWS and no environment.
//!
//! # Layout
//!
//! | modules | what they hold |
//! |---|---|
//! | [`fields`], [`parameters`], [`endpoint`] | what a user declares, read with every mistake in one message |
//! | [`identity`], [`names`], [`redact`] | hashes, batch names and tags (a contract), and what must not be shown |
//! | [`cluster`], [`sighting`] | one endpoint with its clients, and what one look at it showed |
//! | [`submission`], [`standing`], [`stop`] | decisions: pure steps, each with a small driver beside it |
//! | [`watch`], [`watcher`] | looking again and again: at one run, or in bulk at all runs of a cluster |
//! | [`outcome`], [`explanation`] | how a run ended, and why |
//!
//! # Words
//!
//! An *intent* is what one run request is for. A *run* is one batch of it. A *resource* is a stack's logical id.
//! A *spec* is the hash of what the user declared: equal specs need no new run.

mod batch_list;
pub mod cluster;
pub mod endpoint;
mod errors;
pub mod explanation;
pub mod fields;
pub mod identity;
pub mod names;
pub mod outcome;
mod pace;
pub mod parameters;
pub mod redact;
pub mod sighting;
#[cfg(test)]
mod specimens;
pub mod standing;
pub mod stop;
pub mod submission;
mod turns;
pub mod watch;
pub mod watcher;

pub use errors::chain;
