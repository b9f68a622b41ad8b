//! Submits a job, or adopts the run that its request already has, and has it watched.

use custom_resource::{Failure, Provisioned};
use sparkwright_spark_job::chain;
use sparkwright_spark_job::cluster::Cluster;
use sparkwright_spark_job::submission::{self, SubmitError, Supervisor, submit};
use tokio::time::Instant;

use crate::answer::failure;
use crate::gate::{Gate, Moment};
use crate::ground::earlier;
use crate::job::Job;
use crate::provider::Work;
use crate::started::Started;

/// What a failed launch has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Nothing was ever submitted.
    Nothing,
    /// A run that has ended for certain.
    Ended,
    /// A run that may still live.
    Maybe,
}

/// A launch that failed.
#[derive(Debug)]
pub(crate) struct Setback {
    pub(crate) failure: Failure,
    pub(crate) left: Left,
}

impl Setback {
    /// Nothing of the reason's secrets is shown.
    pub(crate) fn of(reason: &str, job: &Job, left: Left) -> Self {
        Self {
            failure: failure(reason, &job.redaction),
            left,
        }
    }
}

/// Tells the gate where a submission is, and claims the physical id before the first thing that leaves something.
struct Supervision<'a, G> {
    work: &'a Work<'a, G>,
    job: &'a Job,
}

impl<G: Gate> Supervisor for Supervision<'_, G> {
    fn may_have_been_posted(&self) -> bool {
        self.work.is_late()
    }

    async fn gate(&self, gate: submission::Gate) -> Result<(), String> {
        let moment = match gate {
            submission::Gate::BeforePost => Moment::BeforePost,
            submission::Gate::AfterPost => Moment::AfterPost,
        };
        self.work.jobs.gate.pass(self.work.request, moment).await?;
        self.work.claim(self.job);
        Ok(())
    }
}

impl<G: Gate> Work<'_, G> {
    /// Submits and waits.
    pub(crate) async fn launch(
        &self,
        job: &Job,
        cluster: &Cluster,
        submit_by: Instant,
    ) -> Result<Provisioned, Setback> {
        let supervision = Supervision { work: self, job };
        match submit(cluster, &job.order, &self.patience(submit_by), &supervision).await {
            Ok(run) => {
                self.claim(job);
                Started {
                    work: self,
                    job,
                    cluster,
                    run: &run,
                }
                .stands()
                .await
            }
            Err(error) => Err(self.not_submitted(job, cluster, error).await),
        }
    }

    async fn not_submitted(&self, job: &Job, cluster: &Cluster, error: SubmitError) -> Setback {
        let reason = chain(&error);
        match error {
            SubmitError::Deadline {
                left_behind: Some(name),
                ..
            }
            | SubmitError::Superseded {
                left_behind: Some(name),
                ..
            }
            | SubmitError::Lost {
                left_behind: name, ..
            } => {
                let run = earlier(name, None);
                let (left, _) = Started {
                    work: self,
                    job,
                    cluster,
                    run: &run,
                }
                .call_off(None)
                .await;
                Setback::of(&reason, job, left)
            }
            SubmitError::Rejected { .. }
            | SubmitError::Unavailable { .. }
            | SubmitError::Deadline {
                left_behind: None, ..
            }
            | SubmitError::Superseded {
                left_behind: None, ..
            } => Setback::of(&reason, job, Left::Nothing),
            // An error of a later release says nothing of what it left.
            _ => Setback::of(&reason, job, Left::Maybe),
        }
    }
}
