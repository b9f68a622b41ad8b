//! The worker's real process, which ends, as by `kill -9`, at the step that `CRASH_AT` names: `before-posting`, or
//! `after-following:2` for the second time.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use clap::Parser;
use sparkwright_worker::config::{CommandLine, Invocation};
use sparkwright_worker::journal::{Point, Probe};
use sparkwright_worker::process::work;

#[tokio::main]
async fn main() -> ExitCode {
    match CommandLine::parse().invocation() {
        Invocation::Work(config) => work(config, crash_at(std::env::var("CRASH_AT").ok())).await,
        Invocation::Check(_) => ExitCode::FAILURE,
    }
}

fn crash_at(place: Option<String>) -> Probe {
    let place = place.unwrap_or_default();
    let (point, time) = match place.split_once(':') {
        Some((point, time)) => (point.to_owned(), time.parse().expect("a number after the colon")),
        None => (place, 1),
    };
    let times = AtomicU32::new(0);
    Arc::new(move |at: Point| {
        if at.to_string() == point && times.fetch_add(1, Ordering::Relaxed) + 1 == time {
            // Nothing is flushed, closed or told.
            std::process::abort();
        }
        Ok(())
    })
}
