//! Stopping a run, and knowing that it has stopped.
//!
//! Livy is asked to delete the batch (which can take two minutes), whatever lives of it in YARN is killed, and YARN
//! has to say that nothing of it lives. A run of which nothing is seen counts as stopped only after the time to
//! settle.

use std::pin::pin;
use std::time::{Duration, Instant};

use sparkwright_yarn::{Application, ApplicationId};
use tokio::time::{Instant as Deadline, sleep, timeout_at};
use tracing::{info, warn};

use crate::cluster::{Cluster, livy_silence};
use crate::errors::chain;
use crate::names::BatchName;
use crate::sighting::{LivySight, Sighting, YarnSight};
use crate::standing::{leading, start_failed};

/// Which run is to stop, and how long that may take.
#[derive(Clone, Debug)]
pub struct StopOrder {
    /// The run's name in Livy.
    pub name: BatchName,
    /// The last POST that may have been received, if it is known.
    pub last_post: Option<Deadline>,
    /// Its application, if it is known.
    pub application: Option<ApplicationId>,
    /// How long after a POST absence proves nothing.
    pub settle: Duration,
    /// The time between two looks.
    pub poll_period: Duration,
    /// When it counts as unconfirmed.
    pub deadline: Deadline,
}

/// How a stop went.
#[derive(Clone, Debug, PartialEq)]
pub enum Stopped {
    /// Nothing of the run lives.
    Confirmed {
        /// The application as YARN knows it now, if there ever was one.
        application: Option<Box<Application>>,
    },
    /// That could not be seen in time.
    Unconfirmed {
        /// What stood in the way.
        why: String,
    },
}

/// What to do for a stop, upon a look.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    /// Ask Livy to delete the batch.
    DeleteBatch,
    /// Kill what lives in YARN.
    Kill(Vec<ApplicationId>),
    /// Look again; why it is not over.
    Wait(String),
    /// It is over.
    Done(Option<Box<Application>>),
}

/// One stop's memory; the decisions know no client and no clock.
#[derive(Debug)]
struct Stop {
    since: Instant,
    settle: Duration,
    /// Livy has just refused, or not answered: YARN has its turn before it is asked again.
    refused: Option<String>,
    known: Option<ApplicationId>,
}

impl Stop {
    fn observe(&mut self, now: Instant, sighting: &Sighting) -> Step {
        let reported = match &sighting.livy {
            LivySight::Batch(batch) => batch.app_id.as_deref().and_then(|id| id.parse().ok()),
            _ => None,
        };
        self.known = self.known.take().or(reported);
        if let YarnSight::Applications(applications) = &sighting.yarn {
            self.known = self.known.take().or_else(|| leading(applications).map(|a| a.id));
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
        let settled = now.duration_since(self.since) >= self.settle;
        match livy {
            // YARN knew the application and has forgotten it since: it forgets none that lives.
            _ if self.known.is_some() => Step::Done(None),
            LivySight::Batch(batch) if start_failed(batch) => Step::Done(None),
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

/// Stops a run, and says whether that could be confirmed. Stopping what has ended, or never was, is a success.
pub async fn stop(cluster: &Cluster, order: &StopOrder) -> Stopped {
    let began = Deadline::now();
    let mut stop = Stop {
        since: order.last_post.unwrap_or(began).into_std(),
        settle: order.settle,
        refused: None,
        known: order.application,
    };
    let mut why = "it was not looked at yet".to_owned();
    loop {
        let known = stop.known;
        let Ok(sighting) = timeout_at(order.deadline, cluster.look(&order.name, true, known.as_ref())).await
        else {
            return unconfirmed(order, why);
        };
        match stop.observe(Deadline::now().into_std(), &sighting) {
            Step::Done(application) => {
                info!(batch_name = %order.name, waited_s = began.elapsed().as_secs(), "the run has stopped");
                return Stopped::Confirmed { application };
            }
            Step::DeleteBatch => {
                why = "Livy had not deleted the batch in time".into();
                match timeout_at(order.deadline, delete_batch(cluster, order, &mut why)).await {
                    Ok(Ok(())) => why = "Livy has deleted the batch, and YARN is looked at".into(),
                    Ok(Err(said)) => {
                        stop.refused = Some(said.clone());
                        why = said;
                    }
                    Err(_) => return unconfirmed(order, why),
                }
            }
            Step::Kill(live) => match timeout_at(order.deadline, kill(cluster, &live)).await {
                Ok(said) => why = said,
                Err(_) => return unconfirmed(order, format!("`{}` could not be killed in time", live[0])),
            },
            Step::Wait(reason) => why = reason,
        }
        // What was deleted at Livy may have reached YARN in its last moment: the next look is a period later.
        if timeout_at(order.deadline, sleep(order.poll_period))
            .await
            .is_err()
        {
            return unconfirmed(order, why);
        }
    }
}

fn unconfirmed(order: &StopOrder, why: String) -> Stopped {
    warn!(batch_name = %order.name, why, "the stop could not be confirmed in time");
    Stopped::Unconfirmed { why }
}

/// Livy's DELETE blocks while it looks for the application, and until that has ended. Meanwhile YARN may show it, and
/// it is killed there; once YARN calls it ended, Livy is not waited for.
async fn delete_batch(cluster: &Cluster, order: &StopOrder, why: &mut String) -> Result<(), String> {
    let mut delete = pin!(cluster.livy().delete_batch(order.name.as_str()));
    loop {
        tokio::select! {
            result = &mut delete => {
                return match result {
                    Ok(()) => Ok(()),
                    Err(error) if error.is_not_found() => Ok(()),
                    // Whoever lives is killed through YARN; Livy is asked again after a period.
                    Err(error) => Err(livy_silence(&error)),
                };
            }
            () = sleep(order.poll_period) => {}
        }
        let sighting = cluster.look(&order.name, false, order.application.as_ref()).await;
        let YarnSight::Applications(applications) = &sighting.yarn else {
            continue;
        };
        let live = live(applications);
        if !live.is_empty() {
            *why = kill(cluster, &live).await;
        } else if !applications.is_empty() {
            return Err("Livy has not answered to the deletion of the batch".into());
        }
    }
}

fn live(applications: &[Application]) -> Vec<ApplicationId> {
    let live = applications.iter().filter(|application| application.is_live());
    live.map(|application| application.id).collect()
}

async fn kill(cluster: &Cluster, live: &[ApplicationId]) -> String {
    let mut why = format!("`{}` has not ended yet", live[0]);
    let Some(yarn) = cluster.yarn() else { return why };
    for id in live {
        if let Err(error) = yarn.kill(id).await {
            why = chain(&error);
        }
    }
    why
}

#[cfg(test)]
mod tests;
