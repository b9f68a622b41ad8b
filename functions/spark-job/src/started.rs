//! A job that was submitted: watched until it has come far enough, or stopped.

use std::time::Duration;

use custom_resource::Provisioned;
use sparkwright_spark_job::cluster::Cluster;
use sparkwright_spark_job::outcome::{self, Summary};
use sparkwright_spark_job::standing::{Ending, Standing};
use sparkwright_spark_job::stop::Stopped;
use sparkwright_spark_job::submission::Run;
use sparkwright_spark_job::watch::{Report, Watch};
use tokio::time::{Instant, timeout_at};
use tracing::{info, warn};

use crate::answer::{Known, Late, job_failure, provisioned, tracking_url};
use crate::gate::{Gate, Moment};
use crate::job::Job;
use crate::launch::{Left, Setback};
use crate::provider::Work;
use crate::wait::{Goal, Verdict};

/// How often a request that waits asks whether it is still wanted.
const GATE_PERIOD: Duration = Duration::from_secs(15);

/// A run of this request's own.
pub(crate) struct Started<'a, G> {
    pub(crate) work: &'a Work<'a, G>,
    pub(crate) job: &'a Job,
    pub(crate) cluster: &'a Cluster,
    pub(crate) run: &'a Run,
}

impl<G: Gate> Started<'_, G> {
    /// Waits until the job stands as its `WaitFor` asks.
    pub(crate) async fn stands(&self) -> Result<Provisioned, Setback> {
        let properties = &self.job.properties;
        let settings = self.work.jobs.settings;
        let mut goal = Goal::new(
            properties.wait_for,
            properties.healthy,
            self.cluster.yarn().is_some(),
        );
        let mut watch = Watch::new(
            self.cluster.clone(),
            self.run,
            settings.settle,
            settings.poll_period,
        );
        let until = self.work.budget.within(properties.wait_timeout);
        let mut next_gate = Instant::now() + GATE_PERIOD;
        let mut last: Option<Report> = None;
        loop {
            let Ok(report) = timeout_at(until, watch.next()).await else {
                return self.too_late(last.as_ref(), &goal, until).await;
            };
            match goal.observe(Instant::now().into_std(), &report) {
                Verdict::Reached => return self.reached(&report).await,
                Verdict::Failed(ending) => return Err(self.failed(&report, ending).await),
                Verdict::NotYet => {}
            }
            if let Some(silence) = &report.silence
                && last.as_ref().is_none_or(|last| last.silence.is_none())
            {
                warn!(why = silence.why, "the job cannot be seen");
            }
            if Instant::now() >= next_gate {
                next_gate = Instant::now() + GATE_PERIOD;
                self.still_wanted(&report, Moment::Waiting).await?;
            }
            last = Some(report);
        }
    }

    /// Stops the run, and says what is left of it.
    pub(crate) async fn call_off(&self, report: Option<&Report>) -> (Left, Stopped) {
        let application = report
            .and_then(|report| report.application.as_ref())
            .map(|application| application.id);
        let deadline = self.work.budget.stop_by(self.job.properties.stopping.timeout);
        let order = self.work.stop_order(
            self.run.name.clone(),
            Some(self.run.last_post),
            application,
            deadline,
        );
        let stopped = sparkwright_spark_job::stop::stop(self.cluster, &order).await;
        let left = match &stopped {
            Stopped::Confirmed { .. } => Left::Ended,
            Stopped::Unconfirmed { .. } => Left::Maybe,
        };
        (left, stopped)
    }

    async fn reached(&self, report: &Report) -> Result<Provisioned, Setback> {
        self.still_wanted(report, Moment::BeforeAnswer).await?;
        info!(batch_name = %self.run.name, state = %Summary::of(self.run, report).state, "the job stands");
        Ok(provisioned(
            self.job.id.to_string(),
            &Known::seen(self.cluster, self.run, report),
        ))
    }

    async fn failed(&self, report: &Report, ending: Ending) -> Setback {
        let outcome = outcome::conclude(self.cluster, self.run, report, ending, &self.job.redaction).await;
        let page = tracking_url(self.cluster.endpoint(), report.application.as_ref());
        let left = if ending == Ending::Lost {
            Left::Maybe
        } else {
            Left::Ended
        };
        Setback {
            failure: job_failure(&outcome, page.as_deref()),
            left,
        }
    }

    /// Time is up: the run is stopped, unless the look that this takes shows that it has just succeeded.
    async fn too_late(
        &self,
        last: Option<&Report>,
        goal: &Goal,
        until: Instant,
    ) -> Result<Provisioned, Setback> {
        let (left, stopped) = self.call_off(last).await;
        if let Stopped::Confirmed {
            application: Some(application),
        } = &stopped
            && application.succeeded()
        {
            let report = Report {
                standing: Standing::Ended(Ending::Succeeded),
                application: Some((**application).clone()),
                batch: last.and_then(|last| last.batch.clone()),
                silence: None,
                deaf: None,
            };
            return self.reached(&report).await;
        }
        let by_template = until < self.work.budget.cut;
        let late = Late {
            goal: goal.name(),
            wait_timeout: by_template.then_some(self.job.properties.wait_timeout),
            summary: last.map(|last| Summary::of(self.run, last)),
            batch: &self.run.name,
            application: last.and_then(|last| last.application.as_ref()),
            silence: last
                .and_then(|last| last.silence.as_ref())
                .map(|silence| silence.why.as_str()),
            stopped: &stopped,
        };
        Err(Setback::of(&late.reason(self.cluster.endpoint()), self.job, left))
    }

    async fn still_wanted(&self, report: &Report, moment: Moment) -> Result<(), Setback> {
        let Err(why) = self.work.jobs.gate.pass(self.work.request, moment).await else {
            return Ok(());
        };
        warn!(why, "the request is no longer wanted, and its run is stopped");
        let (left, _) = self.call_off(Some(report)).await;
        Err(Setback::of(&why, self.job, left))
    }
}
