//! The function's look-ups of clusters and secrets against moto's EMR and Secrets Manager, where the environment says
//! where these are: `SPARKWRIGHT_MOTO_URL`. The bed's `test_moto.py` starts them, with what moto lacks of EMR
//! (`bed/moto_server.py`: starting clusters, instance fleets, names of primary nodes), and runs this.
//!
//! Where moto still is not as AWS: it knows no permissions and no throttling, a terminated cluster never is forgotten, and
//! its messages are not AWS' own, so that no test is about their words.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod clusters;
mod jobs;
mod secrets;
mod site;
