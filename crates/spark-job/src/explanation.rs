//! Why a run did not succeed: the driver's own error first.
//!
//! Livy's log in cluster mode holds only spark-submit's lines, and YARN says of a Python job just `User application
//! exited with status 1`. The traceback stands in the driver's container: in `stdout` for PySpark, in `stderr` and in
//! YARN's diagnostics for a JVM.

mod jvm;
mod python;
mod text;

use std::time::Duration;

use sparkwright_livy::LogLines;
use sparkwright_yarn::{Attempt, LogFile};
use tokio::time::timeout;

use crate::cluster::Cluster;
use crate::redact::Redaction;
use crate::standing::{Ending, holds_driver_output};
use crate::submission::Run;
use crate::watch::Report;

/// How long each source may take: an explanation is worth waiting for, but not long.
const SOURCE_TIMEOUT: Duration = Duration::from_secs(5);

/// How much of each container log is read, from its end: a PySpark traceback that quotes the stacks of a JVM and of a
/// Python worker has 12 KB.
const LOG_BYTES: u32 = 64 << 10;

/// A program may put a whole document into its error's line.
const HEADLINE_CHARACTERS: usize = 1000;

/// Why a run did not succeed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// One line: what happened.
    pub message: String,
    /// The driver's, or spark-submit's, own error with its stack.
    pub exception: Option<String>,
    /// What YARN says.
    pub diagnostics: Option<String>,
    /// The last lines of the log that is nearest to the error, without noise.
    pub log_tail: Vec<String>,
}

impl Explanation {
    /// The same with its secrets masked.
    pub fn redacted(self, redaction: &Redaction) -> Self {
        Self {
            message: redaction.apply(&self.message),
            exception: self.exception.map(|text| redaction.apply(&text)),
            diagnostics: self.diagnostics.map(|text| redaction.apply(&text)),
            log_tail: self.log_tail.iter().map(|line| redaction.apply(line)).collect(),
        }
    }
}

/// Where the pieces of an explanation come from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The end of the driver's `stdout`.
    pub stdout: String,
    /// The end of the driver's `stderr`.
    pub stderr: String,
    /// YARN's diagnostics of the application.
    pub diagnostics: String,
    /// spark-submit's output, as Livy kept it.
    pub livy_log: Vec<String>,
}

/// Reads what can be had within a few seconds, and makes the best of it.
pub async fn explain(
    cluster: &Cluster,
    run: &Run,
    report: &Report,
    ending: Ending,
    last: Option<&Attempt>,
) -> Explanation {
    let container = async |file| match (cluster.yarn(), last) {
        (Some(yarn), Some(attempt)) => {
            match timeout(SOURCE_TIMEOUT, yarn.container_log(attempt, file, LOG_BYTES)).await {
                Ok(Ok(log)) => text::whole_lines(&log, LOG_BYTES).to_owned(),
                _ => String::new(),
            }
        }
        _ => String::new(),
    };
    let livy_log = async {
        match timeout(
            SOURCE_TIMEOUT,
            cluster.livy().batch_log(run.name.as_str(), LogLines::All),
        )
        .await
        {
            Ok(Ok(lines)) => lines,
            _ => report
                .batch
                .as_ref()
                .map(|batch| batch.log.clone())
                .unwrap_or_default(),
        }
    };
    let (stdout, stderr, livy_log) =
        tokio::join!(container(LogFile::Stdout), container(LogFile::Stderr), livy_log);
    let diagnostics = report
        .application
        .as_ref()
        .map(|a| a.diagnostics.trim().to_owned())
        .unwrap_or_default();
    compose(
        ending,
        &Sources {
            stdout,
            stderr,
            diagnostics,
            livy_log,
        },
    )
}

/// Makes the best explanation of what was read.
pub fn compose(ending: Ending, sources: &Sources) -> Explanation {
    let spark_submit = sources.livy_log.join("\n");
    let traceback = [&sources.stdout, &sources.stderr, &spark_submit]
        .into_iter()
        .find_map(|log| python::error(log));
    // A Python driver that ends without a traceback left by itself; what its JVM says after that explains nothing.
    let exit = text::user_exit(&sources.diagnostics)
        .or_else(|| text::user_exit(&sources.stderr))
        .filter(|_| traceback.is_none());
    let exception = match ending {
        // A killed driver's last exceptions are those of its end, not its cause.
        Ending::Killed => None,
        _ if exit.is_some() => None,
        _ => traceback
            .or_else(|| jvm::exception(&sources.diagnostics))
            .or_else(|| jvm::exception(&sources.stderr))
            .or_else(|| jvm::spark_submit_error(&spark_submit)),
    };
    let diagnostics =
        Some(text::diagnostics(&sources.diagnostics)).filter(|diagnostics| !diagnostics.is_empty());
    let logs = match exit {
        // In client mode the container holds no driver.
        _ if holds_driver_output(&sources.livy_log) => [&spark_submit, &sources.stderr, &sources.stdout],
        Some(_) => [&sources.stdout, &sources.stderr, &spark_submit],
        None => [&sources.stderr, &sources.stdout, &spark_submit],
    };
    let log_tail = logs
        .into_iter()
        .map(|log| text::tail(log))
        .find(|lines| !lines.is_empty())
        .unwrap_or_default();
    let why = exception
        .as_deref()
        .map(headline)
        .or_else(|| exit.map(|exit| after_saying(exit, &sources.stdout)))
        .or_else(|| said_by_yarn(diagnostics.as_deref()?))
        .or_else(|| log_tail.last().map(|said| last_words(said)));
    Explanation {
        message: message(ending, why.as_deref().unwrap_or_default()),
        exception,
        diagnostics,
        log_tail,
    }
}

fn headline(error: &str) -> String {
    python::headline(error).unwrap_or_else(|| jvm::headline(error))
}

fn said_by_yarn(diagnostics: &str) -> Option<String> {
    let first = || diagnostics.lines().next().map(str::trim);
    text::attempt_failure(diagnostics)
        .or_else(first)
        .map(str::to_owned)
}

/// A program that exits by itself has often said why.
fn after_saying(exit: &str, stdout: &str) -> String {
    match text::tail(stdout).last() {
        Some(said) => format!("{exit}; {}", last_words(said)),
        None => exit.to_owned(),
    }
}

fn last_words(said: &str) -> String {
    format!("the last that it wrote: {}", said.trim())
}

fn message(ending: Ending, why: &str) -> String {
    let what = match ending {
        Ending::Succeeded => return String::new(),
        Ending::Failed => "the job failed",
        Ending::NotStarted => "the job could not be started",
        Ending::Killed => "the application was killed",
        Ending::Lost => {
            return "what became of the job is not known: Livy has forgotten it or lost sight of it, and YARN knows no application of it".into();
        }
    };
    if why.is_empty() {
        return what.to_owned();
    }
    format!("{what}: {}", text::cut(why, HEADLINE_CHARACTERS))
}

#[cfg(test)]
mod tests;
