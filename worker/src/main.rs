//! The worker's process: options, log, clients, run.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use sparkwright_spark_job::chain;
use sparkwright_worker::activity::Clients;
use sparkwright_worker::config::{Config, LogFormat};
use sparkwright_worker::errors::StartupError;
use sparkwright_worker::shutdown;
use tracing::{error, warn};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let config = Config::parse();
    let started = match log_to_stderr(&config) {
        Ok(()) => start(config).await,
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

async fn start(config: Config) -> Result<ExitCode, StartupError> {
    let clients = Clients::connect(&config).await?;
    tokio::select! {
        ended = sparkwright_worker::run(config, clients, shutdown::requested()) => ended.map(|()| ExitCode::SUCCESS),
        () = shutdown::insisted() => {
            warn!("stopped at once, by a second signal: what was not drained is left");
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
