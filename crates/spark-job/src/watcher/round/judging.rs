//! What a round's answers come to: pure.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::time::Instant;

use sparkwright_livy::BatchState;
use sparkwright_yarn::Application;

use crate::names::RunKey;
use crate::sighting::{LivySight, YarnSight};
use crate::standing::{RunHistory, leading, start_failed, was_killed};
use crate::watch::Report;

/// Whether a report holds nothing new: thousands are not woken for that.
pub(super) fn says_the_same(told: &Report, report: &Report) -> bool {
    told.standing == report.standing
        && told.application == report.application
        && told.batch == report.batch
        && told.silence == report.silence
        && told.deaf == report.deaf
        && told.unknown_to_yarn == report.unknown_to_yarn
}

/// Applications by their runs. Of two answers about the same application the first counts.
pub(super) fn by_run<A: Borrow<Application>>(
    applications: impl IntoIterator<Item = (RunKey, A)>,
) -> HashMap<RunKey, Vec<A>> {
    let mut by_run = HashMap::<RunKey, Vec<A>>::new();
    for (key, application) in applications {
        let of_run = by_run.entry(key).or_insert_with(|| Vec::with_capacity(1));
        if of_run
            .iter()
            .all(|known| known.borrow().id != application.borrow().id)
        {
            of_run.push(application);
        }
    }
    by_run
}

/// Whether what has ended of a run may be its second application, which whoever saw both has killed: the one that stays may
/// be younger than the last look at everything.
pub(super) fn may_be_surplus(ended: &[Application]) -> bool {
    leading(ended).is_none_or(was_killed)
}

/// Whether Livy's word allows a conclusion where YARN shows no application.
pub(super) fn is_telling(history: &RunHistory, now: Instant, livy: &LivySight) -> bool {
    match livy {
        LivySight::Batch(batch) if batch.is_zombie_shaped() => history.has_settled(now),
        LivySight::Batch(batch) => batch.state.is_terminal(),
        LivySight::Absent => history.has_settled(now),
        LivySight::NotAsked | LivySight::Silent(_) => false,
    }
}

/// Whether what the list says of a batch is asked for once more: its absence, and the whole log of a dead one.
pub(super) fn is_worth_asking_again(
    history: &RunHistory,
    now: Instant,
    livy: &LivySight,
    yarn: &YarnSight,
) -> bool {
    match (livy, yarn) {
        (_, YarnSight::Silent(_)) => false,
        (LivySight::Absent, YarnSight::NotThere) => true,
        (LivySight::Absent, YarnSight::Applications(applications)) => {
            // A list may miss a batch that moves while it is read.
            applications.iter().any(Application::succeeded)
                || (applications.is_empty() && history.has_settled(now))
        }
        (LivySight::Batch(batch), YarnSight::Applications(applications)) => {
            let is_lost = applications.is_empty() && batch.app_id.is_none() && history.has_settled(now);
            let is_doubtful = is_lost || applications.iter().any(Application::succeeded);
            batch.state == BatchState::Dead && is_doubtful && !start_failed(batch)
        }
        (LivySight::Batch(_) | LivySight::NotAsked | LivySight::Silent(_), _) => false,
    }
}
