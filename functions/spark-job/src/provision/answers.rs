//! How a Create or an Update is answered.

use custom_resource::{Failure, Provisioned};
use sparkwright_spark_job::cluster::Cluster;
use sparkwright_spark_job::names::{BatchName, RunKey};
use sparkwright_spark_job::submission::Run;
use sparkwright_spark_job::watch::Watch;
use tokio::time::timeout;
use tracing::info;

use super::{GLANCE, Progress};
use crate::answer::{Known, provisioned};
use crate::gate::Gate;
use crate::ground::{earlier, name_of};
use crate::life::{Answer, FailedId, Holder};
use crate::physical_id::{PhysicalId, RunId};
use crate::provider::{Work, nothing};

impl<G: Gate> Work<'_, G> {
    pub(super) async fn answer(&self, progress: Progress, answer: Answer) -> Result<Provisioned, Failure> {
        match answer {
            Answer::Success(Holder::Own) => Ok(provisioned(progress.job.id.to_string(), &own(&progress))),
            Answer::Success(Holder::Previous) => Ok(self.in_place(&progress).await),
            Answer::Success(Holder::Adopted(key)) => Ok(self.adopted(&progress, &key).await),
            Answer::Failed(id) => {
                let failure = progress.failure.unwrap_or_default();
                Err(failure.with_physical_resource_id(match id {
                    FailedId::Own => progress.job.failed_id(self.request.request_type),
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
}

fn own(progress: &Progress) -> Known {
    match (&progress.here, &progress.run, &progress.report) {
        (Some(ground), Some(run), Some(report)) => Known::seen(&ground.cluster, run, report),
        _ => Known::unseen(progress.job.batch()),
    }
}
