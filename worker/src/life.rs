//! The life of a task: what comes next, given what happened. No client, no clock.
//!
//! One [`Life`] serves a task in one process. Its driver writes each [`Stage`] into the journal, carries out the [`Step`]
//! that follows and tells what happened ([`Event`]), until the step is to close the task's row or to leave it. The next
//! process begins anew, at the stage that the journal has.
//!
//! ```text
//!   Claim ─► Submit ─► Follow ─┬────────────────────────► Report ─┬─► Close
//!     │         │         │    └► Ask ─► Stop (is told) ─►        ├─► Stop ──► Close
//!     └─────────┴─────────┴► Examine ─┬► Stop ─► Close            └─► Examine
//!       the token is over             ├► AwaitRetry ─┬► Close
//!                                     └► Close       └► Stop ─► Close
//! ```
//!
//! # Guarantees
//!
//! - What is done to the world stands in the journal first: a run is followed, stopped, left for a retry, and its end
//!   reported, only under a stage that says so.
//! - A run is stopped only while the token is known to be good, after a cancel, or once its execution has ended: never for
//!   a token that has expired, because a retry may have its run by then.
//! - A task whose token is over is closed only when its run has ended, when somebody else has it, when it was told to be
//!   left, or when nobody can say whether a retry comes.
//! - A failure that says that a job was stopped is told after its stop was confirmed. Where for too long nobody could, the
//!   job is lost, and its stop goes on.

pub mod fate;
pub mod search;
mod words;

use self::fate::{Evidence, ExecutionState, Fate, Loss, judge};
pub use self::words::{Event, Next, Stage, Step, Unsubmitted, Verdict, Which, Wish};
use crate::config::{Drain, OnCancel};
use crate::errors::ErrorName;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    Claiming(Stage),
    ClaimingUnheard(Loss),
    Submitting,
    Following,
    /// Before a stop, of which the task is told this.
    Asking(ErrorName),
    Examining(Loss, Which),
    Stopping(Option<ErrorName>),
    Reporting(Option<Which>),
    AwaitingRetry(Which),
    Over,
}

/// One task's decisions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Life {
    wish: Wish,
    state: State,
}

impl Life {
    /// A life that begins at a stage, and what comes first; `is_known` if the stage names a run that this release can find
    /// again.
    pub fn begin(wish: Wish, stage: Stage, is_known: bool) -> (Self, Next) {
        let state = State::Claiming(match stage {
            // What the intent has is looked for.
            Stage::Following { .. } if !is_known => Stage::Received,
            Stage::Concluded {
                left: Some(Which::Own),
            } if !is_known => Stage::Concluded { left: None },
            stage => stage,
        });
        let mut life = Self { wish, state };
        let next = match stage {
            Stage::Orphaned { run: Which::Own }
            | Stage::Stopping {
                run: Which::Own,
                telling: None,
            } if !is_known => life.close(),
            Stage::Stopping {
                run: Which::Own,
                telling: Some(name),
            } if !is_known => life.fail(name, None),
            // It has no claim.
            Stage::Orphaned { run } => life.to(State::AwaitingRetry(run), Step::AwaitRetry { run }),
            Stage::Received
            | Stage::Posting { .. }
            | Stage::Following { .. }
            | Stage::Stopping { .. }
            | Stage::Concluded { .. } => Next {
                stage: None,
                step: Step::Claim {
                    is_new: stage == Stage::Received,
                },
            },
        };
        (life, next)
    }

