//! One round of looks at everything that is followed.

mod alone;
mod judging;
mod livy;
mod yarn;

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use futures_util::StreamExt;
use sparkwright_yarn::{Application, ApplicationId};
use tokio::sync::watch;
use tokio::time::{Instant as Clock, timeout_at};
use tracing::{info, warn};

use self::alone::each_batch;
use self::judging::{by_run, may_be_surplus, says_the_same};
use super::{Entries, Entry, Health};
use crate::cluster::Cluster;
use crate::names::RunKey;
use crate::sighting::{LivySight, Sighting, YarnSight};
use crate::standing::Standing;
use crate::watch::Report;

/// How long Livy may take in one round.
const LIVY_TIMEOUT: Duration = Duration::from_secs(15);

/// What a round shows of each run.
type Sightings = HashMap<RunKey, Sighting>;

/// The looker, with what it remembers from round to round.
pub(super) struct Round {
    cluster: Cluster,
    health: watch::Sender<Health>,
    poll_period: Duration,
    last_look: Option<SystemTime>,
    /// The latest end that YARN has told, in milliseconds of its clock.
    last_end_ms: i64,
    /// The applications that lived when everything was looked at last.
    lived: HashMap<RunKey, Box<[ApplicationId]>>,
    /// When the reading of the list began that was looked at last.
    list_began: Clock,
}

impl Round {
    pub(super) fn new(cluster: Cluster, poll_period: Duration, health: watch::Sender<Health>) -> Self {
        Self {
            cluster,
            health,
            poll_period,
            last_look: None,
            last_end_ms: 0,
            lived: HashMap::new(),
            list_began: Clock::now(),
        }
    }

    /// There is nothing to look at.
    pub(super) fn rest(&self) {
        self.cluster.list().unwatched();
    }

    /// Looks at everything once, and lets go of what has ended or is no longer wanted.
    pub(super) async fn look(&mut self, entries: &mut Entries) {
        let livy_until = Clock::now() + LIVY_TIMEOUT;
        let mut livy = self.ask_livy(entries, livy_until).await;
        let mut yarn = self.ask_yarn(entries).await;
        let mut sightings = Sightings::new();
        let keys: Vec<_> = entries.keys().cloned().collect();
        for key in keys {
            let goes_on = yarn.show_only_life(&key);
            let sighting = Sighting {
                livy: livy.sights.remove(&key).unwrap_or(LivySight::NotAsked),
                yarn: yarn.take(&key),
            };
            // These are most, and nobody else has to be asked: of thousands each is seen and told of alone.
            match entries.get_mut(&key).filter(|_| goes_on) {
                Some(entry) => {
                    let report = entry.watched.observe(&entry.name, now(), &sighting);
                    told(entries, &key, &report);
                }
                None => drop(sightings.insert(key, sighting)),
            }
        }
        drop(yarn);
        if livy.listed {
            self.ask_livy_again(entries, &mut sightings, livy_until).await;
        }
        self.complete(entries, &mut sightings).await;
        self.tell(entries, sightings, livy_until).await;
    }

    /// Looks only for what has ended: for the time between two looks at everything, where those take long.
    pub(super) async fn look_for_ends(&mut self, entries: &mut Entries) {
        let Some(yarn) = self.cluster.yarn().cloned() else {
            return;
        };
        let livy_until = Clock::now() + LIVY_TIMEOUT;
        let began = SystemTime::now();
        let query = self.ended_query(began);
        let mut last_end_ms = 0;
        let ended = yarn.applications_as(&query, |application| {
            last_end_ms = application.finished_at_ms.max(last_end_ms);
            // Most have been told of, and are nobody's any more.
            let key = RunKey::of_tags(&application.tags)?;
            entries.contains_key(&key).then_some((key, application))
        });
        // A YARN that does not answer is noted by the next look at everything.
        let Ok(ended) = ended.await else { return };
        self.note_end(last_end_ms);
        let mut sightings = Sightings::new();
        for (key, applications) in by_run(ended.into_iter().flatten()) {
            let Some(entry) = entries.get(&key) else {
                continue;
            };
            let lives = self.lived.get(&key).is_some_and(|lived| {
                lived
                    .iter()
                    .any(|id| applications.iter().all(|one| one.id != *id))
            });
            // What was taken up, or may have another application that lives, takes more than this look.
            if lives || entry.looked_alone.is_none() || may_be_surplus(&applications) {
                continue;
            }
            let sighting = Sighting {
                livy: LivySight::NotAsked,
                yarn: YarnSight::Applications(applications),
            };
            sightings.insert(key, sighting);
        }
        self.tell(entries, sightings, livy_until).await;
    }

