//! Deployments: the resource is created or updated, and the stack goes on or back.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use super::{Held, Reply, Stack, StackStatus, Unfinished};
use crate::cloudformation::event::Identity;

/// How the stack's other resources fare in a deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Elsewhere {
    /// They work.
    #[default]
    Works,
    /// One fails before ours is asked for.
    FailsBefore,
    /// One fails so long after ours was asked for, whether or not ours is done by then. Somebody who cancels the
    /// update, or deletes the stack while it is created, does the same. When failures are kept, ours goes on.
    FailsAfter(Duration),
    /// One fails once ours is done.
    FailsLast,
}

/// A deployment.
#[derive(Clone, Debug, Default)]
pub struct Deployment {
    /// The resource's properties.
    pub properties: Value,
    /// How the others fare.
    pub elsewhere: Elsewhere,
    /// Whether a failure leaves everything as it is (`--disable-rollback`).
    pub keep_on_failure: bool,
    /// Whether the rollback's Update has the request id of the Update that it takes back.
    pub rollback_has_same_id: bool,
}

impl Stack {
    /// Creates the resource, or updates it when the stack has it. After a deployment that failed and was kept it is a
    /// retry, under the same request id.
    pub async fn deploy(&self, deployment: &Deployment) -> StackStatus {
        self.breathe().await;
        let unfinished = self.state(|state| state.unfinished.take());
        if deployment.elsewhere == Elsewhere::FailsBefore {
            self.state(|state| state.unfinished = unfinished);
            return match self.held() {
                None => StackStatus::RollbackComplete,
                Some(_) => StackStatus::UpdateRollbackComplete,
            };
        }
        match (self.held(), unfinished) {
            (None, _) => self.create(deployment, Identity::New, None).await,
            (Some(held), Some(Unfinished::Create { request_id })) => {
                self.create(deployment, Identity::Again(request_id), Some(held))
                    .await
            }
            (Some(held), Some(Unfinished::Update { request_id, old })) => {
                self.update(deployment, Identity::Again(request_id), held, old)
                    .await
            }
            (Some(held), Some(Unfinished::Rollback { .. }) | None) => {
                let old = held.properties.clone();
                self.update(deployment, Identity::New, held, old).await
            }
        }
    }

    async fn create(
        &self,
        deployment: &Deployment,
        identity: Identity,
        earlier: Option<Held>,
    ) -> StackStatus {
        let properties = &deployment.properties;
        let resource = &self.inner.resource;
        let began = Instant::now();
        self.state(|state| state.held = None);
        self.enter("CREATE_IN_PROGRESS");
        let event = self.inner.sink.create_as(identity, resource, properties.clone());
        let request_id = event.request_id.clone();
        let reply = self.ask(event, properties, deployment.cancelled_at(began)).await;
        if let Reply::Success(id) = &reply {
            self.hold(id, properties);
            self.enter("CREATE_COMPLETE");
            if !deployment.fails_later(began).await {
                self.clean_up_replaced(earlier, id).await;
                return StackStatus::CreateComplete;
            }
            if deployment.keep_on_failure {
                self.clean_up_replaced(earlier, id).await;
                return StackStatus::CreateFailed;
            }
        } else {
            let answered = match reply {
                Reply::Failed(id) => Some(id),
                _ => None,
            };
            self.hold(&answered.unwrap_or_else(|| resource.invented_id()), properties);
            self.enter("CREATE_FAILED");
            if deployment.keep_on_failure {
                let id = self.held().map(|held| held.physical_id).unwrap_or_default();
                self.clean_up_replaced(earlier, &id).await;
                self.state(|state| state.unfinished = Some(Unfinished::Create { request_id }));
                return StackStatus::CreateFailed;
            }
        }
        self.pause().await;
        let created = self.held().map(|held| held.physical_id).unwrap_or_default();
        let is_removed = self.remove().await;
        self.clean_up_replaced(earlier, &created).await;
        match is_removed {
            true => StackStatus::RollbackComplete,
            false => StackStatus::RollbackFailed,
        }
    }

