//! A resource leaves its stack.

use super::{Reply, Stack, StackStatus, Unfinished};

/// How often a clean-up is tried before the old resource is dropped.
const TRIES: u32 = 3;

impl Stack {
    /// Deletes the stack, or deletes it again after it could not be deleted.
    pub async fn delete(&self) -> StackStatus {
        self.breathe().await;
        self.state(|state| state.unfinished = None);
        match self.remove().await {
            true => StackStatus::DeleteComplete,
            false => StackStatus::DeleteFailed,
        }
    }

    /// Takes the resource out of the stack with `DeletionPolicy: Retain`: nothing is asked of the function.
    pub async fn retain(&self) -> StackStatus {
        self.enter("DELETE_SKIPPED");
        self.state(|state| {
            state.unfinished = None;
            if let Some(held) = state.held.take() {
                state.retained.push(held.physical_id);
            }
        });
        StackStatus::UpdateComplete
    }

    /// Goes on with a rollback that failed.
    pub async fn continue_rollback(&self) -> StackStatus {
        match self.state(|state| state.unfinished.take()) {
            Some(Unfinished::Rollback { old, created }) => self.roll_back_update(old, created, None).await,
            other => {
                self.state(|state| state.unfinished = other);
                StackStatus::UpdateRollbackComplete
            }
        }
    }

    /// Deletes the resource that the stack has; whether that worked.
    pub(super) async fn remove(&self) -> bool {
        let Some(held) = self.held() else { return true };
        self.enter("DELETE_IN_PROGRESS");
        let event = self
            .inner
            .sink
            .delete(&self.inner.resource, &held.physical_id, held.properties.clone());
        match self.ask(event, &held.properties, None).await {
            Reply::Success(_) => {
                self.enter("DELETE_COMPLETE");
                self.state(|state| state.held = None);
                true
            }
            Reply::Failed(_) | Reply::NoAnswer | Reply::Cancelled => {
                self.enter("DELETE_FAILED");
                false
            }
        }
    }

    /// Deletes a resource that was replaced. The stack's own status does not show it.
    pub(super) async fn clean_up(&self, physical_id: &str) {
        let properties = self.held().map(|held| held.properties).unwrap_or_default();
        for _ in 0..TRIES {
            self.pause().await;
            let event = self
                .inner
                .sink
                .delete(&self.inner.resource, physical_id, properties.clone());
            if let Reply::Success(_) = self.ask(event, &properties, None).await {
                return;
            }
        }
        self.state(|state| state.dropped.push(physical_id.to_owned()));
    }
}
