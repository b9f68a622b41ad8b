//! Whose is a run whose task's token is over? It was cancelled with its task, or it waits for the retry of a state whose
//! lease was lost.
//!
//! `TaskTimedOut` and its like say that a token is over, not why. A run that is killed though a retry has adopted it is a
//! job lost; one that is left though nobody will come runs for ever. [`judge`] decides; [`Orphan`] waits for what decides.

use std::sync::Arc;
use std::time::Duration;

use sparkwright_spark_job::chain;
use sparkwright_spark_job::identity::Intent;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::call_error::Class;
use crate::clusters::Connected;
use crate::config::OnCancel;
use crate::context::Context;
use crate::heartbeat::{Lease, Pulse};
use crate::journal::RunLine;
use crate::stopping::{Pursuit, StopTarget};
use crate::token::TaskId;

/// So many heartbeat periods pass between two looks at an orphan's execution.
const PERIODS: u32 = 3;

/// What is known of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ExecutionState {
    Runs,
    /// It has ended, in whichever way: no retry will come.
    Ended,
    /// It could not be asked about.
    Unknown,
    /// Step Functions knows none of this name: the input's `ExecutionId` is wrong.
    NotThere,
}

/// What becomes of a run whose token is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fate {
    /// It was cancelled with its task.
    Stop,
    /// The same, and it was told to be left.
    Leave,
    /// Another open task of this worker waits for it.
    HandOver,
    /// Nobody can say yet: a retry may come, or the execution may end.
    Wait,
}

/// What is known when a token is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence {
    pub(crate) lease: Lease,
    /// Another open task has, or waits for, the intent.
    pub(crate) is_wanted: bool,
    pub(crate) execution: ExecutionState,
    pub(crate) on_cancel: OnCancel,
}

/// Decides what becomes of a run whose token is over.
pub(crate) fn judge(evidence: Evidence) -> Fate {
    let is_cancelled = evidence.lease == Lease::Cancelled || evidence.execution == ExecutionState::Ended;
    match (evidence.is_wanted, evidence.on_cancel, is_cancelled) {
        (true, ..) => Fate::HandOver,
        (false, OnCancel::Leave, _) => Fate::Leave,
        (false, OnCancel::Stop, true) => Fate::Stop,
        (false, OnCancel::Stop, false) => Fate::Wait,
    }
}

/// What has become of an orphan.
#[derive(Debug)]
pub(crate) enum Settled {
    /// It is not settled: the worker goes.
    Open,
    /// It is not ours any more.
    Left,
    /// No retry will come.
    Stop(Pursuit),
}

/// A run that is left for a retry, and stopped once its execution has ended.
#[derive(Debug)]
pub(crate) struct Orphan {
    pub(crate) connected: Arc<Connected>,
    pub(crate) target: StopTarget,
    pub(crate) execution: String,
    pub(crate) intent: Intent,
    pub(crate) task: TaskId,
    /// By which others could ask whether its token is good: it is not.
    pub(crate) pulse: Pulse,
}

impl Orphan {
    pub(crate) fn run_line(&self) -> RunLine {
        self.target.run_line()
    }

    /// Waits until it is clear whose the run is.
    pub(crate) async fn settle(self, context: &Context) -> Settled {
        let period = context.config.heartbeat_period * PERIODS;
        loop {
            tokio::select! {
                () = sleep(period) => {}
                () = context.draining.begun() => return Settled::Open,
            }
            if context.intents.is_taken(self.intent) {
                info!(batch_name = %self.target.name(), "a retry has taken the job over");
                return Settled::Left;
            }
            match execution_state(context, &self.execution).await {
                ExecutionState::Runs | ExecutionState::Unknown => {}
                ExecutionState::NotThere => return Settled::Left,
                ExecutionState::Ended => {
                    // A task that came since is of another execution with the same ClientToken.
                    let Some(claim) = context.intents.claim_now(self.intent, &self.task, &self.pulse) else {
                        return Settled::Left;
                    };
                    info!(
                        batch_name = %self.target.name(),
                        "the execution has ended, and no retry has taken its job over: it is stopped"
                    );
                    return Settled::Stop(Pursuit::new(self.connected, self.target, claim));
                }
            }
        }
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

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    const LEASES: [Lease; 2] = [Lease::Cancelled, Lease::Expired];
    const STATES: [ExecutionState; 4] = [
        ExecutionState::Runs,
        ExecutionState::Ended,
        ExecutionState::Unknown,
        ExecutionState::NotThere,
    ];

    fn every_evidence() -> Vec<Evidence> {
        let mut all = Vec::new();
        for lease in LEASES {
            for execution in STATES {
                for is_wanted in [false, true] {
                    for on_cancel in [OnCancel::Stop, OnCancel::Leave] {
                        all.push(Evidence {
                            lease,
                            is_wanted,
                            execution,
                            on_cancel,
                        });
                    }
                }
            }
        }
        all
    }

    #[test]
    fn a_run_that_a_retry_waits_for_is_never_stopped() {
        for evidence in every_evidence().into_iter().filter(|e| e.is_wanted) {
            assert_eq!(judge(evidence), Fate::HandOver, "{evidence:?}");
        }
    }

    #[test]
    fn an_expired_lease_stops_a_run_only_when_no_retry_can_come() {
        for evidence in every_evidence()
            .into_iter()
            .filter(|e| e.lease == Lease::Expired && judge(*e) == Fate::Stop)
        {
            assert_eq!(evidence.execution, ExecutionState::Ended, "{evidence:?}");
        }
    }

    #[test]
    fn a_cancelled_run_is_stopped_unless_it_is_told_or_wanted_otherwise() {
        for evidence in every_evidence()
            .into_iter()
            .filter(|e| e.lease == Lease::Cancelled && !e.is_wanted)
        {
            let expected = match evidence.on_cancel {
                OnCancel::Stop => Fate::Stop,
                OnCancel::Leave => Fate::Leave,
            };
            assert_eq!(judge(evidence), expected, "{evidence:?}");
        }
    }

    #[test]
    fn a_token_that_is_held_is_no_cancel() {
        let evidence = Evidence {
            lease: Lease::Held(Instant::now()),
            is_wanted: false,
            execution: ExecutionState::Runs,
            on_cancel: OnCancel::Stop,
        };
        assert_eq!(judge(evidence), Fate::Wait);
    }
}
