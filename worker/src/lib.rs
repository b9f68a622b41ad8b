//! The worker: polls activities of Step Functions, runs each task as a Spark job through Livy, keeps its heartbeat,
//! and reports how it ended.
//!
//! # Promises
//! - No poll without a free slot, and no open poll is ever given up.
//! - Every task token gets at most one completion, and none after the service said that the task is over.
//! - Heartbeats never wait for Livy, and a failed call is never taken for a cancel.
//! - No poll error, bad input or single task ends the worker.
//! - A task token reaches no log, page or metric: only the journal holds it.
//!
//! # Layout
//!
//! | modules | what they hold |
//! |---|---|
//! | [`config`], [`errors`] | options; what stops the start, and the names under which tasks fail |
//! | [`activity`], [`token`], `rate`, `call_error`, `backoff` | the calls to Step Functions, how many, and what to do when they fail |
//! | `slots`, `poller` | a slot, then a poll, then a task |
//! | [`life`] | what a task does next: decisions, without client or clock |
//! | `input`, `executor`, `hands`, `claiming`, `submitting`, `following`, `stopping`, `orphans` | one task, from its token to its end: what carries the decisions out |
//! | [`journal`], `opened`, `resuming` | what outlives the process, and how the next one goes on |
//! | `heartbeat`, `leases`, `intents` | whether the tokens are good, and which task has which intent |
//! | `completion`, `reporting` | the outcome as Step Functions takes it, and how it gets there |
//! | `clusters`, `reachability`, `context` | what tasks share |
//! | [`shutdown`], `status`, `snapshot`, [`page`], [`metrics`], [`systemd`] | the end, and what is shown and measured meanwhile |
//! | [`process`], [`check`], `endpoints` | the program: to work, or to try what the options name |

pub mod activity;
mod backoff;
mod call_error;
pub mod check;
mod claiming;
mod clusters;
mod completion;
pub mod config;
mod context;
mod endpoints;
pub mod errors;
mod executor;
mod following;
mod hands;
mod heartbeat;
mod input;
mod intents;
pub mod journal;
mod leases;
pub mod life;
pub mod metrics;
mod opened;
mod orphans;
pub mod page;
mod poller;
pub mod process;
mod rate;
mod reachability;
mod reporting;
mod resuming;
pub mod shutdown;
mod slots;
mod snapshot;
mod status;
mod stopping;
mod submitting;
pub mod systemd;
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
use crate::journal::{Backlog, Journal, Probe};
use crate::shutdown::LAST_REPORTS;
use crate::systemd::Notifier;

/// A worker that has everything it needs, and has not polled yet.
#[derive(Debug)]
pub struct Worker {
    context: Arc<Context>,
    backlog: Backlog,
    notifier: Notifier,
    listener: Option<TcpListener>,
}

impl Worker {
    /// Reads the files that options name, locks the journal, and takes the page's address; `probe` is for tests.
    pub async fn prepare(config: Config, clients: Clients, probe: Probe) -> Result<Self, StartupError> {
        let listener = match config.listen {
            Listen::Off => None,
            Listen::At(address) => {
                let bound = TcpListener::bind(address).await;
                Some(bound.map_err(|source| StartupError::Listen { address, source })?)
            }
        };
        let (journal, backlog) = Journal::open(&config.journal, probe)?;
        Ok(Self {
            context: Arc::new(Context::new(config, clients, journal)?),
            backlog,
            notifier: Notifier::default(),
            listener,
        })
    }

    /// Tells systemd how it goes.
    #[must_use]
    pub fn notifying(mut self, notifier: Notifier) -> Self {
        self.notifier = notifier;
        self
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
        let Self {
            context,
            backlog,
            notifier,
            listener,
        } = self;
        // Aborted when dropped, at the very end.
        let mut services = JoinSet::new();
        if let Some(listener) = listener {
            services.spawn(page::serve(
                listener,
                context.status.clone(),
                context.clients.metrics().clone(),
            ));
        }
        services.spawn(reachability::probe(
            Arc::clone(&context.clusters),
            context.status.clone(),
        ));
        services.spawn(Arc::clone(&context).show_journal());
        services.spawn(leases::keep_noting(Arc::clone(&context)));
        tokio::pin!(shutdown);
        let resumed = tokio::select! {
            biased;
            () = &mut shutdown => false,
            () = resuming::resume(&context, backlog) => true,
        };
        let mut pollers = JoinSet::new();
        if resumed {
            pollers = start_pollers(&context);
            info!(
                slots = context.config.slots,
                open_polls = pollers.len(),
                page = address.map(|address| format!("http://{address}/")),
                "the worker polls"
            );
            context.status.polling();
            notifier.ready();
            let status = context.status.clone();
            services.spawn(notifier.watchdog(move || status.snapshot().summary()));
            shutdown.await;
        }
        notifier.stopping(context.config.drain_timeout.max(activity::POLL_TIMEOUT) + LAST_REPORTS);
        context.status.draining();
        context.draining.begin(context.config.drain_timeout);
        while let Some(ended) = pollers.join_next().await {
            if let Err(error) = ended {
                warn!(%error, "a poller did not end as it should");
            }
        }
        context.draining.polls_returned();
        context.tasks.close();
        if context.draining.wait_for(&context.tasks).await {
            info!("the worker has drained");
        } else {
            warn!(
                tasks = context.tasks.len(),
                "the worker ends before all of its tasks have; the next process goes on with them"
            );
        }
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
