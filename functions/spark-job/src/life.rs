//! The life of a Create or an Update: what comes next, given what was seen. No client, no clock.
//!
//! One [`Life`] serves one invocation. Its driver carries out each [`Step`] and tells what came of it ([`Seen`]), until
//! the step is an [`Answer`]. A further delivery of the same request, or a further invocation that takes it over, begins
//! anew: what an earlier one did is found again on the cluster, never remembered.
//!
//! ```text
//!   Create ───────────────► Look ─────────────────────────► Submit ─► Wait ─┬──────────► Ask ─┬─► Answer
//!                            │  └► LookBack ┐                 ▲     │        └► CallOff ─► Answer│
//!                            ├──────────────┴► Ask ► MakeWay ─┤     └► CallOff                   ├─► LookAround ► Tidy
//!   Update ─┬ same spec ► Glance ─┐                           └► adopt ─► Ask                    │         └─► Answer
//!           └ other spec ► Look   └► in place ─► Ask ────────────────────────────────────────────┘
//! ```
//!
//! After a `Tidy`, which may take long, `LookAgain` looks at whatever is to be answered with; if it has failed since, the
//! answer is FAILED.
//!
//! # Guarantees
//!
//! - Nothing is stopped before the new job's place has answered, and before it was asked whether the request is still
//!   wanted.
//! - Under `StopThenStart` nothing is submitted while an earlier run of the resource may live.
//! - FAILED on Update carries the old id only when nothing was stopped and nothing new is left. If nothing was submitted it
//!   carries the id that says so; else the new one, of no spec, so that the Update that rolls back never takes the failed
//!   run for what it wants, and brings the old job back.
//! - A run that the stack already counts as its own is never called off.

pub mod sweep;
mod words;

use sparkwright_spark_job::names::RunKey;
use sparkwright_spark_job::standing::{Ending, Standing};

pub use self::words::{
    Answer, FailedId, Holder, Left, Overtaken, Previous, Question, Resident, Seen, Step, Target, Waited, Wish,
};
use crate::properties::UpdatePolicy;

/// What follows once the way is clear.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Then {
    Submit,
    Adopt(RunKey),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    Glancing,
    Looking,
    LookingBack,
    AskingToStop(Vec<Target>, Then),
    MakingWay(Then),
    Submitting,
    Waiting,
    AskingToAnswer(Holder),
    /// The previous run as it is, unseen.
    AskingToLeave,
    LookingAround(Holder),
    CallingOff,
    Tidying(Holder),
    LookingAgain(Holder),
    Answered,
}

/// One request's decisions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Life {
    wish: Wish,
    state: State,
    /// Where the new job goes.
    residents: Vec<Resident>,
    /// An earlier run was, or may have been, stopped.
    may_have_stopped: bool,
    /// The wait's time is up, and it is not known yet whether the job has succeeded all the same.
    may_have_succeeded: bool,
}

impl Life {
    /// A life that begins, and its first step.
    pub fn begin(wish: Wish) -> (Self, Step) {
        let (state, step) = match &wish.previous {
            _ if wish.is_submitted => (State::Waiting, Step::Wait),
            Previous::Run { is_wanted: true, .. } => (State::Glancing, Step::Glance),
            _ => (State::Looking, Step::Look),
        };
        let life = Self {
            state,
            residents: Vec::new(),
            may_have_stopped: wish.has_made_way,
            may_have_succeeded: false,
            wish,
        };
        (life, step)
    }

