//! The worker: polls activities of Step Functions, runs each task as a Spark job through Livy, keeps its heartbeat,
//! and reports how it ended.
//!
//! # Promises
//! - No poll without a free slot, and no open poll is ever given up.
//! - Every task token gets at most one completion, and none after the service said that the task is over.
//! - Heartbeats never wait for Livy, and a failed call is never taken for a cancel.
//! - No poll error, bad input or single task ends the worker.
//! - A task token is written nowhere.
//!
//! # Layout
//!
//! | modules | what they hold |
//! |---|---|
//! | [`config`], [`errors`] | options; what stops the start, and the names under which tasks fail |
//! | [`activity`], [`token`], `call_error`, `backoff` | the calls to Step Functions, and what to do when they fail |
//! | `slots`, `poller` | a slot, then a poll, then a task |
//! | `input`, `executor`, `submitting`, `following`, `stopping` | one task, from its token to its end |
//! | `heartbeat`, `intents` | whether the token is good, and which task has which intent |
//! | `completion`, `reporting` | the outcome as Step Functions takes it, and how it gets there |
//! | `clusters`, `reachability`, `context` | what tasks share |
//! | [`shutdown`], `status`, `snapshot`, `page` | the end, and what is shown meanwhile |

pub mod activity;
mod backoff;
mod call_error;
mod clusters;
mod completion;
pub mod config;
mod context;
pub mod errors;
mod executor;
mod following;
mod heartbeat;
mod input;
mod intents;
mod page;
mod poller;
mod reachability;
mod reporting;
pub mod shutdown;
mod slots;
mod snapshot;
mod status;
mod stopping;
mod submitting;
pub mod token;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::activity::Clients;
use crate::config::{Config, Listen};
use crate::context::Context;
use crate::errors::StartupError;

/// Runs a worker until `shutdown` is over and everything has drained.
pub async fn run(
    config: Config,
    clients: Clients,
    shutdown: impl Future<Output = ()>,
) -> Result<(), StartupError> {
    Worker::prepare(config, clients).await?.run(shutdown).await;
    Ok(())
}

/// A worker that has everything it needs, and has not polled yet.
#[derive(Debug)]
pub struct Worker {
    context: Arc<Context>,
    listener: Option<TcpListener>,
}

impl Worker {
    /// Reads the files that options name, and takes the page's address.
    pub async fn prepare(config: Config, clients: Clients) -> Result<Self, StartupError> {
        let listener = match config.listen {
            Listen::Off => None,
            Listen::At(address) => {
                let bound = TcpListener::bind(address).await;
                Some(bound.map_err(|source| StartupError::Listen { address, source })?)
            }
        };
        Ok(Self {
            context: Arc::new(Context::new(config, clients)?),
            listener,
        })
    }

    /// Where the page is, if there is one.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener
            .as_ref()
            .and_then(|listener| listener.local_addr().ok())
    }

    /// Polls until `shutdown` is over, then drains.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let address = self.address();
        let Self { context, listener } = self;
        // Aborted when dropped, at the very end.
        let mut services = JoinSet::new();
        if let Some(listener) = listener {
            services.spawn(page::serve(listener, context.status.clone()));
        }
        services.spawn(reachability::probe(
            Arc::clone(&context.clusters),
            context.status.clone(),
        ));
        let mut pollers = start_pollers(&context);
        info!(
            slots = context.config.slots,
            open_polls = pollers.len(),
            page = address.map(|address| format!("http://{address}/")),
            "the worker polls"
        );
        shutdown.await;
        context.status.draining();
        context.draining.begin(context.config.drain_timeout);
        while let Some(ended) = pollers.join_next().await {
            if let Err(error) = ended {
                warn!(%error, "a poller did not end as it should");
            }
        }
        context.tasks.close();
        context.tasks.wait().await;
        info!("the worker has drained");
    }
}

fn start_pollers(context: &Arc<Context>) -> JoinSet<()> {
    let activities = context.config.activities();
    let each = slots::pollers_per_activity(
        context.config.pollers_per_activity,
        context.config.slots,
        activities.len(),
    );
    let mut pollers = JoinSet::new();
    for activity in activities {
        if context
            .clients
            .region()
            .is_some_and(|region| region != activity.region())
        {
            warn!(%activity, region = context.clients.region(), "the activity is in another region than the worker's");
        }
        for _ in 0..each {
            pollers.spawn(poller::poll_until_draining(Arc::clone(context), activity.clone()));
        }
    }
    pollers
}
