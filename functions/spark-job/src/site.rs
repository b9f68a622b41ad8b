//! From a place to the clients of its Livy and ResourceManager.

use std::time::Duration;

use serde_json::{Map, Value};
use sparkwright_livy::Credentials;
use sparkwright_spark_job::chain;
use sparkwright_spark_job::cluster::{Cluster, ConnectError};
use sparkwright_spark_job::endpoint::Endpoint;
use sparkwright_spark_job::fields::Mistakes;
use tokio::net::lookup_host;
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::warn;

use crate::aws::Aws;
use crate::cluster::{LookUpError, primary_node};
use crate::credentials::{CredentialsCache, CredentialsError};
use crate::place::Place;
use crate::properties::{lenient_ca_certificate, lenient_credentials, lenient_place};

/// A name that is not known for so long is a mistake rather than a hiccup.
const NAME_TIMEOUT: Duration = Duration::from_secs(6);
const NAME_PERIOD: Duration = Duration::from_secs(1);

/// Why a place has no clients.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SiteError {
    #[error(transparent)]
    LookUp(#[from] LookUpError),
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Address(#[from] Mistakes),
    #[error(
        "the host `{host}` is not known here ({why}): check `{property}`, and that the function is in the VPC of the cluster"
    )]
    Host {
        host: String,
        property: &'static str,
        why: String,
    },
}

impl SiteError {
    /// Whether no job can be left there.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self, Self::LookUp(error) if error.is_gone())
    }

    /// Whether what stands in the way may pass by itself.
    fn may_pass(&self) -> bool {
        match self {
            Self::LookUp(error) => error.may_pass(),
            Self::Credentials(error) => error.may_pass(),
            Self::Connect(_) | Self::Address(_) | Self::Host { .. } => false,
        }
    }
}

/// Reaches for a place until the instant, while what stands in the way may pass.
pub(crate) async fn patiently<F>(
    until: Instant,
    period: Duration,
    reach: impl Fn() -> F,
) -> Result<Cluster, SiteError>
where
    F: Future<Output = Result<Cluster, SiteError>>,
{
    loop {
        match reach().await {
            Err(error) if error.may_pass() && Instant::now() + period < until => {
                warn!(
                    error = chain(&error),
                    "the place of the job cannot be reached yet"
                );
                sleep_until(Instant::now() + period).await;
            }
            reached => return reached,
        }
    }
}

/// What leads from places to clients.
#[derive(Debug, Default)]
pub(crate) struct Sites {
    aws: Aws,
    credentials: CredentialsCache,
}

impl Sites {
    pub(crate) fn new(aws: Aws) -> Self {
        Self {
            aws,
            credentials: CredentialsCache::default(),
        }
    }

    /// The clients of a declared place, of which everything has to be right.
    pub(crate) async fn reach(
        &self,
        place: &Place,
        ca_certificate: Option<String>,
    ) -> Result<Cluster, SiteError> {
        let endpoint = self.endpoint(place, ca_certificate).await?;
        let credentials = match &place.credentials {
            Some(arn) => Some(self.credentials.get(&self.aws, arn).await?),
            None => None,
        };
        Ok(Cluster::connect(endpoint, credentials)?)
    }

    /// The clients of an earlier place, with what the request's properties still say of it: newer credentials, and the
    /// certificates that an id cannot hold. Properties of any form will do.
    pub(crate) async fn reach_again(
        &self,
        place: &Place,
        properties: &[&Map<String, Value>],
    ) -> Result<Cluster, SiteError> {
        let certificates: Vec<_> = properties
            .iter()
            .filter_map(|properties| lenient_ca_certificate(properties))
            .collect();
        let mut endpoint = self.endpoint(place, None).await?;
        let credentials = self.credentials_again(place, properties).await?;
        if endpoint.livy.scheme() == "https" && !certificates.is_empty() {
            endpoint.ca_certificate = Some(certificates.join("\n"));
            match Cluster::connect(endpoint.clone(), credentials.clone()) {
                Ok(cluster) => return Ok(cluster),
                Err(error) => warn!(
                    error = chain(&error),
                    "the certificates are not usable and left out"
                ),
            }
            endpoint.ca_certificate = None;
        }
        Ok(Cluster::connect(endpoint, credentials)?)
    }

