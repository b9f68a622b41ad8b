//! One task, from its token to its completion: carries out what its [`Life`] decides.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sparkwright_spark_job::fields::Mistakes;
use tokio::time::timeout;
use tracing::{Instrument, info, warn};

use crate::completion::Completion;
use crate::config::OnCancel;
use crate::context::Context;
use crate::errors::ErrorName;
use crate::hands::{Hands, Words};
use crate::heartbeat::{Heartbeats, Lease};
use crate::input::TaskInput;
use crate::journal::{Checkpoint, Entry};
use crate::life::fate::Loss;
use crate::life::{Event, Life, Next, Stage, Step, Verdict, Wish};
use crate::opened::Opened;
use crate::reporting::{self, Heard};
use crate::slots::Slot;
use crate::snapshot::{Ended, TaskState};
use crate::status::Listing;
use crate::token::{TaskId, TaskToken};

/// How long the last heartbeat of a task that is left may take.
const LAST_HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(5);

/// A task that is at work.
pub(crate) struct Task {
    pub(crate) id: TaskId,
    pub(crate) context: Arc<Context>,
    pub(crate) input: TaskInput,
    pub(crate) entry: Entry,
    /// They go on until the end is reported.
    pub(crate) heartbeats: Heartbeats,
    pub(crate) listing: Listing,
    /// When it has to be running.
    pub(crate) start_deadline: Instant,
    /// An earlier process has left it.
    pub(crate) is_resumed: bool,
    token: TaskToken,
    /// An earlier process may have reported the end.
    was_concluded: bool,
}

/// A task's life, from wherever it stands; its slot is free again after that. What is moved on the way is not kept in the
/// future, of which there may be thousands.
pub(crate) fn execute(
    context: Arc<Context>,
    opened: Opened,
    slot: Option<Slot>,
) -> impl Future<Output = ()> + Send + 'static {
    let Opened {
        id,
        token,
        entry,
        checkpoint,
        input,
        heartbeats,
        listing,
        age,
        is_resumed,
        claim,
        waiting,
        span,
    } = opened;
    let life: Pin<Box<dyn Future<Output = ()> + Send>> = match input {
        Err(mistakes) => {
            let refusal = Refusal {
                context,
                token,
                entry,
                heartbeats,
                listing,
                slot,
            };
            Box::pin(refusal.tell(checkpoint, mistakes))
        }
        Ok(input) => {
            if checkpoint == Checkpoint::Received {
                span.in_scope(|| warn_of_risks(&input));
            }
            let task = Task {
                id,
                start_deadline: Instant::now() + input.start_timeout.saturating_sub(age),
                context,
                input,
                entry,
                heartbeats,
                listing,
                is_resumed,
                token,
                was_concluded: matches!(checkpoint, Checkpoint::Concluded { .. }),
            };
            let hands = Hands {
                slot,
                claim,
                waiting,
                ..Hands::default()
            };
            Box::pin(Box::new(task).live(checkpoint, Box::new(hands)))
        }
    };
    life.instrument(span)
}

/// A task whose input cannot be a job.
struct Refusal {
    context: Arc<Context>,
    token: TaskToken,
    entry: Entry,
    /// They go on until that is heard.
    heartbeats: Heartbeats,
    listing: Listing,
    slot: Option<Slot>,
}

impl Refusal {
    /// Tells what is wrong with it.
    async fn tell(self, checkpoint: Checkpoint, mistakes: Mistakes) {
        let was_concluded = matches!(checkpoint, Checkpoint::Concluded { .. });
        let completion = unreadable(checkpoint, &mistakes);
        let concluded = Checkpoint::Concluded {
            completion: completion.clone(),
            stop: None,
            unsearched: false,
        };
        self.entry.note(&concluded).await;
        let told = tell(
            &self.context,
            &self.token,
            &self.listing,
            &completion,
            was_concluded,
        );
        if told.await.is_some() {
            self.entry.close().await;
        }
        drop((self.heartbeats, self.slot));
    }
}

