//! The crate from outside: real events, a provider that misbehaves, a response URL that does too.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod alone;
mod anything;
mod breaks;
mod cases;
mod delivery;
mod events;
mod hand_over;
mod hops;
mod https;
mod independence;
#[cfg(feature = "aws")]
mod lambda;
mod logs;
mod provider;
mod relay;
mod sink;
