//! The words in which a [`Life`](super::Life) and its driver speak.

use super::fate::{ExecutionState, Loss};
use crate::config::{Drain, OnCancel};
use crate::errors::ErrorName;

/// What a task and its worker are told, as far as decisions need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wish {
    /// It has a ClientToken: a retry of its state has the same intent, and so had what it is a retry of.
    pub is_repeatable: bool,
    /// It says of which execution it is.
    pub has_execution: bool,
    /// What becomes of a cancelled task's job.
    pub on_cancel: OnCancel,
    /// What a stopping worker does with running tasks.
    pub drain: Drain,
}

/// Which run of the intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Which {
    /// The one that the task knows of, though perhaps only by name.
    Own,
    /// Whichever there is: nobody has looked yet.
    Any,
}

/// How far a task has come, as the journal has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Nothing was posted.
    Received,
    /// The batch of this number may exist.
    Posting {
        /// The run's number.
        number: u32,
    },
    /// The own run is the task's.
    Following {
        /// Its driver has been seen running.
        running: bool,
    },
    /// This run is to stop; then the task is to be told, if it is still open.
    Stopping {
        /// Which.
        run: Which,
        /// What.
        telling: Option<ErrorName>,
    },
    /// The token is over, and a retry may want this run.
    Orphaned {
        /// Which.
        run: Which,
    },
    /// The task ends, once that is heard.
    Concluded {
        /// What is then to be seen to.
        left: Option<Which>,
    },
}

impl Stage {
    /// Whether its run is to stop, so that no other task may take it over.
    pub fn is_stopping(self) -> bool {
        matches!(
            self,
            Self::Stopping { .. }
                | Self::Concluded {
                    left: Some(Which::Own)
                }
        )
    }
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Wait until no other open task has the intent. As long as nothing was submitted for the task this ends with its
    /// token, with its time to start, and when the worker drains.
    Claim {
        /// Nothing was submitted for it.
        is_new: bool,
    },
    /// The same where nobody waits for the task any more.
    ClaimUnheard,
    /// Submit the job, or find the run that the intent has. As long as nothing was posted this ends with the token, and
    /// when the worker drains.
    Submit {
        /// The run that an earlier process may have posted.
        unanswered: Option<u32>,
    },
    /// Follow the own run: to its end, to the token's, or to the worker's.
    Follow,
    /// Ask whether the token is good, however long the answer takes.
    Ask,
    /// Find out whether another task waits for the intent and, if the lease has expired, how its execution stands.
    Examine {
        /// How the token was lost.
        loss: Loss,
    },
    /// Stop this run, until that is confirmed. Nobody may take it over meanwhile.
    Stop {
        /// Which.
        run: Which,
        /// Whether the task is told after that: then its heart beats meanwhile.
        is_told: bool,
    },
    /// Tell how the task ends, until that is heard.
    Report(Verdict),
    /// Let go of the intent, and wait until it is clear whose the run is.
    AwaitRetry {
        /// Which.
        run: Which,
    },
    /// Nobody has to know of the task any more.
    Close,
    /// The worker goes: the task's heart beats until then, and the next process has it.
    Leave,
    /// The same where nobody waits for the task any more.
    Halt,
}

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// How the own run ended.
    Outcome,
    /// What an earlier process has concluded.
    Journalled,
    /// This error.
    Failure(ErrorName),
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Next {
    /// What has to stand in the journal before anything else is done.
    pub stage: Option<Stage>,
    /// What is then to be done.
    pub step: Step,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The intent is the task's.
    Claimed,
    /// It is not to be had: another open task has it, and its token is good, or it names another job.
    Taken,
    /// The service says that the token is over.
    TokenOver(Loss),
    /// The worker drains: nothing new is to be begun.
    Drains,
    /// Running jobs are to be stopped.
    ToldToStop,
    /// The worker goes.
    Goes,
    /// The job does not run, and should by now.
    Late,
    /// The intent has a run, and that is now the own one.
    Submitted,
    /// There is none that is known of.
    NotSubmitted {
        /// Why.
        why: Unsubmitted,
        /// The own one may exist all the same.
        is_left: bool,
        /// What is known of the token.
        lost: Option<Loss>,
    },
    /// The driver is seen running for the first time.
    Runs,
    /// The own run has ended.
    Ended,
    /// For too long nobody has told how it stands.
    Deaf,
    /// What was taken for the own run is another job, which somebody has given the same ClientToken.
    OtherJob,
    /// The token is good.
    Good,
    /// What decides what becomes of the run.
    Examined {
        /// Another open task waits for the intent.
        is_wanted: bool,
        /// How the execution stands.
        execution: ExecutionState,
    },
    /// It has stopped.
    Stopped {
        /// It had ended by itself.
        by_itself: bool,
    },
    /// Of a run whose stop is to be told, YARN knows nothing, and Livy does not answer.
    Unseen,
    /// For too long nobody has confirmed a stop that is to be told.
    Unconfirmed,
    /// The service has heard the report.
    Heard,
    /// The token was over before; how it was lost.
    Unheard(Loss),
    /// The token is over; perhaps an earlier report, whose answer was lost, has ended it.
    PerhapsHeard(Loss),
    /// The run is somebody else's, or nobody's.
    NotOurs,
    /// No retry will come, and the intent is the task's once more.
    Abandoned,
}

/// Why there is no run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unsubmitted {
    /// The input's Livy cannot be used.
    Unusable,
    /// Livy refuses the job.
    Rejected,
    /// Livy refuses the credentials.
    Unauthorized,
    /// Livy or YARN could not be reached.
    Unavailable,
    /// The ClientToken names another job already.
    OtherJob,
    /// The time to start is over.
    Deadline,
    /// Nobody knows whether there is one.
    Lost,
    /// Just before the POST the token was over, or the worker stopped.
    CalledOff,
    /// Just before the POST the journal could not be written.
    Unwritten,
}
