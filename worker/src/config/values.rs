//! The values of options, and how they are read.

use std::net::SocketAddr;
use std::time::Duration;

use clap::ValueEnum;
use sparkwright_spark_job::endpoint::parse_url;
use url::Url;

use crate::activity::ActivityArn;

/// The longest name of a worker that Step Functions takes.
const MAX_WORKER_NAME: usize = 80;

/// Whether YARN is there to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ResourceManagerUse {
    /// Nothing is concluded without YARN.
    Required,
    /// Livy runs without YARN.
    None,
}

/// What becomes of a cancelled task's job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum OnCancel {
    /// It is stopped.
    Stop,
    /// It goes on, and nobody watches it.
    Leave,
}

/// What a stopping worker does with running tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum Drain {
    /// Their jobs go on, and the next process with this journal goes on with them; each gets a last heartbeat. If none
    /// comes before that has expired, a Retry of the state with the same ClientToken takes the job over.
    Leave,
    /// They are waited for, as long as --drain-timeout says.
    Wait,
    /// Their jobs are stopped, and they fail with SparkJob.Cancelled.
    Stop,
}

/// Where the worker listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// At this address.
    At(SocketAddr),
    /// Nowhere.
    Off,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

pub(super) fn bare_activity_arn(text: &str) -> Result<ActivityArn, String> {
    if text == "check" {
        return Err("this word stands right behind `sparkwright-worker`, before every option".into());
    }
    text.parse()
}

pub(super) fn livy_url(text: &str) -> Result<Url, String> {
    parse_url("--livy-url", text).map_err(|mistakes| mistakes.to_string())
}

pub(super) fn resource_manager_url(text: &str) -> Result<Url, String> {
    parse_url("--resource-manager-url", text).map_err(|mistakes| mistakes.to_string())
}

pub(super) fn positive_duration(text: &str) -> Result<Duration, String> {
    let duration =
        humantime::parse_duration(text).map_err(|error| format!("{error}; such as `10s` or `15m`"))?;
    if duration.is_zero() {
        Err("it must be longer than nothing".into())
    } else {
        Ok(duration)
    }
}

pub(super) fn listen(text: &str) -> Result<Listen, String> {
    if text.eq_ignore_ascii_case("off") {
        return Ok(Listen::Off);
    }
    text.parse()
        .map(Listen::At)
        .map_err(|_| "an address such as `127.0.0.1:9464`, or `off`".into())
}

pub(super) fn worker_name(text: &str) -> Result<String, String> {
    let length = text.chars().count();
    if (1..=MAX_WORKER_NAME).contains(&length) {
        Ok(text.to_owned())
    } else {
        Err(format!("it must have 1 to {MAX_WORKER_NAME} characters"))
    }
}
