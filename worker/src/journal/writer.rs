//! The thread that writes. Steps that come while a transaction is being synced share the next one, so that a thousand
//! tasks do not wait for a thousand syncs.

use std::sync::{Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::WriteError;
use super::store::Store;
use crate::activity::ActivityArn;
use crate::token::TaskToken;

/// The most steps of one transaction.
const MOST: usize = 1000;

/// One step.
#[derive(Debug)]
pub(super) enum Write {
    Receive {
        token: TaskToken,
        activity: ActivityArn,
        input: String,
        received: Timestamp,
    },
    Reach {
        token: TaskToken,
        /// As JSON.
        stage: String,
    },
    Close {
        token: TaskToken,
    },
    Accepted {
        at: Timestamp,
    },
    /// Only to see whether anything can be written.
    Check {
        at: Timestamp,
    },
}

#[derive(Debug)]
struct Order {
    write: Write,
    done: oneshot::Sender<Result<(), WriteError>>,
}

/// A handle to the thread, which ends, and lets go of the file, when this is dropped.
#[derive(Debug)]
pub(super) struct Writer {
    /// None only while it is dropped.
    orders: Option<mpsc::Sender<Order>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(store: Store) -> Self {
        let (orders, coming) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || write_all(store, &coming))
            .expect("a machine that can start a thread");
        Self {
            orders: Some(orders),
            thread: Mutex::new(Some(thread)),
        }
    }

    /// Writes a step, and waits until it is on disk.
    pub(super) async fn write(&self, write: Write) -> Result<(), WriteError> {
        let gone = || WriteError {
            why: "its thread has ended".into(),
        };
        let (done, is_done) = oneshot::channel();
        let orders = self.orders.as_ref().ok_or_else(gone)?;
        orders.send(Order { write, done }).map_err(|_| gone())?;
        is_done.await.map_err(|_| gone())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.orders = None;
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // It has at most one transaction to finish.
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

fn write_all(mut store: Store, coming: &mpsc::Receiver<Order>) {
    while let Ok(first) = coming.recv() {
        let mut orders = vec![first];
        orders.extend(coming.try_iter().take(MOST - 1));
        let written = store
            .apply(orders.iter().map(|order| &order.write))
            .map_err(|error| WriteError {
                why: error.to_string(),
            });
        for order in orders {
            // Whoever waited may be gone; the step is done all the same.
            let _ = order.done.send(written.clone());
        }
    }
}