    /// What follows from what came of the last step.
    ///
    /// # Panics
    ///
    /// When that cannot have come of it: a mistake of the driver.
    pub fn next(&mut self, seen: Seen) -> Step {
        let state = std::mem::replace(&mut self.state, State::Answered);
        match (state, seen) {
            (State::Glancing, Seen::Glance(standing)) => self.glanced(standing),
            (State::Looking, Seen::Residents(residents)) => self.looked(residents),
            (State::LookingBack, Seen::Residents(there)) => self.looked_back(Some(&there)),
            (State::LookingBack, Seen::Gone) => self.looked_back(None),
            (State::Looking | State::LookingBack, Seen::Unreachable) => self.failed(Left::Nothing),

            (State::AskingToStop(targets, then), Seen::Wanted) => {
                self.may_have_stopped = true;
                self.to(State::MakingWay(then), Step::MakeWay(targets))
            }
            (State::AskingToStop(..) | State::MakingWay(_), Seen::Overtaken(_)) => self.failed(Left::Nothing),
            (State::MakingWay(then), Seen::Stopped) => self.follow(then),
            (State::MakingWay(_), Seen::Unconfirmed) => self.failed(Left::Nothing),

            (State::Submitting, Seen::Submitted) => self.to(State::Waiting, Step::Wait),
            (State::Submitting, Seen::NotSubmitted(Left::Unknown)) => self.call_off(),
            (State::Submitting, Seen::NotSubmitted(left)) => self.failed(left),
            (State::Waiting, Seen::Waited(Waited::Reached)) => self.reached(Holder::Own),
            // A run that nobody can find may still live.
            (State::Waiting, Seen::Waited(Waited::Ended(Ending::Lost))) => self.failed(Left::Maybe),
            (State::Waiting, Seen::Waited(Waited::Ended(_))) => self.failed(Left::Ended),
            (State::Waiting, Seen::Waited(Waited::TooLate)) => {
                self.may_have_succeeded = true;
                self.call_off()
            }
            (State::AskingToAnswer(holder), Seen::Wanted) => self.answered(holder),
            (State::AskingToLeave, Seen::Wanted) => self.answer(Answer::Success(Holder::Previous)),
            (State::LookingAround(holder), Seen::Residents(residents)) => self.tidy(holder, &residents),
            // CloudFormation's clean-up is what remains.
            (State::LookingAround(holder), Seen::Unreachable) => self.answer(Answer::Success(holder)),

            // The stack has this very run: to stop it now would stop the stack's job. What was submitted beside it is watched.
            (State::Submitting, Seen::Overtaken(Overtaken::ByItself)) => self.to(State::Waiting, Step::Wait),
            (State::Waiting | State::AskingToAnswer(Holder::Own), Seen::Overtaken(Overtaken::ByItself)) => {
                self.answer(Answer::Success(Holder::Own))
            }
            (
                State::Submitting | State::Waiting | State::AskingToAnswer(Holder::Own),
                Seen::Overtaken(Overtaken::ByStack),
            ) => {
                self.may_have_succeeded = false;
                self.call_off()
            }
            // An adopted run has another owner.
            (State::AskingToAnswer(_) | State::AskingToLeave, Seen::Overtaken(_)) => {
                self.failed(Left::Nothing)
            }

            (State::CallingOff, Seen::CalledOff(Left::Succeeded)) if self.may_have_succeeded => {
                self.reached(Holder::Own)
            }
            (State::CallingOff, Seen::CalledOff(left)) => self.failed(left),
            // It may have taken long, and the job that stood before it may have failed since.
            (State::Tidying(holder), Seen::Stopped | Seen::Unconfirmed) => {
                self.to(State::LookingAgain(holder.clone()), Step::LookAgain(holder))
            }
            (State::LookingAgain(holder), Seen::Glance(Some(Standing::Ended(ending))))
                if ending.is_failure() =>
            {
                self.failed(match holder {
                    Holder::Own => Left::Ended,
                    Holder::Previous | Holder::Adopted(_) => Left::Nothing,
                })
            }
            (State::LookingAgain(holder), Seen::Glance(_)) => self.answer(Answer::Success(holder)),
            (state, seen) => unreachable!("{seen:?} cannot come of {state:?}"),
        }
    }

    /// The same job is wanted that the id leads to. One that has failed or was killed is submitted anew.
    fn glanced(&mut self, standing: Option<Standing>) -> Step {
        match standing {
            Some(Standing::Ended(ending)) if ending.is_failure() => self.to(State::Looking, Step::Look),
            Some(Standing::Pending(_) | Standing::Ended(_)) => self.reached(Holder::Previous),
            // No contact is needed.
            None => self.to(State::AskingToLeave, Step::Ask(Question::BeforeAnswer)),
        }
    }

    fn looked(&mut self, residents: Vec<Resident>) -> Step {
        self.residents = residents;
        // What an earlier delivery submitted is watched. If it had to make way, it has done so before.
        if self.residents.iter().any(|run| run.key == self.wish.own) {
            self.may_have_stopped |= self.stops_first();
            return self.submit();
        }
        if self.wish.previous == Previous::None {
            // A job that was retained is not ours to stop.
            return if self.others().is_empty() {
                self.submit()
            } else {
                self.failed(Left::Nothing)
            };
        }
        let stop_first = self.stops_first();
        // The wanted job lives under another id: the original, after `StartThenStop` and a rollback.
        if let Some(original) = self.residents.iter().find(|run| run.is_wanted) {
            let original = original.key.clone();
            let others = self.others().into_iter().filter(|key| *key != original);
            let targets = if stop_first {
                others.map(Target::Here).collect()
            } else {
                Vec::new()
            };
            return self.make_way(targets, Then::Adopt(original));
        }
        match &self.wish.previous {
            Previous::Application
            | Previous::Run {
                is_elsewhere: true, ..
            } if stop_first => self.to(State::LookingBack, Step::LookBack),
            _ if stop_first => {
                let is_shown = |key: &RunKey| self.residents.iter().any(|run| run.key == *key);
                let hidden = self.previous_run().filter(|key| !is_shown(key));
                let others = self.others().into_iter().map(Target::Here);
                let targets = others.chain(hidden.map(|_| Target::Previous)).collect();
                self.make_way(targets, Then::Submit)
            }
            _ => self.submit(),
        }
    }

