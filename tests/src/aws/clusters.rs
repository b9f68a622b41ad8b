//! EMR: `DescribeCluster`, `ListInstances`.

use std::collections::HashMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::protocol::{answer, error};
use crate::http::Answer;
use crate::sync::lock;
use crate::{clock, random};

/// How a cluster's instances are grouped, which decides how they are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Collection {
    /// Uniform instance groups.
    #[default]
    Groups,
    /// Instance fleets.
    Fleets,
}

#[derive(Debug, Default)]
pub(super) struct Clusters(Mutex<HashMap<String, Described>>);

#[derive(Debug)]
struct Described {
    state: String,
    primary: Option<String>,
    collection: Collection,
    instances: Vec<Instance>,
}

#[derive(Debug)]
struct Instance {
    id: String,
    public: String,
    private: String,
    is_primary: bool,
}

impl Clusters {
    /// What is known of its instances stays.
    pub(super) fn set(&self, id: &str, state: &str, primary: Option<&str>) {
        let mut clusters = lock(&self.0);
        let before = clusters.remove(id);
        let (collection, instances) =
            before.map_or_else(Default::default, |known| (known.collection, known.instances));
        let described = Described {
            state: state.to_owned(),
            primary: primary.map(str::to_owned),
            collection,
            instances,
        };
        clusters.insert(id.to_owned(), described);
    }

    pub(super) fn instances(&self, id: &str, collection: Collection, primaries: &[(&str, &str)]) {
        let instance = |(public, private): (&str, &str), is_primary| Instance {
            id: format!("ci-{}", random::alphanumeric(13).to_uppercase()),
            public: public.to_owned(),
            private: private.to_owned(),
            is_primary,
        };
        if let Some(cluster) = lock(&self.0).get_mut(id) {
            cluster.collection = collection;
            cluster.instances = primaries.iter().map(|names| instance(*names, true)).collect();
            let core = ("ec2-core.eu-west-1.compute.amazonaws.com", "ip-core.ec2.internal");
            cluster.instances.push(instance(core, false));
        }
    }

    pub(super) fn describe_cluster(&self, id: &str) -> Answer {
        let clusters = lock(&self.0);
        let Some(cluster) = clusters.get(id) else {
            return unknown(id);
        };
        let mut described = json!({
            "Id": id, "Name": "simulated", "ReleaseLabel": "emr-7.1.0", "AutoTerminate": false,
            "ClusterArn": format!("arn:aws:elasticmapreduce:eu-west-1:123456789012:cluster/{id}"),
            "InstanceCollectionType": cluster.collection.word(),
            "Status": {
                "State": cluster.state, "StateChangeReason": {},
                "Timeline": { "CreationDateTime": clock::now_ms() / 1000 }
            }
        });
        if let Some(primary) = &cluster.primary {
            described["MasterPublicDnsName"] = json!(primary);
        }
        answer(&json!({ "Cluster": described }))
    }

    /// Groups are asked for by `InstanceGroupTypes`, fleets by `InstanceFleetType`; the wrong one is refused.
    pub(super) fn list_instances(&self, request: &Value) -> Answer {
        let id = request["ClusterId"].as_str().unwrap_or_default();
        let clusters = lock(&self.0);
        let Some(cluster) = clusters.get(id) else {
            return unknown(id);
        };
        let wanted = match (
            cluster.collection,
            &request["InstanceGroupTypes"],
            &request["InstanceFleetType"],
        ) {
            (_, Value::Null, Value::Null) => None,
            (Collection::Groups, Value::Array(kinds), Value::Null) => Some(kinds.contains(&json!("MASTER"))),
            (Collection::Fleets, Value::Null, kind) => Some(kind == "MASTER"),
            _ => {
                return error(
                    "InvalidRequestException",
                    "Instance fleets and instance groups are mutually exclusive.",
                );
            }
        };
        let asked = cluster
            .instances
            .iter()
            .filter(|instance| wanted.is_none_or(|primaries| instance.is_primary == primaries));
        let instances: Vec<_> = asked.map(|instance| instance.shown(cluster.collection)).collect();
        answer(&json!({ "Instances": instances }))
    }
}

impl Instance {
    fn shown(&self, collection: Collection) -> Value {
        let mut shown = json!({
            "Id": self.id, "Ec2InstanceId": "i-0123456789abcdef0", "InstanceType": "m5.xlarge", "Market": "ON_DEMAND",
            "PublicDnsName": self.public, "PrivateDnsName": self.private, "EbsVolumes": [],
            "Status": { "State": "RUNNING", "StateChangeReason": {}, "Timeline": {} }
        });
        let (member, group) = match collection {
            Collection::Groups => ("InstanceGroupId", "ig-SIMULATED"),
            Collection::Fleets => ("InstanceFleetId", "if-SIMULATED"),
        };
        shown[member] = json!(group);
        shown
    }
}

impl Collection {
    fn word(self) -> &'static str {
        match self {
            Self::Groups => "INSTANCE_GROUP",
            Self::Fleets => "INSTANCE_FLEET",
        }
    }
}

fn unknown(id: &str) -> Answer {
    error(
        "InvalidRequestException",
        &format!("Cluster id '{id}' is not valid."),
    )
}
