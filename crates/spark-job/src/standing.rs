//! How a run stands, concluded from looks at it: the decision alone, without client or clock.
//!
//! YARN is the truth where there is one. Livy's `dead` can mean that it lost sight, its 404 that it forgot; neither
//! is believed while YARN does not answer. That nothing is seen proves nothing before the time to settle is over: a
//! spark-submit outlives the Livy that forked it, and its application shows up late.

mod deploy_mode;

use std::sync::Arc;
use std::time::{Duration, Instant};

use sparkwright_livy::{Batch, BatchState};
use sparkwright_yarn::{Application, ApplicationId, ApplicationState, FinalStatus};

use self::deploy_mode::{DeployMode, ModeWatch};
use crate::sighting::{LivySight, Sighting, YarnSight};

pub(crate) use self::deploy_mode::holds_driver_output;

/// The last line of Livy's log when spark-submit ended before there was an application.
const START_FAILED: &str = "spark-submit start failed";

/// Livy looks at YARN every 5 s by default; a Livy that lags by three looks does not lag.
const LIVY_LAG: Duration = Duration::from_secs(15);

/// So long after the end of a run whose deploy mode is not known, a Livy that does not answer is waited for: it alone knows
/// whether a driver of client mode has failed.
const LIVY_SILENCE: Duration = Duration::from_secs(60);

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Nobody could be asked, or nobody knows it yet.
    Unknown,
    /// spark-submit is at work; there is no application yet.
    Starting,
    /// YARN has the application; its driver does not run yet.
    Submitted,
    /// The driver runs.
    Running,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// The application succeeded.
    Succeeded,
    /// The application failed.
    Failed,
    /// spark-submit failed before there was an application that ran.
    NotStarted,
    /// Somebody killed it.
    Killed,
    /// Nobody knows, or will know, what became of it.
    Lost,
}

impl Ending {
    /// Whether it is known to have ended, and not well.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::NotStarted | Self::Killed)
    }
}

/// What a look allows to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It goes on.
    Pending(Phase),
    /// It is over.
    Ended(Ending),
}

/// One run's history of looks, as far as decisions need it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RunHistory {
    settle: Duration,
    /// The last POST that may have been received, or when watching began.
    since: Instant,
    phase: Phase,
    /// Shared with the reports, since there may be thousands of runs.
    application: Option<Arc<Application>>,
    batch: Option<Arc<Batch>>,
    mode: ModeWatch,
    running_since: Option<Instant>,
    ended_since: Option<Instant>,
    /// Since when YARN knows no application of the run.
    missing_since: Option<Instant>,
}

impl RunHistory {
    /// A run whose last POST that may have been received was at `since`.
    pub fn new(since: Instant, settle: Duration) -> Self {
        Self {
            settle,
            since,
            phase: Phase::Unknown,
            application: None,
            batch: None,
            mode: ModeWatch::new(),
            running_since: None,
            ended_since: None,
            missing_since: None,
        }
    }

    /// The newest that YARN said of the run's application.
    pub fn application(&self) -> Option<&Arc<Application>> {
        self.application.as_ref()
    }

    /// The newest that Livy said of the batch.
    pub fn batch(&self) -> Option<&Arc<Batch>> {
        self.batch.as_ref()
    }

    /// The application by which YARN can be asked even if its tag does not show.
    pub fn known_application(&self) -> Option<ApplicationId> {
        let reported = || self.batch.as_ref()?.app_id.as_deref()?.parse().ok();
        self.application
            .as_ref()
            .map(|application| application.id)
            .or_else(reported)
    }

    /// How far it was when last seen.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether Livy itself runs drivers in client mode, so that its word is the outcome.
    pub fn is_client_mode(&self) -> bool {
        self.mode.is_client()
    }

    /// The run was posted again, or taken up by somebody who knows no older POST: absence proves nothing anew.
    pub fn posted_again(&mut self, at: Instant) {
        self.since = self.since.max(at);
    }

    /// Whether the next look should ask Livy: for what YARN cannot know.
    pub fn wants_livy(&self, now: Instant) -> bool {
        match &self.application {
            None => true,
            Some(_) if self.missing_since.is_some() => true,
            Some(application) if application.is_live() => {
                self.mode.wants_livy(now) || self.may_have_another_batch(now)
            }
            Some(application) => application.succeeded() && self.mode.mode() != DeployMode::Cluster,
        }
    }

