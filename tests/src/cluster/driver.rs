//! A driver that runs inside spark-submit: in client mode, and on a local master.

use super::job::Fate;
use super::output;
use super::spark_submit::Launch;
use crate::clock::now_ms;

/// Waits so long, or for ever.
pub(crate) async fn sleep_or_wait(time: Option<std::time::Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

/// What it prints.
pub(crate) fn lines(fate: &Fate, launch: &Launch) -> Vec<String> {
    let mut text = launch.job.stdout.clone();
    match fate {
        Fate::Raises { error } => text.push_str(&output::traceback(&launch.file, error)),
        Fate::Throws { error } => text.push_str(&format!("Exception in thread \"main\" {error}\n")),
        Fate::Fails { diagnostics } => text.push_str(diagnostics),
        Fate::Succeeds | Fate::Exits { .. } => {}
    }
    text.lines()
        .map(str::to_owned)
        .chain(output::closing(now_ms()))
        .collect()
}

/// What spark-submit exits with.
pub(crate) fn exit_code(fate: &Fate) -> i32 {
    match fate {
        Fate::Succeeds => 0,
        Fate::Exits { code } => *code,
        Fate::Raises { .. } | Fate::Throws { .. } | Fate::Fails { .. } => 1,
    }
}
