//! Stopping runs: one, or all that are left of a resource.

use std::time::Duration;

use sparkwright_spark_job::chain;
use sparkwright_spark_job::cluster::Cluster;
use sparkwright_spark_job::names::BatchName;
use sparkwright_spark_job::sighting::FoundRun;
use sparkwright_spark_job::stop::{StopOrder, Stopped, stop};
use sparkwright_yarn::ApplicationId;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::Instrument;

use crate::gate::Gate;
use crate::ground::name_of;
use crate::provider::Work;

/// Past the time to settle there is time for one more look.
const SETTLED_SURELY: Duration = Duration::from_secs(5);

/// What has to go.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// One of our runs.
    Run {
        /// Where it is.
        cluster: Cluster,
        /// Its name in Livy.
        name: BatchName,
        /// Its application, if it is known.
        application: Option<ApplicationId>,
        /// Since when its absence settles, if it was not seen.
        since: Option<Instant>,
    },
    /// An application that another program submitted.
    Application {
        /// Where it is.
        cluster: Cluster,
        /// YARN's id.
        id: ApplicationId,
    },
}

impl Target {
    /// A run that was found.
    pub(crate) fn of(cluster: &Cluster, run: &FoundRun) -> Self {
        let application = run.live_application().map(|application| application.id);
        Self::Run {
            cluster: cluster.clone(),
            name: name_of(run),
            application,
            since: None,
        }
    }

    /// A run that was not found, but may yet show up; since when it is looked for.
    pub(crate) fn unseen(cluster: &Cluster, name: &BatchName, since: Instant) -> Self {
        Self::Run {
            cluster: cluster.clone(),
            name: name.clone(),
            application: None,
            since: Some(since),
        }
    }
}

impl<G: Gate> Work<'_, G> {
    /// Stops runs side by side; the first that could not be confirmed is named.
    pub(crate) async fn stop_all(&self, targets: Vec<Target>, deadline: Instant) -> Result<(), String> {
        let (poll_period, last) = (self.jobs.settings.poll_period, self.budget.stop_end());
        let mut stops = JoinSet::new();
        for target in targets {
            match target {
                Target::Run {
                    cluster,
                    name,
                    application,
                    since,
                } => {
                    let order = self.stop_order(name, since, application, deadline);
                    let stopping = async move {
                        match stop_or_settle(&cluster, &order, last).await {
                            Stopped::Confirmed { .. } => Ok(()),
                            Stopped::Unconfirmed { why } => {
                                Err(unconfirmed(&format!("the batch `{}`", order.name), &why))
                            }
                        }
                    };
                    stops.spawn(stopping.in_current_span())
                }
                Target::Application { cluster, id } => {
                    let killing = async move {
                        let killed = kill(&cluster, &id, poll_period, deadline).await;
                        killed.map_err(|why| unconfirmed(&format!("`{id}`"), &why))
                    };
                    stops.spawn(killing.in_current_span())
                }
            };
        }
        let all = async {
            let mut result = Ok(());
            while let Some(joined) = stops.join_next().await {
                result =
                    result.and(joined.unwrap_or_else(|error| Err(format!("a stop was broken off: {error}"))));
            }
            result
        };
        self.budget.stop(all).await.unwrap_or_else(out_of_time)
    }

    /// How one run is to be stopped.
    pub(crate) fn stop_order(
        &self,
        name: BatchName,
        last_post: Option<Instant>,
        application: Option<ApplicationId>,
        deadline: Instant,
    ) -> StopOrder {
        StopOrder {
            name,
            last_post,
            application,
            settle: self.jobs.settings.settle,
            waits_for_livy: true,
            poll_period: self.jobs.settings.poll_period,
            deadline,
        }
    }
}

/// Why a stop that the invocation's end has cut short is not confirmed.
pub(crate) const OUT_OF_TIME: &str = "the function's time ran out first";

/// A stop that the invocation's end has cut short.
pub(crate) fn out_of_time() -> Result<(), String> {
    Err(unconfirmed("the job", OUT_OF_TIME))
}

/// What to say of a stop that nobody could confirm.
pub(crate) fn unconfirmed(what: &str, why: &str) -> String {
    format!("that {what} has stopped could not be confirmed: {why}")
}

/// Stops a run. One that nobody shows is waited for until its absence proves something, though a stop may take less.
async fn stop_or_settle(cluster: &Cluster, order: &StopOrder, last: Instant) -> Stopped {
    let began = Instant::now();
    let since = order.last_post.unwrap_or(began);
    let settled = (since + order.settle + SETTLED_SURELY).max(began).min(last);
    let stopped = stop(cluster, order).await;
    if matches!(stopped, Stopped::Confirmed { .. }) || settled <= order.deadline {
        return stopped;
    }
    let look = cluster.look(&order.name, true, order.application.as_ref());
    if !timeout_at(settled, look)
        .await
        .is_ok_and(|sighting| sighting.is_absent())
    {
        return stopped;
    }
    let order = StopOrder {
        last_post: order.last_post.or(Some(began)),
        deadline: settled,
        ..order.clone()
    };
    stop(cluster, &order).await
}

/// Kills an application of which only the id is known, and waits until it has ended.
async fn kill(
    cluster: &Cluster,
    id: &ApplicationId,
    poll_period: Duration,
    deadline: Instant,
) -> Result<(), String> {
    let Some(yarn) = cluster.yarn() else {
        return Err("there is no ResourceManager to ask".into());
    };
    let mut why = "it has not ended yet".to_owned();
    loop {
        let look = async {
            match yarn.application(id).await {
                Ok(application) if !application.is_live() => Ok(true),
                Ok(_) => yarn.kill(id).await.map(|()| false),
                Err(error) => Err(error),
            }
        };
        match timeout_at(deadline, look).await {
            Ok(Ok(true)) => return Ok(()),
            Ok(Ok(false)) => {}
            Ok(Err(error)) if error.is_not_found() => return Ok(()),
            Ok(Err(error)) => why = chain(&error),
            Err(_) => return Err(why),
        }
        let next = Instant::now() + poll_period;
        if next >= deadline {
            return Err(why);
        }
        sleep_until(next).await;
    }
}
