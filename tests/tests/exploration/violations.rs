//! What must never be.

/// A rule that holds at every moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub(crate) enum Rule {
    /// Two applications of one intent live only until somebody has looked.
    OneApplicationPerIntent,
    /// Under `StopThenStart` two runs of the resource never live at the same time.
    OneRunPerResource,
    /// SUCCESS of a Create or an Update is about a job that lives or has succeeded.
    SuccessIsTrue,
    /// SUCCESS of a Delete means that nothing of it lives or will.
    DeletedIsGone,
    /// What is said to have stopped has.
    StoppedHasStopped,
    /// A failure that carries the old id leaves nothing new, and the old run as it was.
    OldIdIsTrue,
    /// CloudFormation never waits in vain.
    EveryRequestIsAnswered,
    /// In the end, what lives is what the stack has.
    NothingIsUnowned,
    /// In the end, what the stack has lives, unless it ended by itself.
    NothingIsLost,
    /// Nobody but its own Delete, or the Update that replaces it, stops the stack's run.
    TheStacksRunIsLeftAlone,
    /// A request stops its own run, and what it is there to replace or to remove.
    OnlyWhatIsMeantIsStopped,
    /// Where nothing goes wrong nothing fails.
    NothingFailsByItself,
    /// Something can always happen until all is over.
    NothingIsStuck,
}

impl Rule {
    pub(crate) const ALL: [Self; 13] = [
        Self::OneApplicationPerIntent,
        Self::OneRunPerResource,
        Self::SuccessIsTrue,
        Self::DeletedIsGone,
        Self::StoppedHasStopped,
        Self::OldIdIsTrue,
        Self::EveryRequestIsAnswered,
        Self::NothingIsUnowned,
        Self::NothingIsLost,
        Self::TheStacksRunIsLeftAlone,
        Self::OnlyWhatIsMeantIsStopped,
        Self::NothingFailsByItself,
        Self::NothingIsStuck,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OneApplicationPerIntent => "one application per intent",
            Self::OneRunPerResource => "one run per resource under StopThenStart",
            Self::SuccessIsTrue => "SUCCESS is true",
            Self::DeletedIsGone => "what is deleted is gone",
            Self::StoppedHasStopped => "what is said to have stopped has stopped",
            Self::OldIdIsTrue => "a failure with the old id changed nothing",
            Self::EveryRequestIsAnswered => "every request is answered",
            Self::NothingIsUnowned => "nothing is alive and unowned",
            Self::NothingIsLost => "what the stack has lives",
            Self::TheStacksRunIsLeftAlone => "the stack's run is left alone",
            Self::OnlyWhatIsMeantIsStopped => "only what is meant is stopped",
            Self::NothingFailsByItself => "where nothing goes wrong nothing fails",
            Self::NothingIsStuck => "something can always happen",
        }
    }
}

/// The rules that were broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Violations(u16);

impl Violations {
    pub(crate) fn add(&mut self, rule: Rule) {
        self.0 |= 1 << rule as u16;
    }

    /// Their names.
    pub(crate) fn names(self) -> Vec<&'static str> {
        let broken = Rule::ALL.iter().filter(|rule| self.0 & (1 << **rule as u16) != 0);
        broken.map(|rule| rule.name()).collect()
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }
}
