//! Submits a job, or adopts the run that its request already has.

use std::sync::{Mutex, PoisonError};

use sparkwright_spark_job::chain;
use sparkwright_spark_job::submission::{self, SubmitError, Supervisor, submit};
use tokio::time::Instant;
use tracing::warn;

use crate::answer::{failure, no_time};
use crate::gate::{Closed, Gate, Moment};
use crate::job::Job;
use crate::life::{Left, Overtaken, Seen};
use crate::limits::Mark;
use crate::provider::Work;
use crate::provision::{Progress, overtaken};

/// Tells the gate where a submission is, and claims the physical id before the first thing that leaves something.
struct Supervision<'a, G> {
    work: &'a Work<'a, G>,
    job: &'a Job,
    /// Why it was called off, if it was.
    closed: Mutex<Option<Closed>>,
}

impl<G: Gate> Supervisor for Supervision<'_, G> {
    fn waiting(&self, why: &str) {
        let why = self.job.redaction.apply(why);
        warn!(why, "the submission waits");
    }

    fn may_have_been_posted(&self) -> bool {
        self.work.is_late()
    }

    async fn gate(&self, gate: submission::Gate) -> Result<(), String> {
        let moment = match gate {
            submission::Gate::BeforePost { .. } => Moment::BeforePost,
            submission::Gate::AfterPost => Moment::AfterPost,
        };
        if let Err(closed) = self.work.jobs.gate.pass(self.work.request, moment).await {
            warn!(why = closed.why, "the request is no longer wanted");
            let why = closed.why.clone();
            *self.closed.lock().unwrap_or_else(PoisonError::into_inner) = Some(closed);
            return Err(why);
        }
        // The POST follows, or was answered just now.
        self.work
            .limits
            .note(self.work.request, Mark::Posted, Instant::now());
        self.work.claim(self.job);
        Ok(())
    }
}

impl<G: Gate> Work<'_, G> {
    /// Submits the own run, or finds it.
    pub(crate) async fn submit(&self, progress: &mut Progress) -> Seen {
        if let Some(seen) = self.overtaken_repetition(progress).await {
            return seen;
        }
        let Some(ground) = &progress.here else {
            unreachable!("a job is submitted where its place has answered");
        };
        let job = &progress.job;
        let supervision = Supervision {
            work: self,
            job,
            closed: Mutex::new(None),
        };
        let patience = self.patience(self.submit_by(job));
        let submission = submit(&ground.cluster, &job.order, &patience, &supervision);
        // The submission keeps to its limits by itself: it knows what it may have left behind.
        let submitted = self
            .budget
            .wait(self.budget.wait_end + patience.settle, submission);
        let submitted = submitted.await;
        // Livy takes POSTs one by one, and may have taken this one only just before it answered, or was given up.
        if self.limits.noted(self.request, Mark::Posted).is_some() {
            self.limits.note(self.request, Mark::Posted, Instant::now());
        }
        let error = match submitted {
            Ok(Ok(mut run)) => {
                self.claim(job);
                let posted = self.limits.noted(self.request, Mark::Posted);
                run.last_post = posted.unwrap_or(run.last_post);
                self.limits.note(self.request, Mark::Posted, run.last_post);
                self.limits.note(self.request, Mark::Submitted, Instant::now());
                progress.run = Some(run);
                return Seen::Submitted;
            }
            Ok(Err(error)) => error,
            Err(over) => {
                progress.failure = Some(failure(&no_time(over, self.why_alone()), &job.redaction));
                let posted = self.limits.noted(self.request, Mark::Posted).is_some();
                return Seen::NotSubmitted(if posted { Left::Unknown } else { Left::Nothing });
            }
        };
        progress.failure = Some(failure(&chain(&error), &job.redaction));
        let closed = supervision.closed.into_inner();
        match (closed.unwrap_or_else(PoisonError::into_inner), &error) {
            (
                Some(closed),
                SubmitError::Superseded {
                    left_behind: Some(_), ..
                },
            ) => Seen::Overtaken(overtaken(&closed, job)),
            _ => Seen::NotSubmitted(left_by(&error)),
        }
    }

    /// A repetition has to settle before it may post: it is asked first whether anybody waits for it.
    async fn overtaken_repetition(&self, progress: &mut Progress) -> Option<Seen> {
        if !self.is_late() {
            return None;
        }
        let overtaken = self.overtaken_by(progress, Moment::BeforePost).await?;
        Some(match overtaken {
            Overtaken::ByItself => Seen::Overtaken(overtaken),
            Overtaken::ByStack if progress.own_is_there() => Seen::Overtaken(overtaken),
            Overtaken::ByStack => Seen::NotSubmitted(Left::Maybe),
        })
    }

    /// When the batch must have been created. What had to make way has taken its own time.
    fn submit_by(&self, job: &Job) -> Instant {
        if self.limits.noted(self.request, Mark::MakeWay).is_none() {
            return self.look_by(job);
        }
        let timeout = job.properties.submit_timeout;
        self.budget
            .for_waiting(self.limits.fixed(self.request, Mark::Submit, timeout))
    }
}

/// What a submission that failed has left.
fn left_by(error: &SubmitError) -> Left {
    match error {
        SubmitError::Deadline {
            left_behind: Some(_), ..
        }
        | SubmitError::Superseded {
            left_behind: Some(_), ..
        }
        | SubmitError::Lost { .. } => Left::Unknown,
        SubmitError::Rejected { .. }
        | SubmitError::Unavailable { .. }
        | SubmitError::Deadline {
            left_behind: None, ..
        }
        | SubmitError::Superseded {
            left_behind: None, ..
        } => Left::Nothing,
        // An error of a later release says nothing of what it left.
        _ => Left::Maybe,
    }
}
