//! One round of looks at everything that is followed.

mod judging;

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sparkwright_yarn::{Application, ApplicationId, ApplicationState, ApplicationsQuery};
use tokio::sync::watch;
use tokio::time::{Instant as Clock, timeout_at};
use tracing::{info, warn};

use judging::{by_run, is_telling, is_worth_asking_again, says_the_same};

use super::{Entries, Entry, Health};
use crate::cluster::{Cluster, livy_silence, yarn_silence};
use crate::names::{COMMON_TAG, RunKey};
use crate::sighting::{LivySight, Sighting, YarnSight};
use crate::standing::Standing;

/// Applications that finished so long before the last look are asked for again: clocks differ.
const OVERLAP: Duration = Duration::from_secs(60);

/// So long before the latest end that YARN has told, by its own clock, others may have ended that it did not tell yet.
const LATE: Duration = Duration::from_secs(10);

/// A run that no bulk answer shows is asked for alone this often.
const ALONE_PERIOD: Duration = Duration::from_secs(15);

/// How long Livy may take in one round.
const LIVY_TIMEOUT: Duration = Duration::from_secs(15);

/// Above so many, Livy's list is cheaper than single calls.
const FEW: usize = 2;

/// Livy's list is read so seldom that its batches come no faster than one in this time: it always shows all of them.
const PER_BATCH: Duration = Duration::from_millis(1);

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
    /// The latest end that YARN has told, in milliseconds of its clock.
    last_end_ms: i64,
    /// The applications that lived when everything was looked at last.
    lived: HashMap<RunKey, Vec<ApplicationId>>,
    /// When Livy's list may be read again.
    list_at: Clock,
}

impl Round {
    pub(super) fn new(cluster: Cluster, health: watch::Sender<Health>) -> Self {
        Self {
            cluster,
            health,
            last_look: None,
            last_end_ms: 0,
            lived: HashMap::new(),
            list_at: Clock::now(),
        }
    }

    /// Looks at everything once, and lets go of what has ended or is no longer wanted.
    pub(super) async fn look(&mut self, entries: &mut Entries) {
        let livy_until = Clock::now() + LIVY_TIMEOUT;
        let mut livy = match timeout_at(livy_until, self.ask_livy(entries)).await {
            Ok(livy) => livy,
            Err(_) => self.livy_hangs(entries),
        };
        let mut yarn = self.ask_yarn().await;
        let mut done = Vec::new();
        for (key, entry) in entries.iter_mut() {
            let mut livy_sight = livy.sights.remove(key).unwrap_or(LivySight::NotAsked);
            let in_bulk = yarn.take(key);
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
            if self.tell(entry, sighting, livy_until).await {
                done.push(key.clone());
            }
        }
        for key in done {
            entries.remove(&key);
        }
    }

    /// Looks only for what has ended: for the time between two looks at everything, where those take long.
    pub(super) async fn look_for_ends(&mut self, entries: &mut Entries) {
        let Some(yarn) = self.cluster.yarn().cloned() else {
            return;
        };
        let livy_until = Clock::now() + LIVY_TIMEOUT;
        let began = SystemTime::now();
        // A YARN that does not answer is noted by the next look at everything.
        let Ok(ended) = yarn.applications(&self.ended_query(began)).await else {
            return;
        };
        self.note_ends(&ended);
        for (key, applications) in by_run(ended) {
            let Some(entry) = entries.get_mut(&key) else {
                continue;
            };
            let lives = self.lived.get(&key).is_some_and(|lived| {
                lived
                    .iter()
                    .any(|id| applications.iter().all(|one| one.id != *id))
            });
            // What was taken up, or has another application that lives, takes more than this look.
            if lives || entry.looked_alone.is_none() {
                continue;
            }
            let sighting = Sighting {
                livy: LivySight::NotAsked,
                yarn: YarnSight::Applications(applications),
            };
            if self.tell(entry, sighting, livy_until).await {
                entries.remove(&key);
            }
        }
    }

