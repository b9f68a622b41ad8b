//! The endpoints that the worker's own options name.

use std::path::Path;

use sparkwright_spark_job::endpoint::{Endpoint, ResourceManager, default_resource_manager};
use url::Url;

use crate::config::{Config, ResourceManagerUse};
use crate::errors::StartupError;

/// An endpoint for each Livy, in the order of the options.
pub(crate) fn own_endpoints(config: &Config) -> Result<Vec<Endpoint>, StartupError> {
    let ca_certificate = config
        .livy_ca_certificate
        .as_deref()
        .map(read_certificate)
        .transpose()?;
    let endpoint = |livy: &Url| {
        let resource_manager = match config.resource_manager {
            ResourceManagerUse::None => ResourceManager::None,
            ResourceManagerUse::Required => ResourceManager::Required {
                urls: resource_managers(config, livy)?,
                user: config.resource_manager_user.clone(),
            },
        };
        Ok(Endpoint {
            livy: livy.clone(),
            ca_certificate: ca_certificate.clone(),
            resource_manager,
        })
    };
    config.livy_urls.iter().map(endpoint).collect()
}

fn resource_managers(config: &Config, livy: &Url) -> Result<Vec<Url>, StartupError> {
    if !config.resource_manager_urls.is_empty() {
        return Ok(config.resource_manager_urls.clone());
    }
    let beside = default_resource_manager(livy).map_err(|mistakes| StartupError::Endpoint {
        message: mistakes.to_string(),
    })?;
    Ok(vec![beside])
}

fn read_certificate(path: &Path) -> Result<String, StartupError> {
    std::fs::read_to_string(path).map_err(|source| StartupError::File {
        option: "--livy-ca-certificate",
        path: path.to_owned(),
        source,
    })
}
