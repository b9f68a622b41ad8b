//! The function's settings. `main` and this file are the only readers of the environment.
//!
//! A function that refused to start would answer no request for an hour: what cannot be read falls back to its
//! default, and a warning says so.

use std::env;
use std::time::Duration;

use lambda_runtime::tracing::subscriber::filter::{EnvFilter, filter_fn};
use lambda_runtime::tracing::subscriber::layer::{Layer, SubscriberExt};
use lambda_runtime::tracing::subscriber::util::SubscriberInitExt;
use lambda_runtime::tracing::subscriber::{fmt, registry};
use tracing::{Level, Metadata};

/// Livy's look-up time of 120 s, and a margin.
const SETTLE: Duration = Duration::from_secs(150);

/// What the environment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `SPARKWRIGHT_SETTLE`, such as `150s`: how long after a submission absence proves nothing.
    pub settle: Duration,
    /// `SPARKWRIGHT_LOG`, such as `info` or `info,spark_job_function=debug`.
    pub log: String,
    /// `AWS_LAMBDA_LOG_FORMAT`, which Lambda sets: whether each line is a JSON object.
    pub json: bool,
    /// What could not be read.
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads the environment.
    pub fn from_env() -> Self {
        Self::read(|name| env::var(name).ok())
    }

    /// Reads settings by name.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let mut config = Self {
            settle: SETTLE,
            log: "info".into(),
            json: false,
            warnings: Vec::new(),
        };
        let given = |name: &str| variable(name).filter(|text| !text.trim().is_empty());
        if let Some(text) = given("SPARKWRIGHT_SETTLE") {
            match humantime::parse_duration(text.trim()) {
                Ok(settle) => config.settle = settle,
                Err(error) => config.warnings.push(format!(
                    "SPARKWRIGHT_SETTLE must be a time such as `150s`, not `{text}` ({error}): it stays at 150s"
                )),
            }
        }
        if let Some(text) = given("SPARKWRIGHT_LOG").or_else(|| given("AWS_LAMBDA_LOG_LEVEL")) {
            match EnvFilter::builder().parse(&text) {
                Ok(_) => config.log = text,
                Err(error) => config.warnings.push(format!(
                    "SPARKWRIGHT_LOG must be a level or directives such as `info`, not `{text}` ({error}): it stays at info"
                )),
            }
        }
        config.json =
            given("AWS_LAMBDA_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("json"));
        config
    }

    /// Starts logging to standard output, where Lambda collects it.
    pub fn start_logging(&self) {
        let directives = EnvFilter::builder().parse_lossy(&self.log);
        let lines = fmt::layer().with_target(false).without_time();
        let registry = registry().with(directives);
        // Whoever started logging before, a test for instance, keeps it.
        let _ = if self.json {
            registry
                .with(lines.json().with_filter(filter_fn(holds_no_secret)))
                .try_init()
        } else {
            registry
                .with(lines.with_ansi(false).with_filter(filter_fn(holds_no_secret)))
                .try_init()
        };
        for warning in &self.warnings {
            tracing::warn!("{warning}");
        }
    }
}

/// The Lambda runtime writes whole events at TRACE, with the URL that lets its reader answer for us.
fn holds_no_secret(metadata: &Metadata<'_>) -> bool {
    *metadata.level() < Level::DEBUG
        || !["lambda_runtime", "aws_", "hyper", "reqwest"]
            .iter()
            .any(|of| metadata.target().starts_with(of))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Config {
        Config::read(|name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, text)| (*text).to_owned())
        })
    }

    #[test]
    fn an_empty_environment_gives_the_documented_defaults() {
        let config = read(&[("SPARKWRIGHT_SETTLE", " ")]);
        assert_eq!(
            (config.settle, &*config.log, config.json),
            (Duration::from_secs(150), "info", false)
        );
        assert!(config.warnings.is_empty());
    }

    #[test]
    fn what_is_set_is_read() {
        let config = read(&[
            ("SPARKWRIGHT_SETTLE", "2m 5s"),
            ("SPARKWRIGHT_LOG", "debug"),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ]);
        assert_eq!(
            (config.settle, &*config.log, config.json),
            (Duration::from_secs(125), "debug", true)
        );
        assert!(config.warnings.is_empty());
    }

    #[test]
    fn nonsense_is_a_warning_and_never_stops_the_function() {
        let config = read(&[("SPARKWRIGHT_SETTLE", "soon"), ("SPARKWRIGHT_LOG", "a=b=c")]);
        assert_eq!((config.settle, &*config.log), (Duration::from_secs(150), "info"));
        assert_eq!(config.warnings.len(), 2, "{:?}", config.warnings);
    }
}
