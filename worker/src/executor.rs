//! One task, from its token to its completion.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sparkwright_spark_job::chain;
use sparkwright_spark_job::fields::Mistakes;
use tokio::time::{sleep_until, timeout};
use tracing::{Instrument, info, warn};

use crate::completion::Completion;
use crate::config::Drain;
use crate::context::Context;
use crate::errors::ErrorName;
use crate::heartbeat::{Heartbeats, Lease};
use crate::input::TaskInput;
use crate::intents::{Claim, Waiting};
use crate::journal::{Entry, Stage};
use crate::opened::Opened;
use crate::orphans::{Orphan, Settled};
use crate::reporting::report;
use crate::slots::Slot;
use crate::snapshot::{Ended, Step};
use crate::status::Listing;
use crate::stopping::{Pursuit, StopTarget};
use crate::token::{TaskId, TaskToken};

/// How long the last heartbeat of a task that is left may take.
const LAST_HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(5);

/// How a task ends, as far as Step Functions is concerned.
pub(crate) enum End {
    /// With this, which is to be reported; a run that nobody can see is stopped after that.
    Report(Completion, Option<Pursuit>),
    /// Its token is over: there is nobody to be told, but a run to be stopped.
    Stop(Pursuit),
    /// Its token is over: its run is left to a retry, or stopped once none can come.
    Wait(Orphan),
    /// Its token is over: there is nobody to be told.
    Over,
    /// The worker goes, and leaves it to whoever comes.
    Left,
}

impl End {
    /// With this, and with nothing left to be stopped.
    pub(crate) fn told(completion: Completion) -> Self {
        Self::Report(completion, None)
    }
}

/// What a task's life needs to hand.
pub(crate) struct Task {
    pub(crate) id: TaskId,
    pub(crate) context: Arc<Context>,
    pub(crate) input: TaskInput,
    pub(crate) entry: Entry,
    pub(crate) heartbeats: Heartbeats,
    pub(crate) listing: Listing,
    /// When it has to be running.
    pub(crate) start_deadline: Instant,
}

/// Runs a task, from wherever it stands; its slot is free again after that.
pub(crate) async fn execute(context: Arc<Context>, task: Opened, slot: Option<Slot>) {
    let span = task.span.clone();
    live(context, task, slot).instrument(span).await;
}

async fn live(context: Arc<Context>, opened: Opened, slot: Option<Slot>) {
    let Opened {
        id,
        token,
        entry,
        stage,
        input,
        heartbeats,
        listing,
        age,
        claim,
        waiting,
        span: _,
    } = opened;
    let was_concluded = matches!(stage, Stage::Concluded { .. });
    match input {
        Err(mistakes) => {
            let end = End::told(unreadable(stage, &mistakes));
            let ending = Ending {
                context,
                token,
                entry,
                heartbeats,
                listing,
                was_concluded,
            };
            Box::pin(ending.run(end, slot)).await;
        }
        Ok(input) => {
            if stage == Stage::Received {
                warn_of_risks(&input);
            }
            let task = Task {
                id,
                start_deadline: Instant::now() + input.start_timeout.saturating_sub(age),
                context,
                input,
                entry,
                heartbeats,
                listing,
            };
            let end = task.run(stage, claim, waiting).await;
            Box::pin(task.into_ending(token, was_concluded).run(end, slot)).await;
        }
    }
}

