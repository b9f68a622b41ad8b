//! The YARN simulator: ResourceManager and NodeManager REST, as Hadoop 3.3.4 speaks it.
//!
//! Routes in the journal, ResourceManager: `GET apps`, `GET app`, `GET app/state`, `PUT app/state`,
//! `GET app/appattempts`, `GET metrics`, `GET info`; NodeManager: `GET logs`, `GET logs/<file>`; `<method> ?` for
//! everything else.
//!
//! | behaviour | known by | test |
//! |---|---|---|
//! | applications by tag (upper case too) and state, newest fields and their order | real YARN 3.3.4: `upper case tag in the query`, `RM: by tag, RUNNING` | `ties`: `a_resource_manager_is_played_as_it_was_seen` |
//! | two keys `entry` inside `resourceSecondsMap` | real YARN 3.3.4: `"resourceSecondsMap":{"entry":{…},"entry":{…}}` | `ties`: `a_resource_manager_is_played_as_it_was_seen` |
//! | no match is `{"apps":{}}` | real YARN 3.3.4: `no such tag` | `ties`: `a_resource_manager_is_played_as_it_was_seen` |
//! | kill: 202 with the old state and `Location`, then 200 | real YARN 3.3.4: `RM: PUT KILLED`, `again at once` | `yarn`: `a_kill_is_accepted_then_done` |
//! | `was killed by user dr.who` without `user.name` | real YARN 3.3.4: `kill through the RM` | `yarn`: `a_kill_names_who_did_it` |
//! | unknown application 404, nonsense 400, with a `RemoteException` | real YARN 3.3.4: `app of another cluster life`, `malformed id`, `bad states` | `ties`: `a_resource_manager_is_played_as_it_was_seen` |
//! | attempts, container logs and their framing lines | real YARN 3.3.4: traceback in `stdout`; Hadoop's `LogToolUtils` | `yarn_ends`: `a_traceback_stands_in_the_containers_stdout` |
//! | a standby's three answers | Hadoop's `RMWebAppFilter`: read in code | `yarn_outages`: `a_standby_points_to_the_active_one` |

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hyper::Method;
use serde_json::json;

use super::application::{Application, ApplicationId, ApplicationState};
use super::state::Core;
use crate::http::{Answer, Request};
use crate::server::{Answering, Simulator};

mod application_json;
mod node_manager;
mod query;
mod standby;

pub(crate) use node_manager::NodeManager;

use application_json::{ApplicationJson, Shown};

/// One ResourceManager of a cluster.
#[derive(Debug)]
pub(crate) struct ResourceManager {
    pub(crate) core: Arc<Core>,
    /// 0 for the one that is active at first.
    pub(crate) index: usize,
}

/// `tracking_url` as YARN gives it: through the proxy while there is, or was, a driver to ask; else YARN's own page.
pub(crate) fn tracking_url(application: &Application, resource_manager: &str) -> String {
    let id = application.id;
    match application.state {
        ApplicationState::Failed | ApplicationState::Killed => format!("{resource_manager}/cluster/app/{id}"),
        ApplicationState::Accepted | ApplicationState::Running | ApplicationState::Finished => {
            format!("{resource_manager}/proxy/{id}/")
        }
    }
}

impl Simulator for ResourceManager {
    fn route(&self, request: &Request) -> String {
        let method = &request.method;
        let segments = request.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments[..] {
            ["ws", "v1", "cluster", "apps"] => format!("{method} apps"),
            ["ws", "v1", "cluster", "apps", _] => format!("{method} app"),
            ["ws", "v1", "cluster", "apps", _, what @ ("state" | "appattempts")] => {
                format!("{method} app/{what}")
            }
            ["ws", "v1", "cluster", "metrics"] => format!("{method} metrics"),
            ["ws", "v1", "cluster"] | ["ws", "v1", "cluster", "info"] => format!("{method} info"),
            _ => format!("{method} ?"),
        }
    }

