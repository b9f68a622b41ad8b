//! The thread that writes. Steps that come while a transaction is being synced share the next one, so that a thousand
//! tasks do not wait for a thousand syncs.

use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::store::Store;
use super::{Point, Probe, WriteError};
use crate::activity::ActivityArn;
use crate::leases::Place;
use crate::token::TaskToken;

/// The most steps of one transaction.
const MOST: usize = 1000;

/// How long the end of the process waits for the last transaction: a disk that hangs must not keep it.
const LAST_TRANSACTION: Duration = Duration::from_secs(5);

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
        checkpoint: String,
    },
    Close {
        token: TaskToken,
        /// Where its lease counts until this is written, which may be after anybody waits for it.
        place: Option<Place>,
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
    /// What the step is called.
    step: &'static str,
    write: Write,
    done: oneshot::Sender<Result<(), WriteError>>,
}

/// A handle to the thread, which ends, and lets go of the file, when this is dropped.
#[derive(Debug)]
pub(super) struct Writer {
    /// None only while it is dropped.
    orders: Option<mpsc::Sender<Order>>,
    /// Closed when the thread has let go of the file.
    ended: Mutex<mpsc::Receiver<()>>,
}

impl Writer {
    pub(super) fn start(store: Store, probe: Probe) -> Self {
        let (orders, coming) = mpsc::channel();
        let (ending, ended) = mpsc::channel();
        std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || {
                write_all(store, &probe, &coming);
                drop(ending);
            })
            .expect("a machine that can start a thread");
        Self {
            orders: Some(orders),
            ended: Mutex::new(ended),
        }
    }

    /// Writes a step, and waits until it is on disk.
    pub(super) async fn write(&self, step: &'static str, write: Write) -> Result<(), WriteError> {
        let gone = || WriteError {
            why: "its thread has ended".into(),
        };
        let (done, is_done) = oneshot::channel();
        let orders = self.orders.as_ref().ok_or_else(gone)?;
        orders.send(Order { step, write, done }).map_err(|_| gone())?;
        is_done.await.map_err(|_| gone())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.orders = None;
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Nothing is ever sent.
        let _ = ended.recv_timeout(LAST_TRANSACTION);
    }
}

fn write_all(mut store: Store, probe: &Probe, coming: &mpsc::Receiver<Order>) {
    let probe = |step, is_written| probe(Point { step, is_written });
    while let Ok(first) = coming.recv() {
        let mut orders = Vec::new();
        for order in std::iter::once(first).chain(coming.try_iter().take(MOST - 1)) {
            match probe(order.step, false) {
                Ok(()) => orders.push(order),
                Err(why) => drop(order.done.send(Err(WriteError { why }))),
            }
        }
        let written = store
            .apply(orders.iter().map(|order| &order.write))
            .map_err(|error| WriteError {
                why: error.to_string(),
            });
        for order in orders {
            if written.is_ok() {
                // Nothing can undo that.
                let _ = probe(order.step, true);
                if let Write::Close {
                    place: Some(place), ..
                } = &order.write
                {
                    place.release();
                }
            }
            // Whoever waited may be gone; the step is done all the same.
            let _ = order.done.send(written.clone());
        }
    }
}