    /// Tells of a look whoever wants to know, and lets go of what has ended or is no longer wanted.
    async fn tell(&self, entries: &mut Entries, sightings: Sightings, livy_until: Clock) {
        let mut unconfirmed = HashMap::new();
        for (key, sighting) in sightings {
            let Some(entry) = entries.get_mut(&key) else {
                continue;
            };
            let report = entry.watched.observe(&entry.name, now(), &sighting);
            if lacks_livys_word(entry, &report, &sighting) {
                unconfirmed.insert(key, (sighting, report));
            } else {
                told(entries, &key, &report);
            }
        }
        let names: Vec<_> = unconfirmed
            .keys()
            .filter_map(|key| Some((key.clone(), entries.get(key)?.name.clone())))
            .collect();
        let mut answers = each_batch(&self.cluster, names);
        while let Ok(Some((key, sight))) = timeout_at(livy_until, answers.next()).await {
            let Some((entry, (mut sighting, _))) = entries.get_mut(&key).zip(unconfirmed.remove(&key)) else {
                continue;
            };
            sighting.livy = sight;
            let report = entry.watched.observe(&entry.name, now(), &sighting);
            told(entries, &key, &report);
        }
        // Livy takes too long for these: a later round asks again.
        for (key, (_, report)) in unconfirmed {
            told(entries, &key, &report);
        }
    }

    fn note_health(
        &self,
        silent: &Option<String>,
        who: &str,
        part: impl Fn(&mut Health) -> &mut Option<(Instant, String)>,
    ) {
        self.health.send_if_modified(|health| {
            let part = part(health);
            match (part.as_mut(), silent) {
                (None, Some(why)) => warn!(who, why, "no answer; jobs go on, and are looked at again"),
                (Some((since, _)), None) => info!(
                    who,
                    silent_s = now().duration_since(*since).as_secs(),
                    "answers again"
                ),
                (Some((_, said)), Some(why)) if said != why => warn!(who, why, "still no answer"),
                _ => {}
            }
            let before = part.clone();
            *part = silent
                .as_ref()
                .map(|why| (before.as_ref().map_or_else(now, |(since, _)| *since), why.clone()));
            before != *part
        });
    }
}

/// What YARN said of the end nothing changes any more: only Livy's word is missing, and here it may be the later one.
fn lacks_livys_word(entry: &Entry, report: &Report, sighting: &Sighting) -> bool {
    matches!(report.standing, Standing::Pending(_))
        && report.application.as_deref().is_some_and(Application::succeeded)
        && sighting.livy == LivySight::NotAsked
        && entry.watched.wants_livy(now())
}

/// Tells of a run, and lets go of it if that was the last of it.
fn told(entries: &mut Entries, key: &RunKey, report: &Report) {
    let Some(entry) = entries.get_mut(key) else { return };
    // Nobody listening any more is no error: the task went away, the run is its own.
    entry.senders.retain(|sender| {
        sender.send_if_modified(|told| {
            let is_news = !says_the_same(told, report);
            if is_news {
                told.clone_from(report);
            }
            is_news
        });
        !sender.is_closed()
    });
    if matches!(report.standing, Standing::Ended(_)) || entry.senders.is_empty() {
        entries.remove(key);
    }
}

fn now() -> Instant {
    Clock::now().into_std()
}

#[cfg(test)]
mod tests;
