//! What all tasks of a worker share.

use std::collections::BTreeSet;
use std::sync::Arc;

use sparkwright_spark_job::watcher::WatchSettings;
use tokio_util::task::TaskTracker;

use crate::activity::Clients;
use crate::clusters::Clusters;
use crate::config::Config;
use crate::endpoints::own_endpoints;
use crate::errors::StartupError;
use crate::heartbeat::Heart;
use crate::input::InputRules;
use crate::intents::Intents;
use crate::journal::{Journal, WriteError};
use crate::leases::Leases;
use crate::shutdown::Draining;
use crate::slots::Slots;
use crate::status::Status;

/// The worker's world.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) clients: Clients,
    pub(crate) heart: Heart,
    pub(crate) clusters: Arc<Clusters>,
    pub(crate) rules: InputRules,
    pub(crate) intents: Intents,
    pub(crate) slots: Slots,
    pub(crate) status: Status,
    pub(crate) journal: Journal,
    pub(crate) leases: Leases,
    pub(crate) draining: Draining,
    /// Everything that has to end before the worker does.
    pub(crate) tasks: TaskTracker,
}

impl Context {
    /// Reads the files that options name, and makes the clients of the worker's own clusters.
    pub(crate) fn new(config: Config, clients: Clients, journal: Journal) -> Result<Self, StartupError> {
        let own = own_endpoints(&config)?;
        let settings = WatchSettings {
            poll_period: config.poll_period,
            settle: config.settle,
        };
        let credentials_file = config.livy_credentials_file.clone();
        let clusters = Clusters::new(
            own.clone(),
            settings,
            credentials_file,
            clients.metrics().observers(),
        )?;
        for endpoint in &own {
            clusters.get(endpoint)?;
        }
        let slots = Slots::new(config.slots);
        let status = Status::new(slots.clone(), clients.metrics().clone());
        status.serves(&config.activities());
        Ok(Self {
            rules: InputRules {
                own: own.into_iter().map(Arc::new).collect(),
                allowed_hosts: config
                    .allowed_hosts
                    .iter()
                    .map(|host| host.to_ascii_lowercase())
                    .collect::<BTreeSet<_>>(),
                on_cancel: config.on_cancel,
            },
            clusters: Arc::new(clusters),
            intents: Intents::default(),
            status,
            slots,
            journal: journal.counted_by(clients.metrics().clone()),
            leases: Leases::default(),
            draining: Draining::new(config.drain),
            tasks: TaskTracker::new(),
            config,
            heart: Heart::start(clients.clone()),
            clients,
        })
    }

    /// Shows for ever whether the journal can be written, whoever tried it.
    pub(crate) async fn show_journal(self: Arc<Self>) {
        let mut failure = self.journal.failure();
        loop {
            let advice = |error: &WriteError| {
                let path = self.config.journal.display();
                format!(
                    "{error}: see that the disk of `{path}` has room and works; no task is taken on meanwhile"
                )
            };
            let shown = failure.borrow_and_update().as_ref().map(advice);
            self.status.service("journal", shown);
            if failure.changed().await.is_err() {
                return;
            }
        }
    }
}
