//! The crate from outside: real events, a provider that misbehaves, a response URL that does too.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod alone;
mod breaks;
mod cases;
mod delivery;
mod events;
mod https;
mod logs;
mod provider;
mod sink;
