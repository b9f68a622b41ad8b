//! Create and Update: carries out what a [`Life`] decides, step by step.

mod answers;
mod looks;

use std::time::Duration;

use custom_resource::{Failure, Provisioned};
use sparkwright_spark_job::cluster::Cluster;
use sparkwright_spark_job::names::RunKey;
use sparkwright_spark_job::submission::Run;
use sparkwright_spark_job::watch::Report;
use tokio::time::{Instant, sleep};
use tracing::warn;

use crate::gate::{Closed, Gate, Moment};
use crate::ground::Ground;
use crate::job::Job;
use crate::life::{Life, Overtaken, Question, Seen, Step, Target, Wish};
use crate::limits::Mark;
use crate::physical_id::PhysicalId;
use crate::provider::Work;
use crate::removal;
use crate::started::TooLate;

/// How long a look may take that only adds detail.
pub(crate) const GLANCE: Duration = Duration::from_secs(10);

/// How often a request that stops earlier runs asks whether it is still wanted: often, for it destroys.
const GATE_PERIOD: Duration = Duration::from_secs(5);

/// What a Create or an Update has learnt on its way.
pub(crate) struct Progress {
    pub(crate) job: Job,
    /// What the request's id leads to.
    pub(crate) old: PhysicalId,
    /// Where the new job goes.
    pub(crate) here: Option<Ground>,
    /// Where the old job is.
    there: Option<Ground>,
    /// The own run.
    pub(crate) run: Option<Run>,
    /// The newest that is known of the run that is answered with.
    pub(crate) report: Option<Report>,
    /// Why the wait for it ended too soon, if it did.
    pub(crate) too_late: Option<TooLate>,
    /// Why the request fails, if it does.
    pub(crate) failure: Option<Failure>,
}

impl Progress {
    /// Whether a look has shown the own run.
    pub(crate) fn own_is_there(&self) -> bool {
        let runs = self.here.iter().flat_map(|ground| &ground.runs);
        runs.into_iter().any(|run| run.key == *self.job.batch().key())
    }
}

