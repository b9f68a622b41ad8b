//! Watching all runs of a cluster in bulk, so that the load on it does not grow with the number of jobs.
//!
//! Two calls a period tell how YARN's applications stand: those that live, and those that finished since the last
//! look. A run in neither is asked for by id. Livy is asked for what YARN cannot know, one by one while they are
//! few, else with its list. The period stretches when answers are slow or long; meanwhile one call a period tells what
//! has ended.

mod round;

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant as Clock, sleep, sleep_until};

use crate::cluster::Cluster;
use crate::names::{BatchName, RunKey};
use crate::pace::pause;
use crate::standing::{Phase, Standing};
use crate::submission::Run;
use crate::watch::{Report, Watched};

/// How to watch.
#[derive(Clone, Copy, Debug)]
pub struct WatchSettings {
    /// The time between two rounds while answers are quick.
    pub poll_period: Duration,
    /// How long after a POST absence proves nothing.
    pub settle: Duration,
}

/// Whether Livy and YARN answer.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// Since when Livy has not answered, and why.
    pub livy: Option<(Instant, String)>,
    /// The same of YARN.
    pub yarn: Option<(Instant, String)>,
}

/// A handle to a cluster's watcher, which ends when its last handle is dropped and nothing is followed.
#[derive(Clone, Debug)]
pub struct Watcher {
    follow: mpsc::UnboundedSender<Followed>,
    health: watch::Receiver<Health>,
}

impl Watcher {
    /// Starts watching a cluster; nothing is asked before a run is followed.
    pub fn start(cluster: Cluster, settings: WatchSettings) -> Self {
        let (follow, following) = mpsc::unbounded_channel();
        let (health_sender, health) = watch::channel(Health::default());
        tokio::spawn(keep_looking(cluster, settings, following, health_sender));
        Self { follow, health }
    }

    /// Follows a run: the receiver changes with what is known, and closes after its end. A run may be followed by
    /// several.
    pub fn follow(&self, run: &Run) -> watch::Receiver<Report> {
        let report = Report {
            standing: Standing::Pending(Phase::Unknown),
            application: None,
            batch: None,
            silence: None,
            deaf: None,
            unknown_to_yarn: false,
        };
        let (sender, receiver) = watch::channel(report);
        let followed = Followed {
            name: run.name.clone(),
            since: run.last_post.into_std(),
            fresh: !run.adopted,
            at: Clock::now(),
            sender,
        };
        // The watcher outlives its handles; if its task were gone the receiver would tell by being closed.
        let _ = self.follow.send(followed);
        receiver
    }

    /// Whether Livy and YARN answer.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }
}

/// A run that somebody wants to be told about.
#[derive(Debug)]
struct Followed {
    name: BatchName,
    since: Instant,
    /// Its application cannot have ended before it was followed.
    fresh: bool,
    at: Clock,
    sender: watch::Sender<Report>,
}

/// A run in the watcher's hands.
#[derive(Debug)]
struct Entry {
    name: BatchName,
    watched: Watched,
    /// Since when, as far as the last who did is concerned.
    followed: Clock,
    /// Who wants to be told.
    senders: Vec<watch::Sender<Report>>,
    /// When YARN last answered for it alone, by tag or id, not in bulk.
    looked_alone: Option<Instant>,
    /// When YARN was last asked so in vain, and why there was no answer; none after one.
    unanswered: Option<Box<(Instant, String)>>,
}

/// A table has more room than entries, so that these are beside it.
type Entries = HashMap<RunKey, Box<Entry>>;

async fn keep_looking(
    cluster: Cluster,
    settings: WatchSettings,
    mut following: mpsc::UnboundedReceiver<Followed>,
    health: watch::Sender<Health>,
) {
    let mut entries = Entries::new();
    let mut round = round::Round::new(cluster, settings.poll_period, health);
    loop {
        if entries.is_empty() {
            round.rest();
            match following.recv().await {
                Some(followed) => add(&mut entries, followed, settings),
                None => return,
            }
        }
        take_in(&mut entries, &mut following, settings);
        let began = Clock::now();
        round.look(&mut entries).await;
        let next = Clock::now() + stretched(began, settings);
        let mut pause = settings.poll_period;
        // Not right before the next look at everything: on the whole there are not more than two questions a period.
        while Clock::now() + pause * 3 / 2 <= next {
            sleep(pause).await;
            // What was followed since may have ended since.
            take_in(&mut entries, &mut following, settings);
            let began = Clock::now();
            round.look_for_ends(&mut entries).await;
            pause = stretched(began, settings);
        }
        sleep_until(next).await;
    }
}

fn take_in(
    entries: &mut Entries,
    following: &mut mpsc::UnboundedReceiver<Followed>,
    settings: WatchSettings,
) {
    while let Ok(followed) = following.try_recv() {
        add(entries, followed, settings);
    }
}

/// How long to pause after a look that began then.
fn stretched(began: Clock, settings: WatchSettings) -> Duration {
    pause(began.elapsed(), settings.poll_period, Duration::ZERO)
}

fn add(entries: &mut Entries, followed: Followed, settings: WatchSettings) {
    let Followed {
        name,
        since,
        fresh,
        at,
        sender,
    } = followed;
    match entries.entry(name.key().clone()) {
        Slot::Occupied(mut entry) => {
            let entry = entry.get_mut();
            entry.watched.posted_again(since);
            entry.followed = at;
            entry.senders.push(sender);
        }
        Slot::Vacant(slot) => {
            slot.insert(Box::new(Entry {
                name,
                watched: Watched::new(since, settings.settle),
                followed: at,
                senders: vec![sender],
                looked_alone: fresh.then(|| at.into_std()),
                unanswered: None,
            }));
        }
    }
}

#[cfg(test)]
mod tests;
