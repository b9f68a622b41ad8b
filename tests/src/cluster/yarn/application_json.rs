//! An application as the ResourceManager's JSON shows it: every field, in its order, with its oddities.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::json;

use super::tracking_url;
use crate::clock::now_ms;
use crate::cluster::application::{Application, ApplicationState};

const UNASSIGNED: i64 = -1;

/// What there is to know besides the application itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'a> {
    pub(super) resource_manager: &'a str,
    pub(super) node: &'a str,
    pub(super) deselected: &'a [String],
}

/// Hadoop's writer of maps gives every entry the same key.
struct ResourceSeconds {
    memory: i64,
    cores: i64,
}

impl Serialize for ResourceSeconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry(
            "entry",
            &json!({ "key": "memory-mb", "value": self.memory.to_string() }),
        )?;
        map.serialize_entry(
            "entry",
            &json!({ "key": "vcores", "value": self.cores.to_string() }),
        )?;
        map.end()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApplicationJson {
    id: String,
    user: String,
    name: String,
    queue: String,
    state: &'static str,
    final_status: &'static str,
    progress: f32,
    #[serde(rename = "trackingUI")]
    tracking_ui: &'static str,
    tracking_url: String,
    diagnostics: String,
    cluster_id: i64,
    application_type: &'static str,
    application_tags: String,
    priority: i64,
    started_time: i64,
    launch_time: i64,
    finished_time: i64,
    elapsed_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    am_container_logs: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    am_host_http_address: Option<String>,
    #[serde(rename = "amRPCAddress", skip_serializing_if = "Option::is_none")]
    am_rpc_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    master_node_id: Option<String>,
    #[serde(rename = "allocatedMB")]
    allocated_mb: i64,
    #[serde(rename = "allocatedVCores")]
    allocated_v_cores: i64,
    #[serde(rename = "reservedMB")]
    reserved_mb: i64,
    #[serde(rename = "reservedVCores")]
    reserved_v_cores: i64,
    running_containers: i64,
    memory_seconds: i64,
    vcore_seconds: i64,
    queue_usage_percentage: f32,
    cluster_usage_percentage: f32,
    resource_seconds_map: ResourceSeconds,
    #[serde(rename = "preemptedResourceMB")]
    preempted_resource_mb: i64,
    #[serde(rename = "preemptedResourceVCores")]
    preempted_resource_v_cores: i64,
    #[serde(rename = "numNonAMContainerPreempted")]
    num_non_am_container_preempted: i64,
    #[serde(rename = "numAMContainerPreempted")]
    num_am_container_preempted: i64,
    preempted_memory_seconds: i64,
    preempted_vcore_seconds: i64,
    preempted_resource_seconds_map: serde_json::Value,
    log_aggregation_status: &'static str,
    unmanaged_application: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    am_node_label_expression: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_requests: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeouts: Option<Timeouts>,
}

