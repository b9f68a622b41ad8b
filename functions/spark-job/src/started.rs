//! A job that was submitted: watched until it has come far enough, or stopped.

use std::time::Duration;

use custom_resource::Failure;
use sparkwright_spark_job::cluster::Cluster;
use sparkwright_spark_job::outcome::{self, Summary};
use sparkwright_spark_job::standing::{Ending, Standing};
use sparkwright_spark_job::stop::{Stopped, stop};
use sparkwright_spark_job::submission::Run;
use sparkwright_spark_job::watch::{Report, Watch};
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

use crate::answer::{Bound, Late, failure, job_failure, tracking_url};
use crate::budget::Over;
use crate::gate::{Gate, Moment};
use crate::ground::{earlier, name_of};
use crate::job::Job;
use crate::life::{Holder, Left, Overtaken, Seen, Waited};
use crate::limits::Mark;
use crate::provider::{Settings, Work};
use crate::provision::{GLANCE, Progress};
use crate::removal::OUT_OF_TIME;
use crate::wait::{Goal, Verdict};

/// How often a request that waits asks whether it is still wanted.
const GATE_PERIOD: Duration = Duration::from_secs(15);

/// Why a wait ended without the job being where it should be.
#[derive(Clone, Debug)]
pub(crate) struct TooLate {
    /// What was waited for.
    goal: &'static str,
    /// What ended it.
    over: Over,
}

