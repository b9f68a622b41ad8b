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

pub mod steps;

use std::future::Future;
use std::time::Duration;

use futures_util::FutureExt;
use sparkwright_livy as livy;
use tokio::sync::SemaphorePermit;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::{info, warn};

use crate::cluster::{Cluster, livy_silence};
use crate::identity::{Intent, Resource, Spec};
use crate::names::{BatchName, RunKey, Slug, Tags};
use crate::parameters::Parameters;
use crate::sighting::{LivySight, Survey};
use steps::{Next, PostAnswer, Refusal, Submission, ZombieFate};

/// How long a caller may take to say whether the job is still wanted: its place at Livy is free after that.
const GATE_TIMEOUT: Duration = Duration::from_secs(30);

/// For a caller without a deadline.
const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

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
    let mut driver = Driver {
        cluster,
        order,
        patience,
        supervisor,
        submission: Submission::new(order, patience, now()),
        place: None,
    };
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

/// The caller's deadline has come.
struct Overdue {
    /// What was waited for, if not for what was last said.
    instead_of: Option<&'static str>,
}

struct Driver<'a, S> {
    cluster: &'a Cluster,
    order: &'a Order,
    patience: &'a Patience,
    supervisor: &'a S,
    submission: Submission,
    /// A place at Livy for the POST that comes next.
    place: Option<SemaphorePermit<'a>>,
}

impl<S: Supervisor> Driver<'_, S> {
    async fn take(&mut self, step: Next) -> Result<Next, Overdue> {
        match step {
            Next::SurveyLater => {
                self.in_time(sleep(self.patience.poll_period)).await?;
                Ok(Next::Survey)
            }
            Next::ClearZombie { number, refusal } => {
                let name = self.order.batch_name(number);
                let fate = self.in_time(Box::pin(clear_zombie(self.cluster, &name))).await?;
                Ok(self.submission.zombie_cleared(now(), number, refusal, fate))
            }
            Next::Post { number } => self.post(number).await,
            _ => self.survey().await,
        }
    }

    /// Looks at everything that the intent has. If a POST follows it has its place at Livy already, so that nothing lies
    /// between YARN's word and the POST.
    async fn survey(&mut self) -> Result<Next, Overdue> {
        let (intent, resource) = (self.order.intent, self.order.resource);
        let batches = self
            .cluster
            .batches_of(intent, resource, self.patience.poll_period);
        let livy = self.in_time(batches).await?;
        let in_line_since = Instant::now();
        let submissions = self.cluster.submissions();
        let place = self.in_time(submissions.place()).await.map_err(|_| Overdue {
            instead_of: Some("it is in line, and other submissions are still at Livy"),
        })?;
        let has_none = livy.as_ref().is_ok_and(Vec::is_empty);
        if has_none && submissions.were_refused_since(in_line_since) {
            return Ok(self.submission.refused_for_others(now()));
        }
        let question = self.cluster.applications_of(intent);
        let question = submissions.ask(in_line_since, question);
        let yarn = self.in_time(question).await?;
        let survey = Survey { livy, yarn };
        self.cluster.kill_all(&self.submission.surplus(&survey)).await;
        let next = self.submission.surveyed(now(), &survey);
        self.place = matches!(next, Next::Post { .. }).then_some(place);
        Ok(next)
    }

    /// The POST itself is never cut short: an answer on its way is worth waiting for.
    async fn post(&mut self, number: u32) -> Result<Next, Overdue> {
        // It is free again when the answer is there.
        let _place = self.place.take();
        if self
            .patience
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
        {
            return Err(Overdue { instead_of: None });
        }
        let gate = self.supervisor.gate(Gate::BeforePost { number });
        let Ok(gate) = timeout(GATE_TIMEOUT, gate).await else {
            // Others are in line.
            let reason = "it was not heard in time whether the job is still wanted".to_owned();
            return Ok(Next::Wait { reason });
        };
        if let Err(why) = gate {
            return Ok(Next::Fail(SubmitError::Superseded {
                why,
                left_behind: self.submission.left_behind(self.order),
            }));
        }
        let name = self.order.batch_name(number);
        let tags = Tags::of(
            name.key(),
            self.order.intent,
            self.order.resource,
            self.order.spec,
        );
        self.submission.posting(now(), number);
        let request = self.order.parameters.to_batch_request(&name, &tags);
        let answer = post_answer(self.cluster.livy().create_batch(&request).await);
        if let PostAnswer::TooManySessions = answer {
            self.cluster.submissions().refused();
        }
        if let PostAnswer::TooManySessions | PostAnswer::NotSent(_) = answer {
            self.supervisor.was_not_received();
        }
        // Livy takes POSTs one by one: it may have taken this one only just before it answered, or was given up.
        let next = self.submission.posted(now(), now(), number, answer);
        if let Next::Created { name, .. } = &next
            && let Err(why) = self.supervisor.gate(Gate::AfterPost).await
        {
            return Ok(Next::Fail(SubmitError::Superseded {
                why,
                left_behind: Some(name.clone()),
            }));
        }
        Ok(next)
    }

    /// Without a copy of the work in a future of its own.
    fn in_time<W: Future>(&self, work: W) -> impl Future<Output = Result<W::Output, Overdue>> + use<S, W> {
        let deadline = self.patience.deadline.unwrap_or_else(|| Instant::now() + NEVER);
        timeout_at(deadline, work).map(|done| done.map_err(|_| Overdue { instead_of: None }))
    }
}

fn post_answer(answer: Result<livy::Batch, livy::Error>) -> PostAnswer {
    let error = match answer {
        Ok(batch) => return PostAnswer::Created { batch_id: batch.id.0 },
        Err(error) => error,
    };
    let said = livy_silence(&error);
    match error.status() {
        _ if error.is_duplicate_name() => PostAnswer::Duplicate,
        _ if error.is_too_many_sessions() => PostAnswer::TooManySessions,
        None if error.was_not_sent() => PostAnswer::NotSent(said),
        None | Some(408 | 429 | 502..=504) => PostAnswer::NoAnswer(said),
        // Livy answers a failed creation with 400 or 500 and may keep its name; other refusals come before that.
        Some(status @ (400 | 500)) => PostAnswer::Refused(Refusal {
            status,
            message: refusal_text(&error),
            may_hold_name: true,
        }),
        Some(status) if status >= 500 => PostAnswer::NoAnswer(said),
        Some(status) => PostAnswer::Refused(Refusal {
            status,
            message: said,
            may_hold_name: false,
        }),
    }
}

fn refusal_text(error: &livy::Error) -> String {
    match error {
        livy::Error::Api { message, .. } => message.clone(),
        other => crate::chain(other),
    }
}

/// Removes what a refused POST of ours left, and only that.
async fn clear_zombie(cluster: &Cluster, name: &BatchName) -> ZombieFate {
    match cluster.ask_livy(name).await {
        LivySight::Batch(batch) if batch.is_zombie_shaped() => {
            match cluster.livy().delete_batch(name.as_str()).await {
                Ok(()) => ZombieFate::Removed,
                Err(error) if error.is_not_found() => ZombieFate::Removed,
                Err(error) => ZombieFate::Unseen(livy_silence(&error)),
            }
        }
        LivySight::Batch(_) => ZombieFate::Alive,
        LivySight::Absent => ZombieFate::Absent,
        LivySight::Silent(why) => ZombieFate::Unseen(why),
        LivySight::NotAsked => ZombieFate::Unseen("Livy was not asked".into()),
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
