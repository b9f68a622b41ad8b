//! The worker as a process: its log, its clients, its signals.

use std::io::IsTerminal;
use std::process::ExitCode;

use sparkwright_spark_job::chain;
use tracing::{error, warn};
use tracing_subscriber::EnvFilter;

use crate::Worker;
use crate::activity::Clients;
use crate::config::{Config, LogFormat};
use crate::errors::StartupError;
use crate::journal::Probe;
use crate::shutdown::Signals;
use crate::systemd::Notifier;

/// Logs to stderr and works until a signal ends it; `probe` sees every step of the journal.
pub async fn work(config: Config, probe: Probe) -> ExitCode {
    let started = match log_to_stderr(&config) {
        Ok(()) => start(config, probe).await,
        Err(error) => Err(error),
    };
    match started {
        Ok(code) => code,
        Err(error) => {
            error!(error = chain(&error), "the worker cannot start");
            ExitCode::FAILURE
        }
    }
}

async fn start(config: Config, probe: Probe) -> Result<ExitCode, StartupError> {
    let signals = Signals::listen();
    let clients = Clients::connect(&config).await?;
    let worker = Worker::prepare(config, clients, probe)
        .await?
        .notifying(Notifier::from_environment());
    tokio::select! {
        () = worker.run(signals.requested()) => Ok(ExitCode::SUCCESS),
        () = signals.insisted() => {
            warn!("stopped at once, by a second signal: the next process goes on with what was not drained");
            Ok(ExitCode::from(130))
        }
    }
}

fn log_to_stderr(config: &Config) -> Result<(), StartupError> {
    let subscriber = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let filter = EnvFilter::try_new(&config.log).map_err(|error| StartupError::LogFilter {
        filter: config.log.clone(),
        message: error.to_string(),
    });
    match (filter, config.log_format) {
        (Ok(filter), LogFormat::Text) => subscriber.with_env_filter(filter).init(),
        (Ok(filter), LogFormat::Json) => subscriber.json().with_env_filter(filter).init(),
        (Err(error), _) => {
            // So that the error itself is seen.
            subscriber.init();
            return Err(error);
        }
    }
    Ok(())
}
