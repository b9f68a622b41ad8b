//! One round of looks at everything that is followed.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use sparkwright_livy::BatchState;
use sparkwright_yarn::{Application, ApplicationState, ApplicationsQuery};
use tokio::sync::watch;
use tokio::time::{Instant as Clock, timeout_at};
use tracing::{info, warn};

use super::{Entries, Entry, Health};
use crate::cluster::{Cluster, livy_silence, yarn_silence};
use crate::names::{COMMON_TAG, RunKey};
use crate::sighting::{LivySight, Sighting, YarnSight};
use crate::standing::{RunHistory, Standing, start_failed};

/// Applications that finished so long before the last look are asked for again: clocks differ.
const OVERLAP: Duration = Duration::from_secs(60);

/// A run that no bulk answer shows is asked for alone this often.
const ALONE_PERIOD: Duration = Duration::from_secs(15);

/// How long Livy may take in one round.
const LIVY_TIMEOUT: Duration = Duration::from_secs(15);

/// Above so many, Livy's list is cheaper than single calls.
const FEW: usize = 2;

/// Livy's answers of a round, for the runs that want them.
#[derive(Default)]
struct LivyAnswers {
    sights: HashMap<RunKey, LivySight>,
    /// They come from Livy's list, which has ten lines of a log and may miss a batch that moves while it is read.
    listed: bool,
}

/// YARN's answers of a round.
enum YarnAnswers {
    NotThere,
    Silent(String),
    Applications(HashMap<RunKey, Vec<Application>>),
}

/// The looker, with what it remembers from round to round.
pub(super) struct Round {
    cluster: Cluster,
    health: watch::Sender<Health>,
    last_look: Option<SystemTime>,
}

impl Round {
    pub(super) fn new(cluster: Cluster, health: watch::Sender<Health>) -> Self {
        Self {
            cluster,
            health,
            last_look: None,
        }
    }

    /// Looks at everything once, and lets go of what has ended or is no longer wanted.
    pub(super) async fn look(&mut self, entries: &mut Entries) {
        let livy_until = Clock::now() + LIVY_TIMEOUT;
        let mut livy = match timeout_at(livy_until, self.ask_livy(entries)).await {
            Ok(livy) => livy,
            Err(_) => self.livy_hangs(entries),
        };
        let yarn = self.ask_yarn().await;
        let mut done = Vec::new();
        for (key, entry) in entries.iter_mut() {
            let mut livy_sight = livy.sights.remove(key).unwrap_or(LivySight::NotAsked);
            let in_bulk = yarn.of(key);
            if livy.listed && is_worth_asking_again(entry.watched.history(), now(), &livy_sight, &in_bulk) {
                livy_sight = match Clock::now() < livy_until {
                    true => self.cluster.ask_livy(&entry.name).await,
                    // It is concluded in a later round.
                    false => LivySight::NotAsked,
                };
            }
            let yarn_sight = match in_bulk {
                YarnSight::Applications(applications) => {
                    self.complete(entry, &livy_sight, applications).await
                }
                other => other,
            };
            let sighting = Sighting {
                livy: livy_sight,
                yarn: yarn_sight,
            };
            let report = entry.watched.observe(&entry.name, now(), &sighting);
            let over = matches!(report.standing, Standing::Ended(_));
            // Nobody listening any more is no error: the task went away, the run is its own.
            entry.senders.retain(|sender| sender.send(report.clone()).is_ok());
            if over || entry.senders.is_empty() {
                done.push(key.clone());
            }
        }
        for key in done {
            entries.remove(&key);
        }
    }

    /// What YARN knows at once must not wait for a Livy that hangs.
    fn livy_hangs(&self, entries: &Entries) -> LivyAnswers {
        let why = format!(
            "Livy at `{}` did not answer within {} s",
            self.cluster.livy().url(),
            LIVY_TIMEOUT.as_secs()
        );
        self.note_health(&Some(why.clone()), "Livy", |health| &mut health.livy);
        let wanting = entries
            .iter()
            .filter(|(_, entry)| entry.watched.wants_livy(now()));
        let sights = wanting
            .map(|(key, _)| (key.clone(), LivySight::Silent(why.clone())))
            .collect();
        LivyAnswers {
            sights,
            listed: false,
        }
    }

    /// Livy's word on the runs that want it, by name.
    async fn ask_livy(&mut self, entries: &Entries) -> LivyAnswers {
        let wanting: Vec<_> = entries
            .iter()
            .filter(|(_, entry)| entry.watched.wants_livy(now()))
            .collect();
        if wanting.is_empty() {
            return LivyAnswers::default();
        }
        let mut sights = HashMap::new();
        let listed = wanting.len() > FEW;
        if listed {
            let list = self.cluster.livy().batches().await;
            let batches: Result<HashMap<_, _>, _> = list
                .map(|batches| {
                    batches
                        .into_iter()
                        .filter_map(|batch| Some((batch.name.clone()?, batch)))
                        .collect()
                })
                .map_err(|error| livy_silence(&error));
            for (key, entry) in wanting {
                let sight = match &batches {
                    Ok(batches) => batches
                        .get(entry.name.as_str())
                        .map_or(LivySight::Absent, |batch| {
                            LivySight::Batch(Box::new(batch.clone()))
                        }),
                    Err(why) => LivySight::Silent(why.clone()),
                };
                sights.insert(key.clone(), sight);
            }
        } else {
            for (key, entry) in wanting {
                sights.insert(key.clone(), self.cluster.ask_livy(&entry.name).await);
            }
        }
        let silent = sights.values().find_map(|sight| match sight {
            LivySight::Silent(why) => Some(why.clone()),
            _ => None,
        });
        self.note_health(&silent, "Livy", |health| &mut health.livy);
        LivyAnswers { sights, listed }
    }

