//! Create and Update: carries out what a [`Life`] decides, step by step.

use std::time::Duration;

use custom_resource::{Failure, Provisioned, RequestType};
use sparkwright_spark_job::cluster::Cluster;
use sparkwright_spark_job::names::{BatchName, RunKey, spec_tag};
use sparkwright_spark_job::sighting::FoundRun;
use sparkwright_spark_job::standing::Standing;
use sparkwright_spark_job::submission::Run;
use sparkwright_spark_job::watch::{Report, Watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::{info, warn};

use crate::answer::{Known, provisioned};
use crate::gate::{Closed, Gate, Moment};
use crate::ground::{Ground, earlier, name_of, shown};
use crate::job::Job;
use crate::life::{Answer, FailedId, Holder, Life, Overtaken, Question, Resident, Seen, Step, Target, Wish};
use crate::limits::Mark;
use crate::physical_id::{PhysicalId, RunId};
use crate::provider::{Settings, Work, nothing};
use crate::removal;
use crate::site::patiently;
use crate::started::TooLate;

/// How long a look may take that only adds detail.
pub(crate) const GLANCE: Duration = Duration::from_secs(10);

/// How often a request that stops earlier runs asks whether it is still wanted: often, for it destroys.
const GATE_PERIOD: Duration = Duration::from_secs(5);

/// What a Create or an Update has learnt on its way.
pub(crate) struct Progress {
    pub(crate) job: Job,
    /// What the request's id leads to.
    old: PhysicalId,
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
            Step::Answer(_) => unreachable!("the loop ends with an answer"),
        }
    }

    /// The same job is wanted that the id leads to: how does it stand?
    async fn glance(&self, progress: &mut Progress) -> Option<Standing> {
        let run = earlier(progress.old.run()?.batch.clone(), None);
        let Settings {
            settle, poll_period, ..
        } = self.jobs.settings;
        let until = self.look_by(&progress.job);
        // Nobody answers: it may not be as it was left, if an Update was called off by this one. No longer, though, than
        // a submission would be tried: to leave a job as it is needs no contact.
        let looking = async {
            let reach = || self.site_of(&progress.job);
            let cluster = patiently(until, poll_period, reach).await.ok()?;
            let mut watch = Watch::new(cluster.clone(), &run, settle, poll_period);
            loop {
                let report = watch.next().await;
                if report.silence.is_none() {
                    return Some((cluster, watch, report));
                }
            }
        };
        let Ok(Some((cluster, mut watch, mut report))) = timeout_at(until, looking).await else {
            info!(batch_name = %run.name, "the job is left as it is, though it could not be looked at");
            return None;
        };
        // An Update that was called off by this one may just now be stopping it.
        let until = Instant::now() + self.jobs.settings.linger;
        let is_seen = |report: &Report| report.silence.is_none() && report.application.is_some();
        while is_seen(&report) && matches!(report.standing, Standing::Pending(_)) && Instant::now() < until {
            match timeout(GLANCE, watch.next()).await {
                Ok(next) => report = next,
                Err(_) => break,
            }
        }
        info!(batch_name = %run.name, standing = ?report.standing, "the job that is wanted was looked at");
        let standing = report.standing;
        progress.here = Some(Ground {
            cluster,
            runs: Vec::new(),
        });
        progress.report = Some(report);
        Some(standing)
    }

    async fn look(&self, progress: &mut Progress) -> Seen {
        progress.report = None;
        if self.may_be_repeated() {
            self.claim(&progress.job);
        }
        match self.settled_ground(progress).await {
            Ok(ground) => {
                let residents = self.residents(&ground, progress);
                let is_other = |run: &&Resident| run.lives && run.key != *progress.job.batch().key();
                let other = residents.iter().find(is_other).map(|other| &other.key);
                let retained = ground.runs.iter().find(|run| Some(&run.key) == other);
                if self.request.request_type == RequestType::Create {
                    progress.failure = retained.map(retained_lives);
                }
                progress.here = Some(ground);
                Seen::Residents(residents)
            }
            Err(failure) => {
                progress.failure = Some(failure);
                Seen::Unreachable
            }
        }
    }

    /// What is there; a run that would be adopted is looked at again, for a request that was called off may be stopping it.
    async fn settled_ground(&self, progress: &Progress) -> Result<Ground, Failure> {
        let job = &progress.job;
        let ground = self.ground(job).await?;
        let residents = self.residents(&ground, progress);
        let has_own = residents.iter().any(|run| run.key == *job.batch().key());
        if has_own || !residents.iter().any(|run| run.is_wanted) {
            return Ok(ground);
        }
        sleep(self.jobs.settings.linger).await;
        let cluster = ground.cluster;
        let until = Instant::now() + GLANCE;
        match self.runs_of(&cluster, job.resource, until).await {
            Ok(runs) => Ok(Ground { cluster, runs }),
            Err(why) => Err(Failure::new(format!(
                "a job of this resource runs already, and whether it goes on running is not known: {why}"
            ))),
        }
    }

    async fn look_back(&self, progress: &mut Progress) -> Seen {
        match self.old_ground(&progress.job, &progress.old).await {
            Ok(Some(ground)) => {
                let residents = self.residents(&ground, progress);
                progress.there = Some(ground);
                Seen::Residents(residents)
            }
            Ok(None) => Seen::Gone,
            Err(failure) => {
                progress.failure = Some(failure);
                Seen::Unreachable
            }
        }
    }

    async fn look_around(&self, progress: &mut Progress) -> Seen {
        let Ok(cluster) = self.cluster(progress).await else {
            return Seen::Unreachable;
        };
        match self
            .runs_of(&cluster, progress.job.resource, Instant::now() + GLANCE)
            .await
        {
            Ok(runs) => {
                let ground = Ground { cluster, runs };
                let residents = self.residents(&ground, progress);
                progress.here = Some(ground);
                Seen::Residents(residents)
            }
            Err(why) => {
                warn!(
                    why,
                    "whether an earlier job of this resource still runs is not known"
                );
                Seen::Unreachable
            }
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
                    "the old job could not be stopped, so the new one was not started: {why}
\
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

    fn residents(&self, ground: &Ground, progress: &Progress) -> Vec<Resident> {
        let tag = spec_tag(progress.job.spec());
        // The shell of a batch that Livy refused does not stand in a Create's way; to an Update it may be one being born.
        let is_create = self.request.request_type == RequestType::Create;
        let may_live = |run: &FoundRun| match is_create {
            true => run.may_live() && !run.is_shell(),
            false => run.may_live() || run.is_out_of_sight(),
        };
        let old = progress.old.run().map(|old| old.batch.key());
        let began = |run: &FoundRun| {
            let applications = run
                .applications
                .iter()
                .map(|application| application.started_at_ms);
            applications.min().unwrap_or(i64::MAX)
        };
        let old_began = ground.runs.iter().find(|run| Some(&run.key) == old).map(began);
        let resident = |run: &FoundRun| Resident {
            key: run.key.clone(),
            lives: may_live(run),
            is_wanted: run
                .live_application()
                .is_some_and(|application| application.has_tag(&tag)),
            is_newer: old_began.is_some_and(|old| began(run) > old),
        };
        ground.runs.iter().map(resident).collect()
    }

    async fn answer(&self, progress: Progress, answer: Answer) -> Result<Provisioned, Failure> {
        match answer {
            Answer::Success(Holder::Own) => Ok(provisioned(progress.job.id.to_string(), &own(&progress))),
            Answer::Success(Holder::Previous) => Ok(self.in_place(&progress).await),
            Answer::Success(Holder::Adopted(key)) => Ok(self.adopted(&progress, &key).await),
            Answer::Failed(id) => {
                let failure = progress.failure.unwrap_or_default();
                Err(failure.with_physical_resource_id(match id {
                    FailedId::Own => progress.job.failed_id(),
                    FailedId::Unchanged => self.unchanged_id(),
                    FailedId::Nothing => nothing(self.request),
                }))
            }
        }
    }

    /// The id that the resource had before; of a Create, the one that says that nothing was submitted.
    fn unchanged_id(&self) -> String {
        let id = self.request.physical_resource_id.clone();
        id.unwrap_or_else(|| nothing(self.request))
    }

    async fn in_place(&self, progress: &Progress) -> Provisioned {
        let known = match (&progress.old, &progress.here, &progress.report) {
            (PhysicalId::Run(id), Some(ground), Some(report)) => {
                Known::seen(&ground.cluster, &earlier(id.batch.clone(), None), report)
            }
            (PhysicalId::Run(id), Some(ground), None) => {
                self.look_at(&ground.cluster, &earlier(id.batch.clone(), None))
                    .await
            }
            (PhysicalId::Run(id), None, _) => Known::unseen(&id.batch),
            _ => Known::unseen(progress.job.batch()),
        };
        provisioned(self.unchanged_id(), &known)
    }

    /// The wanted job lives under another id, which is answered.
    async fn adopted(&self, progress: &Progress, key: &RunKey) -> Provisioned {
        let job = &progress.job;
        let ground = progress.here.as_ref();
        let found = ground.and_then(|ground| ground.runs.iter().find(|run| run.key == *key));
        // It was found a moment ago; what has happened since is for the next request.
        let name = found.map_or_else(|| BatchName::of(&job.order.slug, key.clone()), name_of);
        info!(batch_name = %name, "the job that is wanted runs already, and is adopted");
        let id = RunId::new(name.clone(), job.spec(), job.properties.place.clone()).to_string();
        let batch_id = found.and_then(|run| run.batch.as_ref()).map(|batch| batch.id.0);
        let known = match ground {
            Some(ground) => self.look_at(&ground.cluster, &earlier(name, batch_id)).await,
            None => Known::unseen(&name),
        };
        provisioned(id, &known)
    }

    /// What can be said of a run within a moment.
    async fn look_at(&self, cluster: &Cluster, run: &Run) -> Known {
        let mut watch = Watch::new(cluster.clone(), run, self.jobs.settings.settle, GLANCE);
        match timeout(GLANCE, watch.next()).await {
            Ok(report) => Known::seen(cluster, run, &report),
            Err(_) => Known::unseen(&run.name),
        }
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

fn own(progress: &Progress) -> Known {
    match (&progress.here, &progress.run, &progress.report) {
        (Some(ground), Some(run), Some(report)) => Known::seen(&ground.cluster, run, report),
        _ => Known::unseen(progress.job.batch()),
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

fn retained_lives(run: &FoundRun) -> Failure {
    Failure::new(format!(
        "a job of this resource is still running, kept by `DeletionPolicy: Retain` or left by an earlier operation: {}; \
         stop it, or give the resource another logical id",
        shown(run)
    ))
}
