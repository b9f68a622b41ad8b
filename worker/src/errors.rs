//! What stops the worker from starting, and the names under which tasks fail.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sparkwright_spark_job::cluster::ConnectError;

use crate::journal::OpenError;

/// Why the worker cannot start. Once it polls, nothing but a signal ends it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartupError {
    /// AWS cannot be called without a region.
    #[error("could not find out the AWS region: set AWS_REGION, or a region in the profile")]
    NoRegion,
    /// A file that an option names.
    #[error("could not read `{}`, which {option} names", path.display())]
    File {
        /// The option.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The credentials' file is there but makes no sense.
    #[error("could not find `username` and `password` in the JSON of `{}`", path.display())]
    Credentials {
        /// The file.
        path: PathBuf,
    },
    /// The options do not make an endpoint.
    #[error("could not use the options for Livy: {message}")]
    Endpoint {
        /// What is wrong with them.
        message: String,
    },
    /// The clients of Livy and YARN.
    #[error("could not set up the clients of Livy and YARN")]
    Clients(#[from] ConnectError),
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] OpenError),
    /// The address of the page is not to be had.
    #[error("could not listen on `{address}`: choose another --listen, or `off`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The filter for log lines.
    #[error("could not read the log filter `{filter}`: {message}")]
    LogFilter {
        /// The filter.
        filter: String,
        /// What is wrong with it.
        message: String,
    },
}

/// The name under which a task fails: a contract with `Retry` and `Catch` of state machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum ErrorName {
    /// The input cannot be a job.
    InvalidInput,
    /// Livy refused the job.
    Rejected,
    /// The application failed, or spark-submit ended before there was one.
    Failed,
    /// Somebody else killed the application.
    Killed,
    /// The job was stopped by the worker's own order.
    Cancelled,
    /// The job was not running in time, and was stopped.
    StartTimeout,
    /// Nobody knows what became of the job.
    Lost,
    /// Livy or YARN could not be reached, and nothing was submitted.
    LivyUnavailable,
    /// A stopping worker handed the task back, and nothing was submitted.
    WorkerDraining,
}

impl ErrorName {
    /// Every name.
    pub const ALL: [Self; 9] = [
        Self::InvalidInput,
        Self::Rejected,
        Self::Failed,
        Self::Killed,
        Self::Cancelled,
        Self::StartTimeout,
        Self::Lost,
        Self::LivyUnavailable,
        Self::WorkerDraining,
    ];

    /// The name as state machines match it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "SparkJob.InvalidInput",
            Self::Rejected => "SparkJob.Rejected",
            Self::Failed => "SparkJob.Failed",
            Self::Killed => "SparkJob.Killed",
            Self::Cancelled => "SparkJob.Cancelled",
            Self::StartTimeout => "SparkJob.StartTimeout",
            Self::Lost => "SparkJob.Lost",
            Self::LivyUnavailable => "SparkJob.LivyUnavailable",
            Self::WorkerDraining => "SparkJob.WorkerDraining",
        }
    }
}

impl From<ErrorName> for &'static str {
    fn from(name: ErrorName) -> Self {
        name.as_str()
    }
}

impl TryFrom<String> for ErrorName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let known = Self::ALL.into_iter().find(|name| name.as_str() == text);
        known.ok_or_else(|| format!("no error of a job is named `{text}`"))
    }
}

impl fmt::Display for ErrorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_a_closed_list() {
        let names = ErrorName::ALL.map(ErrorName::as_str);
        assert_eq!(
            names,
            [
                "SparkJob.InvalidInput",
                "SparkJob.Rejected",
                "SparkJob.Failed",
                "SparkJob.Killed",
                "SparkJob.Cancelled",
                "SparkJob.StartTimeout",
                "SparkJob.Lost",
                "SparkJob.LivyUnavailable",
                "SparkJob.WorkerDraining",
            ]
        );
    }
}
