//! Stopping a run, and knowing that it has stopped.
//!
//! Livy is asked to delete the batch (which can take two minutes), whatever lives of it in YARN is killed, and YARN
//! has to say that nothing of it lives. A run of which nothing is seen counts as stopped only after the time to
//! settle.
//!
//! The decisions are [`steps::Stop`], which knows no client and no clock; [`stop`] carries them out.

pub mod steps;

use std::pin::pin;
use std::time::Duration;

use sparkwright_yarn::{Application, ApplicationId};
use tokio::time::{Instant as Deadline, sleep, timeout_at};
use tracing::{info, warn};

use crate::cluster::{Cluster, livy_silence};
use crate::errors::chain;
use crate::names::BatchName;
use crate::sighting::{LivySight, YarnSight};
use steps::{Step, Stop, live};

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
    /// Whether a Livy that is silent is waited for though YARN, settled, knows nothing of the run: its spark-submit may take
    /// longer than usual. Else it is given the time to settle: who has somebody to tell cannot wait for ever.
    pub waits_for_livy: bool,
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
        /// Why Livy could not be asked, where that is YARN's word alone.
        unheard: Option<String>,
    },
    /// That could not be seen in time.
    Unconfirmed {
        /// What stood in the way.
        why: String,
    },
}

/// Stops a run, and says whether that could be confirmed. Stopping what has ended, or never was, is a success.
pub async fn stop(cluster: &Cluster, order: &StopOrder) -> Stopped {
    let began = Deadline::now();
    let since = order.last_post.unwrap_or(began).into_std();
    let mut stop = Stop::new(since, order.settle, order.application);
    if !order.waits_for_livy {
        stop = stop.without_waiting_for_livy();
    }
    let mut why = "it was not looked at yet".to_owned();
    // What came of the last kill that YARN has answered, and of the last deletion that Livy has refused: a later one that
    // is cut short says less.
    let mut killed = None;
    let mut refused: Option<String> = None;
    let mut livy_was_silent = false;
    loop {
        let known = stop.known_application();
        // A Livy that says nothing takes its time over it: every other look is at YARN alone.
        let look = cluster.look(&order.name, !livy_was_silent, known.as_ref());
        let Ok(sighting) = timeout_at(order.deadline, look).await else {
            return unconfirmed(order, why);
        };
        livy_was_silent = matches!(sighting.livy, LivySight::Silent(_)) && cluster.yarn().is_some();
        match stop.observe(Deadline::now().into_std(), &sighting) {
            Step::Done(application) => {
                info!(batch_name = %order.name, waited_s = began.elapsed().as_secs(), "the run has stopped");
                let unheard = match sighting.livy {
                    LivySight::Silent(why) if stop.known_application().is_none() => Some(why),
                    _ => None,
                };
                return Stopped::Confirmed { application, unheard };
            }
            Step::DeleteBatch => {
                let unanswered = || "Livy had not deleted the batch in time".to_owned();
                why = refused.clone().unwrap_or_else(unanswered);
                match timeout_at(order.deadline, delete_batch(cluster, order, &mut why)).await {
                    Ok(Ok(())) => why = "Livy has deleted the batch, and YARN is looked at".into(),
                    Ok(Err(said)) => {
                        stop.livy_refused(said.clone());
                        refused = Some(said.clone());
                        why = said;
                    }
                    Err(_) => return unconfirmed(order, why),
                }
            }
            Step::Kill(live) => match timeout_at(order.deadline, kill(cluster, &live)).await {
                Ok(said) => {
                    why.clone_from(&said);
                    killed = Some(said);
                }
                Err(_) => {
                    let unanswered = || format!("`{}` could not be killed in time", live[0]);
                    return unconfirmed(order, killed.unwrap_or_else(unanswered));
                }
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
