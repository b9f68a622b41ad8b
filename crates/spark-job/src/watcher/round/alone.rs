//! Looks at single runs beside the bulk answers, some at a time, so that many of them do not hold up a round.

use std::pin::Pin;
use std::time::Duration;

use futures_util::stream::{self, Stream, StreamExt};
use sparkwright_yarn::{Application, ApplicationId};
use tokio::time::{Instant as Clock, timeout_at};

use super::judging::is_telling;
use super::{Entries, Entry, Round, Sightings, now};
use crate::cluster::Cluster;
use crate::names::{BatchName, RunKey};
use crate::sighting::{LivySight, Sighting, YarnSight};

/// So many are asked for at once.
const AT_ONCE: usize = 16;

/// A run that no bulk answer shows is asked for alone this often.
const ALONE_PERIOD: Duration = Duration::from_secs(15);

/// How long YARN may take for all of them in one round: other runs' ends wait for it.
const ALONE_TIMEOUT: Duration = Duration::from_secs(15);

/// A run that YARN did not answer for is not asked for again so soon: it may fail each time, or take as long.
const AGAIN: Duration = Duration::from_secs(5);

/// Livy's word on each of these batches, as it comes.
pub(super) fn each_batch<'a>(
    cluster: &'a Cluster,
    names: impl IntoIterator<Item = (RunKey, BatchName), IntoIter: Send + 'a>,
) -> Pin<Box<dyn Stream<Item = (RunKey, LivySight)> + Send + 'a>> {
    let asked = stream::iter(names)
        .map(move |(key, name)| async move { (key, cluster.ask_livy(&name).await) })
        .buffer_unordered(AT_ONCE);
    Box::pin(asked)
}

/// What a run's lone look goes by.
struct Question {
    key: RunKey,
    name: BatchName,
    known: Option<ApplicationId>,
}

impl Round {
    /// Asks YARN one by one for what its bulk answers leave open. Each run is on its own: nothing is concluded of one that
    /// YARN does not answer for, and the others are told of what it says.
    pub(super) async fn complete(&self, entries: &mut Entries, sightings: &mut Sightings) {
        let mut open = Vec::new();
        for (key, sighting) in &mut *sightings {
            let Some(entry) = entries.get(key) else { continue };
            let Some(question) = question(key, entry, sighting) else {
                continue;
            };
            match entry.unanswered.as_deref() {
                Some((then, why)) if now().duration_since(*then) < AGAIN => {
                    sighting.yarn = YarnSight::Silent(why.clone());
                }
                // Those that wait for an answer since an earlier round come last.
                unanswered => open.push((unanswered.map(|(then, _)| *then), question)),
            }
        }
        open.sort_by_key(|(unanswered, _)| *unanswered);
        let until = Clock::now() + ALONE_TIMEOUT;
        let mut answers = stream::iter(open)
            .map(|(_, Question { key, name, known })| async move {
                if Clock::now() >= until {
                    return (key, None);
                }
                let look = self.cluster.look(&name, false, known.as_ref());
                let yarn = timeout_at(until, look).await.map_or_else(
                    |_| YarnSight::Silent("YARN did not answer for this run in time".into()),
                    |sighting| sighting.yarn,
                );
                (key, Some(yarn))
            })
            .buffer_unordered(AT_ONCE);
        while let Some((key, yarn)) = answers.next().await {
            let Some(yarn) = yarn else {
                // Its turn comes in the next round.
                sightings.remove(&key);
                continue;
            };
            if let Some(entry) = entries.get_mut(&key) {
                entry.unanswered = match &yarn {
                    YarnSight::Silent(why) => Some(Box::new((now(), why.clone()))),
                    YarnSight::NotThere | YarnSight::Applications(_) => None,
                };
                if entry.unanswered.is_none() {
                    entry.looked_alone = Some(now());
                }
            }
            if let Some(sighting) = sightings.get_mut(&key) {
                sighting.yarn = yarn;
            }
        }
    }
}

/// How to ask for a run alone, if its bulk answers do not suffice.
fn question(key: &RunKey, entry: &Entry, sighting: &Sighting) -> Option<Question> {
    let YarnSight::Applications(in_bulk) = &sighting.yarn else {
        return None;
    };
    // Of a run that was taken up, an application may have ended before the bulk answers begin.
    let suffices = entry.looked_alone.is_some() || in_bulk.iter().any(Application::is_live);
    if !in_bulk.is_empty() && suffices {
        return None;
    }
    let reported = match &sighting.livy {
        LivySight::Batch(batch) => batch.app_id.as_deref().and_then(|id| id.parse().ok()),
        _ => None,
    };
    let history = entry.watched.history();
    let known = history.known_application().or(reported);
    let is_due = entry
        .looked_alone
        .is_none_or(|then| now().duration_since(then) >= ALONE_PERIOD);
    let is_open = known.is_some() || is_due || is_telling(history, now(), &sighting.livy);
    is_open.then(|| Question {
        key: key.clone(),
        name: entry.name.clone(),
        known,
    })
}
