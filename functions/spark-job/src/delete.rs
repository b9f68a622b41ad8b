//! Delete: what the id leads to is stopped, and seen to have stopped.

use std::time::{Duration, SystemTime};

use custom_resource::Failure;
use sparkwright_livy::BatchId;
use sparkwright_spark_job::chain;
use sparkwright_spark_job::cluster::Cluster;
use sparkwright_spark_job::sighting::FoundRun;
use sparkwright_yarn::ApplicationId;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use crate::gate::Gate;
use crate::job::resource;
use crate::physical_id::{PhysicalId, RunId};
use crate::properties::{IfStopUnconfirmed, Stopping, lenient_place};
use crate::provider::Work;
use crate::removal::{Target, unconfirmed};

impl<G: Gate> Work<'_, G> {
    /// Stops what the id leads to. Its absence is a success.
    pub(crate) async fn delete(&self) -> Result<(), Failure> {
        let stopping = Stopping::lenient(&self.request.properties);
        let deadline = self.budget.stop_by(stopping.timeout);
        let id = match &self.request.physical_resource_id {
            Some(_) => self.old_id(),
            // Some emulators leave the id out: whatever the resource has is meant.
            None => PhysicalId::Invented,
        };
        let expired = self.request.issued.has_expired(SystemTime::now());
        let result = match id {
            PhysicalId::Run(run) => self.delete_run(&run, deadline).await,
            _ if expired => {
                info!(
                    "nobody waits for this Delete any more, and it does not lead to one run: nothing is touched"
                );
                Ok(())
            }
            PhysicalId::Legacy { application, batch } => {
                self.delete_legacy(&application, batch, deadline).await
            }
            PhysicalId::Invented => self.delete_all(stopping.timeout).await,
            PhysicalId::Nothing | PhysicalId::LegacyFailure | PhysicalId::Other => {
                info!("the id leads to nothing that was ever submitted");
                Ok(())
            }
        };
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
                "{why}\nOnce the job is known to have ended, delete again; or set `IfStopUnconfirmed` to `Succeed`"
            ))),
        }
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
        self.stop_all(vec![Target::unseen(&cluster, &run.batch)], deadline)
            .await
    }

    /// CloudFormation made the id up while the Create was still at work: whatever it submitted is stopped, also what
    /// shows late.
    async fn delete_all(&self, timeout: Duration) -> Result<(), String> {
        let window = Window::of(
            self.request.issued.at(),
            SystemTime::now(),
            self.jobs.settings.settle,
        );
        let settled = Instant::now() + window.left;
        let deadline = self.budget.stop_by(window.left + timeout);
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
                .runs_of(&cluster, resource(self.request), deadline)
                .await
                .map_err(|why| unconfirmed(what, &why))?;
            let targets: Vec<_> = runs
                .iter()
                .filter(|run| window.holds(run))
                .map(|run| Target::of(&cluster, run))
                .collect();
            if targets.is_empty() && Instant::now() >= settled {
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

/// A presigned URL gives its time in whole seconds.
const RESOLUTION: Duration = Duration::from_secs(1);

/// Which runs a called-off Create can have submitted: a later Create of the same resource has others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    /// The latest instant at which an application of it can have shown, in milliseconds since the epoch.
    ends_ms: i64,
    /// Until then.
    left: Duration,
}

impl Window {
    fn of(issued: Option<SystemTime>, now: SystemTime, settle: Duration) -> Self {
        let ends = issued.map_or(now, |issued| issued + RESOLUTION).min(now) + settle;
        let since_epoch = ends.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self {
            ends_ms: i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX),
            left: ends.duration_since(now).unwrap_or_default(),
        }
    }

    fn holds(&self, run: &FoundRun) -> bool {
        match run.live_application() {
            Some(application) => application.started_at_ms <= self.ends_ms,
            None => run.may_live() && !self.left.is_zero(),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUED: u64 = 1_773_480_413;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(ISSUED + seconds)
    }

    #[test]
    fn a_called_off_create_is_waited_for_from_when_the_delete_was_issued() {
        let window = Window::of(Some(at(0)), at(10), Duration::from_secs(150));
        assert_eq!(window.left, Duration::from_secs(141));
        assert_eq!(window.ends_ms, (i64::try_from(ISSUED).unwrap() + 151) * 1000);
    }

    #[test]
    fn a_late_duplicate_waits_no_more_and_takes_no_later_run() {
        let window = Window::of(Some(at(0)), at(4000), Duration::from_secs(150));
        assert_eq!(window.left, Duration::ZERO);
        assert_eq!(window.ends_ms, (i64::try_from(ISSUED).unwrap() + 151) * 1000);
    }

    #[test]
    fn without_a_date_or_with_one_in_the_future_the_arrival_counts() {
        for issued in [None, Some(at(500))] {
            assert_eq!(
                Window::of(issued, at(0), Duration::from_secs(150)).left,
                Duration::from_secs(150)
            );
        }
    }
}
