//! Where a job is to run, once it has answered: nothing is stopped or submitted before that.

use custom_resource::Failure;
use sparkwright_spark_job::cluster::Cluster;
use sparkwright_spark_job::identity::Resource;
use sparkwright_spark_job::names::{BatchName, Slug};
use sparkwright_spark_job::sighting::FoundRun;
use sparkwright_spark_job::submission::Run;
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::warn;

use crate::gate::Gate;
use crate::job::Job;
use crate::provider::Work;
use crate::site::{SiteError, check_hosts, patiently};

/// A place that answered.
#[derive(Debug)]
pub(crate) struct Ground {
    /// Its clients.
    pub(crate) cluster: Cluster,
    /// Every run of the resource that Livy or YARN knows there.
    pub(crate) runs: Vec<FoundRun>,
}

impl<G: Gate> Work<'_, G> {
    /// Goes to the job's place, and looks what the resource has there.
    pub(crate) async fn ground(&self, job: &Job, submit_by: Instant) -> Result<Ground, Failure> {
        let reached = patiently(submit_by, self.jobs.settings.poll_period, || self.site_of(job)).await;
        let cluster = reached.map_err(|error| Failure::from_error(&error))?;
        let began = Instant::now();
        let patience = submit_by.saturating_duration_since(Instant::now());
        check_hosts(cluster.endpoint(), patience)
            .await
            .map_err(|error| Failure::from_error(&error))?;
        match self.runs_of(&cluster, job.resource, submit_by).await {
            Ok(runs) => Ok(Ground { cluster, runs }),
            Err(why) => {
                let seconds = began.elapsed().as_secs_f32().ceil();
                Err(Failure::new(format!(
                    "nothing was submitted within {seconds} s: {why}"
                )))
            }
        }
    }

    /// The clients of the job's place.
    pub(crate) async fn site_of(&self, job: &Job) -> Result<Cluster, SiteError> {
        self.jobs
            .sites
            .reach(&job.properties.place, job.properties.ca_certificate.clone())
            .await
    }

    /// Every run of the resource, asked for until there is an answer; else why there was none.
    pub(crate) async fn runs_of(
        &self,
        cluster: &Cluster,
        resource: Resource,
        until: Instant,
    ) -> Result<Vec<FoundRun>, String> {
        let mut said = String::new();
        loop {
            match timeout_at(until, cluster.runs_of(resource)).await {
                Ok(Ok(runs)) => return Ok(runs),
                Ok(Err(why)) if why != said => {
                    warn!(why, "waiting for Livy and the ResourceManager");
                    said = why;
                }
                Ok(Err(_)) => {}
                Err(_) if said.is_empty() => {
                    return Err(format!("`{}` did not answer", cluster.livy().url()));
                }
                Err(_) => return Err(said),
            }
            let next = Instant::now() + self.jobs.settings.poll_period;
            if next >= until {
                return Err(said);
            }
            sleep_until(next).await;
        }
    }
}

/// The name under which Livy holds a run, or held it.
pub(crate) fn name_of(run: &FoundRun) -> BatchName {
    let by_application = || {
        run.applications
            .iter()
            .find_map(|a| BatchName::seen(&a.name, run.key.clone()))
    };
    run.name
        .clone()
        .or_else(by_application)
        .unwrap_or_else(|| BatchName::of(&Slug::of(""), run.key.clone()))
}

/// What a person can look for: the live application, else the batch.
pub(crate) fn shown(run: &FoundRun) -> String {
    match run.live_application() {
        Some(application) => format!("`{}` (batch `{}`)", application.id, name_of(run)),
        None => format!("the batch `{}`", name_of(run)),
    }
}

/// A run that another request submitted.
pub(crate) fn earlier(name: BatchName, batch_id: Option<i64>) -> Run {
    Run {
        name,
        batch_id,
        last_post: Instant::now(),
        adopted: true,
    }
}
