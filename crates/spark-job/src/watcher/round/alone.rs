//! Looks at single runs beside the bulk answers, some at a time, so that many of them do not hold up a round.

use std::collections::HashSet;
use std::pin::Pin;
use std::time::Duration;

use futures_util::stream::{self, Stream, StreamExt};
use sparkwright_yarn::{Application, ApplicationId};

use super::judging::is_telling;
use super::{Entries, Entry, Round, Sightings, now};
use crate::cluster::Cluster;
use crate::names::{BatchName, RunKey};
use crate::sighting::{LivySight, Sighting, YarnSight};

/// So many are asked for at once.
const AT_ONCE: usize = 16;

/// A run that no bulk answer shows is asked for alone this often.
const ALONE_PERIOD: Duration = Duration::from_secs(15);

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
    /// Asks YARN one by one for what its bulk answers leave open. The first of them without an answer ends that for this
    /// round: each could take as long, and other runs' ends must not wait for them.
    pub(super) async fn complete(&self, entries: &mut Entries, sightings: &mut Sightings) {
        let mut open = Vec::new();
        for (key, sighting) in &*sightings {
            let Some(entry) = entries.get(key) else { continue };
            open.extend(question(key, entry, sighting));
        }
        let mut unanswered: HashSet<_> = open.iter().map(|question| question.key.clone()).collect();
        let mut answers = stream::iter(open)
            .map(|Question { key, name, known }| async move {
                (key, self.cluster.look(&name, false, known.as_ref()).await.yarn)
            })
            .buffer_unordered(AT_ONCE);
        let mut silence = None;
        while let Some((key, yarn)) = answers.next().await {
            if let YarnSight::Silent(why) = yarn {
                silence = Some(why);
                break;
            }
            unanswered.remove(&key);
            if let Some(entry) = entries.get_mut(&key) {
                entry.looked_alone = Some(now());
            }
            if let Some(sighting) = sightings.get_mut(&key) {
                sighting.yarn = yarn;
            }
        }
        let Some(why) = silence else { return };
        for key in unanswered {
            if let Some(sighting) = sightings.get_mut(&key) {
                sighting.yarn = YarnSight::Silent(why.clone());
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
