//! Room for tasks. A slot is taken before a poll and held until the task's end, so that no task is ever taken that
//! nobody has room for.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// All slots of a worker.
#[derive(Clone, Debug)]
pub(crate) struct Slots {
    semaphore: Arc<Semaphore>,
    total: usize,
}

/// Room for one task; free again when dropped.
#[derive(Debug)]
pub(crate) struct Slot(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

impl Slots {
    pub(crate) fn new(total: u32) -> Self {
        let total = total as usize;
        Self {
            semaphore: Arc::new(Semaphore::new(total)),
            total,
        }
    }

    /// Waits for a free slot; whoever waits longest gets it, so that activities share fairly.
    pub(crate) async fn reserve(&self) -> Slot {
        let permit = Arc::clone(&self.semaphore).acquire_owned().await;
        Slot(permit.expect("the semaphore is never closed"))
    }

    /// A slot, if one is free at once.
    pub(crate) fn try_reserve(&self) -> Option<Slot> {
        let permit = Arc::clone(&self.semaphore).try_acquire_owned();
        permit.ok().map(Slot)
    }

    pub(crate) fn total(&self) -> usize {
        self.total
    }

    pub(crate) fn free(&self) -> usize {
        self.semaphore.available_permits()
    }
}

/// How many polls to keep open on each activity: a poll holds a slot while it waits, and one activity's idle polls
/// must not take all room from another's.
pub(crate) fn pollers_per_activity(wanted: u32, slots: u32, activities: usize) -> u32 {
    let share = slots / u32::try_from(activities).unwrap_or(u32::MAX).max(1);
    wanted.min(share.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slot_is_free_again_when_its_task_has_ended() {
        let slots = Slots::new(1);
        let slot = slots.reserve().await;
        assert_eq!((slots.free(), slots.total()), (0, 1));
        let next = slots.reserve();
        tokio::pin!(next);
        assert!(futures_pending(&mut next).await);
        drop(slot);
        next.await;
    }

    async fn futures_pending(future: &mut (impl Future<Output = Slot> + Unpin)) -> bool {
        tokio::select! {
            biased;
            _ = future => false,
            () = std::future::ready(()) => true,
        }
    }

    #[test]
    fn few_slots_are_shared_among_the_activities() {
        assert_eq!(pollers_per_activity(10, 100, 2), 10);
        assert_eq!(pollers_per_activity(10, 8, 2), 4);
        assert_eq!(pollers_per_activity(10, 1, 3), 1);
    }
}
