//! A task's submission: what the worker decides while the job model submits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sparkwright_spark_job::names::BatchName;
use sparkwright_spark_job::submission::{
    Gate, Numbering, Order, Patience, Run, SubmitError, Supervisor, submit,
};
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::clusters::Connected;
use crate::errors::ErrorName;
use crate::executor::{End, Task, handed_back};
use crate::heartbeat::Lease;
use crate::intents::Claim;
use crate::snapshot::Step;
use crate::stopping::{StopTarget, stop, stop_in_background};

/// How often a Livy that cannot be used is asked whether it refuses the credentials.
const CREDENTIALS_PERIOD: Duration = Duration::from_secs(30);

/// What came of a submission.
enum Submitted {
    Ended(Result<Run, SubmitError>),
    /// The worker stops, and nothing was posted.
    HandedBack,
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
    /// A batch may exist.
    posted: AtomicBool,
    waits: Notify,
}

impl Supervisor for Supervision<'_> {
    fn waiting(&self, why: &str) {
        let why = self.task.redacted(why);
        if self.task.listing.note(Some(&why)) {
            warn!(why, "the submission waits");
        }
        self.waits.notify_one();
    }

    async fn gate(&self, gate: Gate) -> Result<(), String> {
        match gate {
            Gate::BeforePost if !matches!(self.task.heartbeats.lease(), Lease::Held(_)) => {
                Err("the task's token is over".into())
            }
            Gate::BeforePost if self.task.context.draining.has_begun() => {
                Err("the worker is stopping".into())
            }
            Gate::BeforePost => {
                self.posted.store(true, Ordering::Relaxed);
                Ok(())
            }
            // Whoever follows the run sees at once what has become of the token.
            Gate::AfterPost => Ok(()),
        }
    }
}

impl Task {
    /// Submits the job once, or finds the run that its intent has already.
    pub(crate) async fn submit(&self, claim: Claim) -> Result<(Arc<Connected>, Run, Claim), End> {
        self.listing.step(Step::Submitting);
        loop {
            let connected = self
                .context
                .clusters
                .get(&self.input.endpoint)
                .map_err(|error| self.fail_with(ErrorName::InvalidInput, &error))?;
            return match self.submit_to(&connected).await {
                Submitted::Ended(Ok(run)) => Ok((connected, run, claim)),
                Submitted::Ended(Err(error)) => Err(self.not_submitted(connected, claim, error).await),
                Submitted::HandedBack => Err(handed_back()),
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

    async fn submit_to(&self, connected: &Arc<Connected>) -> Submitted {
        let (order, patience) = (self.order(), self.patience());
        let supervision = Supervision {
            task: self,
            posted: AtomicBool::new(false),
            waits: Notify::new(),
        };
        let nothing_posted = || !supervision.posted.load(Ordering::Relaxed);
        let submitting = submit(&connected.cluster, &order, &patience, &supervision);
        tokio::pin!(submitting);
        let mut ask_again = Instant::now();
        loop {
            tokio::select! {
                result = &mut submitting => return Submitted::Ended(result),
                // A request that is on its way is waited for: its answer says what to call the run. It may have been
                // sent since the condition was asked.
                () = self.context.draining.begun(), if nothing_posted() => {
                    if nothing_posted() {
                        return Submitted::HandedBack;
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

    fn patience(&self) -> Patience {
        let config = &self.context.config;
        Patience {
            settle: config.settle,
            submit_timeout: config.submit_timeout,
            lost_timeout: config.lost_timeout,
            poll_period: config.poll_period,
            deadline: Some(self.start_deadline.into()),
        }
    }

    /// There is no run, or only one that a lost answer left behind.
    async fn not_submitted(&self, connected: Arc<Connected>, claim: Claim, error: SubmitError) -> End {
        info!(
            error = self.redacted(&sparkwright_spark_job::chain(&error)),
            "the job was not submitted"
        );
        match error {
            SubmitError::Rejected { .. } => self.fail_with(ErrorName::Rejected, &error),
            SubmitError::Unavailable { .. } => self.fail_with(ErrorName::LivyUnavailable, &error),
            SubmitError::Deadline { ref left_behind, .. } => {
                if let Some(name) = left_behind {
                    self.listing.step(Step::Stopping);
                    claim.stopping();
                    let target = StopTarget::unseen(name.clone());
                    tokio::select! {
                        _ = stop(&self.context, &connected, &target) => {}
                        () = self.context.draining.end() => return End::Left,
                    }
                }
                self.fail_with(ErrorName::StartTimeout, &error)
            }
            SubmitError::Lost { ref left_behind, .. } => {
                let target = StopTarget::unseen(left_behind.clone());
                stop_in_background(self, connected, target, claim);
                self.fail_with(ErrorName::Lost, &error)
            }
            SubmitError::Superseded { left_behind, .. } => self.called_off(connected, claim, left_behind),
            other => self.fail_with(ErrorName::Lost, &other),
        }
    }

    /// The gate was closed: the token is over, or the worker stops.
    fn called_off(&self, connected: Arc<Connected>, claim: Claim, left_behind: Option<BatchName>) -> End {
        match (self.heartbeats.lease(), left_behind) {
            (Lease::Held(_), None) => handed_back(),
            (Lease::Held(_), Some(_)) => End::Left,
            (Lease::Cancelled | Lease::Expired, None) => End::Over,
            (lease, Some(name)) => self.token_over(lease, connected, StopTarget::unseen(name), claim),
        }
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
