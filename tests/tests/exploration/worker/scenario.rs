//! What is explored in one go: an execution, its workers, and what may go wrong meanwhile.

use sparkwright_worker::config::{Drain, OnCancel};
use sparkwright_worker::life::Wish;

/// What may go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Fault {
    /// A process ends at once.
    Crash,
    /// A worker cannot reach Step Functions for a while.
    CutOff,
    /// Livy took the POST, and the answer was lost.
    LostPost,
    /// Step Functions took the report, and the answer was lost.
    LostReport,
    /// Livy crashed, and knows nothing when it is back.
    LivyCrash,
    /// YARN does not answer for a while.
    YarnOutage,
    /// Neither of them answers for longer than a job is given up after.
    Outage,
}

/// Rules of the worker, each broken on purpose to see that the checker finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Defect {
    /// A POST is sent before the journal has it.
    PostIsNotJournalled,
    /// A POST is sent without asking whether the token is good.
    PostDoesNotAsk,
    /// A retry submits under the next number whatever there is.
    RetryDoesNotAdopt,
    /// A run that is adopted settles from the own POST of the same name.
    AdoptedSettlesFromTheOwnPost,
    /// A token that has expired counts as cancelled.
    ExpiredIsCancelled,
    /// A run that is left for a retry is not kept in the journal.
    OrphanIsNotJournalled,
    /// A run that is left for a retry is let go of once a retry has the intent, though not yet the run.
    OrphanIsLetGoOfEarly,
    /// A run that the waiting retry shall have is let go of.
    HandedOverIsLetGoOf,
    /// The task is told that its job was stopped before that was confirmed.
    ToldBeforeStopped,
    /// A stop begins, or goes on after a restart, without asking whether the token is good.
    StopDoesNotAsk,
    /// While a job is being stopped, others may have its intent.
    StoppingLetsGoOfTheIntent,
    /// A token that is over at a repeated report counts as ended by the first.
    PerhapsHeardIsHeard,
    /// A task that is over before it could look is closed.
    UnseenIsClosed,
}

/// An execution, its workers, and what may go wrong.
#[derive(Clone, Debug)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) workers: usize,
    /// How often the state is retried.
    pub(super) retries: u8,
    pub(super) wish: Wish,
    /// Somebody may stop the execution.
    pub(super) may_be_stopped: bool,
    /// A job may take longer to start than it may.
    pub(super) may_be_late: bool,
    /// How often a worker may be told to end.
    pub(super) drains: u8,
    pub(super) faults: &'static [Fault],
    /// How many of them in one run.
    pub(super) most_faults: u8,
    pub(super) defect: Option<Defect>,
}

impl Scenario {
    /// An execution on one worker, with ClientToken and ExecutionId, and with nothing going wrong.
    pub(super) const fn new(name: &'static str) -> Self {
        Self {
            name,
            workers: 1,
            retries: 1,
            wish: Wish {
                is_repeatable: true,
                has_execution: true,
                on_cancel: OnCancel::Stop,
                drain: Drain::Leave,
            },
            may_be_stopped: false,
            may_be_late: false,
            drains: 0,
            faults: &[],
            most_faults: 0,
            defect: None,
        }
    }

    pub(super) const fn on_two_workers(mut self) -> Self {
        self.workers = 2;
        self
    }

    pub(super) const fn retried(mut self, retries: u8) -> Self {
        self.retries = retries;
        self
    }

    pub(super) const fn stopped(mut self) -> Self {
        self.may_be_stopped = true;
        self
    }

    pub(super) const fn late(mut self) -> Self {
        self.may_be_late = true;
        self
    }

    pub(super) const fn draining(mut self, drain: Drain) -> Self {
        self.drains = 1;
        self.wish.drain = drain;
        self
    }

    pub(super) const fn leaving_what_is_cancelled(mut self) -> Self {
        self.wish.on_cancel = OnCancel::Leave;
        self
    }

    pub(super) const fn without_execution(mut self) -> Self {
        self.wish.has_execution = false;
        self
    }

    pub(super) const fn without_client_token(mut self) -> Self {
        self.wish.is_repeatable = false;
        self.retries = 0;
        self
    }

    pub(super) const fn with(mut self, most: u8, faults: &'static [Fault]) -> Self {
        self.most_faults = most;
        self.faults = faults;
        self
    }

    pub(super) const fn broken(mut self, defect: Defect) -> Self {
        self.defect = Some(defect);
        self
    }

    /// Whether a run that was given up may be alive in the end: without an ExecutionId nobody can tell whether a retry comes.
    pub(super) fn may_give_up(&self) -> bool {
        !self.wish.has_execution
    }

    /// Whether no other run may be: what is to be left is left.
    pub(super) fn promises_to_stop(&self) -> bool {
        self.wish.on_cancel == OnCancel::Stop
    }

    pub(super) fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }
}
