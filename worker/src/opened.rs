//! A task that this worker has taken on: its heart beats, its line is on the page, its input is read. It came from a poll
//! just now, or from the journal of an earlier process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sparkwright_spark_job::fields::Mistakes;
use tracing::{Span, field, info_span};

use crate::activity::ActivityTask;
use crate::context::Context;
use crate::heartbeat::{Heartbeats, Lease, Schedule};
use crate::input::TaskInput;
use crate::intents::{Claim, Intents, Waiting};
use crate::journal::{Checkpoint, Entry, Row};
use crate::status::Listing;
use crate::token::{TaskId, TaskToken};

/// A task that is taken on.
pub(crate) struct Opened {
    pub(crate) id: TaskId,
    pub(crate) token: TaskToken,
    pub(crate) entry: Entry,
    /// How far it had come.
    pub(crate) checkpoint: Checkpoint,
    pub(crate) input: Result<TaskInput, Mistakes>,
    pub(crate) heartbeats: Heartbeats,
    pub(crate) listing: Listing,
    pub(crate) span: Span,
    /// How long it has been open already.
    pub(crate) age: Duration,
    /// An earlier process has left it.
    pub(crate) is_resumed: bool,
    /// Its hold on its intent, if it has one already.
    pub(crate) claim: Option<Claim>,
    /// Else its place among those who wait for the intent.
    pub(crate) waiting: Option<Waiting>,
}

/// When tokens of an earlier process were good, as this process counts time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Since {
    now: Instant,
    wall: Timestamp,
    accepted: Option<Timestamp>,
}

impl Since {
    /// What an earlier process has noted of all its tokens.
    pub(crate) fn noted(accepted: Option<Timestamp>) -> Self {
        Self {
            now: Instant::now(),
            wall: Timestamp::now(),
            accepted,
        }
    }

    /// How long ago; none when the clock was set back since.
    fn age(&self, at: Timestamp) -> Option<Duration> {
        self.wall.duration_since(at).try_into().ok()
    }

    /// When a token was last known to be good; none when nobody can tell.
    fn accepted(&self, received: Timestamp) -> Option<Instant> {
        let at = self.accepted.map_or(received, |accepted| accepted.max(received));
        self.now.checked_sub(self.age(at)?)
    }
}

impl Opened {
    /// A task that came at this instant; its heart beats before anything else.
    pub(crate) fn arrived(context: &Arc<Context>, task: &ActivityTask, at: Instant) -> Self {
        Self::open(
            context,
            task,
            Checkpoint::Received,
            Duration::ZERO,
            Lease::Held(at),
            |period, timeout| Schedule::new(at, period, timeout),
        )
    }

    /// A task of an earlier process.
    pub(crate) fn resumed(context: &Arc<Context>, row: Row, since: Since) -> Self {
        let Row {
            task,
            received,
            checkpoint,
        } = row;
        let accepted = since.accepted(received);
        Self::open(
            context,
            &task,
            checkpoint,
            since.age(received).unwrap_or_default(),
            Lease::Unconfirmed,
            |period, timeout| Schedule::resumed(since.now, accepted, period, timeout),
        )
    }

    fn open(
        context: &Arc<Context>,
        task: &ActivityTask,
        checkpoint: Checkpoint,
        age: Duration,
        lease: Lease,
        schedule: impl FnOnce(Duration, Option<Duration>) -> Schedule,
    ) -> Self {
        let ActivityTask {
            activity,
            token,
            input,
        } = task;
        let (id, token) = (token.id(), token.clone());
        let span = info_span!(
            "task",
            task = %id,
            activity = activity.name(),
            batch_name = field::Empty,
            application_id = field::Empty
        );
        // It may be a megabyte, and the task may last for days: only what was understood of it is kept.
        let input = context.rules.read(input, &token);
        let timeout = input.as_ref().ok().and_then(|input| input.heartbeat_timeout);
        let schedule = schedule(context.config.heartbeat_period, timeout);
        let heartbeats = span.in_scope(|| Heartbeats::start(&context.heart, token.clone(), schedule, lease));
        let mut entry = context.journal.entry(token.clone());
        entry.count(context.leases.add(heartbeats.watched()));
        let listing = context.status.list(id.clone(), activity, age);
        if let Ok(input) = &input {
            listing.understood(input);
        }
        Self {
            listing,
            id,
            token,
            entry,
            checkpoint,
            input,
            heartbeats,
            span,
            age,
            is_resumed: lease == Lease::Unconfirmed,
            claim: None,
            waiting: None,
        }
    }

    /// Takes hold of the task's intent, if it is free; which job that names is known from now on.
    pub(crate) fn claim_now(&mut self, intents: &Intents) {
        let Ok(input) = &self.input else { return };
        if self.checkpoint.is_submitted() {
            intents.names(input.intent, input.spec);
        }
        if matches!(self.checkpoint, Checkpoint::Orphaned { .. }) {
            return;
        }
        self.claim = intents.claim_now(input.intent, &self.id, &self.heartbeats.pulse());
        match &self.claim {
            Some(claim) if self.checkpoint.stage().is_stopping() => claim.stopping(),
            Some(_) => {}
            None => self.waiting = intents.wait(input.intent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_was_good_when_it_came_and_when_all_were() {
        let since = |accepted: Option<&str>| Since {
            now: Instant::now(),
            wall: "2026-11-21T04:01:00Z".parse().unwrap(),
            accepted: accepted.map(|at| at.parse().unwrap()),
        };
        let ago = |since: Since, received: &str| {
            let at = since.accepted(received.parse().unwrap());
            at.map(|at| (since.now - at).as_secs())
        };
        assert_eq!(ago(since(None), "2026-11-21T04:00:50Z"), Some(10));
        let noted = since(Some("2026-11-21T04:00:30Z"));
        assert_eq!(ago(noted, "2026-11-21T04:00:20Z"), Some(30));
        assert_eq!(ago(noted, "2026-11-21T04:00:50Z"), Some(10));
        // The clock was set back: nobody can tell.
        assert_eq!(ago(noted, "2026-11-21T04:02:00Z"), None);
    }
}
