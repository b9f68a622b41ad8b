//! A task's submission: what the worker decides while the job model submits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sparkwright_spark_job::chain;
use sparkwright_spark_job::submission::{
    Gate, Numbering, Order, Patience, Run, SubmitError, Supervisor, submit,
};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tracing::{info, warn};

use crate::clusters::Connected;
use crate::executor::{STOPPING, Task, handing_back, loss};
use crate::following::OwnRun;
use crate::hands::{Hands, Words};
use crate::heartbeat::Lease;
use crate::journal::Checkpoint;
use crate::life::fate::Loss;
use crate::life::{Event, Unsubmitted};
use crate::snapshot::TaskState;
use crate::stopping::that_may_exist;

/// How often a Livy that cannot be used is asked whether it refuses the credentials.
const CREDENTIALS_PERIOD: Duration = Duration::from_secs(30);

/// A Livy that takes longer to refuse them does not refuse them.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(5);

/// What came of a submission.
enum Submitted {
    Ended(Result<Run, SubmitError>),
    /// The worker stops, and nothing was posted.
    PutDown,
    /// The worker goes at once.
    Left,
    /// The token is over, and nothing was posted.
    Over(Lease),
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
    /// By the POST the intent came to name the job.
    named: AtomicBool,
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

    fn was_not_received(&self) {
        self.posted
            .store(self.unanswered_post.is_some(), Ordering::Relaxed);
        self.names_nothing();
        // Whoever waits for that looks again.
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
        if let Err(error) = self.task.entry.reach(&Checkpoint::Posting { number }).await {
            let why = chain(&error);
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
        let input = &self.task.input;
        if self.task.context.intents.names(input.intent, input.spec) {
            self.named.store(true, Ordering::Relaxed);
        }
        self.posted.store(true, Ordering::Relaxed);
        Ok(())
    }
}

impl Supervision<'_> {
    /// Nothing came of the POST: a next try may be for another job.
    fn names_nothing(&self) {
        if self.named.swap(false, Ordering::Relaxed) {
            let input = &self.task.input;
            self.task.context.intents.misnamed(input.intent, input.spec);
        }
    }
}

impl Task {
    /// Submits the job once, or finds the run that its intent has already; `unanswered_post` is the number of the run that
    /// an earlier process may have submitted.
    pub(crate) async fn submit(&self, unanswered_post: Option<u32>, hands: &mut Hands) -> Event {
        self.listing.step(TaskState::Submitting);
        loop {
            let connected = match self.context.clusters.get(&self.input.endpoint) {
                Ok(connected) => connected,
                Err(error) => {
                    return self.not_submitted(Unsubmitted::Unusable, None, self.words(&error), hands);
                }
            };
            let supervision = Supervision {
                task: self,
                unanswered_post,
                posted: AtomicBool::new(unanswered_post.is_some()),
                named: AtomicBool::new(false),
                waits: Notify::new(),
                unwritten: Mutex::default(),
            };
            return match self.submit_to(&connected, &supervision).await {
                Submitted::Ended(Ok(mut run)) => {
                    if run.adopted {
                        // Another worker may have posted it, under the name of our POST and after that.
                        run.last_post = Instant::now();
                    }
                    self.context.intents.names(self.input.intent, self.input.spec);
                    hands.run = Some(OwnRun::new(connected, run, None));
                    Event::Submitted
                }
                Submitted::Ended(Err(error)) => {
                    if matches!(
                        error,
                        SubmitError::Rejected { .. } | SubmitError::Unavailable { .. }
                    ) {
                        supervision.names_nothing();
                    }
                    let unwritten = supervision
                        .unwritten
                        .into_inner()
                        .unwrap_or_else(PoisonError::into_inner);
                    self.failed(connected, &error, unwritten, hands)
                }
                Submitted::PutDown => {
                    hands.words = Words::of(handing_back(STOPPING));
                    Event::Drains
                }
                Submitted::Left => Event::Goes,
                Submitted::Over(lease) => Event::TokenOver(loss(lease).unwrap_or(Loss::Expired)),
                Submitted::Unauthorized { renewed: true, .. } => continue,
                Submitted::Unauthorized {
                    renewed: false,
                    message,
                } => {
                    let words = Words::of(self.redacted(&message));
                    self.not_submitted(Unsubmitted::Unauthorized, None, words, hands)
                }
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
                lease = self.heartbeats.over(), if nothing_posted() => {
                    if nothing_posted() {
                        return Submitted::Over(lease);
                    }
                }
                () = self.context.draining.end() => return Submitted::Left,
                () = supervision.waits.notified() => {
                    if nothing_posted() && Instant::now() >= ask_again {
                        ask_again = Instant::now() + CREDENTIALS_PERIOD;
                        let look = timeout(CREDENTIALS_TIMEOUT, refusal_of_credentials(connected)).await;
                        if let Ok(Some(message)) = look {
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
    fn failed(
        &self,
        connected: Arc<Connected>,
        error: &SubmitError,
        unwritten: Option<String>,
        hands: &mut Hands,
    ) -> Event {
        info!(error = self.redacted(&chain(error)), "the job was not submitted");
        let (why, left) = match (error, &unwritten) {
            (SubmitError::Rejected { .. }, _) => (Unsubmitted::Rejected, None),
            (SubmitError::Unavailable { .. }, _) => (Unsubmitted::Unavailable, None),
            (SubmitError::OtherJob { left_behind, .. }, _) => (Unsubmitted::OtherJob, left_behind.clone()),
            (SubmitError::Deadline { left_behind, .. }, _) => (Unsubmitted::Deadline, left_behind.clone()),
            (SubmitError::Lost { left_behind, .. }, _) => (Unsubmitted::Lost, Some(left_behind.clone())),
            (SubmitError::Superseded { left_behind, .. }, None) => {
                (Unsubmitted::CalledOff, left_behind.clone())
            }
            (SubmitError::Superseded { left_behind, .. }, Some(_)) => {
                (Unsubmitted::Unwritten, left_behind.clone())
            }
            _ => (Unsubmitted::Lost, None),
        };
        let words = match (why, unwritten) {
            (Unsubmitted::OtherJob, _) => {
                self.context.intents.misnamed(self.input.intent, self.input.spec);
                self.names_other_job(&chain(error))
            }
            (Unsubmitted::Unwritten, Some(unwritten)) => Words::of(handing_back(&unwritten)),
            (Unsubmitted::CalledOff, _) => Words::of(handing_back(STOPPING)),
            _ => self.words(error),
        };
        let left = left.map(|name| that_may_exist(connected, name));
        self.not_submitted(why, left, words, hands)
    }

    fn not_submitted(
        &self,
        why: Unsubmitted,
        left: Option<OwnRun>,
        words: Words,
        hands: &mut Hands,
    ) -> Event {
        let is_left = left.is_some();
        (hands.run, hands.words) = (left, words);
        Event::NotSubmitted {
            why,
            is_left,
            lost: loss(self.heartbeats.lease()),
        }
    }

    /// An error with its causes.
    fn words(&self, error: &dyn std::error::Error) -> Words {
        Words::of(self.redacted(&chain(error)))
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
    Some(format!("{}; check the Livy credentials", chain(&error)))
}