    /// Tells of a look whoever wants to know; whether the run is to be let go of.
    async fn tell(&self, entry: &mut Entry, mut sighting: Sighting, livy_until: Clock) -> bool {
        let mut report = entry.watched.observe(&entry.name, now(), &sighting);
        // What YARN said of the end nothing changes any more: only Livy's word is missing, and here it may be the later one.
        let is_unconfirmed = matches!(report.standing, Standing::Pending(_))
            && report.application.as_ref().is_some_and(Application::succeeded)
            && sighting.livy == LivySight::NotAsked;
        if is_unconfirmed && entry.watched.wants_livy(now()) && Clock::now() < livy_until {
            sighting.livy = self.cluster.ask_livy(&entry.name).await;
            report = entry.watched.observe(&entry.name, now(), &sighting);
        }
        // Nobody listening any more is no error: the task went away, the run is its own.
        entry.senders.retain(|sender| {
            sender.send_if_modified(|told| {
                let is_news = !says_the_same(told, &report);
                if is_news {
                    told.clone_from(&report);
                }
                is_news
            });
            !sender.is_closed()
        });
        matches!(report.standing, Standing::Ended(_)) || entry.senders.is_empty()
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
        if listed && Clock::now() < self.list_at {
            return LivyAnswers::default();
        }
        if listed {
            let began = Clock::now();
            let list = self.cluster.livy().batches().await;
            let length = list.as_ref().map_or(0, Vec::len);
            self.list_at = began + PER_BATCH * u32::try_from(length).unwrap_or(u32::MAX);
            let mut batches: Result<HashMap<_, _>, _> = list
                .map(|batches| {
                    batches
                        .into_iter()
                        .filter_map(|batch| Some((batch.name.clone()?, batch)))
                        .collect()
                })
                .map_err(|error| livy_silence(&error));
            for (key, entry) in wanting {
                let sight = match &mut batches {
                    Ok(batches) => batches
                        .remove(entry.name.as_str())
                        .map_or(LivySight::Absent, |batch| LivySight::Batch(Box::new(batch))),
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
        // What ends between the two calls is in the later one, so those that live are asked for first.
        let live = ApplicationsQuery {
            tag: Some(COMMON_TAG.to_owned()),
            states: ApplicationState::LIVE.to_vec(),
            finished_since: None,
        };
        let ended = self.ended_query(began);
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
        self.note_ends(&ended);
        self.kill_surplus(&live).await;
        let answers = by_run(ended.into_iter().chain(live));
        self.lived = answers
            .iter()
            .filter_map(|(key, applications)| {
                let live = applications.iter().filter(|application| application.is_live());
                let ids: Vec<_> = live.map(|application| application.id).collect();
                (!ids.is_empty()).then(|| (key.clone(), ids))
            })
            .collect();
        YarnAnswers::Applications(answers)
    }

    /// Those that have ended since the last look at everything, or since shortly before the latest end that was told.
    fn ended_query(&self, now: SystemTime) -> ApplicationsQuery {
        let last_look = self.last_look.unwrap_or(now);
        let since_look = last_look.checked_sub(OVERLAP).unwrap_or(UNIX_EPOCH);
        let last_end = Duration::from_millis(u64::try_from(self.last_end_ms).unwrap_or_default());
        let since_end = UNIX_EPOCH + last_end.saturating_sub(LATE);
        ApplicationsQuery {
            tag: Some(COMMON_TAG.to_owned()),
            states: ApplicationState::ENDED.to_vec(),
            finished_since: Some(since_look.max(since_end)),
        }
    }

    fn note_ends(&mut self, ended: &[Application]) {
        let latest = ended.iter().map(|application| application.finished_at_ms).max();
        self.last_end_ms = self.last_end_ms.max(latest.unwrap_or_default());
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
        let mut by_intent: HashMap<&str, Vec<&Application>> = HashMap::new();
        let intent_prefix = format!("{COMMON_TAG}-intent-");
        for application in live {
            if let Some(tag) = application
                .tags
                .iter()
                .find(|tag| tag.starts_with(&intent_prefix))
            {
                by_intent.entry(tag).or_default().push(application);
            }
        }
        for applications in by_intent.into_values().filter(|all| all.len() > 1) {
            let applications: Vec<_> = applications.into_iter().cloned().collect();
            self.cluster.kill_surplus(&applications).await;
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
    /// A run's part, which is asked for once.
    fn take(&mut self, key: &RunKey) -> YarnSight {
        match self {
            Self::NotThere => YarnSight::NotThere,
            Self::Silent(why) => YarnSight::Silent(why.clone()),
            Self::Applications(by_run) => YarnSight::Applications(by_run.remove(key).unwrap_or_default()),
        }
    }
}

fn now() -> Instant {
    Clock::now().into_std()
}

#[cfg(test)]
mod tests;
