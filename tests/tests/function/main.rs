//! The function as a whole: the real handler against the simulators, and the real program under the Runtime API.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod breaks;
mod create;
mod delete;
mod invented;
mod overtaken;
mod places;
mod process;
mod stage;
mod update;
mod update_fails;
