//! `Custom::SparkJob` for the protocol crate: one value serves all requests of a function.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use custom_resource::{Failure, Provider, Provisioned, Request};
use sparkwright_spark_job::chain;
use sparkwright_spark_job::submission::Patience;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use crate::aws::Aws;
use crate::budget::Budget;
use crate::gate::Gate;
use crate::job::Job;
use crate::limits::{Limits, Mark};
use crate::physical_id;
use crate::site::Sites;
use crate::superseded::StackGate;

/// Lambda repeats a failed invocation after a minute at the earliest: what is younger is no repetition of one that died.
const SURELY_FIRST: Duration = Duration::from_secs(45);

/// How a provider looks at clusters.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long after a submission absence proves nothing.
    pub settle: Duration,
    /// The time between two looks.
    pub poll_period: Duration,
    /// How long a job that stays in place must be seen to live: a request that was called off may be stopping it.
    pub linger: Duration,
    /// The same for one that Livy does not know: its batch may have been deleted before its application appeared, and Livy
    /// looks for such applications once a minute (`livy.server.yarn.app-leakage.check-interval`).
    pub leak_check: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(150),
            poll_period: Duration::from_secs(1),
            linger: Duration::from_secs(20),
            leak_check: Duration::from_secs(75),
        }
    }
}

/// Creates, updates and deletes Spark jobs.
#[derive(Debug)]
pub struct SparkJobs<G = StackGate> {
    pub(crate) settings: Settings,
    pub(crate) sites: Sites,
    pub(crate) gate: G,
}

impl SparkJobs {
    /// A provider with these AWS clients, which asks CloudFormation whether its requests are still wanted. Nothing is asked
    /// of AWS before a request needs it.
    pub fn new(settings: Settings, aws: Aws) -> Self {
        Self::behind(StackGate::new(aws.clone()), settings, aws)
    }
}

impl<G: Gate> SparkJobs<G> {
    /// A provider that lets this gate call requests off.
    pub fn behind(gate: G, settings: Settings, aws: Aws) -> Self {
        Self {
            settings,
            sites: Sites::new(aws),
            gate,
        }
    }
}

impl<G: Gate> Provider for SparkJobs<G> {
    async fn create(&self, request: Request) -> Result<Provisioned, Failure> {
        let work = Work::new(self, &request);
        work.in_time(work.provision()).await
    }

    async fn update(&self, request: Request) -> Result<Provisioned, Failure> {
        let work = Work::new(self, &request);
        work.in_time(work.provision()).await
    }

    async fn delete(&self, request: Request) -> Result<(), Failure> {
        let work = Work::new(self, &request);
        work.in_time(work.delete()).await
    }

    fn fallback_id(&self, request: &Request) -> String {
        nothing(request)
    }
}

/// The id that says that a request left nothing behind.
pub(crate) fn nothing(request: &Request) -> String {
    physical_id::nothing(
        &request.stack_id,
        &request.logical_resource_id,
        &request.request_id,
        request.request_type,
    )
}

/// Whether a request may be a repetition. One whose age nobody can tell may be.
fn is_old(request: &Request) -> bool {
    let Some(issued) = request.issued.at() else {
        return true;
    };
    // Clocks differ: what was issued in the future is new.
    request.wall_clock().duration_since(issued).unwrap_or_default() > SURELY_FIRST
}

/// One request in this invocation. Its methods stand with their steps: `provision`, `ground`, `launch`, `started`, `delete`,
/// `removal`.
#[derive(Debug)]
pub(crate) struct Work<'a, G> {
    pub(crate) jobs: &'a SparkJobs<G>,
    pub(crate) request: &'a Request,
    pub(crate) budget: Budget,
    pub(crate) limits: Limits,
    /// By its age when it arrived. Later its age says nothing: a stop may have taken long.
    is_repeated: bool,
    is_handing_over: AtomicBool,
    /// Why no further invocation takes over, for people.
    pub(crate) why_alone: Mutex<Option<String>>,
}

impl<'a, G: Gate> Work<'a, G> {
    fn new(jobs: &'a SparkJobs<G>, request: &'a Request) -> Self {
        let limits = Limits::of(request);
        if request.continuation.hop() == 0 && is_old(request) {
            limits.note(request, Mark::Repeated, Instant::now());
        }
        Self {
            jobs,
            request,
            budget: Budget::of(request),
            is_repeated: limits.noted(request, Mark::Repeated).is_some(),
            limits,
            is_handing_over: AtomicBool::new(false),
            why_alone: Mutex::new(None),
        }
    }

    /// Works, and lets a further invocation take over at the cut. If none does, the work is cut short and goes on here.
    async fn in_time<T>(&self, work: impl Future<Output = T>) -> T {
        let (mut work, mut cut) = (pin!(work), pin!(self.at_the_cut()));
        tokio::select! {
            biased;
            done = &mut work => {
                // A hand-over under way may succeed, and then the next invocation answers.
                if self.is_handing_over.load(Ordering::Relaxed) {
                    cut.await;
                }
                done
            }
            () = &mut cut => work.await,
        }
    }

    /// Hands over at the cut. It returns when that was not possible, or would gain nothing.
    async fn at_the_cut(&self) {
        sleep_until(self.budget.cut).await;
        if self.budget.continues {
            self.is_handing_over.store(true, Ordering::Relaxed);
            let hop = self.request.continuation.hop() + 1;
            info!(hop, "a further invocation takes over");
            match self.request.continuation.hand_over(self.limits.to_value()).await {
                Err(error) => {
                    let why = chain(&error);
                    warn!(why, "no further invocation takes over");
                    *self.why_alone.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
                }
                Ok(never) => match never {},
            }
        }
        self.budget.cut_short();
    }

    /// Why no further invocation has taken over.
    pub(crate) fn why_alone(&self) -> Option<String> {
        self.why_alone
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// From now on, whatever happens, the answer leads to this job's run.
    pub(crate) fn claim(&self, job: &Job) {
        self.request
            .claim
            .physical_resource_id(job.failed_id(self.request.request_type));
    }

    /// Whether an earlier delivery of this request, or an earlier try of this invocation, may have acted and died.
    pub(crate) fn may_be_repeated(&self) -> bool {
        self.is_repeated
            || (self.request.continuation.hop() > 0
                && self.limits.noted(self.request, Mark::Submitted).is_none())
    }

    /// The same, of a submission: absence then proves nothing at first. A request whose age nobody can tell does not count:
    /// without a date every submission would have to settle.
    pub(crate) fn is_late(&self) -> bool {
        let is_dated = self.request.issued.at().is_some() || self.request.continuation.hop() > 0;
        is_dated && self.may_be_repeated()
    }

    pub(crate) fn patience(&self, submit_by: Instant) -> Patience {
        let left = submit_by.saturating_duration_since(Instant::now());
        Patience {
            settle: self.jobs.settings.settle,
            // Rounded up: people read it.
            submit_timeout: Duration::from_secs(left.as_secs() + 1),
            // The deadline comes first.
            lost_timeout: Duration::MAX,
            poll_period: self.jobs.settings.poll_period,
            deadline: Some(self.budget.wait_end),
        }
    }
}
