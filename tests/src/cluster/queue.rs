//! The queue of a cluster: who may run.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// The queue: places to run, and a bar that keeps all in ACCEPTED.
#[derive(Debug)]
pub(crate) struct Queue {
    places: Arc<Semaphore>,
    barred: watch::Sender<bool>,
}

impl Queue {
    pub(crate) fn new(places: usize) -> Queue {
        Queue {
            places: Arc::new(Semaphore::new(places)),
            barred: watch::Sender::new(false),
        }
    }

    pub(crate) fn bar(&self, barred: bool) {
        self.barred.send_replace(barred);
    }

    /// Waits for a place, which is kept as long as the permit.
    pub(crate) async fn place(&self) -> OwnedSemaphorePermit {
        self.barred
            .subscribe()
            .wait_for(|barred| !barred)
            .await
            .expect("this queue keeps the sender");
        Arc::clone(&self.places)
            .acquire_owned()
            .await
            .expect("the queue is never closed")
    }
}