    async fn update(
        &self,
        deployment: &Deployment,
        identity: Identity,
        held: Held,
        old: Value,
    ) -> StackStatus {
        let properties = &deployment.properties;
        if held.properties == *properties && identity == Identity::New {
            return StackStatus::UpdateComplete;
        }
        let began = Instant::now();
        self.enter("UPDATE_IN_PROGRESS");
        let event = self.inner.sink.update_as(
            identity,
            &self.inner.resource,
            &held.physical_id,
            old.clone(),
            properties.clone(),
        );
        let request_id = event.request_id.clone();
        let reply = self.ask(event, properties, deployment.cancelled_at(began)).await;
        let id = match &reply {
            Reply::Success(id) | Reply::Failed(id) => id.clone(),
            Reply::NoAnswer | Reply::Cancelled => held.physical_id.clone(),
        };
        self.hold(&id, properties);
        let replaced = (id != held.physical_id).then(|| held.clone());
        if let Reply::Success(_) = reply {
            self.enter("UPDATE_COMPLETE");
            if !deployment.fails_later(began).await {
                self.clean_up_replaced(replaced, &id).await;
                return StackStatus::UpdateComplete;
            }
            if deployment.keep_on_failure {
                self.clean_up_replaced(replaced, &id).await;
                return StackStatus::UpdateFailed;
            }
        } else {
            self.enter("UPDATE_FAILED");
            if deployment.keep_on_failure {
                self.state(|state| state.unfinished = Some(Unfinished::Update { request_id, old }));
                return StackStatus::UpdateFailed;
            }
        }
        self.pause().await;
        let created = replaced.map(|_| id).into_iter().collect();
        let same = deployment.rollback_has_same_id.then_some(request_id);
        self.roll_back_update(old, created, same).await
    }

    /// The Update with swapped properties, and the deletion of what the way forward has created.
    pub(super) async fn roll_back_update(
        &self,
        old: Value,
        mut created: Vec<String>,
        request_id: Option<String>,
    ) -> StackStatus {
        let Some(held) = self.held() else {
            return StackStatus::UpdateRollbackComplete;
        };
        self.enter("UPDATE_IN_PROGRESS");
        let event = self.inner.sink.update_as(
            request_id.map_or(Identity::New, Identity::Again),
            &self.inner.resource,
            &held.physical_id,
            held.properties.clone(),
            old.clone(),
        );
        let reply = self.ask(event, &old, None).await;
        let (id, is_done) = match reply {
            Reply::Success(id) => (id, true),
            Reply::Failed(id) => (id, false),
            Reply::NoAnswer | Reply::Cancelled => (held.physical_id.clone(), false),
        };
        if id != held.physical_id && !created.contains(&held.physical_id) {
            created.push(held.physical_id.clone());
        }
        if !is_done {
            // The next rollback starts from what this one has left.
            self.hold(&id, &held.properties);
            self.enter("UPDATE_FAILED");
            self.state(|state| state.unfinished = Some(Unfinished::Rollback { old, created }));
            return StackStatus::UpdateRollbackFailed;
        }
        self.hold(&id, &old);
        self.enter("UPDATE_COMPLETE");
        for gone in created.iter().filter(|created| **created != id) {
            self.clean_up(gone).await;
        }
        StackStatus::UpdateRollbackComplete
    }

    /// Deletes what was replaced, unless its id is only an invented one.
    async fn clean_up_replaced(&self, replaced: Option<Held>, by: &str) {
        let invented = self.inner.resource.invented_prefix();
        let is_gone = |held: &Held| held.physical_id != by && !held.physical_id.starts_with(&invented);
        if let Some(replaced) = replaced.filter(is_gone) {
            self.clean_up(&replaced.physical_id).await;
        }
    }
}

impl Deployment {
    fn cancelled_at(&self, began: Instant) -> Option<Instant> {
        match self.elsewhere {
            Elsewhere::FailsAfter(time) if !self.keep_on_failure => Some(began + time),
            _ => None,
        }
    }

    /// Whether another resource fails after ours has succeeded; it is waited for.
    async fn fails_later(&self, began: Instant) -> bool {
        if let Some(instant) = self.cancelled_at(began) {
            sleep_until(instant).await;
        }
        matches!(self.elsewhere, Elsewhere::FailsAfter(_) | Elsewhere::FailsLast)
    }
}
