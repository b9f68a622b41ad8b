//! Where a job is to run, once it has answered, and where the old one is: nothing is stopped or submitted before that.

use std::time::Duration;

use custom_resource::{Failure, Request};
use serde_json::{Map, Value};
use sparkwright_spark_job::chain;
use sparkwright_spark_job::cluster::Cluster;
use sparkwright_spark_job::identity::Resource;
use sparkwright_spark_job::names::{BatchName, Slug};
use sparkwright_spark_job::sighting::FoundRun;
use sparkwright_spark_job::submission::Run;
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::{info, warn};

use crate::gate::Gate;
use crate::job::Job;
use crate::life::Previous;
use crate::limits::Mark;
use crate::physical_id::PhysicalId;
use crate::place::Place;
use crate::properties::lenient_place;
use crate::provider::Work;
use crate::site::{SiteError, check_hosts, patiently};

/// How long one look at a cluster may take.
const ONE_LOOK: Duration = Duration::from_secs(10);

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
    pub(crate) async fn ground(&self, job: &Job) -> Result<Ground, Failure> {
        let began = Instant::now();
        let submit_by = self.look_by(job);
        let cluster = self.reach(job, submit_by).await?;
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

    /// The clients of the job's place, whose hosts have addresses.
    pub(crate) async fn reach(&self, job: &Job, until: Instant) -> Result<Cluster, Failure> {
        let reached = patiently(until, self.jobs.settings.poll_period, || self.site_of(job)).await;
        let cluster = reached.map_err(|error| Failure::from_error(&error))?;
        let patience = until.saturating_duration_since(Instant::now());
        check_hosts(cluster.endpoint(), patience)
            .await
            .map_err(|error| Failure::from_error(&error))?;
        Ok(cluster)
    }

    /// When the job's place must have answered.
    pub(crate) fn look_by(&self, job: &Job) -> Instant {
        let limit = self
            .limits
            .fixed(self.request, Mark::Look, job.properties.submit_timeout);
        self.budget.for_waiting(self.with_one_look(limit))
    }

    /// However late it is, a further invocation looks once before it gives up.
    pub(crate) fn with_one_look(&self, limit: Instant) -> Instant {
        if self.request.continuation.hop() == 0 {
            return limit;
        }
        limit.max(Instant::now() + ONE_LOOK)
    }

    /// The clients of the job's place.
    pub(crate) async fn site_of(&self, job: &Job) -> Result<Cluster, SiteError> {
        self.jobs
            .sites
            .reach(&job.properties.place, job.properties.ca_certificate.clone())
            .await
    }

    /// What the request's id says.
    pub(crate) fn old_id(&self) -> PhysicalId {
        let request = self.request;
        let id = request.physical_resource_id.as_deref();
        id.map_or(PhysicalId::Other, |id| {
            PhysicalId::parse(id, &request.stack_id, &request.logical_resource_id)
        })
    }

    /// The same, as far as decisions need it.
    pub(crate) fn previous(&self, job: &Job, old: &PhysicalId) -> Previous {
        match old {
            _ if is_create(self.request) => Previous::None,
            PhysicalId::Run(run) => Previous::Run {
                key: run.batch.key().clone(),
                is_wanted: run.is_of(job.spec()),
                is_elsewhere: run.place.livy != job.properties.place.livy,
                is_of_failed_update: old.is_of_failed_update(),
            },
            PhysicalId::Legacy { .. } => Previous::Application,
            PhysicalId::Nothing { .. }
            | PhysicalId::LegacyFailure
            | PhysicalId::Invented
            | PhysicalId::Other => Previous::Nothing,
        }
    }

    /// The request's properties, new ones first.
    pub(crate) fn all_properties(&self) -> [&Map<String, Value>; 2] {
        [&self.request.properties, &self.request.old_properties]
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
    pub(crate) async fn old_ground(&self, job: &Job, old: &PhysicalId) -> Result<Option<Ground>, Failure> {
        let failed = |why: &str| {
            Failure::new(format!(
                "the old job could not be stopped, so the new one was not started: {why}\n\
                 If the old job's cluster is gone, `UpdatePolicy: StartThenStop` goes on without it"
            ))
        };
        let declared = [&self.request.old_properties, &self.request.properties];
        let place = match old {
            PhysicalId::Run(run) => Some(run.place.clone()),
            _ => declared.into_iter().find_map(lenient_place),
        };
        let Some(place) = place else { return Ok(None) };
        let until = self
            .budget
            .for_waiting(Instant::now() + job.properties.submit_timeout);
        let Some(cluster) = self.old_site(&place, until).await.map_err(|why| failed(&why))? else {
            return Ok(None);
        };
        match self.runs_of(&cluster, job.resource, until).await {
            Ok(runs) => Ok(Some(Ground { cluster, runs })),
            Err(why) => Err(failed(&why)),
        }
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

/// Whether nothing came before. Some emulators leave out an Update's id.
fn is_create(request: &Request) -> bool {
    request.request_type == custom_resource::RequestType::Create
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
