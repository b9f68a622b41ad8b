//! Who else uses the cluster: their jobs must outlive every history.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use sparkwright_tests::cluster::Cluster;

/// Their batches' names begin like those of a resource of ours.
const STRANGER: &str = "v0-00000000-";

/// The others.
#[derive(Debug, Default)]
pub(crate) struct Strangers(AtomicUsize);

impl Strangers {
    /// How many jobs they have submitted.
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// The names of their batches.
    pub(crate) fn names(&self) -> Vec<String> {
        (0..self.count()).map(name).collect()
    }

    /// Somebody else submits a job, with tags and a name that look like ours.
    pub(crate) async fn submit(&self, cluster: &Cluster) {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        let body = json!({
            "file": cluster.job_file("forever.py"),
            "name": name(number),
            "conf": {"spark.yarn.tags": "sparkwright,sparkwright-resource-00000000000000000000000000000000"},
        });
        let client = reqwest::Client::builder()
            .tls_certs_only([])
            .build()
            .expect("a plain client");
        let url = cluster.livy_url().join("batches").expect("a path");
        // Livy may have been killed again meanwhile.
        let _ = client.post(url).json(&body).send().await;
    }
}

fn name(number: usize) -> String {
    format!("{STRANGER}{number:012}")
}

/// Whether a batch or an application of this name is theirs.
pub(crate) fn is_a_strangers(name: &str) -> bool {
    name.starts_with(STRANGER)
}
