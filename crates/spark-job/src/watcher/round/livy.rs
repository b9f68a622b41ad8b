//! What Livy says in a round: of few runs one by one, else with its list.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt;
use tokio::time::{Instant as Clock, timeout_at};

use super::alone::each_batch;
use super::judging::is_worth_asking_again;
use super::{Entries, Entry, LIVY_TIMEOUT, Round, Sightings, now};
use crate::names::RunKey;
use crate::sighting::LivySight;

/// Above so many, Livy's list is cheaper than single calls.
const FEW: usize = 2;

/// Livy's answers of a round, for the runs that want them.
#[derive(Default)]
pub(super) struct LivyAnswers {
    pub(super) sights: HashMap<RunKey, LivySight>,
    /// They come from Livy's list, which has ten lines of a log and may miss a batch that moves while it is read.
    pub(super) listed: bool,
}

impl Round {
    /// Livy's word on the runs that want it, by name; what is known at once of YARN must not wait for a Livy that hangs.
    pub(super) async fn ask_livy(&mut self, entries: &Entries, until: Clock) -> LivyAnswers {
        let wanting: Vec<_> = entries
            .iter()
            .map(|(key, entry)| (key, &**entry))
            .filter(|(_, entry)| entry.watched.wants_livy(now()))
            .collect();
        if wanting.len() <= FEW {
            self.cluster.list().unwatched();
        }
        let answers = match wanting.len() {
            0 => return LivyAnswers::default(),
            1..=FEW => match timeout_at(until, self.one_by_one(&wanting)).await {
                Ok(answers) => answers,
                Err(_) => self.hanging(&wanting),
            },
            _ => match self.by_list(entries, &wanting) {
                Some(answers) => answers,
                // The next one is not there yet.
                None => return LivyAnswers::default(),
            },
        };
        let silent = answers.sights.values().find_map(|sight| match sight {
            LivySight::Silent(why) => Some(why.clone()),
            _ => None,
        });
        self.note_health(&silent, "Livy", |health| &mut health.livy);
        answers
    }

    async fn one_by_one(&self, wanting: &[(&RunKey, &Entry)]) -> LivyAnswers {
        let names = wanting
            .iter()
            .map(|(key, entry)| ((*key).clone(), entry.name.clone()));
        LivyAnswers {
            sights: each_batch(&self.cluster, names).collect().await,
            listed: false,
        }
    }

    /// From a list that is newer than the last, if there is one by now.
    fn by_list(&mut self, entries: &Entries, wanting: &[(&RunKey, &Entry)]) -> Option<LivyAnswers> {
        let (livy, shared) = (self.cluster.livy(), self.cluster.list());
        let reading = shared.newer(livy, self.poll_period, self.list_began)?;
        self.list_began = reading.began;
        let list = match reading.list {
            Ok(list) => list,
            Err(why) => return Some(silent(wanting, &why)),
        };
        let mut sights = HashMap::new();
        for (key, entry) in entries {
            // Whoever wants nothing learns from it all the same.
            if let Some(batch) = list.named(entry.name.as_str()) {
                sights.insert(key.clone(), LivySight::Batch(Arc::clone(batch)));
            }
        }
        for (key, entry) in wanting {
            // A list that is older than the run does not say that it is absent.
            if entry.followed < reading.began {
                sights.entry((*key).clone()).or_insert(LivySight::Absent);
            }
        }
        Some(LivyAnswers { sights, listed: true })
    }

    /// Nobody waits longer for Livy in this round.
    fn hanging(&self, wanting: &[(&RunKey, &Entry)]) -> LivyAnswers {
        let why = format!(
            "Livy at `{}` did not answer within {} s",
            self.cluster.livy().url(),
            LIVY_TIMEOUT.as_secs()
        );
        silent(wanting, &why)
    }

    /// Asks once more, one by one, for what the list does not show, or not all of.
    pub(super) async fn ask_livy_again(&self, entries: &Entries, sightings: &mut Sightings, until: Clock) {
        let mut doubtful = Vec::new();
        for (key, sighting) in &mut *sightings {
            let Some(entry) = entries.get(key) else { continue };
            if is_worth_asking_again(entry.watched.history(), now(), &sighting.livy, &sighting.yarn) {
                // Without an answer it is concluded in a later round.
                sighting.livy = LivySight::NotAsked;
                doubtful.push((key.clone(), entry.name.clone()));
            }
        }
        let mut answers = each_batch(&self.cluster, doubtful);
        while let Ok(Some((key, sight))) = timeout_at(until, answers.next()).await {
            if let Some(sighting) = sightings.get_mut(&key) {
                sighting.livy = sight;
            }
        }
    }
}

fn silent(wanting: &[(&RunKey, &Entry)], why: &str) -> LivyAnswers {
    let sights = wanting
        .iter()
        .map(|(key, _)| ((*key).clone(), LivySight::Silent(why.to_owned())));
    LivyAnswers {
        sights: sights.collect(),
        listed: false,
    }
}
