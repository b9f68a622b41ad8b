//! Create: the job is started, once.

use custom_resource::{Failure, Provisioned};
use sparkwright_livy::Batch;
use sparkwright_spark_job::sighting::FoundRun;

use crate::gate::Gate;
use crate::ground::shown;
use crate::job::Job;
use crate::launch::Left;
use crate::provider::{Work, nothing};

impl<G: Gate> Work<'_, G> {
    /// Starts the job, or watches the run that an earlier delivery of the request started.
    pub(crate) async fn create(&self) -> Result<Provisioned, Failure> {
        let job = Job::read(self.request).map_err(|mistakes| Failure::from_error(&mistakes))?;
        if self.may_be_repeated() {
            self.claim(&job);
        }
        let submit_by = self.budget.within(job.properties.submit_timeout);
        let ground = self.ground(&job, submit_by).await?;
        let is_own = |run: &FoundRun| run.key == *job.batch().key();
        if !ground.runs.iter().any(is_own)
            && let Some(retained) = ground.runs.iter().find(|run| lives(run))
        {
            return Err(Failure::new(format!(
                "a job of this resource is still running, kept by `DeletionPolicy: Retain` or left by an earlier \
                 operation: {}; stop it, or give the resource another logical id",
                shown(retained)
            )));
        }
        self.launch(&job, &ground.cluster, submit_by)
            .await
            .map_err(|setback| match setback.left {
                Left::Nothing if !self.may_be_repeated() => {
                    setback.failure.with_physical_resource_id(nothing(self.request))
                }
                Left::Nothing | Left::Ended | Left::Maybe => {
                    setback.failure.with_physical_resource_id(job.id.to_string())
                }
            })
    }
}

/// Whether a run would be a second one. The shell of a batch that Livy refused is none.
fn lives(run: &FoundRun) -> bool {
    run.may_live()
        && !(run.applications.is_empty() && run.batch.as_ref().is_some_and(Batch::is_zombie_shaped))
}
