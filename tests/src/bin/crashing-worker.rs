//! The worker's real process, which ends, as by `kill -9`, at the step that `CRASH_AT` names: `before-posting`, or
//! `after-following:2` for the second time. While the file that `DISK_FULL_WHILE` names exists, no step can be written;
//! while that of `DISK_HANGS_WHILE` does, no step comes to an end.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use clap::Parser;
use sparkwright_worker::config::{CommandLine, Invocation};
use sparkwright_worker::journal::{Point, Probe, STEPS};
use sparkwright_worker::process::work;

#[tokio::main]
async fn main() -> ExitCode {
    match CommandLine::parse().invocation() {
        Invocation::Work(config) => work(config, probe()).await,
        Invocation::Check(_) => ExitCode::FAILURE,
    }
}

fn probe() -> Probe {
    let place = std::env::var("CRASH_AT").unwrap_or_default();
    let file = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let (full, hangs) = (file("DISK_FULL_WHILE"), file("DISK_HANGS_WHILE"));
    let (point, time) = match place.split_once(':') {
        Some((point, time)) => (point.to_owned(), time.parse().expect("a number after the colon")),
        None => (place, 1),
    };
    let step = point
        .strip_prefix("before-")
        .or_else(|| point.strip_prefix("after-"));
    assert!(
        point.is_empty() || step.is_some_and(|step| STEPS.contains(&step)),
        "the journal has no step `{point}`"
    );
    let times = AtomicU32::new(0);
    Arc::new(move |at: Point| {
        if at.to_string() == point && times.fetch_add(1, Ordering::Relaxed) + 1 == time {
            // Nothing is flushed, closed or told.
            std::process::abort();
        }
        let exists = |file: &Option<PathBuf>| file.as_ref().is_some_and(|file| file.exists());
        // This is the thread that writes.
        while !at.is_written && exists(&hangs) {
            std::thread::sleep(Duration::from_millis(20));
        }
        match !at.is_written && exists(&full) {
            true => Err("database or disk is full".into()),
            false => Ok(()),
        }
    })
}
