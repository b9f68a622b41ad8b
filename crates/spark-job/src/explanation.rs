//! Why a run did not succeed: the driver's own error first.
//!
//! Livy's log in cluster mode holds only spark-submit's lines, and YARN says of a Python job just `User application
//! exited with status 1`. The traceback stands in the driver's container: in `stdout` for PySpark, in `stderr` and in
//! YARN's diagnostics for a JVM.

pub mod text;

use std::time::Duration;

use sparkwright_livy::LogLines;
use sparkwright_yarn::{Attempt, LogFile};
use tokio::time::timeout;

use crate::cluster::Cluster;
use crate::redact::Redaction;
use crate::standing::Ending;
use crate::submission::Run;
use crate::watch::Report;

/// How long each source may take: an explanation is worth waiting for, but not long.
const SOURCE_TIMEOUT: Duration = Duration::from_secs(5);

/// How much of each container log is read, from its end.
const LOG_BYTES: u32 = 8192;

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
                Ok(Ok(text)) => text,
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
    let driver = [sources.stdout.as_str(), sources.stderr.as_str()];
    let spark_submit = sources.livy_log.join("\n");
    let exception = match ending {
        // A killed driver's last exceptions are those of its end, not its cause.
        Ending::Killed => None,
        _ => driver
            .iter()
            .find_map(|log| text::python_traceback(log))
            .or_else(|| text::jvm_exception(&sources.diagnostics))
            .or_else(|| text::jvm_exception(&sources.stderr))
            .or_else(|| text::spark_submit_error(&spark_submit)),
    };
    let diagnostics = Some(text::without_noise(&sources.diagnostics)).filter(|text| !text.is_empty());
    let nearest = [
        sources.stderr.as_str(),
        sources.stdout.as_str(),
        spark_submit.as_str(),
    ]
    .into_iter()
    .map(text::tail)
    .find(|lines| !lines.is_empty())
    .unwrap_or_default();
    Explanation {
        message: message(ending, exception.as_deref(), diagnostics.as_deref(), &nearest),
        exception,
        diagnostics,
        log_tail: nearest,
    }
}

fn message(ending: Ending, exception: Option<&str>, diagnostics: Option<&str>, tail: &[String]) -> String {
    let what = match ending {
        Ending::Succeeded => return String::new(),
        Ending::Failed => "the job failed",
        Ending::NotStarted => "the job could not be started",
        Ending::Killed => "the application was killed",
        Ending::Lost => {
            return "what became of the job is not known: Livy has forgotten it or lost sight of it, and YARN knows no application of it".into();
        }
    };
    let first_of_diagnostics =
        || diagnostics.and_then(|text| text.lines().find(|line| !line.trim().is_empty()));
    let why = exception
        .map(text::headline)
        .or_else(|| first_of_diagnostics().map(|line| line.trim().to_owned()))
        .or_else(|| tail.last().cloned());
    match why {
        Some(why) if !why.is_empty() => format!("{what}: {why}"),
        _ => what.to_owned(),
    }
}

#[cfg(test)]
mod tests;
