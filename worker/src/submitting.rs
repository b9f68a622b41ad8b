//! A task's submission: what the worker decides while the job model submits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sparkwright_spark_job::names::BatchName;
use sparkwright_spark_job::submission::{
    Gate, Numbering, Order, Patience, Run, SubmitError, Supervisor, submit,
};
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::clusters::Connected;
use crate::completion::Completion;
use crate::errors::ErrorName;
use crate::executor::{End, STOPPING, Task, handed_back};
use crate::heartbeat::Lease;
use crate::intents::Claim;
use crate::journal::{Stage, Telling};
use crate::snapshot::Step;
use crate::stopping::{Pursuit, StopTarget};

/// How often a Livy that cannot be used is asked whether it refuses the credentials.
const CREDENTIALS_PERIOD: Duration = Duration::from_secs(30);

/// What came of a submission.
enum Submitted {
    Ended(Result<Run, SubmitError>),
    /// The worker stops, and nothing was posted.
    PutDown,
    /// The worker goes at once.
    Left,
    /// The token is over, and nothing was posted.
    Over,
    /// Livy refuses the credentials.
    Unauthorized {
        renewed: bool,
        message: String,
    },
}

/// Watches a submission for its task.
struct Supervision<'a> {
    task: &'a Task,
    /// The number of the run that an earlier process posted.
    unanswered_post: Option<u32>,
    /// A batch may exist.
    posted: AtomicBool,
    waits: Notify,
    /// Why the journal could not be written.
    unwritten: Mutex<Option<String>>,
}

impl Supervisor for Supervision<'_> {
    fn waiting(&self, why: &str) {
        let why = self.task.redacted(why);
        if self.task.listing.note(Some(&why)) {
            warn!(why, "the submission waits");
        }
        self.waits.notify_one();
    }

    fn unanswered_post(&self) -> Option<u32> {
        self.unanswered_post
    }

    async fn gate(&self, gate: Gate) -> Result<(), String> {
        let number = match gate {
            Gate::BeforePost { number } => number,
            // Whoever follows the run sees at once what has become of the token.
            Gate::AfterPost => return Ok(()),
        };
        if let Err(error) = self.task.entry.reach(&Stage::Posting { number }).await {
            let why = sparkwright_spark_job::chain(&error);
            *self.unwritten.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.clone());
            return Err(why);
        }
        // A retry elsewhere may have this job, if the token was not heard of for long.
        if !self.task.heartbeats.is_good().await {
            return Err("the task's token is over".into());
        }
        if self.task.context.draining.has_begun() {
            return Err(STOPPING.into());
        }
        self.posted.store(true, Ordering::Relaxed);
        Ok(())
    }
}

impl Task {
    /// Submits the job once, or finds the run that its intent has already; `unanswered_post` is the number of the run that
    /// an earlier process may have submitted.
    pub(crate) async fn submit(
        &self,
        claim: Claim,
        unanswered_post: Option<u32>,
    ) -> Result<(Arc<Connected>, Run, Claim), End> {
        self.listing.step(Step::Submitting);
        loop {
            let connected = self
                .context
                .clusters
                .get(&self.input.endpoint)
                .map_err(|error| self.fail_with(ErrorName::InvalidInput, &error))?;
            let supervision = Supervision {
                task: self,
                unanswered_post,
                posted: AtomicBool::new(unanswered_post.is_some()),
                waits: Notify::new(),
                unwritten: Mutex::default(),
            };
            return match self.submit_to(&connected, &supervision).await {
                Submitted::Ended(Ok(run)) => Ok((connected, run, claim)),
                Submitted::Ended(Err(error)) => {
                    let unwritten = supervision
                        .unwritten
                        .into_inner()
                        .unwrap_or_else(PoisonError::into_inner);
                    Err(self.not_submitted(connected, claim, error, unwritten).await)
                }
                Submitted::PutDown => Err(self.put_down()),
                Submitted::Left => Err(End::Left),
                Submitted::Over => Err(End::Over),
                Submitted::Unauthorized { renewed: true, .. } => continue,
                Submitted::Unauthorized {
                    renewed: false,
                    message,
                } => Err(self.fail(ErrorName::Rejected, message)),
            };
        }
    }

    async fn submit_to(&self, connected: &Arc<Connected>, supervision: &Supervision<'_>) -> Submitted {
        let (order, patience) = (self.order(), self.patience(supervision.unanswered_post.is_none()));
        let nothing_posted = || !supervision.posted.load(Ordering::Relaxed);
        let submitting = submit(&connected.cluster, &order, &patience, supervision);
        tokio::pin!(submitting);
        let mut ask_again = Instant::now();
        loop {
            tokio::select! {
                result = &mut submitting => return Submitted::Ended(result),
                // A request that is on its way is waited for: its answer says what to call the run. It may have been
                // sent since the condition was asked.
                () = self.context.draining.begun(), if nothing_posted() => {
                    if nothing_posted() {
                        return Submitted::PutDown;
                    }
                }
                _ = self.heartbeats.over(), if nothing_posted() => {
                    if nothing_posted() {
                        return Submitted::Over;
                    }
                }
                () = self.context.draining.end() => return Submitted::Left,
                () = supervision.waits.notified() => {
                    if nothing_posted() && Instant::now() >= ask_again {
                        ask_again = Instant::now() + CREDENTIALS_PERIOD;
                        if let Some(message) = refusal_of_credentials(connected).await {
                            let renewed = self.context.clusters.renewed_since(connected);
                            return Submitted::Unauthorized { renewed, message };
                        }
                    }
                }
            }
        }
    }