impl<G: Gate> Work<'_, G> {
    /// Brings what runs in line with what is declared.
    pub(crate) async fn provision(&self) -> Result<Provisioned, Failure> {
        let job = Job::read(self.request).map_err(|mistakes| Failure::from_error(&mistakes))?;
        self.plan_invocations(&job).await?;
        // It is too early to be called off: what an earlier delivery has submitted was not looked for yet.
        let _ = self.jobs.gate.pass(self.request, Moment::Beginning).await;
        let old = self.old_id();
        let is_submitted = self.limits.noted(self.request, Mark::Submitted).is_some();
        let (mut life, mut step) = Life::begin(Wish {
            own: job.batch().key().clone(),
            previous: self.previous(&job, &old),
            policy: job.properties.update_policy,
            may_be_repeated: self.may_be_repeated(),
            is_submitted,
            has_made_way: self.limits.noted(self.request, Mark::MakeWay).is_some(),
        });
        let mut progress = Progress {
            job,
            old,
            here: None,
            there: None,
            run: None,
            report: None,
            too_late: None,
            failure: None,
        };
        loop {
            let seen = match step {
                Step::Answer(answer) => return self.answer(progress, answer).await,
                step => self.take(&mut progress, step).await,
            };
            step = life.next(seen);
        }
    }

    async fn take(&self, progress: &mut Progress, step: Step) -> Seen {
        match step {
            Step::Glance => Seen::Glance(self.glance(progress).await),
            Step::Look => self.look(progress).await,
            Step::LookBack => self.look_back(progress).await,
            Step::LookAround => self.look_around(progress).await,
            Step::Ask(question) => self.ask(progress, question).await,
            Step::MakeWay(targets) => self.make_way(progress, &targets).await,
            Step::Submit => self.submit(progress).await,
            Step::Wait => self.wait(progress).await,
            Step::CallOff => self.call_off(progress).await,
            Step::Tidy(targets) => self.tidy(progress, &targets).await,
            Step::LookAgain(holder) => Seen::Glance(self.look_again(progress, &holder).await),
            Step::Answer(_) => unreachable!("the loop ends with an answer"),
        }
    }

    async fn ask(&self, progress: &mut Progress, question: Question) -> Seen {
        let moment = match question {
            Question::BeforeStopping => Moment::BeforeStopping,
            Question::BeforeAnswer => Moment::BeforeAnswer,
        };
        match self
            .still_wanted(&mut progress.failure, &progress.job, moment)
            .await
        {
            None => Seen::Wanted,
            Some(overtaken) => Seen::Overtaken(overtaken),
        }
    }

    pub(crate) async fn overtaken_by(&self, progress: &mut Progress, moment: Moment) -> Option<Overtaken> {
        self.still_wanted(&mut progress.failure, &progress.job, moment)
            .await
    }

    /// Whether the request is still wanted; else by what it was overtaken, and why it fails.
    pub(crate) async fn still_wanted(
        &self,
        failure: &mut Option<Failure>,
        job: &Job,
        moment: Moment,
    ) -> Option<Overtaken> {
        let closed = self.jobs.gate.pass(self.request, moment).await.err()?;
        let overtaken = overtaken(&closed, job);
        warn!(why = closed.why, ?overtaken, "the request is no longer wanted");
        *failure = Some(Failure::new(closed.why));
        Some(overtaken)
    }

    async fn make_way(&self, progress: &mut Progress, targets: &[Target]) -> Seen {
        self.claim(&progress.job);
        let timeout = progress.job.properties.stopping.timeout;
        let limit = self.limits.fixed(self.request, Mark::MakeWay, timeout);
        let deadline = self.budget.for_stopping(limit);
        let found = self.find(progress, targets);
        let (job, failure) = (&progress.job, &mut progress.failure);
        let overtaken = async {
            loop {
                sleep(GATE_PERIOD).await;
                if let Some(overtaken) = self.still_wanted(failure, job, Moment::BeforeStopping).await {
                    return overtaken;
                }
            }
        };
        let stopped = tokio::select! {
            biased;
            stopped = self.stop_all(found, deadline) => stopped,
            overtaken = overtaken => return Seen::Overtaken(overtaken),
        };
        match stopped {
            Ok(()) => Seen::Stopped,
            Err(why) => {
                progress.failure = Some(Failure::new(format!(
                    "the old job could not be stopped, so the new one was not started: {why}\n\
                     See in YARN that it has ended, or kill it there; then update again"
                )));
                Seen::Unconfirmed
            }
        }
    }

    async fn tidy(&self, progress: &Progress, targets: &[Target]) -> Seen {
        let timeout = progress.job.properties.stopping.timeout;
        let deadline = self.budget.for_waiting(Instant::now() + timeout);
        match self.stop_all(self.find(progress, targets), deadline).await {
            Ok(()) => Seen::Stopped,
            Err(why) => {
                warn!(why, "an earlier job of this resource may still run");
                Seen::Unconfirmed
            }
        }
    }

    /// The runs behind what has to go.
    fn find(&self, progress: &Progress, targets: &[Target]) -> Vec<removal::Target> {
        let seen = |ground: &Option<Ground>, key: &RunKey| {
            let ground = ground.as_ref()?;
            let run = ground.runs.iter().find(|run| run.key == *key)?;
            Some(removal::Target::of(&ground.cluster, run))
        };
        let previous = || {
            let ground = progress.there.as_ref().or(progress.here.as_ref())?;
            match &progress.old {
                PhysicalId::Run(run) => {
                    let since = self.limits.since(self.request, Mark::Missing);
                    Some(removal::Target::unseen(&ground.cluster, &run.batch, since))
                }
                PhysicalId::Legacy { application, .. } => Some(removal::Target::Application {
                    cluster: ground.cluster.clone(),
                    id: *application,
                }),
                _ => None,
            }
        };
        targets
            .iter()
            .filter_map(|target| match target {
                Target::Here(key) => seen(&progress.here, key),
                Target::There(key) => seen(&progress.there, key),
                Target::Previous => previous(),
            })
            .collect()
    }

    /// The clients of the job's place, which a request that was taken over has not reached yet.
    pub(crate) async fn cluster(&self, progress: &mut Progress) -> Result<Cluster, Failure> {
        if let Some(ground) = &progress.here {
            return Ok(ground.cluster.clone());
        }
        let patience = progress.job.properties.submit_timeout;
        let cluster = self.reach(&progress.job, Instant::now() + patience).await?;
        progress.here = Some(Ground {
            cluster: cluster.clone(),
            runs: Vec::new(),
        });
        Ok(cluster)
    }
}

pub(crate) fn overtaken(closed: &Closed, job: &Job) -> Overtaken {
    let has_own = closed
        .stack_has
        .as_deref()
        .is_some_and(|id| match PhysicalId::parse(id, "", "") {
            PhysicalId::Run(run) => run.batch.key() == job.batch().key(),
            _ => false,
        });
    if has_own || closed.is_accepted {
        Overtaken::ByItself
    } else {
        Overtaken::ByStack
    }
}