/// What to say of a task whose input cannot be a job: at its beginning, or since the worker has other options.
fn unreadable(checkpoint: Checkpoint, mistakes: &Mistakes) -> Completion {
    let run = match checkpoint {
        Checkpoint::Concluded { completion, .. } => return completion,
        Checkpoint::Received => None,
        Checkpoint::Posting { .. } => Some("a job that it submitted".to_owned()),
        Checkpoint::Following { .. } | Checkpoint::Stopping { .. } | Checkpoint::Orphaned { .. } => {
            Some(checkpoint.run().map_or_else(
                || "a job of its ClientToken".to_owned(),
                |run| format!("its job `{}`", run.name),
            ))
        }
    };
    info!(mistakes = %mistakes, "the task's input cannot be a job");
    match run {
        None => Completion::plain(ErrorName::InvalidInput, mistakes.to_string(), None),
        Some(run) => {
            let message = format!(
                "the worker was started again with options that refuse the task: {mistakes}; {run} may run on"
            );
            Completion::plain(ErrorName::Lost, message, None)
        }
    }
}

/// Both are what makes a lost worker harmless.
fn warn_of_risks(input: &TaskInput) {
    if !input.has_client_token {
        warn!("the input has no ClientToken: a Retry of the state could run the job twice");
    }
    if input.heartbeat_timeout.is_none() {
        warn!(
            "the input has no HeartbeatSeconds: set it as in the state, or a lost worker may not be noticed"
        );
    }
}

impl Task {
    /// From where it stands to its end: each step that its life decides, one after the other.
    async fn live(self: Box<Self>, checkpoint: Checkpoint, mut hands: Box<Hands>) {
        hands.run = checkpoint.run().and_then(|record| self.known(record));
        if let (Checkpoint::Following { running, .. }, Some(run)) = (&checkpoint, &mut hands.run) {
            run.has_run = *running;
        }
        let from = checkpoint.stage();
        match checkpoint {
            Checkpoint::Stopping {
                telling: Some(telling),
                ..
            } => hands.words = Words::of(telling.message),
            Checkpoint::Concluded { completion, .. } => hands.words = Words::Whole(Box::new(completion)),
            _ => {}
        }
        let wish = Wish {
            is_repeatable: self.input.has_client_token,
            has_execution: self.input.execution.is_some(),
            on_cancel: self.input.on_cancel,
            drain: self.context.config.drain,
        };
        let (mut life, mut next) = Life::begin(wish, from, hands.run.is_some());
        loop {
            if let Some(claim) = &hands.claim
                && next.stage.is_some_and(Stage::is_stopping)
            {
                claim.stopping();
            }
            if let Some(stage) = next.stage {
                let checkpoint = hands.checkpoint(stage, next.step);
                self.entry.note(&checkpoint).await;
            }
            // A task spends its life in `follow`; what is needed only before and after that is on the heap while it lasts.
            let event = match next.step {
                Step::Claim { is_new } => Box::pin(self.claim(is_new, &mut hands)).await,
                Step::ClaimUnheard => Box::pin(self.claim_unheard(&mut hands)).await,
                Step::Submit { unanswered } => Box::pin(self.submit(unanswered, &mut hands)).await,
                Step::Follow => self.follow(&mut hands).await,
                Step::Ask => Box::pin(self.ask()).await,
                Step::Examine { loss } => Box::pin(self.examine(loss, &hands)).await,
                Step::Stop { run, is_told } => {
                    if !is_told {
                        self.list_end(&mut hands, Ended::TokenOver);
                        hands.slot = None;
                    }
                    Box::pin(self.stop(run, is_told, &mut hands)).await
                }
                Step::Report(verdict) => Box::pin(self.report(verdict, next.stage, &mut hands)).await,
                Step::AwaitRetry { run } => {
                    self.list_end(&mut hands, Ended::TokenOver);
                    (hands.slot, hands.claim) = (None, None);
                    Box::pin(self.await_retry(run, &mut hands)).await
                }
                Step::Close => {
                    if self.list_end(&mut hands, Ended::TokenOver) {
                        info!("the task is over");
                    }
                    return self.entry.close().await;
                }
                Step::Leave => {
                    self.list_end(&mut hands, Ended::Left);
                    return Box::pin(self.leave()).await;
                }
                Step::Halt => return,
            };
            next = life.next(event);
            self.log_fate(event, next);
        }
    }

