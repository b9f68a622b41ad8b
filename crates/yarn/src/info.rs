//! What a ResourceManager says about itself, also while it is a standby.

use serde::Deserialize;

/// One ResourceManager.
#[derive(Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ResourceManagerInfo {
    /// `STARTED`, unless it starts or stops.
    pub state: String,
    /// `ACTIVE` or `STANDBY`; of a cluster with only one it is `ACTIVE` too.
    pub ha_state: String,
    /// Hadoop's version.
    #[serde(default)]
    pub hadoop_version: String,
}

impl ResourceManagerInfo {
    /// Whether it is the one that knows the applications.
    pub fn is_active(&self) -> bool {
        self.state == "STARTED" && self.ha_state == "ACTIVE"
    }
}

/// `{"clusterInfo":{…}}`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Info {
    pub(crate) cluster_info: ResourceManagerInfo,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(ha_state: &str) -> ResourceManagerInfo {
        let json = format!(
            r#"{{"clusterInfo":{{"id":1795225753640,"startedOn":1795225753640,"state":"STARTED","haState":"{ha_state}",
            "rmStateStoreName":"org.apache.hadoop.yarn.server.resourcemanager.recovery.NullRMStateStore",
            "resourceManagerVersion":"3.3.4","hadoopVersion":"3.3.4","haZooKeeperConnectionState":"…"}}}}"#
        );
        serde_json::from_str::<Info>(&json).unwrap().cluster_info
    }

    #[test]
    fn the_active_one_is_told_from_a_standby() {
        assert!(read("ACTIVE").is_active() && !read("STANDBY").is_active());
        assert_eq!(read("ACTIVE").hadoop_version, "3.3.4");
    }
}
