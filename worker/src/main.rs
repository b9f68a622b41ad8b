//! The worker's program: to work, or to check the options.

use std::process::ExitCode;

use clap::Parser;
use sparkwright_worker::check;
use sparkwright_worker::config::{CommandLine, Config, Invocation};
use sparkwright_worker::journal::unprobed;
use sparkwright_worker::process::work;

/// It mostly waits: two threads do for ten thousand tasks, and with each further one the system's allocator would keep more.
#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    match CommandLine::parse().invocation() {
        Invocation::Work(config) => work(config, unprobed()).await,
        Invocation::Check(config) => check(&config).await,
    }
}

/// Its report is all that it says: nothing is logged.
async fn check(config: &Config) -> ExitCode {
    match check::run(config, &mut std::io::stdout()).await {
        Ok(true) => ExitCode::SUCCESS,
        // Also when nobody reads the report to its end.
        Ok(false) | Err(_) => ExitCode::FAILURE,
    }
}
