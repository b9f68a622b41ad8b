//! One endpoint with its clients.

use std::sync::Arc;

use sparkwright_livy as livy;
use sparkwright_yarn::{self as yarn, Application, ApplicationId};
use tracing::warn;

use crate::batch_list::SharedList;
use crate::endpoint::{Endpoint, ResourceManager};
use crate::errors::chain;
use crate::standing::surplus;
use crate::turns::Turns;

/// A Livy and the ResourceManager that belongs to it. Cheap to clone; clones share what is known of the load on them.
#[derive(Clone, Debug)]
pub struct Cluster {
    endpoint: Arc<Endpoint>,
    livy: livy::Client,
    yarn: Option<yarn::Client>,
    list: Arc<SharedList>,
    turns: Arc<Turns>,
}

/// Who is told of the calls of a cluster's clients.
#[derive(Clone, Debug, Default)]
pub struct Observers {
    /// Of those to Livy.
    pub livy: livy::Observer,
    /// Of those to YARN.
    pub yarn: yarn::Observer,
}

/// Why the clients of an endpoint could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Livy's client.
    #[error("could not set up a client of Livy")]
    Livy(#[source] Box<livy::Error>),
    /// The ResourceManager's client.
    #[error("could not set up a client of the ResourceManager")]
    Yarn(#[source] Box<yarn::Error>),
}

impl Cluster {
    /// Makes the clients; nothing is sent yet.
    pub fn connect(endpoint: Endpoint, credentials: Option<livy::Credentials>) -> Result<Self, ConnectError> {
        Self::connect_observed(endpoint, credentials, Observers::default())
    }

    /// The same for somebody who wants to be told of each call.
    pub fn connect_observed(
        endpoint: Endpoint,
        credentials: Option<livy::Credentials>,
        observers: Observers,
    ) -> Result<Self, ConnectError> {
        let mut config = livy::ClientConfig::new(endpoint.livy.clone());
        config.credentials = credentials;
        config.ca_certificate = endpoint.ca_certificate.clone();
        config.observer = observers.livy;
        let livy = livy::Client::new(config).map_err(|error| ConnectError::Livy(Box::new(error)))?;
        let yarn = match &endpoint.resource_manager {
            ResourceManager::None => None,
            ResourceManager::Required { urls, user } => {
                let mut config = yarn::ClientConfig::new(urls.clone());
                config.user = user.clone();
                config.ca_certificate = endpoint.ca_certificate.clone();
                config.observer = observers.yarn;
                Some(yarn::Client::new(config).map_err(|error| ConnectError::Yarn(Box::new(error)))?)
            }
        };
        Ok(Self {
            endpoint: Arc::new(endpoint),
            livy,
            yarn,
            list: Arc::default(),
            turns: Arc::default(),
        })
    }

    /// Where this is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Livy's client.
    pub fn livy(&self) -> &livy::Client {
        &self.livy
    }

    /// The ResourceManager's client; none for a Livy without YARN.
    pub fn yarn(&self) -> Option<&yarn::Client> {
        self.yarn.as_ref()
    }

    /// Livy's list, for all who want it.
    pub(crate) fn list(&self) -> &Arc<SharedList> {
        &self.list
    }

    /// The turns of those who submit.
    pub(crate) fn turns(&self) -> &Turns {
        &self.turns
    }

    /// Kills the live applications of one intent beyond the one that stays.
    pub(crate) async fn kill_surplus(&self, applications: &[Application]) {
        self.kill_all(&surplus(applications)).await;
    }

    /// Kills what is more than one of an intent.
    pub(crate) async fn kill_all(&self, surplus: &[ApplicationId]) {
        let Some(yarn) = self.yarn() else { return };
        for id in surplus {
            warn!(application_id = %id, "a second live application of one intent is killed");
            if let Err(error) = yarn.kill(id).await {
                warn!(application_id = %id, error = chain(&error), "it could not be killed yet");
            }
        }
    }
}

/// What to say of a Livy that could not be asked.
pub(crate) fn livy_silence(error: &livy::Error) -> String {
    let advice = match error.status() {
        Some(401 | 403) => "; check the Livy credentials",
        Some(_) => "",
        None => "; is Livy running there, and does a security group let this program reach its port?",
    };
    format!("{}{advice}", chain(error))
}

/// What to say of a ResourceManager that could not be asked.
pub(crate) fn yarn_silence(yarn: &yarn::Client, error: &yarn::Error) -> String {
    let ports: Vec<_> = yarn
        .resource_managers()
        .iter()
        .filter_map(|url| url.port_or_known_default())
        .map(|port| port.to_string())
        .collect();
    format!(
        "{}; is the ResourceManager running there, and does a security group let this program reach port {}?",
        chain(error),
        ports.join(", ")
    )
}