/// What to say of a task whose input cannot be a job: at its beginning, or since the worker has other options.
fn unreadable(stage: Stage, mistakes: &Mistakes) -> Completion {
    let run = match stage {
        Stage::Concluded { completion, .. } => return completion,
        Stage::Received => None,
        Stage::Posting { .. } => Some("a job that it submitted".to_owned()),
        Stage::Following { run, .. } | Stage::Stopping { run, .. } | Stage::Orphaned { run, .. } => {
            Some(format!("its job `{}`", run.name))
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
    async fn run(&self, stage: Stage, claim: Option<Claim>, waiting: Option<Waiting>) -> End {
        if let Stage::Orphaned { run, execution } = stage {
            return match self.known(&run) {
                Some((connected, found)) => {
                    self.orphaned(connected, StopTarget::recorded(&found, &run), execution)
                }
                None => End::Over,
            };
        }
        let claim = match claim {
            Some(claim) => claim,
            None => match self.claim(stage == Stage::Received).await {
                Ok(claim) => claim,
                Err(end) => return end,
            },
        };
        drop(waiting);
        // A task spends its life in `follow`; what is needed only before and after that is on the heap while it lasts.
        Box::pin(self.take_up(stage, claim)).await
    }

    /// `is_new`: nothing was submitted for the task yet.
    async fn claim(&self, is_new: bool) -> Result<Claim, End> {
        let claiming = self
            .context
            .intents
            .claim(self.input.intent, &self.id, self.heartbeats.pulse());
        let claim = tokio::select! {
            claim = claiming => claim,
            _ = self.heartbeats.over(), if is_new => return Err(End::Over),
            () = self.context.draining.begun(), if is_new => return Err(self.put_down()),
            () = self.context.draining.end() => return Err(End::Left),
            () = sleep_until(self.start_deadline.into()), if is_new => {
                let message = "an earlier run of this ClientToken is still being stopped";
                return Err(self.fail(ErrorName::StartTimeout, message));
            }
        };
        claim.map_err(|taken| {
            let message = format!(
                "the ClientToken already names another open task ({}): give each job one of its own, with the index \
                 of every enclosing Map",
                taken.by
            );
            self.fail(ErrorName::InvalidInput, message)
        })
    }

    /// Goes on from a stage.
    async fn take_up(&self, stage: Stage, claim: Claim) -> End {
        match stage {
            Stage::Received => self.submit_and_follow(claim, None).await,
            Stage::Posting { number } => self.submit_and_follow(claim, Some(number)).await,
            Stage::Following { run, running } => match self.known(&run) {
                Some((connected, run)) => self.follow(connected, run, claim, running).await,
                // Its name says nothing to this release: what it has is looked for.
                None => self.submit_and_follow(claim, None).await,
            },
            Stage::Stopping { run, telling } => Box::pin(self.stop_as_told(&run, telling, claim)).await,
            // It has no claim.
            Stage::Orphaned { .. } => End::Over,
            Stage::Concluded { completion, stop } => {
                let pursuit = stop.and_then(|run| self.pursuit_of(&run, claim));
                End::Report(completion, pursuit)
            }
        }
    }

    async fn submit_and_follow(&self, claim: Claim, unanswered_post: Option<u32>) -> End {
        match Box::pin(self.submit(claim, unanswered_post)).await {
            Ok((connected, run, claim)) => self.follow(connected, run, claim, false).await,
            Err(end) => end,
        }
    }

    /// A task that was not begun, and is not going to be: the next process finds it in the journal, or another worker has
    /// it at once.
    pub(crate) fn put_down(&self) -> End {
        match self.context.config.drain {
            Drain::Leave => End::Left,
            Drain::Wait | Drain::Stop => End::told(handed_back(STOPPING)),
        }
    }

    /// A failure without a run.
    pub(crate) fn fail(&self, name: ErrorName, message: impl AsRef<str>) -> End {
        End::told(Completion::plain(name, self.redacted(message.as_ref()), None))
    }

    pub(crate) fn redacted(&self, text: &str) -> String {
        self.input.redaction.apply(text)
    }

    /// The same for an error with its causes.
    pub(crate) fn fail_with(&self, name: ErrorName, error: &dyn std::error::Error) -> End {
        self.fail(name, chain(error))
    }

    fn into_ending(self, token: TaskToken, was_concluded: bool) -> Ending {
        Ending {
            context: self.context,
            token,
            entry: self.entry,
            heartbeats: self.heartbeats,
            listing: self.listing,
            was_concluded,
        }
    }
}

/// What has come of a report.
enum Heard {
    Yes,
    /// The token was over before.
    Never,
}

/// What is needed of a task at its end.
struct Ending {
    context: Arc<Context>,
    token: TaskToken,
    entry: Entry,
    /// They go on until the end is reported.
    heartbeats: Heartbeats,
    listing: Listing,
    /// An earlier process may have reported the end.
    was_concluded: bool,
}

impl Ending {
    async fn run(self, end: End, slot: Option<Slot>) {
        match end {
            End::Report(completion, pursuit) => {
                let pursuit = match self.report(completion, pursuit.as_ref()).await {
                    Some(Heard::Yes) => pursuit,
                    Some(Heard::Never) => pursuit.filter(|_| {
                        // Unheard, it ended nothing: a retry may have the run.
                        self.heartbeats.lease() == Lease::Cancelled
                    }),
                    None => return,
                };
                self.after(pursuit, slot).await;
            }
            End::Stop(pursuit) => {
                self.listing.ended(Ended::TokenOver);
                self.after(Some(pursuit), slot).await;
            }
            End::Wait(orphan) => {
                self.listing.ended(Ended::TokenOver);
                self.wait(orphan, slot).await;
            }
            End::Over => {
                self.listing.ended(Ended::TokenOver);
                info!("the task is over");
                self.entry.close().await;
            }
            End::Left => {
                self.listing.ended(Ended::Left);
                // Until the worker goes, its heart beats.
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
        }
    }

    /// What has come of the report; none when the worker goes before.
    async fn report(&self, completion: Completion, pursuit: Option<&Pursuit>) -> Option<Heard> {
        self.listing.step(Step::Reporting);
        let stage = Stage::Concluded {
            completion: completion.clone(),
            stop: pursuit.map(Pursuit::run_line),
        };
        self.entry.note(&stage).await;
        tokio::select! {
            is_heard = report(&self.context.clients, &self.token, &completion, self.was_concluded) => {
                self.listing.reported(&completion, is_heard);
                Some(if is_heard { Heard::Yes } else { Heard::Never })
            }
            () = self.context.draining.end() => {
                warn!(?completion, "the worker stops before the task's end could be reported; the next process reports it");
                None
            }
        }
    }

    /// Its slot and its intent are free while it waits.
    async fn wait(self, orphan: Orphan, slot: Option<Slot>) {
        drop(slot);
        let stage = Stage::Orphaned {
            run: orphan.run_line(),
            execution: orphan.execution.clone(),
        };
        self.entry.note(&stage).await;
        self.listing.step(Step::Orphaned);
        self.listing.batch(orphan.target.name());
        match orphan.settle(&self.context).await {
            Settled::Open => info!("the worker goes; its next process waits for the retry"),
            Settled::Left => self.after(None, None).await,
            Settled::Stop(pursuit) => self.after(Some(pursuit), None).await,
        }
    }

    /// Nobody waits for the task any more. Its slot is free while its run is being stopped.
    async fn after(self, pursuit: Option<Pursuit>, slot: Option<Slot>) {
        let Some(pursuit) = pursuit else {
            return self.entry.close().await;
        };
        drop((slot, self.heartbeats));
        let stage = Stage::Stopping {
            run: pursuit.run_line(),
            telling: None,
        };
        self.entry.note(&stage).await;
        self.listing.step(Step::Stopping);
        self.listing.batch(pursuit.batch_name());
        if pursuit.run(&self.context).await {
            self.entry.close().await;
        }
    }
}

pub(crate) const STOPPING: &str = "the worker is stopping";

/// A task that was not begun goes back, so that another worker can have it at once.
pub(crate) fn handed_back(why: &str) -> Completion {
    Completion::plain(
        ErrorName::WorkerDraining,
        format!("{why}; nothing was submitted: let the state Retry on SparkJob.WorkerDraining"),
        None,
    )
}
