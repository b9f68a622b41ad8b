//! Stopping the job of a task: until YARN says that it has stopped.

use std::sync::Arc;
use std::time::Duration;

use sparkwright_spark_job::names::BatchName;
use sparkwright_spark_job::stop::{self, StopOrder, Stopped};
use sparkwright_spark_job::submission::Run;
use sparkwright_spark_job::watch::Report;
use sparkwright_yarn::{Application, ApplicationId};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::clusters::Connected;
use crate::context::Context;
use crate::intents::Claim;
use crate::journal::RunLine;

/// When a stop that was not confirmed is said to be, and tried again.
const ATTEMPT: Duration = Duration::from_secs(300);

/// The run that is to stop.
#[derive(Clone, Debug)]
pub(crate) struct StopTarget {
    name: BatchName,
    batch_id: Option<i64>,
    last_post: Instant,
    application: Option<ApplicationId>,
}

impl StopTarget {
    /// A run that was followed.
    pub(crate) fn of(run: &Run, report: &Report) -> Self {
        let application = report.application.as_ref().map(|application| application.id);
        Self {
            name: run.name.clone(),
            batch_id: run.batch_id,
            last_post: run.last_post,
            application,
        }
    }

    /// A run that may exist: the answer to its submission was lost.
    pub(crate) fn unseen(name: BatchName) -> Self {
        Self {
            name,
            batch_id: None,
            last_post: Instant::now(),
            application: None,
        }
    }

    /// A run of the journal.
    pub(crate) fn recorded(run: &Run, line: &RunLine) -> Self {
        Self {
            name: run.name.clone(),
            batch_id: run.batch_id,
            last_post: run.last_post,
            application: line.application.as_ref().and_then(|id| id.parse().ok()),
        }
    }

    pub(crate) fn name(&self) -> &BatchName {
        &self.name
    }

    pub(crate) fn run_line(&self) -> RunLine {
        RunLine {
            name: self.name.to_string(),
            batch_id: self.batch_id,
            application: self.application.map(|id| id.to_string()),
        }
    }
}

/// Stops a run, however long that takes, each time with the newest credentials; its application as YARN knows it
/// after that.
pub(crate) async fn stop(
    context: &Context,
    connected: &Connected,
    target: &StopTarget,
) -> Option<Box<Application>> {
    loop {
        let order = StopOrder {
            name: target.name.clone(),
            last_post: Some(target.last_post),
            application: target.application,
            settle: context.config.settle,
            poll_period: context.config.poll_period,
            deadline: Instant::now() + ATTEMPT,
        };
        let newest = context.clusters.get(connected.cluster.endpoint());
        let cluster = newest
            .as_ref()
            .map_or(&connected.cluster, |newest| &newest.cluster);
        match stop::stop(cluster, &order).await {
            Stopped::Confirmed { application } => return application,
            Stopped::Unconfirmed { why } => {
                warn!(why, "nobody confirms that the job has stopped; it is tried again");
                sleep(context.config.poll_period).await;
            }
        }
    }
}

/// A run that is to be stopped for a task of which nobody wants to hear any more. Its intent is taken meanwhile.
#[derive(Debug)]
pub(crate) struct Pursuit {
    connected: Arc<Connected>,
    target: StopTarget,
    _claim: Claim,
}

impl Pursuit {
    /// From now on nobody may take the run over.
    pub(crate) fn new(connected: Arc<Connected>, target: StopTarget, claim: Claim) -> Self {
        claim.stopping();
        Self {
            connected,
            target,
            _claim: claim,
        }
    }

    pub(crate) fn batch_name(&self) -> &BatchName {
        &self.target.name
    }

    pub(crate) fn run_line(&self) -> RunLine {
        self.target.run_line()
    }

    /// Stops it; whether that was confirmed before the worker has to go.
    pub(crate) async fn run(self, context: &Context) -> bool {
        tokio::select! {
            _ = stop(context, &self.connected, &self.target) => {
                info!("the job has stopped");
                true
            }
            () = context.draining.end() => {
                warn!(
                    batch_name = %self.target.name,
                    "the worker goes before it was confirmed that the job has stopped; its next process goes on"
                );
                false
            }
        }
    }
}
