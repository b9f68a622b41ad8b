//! What one step of a task leaves to the next: what is held, what is known of the run, and what there is to be told.

use sparkwright_spark_job::outcome::Summary;

use crate::completion::Completion;
use crate::following::OwnRun;
use crate::intents::{Claim, Waiting};
use crate::journal::{Checkpoint, Telling};
use crate::life::{Stage, Step, Verdict, Which};
use crate::slots::Slot;

/// What one step of a task leaves to the next.
#[derive(Default)]
pub(crate) struct Hands {
    pub(crate) slot: Option<Slot>,
    pub(crate) claim: Option<Claim>,
    pub(crate) waiting: Option<Waiting>,
    /// The own run.
    pub(crate) run: Option<OwnRun>,
    pub(crate) words: Words,
    /// Its end is listed.
    pub(crate) has_ended: bool,
}

/// What there is to be told, should the task end with what has just happened.
#[derive(Default)]
pub(crate) enum Words {
    #[default]
    Nothing,
    Failure {
        message: String,
        summary: Option<Box<Summary>>,
    },
    Whole(Box<Completion>),
}

impl Words {
    pub(crate) fn of(message: impl Into<String>) -> Self {
        Self::Failure {
            message: message.into(),
            summary: None,
        }
    }

    /// What there is to be told, for logs and the journal; nothing of an end that is told whole.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Failure { message, .. } => message.clone(),
            Self::Nothing | Self::Whole(_) => String::new(),
        }
    }

    pub(crate) fn completion(&self, verdict: Verdict) -> Completion {
        match (self, verdict) {
            (Self::Whole(completion), _) => (**completion).clone(),
            (Self::Failure { message, summary }, Verdict::Failure(name)) => {
                Completion::plain(name, message.as_str(), summary.as_deref().cloned())
            }
            (Self::Nothing, Verdict::Failure(name)) => Completion::plain(name, self.message(), None),
            (_, Verdict::Outcome | Verdict::Journalled) => {
                unreachable!("an outcome comes with its completion")
            }
        }
    }
}

impl Hands {
    /// The stage with all that a later process needs.
    pub(crate) fn checkpoint(&self, stage: Stage, step: Step) -> Checkpoint {
        let own = || self.run.as_ref().map(OwnRun::record);
        let of = |which| match which {
            Which::Own => own(),
            Which::Any => None,
        };
        match stage {
            Stage::Received => Checkpoint::Received,
            Stage::Posting { number } => Checkpoint::Posting { number },
            Stage::Following { running } => Checkpoint::Following {
                run: own().expect("what is followed is known"),
                running,
            },
            Stage::Stopping { run, telling } => Checkpoint::Stopping {
                run: of(run),
                telling: telling.map(|error| Telling {
                    error,
                    message: self.words.message(),
                }),
            },
            Stage::Orphaned { run } => Checkpoint::Orphaned { run: of(run) },
            Stage::Concluded { left } => {
                let Step::Report(verdict) = step else {
                    unreachable!("what is concluded is reported")
                };
                Checkpoint::Concluded {
                    completion: self.words.completion(verdict),
                    stop: left.and_then(of),
                    unsearched: left == Some(Which::Any),
                }
            }
        }
    }
}
