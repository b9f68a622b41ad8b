//! What is explored in one go: a history of a stack, and what may go wrong meanwhile.

use spark_job_function::properties::{UpdatePolicy, WaitFor};

use crate::defect::Defect;
use crate::names::Version;

/// An operation on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    /// The resource is made.
    Create,
    /// The template changes.
    Update(Version),
    /// The stack, or the resource, is removed.
    Delete,
}

/// What may go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    /// Livy took the POST, and the answer was lost.
    LostPost,
    /// Livy's answer to a DELETE was lost, or CloudFormation's to a question. (A look without an answer is an outage's.)
    LostAnswer,
    /// Livy crashed, and knows its batches when it is back.
    LivyCrash,
    /// Livy crashed, and knows nothing when it is back.
    LivyCrashWithoutRecovery,
    /// Livy forgot a batch that it took for ended.
    Forgetting,
    /// Livy calls a batch dead, whatever is true.
    LostSight,
    /// YARN does not answer for a while.
    YarnOutage,
    /// YARN does not answer for longer than a stop may take.
    LongYarnOutage,
    /// A delivery came twice.
    Duplicate,
    /// A delivery came late.
    Late,
    /// An invocation died.
    Crash,
    /// An invocation's provider panicked, or its time ran out: it answers with what it has claimed.
    Panic,
    /// A job failed.
    JobFailed,
    /// A job succeeded.
    JobSucceeded,
    /// A spark-submit failed.
    SubmitFailed,
    /// A POST arrived late.
    Stall,
}

/// A history of a stack.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) ops: &'static [Op],
    /// In which of them another resource may fail.
    pub(crate) fails_elsewhere: Option<u8>,
    /// An Update at work is called off when another resource fails, and not waited for.
    pub(crate) cancels_updates: bool,
    pub(crate) policy: UpdatePolicy,
    pub(crate) wait_for: WaitFor,
    /// All requests have the same request id.
    pub(crate) reuses_ids: bool,
    /// The function may ask CloudFormation.
    pub(crate) may_ask: bool,
    /// In ticks.
    pub(crate) stop_timeout: u8,
    /// In ticks.
    pub(crate) wait_timeout: u8,
    /// How often requests may be handed over to a further invocation.
    pub(crate) hand_overs: u8,
    /// Anything can come between the question to Livy and the one to YARN.
    pub(crate) splits_looks: bool,
    pub(crate) faults: &'static [Fault],
    /// How many of them in one run.
    pub(crate) most_faults: u8,
    pub(crate) defect: Option<Defect>,
}

impl Scenario {
    /// A history with nothing going wrong.
    pub(crate) const fn new(name: &'static str, ops: &'static [Op]) -> Self {
        Self {
            name,
            ops,
            fails_elsewhere: None,
            cancels_updates: false,
            policy: UpdatePolicy::StopThenStart,
            wait_for: WaitFor::Submitted,
            reuses_ids: false,
            may_ask: true,
            stop_timeout: 5,
            wait_timeout: 4,
            hand_overs: 0,
            splits_looks: false,
            faults: &[],
            most_faults: 0,
            defect: None,
        }
    }

    pub(crate) const fn failing_elsewhere(mut self, op: u8) -> Self {
        self.fails_elsewhere = Some(op);
        self
    }

    pub(crate) const fn cancelling_updates(mut self) -> Self {
        self.cancels_updates = true;
        self
    }

    pub(crate) const fn start_then_stop(mut self) -> Self {
        self.policy = UpdatePolicy::StartThenStop;
        self
    }

    pub(crate) const fn waiting_for(mut self, wait_for: WaitFor) -> Self {
        self.wait_for = wait_for;
        self
    }

    pub(crate) const fn reusing_ids(mut self) -> Self {
        self.reuses_ids = true;
        self
    }

    pub(crate) const fn with_hand_overs(mut self, hand_overs: u8) -> Self {
        self.hand_overs = hand_overs;
        self
    }

    pub(crate) const fn stopping_within(mut self, ticks: u8) -> Self {
        self.stop_timeout = ticks;
        self
    }

    pub(crate) const fn splitting_looks(mut self) -> Self {
        self.splits_looks = true;
        self
    }

    /// At most so many of these in one run.
    pub(crate) const fn with(mut self, most: u8, faults: &'static [Fault]) -> Self {
        self.most_faults = most;
        self.faults = faults;
        self
    }

    pub(crate) const fn unasked(mut self) -> Self {
        self.may_ask = false;
        self
    }

    pub(crate) const fn broken(mut self, defect: Defect) -> Self {
        self.defect = Some(defect);
        self
    }
}
