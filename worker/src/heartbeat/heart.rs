//! The one task that keeps the hearts of all tokens beating. Thousands of tokens rest while few beats are on their way, or
//! wait for their turn; a task for each that rests would take some kilobytes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use sparkwright_spark_job::chain;
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep_until, timeout};
use tracing::{Instrument, Span, debug, error, warn};

use super::{Lease, Schedule};
use crate::activity::Clients;
use crate::token::TaskToken;

/// By which the tokens of this process are told apart.
type Number = u64;

/// What keeps the hearts of all tokens beating. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Heart {
    commands: mpsc::UnboundedSender<Command>,
    begun: Arc<AtomicU64>,
}

impl Heart {
    /// It beats as long as there is a handle, or a token's.
    pub(crate) fn start(clients: Clients) -> Self {
        let (commands, coming) = mpsc::unbounded_channel();
        tokio::spawn(keep_beating(clients, coming));
        Self {
            commands,
            begun: Arc::default(),
        }
    }

    pub(super) fn begin(&self, beating: Beating) -> Own {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        let own = Own {
            commands: self.commands.clone(),
            number,
        };
        own.command(Command::Begin(number, Box::new(beating)));
        own
    }
}

/// A token's own heart.
#[derive(Clone, Debug)]
pub(super) struct Own {
    commands: mpsc::UnboundedSender<Command>,
    number: Number,
}

impl Own {
    pub(super) fn beat_now(&self) {
        self.command(Command::Beat(self.number));
    }

    pub(super) fn end(&self) {
        self.command(Command::End(self.number));
    }

    fn command(&self, command: Command) {
        // Were its task gone, every lease would tell by being closed.
        let _ = self.commands.send(command);
    }
}

/// A token whose heart beats.
#[derive(Debug)]
pub(super) struct Beating {
    pub(super) token: TaskToken,
    pub(super) schedule: Schedule,
    /// What is heard of it.
    pub(super) lease: watch::Sender<Lease>,
    /// Its task's.
    pub(super) span: Span,
}

/// What is wanted of a token's heart.
#[derive(Debug)]
enum Command {
    Begin(Number, Box<Beating>),
    /// A beat now, whenever the next one is due.
    Beat(Number),
    End(Number),
}

/// Sends what is due until nobody is left who could command anything.
async fn keep_beating(clients: Clients, mut commands: mpsc::UnboundedReceiver<Command>) {
    let clients = Arc::new(clients);
    let mut hearts = Hearts::default();
    // A beat has a task of its own while it is on its way: what goes wrong with one is nothing to the others.
    let mut on_their_way = JoinSet::new();
    loop {
        let next = hearts.next();
        tokio::select! {
            command = commands.recv() => match command {
                Some(command) => hearts.obey(command, Instant::now()),
                None => return,
            },
            Some(returned) = on_their_way.join_next() => {
                match returned {
                    Ok((number, beating)) => hearts.returned(number, beating, Instant::now()),
                    // Its lease is closed by that, and counts as expired.
                    Err(error) if error.is_panic() => {
                        error!(error = chain(&error), "a heartbeat broke off; its task is left for a retry");
                    }
                    // Its token was let go of.
                    Err(_) => {}
                }
            }
            () = sleep_until(next.unwrap_or_else(Instant::now).into()), if next.is_some() => {
                while let Some((number, due, beating)) = hearts.take_due(Instant::now()) {
                    let (clients, span) = (Arc::clone(&clients), beating.span.clone());
                    let beat = async move { (number, beat(&clients, beating, due).await) };
                    let on_its_way = on_their_way.spawn(beat.instrument(span));
                    hearts.sent(number, on_its_way);
                }
            }
        }
    }
}

