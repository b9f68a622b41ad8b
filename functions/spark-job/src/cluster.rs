//! From an EMR cluster's id to its primary node. Nothing else here speaks to EMR.

use aws_sdk_emr as emr;
use emr::error::SdkError;
use emr::operation::describe_cluster::DescribeClusterError;
use emr::types::{Cluster, ClusterState, InstanceCollectionType, InstanceFleetType, InstanceGroupType};
use tracing::{info, warn};

use crate::aws::{Aws, explain, may_pass};

/// Why there is no primary node to speak to.
#[derive(Debug, thiserror::Error)]
pub enum LookUpError {
    /// The cluster has ended or is ending, and its jobs with it.
    #[error("the cluster `{id}` is {state}")]
    Gone {
        /// The cluster.
        id: String,
        /// EMR's word.
        state: String,
    },
    /// EMR never had it, or has forgotten it long after its end.
    #[error("EMR does not know the cluster `{id}`: {said}")]
    Unknown {
        /// The cluster.
        id: String,
        /// EMR's words.
        said: String,
    },
    /// It has no primary node yet.
    #[error("the cluster `{id}` is {state}, and no jobs can run on it before it is RUNNING or WAITING")]
    NotReady {
        /// The cluster.
        id: String,
        /// EMR's word.
        state: String,
    },
    /// EMR could not be asked.
    #[error("could not look up the cluster `{id}`: {why}")]
    Unavailable {
        /// The cluster.
        id: String,
        /// What stood in the way, and what to do about it.
        why: String,
        /// Whether that may pass by itself.
        passing: bool,
    },
}

impl LookUpError {
    /// Whether no job can be left on the cluster.
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Gone { .. } | Self::Unknown { .. })
    }

    /// Whether a later look-up may say more.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable { passing: true, .. })
    }
}

/// The primary node's host name, by which a function in the cluster's VPC reaches it.
pub async fn primary_node(aws: &Aws, id: &str) -> Result<String, LookUpError> {
    let emr = aws.emr().await;
    let answer = emr
        .describe_cluster()
        .cluster_id(id)
        .send()
        .await
        .map_err(|error| look_up_error(id, &error))?;
    let mut host = reachable(id, answer.cluster())?;
    // Inside the VPC a public name works too, but certificates are made out to the private one.
    if host.starts_with("ec2-")
        && let Some(private) = private_name(&emr, id, answer.cluster(), &host).await
    {
        host = private;
    }
    info!(cluster_id = id, primary_node = host, "the cluster was looked up");
    Ok(host)
}

fn look_up_error(id: &str, error: &SdkError<DescribeClusterError>) -> LookUpError {
    let id = id.to_owned();
    match error.as_service_error() {
        Some(DescribeClusterError::InvalidRequestException(refusal)) => LookUpError::Unknown {
            id,
            said: refusal.message().unwrap_or("it is not a valid id").to_owned(),
        },
        _ => LookUpError::Unavailable {
            id,
            why: explain(error, "EMR", "elasticmapreduce:DescribeCluster"),
            passing: may_pass(error),
        },
    }
}

fn reachable(id: &str, cluster: Option<&Cluster>) -> Result<String, LookUpError> {
    let id = id.to_owned();
    let state = cluster
        .and_then(Cluster::status)
        .and_then(|status| status.state());
    let word = state.map_or("in no known state", ClusterState::as_str).to_owned();
    let name = cluster
        .and_then(Cluster::master_public_dns_name)
        .filter(|name| !name.is_empty());
    match (state, name) {
        (
            Some(ClusterState::Terminating | ClusterState::Terminated | ClusterState::TerminatedWithErrors),
            _,
        ) => Err(LookUpError::Gone { id, state: word }),
        (Some(ClusterState::Starting | ClusterState::Bootstrapping), _) | (_, None) => {
            Err(LookUpError::NotReady { id, state: word })
        }
        // A state that EMR invents later is no reason not to try.
        (_, Some(name)) => Ok(name.to_owned()),
    }
}

/// The private name of the primary node that has this public one. Without the permission the public one has to do.
async fn private_name(
    emr: &emr::Client,
    id: &str,
    cluster: Option<&Cluster>,
    public: &str,
) -> Option<String> {
    let fleets =
        cluster.and_then(Cluster::instance_collection_type) == Some(&InstanceCollectionType::InstanceFleet);
    let request = emr.list_instances().cluster_id(id);
    let request = if fleets {
        request.instance_fleet_type(InstanceFleetType::Master)
    } else {
        request.instance_group_types(InstanceGroupType::Master)
    };
    match request.send().await {
        Ok(answer) => {
            let instance = answer
                .instances()
                .iter()
                .find(|instance| instance.public_dns_name() == Some(public))?;
            instance
                .private_dns_name()
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
        }
        Err(error) => {
            let why = explain(&error, "EMR", "elasticmapreduce:ListInstances");
            warn!(
                cluster_id = id,
                why, "the primary node's private name is not known; its public one is used"
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use emr::types::ClusterStatus;

    use super::*;

    fn cluster(state: &str, name: Option<&str>) -> Cluster {
        let status = ClusterStatus::builder().state(ClusterState::from(state)).build();
        Cluster::builder()
            .status(status)
            .set_master_public_dns_name(name.map(str::to_owned))
            .build()
    }

    #[track_caller]
    fn check(state: &str, name: Option<&str>, expected: Result<&str, &str>) {
        let found = reachable("j-1", Some(&cluster(state, name))).map_err(|error| error.to_string());
        assert_eq!(found.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn a_cluster_that_runs_has_a_primary_node() {
        check(
            "RUNNING",
            Some("ip-10-0-0-1.ec2.internal"),
            Ok("ip-10-0-0-1.ec2.internal"),
        );
        check("WAITING", Some("h"), Ok("h"));
        check("HIBERNATING", Some("h"), Ok("h"));
    }

    #[test]
    fn a_cluster_that_starts_is_not_ready() {
        let expected =
            "the cluster `j-1` is STARTING, and no jobs can run on it before it is RUNNING or WAITING";
        check("STARTING", Some("h"), Err(expected));
        check("STARTING", None, Err(expected));
    }

    #[test]
    fn a_cluster_that_has_ended_is_gone() {
        for state in ["TERMINATING", "TERMINATED", "TERMINATED_WITH_ERRORS"] {
            let found = reachable("j-1", Some(&cluster(state, Some("h"))));
            assert!(found.is_err_and(|error| error.is_gone()), "{state}");
        }
    }
}
