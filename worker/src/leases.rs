//! When the tokens of all open tasks were last known to be good: noted in the journal, so that the next process can tell
//! a token that was cancelled meanwhile from one that has expired.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::debug;

use crate::context::Context;
use crate::heartbeat::Lease;

/// It is noted so often, or once a heartbeat period where that is shorter.
const LONGEST_PERIOD: Duration = Duration::from_secs(5);

/// The leases of all tasks whose rows are open. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leases {
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    leases: BTreeMap<u64, Watched>,
}

#[derive(Debug)]
struct Watched {
    lease: watch::Receiver<Lease>,
    /// When the token was last seen to be good; none if never.
    good: Option<Instant>,
}

/// A task's place among the leases. It counts, also when its token is over and its heartbeats have ended, until the
/// journal says that nothing depends on its token any more.
#[derive(Debug)]
pub(crate) struct Place {
    leases: Leases,
    number: u64,
}

impl Leases {
    /// From now on the lease counts.
    pub(crate) fn add(&self, lease: watch::Receiver<Lease>) -> Place {
        let good = good_at(*lease.borrow());
        let mut open = self.lock();
        let number = open.next;
        open.next += 1;
        open.leases.insert(number, Watched { lease, good });
        Place {
            leases: self.clone(),
            number,
        }
    }

    /// The earliest of the times when each token was last known to be good; none without a token, or while one of them was
    /// not heard of at all.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        let mut open = self.lock();
        let times = open.leases.values_mut().map(|watched| {
            watched.good = good_at(*watched.lease.borrow()).or(watched.good);
            watched.good
        });
        // None is less than any time.
        times.min().flatten()
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The journal says so: the lease counts no more.
    pub(crate) fn release(&self) {
        self.leases.lock().leases.remove(&self.number);
    }
}

fn good_at(lease: Lease) -> Option<Instant> {
    match lease {
        Lease::Held(at) => Some(at),
        Lease::Unconfirmed | Lease::Cancelled | Lease::Expired => None,
    }
}

/// Notes it again and again.
pub(crate) async fn keep_noting(context: Arc<Context>) {
    let period = context.config.heartbeat_period.min(LONGEST_PERIOD);
    let mut noted = None;
    loop {
        sleep(period).await;
        let oldest = context.leases.oldest();
        if oldest.is_none() || oldest <= noted {
            continue;
        }
        let ago = oldest.map(|at| at.elapsed()).unwrap_or_default();
        let Ok(at) = Timestamp::now().checked_sub(ago) else {
            continue;
        };
        match context.journal.accepted(at).await {
            Ok(()) => noted = oldest,
            // Whoever writes what matters says so.
            Err(error) => debug!(%error, "it could not be noted that the tokens are good"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_counts_until_its_row_is_closed() {
        let leases = Leases::default();
        assert_eq!(leases.oldest(), None);
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let (old, receiver) = watch::channel(Lease::Held(now));
        let place = leases.add(receiver);
        let (_new, receiver) = watch::channel(Lease::Held(later));
        leases.add(receiver);
        assert_eq!(leases.oldest(), Some(now));
        // Nobody beats for it any more, and it may have expired since: the next process must not think that it was good.
        old.send_replace(Lease::Expired);
        drop(old);
        assert_eq!(leases.oldest(), Some(now));
        place.release();
        assert_eq!(leases.oldest(), Some(later));
    }

    #[test]
    fn nothing_is_noted_while_a_token_was_not_heard_of() {
        let leases = Leases::default();
        let now = Instant::now();
        let (_held, receiver) = watch::channel(Lease::Held(now));
        leases.add(receiver);
        let (unconfirmed, receiver) = watch::channel(Lease::Unconfirmed);
        leases.add(receiver);
        assert_eq!(leases.oldest(), None);
        unconfirmed.send_replace(Lease::Held(now));
        assert_eq!(leases.oldest(), Some(now));
    }
}
