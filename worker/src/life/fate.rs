//! Whose is a run whose task's token is over?

use crate::config::OnCancel;

/// How a token was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Loss {
    /// It was good until just before: somebody ended the task.
    Cancelled,
    /// It may have expired: a retry may have taken over.
    Expired,
}

/// What is known of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExecutionState {
    /// A retry may come.
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
pub enum Fate {
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
pub struct Evidence {
    /// How it was lost.
    pub loss: Loss,
    /// Another open task has, or waits for, the intent.
    pub is_wanted: bool,
    /// How the execution stands.
    pub execution: ExecutionState,
    /// What the input or the worker's options say.
    pub on_cancel: OnCancel,
}

/// Decides what becomes of a run whose token is over.
pub fn judge(evidence: Evidence) -> Fate {
    let is_cancelled = match (evidence.execution, evidence.loss) {
        (ExecutionState::Ended, _) => true,
        // Only of a task of an earlier process both are known: it may have told how the task ends, and a retry may have come.
        (ExecutionState::Runs, _) => false,
        (ExecutionState::Unknown | ExecutionState::NotThere, loss) => loss == Loss::Cancelled,
    };
    match (evidence.is_wanted, evidence.on_cancel, is_cancelled) {
        (true, ..) => Fate::HandOver,
        (false, OnCancel::Leave, _) => Fate::Leave,
        (false, OnCancel::Stop, true) => Fate::Stop,
        (false, OnCancel::Stop, false) => Fate::Wait,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOSSES: [Loss; 2] = [Loss::Cancelled, Loss::Expired];
    const STATES: [ExecutionState; 4] = [
        ExecutionState::Runs,
        ExecutionState::Ended,
        ExecutionState::Unknown,
        ExecutionState::NotThere,
    ];

    fn every_evidence() -> Vec<Evidence> {
        let mut all = Vec::new();
        for loss in LOSSES {
            for execution in STATES {
                for is_wanted in [false, true] {
                    for on_cancel in [OnCancel::Stop, OnCancel::Leave] {
                        all.push(Evidence {
                            loss,
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
        for (execution, on_cancel, expected) in [
            (ExecutionState::Runs, OnCancel::Stop, Fate::Wait),
            (ExecutionState::Ended, OnCancel::Stop, Fate::Stop),
            (ExecutionState::Unknown, OnCancel::Stop, Fate::Wait),
            (ExecutionState::NotThere, OnCancel::Stop, Fate::Wait),
            (ExecutionState::Runs, OnCancel::Leave, Fate::Leave),
            (ExecutionState::Ended, OnCancel::Leave, Fate::Leave),
            (ExecutionState::Unknown, OnCancel::Leave, Fate::Leave),
            (ExecutionState::NotThere, OnCancel::Leave, Fate::Leave),
        ] {
            let evidence = Evidence {
                loss: Loss::Expired,
                is_wanted: false,
                execution,
                on_cancel,
            };
            assert_eq!(judge(evidence), expected, "{evidence:?}");
        }
    }

    #[test]
    fn a_cancelled_run_is_stopped_unless_it_is_told_or_wanted_otherwise_or_its_execution_goes_on() {
        for evidence in every_evidence()
            .into_iter()
            .filter(|e| e.loss == Loss::Cancelled && !e.is_wanted)
        {
            let expected = match (evidence.on_cancel, evidence.execution) {
                (OnCancel::Leave, _) => Fate::Leave,
                (OnCancel::Stop, ExecutionState::Runs) => Fate::Wait,
                (OnCancel::Stop, _) => Fate::Stop,
            };
            assert_eq!(judge(evidence), expected, "{evidence:?}");
        }
    }
}