    /// What follows from what happened.
    ///
    /// # Panics
    ///
    /// When that cannot happen in the step at hand: a mistake of the driver.
    #[must_use]
    pub fn next(&mut self, event: Event) -> Next {
        let state = std::mem::replace(&mut self.state, State::Over);
        match (state, event) {
            (State::Claiming(stage), Event::Claimed) => self.take_up(stage),
            (State::Claiming(Stage::Concluded { .. }), Event::Taken) => {
                self.report(Verdict::Journalled, None)
            }
            (State::Claiming(_), Event::Taken) => self.fail(ErrorName::InvalidInput, None),
            (State::Claiming(_), Event::Late) => self.fail(ErrorName::StartTimeout, self.unsearched()),
            (State::Claiming(_) | State::Submitting, Event::Drains) => self.put_down(),
            (State::Claiming(_) | State::Submitting | State::Following | State::Asking(_), Event::Goes) => {
                self.leave()
            }
            // Whoever has the intent may just have handed a run over to the task.
            (State::Claiming(_), Event::TokenOver(loss)) if self.may_be_left(Which::Any) => {
                self.to(State::ClaimingUnheard(loss), Step::ClaimUnheard)
            }
            (State::Claiming(_), Event::TokenOver(_)) => self.close(),
            (State::ClaimingUnheard(loss), Event::Claimed) => self.examine(loss, Which::Any),
            (State::ClaimingUnheard(_), Event::Taken) => self.close(),

            (State::Submitting, Event::Submitted) => self.follow(false),
            (State::Submitting, Event::TokenOver(loss)) => self.examine(loss, Which::Any),
            (State::Submitting, Event::NotSubmitted { why, is_left, lost }) => {
                self.not_submitted(why, is_left, lost)
            }

            (State::Following, Event::Runs) => self.follow(true),
            (State::Following, Event::Ended) => self.report(Verdict::Outcome, None),
            (State::Following | State::Asking(_), Event::TokenOver(loss)) => self.examine(loss, Which::Own),
            (State::Following, Event::Late) => self.ask(ErrorName::StartTimeout),
            (State::Following, Event::ToldToStop) => self.ask(ErrorName::Cancelled),
            (State::Following, Event::Deaf) => self.fail(ErrorName::Lost, Some(Which::Own)),
            // It is not this task's, and lives on.
            (State::Following, Event::OtherJob) => self.fail(ErrorName::InvalidInput, None),
            (State::Asking(name), Event::Good) => self.stop(Which::Own, Some(name)),

            (State::Examining(loss, run), Event::Examined { is_wanted, execution }) => {
                self.examined(loss, run, is_wanted, execution)
            }

            // Nobody else has killed it: how it ended is what was asked for.
            (State::Stopping(Some(_)), Event::Stopped { by_itself: true }) => {
                self.report(Verdict::Outcome, None)
            }
            (State::Stopping(Some(name)), Event::Stopped { by_itself: false }) => self.fail(name, None),
            // The stop goes on after that: Livy may yet bring the run about.
            (State::Stopping(Some(name)), Event::Unseen) => self.fail(name, Some(Which::Own)),
            (State::Stopping(Some(_)), Event::Unconfirmed) => self.fail(ErrorName::Lost, Some(Which::Own)),
            (State::Stopping(None), Event::Stopped { .. }) => self.close(),
            (State::Stopping(Some(_)), Event::Goes) => self.leave(),

            (State::Reporting(Some(Which::Own)), Event::Heard) => self.stop(Which::Own, None),
            (State::Reporting(_), Event::Heard) => self.close(),
            // Unheard, it ended nothing: a retry may have the run.
            (State::Reporting(Some(run)), Event::Unheard(loss) | Event::PerhapsHeard(loss)) => {
                self.examine(loss, run)
            }
            (State::Reporting(None), Event::Unheard(_) | Event::PerhapsHeard(_)) => self.close(),

            (State::AwaitingRetry(_), Event::NotOurs | Event::Ended) => self.close(),
            (State::AwaitingRetry(run), Event::Abandoned) => self.stop(run, None),

            (
                State::ClaimingUnheard(_)
                | State::Examining(..)
                | State::Stopping(None)
                | State::Reporting(_)
                | State::AwaitingRetry(_),
                Event::Goes,
            ) => self.to(State::Over, Step::Halt),
            (state, event) => unreachable!("{event:?} cannot happen in {state:?}"),
        }
    }

    fn take_up(&mut self, stage: Stage) -> Next {
        match stage {
            Stage::Received => self.submit(None),
            Stage::Posting { number } => self.submit(Some(number)),
            Stage::Following { running } => self.follow(running),
            // Its token may have expired since, and a retry may have the run.
            Stage::Stopping {
                telling: Some(name), ..
            } => self.ask(name),
            Stage::Stopping { run, telling: None } => self.stop(run, None),
            Stage::Concluded { left } => self.report(Verdict::Journalled, left),
            Stage::Orphaned { .. } => unreachable!("it claims nothing"),
        }
    }

