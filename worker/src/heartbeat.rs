//! The heartbeats of all tasks: on schedules of their own, whatever Livy does meanwhile.

mod heart;
mod schedule;

use std::time::{Duration, Instant};

use tokio::sync::watch;
use tracing::Span;

pub(crate) use heart::Heart;
pub(crate) use schedule::Schedule;

use crate::token::TaskToken;
use heart::{Beating, Own};

/// What is known of a task's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lease {
    /// An earlier process has left it, and the service was not heard about it yet.
    Unconfirmed,
    /// It was good when the last beat was sent, or when it was handed out; that was then.
    Held(Instant),
    /// The service says that it is over, and it was good until just before: somebody ended the task.
    Cancelled,
    /// The service says that it is over, and it may have expired: a retry may have taken over.
    Expired,
}

impl Lease {
    /// Whether the service has said that the token is over.
    pub(crate) fn is_over(self) -> bool {
        matches!(self, Self::Cancelled | Self::Expired)
    }
}

/// A task's heartbeats; they end when this is dropped.
#[derive(Debug)]
pub(crate) struct Heartbeats {
    /// A token that was not heard of for so long may have expired.
    fresh_for: Duration,
    lease: watch::Receiver<Lease>,
    own: Own,
}

impl Heartbeats {
    /// Begins to beat, at once; `lease` is what is known of the token already.
    pub(crate) fn start(heart: &Heart, token: TaskToken, schedule: Schedule, lease: Lease) -> Self {
        let fresh_for = schedule.trust() / 2;
        let (sender, lease) = watch::channel(lease);
        let own = heart.begin(Beating {
            token,
            schedule,
            lease: sender,
            span: Span::current(),
        });
        Self {
            fresh_for,
            lease,
            own,
        }
    }

    /// Waits until the service says that the token is over: whether it was cancelled, not expired.
    pub(crate) async fn over(&self) -> Lease {
        let mut lease = self.lease.clone();
        let over = lease.wait_for(|lease| lease.is_over()).await.map(|lease| *lease);
        match over {
            Ok(lease) => lease,
            // When nothing beats any more, it will have expired before anybody learns it.
            Err(_) => Lease::Expired,
        }
    }

    /// What is known now.
    pub(crate) fn lease(&self) -> Lease {
        *self.lease.borrow()
    }

    /// Whether the token is good: asks when that was not heard lately, however long the answer takes.
    pub(crate) async fn is_good(&self) -> bool {
        match self.lease() {
            Lease::Held(at) if at.elapsed() < self.fresh_for => true,
            Lease::Held(_) | Lease::Unconfirmed => self.pulse().is_good().await,
            Lease::Cancelled | Lease::Expired => false,
        }
    }

    /// Waits until the service has answered to a beat for the first time.
    pub(crate) fn first_answer(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut lease = self.lease.clone();
        // Every answer changes it; when nothing beats any more, none will come.
        async move { lease.changed().await.unwrap_or_default() }
    }

    /// What is known, for somebody who looks now and then.
    pub(crate) fn watched(&self) -> watch::Receiver<Lease> {
        self.lease.clone()
    }

    /// By which others can ask whether the token is still good.
    pub(crate) fn pulse(&self) -> Pulse {
        Pulse {
            lease: self.lease.clone(),
            own: self.own.clone(),
        }
    }
}

impl Drop for Heartbeats {
    fn drop(&mut self) {
        self.own.end();
    }
}

/// A way to ask whether another task's token is still good.
#[derive(Clone, Debug)]
pub(crate) struct Pulse {
    lease: watch::Receiver<Lease>,
    own: Own,
}

impl Pulse {
    /// Of a token whose heart does not beat.
    #[cfg(test)]
    pub(crate) fn still(lease: watch::Receiver<Lease>) -> Self {
        let own = Own::nobodys();
        Self { lease, own }
    }

    /// Beats now, and waits for what comes of it.
    pub(crate) async fn is_good(&mut self) -> bool {
        let asked = Instant::now();
        self.own.beat_now();
        let answer = self.lease.wait_for(|lease| match lease {
            Lease::Unconfirmed => false,
            Lease::Held(sent) => *sent >= asked,
            Lease::Cancelled | Lease::Expired => true,
        });
        // A task whose heartbeats have ended has ended itself.
        answer.await.is_ok_and(|lease| matches!(*lease, Lease::Held(_)))
    }
}