    /// Whether Livy was still starting a batch of this run when it was last asked, and not too long ago: it may be another
    /// one than that of the application that YARN shows.
    fn may_have_another_batch(&self, now: Instant) -> bool {
        self.batch.as_deref().is_some_and(is_still_starting) && now.duration_since(self.since) < self.settle
    }

    /// Whether nothing can be concluded without Livy's word.
    pub fn depends_on_livy(&self) -> bool {
        match &self.application {
            None => true,
            Some(_) if self.missing_since.is_some() => true,
            Some(application) => application.succeeded() && self.mode.is_client(),
        }
    }

    /// Whether by now nothing can show up any more that has not been seen.
    pub fn has_settled(&self, now: Instant) -> bool {
        // What YARN knew and knows no longer is given as long to be seen again.
        let missing = match &self.application {
            Some(_) => self.missing_since.unwrap_or(now),
            None => self.since,
        };
        now.duration_since(self.since.max(missing)) >= self.settle
    }

    /// Takes a look in, and says how the run stands.
    pub fn observe(&mut self, now: Instant, sighting: &Sighting) -> Standing {
        if let LivySight::Batch(batch) = &sighting.livy {
            // The one that is known is shared by others already.
            if self.batch.as_ref() != Some(batch) {
                self.batch = Some(Arc::clone(batch));
            }
        }
        let standing = match &sighting.yarn {
            YarnSight::NotThere => self.by_livy_alone(now, &sighting.livy),
            YarnSight::Silent(_) => Standing::Pending(self.phase),
            YarnSight::Applications(applications) => match leading(applications) {
                Some(application) => self.by_application(now, application, &sighting.livy),
                None => self.without_application(now, &sighting.livy),
            },
        };
        if let Standing::Pending(phase) = standing {
            self.phase = self.phase.max(phase);
            return Standing::Pending(self.phase);
        }
        standing
    }

    fn by_application(&mut self, now: Instant, application: &Application, livy: &LivySight) -> Standing {
        self.missing_since = None;
        keep(&mut self.application, application);
        if application.is_live() {
            self.ended_since = None;
            self.mode.learn_alive(now, application.id, livy);
            if application.state != ApplicationState::Running {
                return Standing::Pending(Phase::Submitted);
            }
            let since = *self.running_since.get_or_insert(now);
            self.mode.learn(now, since, application.id, livy);
            return Standing::Pending(Phase::Running);
        }
        let since = *self.ended_since.get_or_insert(now);
        if !application.succeeded() {
            return Standing::Ended(ending_of(application, self.batch.as_deref()));
        }
        if let LivySight::Batch(batch) = livy {
            self.mode.learn_at_end(application.id, batch);
        }
        match self.mode.mode() {
            DeployMode::Cluster => Standing::Ended(Ending::Succeeded),
            DeployMode::LikelyClient | DeployMode::Client => self.by_livy_of_client_mode(livy),
            DeployMode::Unproven => {
                let awaited_for = match livy {
                    LivySight::NotAsked | LivySight::Silent(_) => LIVY_SILENCE,
                    LivySight::Batch(batch) if !batch.state.is_terminal() => LIVY_LAG,
                    LivySight::Batch(_) | LivySight::Absent => Duration::ZERO,
                };
                if now.duration_since(since) < awaited_for {
                    return Standing::Pending(Phase::Running);
                }
                Standing::Ended(Ending::Succeeded)
            }
        }
    }

    fn by_livy_of_client_mode(&self, livy: &LivySight) -> Standing {
        match livy {
            LivySight::Batch(batch) => match ending_by_livy(batch) {
                // Its driver failed before Livy had seen the application.
                Some(Ending::NotStarted) => Standing::Ended(Ending::Failed),
                Some(ending) => Standing::Ended(ending),
                None => Standing::Pending(Phase::Running),
            },
            LivySight::Absent if self.mode.mode() == DeployMode::Client => Standing::Ended(Ending::Lost),
            LivySight::Absent => Standing::Ended(Ending::Succeeded),
            LivySight::NotAsked | LivySight::Silent(_) => Standing::Pending(Phase::Running),
        }
    }

