//! The real worker, in-process, against the simulators of Step Functions, Livy and YARN.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod aws_credentials;
mod cancels;
mod check;
mod crashes;
mod crashing;
mod credentials;
mod disk;
mod documents;
mod draining;
mod inputs;
mod leases;
mod logs;
mod metrics;
mod notify;
mod other_jobs;
mod outages;
mod outcomes;
mod page;
mod polls;
mod rates;
mod restarts;
mod retries;
mod scale;
mod secrets;
mod several;
mod site;
