//! The decisions of a stop: given what was seen, what comes next. No client, no clock.

use std::time::{Duration, Instant};

use sparkwright_yarn::{Application, ApplicationId};

use crate::sighting::{LivySight, Sighting, YarnSight};
use crate::standing::{leading, start_failed};

/// What to do for a stop, upon a look.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Ask Livy to delete the batch.
    DeleteBatch,
    /// Kill what lives in YARN.
    Kill(Vec<ApplicationId>),
    /// Look again; why it is not over.
    Wait(String),
    /// It is over.
    Done(Option<Box<Application>>),
}

/// One stop's memory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stop {
    since: Instant,
    settle: Duration,
    /// Livy has just refused, or not answered: YARN has its turn before it is asked again.
    refused: Option<String>,
    known: Option<ApplicationId>,
    waits_for_livy: bool,
    /// Since when Livy has not answered, where it is not waited for.
    silent_since: Option<Instant>,
}

impl Stop {
    /// The stop of a run whose last POST that may have been received was at `since`, and of its application, if that is
    /// known.
    pub fn new(since: Instant, settle: Duration, application: Option<ApplicationId>) -> Self {
        Self {
            since,
            settle,
            refused: None,
            known: application,
            waits_for_livy: true,
            silent_since: None,
        }
    }

    /// A Livy that does not answer is not waited for any longer than takes to settle: then YARN's word suffices.
    pub fn without_waiting_for_livy(self) -> Self {
        Self {
            waits_for_livy: false,
            ..self
        }
    }

    /// The application by which YARN can be asked even if its tag does not show.
    pub fn known_application(&self) -> Option<ApplicationId> {
        self.known
    }

    /// Livy did not delete the batch; why.
    pub fn livy_refused(&mut self, why: String) {
        self.refused = Some(why);
    }

    /// Decides upon a look.
    pub fn observe(&mut self, now: Instant, sighting: &Sighting) -> Step {
        let reported = match &sighting.livy {
            LivySight::Batch(batch) => batch.app_id.as_deref().and_then(|id| id.parse().ok()),
            _ => None,
        };
        self.known = self.known.take().or(reported);
        if let YarnSight::Applications(applications) = &sighting.yarn {
            self.known = self.known.take().or_else(|| leading(applications).map(|a| a.id));
        }
        match &sighting.livy {
            LivySight::Silent(_) if !self.waits_for_livy => {
                self.silent_since = self.silent_since.or(Some(now))
            }
            LivySight::NotAsked | LivySight::Silent(_) => {}
            LivySight::Batch(_) | LivySight::Absent => self.silent_since = None,
        }
        match (self.refused.take(), &sighting.livy) {
            (None, LivySight::Batch(batch)) if !batch.state.is_terminal() => Step::DeleteBatch,
            (refused, livy) => self.by_yarn(now, livy, refused, &sighting.yarn),
        }
    }

    fn by_yarn(&self, now: Instant, livy: &LivySight, refused: Option<String>, yarn: &YarnSight) -> Step {
        let applications = match yarn {
            YarnSight::Silent(why) => return Step::Wait(why.clone()),
            YarnSight::NotThere => return by_livy_alone(livy, refused),
            YarnSight::Applications(applications) => applications,
        };
        let live = live(applications);
        if !live.is_empty() {
            return Step::Kill(live);
        }
        if let Some(ended) = leading(applications) {
            return Step::Done(Some(Box::new(ended.clone())));
        }
        let has_settled = |since| now.duration_since(since) >= self.settle;
        let settled = has_settled(self.since);
        let is_given_up = self.silent_since.is_some_and(has_settled);
        match livy {
            // YARN knew the application and has forgotten it since: it forgets none that lives.
            _ if self.known.is_some() => Step::Done(None),
            LivySight::Batch(batch) if start_failed(batch) => Step::Done(None),
            LivySight::Silent(_) if settled && is_given_up => Step::Done(None),
            LivySight::Silent(why) => Step::Wait(why.clone()),
            // spark-submit is at work, however long ago it began.
            LivySight::Batch(batch) if !batch.state.is_terminal() => Step::Wait(not_deleted(refused)),
            LivySight::Batch(_) | LivySight::Absent if settled => Step::Done(None),
            LivySight::Batch(_) | LivySight::Absent | LivySight::NotAsked => {
                Step::Wait("an application of it may still show up in YARN".into())
            }
        }
    }
}

fn by_livy_alone(livy: &LivySight, refused: Option<String>) -> Step {
    match livy {
        LivySight::Absent => Step::Done(None),
        LivySight::Batch(batch) if batch.state.is_terminal() => Step::Done(None),
        LivySight::Silent(why) => Step::Wait(why.clone()),
        LivySight::Batch(_) | LivySight::NotAsked => Step::Wait(not_deleted(refused)),
    }
}

fn not_deleted(refused: Option<String>) -> String {
    refused.unwrap_or_else(|| "Livy has not deleted the batch yet".into())
}

/// Those of a run's applications that live.
pub fn live(applications: &[Application]) -> Vec<ApplicationId> {
    let live = applications.iter().filter(|application| application.is_live());
    live.map(|application| application.id).collect()
}

#[cfg(test)]
mod tests;
