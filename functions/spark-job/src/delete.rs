//! Delete: what the id leads to is stopped, and seen to have stopped.

use std::time::Duration;

use custom_resource::Failure;
use sparkwright_livy::BatchId;
use sparkwright_spark_job::chain;
use sparkwright_spark_job::cluster::Cluster;
use sparkwright_yarn::ApplicationId;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use crate::gate::Gate;
use crate::job::resource;
use crate::life::sweep::Sweep;
use crate::limits::Mark;
use crate::physical_id::{PhysicalId, RunId};
use crate::place::Place;
use crate::properties::{IfStopUnconfirmed, Stopping, lenient_place};
use crate::provider::Work;
use crate::removal::{Target, out_of_time, unconfirmed};

impl<G: Gate> Work<'_, G> {
    /// Stops what the id leads to. Its absence is a success.
    pub(crate) async fn delete(&self) -> Result<(), Failure> {
        let stopping = Stopping::lenient(&self.request.properties);
        let timeout = stopping.timeout;
        let id = match &self.request.physical_resource_id {
            Some(_) => self.old_id(),
            // Some emulators leave the id out: whatever the resource has is meant.
            None => PhysicalId::Invented,
        };
        let expired = self.request.issued.has_expired(self.request.wall_clock());
        let stopped = async {
            match id {
                PhysicalId::Run(_) | PhysicalId::Nothing { .. } => {
                    Box::pin(self.delete_own(&id, expired, self.delete_by(timeout))).await
                }
                _ if expired => {
                    info!(
                        "nobody waits for this Delete any more, and it does not lead to one run: nothing is touched"
                    );
                    Ok(())
                }
                PhysicalId::Legacy { application, batch } => {
                    self.delete_legacy(&application, batch, self.delete_by(timeout))
                        .await
                }
                PhysicalId::Invented => self.delete_all(timeout).await,
                PhysicalId::LegacyFailure | PhysicalId::Other => leads_nowhere(),
            }
        };
        // Whatever it waits for, the answer is this function's, and follows the template.
        let result = self.budget.stop(stopped).await.unwrap_or_else(out_of_time);
        match (result, stopping.if_unconfirmed) {
            (Ok(()), _) => Ok(()),
            (Err(why), IfStopUnconfirmed::Succeed) => {
                warn!(
                    why,
                    "the Delete succeeds all the same, as `IfStopUnconfirmed` says"
                );
                Ok(())
            }
            (Err(why), IfStopUnconfirmed::Fail) => Err(Failure::new(format!(
                "{why}\nSee in YARN that the job has ended, or kill it there; then delete again. If the cluster can never be \
                 asked again, leave the resource out (`delete-stack --retain-resources`), or deploy `IfStopUnconfirmed: Succeed` \
                 before such a Delete"
            ))),
        }
    }

    /// When the stop counts as unconfirmed.
    fn delete_by(&self, timeout: Duration) -> Instant {
        self.budget
            .for_stopping(self.limits.fixed(self.request, Mark::Delete, timeout))
    }

    /// What our own id leads to. That of a failed Update may be all that the stack has for the resource, while what it was
    /// to replace still runs: then that goes, too.
    async fn delete_own(&self, id: &PhysicalId, expired: bool, deadline: Instant) -> Result<(), String> {
        let replaced = async {
            if id.is_of_failed_update() && !expired && self.jobs.gate.is_leaving(self.request).await {
                return self.delete_replaced(id, deadline).await;
            }
            Ok(())
        };
        let own = async {
            match id.run() {
                Some(run) => self.delete_run(run, deadline).await,
                None => leads_nowhere(),
            }
        };
        let (own, replaced) = tokio::join!(own, replaced);
        own.and(replaced)
    }

    /// Every run of the resource that lived when the Delete was made, where it was declared or the id leads.
    async fn delete_replaced(&self, id: &PhysicalId, deadline: Instant) -> Result<(), String> {
        let what = "the job that a failed Update was to replace";
        let mut places: Vec<Place> = id.run().map(|run| run.place.clone()).into_iter().collect();
        for place in self.all_properties().into_iter().filter_map(lenient_place) {
            if !places.contains(&place) {
                places.push(place);
            }
        }
        let request = self.request;
        let before = Sweep::of(request.issued.at(), request.wall_clock(), Duration::ZERO);
        let mut targets = Vec::new();
        for place in places {
            let site = self.old_site(&place, deadline).await;
            let Some(cluster) = site.map_err(|why| unconfirmed(what, &why))? else {
                continue;
            };
            let runs = self.runs_of(&cluster, resource(request), deadline).await;
            let runs = runs.map_err(|why| unconfirmed(what, &why))?;
            let lived = runs.iter().filter(|run| before.holds(request.wall_clock(), run));
            targets.extend(lived.map(|run| Target::of(&cluster, run)));
        }
        // To look may have taken long, and another delivery may have been answered meanwhile.
        if targets.is_empty() || !self.jobs.gate.is_leaving(request).await {
            return Ok(());
        }
        self.stop_all(targets, deadline).await
    }

    /// One of our own runs: it, and nothing else of the resource.
    async fn delete_run(&self, run: &RunId, deadline: Instant) -> Result<(), String> {
        let what = format!("the batch `{}`", run.batch);
        let Some(cluster) = self
            .old_site(&run.place, deadline)
            .await
            .map_err(|why| unconfirmed(&what, &why))?
        else {
            return Ok(());
        };
        let since = self.limits.since(self.request, Mark::Missing);
        self.stop_all(vec![Target::unseen(&cluster, &run.batch, since)], deadline)
            .await
    }

    /// CloudFormation made the id up while the Create was still at work: whatever it submitted is stopped, also what
    /// shows late.
    async fn delete_all(&self, timeout: Duration) -> Result<(), String> {
        let request = self.request;
        let sweep = Sweep::of(
            request.issued.at(),
            request.wall_clock(),
            self.jobs.settings.settle,
        );
        let deadline = self.delete_by(sweep.left(request.wall_clock()) + timeout);
        let Some(place) = self.all_properties().into_iter().find_map(lenient_place) else {
            info!("the properties name no Livy: nothing can have been submitted");
            return Ok(());
        };
        let what = "whatever the called-off Create submitted";
        let Some(cluster) = self
            .old_site(&place, deadline)
            .await
            .map_err(|why| unconfirmed(what, &why))?
        else {
            return Ok(());
        };
        loop {
            let runs = self
                .runs_of(&cluster, resource(request), deadline)
                .await
                .map_err(|why| unconfirmed(what, &why))?;
            let now = request.wall_clock();
            let targets: Vec<_> = runs
                .iter()
                .filter(|run| sweep.holds(now, run))
                .map(|run| Target::of(&cluster, run))
                .collect();
            if targets.is_empty() && sweep.is_over(now) {
                return Ok(());
            }
            self.stop_all(targets, deadline).await?;
            let next = Instant::now() + self.jobs.settings.poll_period;
            if next >= deadline {
                return Err(unconfirmed(
                    what,
                    "there was no time to wait until it would have shown",
                ));
            }
            sleep_until(next).await;
        }
    }

    /// The older Java provider's: by application id through YARN; by batch number only if Livy still means the same.
    async fn delete_legacy(
        &self,
        application: &ApplicationId,
        batch: i64,
        deadline: Instant,
    ) -> Result<(), String> {
        let what = format!("`{application}`");
        let Some(place) = self.all_properties().into_iter().find_map(lenient_place) else {
            return Err(unconfirmed(&what, "the properties name no Livy"));
        };
        let Some(cluster) = self
            .old_site(&place, deadline)
            .await
            .map_err(|why| unconfirmed(&what, &why))?
        else {
            return Ok(());
        };
        let by_livy = delete_batch(&cluster, application, batch).await;
        if cluster.yarn().is_none() {
            return by_livy.map_err(|why| unconfirmed(&what, &why));
        }
        if let Err(why) = by_livy {
            warn!(
                why,
                "Livy could not delete the batch; the application is killed through YARN"
            );
        }
        self.stop_all(
            vec![Target::Application {
                cluster,
                id: *application,
            }],
            deadline,
        )
        .await
    }
}

fn leads_nowhere() -> Result<(), String> {
    info!("the id leads to nothing that was ever submitted");
    Ok(())
}

/// Deletes a batch by number, which Livy may have given to another since it was restarted.
async fn delete_batch(cluster: &Cluster, application: &ApplicationId, batch: i64) -> Result<(), String> {
    let livy = cluster.livy();
    let found = match livy.batch(BatchId(batch)).await {
        Err(error) if error.is_not_found() => return Ok(()),
        found => found.map_err(|error| chain(&error))?,
    };
    if found.app_id != Some(application.to_string()) {
        info!(batch, "the number now means another batch, which is left alone");
        return Ok(());
    }
    match livy.delete_batch(BatchId(batch)).await {
        Err(error) if !error.is_not_found() => Err(chain(&error)),
        _ => Ok(()),
    }
}