impl<G: Gate> Work<'_, G> {
    /// Waits until the job stands as its `WaitFor` asks.
    pub(crate) async fn wait(&self, progress: &mut Progress) -> Seen {
        let wait_timeout = progress.job.properties.wait_timeout;
        let limit = self.limits.fixed(self.request, Mark::Wait, wait_timeout);
        let limit = self.budget.for_waiting(limit);
        // It may have got where it should be while the request was handed over.
        let mut until = self.with_one_look(limit);
        let cluster = match self.budget.wait(until, self.reached(progress)).await {
            Ok(cluster) => cluster,
            Err(over) => return self.too_late(progress, "looked at", over).await,
        };
        let run = progress
            .run
            .get_or_insert_with(|| self.own_run(&progress.job))
            .clone();
        let mut goal = self.goal(progress, &cluster, &run);
        let mut is_nearly_there = false;
        let settings = self.jobs.settings;
        let mut watch = Watch::new(cluster.clone(), &run, settings.settle, settings.poll_period);
        // It was being called off when a further invocation took over.
        let is_called_off = self.limits.noted(self.request, Mark::CallOff).is_some();
        let mut next_gate = Instant::now() + GATE_PERIOD;
        let over = loop {
            if is_called_off {
                break Over::Limit;
            }
            let report = match self.budget.wait(until, watch.next()).await {
                Ok(report) => report,
                Err(over) => break over,
            };
            until = limit;
            let verdict = goal.observe(Instant::now().into_std(), &report);
            self.remember(&goal);
            is_nearly_there = verdict == Verdict::Nearly;
            let is_outstanding = goal.is_outstanding(Instant::now().into_std(), &report);
            if let Some(waited) = self.concluded(progress, &cluster, &run, verdict, report).await {
                return Seen::Waited(waited);
            }
            if Instant::now() < next_gate {
                continue;
            }
            next_gate = Instant::now() + GATE_PERIOD;
            match self.overtaken_by(progress, Moment::Waiting).await {
                // Another delivery has answered. What this one has submitted is watched until it is the one application.
                Some(Overtaken::ByItself) if is_outstanding => {}
                Some(overtaken) => return Seen::Overtaken(overtaken),
                None => {}
            }
        };
        if is_nearly_there {
            warn!(batch_name = %run.name, "the job stands; whether Livy starts it a second time could not be waited for");
            return Seen::Waited(Waited::Reached);
        }
        self.too_late(progress, goal.name(), over).await
    }

    /// Time is up, unless another delivery of the request was faster: its job must not be stopped.
    async fn too_late(&self, progress: &mut Progress, goal: &'static str, over: Over) -> Seen {
        if let Some(overtaken) = self.overtaken_by(progress, Moment::Waiting).await {
            return Seen::Overtaken(overtaken);
        }
        progress.too_late = Some(TooLate { goal, over });
        Seen::Waited(Waited::TooLate)
    }

    /// The clients of the job's place. A further invocation has to find it anew, and that it cannot says nothing of the job.
    async fn reached(&self, progress: &mut Progress) -> Cluster {
        loop {
            match self.cluster(progress).await {
                Ok(cluster) => return cluster,
                Err(failure) => {
                    warn!(why = failure.reason, "the place of the job cannot be reached");
                    progress.failure = Some(failure);
                }
            }
            sleep(self.jobs.settings.poll_period).await;
        }
    }

    /// How far the job has to come; what an earlier invocation has seen of it counts.
    fn goal(&self, progress: &Progress, cluster: &Cluster, run: &Run) -> Goal {
        let properties = &progress.job.properties;
        let own_batch = run.batch_id.filter(|_| !run.adopted);
        let settles_at = run.last_post + self.jobs.settings.settle;
        let mut goal = Goal::new(properties.wait_for, properties.healthy, cluster.yarn().is_some())
            .submitted(own_batch, settles_at.into_std());
        let since = self.limits.noted(self.request, Mark::RunningSince);
        goal.runs_since(since.map(Instant::into_std));
        goal
    }

    /// Whether the wait is over by what a look has shown.
    async fn concluded(
        &self,
        progress: &mut Progress,
        cluster: &Cluster,
        run: &Run,
        verdict: Verdict,
        report: Report,
    ) -> Option<Waited> {
        let waited = match verdict {
            Verdict::Reached => {
                info!(batch_name = %run.name, state = %Summary::of(run, &report).state, "the job stands");
                Some(Waited::Reached)
            }
            Verdict::Failed(ending) => {
                let redaction = &progress.job.redaction;
                let outcome = outcome::conclude(cluster, run, &report, ending, redaction).await;
                let page = tracking_url(cluster.endpoint(), report.application.as_deref());
                progress.failure = Some(job_failure(&outcome, page.as_deref()));
                Some(Waited::Ended(ending))
            }
            Verdict::NotYet | Verdict::Nearly => {
                let was_seen = progress.report.as_ref().is_none_or(|last| last.silence.is_none());
                if let Some(silence) = report.silence.as_ref().filter(|_| was_seen) {
                    warn!(why = silence.why, "the job cannot be seen");
                }
                None
            }
        };
        progress.report = Some(report);
        waited
    }

    /// How a job stands that stood well a while ago, and why it fails if it does.
    pub(crate) async fn look_again(&self, progress: &mut Progress, holder: &Holder) -> Option<Standing> {
        let ground = progress.here.as_ref()?;
        let cluster = ground.cluster.clone();
        let run = match holder {
            Holder::Own => progress.run.clone()?,
            Holder::Previous => earlier(progress.old.run()?.batch.clone(), None),
            Holder::Adopted(key) => {
                let run = ground.runs.iter().find(|run| run.key == *key)?;
                earlier(name_of(run), None)
            }
        };
        let Settings {
            settle, poll_period, ..
        } = self.jobs.settings;
        let mut watch = Watch::new(cluster.clone(), &run, settle, poll_period);
        let report = timeout(GLANCE, watch.next()).await.ok()?;
        if report.silence.is_some() {
            // What was seen before says more.
            return None;
        }
        let standing = report.standing;
        let verdict = match standing {
            Standing::Ended(ending) if ending.is_failure() => Verdict::Failed(ending),
            Standing::Pending(_) | Standing::Ended(_) => Verdict::Reached,
        };
        self.concluded(progress, &cluster, &run, verdict, report).await;
        Some(standing)
    }

    /// Stops the own run, and says what is left of it.
    pub(crate) async fn call_off(&self, progress: &mut Progress) -> Seen {
        let run = progress
            .run
            .clone()
            .unwrap_or_else(|| self.own_run(&progress.job));
        let stopped = match self.cluster(progress).await {
            Ok(cluster) => {
                let last = progress.report.as_ref();
                let application = last
                    .and_then(|report| report.application.as_deref())
                    .map(|a| a.id);
                let timeout = progress.job.properties.stopping.timeout;
                let limit = self.limits.fixed(self.request, Mark::CallOff, timeout);
                let deadline = self.budget.for_stopping(limit);
                let order = self.stop_order(run.name.clone(), Some(run.last_post), application, deadline);
                let stopped = self
                    .budget
                    .stop(stop(&cluster, &order))
                    .await
                    .unwrap_or_else(cut_short);
                if let Some(late) = progress.too_late.take() {
                    progress.failure = Some(self.late(progress, &late, &run, &stopped, &cluster));
                }
                stopped
            }
            Err(failure) => {
                let why = failure.reason.clone();
                progress.failure.get_or_insert(failure);
                Stopped::Unconfirmed { why }
            }
        };
        Seen::CalledOff(match stopped {
            Stopped::Confirmed {
                application: Some(application),
                ..
            } if application.succeeded() => {
                progress.report = Some(Report {
                    standing: Standing::Ended(Ending::Succeeded),
                    application: Some(application.into()),
                    batch: progress.report.take().and_then(|report| report.batch),
                    silence: None,
                    deaf: None,
                    unknown_to_yarn: false,
                });
                progress.run = Some(run);
                Left::Succeeded
            }
            Stopped::Confirmed { .. } => Left::Ended,
            Stopped::Unconfirmed { .. } => Left::Maybe,
        })
    }

    /// The own run, though this invocation has not submitted it.
    fn own_run(&self, job: &Job) -> Run {
        let mut run = earlier(job.batch().clone(), None);
        run.last_post = self
            .limits
            .noted(self.request, Mark::Posted)
            .unwrap_or(run.last_post);
        run
    }

    fn remember(&self, goal: &Goal) {
        match goal.running_since() {
            Some(since) => self
                .limits
                .note(self.request, Mark::RunningSince, Instant::from_std(since)),
            None => self.limits.forget(Mark::RunningSince),
        }
    }

    fn late(
        &self,
        progress: &Progress,
        late: &TooLate,
        run: &Run,
        stopped: &Stopped,
        cluster: &Cluster,
    ) -> Failure {
        let last = progress.report.as_ref();
        let limit = self.limits.noted(self.request, Mark::Wait);
        let bound = match late.over {
            Over::Limit if limit.is_some_and(|limit| limit <= self.budget.wait_end) => {
                Bound::Template(progress.job.properties.wait_timeout)
            }
            Over::Limit if self.budget.continues => Bound::Service,
            Over::Limit | Over::CutShort => Bound::Function(self.why_alone()),
        };
        let late = Late {
            goal: late.goal,
            bound,
            summary: last.map(|last| Summary::of(run, last)),
            batch: &run.name,
            application: last.and_then(|last| last.application.as_deref()),
            silence: last
                .and_then(|last| last.silence.as_ref())
                .map(|silence| silence.why.as_str()),
            stopped,
        };
        failure(&late.reason(cluster.endpoint()), &progress.job.redaction)
    }
}

/// The invocation ends before the stop was confirmed.
fn cut_short() -> Stopped {
    Stopped::Unconfirmed {
        why: OUT_OF_TIME.into(),
    }
}