    async fn endpoint(&self, place: &Place, ca_certificate: Option<String>) -> Result<Endpoint, SiteError> {
        let host = match place.cluster_id() {
            Some(id) => Some(primary_node(&self.aws, id).await?),
            None => None,
        };
        Ok(place.endpoint(host.as_deref(), ca_certificate)?)
    }

    /// The newest secret is the likeliest to be right, but credentials only go to the Livy that they were declared for.
    async fn credentials_again(
        &self,
        place: &Place,
        properties: &[&Map<String, Value>],
    ) -> Result<Option<Credentials>, SiteError> {
        let same_livy = |properties: &&&Map<String, Value>| {
            lenient_place(properties).is_some_and(|p| p.livy == place.livy)
        };
        let declared = properties
            .iter()
            .filter(same_livy)
            .filter_map(|properties| lenient_credentials(properties));
        for arn in declared.filter(|arn| place.credentials.as_ref() != Some(arn)) {
            match self.credentials.get(&self.aws, &arn).await {
                Ok(credentials) => return Ok(Some(credentials)),
                Err(error) => warn!(
                    error = chain(&error),
                    "the secret that the template names is left out"
                ),
            }
        }
        match &place.credentials {
            Some(arn) => Ok(Some(self.credentials.get(&self.aws, arn).await?)),
            None => Ok(None),
        }
    }
}

/// Makes sure that the endpoint's hosts have addresses: a misspelt name should not take the whole submit time-out.
pub(crate) async fn check_hosts(endpoint: &Endpoint, patience: Duration) -> Result<(), SiteError> {
    let until = Instant::now() + patience.min(NAME_TIMEOUT);
    let livy = endpoint.livy.host_str().unwrap_or_default();
    find_host(livy, "LivyUrl` or `LivyHost", until).await?;
    let others: Vec<_> = endpoint
        .hosts()
        .into_iter()
        .skip(1)
        .filter(|host| *host != livy)
        .collect();
    let mut result = Ok(());
    for host in others {
        result = find_host(host, "ResourceManagerUrl", until).await;
        if result.is_ok() {
            // One of several ResourceManagers is enough.
            break;
        }
    }
    result
}

async fn find_host(host: &str, property: &'static str, until: Instant) -> Result<(), SiteError> {
    let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let mut why = "no answer from its name server".to_owned();
    loop {
        match timeout_at(until, lookup_host((name.clone(), 0))).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => why = error.to_string(),
            Err(_) => {}
        }
        if Instant::now() + NAME_PERIOD > until {
            return Err(SiteError::Host {
                host: name,
                property,
                why,
            });
        }
        sleep_until(Instant::now() + NAME_PERIOD).await;
    }
}

#[cfg(test)]
mod tests {
    use sparkwright_spark_job::endpoint::ResourceManager;

    use super::*;

    fn endpoint(livy: &str, resource_manager: &str) -> Endpoint {
        let urls = vec![resource_manager.parse().expect("a URL")];
        let resource_manager = ResourceManager::Required {
            urls,
            user: "hadoop".into(),
        };
        Endpoint {
            livy: livy.parse().expect("a URL"),
            ca_certificate: None,
            resource_manager,
        }
    }

    #[tokio::test]
    async fn an_address_needs_no_name_server() {
        let endpoint = endpoint("http://127.0.0.1:8998", "http://[::1]:8088");
        assert!(check_hosts(&endpoint, Duration::from_millis(100)).await.is_ok());
    }

    #[tokio::test]
    async fn an_unknown_host_is_named_with_its_property() {
        let endpoint = endpoint("http://127.0.0.1:8998", "http://primary.invalid:8088");
        let error = check_hosts(&endpoint, Duration::from_millis(100))
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("the host `primary.invalid` is not known here"),
            "{error}"
        );
        assert!(error.contains("check `ResourceManagerUrl`"), "{error}");
    }
}
