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
        }
    }

    /// A run that was not found, but may yet show up.
    pub(crate) fn unseen(cluster: &Cluster, name: &BatchName) -> Self {
        Self::Run {
            cluster: cluster.clone(),
            name: name.clone(),
            application: None,
        }
    }
}

impl<G: Gate> Work<'_, G> {
    /// Stops runs side by side; the first that could not be confirmed is named.
    pub(crate) async fn stop_all(&self, targets: Vec<Target>, deadline: Instant) -> Result<(), String> {
        let poll_period = self.jobs.settings.poll_period;
        let mut stops = JoinSet::new();
        for target in targets {
            match target {
                Target::Run {
                    cluster,
                    name,
                    application,
                } => {
                    let order = self.stop_order(name, None, application, deadline);
                    let stopping = async move {
                        match stop(&cluster, &order).await {
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
        let mut result = Ok(());
        while let Some(joined) = stops.join_next().await {
            result =
                result.and(joined.unwrap_or_else(|error| Err(format!("a stop was broken off: {error}"))));
        }
        result
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
            poll_period: self.jobs.settings.poll_period,
            deadline,
        }
    }
}

/// What to say of a stop that nobody could confirm.
pub(crate) fn unconfirmed(what: &str, why: &str) -> String {
    format!("that {what} has stopped could not be confirmed: {why}")
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
