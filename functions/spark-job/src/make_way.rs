//! Before a new job may start under `StopThenStart`: which runs have to go, and that they have gone.

use custom_resource::Failure;
use serde_json::{Map, Value};
use sparkwright_spark_job::chain;
use sparkwright_spark_job::cluster::Cluster;
use tokio::time::Instant;
use tracing::info;

use crate::gate::{Gate, Moment};
use crate::ground::Ground;
use crate::job::Job;
use crate::physical_id::{PhysicalId, RunId};
use crate::place::Place;
use crate::properties::lenient_place;
use crate::provider::{Work, nothing};
use crate::removal::Target;
use crate::site::patiently;

impl<G: Gate> Work<'_, G> {
    /// What the request's id says.
    pub(crate) fn old_id(&self) -> PhysicalId {
        let request = self.request;
        let id = request.physical_resource_id.as_deref();
        id.map_or(PhysicalId::Other, |id| {
            PhysicalId::parse(id, &request.stack_id, &request.logical_resource_id)
        })
    }

    /// The request's properties, new ones first.
    pub(crate) fn all_properties(&self) -> [&Map<String, Value>; 2] {
        [&self.request.properties, &self.request.old_properties]
    }

    /// Every earlier run of the resource that may live: where the new one goes, and where the old id leads.
    pub(crate) async fn earlier_runs(
        &self,
        job: &Job,
        old: &PhysicalId,
        ground: &Ground,
    ) -> Result<Vec<Target>, Failure> {
        let mut targets = live(ground);
        match old {
            PhysicalId::Run(run) if run.place.livy == job.properties.place.livy => {
                targets.extend(hidden(run, ground))
            }
            PhysicalId::Run(run) => {
                if let Some(there) = self.old_ground(job, &run.place).await? {
                    targets.extend(live(&there));
                    targets.extend(hidden(run, &there));
                }
            }
            PhysicalId::Legacy { application, .. } => {
                let declared = [&self.request.old_properties, &self.request.properties];
                if let Some(place) = declared.into_iter().find_map(lenient_place)
                    && let Some(there) = self.old_ground(job, &place).await?
                {
                    targets.push(Target::Application {
                        cluster: there.cluster,
                        id: *application,
                    });
                }
            }
            PhysicalId::Nothing | PhysicalId::LegacyFailure | PhysicalId::Invented | PhysicalId::Other => {}
        }
        Ok(targets)
    }

    /// Stops what has to go before the new job may start.
    pub(crate) async fn make_way(&self, job: &Job, targets: Vec<Target>) -> Result<(), Failure> {
        if targets.is_empty() {
            return Ok(());
        }
        if let Err(why) = self.jobs.gate.pass(self.request, Moment::BeforeStopping).await {
            return Err(self.untouched(&why));
        }
        self.claim(job);
        let deadline = self.budget.stop_by(job.properties.stopping.timeout);
        let stopped = self.stop_all(targets, deadline).await;
        stopped.map_err(|why| Failure::new(why).with_physical_resource_id(job.id.to_string()))
    }

    /// FAILED with the old id, for nothing was stopped and nothing new is left. A repeated request cannot be sure.
    pub(crate) fn with_old_id(&self, failure: Failure) -> Failure {
        if self.may_be_repeated() {
            return failure;
        }
        let old = self.request.physical_resource_id.clone();
        failure.with_physical_resource_id(old.unwrap_or_else(|| nothing(self.request)))
    }

    fn untouched(&self, why: &str) -> Failure {
        self.with_old_id(Failure::new(why))
    }

    /// The clients of an earlier job's place; none when its cluster is gone, and the job with it.
    pub(crate) async fn old_site(&self, place: &Place, until: Instant) -> Result<Option<Cluster>, String> {
        let properties = self.all_properties();
        let reach = || self.jobs.sites.reach_again(place, &properties);
        match patiently(until, self.jobs.settings.poll_period, reach).await {
            Ok(cluster) => Ok(Some(cluster)),
            Err(error) if error.is_gone() => {
                info!(
                    why = chain(&error),
                    "the job's cluster is gone, and the job with it"
                );
                Ok(None)
            }
            Err(error) => Err(chain(&error)),
        }
    }

    /// Where the old job is; none when its cluster is gone, and the job with it.
    async fn old_ground(&self, job: &Job, place: &Place) -> Result<Option<Ground>, Failure> {
        let failed = |why: &str| {
            self.untouched(&format!(
                "the old job could not be stopped, so the new one was not started: {why}\n\
                 If the old job's cluster is gone, `UpdatePolicy: StartThenStop` goes on without it"
            ))
        };
        let until = self.budget.within(job.properties.submit_timeout);
        let Some(cluster) = self.old_site(place, until).await.map_err(|why| failed(&why))? else {
            return Ok(None);
        };
        match self.runs_of(&cluster, job.resource, until).await {
            Ok(runs) => Ok(Some(Ground { cluster, runs })),
            Err(why) => Err(failed(&why)),
        }
    }
}

fn live(ground: &Ground) -> Vec<Target> {
    ground
        .runs
        .iter()
        .filter(|run| run.may_live())
        .map(|run| Target::of(&ground.cluster, run))
        .collect()
}

/// The id's own run when nobody shows it: it may only be late.
fn hidden(run: &RunId, ground: &Ground) -> Option<Target> {
    let is_shown = ground.runs.iter().any(|found| found.key == *run.batch.key());
    (!is_shown).then(|| Target::unseen(&ground.cluster, &run.batch))
}
