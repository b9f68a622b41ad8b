//! What must never be.

use super::scenario::Scenario;
use super::state::State;

/// A rule that holds at every moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(super) enum Rule {
    /// Two applications of the intent live only until somebody has looked.
    OneApplication,
    /// A run that a retry has adopted is killed by nobody else.
    AdoptedIsLeftAlone,
    /// What is said to have stopped has.
    StoppedHasStopped,
    /// Nothing is posted for a token while its retry is at work.
    NothingIsPostedInVain,
    /// What an execution is told is true.
    WhatIsToldIsTrue,
    /// In the end nothing lives that nobody sees to.
    NothingIsUnowned,
    /// In the end every task has ended, and the journals are empty.
    EverythingEnds,
}

impl Rule {
    const ALL: [Self; 7] = [
        Self::OneApplication,
        Self::AdoptedIsLeftAlone,
        Self::StoppedHasStopped,
        Self::NothingIsPostedInVain,
        Self::WhatIsToldIsTrue,
        Self::NothingIsUnowned,
        Self::EverythingEnds,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::OneApplication => "one application per intent",
            Self::AdoptedIsLeftAlone => "what a retry has adopted is left alone",
            Self::StoppedHasStopped => "what is said to have stopped has stopped",
            Self::NothingIsPostedInVain => "nothing is posted while a retry is at work",
            Self::WhatIsToldIsTrue => "what is told is true",
            Self::NothingIsUnowned => "nothing is alive and unowned",
            Self::EverythingEnds => "everything ends",
        }
    }
}

/// The rules that were broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Violations(u8);

impl Violations {
    pub(super) fn add(&mut self, rule: Rule) {
        self.0 |= 1 << rule as u8;
    }

    /// Their names.
    pub(super) fn names(self) -> Vec<&'static str> {
        let broken = Rule::ALL.iter().filter(|rule| self.0 & (1 << **rule as u8) != 0);
        broken.map(|rule| rule.name()).collect()
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl State {
    /// What holds in the end: when nothing but time can pass, and that changes nothing any more.
    pub(super) fn check_the_end(&mut self, scenario: &Scenario) {
        if !self.is_over() {
            self.violations.add(Rule::EverythingEnds);
        }
        let is_given_up = self.is_given_up && scenario.may_give_up();
        let keeps = scenario.promises_to_stop() && !is_given_up;
        if keeps && self.world.jobs.iter().any(|job| job.may_live()) {
            self.violations.add(Rule::NothingIsUnowned);
        }
    }
}
