//! The function as a whole: the real handler against the simulators, and the real program under the Runtime API.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod breaks;
mod continuation;
mod create;
mod credentials;
mod delete;
mod gate;
mod invented;
mod places;
mod primary_nodes;
mod process;
mod stage;
mod superseded;
mod update;
mod update_fails;
