//! The words in which a [`Life`](super::Life) and its driver speak.

use sparkwright_spark_job::names::RunKey;
use sparkwright_spark_job::standing::{Ending, Standing};

use crate::properties::UpdatePolicy;

/// What a request is for, as far as decisions need it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wish {
    /// The run that the request has, or would have.
    pub own: RunKey,
    /// What its id leads to.
    pub previous: Previous,
    /// How a changed job takes the old one's place.
    pub policy: UpdatePolicy,
    /// An earlier delivery of the request may have acted and died.
    pub may_be_repeated: bool,
    /// An earlier invocation of the request has submitted its run, and handed over.
    pub is_submitted: bool,
    /// An earlier invocation of the request has begun to stop earlier runs.
    pub has_made_way: bool,
}

/// What a request's physical id leads to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Previous {
    /// It has none: a Create.
    None,
    /// Nothing that could run.
    Nothing,
    /// One of our runs.
    Run {
        /// Which.
        key: RunKey,
        /// It was submitted for the spec that is wanted now.
        is_wanted: bool,
        /// At another Livy than the one that is declared now.
        is_elsewhere: bool,
        /// Of an Update that failed: the id is all that the stack has, and no older run has another owner.
        is_of_failed_update: bool,
    },
    /// An application that another program submitted.
    Application,
}

/// A run of the resource that a look showed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resident {
    /// Which.
    pub key: RunKey,
    /// Whether anything of it may live.
    pub lives: bool,
    /// Whether a live application of it has the spec that is wanted.
    pub is_wanted: bool,
    /// Whether it was submitted after the run that the id leads to, as far as is known.
    pub is_newer: bool,
}

/// Something that has to go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A run that was seen where the new job goes.
    Here(RunKey),
    /// A run that was seen where the old job was.
    There(RunKey),
    /// What the id leads to, though no look showed it: it may be late.
    Previous,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Look for a moment at the run that the id leads to.
    Glance,
    /// Look what the resource has where the new job goes.
    Look,
    /// Look what it has where the id leads.
    LookBack,
    /// Look there again, for runs that nobody owns now.
    LookAround,
    /// Ask whether the request is still wanted.
    Ask(Question),
    /// Claim the new id, and stop these.
    MakeWay(Vec<Target>),
    /// Submit the own run, or adopt what there is of it.
    Submit,
    /// Wait until it stands as asked.
    Wait,
    /// Stop the own run, and see what is left of it.
    CallOff,
    /// Stop these if that can be done: nobody owns them any more.
    Tidy(Vec<Target>),
    /// Look once more, for a moment, at the run that is to be answered with.
    LookAgain(Holder),
    /// Answer.
    Answer(Answer),
}

/// When it is asked whether a request is still wanted. (It is also asked around the POST and while waiting.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// Before earlier runs are stopped.
    BeforeStopping,
    /// Before SUCCESS.
    BeforeAnswer,
}

/// How a request ends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// SUCCESS, and which run now is the resource's.
    Success(Holder),
    /// FAILED, and by which id.
    Failed(FailedId),
}

/// Whose run a SUCCESS is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// The request's own.
    Own,
    /// The one that its id leads to: nothing changes.
    Previous,
    /// One that lives already.
    Adopted(RunKey),
}

/// Which id a failure carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailedId {
    /// The new one: it leads to whatever is left.
    Own,
    /// The request's: the old job still stands for it. For a Create, the id that says that nothing was submitted.
    Unchanged,
    /// The id that says that nothing was submitted, and that there is no old job any more.
    Nothing,
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// Of a glance, or of a look again; none when nobody could say.
    Glance(Option<Standing>),
    /// Of a look: every run of the resource there.
    Residents(Vec<Resident>),
    /// Of a look back: there is no such place any more, and nothing of it lives.
    Gone,
    /// Of a look: it could not be had in time.
    Unreachable,
    /// The request is still wanted.
    Wanted,
    /// It was overtaken.
    Overtaken(Overtaken),
    /// Everything that had to go has gone.
    Stopped,
    /// That could not be confirmed.
    Unconfirmed,
    /// The own run exists.
    Submitted,
    /// It does not, and so much is left.
    NotSubmitted(Left),
    /// The wait is over.
    Waited(Waited),
    /// The own run was stopped, or not.
    CalledOff(Left),
}

/// What overtook a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Overtaken {
    /// Another delivery of the same request: the stack counts the own run as its resource.
    ByItself,
    /// The stack went on without it.
    ByStack,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Waited {
    /// The job stands as asked.
    Reached,
    /// It ended, and not as asked.
    Ended(Ending),
    /// Time is up.
    TooLate,
}

/// What is left of the own run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Left {
    /// Nothing was ever submitted.
    Nothing,
    /// It has ended for certain.
    Ended,
    /// It has succeeded, seen while it was to be stopped.
    Succeeded,
    /// It may still live.
    Maybe,
    /// Something was submitted, and nobody has looked yet what became of it.
    Unknown,
}