#[derive(Serialize)]
struct Timeouts {
    timeout: [Timeout; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Timeout {
    #[serde(rename = "type")]
    kind: &'static str,
    expiry_time: &'static str,
    remaining_time_in_seconds: i64,
}

const NO_TIMEOUT: Timeouts = Timeouts {
    timeout: [Timeout {
        kind: "LIFETIME",
        expiry_time: "UNLIMITED",
        remaining_time_in_seconds: -1,
    }],
};

impl ApplicationJson {
    pub(super) fn of(application: &Application, shown: Shown<'_>) -> ApplicationJson {
        let is_live = application.is_live();
        let is_running = application.state == ApplicationState::Running;
        let until = if is_live {
            now_ms()
        } else {
            application.finished_at
        };
        let elapsed = until - application.started_at;
        let seconds = if application.launched_at == 0 {
            0
        } else {
            (until - application.launched_at) / 1000
        };
        let deselects = |what: &str| shown.deselected.iter().any(|deselected| deselected == what);
        let host = shown.node.rsplit_once(':').map_or(shown.node, |(host, _)| host);
        let attempt = application.attempts.last();
        let scheme = if shown.resource_manager.starts_with("https") {
            "https"
        } else {
            "http"
        };
        let (containers, megabytes) = match application.state {
            ApplicationState::Running => (2, 1792),
            ApplicationState::Accepted => (0, 0),
            _ => (UNASSIGNED, UNASSIGNED),
        };
        ApplicationJson {
            id: application.id.to_string(),
            user: application.user.clone(),
            name: application.name.clone(),
            queue: application.queue.clone(),
            state: application.state.word(),
            final_status: application.final_status.word(),
            progress: if !is_live {
                100.0
            } else if is_running {
                10.0
            } else {
                0.0
            },
            tracking_ui: match application.state {
                ApplicationState::Accepted => "UNASSIGNED",
                ApplicationState::Running => "ApplicationMaster",
                _ => "History",
            },
            tracking_url: tracking_url(application, shown.resource_manager),
            diagnostics: application.diagnostics.clone(),
            cluster_id: application.id.cluster,
            application_type: "SPARK",
            application_tags: application.tags.join(","),
            priority: 0,
            started_time: application.started_at,
            launch_time: application.launched_at,
            finished_time: application.finished_at,
            elapsed_time: elapsed,
            am_container_logs: attempt
                .map(|attempt| logs_link(scheme, shown.node, application, &attempt.container)),
            am_host_http_address: attempt.map(|_| shown.node.to_owned()),
            am_rpc_address: attempt
                .filter(|_| application.state != ApplicationState::Accepted)
                .map(|_| format!("{host}:35989")),
            master_node_id: attempt.map(|_| node_id(shown.node)),
            allocated_mb: megabytes,
            allocated_v_cores: containers,
            reserved_mb: if is_live { 0 } else { UNASSIGNED },
            reserved_v_cores: if is_live { 0 } else { UNASSIGNED },
            running_containers: containers,
            memory_seconds: seconds * 1792,
            vcore_seconds: seconds * 2,
            queue_usage_percentage: if is_running { 43.75 } else { 0.0 },
            cluster_usage_percentage: if is_running { 43.75 } else { 0.0 },
            resource_seconds_map: ResourceSeconds {
                memory: seconds * 1792,
                cores: seconds * 2,
            },
            preempted_resource_mb: 0,
            preempted_resource_v_cores: 0,
            num_non_am_container_preempted: 0,
            num_am_container_preempted: 0,
            preempted_memory_seconds: 0,
            preempted_vcore_seconds: 0,
            preempted_resource_seconds_map: json!({}),
            log_aggregation_status: "DISABLED",
            unmanaged_application: false,
            am_node_label_expression: (!deselects("amNodeLabelExpression")).then_some(""),
            resource_requests: (is_live && !deselects("resourceRequests")).then(resource_requests),
            timeouts: (!deselects("timeouts")).then_some(NO_TIMEOUT),
        }
    }
}

/// Where a person reads a container's logs.
pub(super) fn logs_link(scheme: &str, node: &str, application: &Application, container: &str) -> String {
    format!(
        "{scheme}://{node}/node/containerlogs/{container}/{}",
        application.user
    )
}

/// The node's id: its host and the port of its other, non-HTTP side.
pub(super) fn node_id(node: &str) -> String {
    let host = node.rsplit_once(':').map_or(node, |(host, _)| host);
    format!("{host}:8041")
}

/// What makes answers large when nobody deselects it.
fn resource_requests() -> serde_json::Value {
    let request = |name: &str| {
        json!({
            "priority": 1, "resourceName": name, "numContainers": 1, "relaxLocality": true,
            "capability": { "memory": 896, "memorySize": 896, "vCores": 1 },
            "nodeLabelExpression": "", "executionTypeRequest": { "executionType": "GUARANTEED" }
        })
    };
    json!([request("*"), request("/default-rack"), request("127.0.0.1")])
}
