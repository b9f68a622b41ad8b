//! Submitting once: one intent, at most one live application.
//!
//! # Guarantees
//! A run that Livy or YARN knows is adopted, never submitted again. After a POST whose answer was lost, nothing is
//! posted before the time to settle has passed with both seeing nothing. Numbers of runs are never reused.
//!
//! # Errors
//! [`SubmitError`] says whether anything can have been left behind.
//!
//! The decisions are [`steps::Submission`], which knows no client and no clock; [`submit`] carries them out.

mod driver;
pub mod steps;

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use crate::cluster::Cluster;
use crate::identity::{Intent, Resource, Spec};
use crate::names::{BatchName, RunKey, Slug};
use crate::parameters::Parameters;
use driver::{Driver, Overdue};
use steps::Next;

/// How many runs an intent may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Numbering {
    /// One: a CloudFormation request's outcome is its run's outcome.
    OneRun,
    /// A failed run is followed by the next number; a live one is adopted.
    Numbered {
        /// A success of an application that was submitted at or after this instant (milliseconds since the epoch)
        /// is adopted too; without it, successes are run again.
        reuse_success_since: Option<i64>,
    },
}

/// What is to be submitted.
#[derive(Clone, Debug)]
pub struct Order {
    /// The job.
    pub parameters: Parameters,
    /// The part of the batch's name that people read.
    pub slug: Slug,
    /// What it is for.
    pub intent: Intent,
    /// The stack's resource that it belongs to, if it is one.
    pub resource: Option<Resource>,
    /// What was declared.
    pub spec: Spec,
    /// How many runs it may have.
    pub numbering: Numbering,
}

impl Order {
    /// The name of the order's run of this number.
    pub fn batch_name(&self, number: u32) -> BatchName {
        BatchName::of(&self.slug, RunKey::of(self.intent, self.resource, number))
    }
}

/// How long to try, and how often to look.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long after a POST absence proves nothing.
    pub settle: Duration,
    /// How long Livy and YARN are tried before anything is submitted.
    pub submit_timeout: Duration,
    /// How long neither Livy nor YARN may answer before a run counts as lost.
    pub lost_timeout: Duration,
    /// The time between two looks.
    pub poll_period: Duration,
    /// When the caller has to have its answer.
    pub deadline: Option<Instant>,
}

/// A run on a cluster.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its name in Livy.
    pub name: BatchName,
    /// Livy's number, for people.
    pub batch_id: Option<i64>,
    /// The last POST that may have been received; for an adopted run, when it was adopted.
    pub last_post: Instant,
    /// Whether another request or program submitted it.
    pub adopted: bool,
}

/// Why there is no run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// Livy refused it; nothing of it runs.
    #[error("Livy refused the job: {message}")]
    Rejected {
        /// Livy's status, if it answered with one.
        status: Option<u16>,
        /// Livy's words.
        message: String,
    },
    /// Livy or YARN could not be reached in time; nothing was submitted.
    #[error("nothing was submitted within {}: {why}", shown(*.after))]
    Unavailable {
        /// Who could not be reached, and what to check.
        why: String,
        /// How long it was tried.
        after: Duration,
    },
    /// The caller's deadline came first.
    #[error("the deadline came before the job was submitted: {why}")]
    Deadline {
        /// What was waited for.
        why: String,
        /// The run that a lost answer may have left behind.
        left_behind: Option<BatchName>,
    },
    /// The answer to the POST was lost, and afterwards nobody could be asked for too long.
    #[error("the answer to the submission was lost, and since then {why}")]
    Lost {
        /// Who could not be reached.
        why: String,
        /// The run that may exist.
        left_behind: BatchName,
    },
    /// The intent's run is another job: two jobs were given one intent.
    #[error("the run `{name}` was submitted for the same with other parameters")]
    OtherJob {
        /// That run.
        name: BatchName,
        /// The run that a lost answer may have left behind.
        left_behind: Option<BatchName>,
    },
    /// The caller's gate closed: the request is no longer wanted.
    #[error("{why}")]
    Superseded {
        /// Why it is no longer wanted.
        why: String,
        /// The run that was submitted by then.
        left_behind: Option<BatchName>,
    },
}

/// Where in a submission the caller may still call it off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// The next request would create the batch of this run.
    BeforePost {
        /// The run's number.
        number: u32,
    },
    /// The batch may exist.
    AfterPost,
}

/// What a caller wants to know and to decide while a submission goes on.
pub trait Supervisor: Send + Sync {
    /// Nothing can be done for now; why. Said again only when the reason changes.
    fn waiting(&self, why: &str) {
        warn!(why, "the submission waits");
    }

    /// Whether an earlier delivery of the same request may have posted and died: then absence has to settle first.
    fn may_have_been_posted(&self) -> bool {
        false
    }

    /// The number of the run that an earlier process posted for the same order before it died without an answer.
    fn unanswered_post(&self) -> Option<u32> {
        None
    }

    /// The POST that the gate has let pass was refused before anything was made of it, or was not sent.
    fn was_not_received(&self) {}

    /// Whether the submission may go on; else why not.
    fn gate(&self, _gate: Gate) -> impl Future<Output = Result<(), String>> + Send {
        async { Ok(()) }
    }
}

/// A caller who only lets the log tell.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unsupervised;

impl Supervisor for Unsupervised {}

/// Submits an order once, or adopts the run that it already has.
pub async fn submit(
    cluster: &Cluster,
    order: &Order,
    patience: &Patience,
    supervisor: &impl Supervisor,
) -> Result<Run, SubmitError> {
    let mut driver = Driver::new(cluster, order, patience, supervisor);
    if supervisor.may_have_been_posted() {
        driver.submission.may_have_been_posted(now());
    }
    if let Some(number) = supervisor.unanswered_post() {
        // Nobody knows when Livy took it: at the latest just now.
        driver.submission.posting(now(), number);
    }
    let mut next = Next::Survey;
    let mut why = "Livy was not asked yet".to_owned();
    loop {
        match next {
            Next::Adopt { name, batch_id } => {
                info!(batch_name = %name, "a run of this intent exists and is adopted");
                return Ok(Run {
                    name,
                    batch_id,
                    last_post: driver.submission.last_doubt().unwrap_or_else(now).into(),
                    adopted: true,
                });
            }
            Next::Created {
                name,
                batch_id,
                posted,
            } => {
                info!(batch_name = %name, batch_id, "the batch was created");
                return Ok(Run {
                    name,
                    batch_id: Some(batch_id),
                    last_post: posted.into(),
                    adopted: false,
                });
            }
            Next::Fail(error) => return Err(error),
            Next::Wait { reason } => {
                if reason != why {
                    supervisor.waiting(&reason);
                    why = reason;
                }
                next = Next::SurveyLater;
            }
            step => match driver.take(step).await {
                Ok(following) => next = following,
                Err(Overdue { instead_of }) => {
                    return Err(SubmitError::Deadline {
                        why: instead_of.map_or(why, str::to_owned),
                        left_behind: driver.submission.left_behind(order),
                    });
                }
            },
        }
    }
}

fn now() -> std::time::Instant {
    Instant::now().into_std()
}

/// Whole seconds, as people read them.
fn shown(duration: Duration) -> String {
    if duration.subsec_nanos() == 0 {
        format!("{} s", duration.as_secs())
    } else {
        format!("{duration:?}")
    }
}