    fn not_submitted(&mut self, why: Unsubmitted, is_left: bool, lost: Option<Loss>) -> Next {
        let own = is_left.then_some(Which::Own);
        match (lost, own, why) {
            (Some(loss), Some(run), _) => self.examine(loss, run),
            // A look just before has shown that there is none.
            (Some(_), None, Unsubmitted::CalledOff) => self.close(),
            (None, None, Unsubmitted::Unwritten) => self.fail(ErrorName::WorkerDraining, None),
            (None, None, Unsubmitted::CalledOff) => self.put_down(),
            (None, Some(_), Unsubmitted::CalledOff | Unsubmitted::Unwritten) => self.leave(),
            (None, Some(_), Unsubmitted::Deadline) => self.ask(ErrorName::StartTimeout),
            (_, None, Unsubmitted::Deadline) => self.fail(ErrorName::StartTimeout, self.unsearched()),
            (_, _, Unsubmitted::Unavailable) => self.fail(ErrorName::LivyUnavailable, self.unsearched()),
            (_, _, Unsubmitted::Unauthorized) => self.fail(ErrorName::Rejected, self.unsearched()),
            (_, _, Unsubmitted::Rejected) => self.fail(ErrorName::Rejected, None),
            (_, _, Unsubmitted::Unusable) => self.fail(ErrorName::InvalidInput, None),
            (_, own, Unsubmitted::OtherJob) => self.fail(ErrorName::InvalidInput, own),
            (_, own, Unsubmitted::Lost) => self.fail(ErrorName::Lost, own),
            (Some(_), None, Unsubmitted::Unwritten) => self.close(),
        }
    }

    /// The token is over. Of a run that nobody has seen it is only known that the intent may have one.
    fn examine(&mut self, loss: Loss, run: Which) -> Next {
        if !self.may_be_left(run) {
            return self.close();
        }
        self.to(State::Examining(loss, run), Step::Examine { loss })
    }

    fn examined(&mut self, loss: Loss, run: Which, is_wanted: bool, execution: ExecutionState) -> Next {
        let fate = judge(Evidence {
            loss,
            is_wanted,
            execution,
            on_cancel: self.wish.on_cancel,
        });
        match fate {
            Fate::Stop => self.stop(run, None),
            Fate::Leave => self.close(),
            // The retry that waits may end before it has the run.
            Fate::HandOver | Fate::Wait if self.wish.has_execution => Next {
                stage: Some(Stage::Orphaned { run }),
                ..self.to(State::AwaitingRetry(run), Step::AwaitRetry { run })
            },
            Fate::HandOver | Fate::Wait => self.close(),
        }
    }

    /// Whether the task has to see to a run.
    fn may_be_left(&self, run: Which) -> bool {
        match run {
            Which::Own => true,
            Which::Any => self.wish.is_repeatable && self.wish.on_cancel == OnCancel::Stop,
        }
    }

    /// What a task leaves that never learned whether its intent has a run.
    fn unsearched(&self) -> Option<Which> {
        self.may_be_left(Which::Any).then_some(Which::Any)
    }

    /// A task that was not begun, and is not going to be: the next process finds it in the journal, or another worker has
    /// it at once.
    fn put_down(&mut self) -> Next {
        match self.wish.drain {
            Drain::Leave => self.leave(),
            Drain::Wait | Drain::Stop => self.fail(ErrorName::WorkerDraining, self.unsearched()),
        }
    }

    fn submit(&mut self, unanswered: Option<u32>) -> Next {
        self.to(State::Submitting, Step::Submit { unanswered })
    }

    fn follow(&mut self, running: bool) -> Next {
        Next {
            stage: Some(Stage::Following { running }),
            ..self.to(State::Following, Step::Follow)
        }
    }

    fn ask(&mut self, name: ErrorName) -> Next {
        self.to(State::Asking(name), Step::Ask)
    }

    fn stop(&mut self, run: Which, telling: Option<ErrorName>) -> Next {
        let is_told = telling.is_some();
        Next {
            stage: Some(Stage::Stopping { run, telling }),
            ..self.to(State::Stopping(telling), Step::Stop { run, is_told })
        }
    }

    fn fail(&mut self, name: ErrorName, left: Option<Which>) -> Next {
        self.report(Verdict::Failure(name), left)
    }

    fn report(&mut self, verdict: Verdict, left: Option<Which>) -> Next {
        Next {
            stage: Some(Stage::Concluded { left }),
            ..self.to(State::Reporting(left), Step::Report(verdict))
        }
    }

    fn leave(&mut self) -> Next {
        self.to(State::Over, Step::Leave)
    }

    fn close(&mut self) -> Next {
        self.to(State::Over, Step::Close)
    }

    fn to(&mut self, state: State, step: Step) -> Next {
        self.state = state;
        Next { stage: None, step }
    }
}

#[cfg(test)]
mod tests;