    fn order(&self) -> Order {
        let input = &self.input;
        let numbering = if input.has_client_token {
            Numbering::Numbered {
                reuse_success_since: input.entered_at_ms,
            }
        } else {
            Numbering::OneRun
        };
        Order {
            parameters: input.parameters.clone(),
            slug: input.slug.clone(),
            intent: input.intent,
            resource: None,
            spec: input.spec,
            numbering,
        }
    }

    /// What may have been submitted may run: that it started in time is judged when it is seen.
    fn patience(&self, is_new: bool) -> Patience {
        let config = &self.context.config;
        Patience {
            settle: config.settle,
            submit_timeout: config.submit_timeout,
            lost_timeout: config.lost_timeout,
            poll_period: config.poll_period,
            deadline: is_new.then(|| self.start_deadline.into()),
        }
    }

    /// There is no run, or only one that a lost answer left behind.
    async fn not_submitted(
        &self,
        connected: Arc<Connected>,
        claim: Claim,
        error: SubmitError,
        unwritten: Option<String>,
    ) -> End {
        info!(
            error = self.redacted(&sparkwright_spark_job::chain(&error)),
            "the job was not submitted"
        );
        let lease = self.heartbeats.lease();
        if let (true, Some(name)) = (lease.is_over(), left_behind(&error)) {
            let target = StopTarget::unseen(name.clone());
            return self.token_over(lease, connected, target, claim).await;
        }
        match error {
            SubmitError::Rejected { .. } => self.fail_with(ErrorName::Rejected, &error),
            SubmitError::Unavailable { .. } => self.fail_with(ErrorName::LivyUnavailable, &error),
            SubmitError::OtherJob { .. } => {
                let error = sparkwright_spark_job::chain(&error);
                let message = format!(
                    "the ClientToken already names another job: {error}. Give each job one of its own, with the index of \
                     every enclosing Map"
                );
                self.fail(ErrorName::InvalidInput, message)
            }
            SubmitError::Deadline { ref left_behind, .. } => {
                let message = self.redacted(&sparkwright_spark_job::chain(&error));
                let telling = Telling {
                    error: ErrorName::StartTimeout,
                    message,
                };
                match left_behind {
                    Some(name) => {
                        let target = StopTarget::unseen(name.clone());
                        self.stopped_unseen(connected, target, telling, claim).await
                    }
                    None => self.fail(telling.error, telling.message),
                }
            }
            SubmitError::Lost { ref left_behind, .. } => {
                let message = self.redacted(&sparkwright_spark_job::chain(&error));
                let target = StopTarget::unseen(left_behind.clone());
                End::Report(
                    Completion::plain(ErrorName::Lost, message, None),
                    Some(Pursuit::new(connected, target, claim)),
                )
            }
            SubmitError::Superseded { left_behind, .. } => {
                self.called_off(connected, claim, left_behind, unwritten).await
            }
            other => self.fail_with(ErrorName::Lost, &other),
        }
    }

    /// The gate was closed: the token is over, the worker stops, or it cannot write its journal.
    async fn called_off(
        &self,
        connected: Arc<Connected>,
        claim: Claim,
        left_behind: Option<BatchName>,
        unwritten: Option<String>,
    ) -> End {
        match (self.heartbeats.lease(), left_behind, unwritten) {
            (Lease::Held(_) | Lease::Unconfirmed, None, Some(why)) => End::told(handed_back(&why)),
            (Lease::Held(_) | Lease::Unconfirmed, None, None) => self.put_down(),
            (Lease::Held(_) | Lease::Unconfirmed, Some(_), _) => End::Left,
            (Lease::Cancelled | Lease::Expired, None, _) => End::Over,
            (lease, Some(name), _) => {
                let target = StopTarget::unseen(name);
                self.token_over(lease, connected, target, claim).await
            }
        }
    }
}

/// The run that may exist all the same.
fn left_behind(error: &SubmitError) -> Option<&BatchName> {
    match error {
        SubmitError::Lost { left_behind, .. } => Some(left_behind),
        SubmitError::Deadline { left_behind, .. } | SubmitError::Superseded { left_behind, .. } => {
            left_behind.as_ref()
        }
        _ => None,
    }
}

/// What Livy says, if it refuses whoever asks.
async fn refusal_of_credentials(connected: &Connected) -> Option<String> {
    let error = connected
        .cluster
        .livy()
        .version()
        .await
        .err()
        .filter(sparkwright_livy::Error::is_unauthorized)?;
    Some(format!(
        "{}; check the Livy credentials",
        sparkwright_spark_job::chain(&error)
    ))
}
