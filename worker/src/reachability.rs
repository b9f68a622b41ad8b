//! Whether the worker's own Livy and ResourceManager answer, also while no task needs them.

use std::sync::Arc;
use std::time::Duration;

use sparkwright_spark_job::chain;
use sparkwright_spark_job::endpoint::{Endpoint, ResourceManager};
use tokio::time::sleep;

use crate::clusters::Clusters;
use crate::status::Status;

/// The time between two probes.
const PERIOD: Duration = Duration::from_secs(10);

/// Probes for ever.
pub(crate) async fn probe(clusters: Arc<Clusters>, status: Status) {
    loop {
        for endpoint in clusters.own() {
            probe_one(&clusters, &status, endpoint).await;
        }
        sleep(PERIOD).await;
    }
}

async fn probe_one(clusters: &Clusters, status: &Status, endpoint: &Endpoint) {
    let Ok(connected) = clusters.get(endpoint) else {
        return;
    };
    let version = connected.cluster.livy().version();
    let metrics = async {
        match connected.cluster.yarn() {
            Some(yarn) => yarn.metrics().await.map(drop),
            None => Ok(()),
        }
    };
    let (livy, yarn) = tokio::join!(version, metrics);
    if livy.as_ref().is_err_and(sparkwright_livy::Error::is_unauthorized) {
        clusters.renew_credentials();
    }
    status.service(
        &format!("Livy at {}", endpoint.livy),
        livy.err().map(|error| chain(&error)),
    );
    if let ResourceManager::Required { urls, .. } = &endpoint.resource_manager {
        let urls: Vec<_> = urls.iter().map(ToString::to_string).collect();
        let name = format!("the ResourceManager at {}", urls.join(", "));
        status.service(&name, yarn.err().map(|error| chain(&error)));
    }
}
