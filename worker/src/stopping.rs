//! Stopping the job of a task: until YARN says that it has stopped.

use std::sync::Arc;
use std::time::Duration;

use sparkwright_spark_job::names::BatchName;
use sparkwright_spark_job::stop::{self, StopOrder, Stopped};
use sparkwright_spark_job::submission::Run;
use sparkwright_spark_job::watch::Report;
use sparkwright_yarn::{Application, ApplicationId};
use tokio::time::{Instant, sleep};
use tracing::{Instrument, Span, info, warn};

use crate::clusters::Connected;
use crate::context::Context;
use crate::executor::Task;
use crate::intents::Claim;
use crate::snapshot::Step;

/// When a stop that was not confirmed is said to be, and tried again.
const ATTEMPT: Duration = Duration::from_secs(300);

/// The run that is to stop.
#[derive(Clone, Debug)]
pub(crate) struct StopTarget {
    name: BatchName,
    last_post: Instant,
    application: Option<ApplicationId>,
}

impl StopTarget {
    /// A run that was followed.
    pub(crate) fn of(run: &Run, report: &Report) -> Self {
        let application = report.application.as_ref().map(|application| application.id);
        Self {
            name: run.name.clone(),
            last_post: run.last_post,
            application,
        }
    }

    /// A run that may exist: the answer to its submission was lost.
    pub(crate) fn unseen(name: BatchName) -> Self {
        Self {
            name,
            last_post: Instant::now(),
            application: None,
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

/// Stops the run of a task that is over. Its slot is free meanwhile; its intent is not.
pub(crate) fn stop_in_background(task: &Task, connected: Arc<Connected>, target: StopTarget, claim: Claim) {
    claim.stopping();
    let context = Arc::clone(&task.context);
    let listing = context.status.list(task.id.clone(), &task.activity);
    listing.step(Step::Stopping);
    listing.batch(&target.name);
    let tasks = context.tasks.clone();
    let stopping = async move {
        tokio::select! {
            _ = stop(&context, &connected, &target) => info!("the job has stopped"),
            () = context.draining.end() => {
                warn!(batch_name = %target.name, "the worker goes before it was confirmed that the job has stopped");
            }
        }
        drop((listing, claim));
    };
    tasks.spawn(stopping.instrument(Span::current()));
}
