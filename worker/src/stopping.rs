//! Stopping the job of a task: until YARN says that it has stopped.

use std::sync::Arc;
use std::time::Duration;

use sparkwright_spark_job::names::{BatchName, RunKey, run_number};
use sparkwright_spark_job::outcome::Summary;
use sparkwright_spark_job::standing::{Ending, Phase, Standing};
use sparkwright_spark_job::stop::{self, StopOrder, Stopped};
use sparkwright_spark_job::submission::Run;
use sparkwright_spark_job::watch::Report;
use sparkwright_yarn::{Application, ApplicationId, ApplicationState, FinalStatus};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::clusters::Connected;
use crate::completion::Completion;
use crate::context::Context;
use crate::executor::{End, Task};
use crate::intents::Claim;
use crate::journal::{RunLine, Stage, Telling};
use crate::snapshot::Step;

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

impl Task {
    /// Stops the run while the token is good, and reports that; or how it ended meanwhile by itself.
    pub(crate) async fn stopped(
        &self,
        connected: Arc<Connected>,
        run: Run,
        target: StopTarget,
        report: &Report,
        claim: Claim,
        telling: Telling,
    ) -> End {
        let application = match self.stop_noted(&connected, target, &telling, &claim).await {
            Ok(application) => application,
            Err(end) => return end,
        };
        let ending = application.as_deref().and_then(ending_by_itself);
        let standing = Standing::Ended(ending.unwrap_or(Ending::Killed));
        let report = Report {
            standing,
            application: application.map(Arc::from),
            ..report.clone()
        };
        match ending {
            Some(ending) => self.concluded(&connected, &run, &report, ending).await,
            None => {
                let summary = Summary::of(&run, &report);
                End::told(Completion::plain(telling.error, telling.message, Some(summary)))
            }
        }
    }

    /// Stops a run that nobody has seen, and reports that.
    pub(crate) async fn stopped_unseen(
        &self,
        connected: Arc<Connected>,
        target: StopTarget,
        telling: Telling,
        claim: Claim,
    ) -> End {
        match self.stop_noted(&connected, target, &telling, &claim).await {
            Ok(_) => End::told(Completion::plain(telling.error, telling.message, None)),
            Err(end) => end,
        }
    }

    /// Stops a run once that stands in the journal; its application as YARN knows it after that.
    async fn stop_noted(
        &self,
        connected: &Connected,
        target: StopTarget,
        telling: &Telling,
        claim: &Claim,
    ) -> Result<Option<Box<Application>>, End> {
        info!(message = telling.message, "the job is stopped");
        self.listing.step(Step::Stopping);
        claim.stopping();
        let stage = Stage::Stopping {
            run: target.run_line(),
            telling: Some(telling.clone()),
        };
        self.entry.note(&stage).await;
        tokio::select! {
            application = stop(&self.context, connected, &target) => Ok(application),
            () = self.context.draining.end() => Err(End::Left),
        }
    }

    /// Goes on with a stop that an earlier process has begun.
    pub(crate) async fn stop_as_told(&self, line: &RunLine, telling: Option<Telling>, claim: Claim) -> End {
        let Some((connected, run)) = self.known(line) else {
            return match telling {
                Some(telling) => self.fail(telling.error, telling.message),
                None => End::Over,
            };
        };
        let target = StopTarget::recorded(&run, line);
        // Its token may have expired since, and a retry may have the run.
        if telling.is_some() {
            tokio::select! {
                _ = self.heartbeats.is_good() => {}
                () = self.context.draining.end() => return End::Left,
            }
        }
        let lease = self.heartbeats.lease();
        match telling {
            Some(_) if lease.is_over() => self.token_over(lease, connected, target, claim).await,
            None => End::Stop(Pursuit::new(connected, target, claim)),
            Some(telling) => {
                let report = Report {
                    standing: Standing::Pending(Phase::Unknown),
                    application: None,
                    batch: None,
                    silence: None,
                    deaf: None,
                };
                self.stopped(connected, run, target, &report, claim, telling)
                    .await
            }
        }
    }

    /// The run of which an earlier process has told.
    pub(crate) fn known(&self, line: &RunLine) -> Option<(Arc<Connected>, Run)> {
        let connected = self.context.clusters.get(&self.input.endpoint).ok()?;
        let number = run_number(&line.name, self.input.intent, None)?;
        let name = BatchName::seen(&line.name, RunKey::of(self.input.intent, None, number))?;
        let run = Run {
            name,
            batch_id: line.batch_id,
            // Nobody knows better: Livy may have taken the POST just before that process died.
            last_post: tokio::time::Instant::now(),
            adopted: true,
        };
        Some((connected, run))
    }

    /// What is left to be stopped of a task that has been concluded.
    pub(crate) fn pursuit_of(&self, line: &RunLine, claim: Claim) -> Option<Pursuit> {
        let (connected, run) = self.known(line)?;
        Some(Pursuit::new(connected, StopTarget::recorded(&run, line), claim))
    }
}

/// How an application ended that nobody killed.
fn ending_by_itself(application: &Application) -> Option<Ending> {
    let killed =
        application.state == ApplicationState::Killed || application.final_status == FinalStatus::Killed;
    if application.succeeded() {
        return Some(Ending::Succeeded);
    }
    (application.has_ended() && !killed).then_some(Ending::Failed)
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
