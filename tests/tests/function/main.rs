//! The function as a whole: the real handler against the simulators, and the real program under the Runtime API.

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