    fn answer(self: Arc<Self>, request: Request) -> Answering {
        Box::pin(async move {
            match self.core.options.standby {
                Some(standby) if !self.is_active() && !request.path.ends_with("/cluster/info") => {
                    standby::answer(standby, &self.core.resource_manager_url(), &request)
                }
                _ => dressed(self.act(&request)),
            }
        })
    }
}

impl ResourceManager {
    fn is_active(&self) -> bool {
        self.core.active.load(Ordering::Relaxed) == self.index
    }

    fn act(&self, request: &Request) -> Answer {
        let segments = request.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let is_get = request.method == Method::GET;
        let is_put = request.method == Method::PUT;
        match segments[..] {
            ["ws", "v1", "cluster", "apps"] if is_get => self.list(request),
            ["ws", "v1", "cluster", "apps", id] if is_get => self.with(id, |application| {
                let deselected = request.parameters("deSelects");
                Answer::json_text(200, self.render("app", application, &deselected))
            }),
            ["ws", "v1", "cluster", "apps", id, "state"] if is_get => self.with(id, |application| {
                Answer::json(200, &json!({ "state": application.state.word() }))
            }),
            ["ws", "v1", "cluster", "apps", id, "state"] if is_put => self.kill(id, request),
            ["ws", "v1", "cluster", "apps", id, "appattempts"] if is_get => {
                self.with(id, |application| Answer::json(200, &self.attempts(application)))
            }
            ["ws", "v1", "cluster", "metrics"] if is_get => self.metrics(),
            ["ws", "v1", "cluster"] | ["ws", "v1", "cluster", "info"] if is_get => self.info(),
            _ => remote_exception(
                404,
                "NotFoundException",
                &format!("null for uri: {}", request.path),
            ),
        }
    }

    fn list(&self, request: &Request) -> Answer {
        let query = match query::Query::read(request) {
            Ok(query) => query,
            Err(message) => {
                return remote_exception(
                    400,
                    "BadRequestException",
                    &format!("java.lang.Exception: {message}"),
                );
            }
        };
        let mut found = self.core.ledger.select(|application| query.picks(application));
        found.truncate(query.limit.unwrap_or(usize::MAX));
        if found.is_empty() {
            return Answer::json_text(200, "{\"apps\":{}}");
        }
        let (resource_manager, node) = (self.core.resource_manager_url(), self.core.node_address());
        let shown = Shown {
            resource_manager: &resource_manager,
            node: &node,
            deselected: &query.deselected,
        };
        let all: Vec<ApplicationJson> = found.iter().map(|one| ApplicationJson::of(one, shown)).collect();
        let all = serde_json::to_string(&all).expect("an application is plain data");
        Answer::json_text(200, format!("{{\"apps\":{{\"app\":{all}}}}}"))
    }

    fn render(&self, key: &str, application: &Application, deselected: &[String]) -> String {
        let (resource_manager, node) = (self.core.resource_manager_url(), self.core.node_address());
        let shown = Shown {
            resource_manager: &resource_manager,
            node: &node,
            deselected,
        };
        let application = ApplicationJson::of(application, shown);
        let application = serde_json::to_string(&application).expect("an application is plain data");
        format!("{{\"{key}\":{application}}}")
    }

    fn attempts(&self, application: &Application) -> serde_json::Value {
        let node = self.core.node_address();
        let scheme = if self.core.options.tls { "https" } else { "http" };
        let attempts: Vec<serde_json::Value> = application
            .attempts
            .iter()
            .map(|attempt| {
                json!({
                    "id": attempt.number, "startTime": attempt.started_at, "finishedTime": attempt.finished_at,
                    "containerId": attempt.container, "nodeHttpAddress": node,
                    "nodeId": application_json::node_id(&node),
                    "logsLink": application_json::logs_link(scheme, &node, application, &attempt.container),
                    "blacklistedNodes": "", "nodesBlacklistedBySystem": "",
                    "appAttemptId": application.id.attempt(attempt.number), "exportPorts": "{}"
                })
            })
            .collect();
        if attempts.is_empty() {
            return json!({ "appAttempts": {} });
        }
        json!({ "appAttempts": { "appAttempt": attempts } })
    }

