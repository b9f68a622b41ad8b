//! Where a job's Livy and ResourceManager are, in the few words that a physical id can hold.
//!
//! A place is what the template declared, short of certificates: a cluster id stays a cluster id, because its primary
//! node may be another one when the job is to be stopped.

use sparkwright_spark_job::endpoint::{
    DeclaredEndpoint, Endpoint, LIVY_PORT, RESOURCE_MANAGER_USER, ResourceManager, default_resource_manager,
};
use sparkwright_spark_job::fields::Mistakes;
use url::Url;

/// Stands for the primary node where only the rest of an address matters.
const ANY_HOST: &str = "primary.invalid";

/// Which Livy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Livy {
    /// The one at this address.
    At(Url),
    /// The one on the primary node of an EMR cluster.
    OnCluster {
        /// The cluster's id.
        id: String,
        /// Livy's port.
        port: u16,
        /// `http` or `https`.
        scheme: Scheme,
    },
}

/// How a cluster's Livy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// In clear.
    Http,
    /// With TLS.
    Https,
}

impl Scheme {
    /// As it stands in an address.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Which ResourceManager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Truth {
    /// The one on Livy's host.
    BesideLivy,
    /// Those at these addresses.
    At(Vec<Url>),
    /// None: Livy's word is all there is.
    Nowhere,
}

/// A Livy with its ResourceManager, and who we are to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which Livy.
    pub livy: Livy,
    /// Which ResourceManager.
    pub truth: Truth,
    /// The user in whose name the ResourceManager is asked.
    pub user: String,
    /// The ARN of the secret with Livy's credentials.
    pub credentials: Option<String>,
}

impl Place {
    /// The place that a template declares.
    pub fn declared(endpoint: &DeclaredEndpoint, credentials: Option<String>) -> Result<Self, Mistakes> {
        let nowhere = || Mistakes::one("no Livy is named");
        let resolved = endpoint
            .resolve(endpoint.cluster_id().map(|_| ANY_HOST))?
            .ok_or_else(nowhere)?;
        let beside = default_resource_manager(&resolved.livy)?;
        let (truth, user) = match resolved.resource_manager {
            ResourceManager::None => (Truth::Nowhere, None),
            ResourceManager::Required { urls, user } if urls == [beside] => (Truth::BesideLivy, Some(user)),
            ResourceManager::Required { urls, user } => (Truth::At(urls), Some(user)),
        };
        let livy = match endpoint.cluster_id() {
            None => Livy::At(resolved.livy),
            Some(id) => Livy::OnCluster {
                id: id.to_owned(),
                port: resolved.livy.port_or_known_default().unwrap_or(LIVY_PORT),
                scheme: if resolved.livy.scheme() == "https" {
                    Scheme::Https
                } else {
                    Scheme::Http
                },
            },
        };
        Ok(Self {
            livy,
            truth,
            user: user.unwrap_or_else(|| RESOURCE_MANAGER_USER.to_owned()),
            credentials,
        })
    }

    /// The EMR cluster whose primary node has to be looked up.
    pub fn cluster_id(&self) -> Option<&str> {
        match &self.livy {
            Livy::OnCluster { id, .. } => Some(id),
            Livy::At(_) => None,
        }
    }

    /// The endpoint, once the primary node of a cluster is known.
    pub fn endpoint(
        &self,
        primary_node: Option<&str>,
        ca_certificate: Option<String>,
    ) -> Result<Endpoint, Mistakes> {
        let livy = match &self.livy {
            Livy::At(url) => url.clone(),
            Livy::OnCluster { id, port, scheme } => {
                let host = primary_node
                    .ok_or_else(|| Mistakes::one(format!("the primary node of `{id}` is not known")))?;
                Url::parse(&format!("{}://{host}:{port}", scheme.as_str())).map_err(|_| {
                    Mistakes::one(format!("the primary node of `{id}` has a strange name: `{host}`"))
                })?
            }
        };
        let resource_manager = match &self.truth {
            Truth::Nowhere => ResourceManager::None,
            Truth::At(urls) => ResourceManager::Required {
                urls: urls.clone(),
                user: self.user.clone(),
            },
            Truth::BesideLivy => ResourceManager::Required {
                urls: vec![default_resource_manager(&livy)?],
                user: self.user.clone(),
            },
        };
        Ok(Endpoint {
            livy,
            ca_certificate,
            resource_manager,
        })
    }
}