    /// Lists its end, unless that was done; whether it was not.
    fn list_end(&self, hands: &mut Hands, how: Ended) -> bool {
        if hands.has_ended {
            return false;
        }
        hands.has_ended = true;
        self.listing.ended(how);
        true
    }

    /// What becomes of the run of a task whose token is over, for people.
    fn log_fate(&self, event: Event, next: Next) {
        let Event::Examined { is_wanted, .. } = event else {
            return;
        };
        match next.step {
            Step::Stop { .. } => info!("the task was cancelled; its job is stopped"),
            _ if is_wanted => {
                info!("the task's token has expired; the retry that waits takes its job over");
            }
            Step::AwaitRetry { .. } => warn!(
                "the task's token has expired: its job is left to a retry, and stopped when its execution ends"
            ),
            _ if self.input.on_cancel == OnCancel::Leave => {
                info!("the task is over; its job is left, as it was told");
            }
            _ => warn!(
                "the task's token has expired: its job is left to a retry; without an ExecutionId nobody can tell \
                 whether one comes"
            ),
        }
    }

    /// Tells Step Functions how the task ends, and finds out how its token was lost where that could not be told.
    async fn report(&self, verdict: Verdict, stage: Option<Stage>, hands: &mut Hands) -> Event {
        let completion = hands.words.completion(verdict);
        hands.has_ended = true;
        let told = tell(
            &self.context,
            &self.token,
            &self.listing,
            &completion,
            self.was_concluded,
        );
        let heard = match told.await {
            Some(Heard::Yes) => return Event::Heard,
            Some(heard) => heard,
            None => return Event::Goes,
        };
        let lost = match stage {
            Some(Stage::Concluded { left: Some(_) }) => tokio::select! {
                lost = self.lost() => lost,
                () = self.context.draining.end() => return Event::Goes,
            },
            // Nothing depends on how.
            _ => Loss::Expired,
        };
        match heard {
            Heard::Never => Event::Unheard(lost),
            Heard::Yes | Heard::Perhaps => Event::PerhapsHeard(lost),
        }
    }

    /// How the token was lost, of which an answer has just said that it is over: the next beat learns it, too.
    async fn lost(&self) -> Loss {
        self.heartbeats.pulse().is_good().await;
        loss(self.heartbeats.lease()).unwrap_or(Loss::Expired)
    }

    /// Until the worker goes, its heart beats.
    async fn leave(&self) {
        self.context.draining.leave().await;
        let last = timeout(
            LAST_HEARTBEAT_TIMEOUT,
            self.context.clients.heartbeat(&self.token, Instant::now().into()),
        )
        .await;
        let beat = matches!(last, Ok(Ok(())));
        info!(
            beat,
            "the task is left to the next process of this worker, or to a retry with its ClientToken"
        );
    }

    pub(crate) fn redacted(&self, text: &str) -> String {
        self.input.redaction.apply(text)
    }
}

/// Tells Step Functions, and shows, how a task ends; what has come of that is none when the worker goes before.
async fn tell(
    context: &Context,
    token: &TaskToken,
    listing: &Listing,
    completion: &Completion,
    was_concluded: bool,
) -> Option<Heard> {
    listing.step(TaskState::Reporting);
    tokio::select! {
        heard = reporting::report(&context.clients, token, completion, was_concluded) => {
            listing.reported(completion, heard != Heard::Never);
            Some(heard)
        }
        () = context.draining.end() => {
            warn!(?completion, "the worker stops before the task's end could be reported; the next process reports it");
            None
        }
    }
}

/// How a token was lost, if it was.
pub(crate) fn loss(lease: Lease) -> Option<Loss> {
    match lease {
        Lease::Unconfirmed | Lease::Held(_) => None,
        Lease::Cancelled => Some(Loss::Cancelled),
        Lease::Expired => Some(Loss::Expired),
    }
}

pub(crate) const STOPPING: &str = "the worker is stopping";

/// A task that was not begun goes back, so that another worker can have it at once.
pub(crate) fn handed_back(why: &str) -> Completion {
    Completion::plain(ErrorName::WorkerDraining, handing_back(why), None)
}

pub(crate) fn handing_back(why: &str) -> String {
    format!("{why}; nothing was submitted: let the state Retry on SparkJob.WorkerDraining")
}
