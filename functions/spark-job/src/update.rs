//! Update: in place when the same job is wanted, else the new one in the old one's place.

use std::time::Duration;

use custom_resource::{Failure, Provisioned};
use sparkwright_spark_job::names::spec_tag;
use sparkwright_spark_job::sighting::FoundRun;
use sparkwright_spark_job::standing::{Ending, Standing};
use sparkwright_spark_job::watch::Watch;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::answer::{Known, provisioned};
use crate::gate::Gate;
use crate::ground::{Ground, earlier, name_of};
use crate::job::Job;
use crate::launch::Left;
use crate::physical_id::{PhysicalId, RunId};
use crate::properties::UpdatePolicy;
use crate::provider::Work;
use crate::removal::Target;

/// An Update in place needs no contact: it is tried for so long only to fill in the attributes.
const GLANCE: Duration = Duration::from_secs(10);

impl<G: Gate> Work<'_, G> {
    /// Brings what runs in line with what is declared.
    pub(crate) async fn update(&self) -> Result<Provisioned, Failure> {
        let job = Job::read(self.request).map_err(|mistakes| Failure::from_error(&mistakes))?;
        let old = self.old_id();
        if let Some(run) = old.run().filter(|run| run.is_of(job.spec()))
            && let Some(provisioned) = self.in_place(&job, run).await
        {
            return Ok(provisioned);
        }
        self.replace(&job, &old).await
    }

    /// The same job is wanted that the id leads to. None when it failed or was killed: then it is submitted anew.
    async fn in_place(&self, job: &Job, id: &RunId) -> Option<Provisioned> {
        let same_id = || {
            self.request
                .physical_resource_id
                .clone()
                .unwrap_or_else(|| id.to_string())
        };
        let glance = timeout(GLANCE, async {
            let cluster = self.site_of(job).await.ok()?;
            let run = earlier(id.batch.clone(), None);
            let report = Watch::new(cluster.clone(), &run, self.jobs.settings.settle, GLANCE)
                .next()
                .await;
            Some((cluster, run, report))
        });
        let Ok(Some((cluster, run, report))) = glance.await else {
            info!(batch_name = %id.batch, "the job is left as it is, though it could not be looked at");
            return Some(provisioned(same_id(), &Known::unseen(&id.batch)));
        };
        match report.standing {
            Standing::Ended(Ending::Failed | Ending::NotStarted | Ending::Killed) => {
                info!(batch_name = %id.batch, "the job that is wanted has failed, and is submitted anew");
                None
            }
            Standing::Pending(_) | Standing::Ended(Ending::Succeeded | Ending::Lost) => {
                info!(batch_name = %id.batch, "the job that is wanted is there already");
                Some(provisioned(same_id(), &Known::seen(&cluster, &run, &report)))
            }
        }
    }

    /// Another job is wanted, or the same again.
    async fn replace(&self, job: &Job, old: &PhysicalId) -> Result<Provisioned, Failure> {
        if self.may_be_repeated() {
            self.claim(job);
        }
        let mut submit_by = self.budget.within(job.properties.submit_timeout);
        let ground = self.ground(job, submit_by).await?;
        let submitted = ground.runs.iter().any(|run| run.key == *job.batch().key());
        if !submitted && let Some(run) = original(&ground, job) {
            return self.adopt(job, &ground, run).await;
        }
        // An earlier delivery of this request may have stopped the old job already.
        let mut changed = submitted || self.may_be_repeated();
        if !submitted && job.properties.update_policy == UpdatePolicy::StopThenStart {
            let targets = self.earlier_runs(job, old, &ground).await?;
            changed |= !targets.is_empty();
            self.make_way(job, targets).await?;
            submit_by = self.budget.within(job.properties.submit_timeout);
        }
        match self.launch(job, &ground.cluster, submit_by).await {
            Ok(provisioned) => {
                self.remove_ownerless(job, old, &ground).await;
                Ok(provisioned)
            }
            // Nothing was stopped and nothing new is left: the old job still stands for the old id.
            Err(setback) if !changed && setback.left != Left::Maybe => Err(self.with_old_id(setback.failure)),
            Err(setback) => Err(setback.failure.with_physical_resource_id(job.id.to_string())),
        }
    }

    /// The wanted job lives under another id: the original, after `StartThenStop` and a rollback.
    async fn adopt(&self, job: &Job, ground: &Ground, found: &FoundRun) -> Result<Provisioned, Failure> {
        let name = name_of(found);
        info!(batch_name = %name, "the job that is wanted runs already, and is adopted");
        let id = RunId::new(name.clone(), job.spec(), job.properties.place.clone()).to_string();
        if job.properties.update_policy == UpdatePolicy::StopThenStart {
            let others = ground
                .runs
                .iter()
                .filter(|run| run.may_live() && run.key != found.key);
            let targets = others.map(|run| Target::of(&ground.cluster, run)).collect();
            self.make_way(job, targets)
                .await
                .map_err(|failure| failure.with_physical_resource_id(id.clone()))?;
        }
        let run = earlier(name, found.batch.as_ref().map(|batch| batch.id.0));
        let mut watch = Watch::new(ground.cluster.clone(), &run, self.jobs.settings.settle, GLANCE);
        let known = match timeout(GLANCE, watch.next()).await {
            Ok(report) => Known::seen(&ground.cluster, &run, &report),
            Err(_) => Known::unseen(&run.name),
        };
        Ok(provisioned(id, &known))
    }

    /// CloudFormation deletes the old id; whatever else of the resource still runs has no owner any more.
    async fn remove_ownerless(&self, job: &Job, old: &PhysicalId, ground: &Ground) {
        let owned = |run: &FoundRun| {
            run.key == *job.batch().key() || old.run().is_some_and(|old| run.key == *old.batch.key())
        };
        if job.properties.update_policy != UpdatePolicy::StartThenStop {
            return;
        }
        let ownerless = ground.runs.iter().filter(|run| run.may_live() && !owned(run));
        let targets = ownerless.map(|run| Target::of(&ground.cluster, run)).collect();
        let deadline = self.budget.stop_by(job.properties.stopping.timeout);
        if let Err(why) = self.stop_all(targets, deadline).await {
            warn!(why, "an earlier job of this resource may still run");
        }
    }
}

/// A live run of the wanted spec that is not this request's own.
fn original<'a>(ground: &'a Ground, job: &Job) -> Option<&'a FoundRun> {
    let tag = spec_tag(job.spec());
    let is_wanted = |run: &&FoundRun| {
        run.live_application()
            .is_some_and(|application| application.has_tag(&tag))
    };
    ground
        .runs
        .iter()
        .filter(|run| run.key != *job.batch().key())
        .find(is_wanted)
}
