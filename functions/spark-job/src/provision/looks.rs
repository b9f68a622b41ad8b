//! What a request sees of the resource's jobs before it decides.

use std::time::Duration;

use custom_resource::{Failure, RequestType};
use sparkwright_spark_job::names::spec_tag;
use sparkwright_spark_job::sighting::FoundRun;
use sparkwright_spark_job::standing::Standing;
use sparkwright_spark_job::watch::{Report, Watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::{info, warn};

use super::{GLANCE, Progress};
use crate::gate::Gate;
use crate::ground::{Ground, earlier, shown};
use crate::life::{Resident, Seen};
use crate::provider::{Settings, Work};
use crate::site::patiently;

impl<G: Gate> Work<'_, G> {
    /// The same job is wanted that the id leads to: how does it stand?
    pub(super) async fn glance(&self, progress: &mut Progress) -> Option<Standing> {
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
        let until = Instant::now() + self.linger(report.batch.is_some());
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

    pub(super) async fn look(&self, progress: &mut Progress) -> Seen {
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
        let Some(wanted) = residents.iter().find(|run| run.is_wanted && !has_own) else {
            return Ok(ground);
        };
        let mut runs = ground.runs.iter();
        let is_in_livy = runs.any(|run| run.key == wanted.key && run.batch.is_some());
        sleep(self.linger(is_in_livy)).await;
        let cluster = ground.cluster;
        let until = Instant::now() + GLANCE;
        match self.runs_of(&cluster, job.resource, until).await {
            Ok(runs) => Ok(Ground { cluster, runs }),
            Err(why) => Err(Failure::new(format!(
                "a job of this resource runs already, and whether it goes on running is not known: {why}"
            ))),
        }
    }

    fn linger(&self, is_in_livy: bool) -> Duration {
        match is_in_livy {
            true => self.jobs.settings.linger,
            false => self.jobs.settings.leak_check,
        }
    }

    pub(super) async fn look_back(&self, progress: &mut Progress) -> Seen {
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

    pub(super) async fn look_around(&self, progress: &mut Progress) -> Seen {
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
}

fn retained_lives(run: &FoundRun) -> Failure {
    Failure::new(format!(
        "a job of this resource is still running, kept by `DeletionPolicy: Retain` or left by an earlier operation: {}; \
         stop it, or give the resource another logical id",
        shown(run)
    ))
}
