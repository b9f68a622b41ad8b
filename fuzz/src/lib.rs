//! What the fuzz targets share.
//!
//! Each target is a program of its own in `targets/`; `make fuzz` and `make test-fuzz` build and run them. An input is
//! JSON that a person can read, as `corpus/` shows: what the outside says, and for the targets that need a server also
//! what that server answers. What is not JSON is an input too: then it is what the outside says, as it stands.
//!
//! Nothing leaves this machine: every address in an input is replaced by that of the target's own [`server`].

pub mod answer;
pub mod event;
pub mod home;
pub mod mutator;
pub mod scenario;
pub mod server;
