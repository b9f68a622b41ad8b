//! The cluster's own numbers: the cheapest way to see whether the ResourceManager answers and has nodes.

use serde::Deserialize;

/// Some numbers of a cluster.
#[derive(Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterMetrics {
    /// Nodes that can run containers; with none of them every application waits.
    pub active_nodes: i64,
    /// Nodes that were not heard of for some time.
    pub lost_nodes: i64,
    /// Nodes that report themselves as broken, often by a full disk.
    pub unhealthy_nodes: i64,
    /// Applications that run.
    pub apps_running: i64,
    /// Applications that wait.
    pub apps_pending: i64,
    /// Memory that is free.
    #[serde(rename = "availableMB")]
    pub available_mb: i64,
    /// Memory of all nodes.
    #[serde(rename = "totalMB")]
    pub total_mb: i64,
}

/// `{"clusterMetrics":{…}}`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metrics {
    pub(crate) cluster_metrics: ClusterMetrics,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_read_by_their_names() {
        let json = r#"{"clusterMetrics":{"appsSubmitted":9,"appsPending":2,"appsRunning":1,"availableMB":4096,
            "totalMB":6144,"activeNodes":3,"lostNodes":1,"unhealthyNodes":0,"rebootedNodes":0}}"#;
        let metrics = serde_json::from_str::<Metrics>(json).unwrap().cluster_metrics;
        assert_eq!(
            (metrics.active_nodes, metrics.lost_nodes, metrics.unhealthy_nodes),
            (3, 1, 0)
        );
        assert_eq!((metrics.apps_running, metrics.apps_pending), (1, 2));
        assert_eq!((metrics.available_mb, metrics.total_mb), (4096, 6144));
    }

    #[test]
    fn an_answer_without_metrics_is_refused() {
        assert!(serde_json::from_str::<Metrics>("{}").is_err());
    }
}
