//! What one step of a task leaves to the next: what is held, what is known of the run, and what there is to be told.

use sparkwright_spark_job::outcome::Summary;

use crate::completion::Completion;
use crate::following::Followed;
use crate::intents::{Claim, Waiting};
use crate::journal::{Stage, Telling};
use crate::life::{self, Step, Verdict, Which};
use crate::slots::Slot;

/// What one step of a task leaves to the next.
#[derive(Default)]
pub(crate) struct Hands {
    pub(crate) slot: Option<Slot>,
    pub(crate) claim: Option<Claim>,
    pub(crate) waiting: Option<Waiting>,
    /// The own run.
    pub(crate) run: Option<Followed>,
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
            (_, Verdict::Failure(name)) => Completion::plain(name, "", None),
            (_, Verdict::Outcome | Verdict::Journalled) => {
                unreachable!("an outcome comes with its completion")
            }
        }
    }
}

impl Hands {
    /// The stage with all that a later process needs.
    pub(crate) fn stage(&self, stage: life::Stage, step: Step, execution: Option<&str>) -> Stage {
        let own = || self.run.as_ref().map(Followed::line);
        let of = |which| match which {
            Which::Own => own(),
            Which::Any => None,
        };
        match stage {
            life::Stage::Received => Stage::Received,
            life::Stage::Posting { number } => Stage::Posting { number },
            life::Stage::Following { running } => Stage::Following {
                run: own().expect("what is followed is known"),
                running,
            },
            life::Stage::Stopping { run, telling } => Stage::Stopping {
                run: of(run),
                telling: telling.map(|error| Telling {
                    error,
                    message: self.words.message(),
                }),
            },
            life::Stage::Orphaned { run } => Stage::Orphaned {
                run: of(run),
                execution: execution.unwrap_or_default().to_owned(),
            },
            life::Stage::Concluded { left } => {
                let Step::Report(verdict) = step else {
                    unreachable!("what is concluded is reported")
                };
                Stage::Concluded {
                    completion: self.words.completion(verdict),
                    stop: left.and_then(of),
                    unseen: left == Some(Which::Any),
                }
            }
        }
    }
}