    /// The first order is accepted and answered with the old state; once it is done, so is the answer.
    fn kill(&self, id: &str, request: &Request) -> Answer {
        let wanted = request.json()["state"].as_str().unwrap_or_default().to_owned();
        if wanted != "KILLED" {
            let message =
                format!("java.lang.Exception: Only '[KILLED]' allowed as a target state. Got: {wanted}");
            return remote_exception(400, "BadRequestException", &message);
        }
        let by = request
            .parameter("user.name")
            .unwrap_or_else(|| "dr.who".to_owned());
        self.with(id, |application| {
            let state = json!({ "state": application.state.word() });
            if !application.is_live() {
                return Answer::json(200, &state);
            }
            self.core.kill(application.id, &by);
            let location = format!("{}{}", self.core.resource_manager_url(), request.path);
            Answer::json(202, &state).with_header("Location", location)
        })
    }

    fn with(&self, id: &str, show: impl FnOnce(&Application) -> Answer) -> Answer {
        let parsed: ApplicationId = match id.parse() {
            Ok(parsed) => parsed,
            Err(complaint) => {
                let message = format!("java.lang.IllegalArgumentException: {complaint}");
                return remote_exception(400, "BadRequestException", &message);
            }
        };
        match self.core.ledger.get(parsed) {
            Some(application) => show(&application),
            None => {
                let message = format!("java.lang.Exception: app with id: {id} not found");
                remote_exception(404, "NotFoundException", &message)
            }
        }
    }

    fn metrics(&self) -> Answer {
        let all = self.core.ledger.select(|_| true);
        let count = |state: ApplicationState| {
            all.iter()
                .filter(|application| application.state == state)
                .count()
        };
        let metrics = json!({
            "appsSubmitted": all.len(), "appsCompleted": count(ApplicationState::Finished),
            "appsPending": count(ApplicationState::Accepted), "appsRunning": count(ApplicationState::Running),
            "appsFailed": count(ApplicationState::Failed), "appsKilled": count(ApplicationState::Killed),
            "reservedMB": 0, "availableMB": 6144, "allocatedMB": 0, "reservedVirtualCores": 0,
            "availableVirtualCores": 8, "allocatedVirtualCores": 0, "containersAllocated": 0,
            "containersReserved": 0, "containersPending": 0, "totalMB": 6144, "totalVirtualCores": 8,
            "totalNodes": 1, "lostNodes": 0, "unhealthyNodes": 0, "decommissioningNodes": 0,
            "decommissionedNodes": 0, "rebootedNodes": 0, "activeNodes": 1, "shutdownNodes": 0
        });
        Answer::json(200, &json!({ "clusterMetrics": metrics }))
    }

    fn info(&self) -> Answer {
        let ha = if self.is_active() { "ACTIVE" } else { "STANDBY" };
        let started = self.core.ledger.started_at();
        let info = json!({
            "id": started, "startedOn": started, "state": "STARTED", "haState": ha,
            "resourceManagerVersion": "3.3.4", "hadoopVersion": "3.3.4"
        });
        Answer::json(200, &json!({ "clusterInfo": info }))
    }
}

/// An error in Hadoop's form.
pub(crate) fn remote_exception(status: u16, exception: &str, message: &str) -> Answer {
    let class = format!("org.apache.hadoop.yarn.webapp.{exception}");
    let (exception, message) = (json!(exception), json!(message));
    Answer::json_text(
        status,
        format!(
            "{{\"RemoteException\":{{\"exception\":{exception},\"message\":{message},\"javaClassName\":\"{class}\"}}}}"
        ),
    )
}

/// The headers that every answer of the ResourceManager carries.
fn dressed(answer: Answer) -> Answer {
    answer
        .with_header("Cache-Control", "no-cache")
        .with_header("Pragma", "no-cache")
        .with_header("X-Content-Type-Options", "nosniff")
        .with_header("X-XSS-Protection", "1; mode=block")
        .with_header("X-Frame-Options", "SAMEORIGIN")
        .with_header("Vary", "Accept-Encoding")
}