/// One beat of a token, with which it comes back; none when the service has said that it is over.
async fn beat(clients: &Clients, mut beating: Box<Beating>, due: Instant) -> Option<Box<Beating>> {
    let Beating {
        token,
        schedule,
        lease,
        ..
    } = &mut *beating;
    // However long that takes: whoever gave up would only have to stand in line again, behind all others.
    clients.turn_to_heartbeat(due.into()).await;
    let sent = Instant::now();
    match timeout(schedule.patience(), clients.send_heartbeat(token)).await {
        Ok(Ok(())) => {
            schedule.accepted(sent, fastrand::f64());
            lease.send_replace(Lease::Held(sent));
        }
        Ok(Err(error)) if error.is_over() => {
            let cancelled = schedule.was_good_until(Instant::now());
            debug!(error = chain(&error), cancelled, "the task's token is over");
            lease.send_replace(if cancelled {
                Lease::Cancelled
            } else {
                Lease::Expired
            });
            return None;
        }
        Ok(Err(error)) => {
            warn!(
                error = chain(&error),
                advice = error.class().advice(),
                "a heartbeat failed; it is sent again"
            );
            schedule.failed(Instant::now());
        }
        Err(_) => {
            warn!(
                waited_ms = schedule.patience().as_millis(),
                "a heartbeat was not answered; it is sent again"
            );
            schedule.failed(Instant::now());
        }
    }
    Some(beating)
}

/// All tokens whose hearts beat, and when each is due. It knows no clock, and sends nothing.
#[derive(Debug, Default)]
struct Hearts {
    by_number: HashMap<Number, State>,
    /// By when their next beat is due.
    resting: BTreeMap<(Instant, Number), Box<Beating>>,
}

#[derive(Debug)]
enum State {
    /// Its next beat is due then.
    Resting(Instant),
    /// A beat is on its way.
    OnItsWay {
        beat: AbortHandle,
        /// Somebody wants one that is sent after now.
        again: bool,
    },
}

impl Hearts {
    /// When the next beat is due, if any is.
    fn next(&self) -> Option<Instant> {
        self.resting.first_key_value().map(|((due, _), _)| *due)
    }

    fn obey(&mut self, command: Command, now: Instant) {
        match command {
            Command::Begin(number, beating) => self.rest(number, beating.schedule.next(), beating),
            Command::Beat(number) => match self.by_number.get_mut(&number) {
                Some(State::Resting(due)) => {
                    let place = (*due, number);
                    if let Some(beating) = self.resting.remove(&place) {
                        self.rest(number, now, beating);
                    }
                }
                Some(State::OnItsWay { again, .. }) => *again = true,
                // The service has said that it is over.
                None => {}
            },
            Command::End(number) => match self.by_number.remove(&number) {
                Some(State::Resting(due)) => drop(self.resting.remove(&(due, number))),
                Some(State::OnItsWay { beat, .. }) => beat.abort(),
                None => {}
            },
        }
    }

    fn rest(&mut self, number: Number, due: Instant, beating: Box<Beating>) {
        self.by_number.insert(number, State::Resting(due));
        self.resting.insert((due, number), beating);
    }

    /// A token whose beat is due by now, and since when, if there is one. The beat is sent at once.
    fn take_due(&mut self, now: Instant) -> Option<(Number, Instant, Box<Beating>)> {
        let first = self.resting.first_entry().filter(|first| first.key().0 <= now)?;
        let ((due, number), beating) = first.remove_entry();
        Some((number, due, beating))
    }

    fn sent(&mut self, number: Number, beat: AbortHandle) {
        self.by_number
            .insert(number, State::OnItsWay { beat, again: false });
    }

    /// A beat was answered, or has failed; none when the token is over.
    fn returned(&mut self, number: Number, beating: Option<Box<Beating>>, now: Instant) {
        // Without an entry, its end was ordered meanwhile.
        if let (Some(State::OnItsWay { again, .. }), Some(beating)) =
            (self.by_number.remove(&number), beating)
        {
            let due = if again { now } else { beating.schedule.next() };
            self.rest(number, due, beating);
        }
    }
}

#[cfg(test)]
mod tests;