    /// The two bulk calls.
    async fn ask_yarn(&mut self) -> YarnAnswers {
        let Some(yarn) = self.cluster.yarn().cloned() else {
            return YarnAnswers::NotThere;
        };
        let began = SystemTime::now();
        let since = self
            .last_look
            .unwrap_or(began)
            .checked_sub(OVERLAP)
            .unwrap_or(SystemTime::UNIX_EPOCH);
        let tag = Some(COMMON_TAG.to_owned());
        // What ends between the two calls is in the later one, so those that live are asked for first.
        let live = ApplicationsQuery {
            tag: tag.clone(),
            states: ApplicationState::LIVE.to_vec(),
            finished_since: None,
        };
        let ended = ApplicationsQuery {
            tag,
            states: ApplicationState::ENDED.to_vec(),
            finished_since: Some(since),
        };
        let answers = async { Ok((yarn.applications(&live).await?, yarn.applications(&ended).await?)) };
        let (live, ended) = match answers.await {
            Ok(answers) => answers,
            Err(error) => {
                let why = yarn_silence(&yarn, &error);
                self.note_health(&Some(why.clone()), "YARN", |health| &mut health.yarn);
                return YarnAnswers::Silent(why);
            }
        };
        self.note_health(&None, "YARN", |health| &mut health.yarn);
        self.last_look = Some(began);
        self.kill_surplus(&live).await;
        let mut by_run: HashMap<RunKey, Vec<Application>> = HashMap::new();
        // A later answer about the same application replaces the earlier one.
        for application in ended.into_iter().chain(live) {
            let Some(key) = RunKey::of_tags(&application.tags) else {
                continue;
            };
            let of_run = by_run.entry(key).or_default();
            if of_run.iter().all(|known| known.id != application.id) {
                of_run.push(application);
            }
        }
        YarnAnswers::Applications(by_run)
    }

    /// What the bulk answers hold of a run, or what YARN says when it is asked for that run alone.
    async fn complete(&self, entry: &mut Entry, livy: &LivySight, in_bulk: Vec<Application>) -> YarnSight {
        // Of a run that was taken up, an application may have ended before the bulk answers begin.
        let suffices = entry.looked_alone.is_some() || in_bulk.iter().any(Application::is_live);
        if !in_bulk.is_empty() && suffices {
            return YarnSight::Applications(in_bulk);
        }
        let reported = match livy {
            LivySight::Batch(batch) => batch.app_id.as_deref().and_then(|id| id.parse().ok()),
            _ => None,
        };
        let known = entry.watched.history().known_application().or(reported);
        let is_due = entry
            .looked_alone
            .is_none_or(|then| now().duration_since(then) >= ALONE_PERIOD);
        if known.is_none() && !is_due && !is_telling(entry.watched.history(), now(), livy) {
            return YarnSight::Applications(Vec::new());
        }
        let sight = self.cluster.look(&entry.name, false, known.as_ref()).await.yarn;
        if let YarnSight::Applications(_) = &sight {
            entry.looked_alone = Some(now());
        }
        sight
    }

    async fn kill_surplus(&self, live: &[Application]) {
        let mut by_intent: HashMap<&str, Vec<Application>> = HashMap::new();
        let intent_prefix = format!("{COMMON_TAG}-intent-");
        for application in live {
            if let Some(tag) = application
                .tags
                .iter()
                .find(|tag| tag.starts_with(&intent_prefix))
            {
                by_intent.entry(tag).or_default().push(application.clone());
            }
        }
        for applications in by_intent.values() {
            self.cluster.kill_surplus(applications).await;
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

impl YarnAnswers {
    fn of(&self, key: &RunKey) -> YarnSight {
        match self {
            Self::NotThere => YarnSight::NotThere,
            Self::Silent(why) => YarnSight::Silent(why.clone()),
            Self::Applications(by_run) => {
                YarnSight::Applications(by_run.get(key).cloned().unwrap_or_default())
            }
        }
    }
}

/// Whether Livy's word allows a conclusion where YARN shows no application.
fn is_telling(history: &RunHistory, now: Instant, livy: &LivySight) -> bool {
    match livy {
        LivySight::Batch(batch) if batch.is_zombie_shaped() => history.has_settled(now),
        LivySight::Batch(batch) => batch.state.is_terminal(),
        LivySight::Absent => history.has_settled(now),
        LivySight::NotAsked | LivySight::Silent(_) => false,
    }
}

/// Whether what the list says of a batch is asked for once more: its absence, and the whole log of a dead one.
fn is_worth_asking_again(history: &RunHistory, now: Instant, livy: &LivySight, yarn: &YarnSight) -> bool {
    match (livy, yarn) {
        (_, YarnSight::Silent(_)) => false,
        (LivySight::Absent, YarnSight::NotThere) => true,
        (LivySight::Absent, YarnSight::Applications(applications)) => {
            applications.is_empty() && history.has_settled(now)
        }
        (LivySight::Batch(batch), YarnSight::Applications(applications)) => {
            let is_lost = applications.is_empty() && batch.app_id.is_none() && history.has_settled(now);
            let is_doubtful = is_lost || applications.iter().any(Application::succeeded);
            batch.state == BatchState::Dead && is_doubtful && !start_failed(batch)
        }
        (LivySight::Batch(_) | LivySight::NotAsked | LivySight::Silent(_), _) => false,
    }
}

fn now() -> Instant {
    Clock::now().into_std()
}

#[cfg(test)]
mod tests;
