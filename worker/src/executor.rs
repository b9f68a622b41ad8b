//! One task, from its token to its completion.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sparkwright_spark_job::chain;
use tokio::time::{sleep_until, timeout};
use tracing::{Instrument, field, info, info_span, warn};

use crate::activity::{ActivityArn, ActivityTask};
use crate::completion::Completion;
use crate::context::Context;
use crate::errors::ErrorName;
use crate::heartbeat::{Heartbeats, Schedule};
use crate::input::TaskInput;
use crate::reporting::report;
use crate::slots::Slot;
use crate::snapshot::Step;
use crate::status::Listing;
use crate::token::TaskId;

/// How long the last heartbeat of a task that is left may take.
const LAST_HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(5);

/// How a task ends, as far as Step Functions is concerned.
pub(crate) enum End {
    /// With this, which is to be reported.
    Report(Completion),
    /// Its token is over: there is nobody to be told.
    Over,
    /// The worker goes, and leaves it to whoever comes.
    Left,
}

/// What a task's life needs to hand.
pub(crate) struct Task {
    pub(crate) id: TaskId,
    pub(crate) activity: ActivityArn,
    pub(crate) context: Arc<Context>,
    pub(crate) input: TaskInput,
    pub(crate) heartbeats: Heartbeats,
    pub(crate) listing: Listing,
    /// When it has to be running.
    pub(crate) start_deadline: Instant,
}

/// Runs a task; its slot is free again after that.
pub(crate) async fn execute(context: Arc<Context>, task: ActivityTask, slot: Slot) {
    let span = info_span!(
        "task",
        task = %task.token.id(),
        activity = task.activity.name(),
        batch_name = field::Empty,
        application_id = field::Empty
    );
    live(context, task).instrument(span).await;
    drop(slot);
}

async fn live(context: Arc<Context>, task: ActivityTask) {
    let received = Instant::now();
    let ActivityTask {
        activity,
        token,
        input,
    } = task;
    let id = token.id();
    let listing = context.status.list(id.clone(), &activity);
    let understood = context.rules.read(&input, &token);
    // It may be a megabyte, and the task may last for days.
    drop(input);
    let input = understood;
    let heartbeat_timeout = input.as_ref().ok().and_then(|input| input.heartbeat_timeout);
    let schedule = Schedule::new(received, context.config.heartbeat_period, heartbeat_timeout);
    let heartbeats = Heartbeats::start(context.clients.clone(), token.clone(), schedule);
    let (end, _heartbeats, listing) = match input {
        Err(mistakes) => {
            info!(mistakes = %mistakes, "the task's input cannot be a job");
            (
                End::Report(Completion::plain(
                    ErrorName::InvalidInput,
                    mistakes.to_string(),
                    None,
                )),
                heartbeats,
                listing,
            )
        }
        Ok(input) => {
            warn_of_risks(&input);
            let start_deadline = received + input.start_timeout;
            let task = Task {
                id,
                activity,
                context: Arc::clone(&context),
                input,
                heartbeats,
                listing,
                start_deadline,
            };
            let end = task.run().await;
            (end, task.heartbeats, task.listing)
        }
    };
    match end {
        End::Report(completion) => {
            listing.step(Step::Reporting);
            tokio::select! {
                () = report(&context.clients, &token, &completion) => {}
                () = context.draining.end() => {
                    warn!(?completion, "the worker stops before the task's end could be reported");
                }
            }
        }
        End::Left => {
            let last = timeout(LAST_HEARTBEAT_TIMEOUT, context.clients.heartbeat(&token)).await;
            let beat = matches!(last, Ok(Ok(())));
            info!(
                beat,
                "the task is left; a retry of its state with the same ClientToken takes its job over"
            );
        }
        End::Over => info!("the task is over"),
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
    async fn run(&self) -> End {
        let intents = &self.context.intents;
        let claim = tokio::select! {
            claim = intents.claim(self.input.intent, &self.id, self.heartbeats.pulse()) => claim,
            _ = self.heartbeats.over() => return End::Over,
            () = self.context.draining.begun() => return handed_back(),
            () = sleep_until(self.start_deadline.into()) => {
                let message = "an earlier run of this ClientToken is still being stopped";
                return self.fail(ErrorName::StartTimeout, message);
            }
        };
        let claim = match claim {
            Ok(claim) => claim,
            Err(taken) => {
                let message = format!(
                    "the ClientToken already names another open task ({}): give each job one of its own, with the \
                     index of every enclosing Map",
                    taken.by
                );
                return self.fail(ErrorName::InvalidInput, message);
            }
        };
        // A task spends its life in `follow`; what is needed only before and after that is on the heap while it lasts.
        match Box::pin(self.submit(claim)).await {
            Ok((connected, run, claim)) => self.follow(connected, run, claim).await,
            Err(end) => end,
        }
    }

    /// A failure without a run.
    pub(crate) fn fail(&self, name: ErrorName, message: impl AsRef<str>) -> End {
        End::Report(Completion::plain(name, self.redacted(message.as_ref()), None))
    }

    pub(crate) fn redacted(&self, text: &str) -> String {
        self.input.redaction.apply(text)
    }

    /// The same for an error with its causes.
    pub(crate) fn fail_with(&self, name: ErrorName, error: &dyn std::error::Error) -> End {
        self.fail(name, chain(error))
    }
}

/// A task that was not begun goes back, so that another worker can have it at once.
pub(crate) fn handed_back() -> End {
    End::Report(Completion::plain(
        ErrorName::WorkerDraining,
        "the worker is stopping; nothing was submitted: let the state Retry on SparkJob.WorkerDraining",
        None,
    ))
}
