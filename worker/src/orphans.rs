//! Waiting until it is clear whose a run is that waits for the retry of a state whose lease was lost.
//!
//! `TaskTimedOut` and its like say that a token is over, not why. A run that is killed though a retry has adopted it is a
//! job lost; one that is left though nobody will come runs for ever. [`judge`](crate::life::fate::judge) decides; here is
//! waited for what decides.

use std::time::Duration;

use sparkwright_spark_job::chain;
use sparkwright_spark_job::standing::Standing;
use sparkwright_spark_job::watch::Report;
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::call_error::Class;
use crate::context::Context;
use crate::executor::Task;
use crate::hands::Hands;
use crate::life::fate::ExecutionState;
use crate::life::{Event, Which};
use crate::snapshot::TaskState;

/// So many heartbeat periods pass between two looks at an orphan's execution.
const PERIODS: u32 = 3;

impl Task {
    /// Waits until it is clear whose a run is.
    pub(crate) async fn await_retry(&self, which: Which, hands: &mut Hands) -> Event {
        let (context, input) = (&self.context, &self.input);
        let execution = input.execution.as_deref().unwrap_or_default();
        self.listing.step(TaskState::Orphaned);
        let own = hands.run.as_ref().filter(|_| which == Which::Own);
        let name = own.map(|own| own.run.name.to_string());
        let mut reports = own.map(|own| {
            self.listing.batch(&own.run.name);
            own.connected.watcher.follow(&own.run)
        });
        let period = context.config.heartbeat_period * PERIODS;
        loop {
            tokio::select! {
                () = sleep(period) => {}
                () = ended(reports.as_mut()) => {
                    info!(batch_name = name, "the job that was left for a retry has ended");
                    return Event::Ended;
                }
                () = context.draining.begun() => {
                    info!("the worker goes; its next process waits for the retry");
                    return Event::Goes;
                }
            }
            if context.intents.is_adopted(input.intent) {
                info!(batch_name = name, "a retry has taken the job over");
                return Event::NotOurs;
            }
            match execution_state(context, execution).await {
                ExecutionState::Runs | ExecutionState::Unknown => {}
                ExecutionState::NotThere => return Event::NotOurs,
                ExecutionState::Ended => {
                    // Who has it may yet take the run over, or end without it.
                    let pulse = self.heartbeats.pulse();
                    let Some(claim) = context.intents.claim_now(input.intent, &self.id, &pulse) else {
                        continue;
                    };
                    info!(
                        batch_name = name,
                        "the execution has ended, and no retry has taken its job over: it is stopped"
                    );
                    hands.claim = Some(claim);
                    return Event::Abandoned;
                }
            }
        }
    }
}

/// Waits until a run has ended.
async fn ended(reports: Option<&mut watch::Receiver<Report>>) {
    let has_ended = |report: &Report| matches!(report.standing, Standing::Ended(_));
    let ended = match reports {
        Some(reports) => reports.wait_for(has_ended).await.is_ok(),
        None => false,
    };
    // Without a watcher nothing is learned; the execution is still asked about.
    if !ended {
        std::future::pending().await
    }
}

/// How an execution stands.
pub(crate) async fn execution_state(context: &Context, arn: &str) -> ExecutionState {
    match context.clients.runs(arn).await {
        Ok(true) => ExecutionState::Runs,
        Ok(false) => ExecutionState::Ended,
        Err(error) if error.class() == Class::Refused => {
            warn!(
                execution = arn,
                error = chain(&error),
                "the input's ExecutionId names no execution: the job of a task that is over is left for good"
            );
            ExecutionState::NotThere
        }
        Err(error) => {
            warn!(
                execution = arn,
                advice = error.class().advice(),
                error = chain(&error),
                "the execution of a task that is over cannot be asked about; its job is left meanwhile"
            );
            ExecutionState::Unknown
        }
    }
}

/// A look that must not hold up the end of a task.
pub(crate) const LOOK_TIMEOUT: Duration = Duration::from_secs(10);
