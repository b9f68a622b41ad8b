//! What all tasks of a worker share.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use sparkwright_spark_job::endpoint::{Endpoint, ResourceManager, default_resource_manager};
use sparkwright_spark_job::watcher::WatchSettings;
use tokio_util::task::TaskTracker;

use crate::activity::Clients;
use crate::clusters::Clusters;
use crate::config::{Config, ResourceManagerUse};
use crate::errors::StartupError;
use crate::input::InputRules;
use crate::intents::Intents;
use crate::shutdown::Draining;
use crate::slots::Slots;
use crate::status::Status;

/// The worker's world.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) clients: Clients,
    pub(crate) clusters: Arc<Clusters>,
    pub(crate) rules: InputRules,
    pub(crate) intents: Intents,
    pub(crate) slots: Slots,
    pub(crate) status: Status,
    pub(crate) draining: Draining,
    /// Everything that has to end before the worker does.
    pub(crate) tasks: TaskTracker,
}

impl Context {
    /// Reads the files that options name, and makes the clients of the worker's own clusters.
    pub(crate) fn new(config: Config, clients: Clients) -> Result<Self, StartupError> {
        let own = own_endpoints(&config)?;
        let settings = WatchSettings {
            poll_period: config.poll_period,
            settle: config.settle,
        };
        let clusters = Clusters::new(own.clone(), settings, config.livy_credentials_file.clone())?;
        for endpoint in &own {
            clusters.get(endpoint)?;
        }
        let slots = Slots::new(config.slots);
        Ok(Self {
            rules: InputRules {
                own,
                allowed_hosts: config
                    .allowed_hosts
                    .iter()
                    .map(|host| host.to_ascii_lowercase())
                    .collect::<BTreeSet<_>>(),
                on_cancel: config.on_cancel,
            },
            clusters: Arc::new(clusters),
            intents: Intents::default(),
            status: Status::new(slots.clone()),
            slots,
            draining: Draining::new(config.drain),
            tasks: TaskTracker::new(),
            config,
            clients,
        })
    }
}

fn own_endpoints(config: &Config) -> Result<Vec<Endpoint>, StartupError> {
    let ca_certificate = config
        .livy_ca_certificate
        .as_deref()
        .map(read_certificate)
        .transpose()?;
    let endpoint = |livy: &url::Url| {
        let resource_manager = match config.resource_manager {
            ResourceManagerUse::None => ResourceManager::None,
            ResourceManagerUse::Required => {
                let urls = if config.resource_manager_urls.is_empty() {
                    let beside = default_resource_manager(livy);
                    vec![beside.map_err(|mistakes| StartupError::Endpoint {
                        message: mistakes.to_string(),
                    })?]
                } else {
                    config.resource_manager_urls.clone()
                };
                ResourceManager::Required {
                    urls,
                    user: config.resource_manager_user.clone(),
                }
            }
        };
        Ok(Endpoint {
            livy: livy.clone(),
            ca_certificate: ca_certificate.clone(),
            resource_manager,
        })
    };
    config.livy_urls.iter().map(endpoint).collect()
}

fn read_certificate(path: &Path) -> Result<String, StartupError> {
    std::fs::read_to_string(path).map_err(|source| StartupError::File {
        option: "--livy-ca-certificate",
        path: path.to_owned(),
        source,
    })
}