    fn without_application(&mut self, now: Instant, livy: &LivySight) -> Standing {
        if let Some(ended) = self.application.take_if(|application| application.has_ended()) {
            // YARN has forgotten it since; its last word stands.
            return self.by_application(now, &ended, livy);
        }
        self.missing_since.get_or_insert(now);
        let settled = self.has_settled(now);
        match livy {
            LivySight::Batch(batch) if start_failed(batch) && self.application.is_none() => {
                Standing::Ended(Ending::NotStarted)
            }
            // Livy says so only of an application that YARN called FINISHED and SUCCEEDED; YARN has forgotten since.
            LivySight::Batch(batch) if batch.state == BatchState::Success => {
                Standing::Ended(Ending::Succeeded)
            }
            LivySight::Batch(batch) if batch.state == BatchState::Killed && settled => {
                Standing::Ended(Ending::Killed)
            }
            LivySight::Batch(batch) if batch.is_zombie_shaped() && settled => Standing::Ended(Ending::Lost),
            LivySight::Batch(batch) if !batch.state.is_terminal() => Standing::Pending(Phase::Starting),
            LivySight::Batch(_) | LivySight::Absent if settled => Standing::Ended(Ending::Lost),
            LivySight::Batch(_) | LivySight::Absent | LivySight::NotAsked | LivySight::Silent(_) => {
                Standing::Pending(Phase::Unknown)
            }
        }
    }

    fn by_livy_alone(&self, now: Instant, livy: &LivySight) -> Standing {
        match livy {
            LivySight::Batch(batch) => match (ending_by_livy(batch), &batch.state) {
                (Some(ending), _) => Standing::Ended(ending),
                (None, _) if batch.is_zombie_shaped() && self.has_settled(now) => {
                    Standing::Ended(Ending::Lost)
                }
                (None, BatchState::Starting | BatchState::NotStarted) => Standing::Pending(Phase::Starting),
                (None, _) => Standing::Pending(Phase::Running),
            },
            LivySight::Absent => Standing::Ended(Ending::Lost),
            LivySight::NotAsked | LivySight::Silent(_) => Standing::Pending(self.phase),
        }
    }
}

/// What is known already is not copied again.
fn keep<T: Clone + PartialEq>(known: &mut Option<Arc<T>>, seen: &T) {
    if known.as_deref() != Some(seen) {
        *known = Some(Arc::new(seen.clone()));
    }
}

/// Whether Livy is still starting a batch, and knows no application of it yet.
pub fn is_still_starting(batch: &Batch) -> bool {
    batch.app_id.is_none() && !batch.state.is_terminal()
}

/// Which of a run's applications is the run: the lowest that lives, else the one that came furthest.
pub fn leading(applications: &[Application]) -> Option<&Application> {
    let live = applications
        .iter()
        .filter(|application| application.is_live())
        .min_by_key(|a| &a.id);
    let succeeded = || applications.iter().find(|application| application.succeeded());
    let not_killed = || {
        applications
            .iter()
            .filter(|a| a.state != ApplicationState::Killed)
            .min_by_key(|a| &a.id)
    };
    live.or_else(succeeded)
        .or_else(not_killed)
        .or_else(|| applications.iter().min_by_key(|a| &a.id))
}

/// The live applications of one intent that have to go, so that one stays: the lowest.
pub fn surplus(applications: &[Application]) -> Vec<ApplicationId> {
    let mut live: Vec<_> = applications
        .iter()
        .filter(|a| a.is_live())
        .map(|a| a.id)
        .collect();
    live.sort();
    live.into_iter().skip(1).collect()
}

/// Whether spark-submit ended before there was an application, by Livy's own word.
pub fn start_failed(batch: &Batch) -> bool {
    batch.state == BatchState::Dead
        && batch.app_id.is_none()
        && batch.log.iter().rev().any(|line| line.trim() == START_FAILED)
}

/// Whether somebody killed it, by whichever word.
pub fn was_killed(application: &Application) -> bool {
    application.state == ApplicationState::Killed || application.final_status == FinalStatus::Killed
}

fn ending_of(application: &Application, batch: Option<&Batch>) -> Ending {
    match application.state {
        ApplicationState::Killed => Ending::Killed,
        // A queue that YARN refuses fails in spark-submit, and the application never had an attempt.
        ApplicationState::Failed if batch.is_some_and(start_failed) => Ending::NotStarted,
        _ if application.succeeded() => Ending::Succeeded,
        _ if application.final_status == FinalStatus::Killed => Ending::Killed,
        _ => Ending::Failed,
    }
}

fn ending_by_livy(batch: &Batch) -> Option<Ending> {
    match &batch.state {
        BatchState::Success => Some(Ending::Succeeded),
        BatchState::Killed => Some(Ending::Killed),
        BatchState::Dead | BatchState::Error if start_failed(batch) => Some(Ending::NotStarted),
        BatchState::Dead | BatchState::Error => Some(Ending::Failed),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