    fn looked_back(&mut self, there: Option<&[Resident]>) -> Step {
        let mut targets: Vec<_> = self.others().into_iter().map(Target::Here).collect();
        if let Some(there) = there {
            match &self.wish.previous {
                Previous::Run { key, .. } => {
                    targets.extend(
                        there
                            .iter()
                            .filter(|run| run.lives)
                            .map(|run| Target::There(run.key.clone())),
                    );
                    if !there.iter().any(|run| run.key == *key) {
                        targets.push(Target::Previous);
                    }
                }
                _ => targets.push(Target::Previous),
            }
        }
        self.make_way(targets, Then::Submit)
    }

    /// The live runs where the new job goes, but for the own one.
    fn others(&self) -> Vec<RunKey> {
        let is_other = |run: &&Resident| run.lives && run.key != self.wish.own;
        let others = self.residents.iter().filter(is_other);
        others.map(|run| run.key.clone()).collect()
    }

    fn make_way(&mut self, targets: Vec<Target>, then: Then) -> Step {
        if targets.is_empty() {
            return self.follow(then);
        }
        self.to(
            State::AskingToStop(targets, then),
            Step::Ask(Question::BeforeStopping),
        )
    }

    fn follow(&mut self, then: Then) -> Step {
        match then {
            Then::Submit => self.submit(),
            // Under another id CloudFormation would take it for a new one, and have the old id's run stopped: this one.
            Then::Adopt(run) if self.previous_run() == Some(&run) => self.reached(Holder::Previous),
            Then::Adopt(run) => self.reached(Holder::Adopted(run)),
        }
    }

    fn submit(&mut self) -> Step {
        self.to(State::Submitting, Step::Submit)
    }

    fn call_off(&mut self) -> Step {
        self.to(State::CallingOff, Step::CallOff)
    }

    fn reached(&mut self, holder: Holder) -> Step {
        self.to(State::AskingToAnswer(holder), Step::Ask(Question::BeforeAnswer))
    }

    /// CloudFormation deletes the old id; whatever else of the resource still runs has no owner any more. An earlier Update
    /// may have left it, which was called off at the moment of its answer.
    fn answered(&mut self, holder: Holder) -> Step {
        let has_made_way = holder != Holder::Previous && self.stops_first();
        if self.wish.previous == Previous::None || has_made_way {
            return self.answer(Answer::Success(holder));
        }
        self.to(State::LookingAround(holder), Step::LookAround)
    }

    fn tidy(&mut self, holder: Holder, residents: &[Resident]) -> Step {
        let is_owned = |key: &RunKey| {
            *key == self.wish.own
                || self.previous_run() == Some(key)
                || matches!(&holder, Holder::Adopted(adopted) if adopted == key)
        };
        let is_all_there_is = matches!(
            self.wish.previous,
            Previous::Run {
                is_of_failed_update: true,
                ..
            }
        );
        let ownerless: Vec<_> = residents
            .iter()
            .filter(|run| run.lives && !is_owned(&run.key))
            // What stays in place removes what came after it. What is older was retained.
            .filter(|run| run.is_newer || is_all_there_is || holder != Holder::Previous)
            .map(|run| Target::Here(run.key.clone()))
            .collect();
        if ownerless.is_empty() {
            return self.answer(Answer::Success(holder));
        }
        self.to(State::Tidying(holder), Step::Tidy(ownerless))
    }

    fn stops_first(&self) -> bool {
        self.wish.policy == UpdatePolicy::StopThenStart
    }

    fn previous_run(&self) -> Option<&RunKey> {
        match &self.wish.previous {
            Previous::Run { key, .. } => Some(key),
            Previous::None | Previous::Nothing | Previous::Application => None,
        }
    }

    /// Which id tells the truth about what is left.
    fn failed(&mut self, left: Left) -> Step {
        let is_create = self.wish.previous == Previous::None;
        let is_new_left = match left {
            Left::Nothing => false,
            // A Create's id is asked for once more by a Delete, which then has nothing to do.
            Left::Ended | Left::Succeeded => is_create,
            Left::Maybe | Left::Unknown => true,
        };
        // What an earlier delivery has done is not known, unless a look has shown what became of its run.
        let may_be_left = self.wish.may_be_repeated && (self.stops_first() || left == Left::Nothing);
        let id = if is_new_left || may_be_left {
            FailedId::Own
        } else if self.may_have_stopped && left == Left::Nothing {
            FailedId::Nothing
        } else if self.may_have_stopped {
            FailedId::Own
        } else {
            FailedId::Unchanged
        };
        self.answer(Answer::Failed(id))
    }

    fn answer(&mut self, answer: Answer) -> Step {
        self.to(State::Answered, Step::Answer(answer))
    }

    fn to(&mut self, state: State, step: Step) -> Step {
        self.state = state;
        step
    }
}

#[cfg(test)]
mod tests;
