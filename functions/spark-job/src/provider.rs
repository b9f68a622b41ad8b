//! `Custom::SparkJob` for the protocol crate: one value serves all requests of a function.

use std::time::{Duration, SystemTime};

use custom_resource::{Failure, Provider, Provisioned, Request};
use sparkwright_spark_job::submission::Patience;
use tokio::time::Instant;

use crate::aws::Aws;
use crate::budget::Budget;
use crate::gate::{AlwaysOpen, Gate};
use crate::job::Job;
use crate::physical_id;
use crate::site::Sites;

/// Lambda repeats a failed invocation after a minute at the earliest: what is younger is no repetition.
const SURELY_FIRST: Duration = Duration::from_secs(45);

/// How a provider looks at clusters.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long after a submission absence proves nothing.
    pub settle: Duration,
    /// The time between two looks.
    pub poll_period: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(150),
            poll_period: Duration::from_secs(1),
        }
    }
}

/// Creates, updates and deletes Spark jobs.
#[derive(Debug)]
pub struct SparkJobs<G = AlwaysOpen> {
    pub(crate) settings: Settings,
    pub(crate) sites: Sites,
    pub(crate) gate: G,
}

impl SparkJobs {
    /// A provider with these AWS clients; nothing is asked of AWS before a request needs it.
    pub fn new(settings: Settings, aws: Aws) -> Self {
        Self::behind(AlwaysOpen, settings, aws)
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
        Work::new(self, &request).create().await
    }

    async fn update(&self, request: Request) -> Result<Provisioned, Failure> {
        Work::new(self, &request).update().await
    }

    async fn delete(&self, request: Request) -> Result<(), Failure> {
        Work::new(self, &request).delete().await
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
    )
}

/// One request at work.
#[derive(Debug)]
pub(crate) struct Work<'a, G> {
    pub(crate) jobs: &'a SparkJobs<G>,
    pub(crate) request: &'a Request,
    pub(crate) budget: Budget,
}

impl<'a, G: Gate> Work<'a, G> {
    fn new(jobs: &'a SparkJobs<G>, request: &'a Request) -> Self {
        Self {
            jobs,
            request,
            budget: Budget::of(request),
        }
    }

    /// From now on, whatever happens, the answer leads to this job's run.
    pub(crate) fn claim(&self, job: &Job) {
        self.request.claim.physical_resource_id(job.id.to_string());
    }

    /// Whether an earlier delivery of this request may have submitted its run and died. A request whose age nobody can
    /// tell may be.
    pub(crate) fn may_be_repeated(&self) -> bool {
        self.age().is_none_or(|age| age > SURELY_FIRST)
    }

    /// Whether the request is old enough to be a repetition, so that absence proves nothing at first.
    pub(crate) fn is_late(&self) -> bool {
        self.age().is_some_and(|age| age > SURELY_FIRST)
    }

    fn age(&self) -> Option<Duration> {
        let issued = self.request.issued.at()?;
        // Clocks differ: what was issued in the future is new.
        Some(SystemTime::now().duration_since(issued).unwrap_or_default())
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
            deadline: Some(self.budget.cut),
        }
    }
}
