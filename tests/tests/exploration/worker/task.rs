//! One task in a process: the worker's `executor` around the decisions of its life, one wait a step.

use sparkwright_worker::errors::ErrorName;
use sparkwright_worker::life::fate::{ExecutionState, Loss};
use sparkwright_worker::life::{Event, Life, Next, Stage, Step, Verdict, Which};

use super::checks::{Rule, Violations};
use super::process::Row;
use super::scenario::{Defect, Scenario};
use super::step_functions::Told;
use super::stopping::Stopping;
use super::submitting::Submitting;
use super::surroundings::{Others, Surroundings};
use super::watching::{await_retry, follow};
use crate::names::Run;
use crate::world;

/// A POST settles within so many ticks.
pub(super) const SETTLED: u8 = 3;

/// A task's run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct OwnRun {
    pub(super) run: Run,
    /// Ticks since the last POST of it that may have been received.
    pub(super) since: u8,
    pub(super) application: Option<u8>,
    pub(super) has_run: bool,
    pub(super) is_seen: bool,
    /// For so many ticks nobody has told how it stands.
    pub(super) deaf: u8,
}

impl OwnRun {
    pub(super) fn new(run: Run, since: u8) -> Self {
        Self {
            run,
            since,
            application: None,
            has_run: false,
            is_seen: false,
            deaf: 0,
        }
    }

    pub(super) fn tick(&mut self) {
        self.since = (self.since + 1).min(SETTLED);
    }
}

/// What the process knows of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Lease {
    Unconfirmed,
    Held,
    Over(Loss),
}

/// Its hold on the intent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Claim {
    pub(super) is_held: bool,
    pub(super) is_stopping: bool,
    pub(super) is_adopted: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Task {
    pub(super) attempt: u8,
    pub(super) life: Life,
    /// What has to be written first.
    pub(super) stage: Option<Stage>,
    pub(super) step: Step,
    pub(super) doing: Doing,
    pub(super) own: Option<OwnRun>,
    pub(super) lease: Lease,
    /// Ticks since the token was last known to be good.
    pub(super) silent: u8,
    pub(super) claim: Claim,
    is_resumed: bool,
    was_concluded: bool,
    outcome: Option<world::Life>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Doing {
    /// The step has not begun, or looks again.
    Begin,
    Asleep,
    Submitting(Submitting),
    Stopping(Stopping),
    Reporting {
        may_have_arrived: bool,
        has_arrived: bool,
    },
}

impl Task {
    pub(super) fn begin(row: &Row, is_resumed: bool, scenario: &Scenario) -> Self {
        let (life, next) = Life::begin(scenario.wish, row.stage, row.run.is_some());
        let own = row.run.map(|(run, application)| OwnRun {
            application,
            has_run: row.stage == Stage::Following { running: true },
            ..OwnRun::new(run, 0)
        });
        Self {
            attempt: row.attempt,
            life,
            stage: next.stage,
            step: next.step,
            doing: Doing::Begin,
            own,
            lease: if is_resumed {
                Lease::Unconfirmed
            } else {
                Lease::Held
            },
            silent: row.age,
            claim: Claim::default(),
            is_resumed,
            was_concluded: matches!(row.stage, Stage::Concluded { .. }),
            outcome: None,
        }
    }

    pub(super) fn take_outcome(&mut self) -> Option<world::Life> {
        self.outcome.take()
    }

    pub(super) fn put_outcome(&mut self, outcome: Option<world::Life>) {
        self.outcome = outcome;
    }

    pub(super) fn is_asleep(&self) -> bool {
        self.stage.is_none()
            && match &self.doing {
                Doing::Asleep => true,
                Doing::Submitting(submitting) => submitting.is_asleep(),
                Doing::Stopping(stopping) => stopping.is_asleep(),
                Doing::Begin | Doing::Reporting { .. } => false,
            }
    }

    /// Whether it is about to look at the cluster.
    pub(super) fn looks(&self) -> bool {
        self.stage.is_none()
            && match &self.doing {
                Doing::Begin => matches!(self.step, Step::Follow | Step::AwaitRetry { .. }),
                Doing::Submitting(submitting) => submitting.looks(),
                Doing::Stopping(stopping) => stopping.looks(),
                Doing::Asleep | Doing::Reporting { .. } => false,
            }
    }

    pub(super) fn posts(&self) -> bool {
        matches!(&self.doing, Doing::Submitting(submitting) if submitting.posts())
    }

    pub(super) fn reports(&self) -> bool {
        matches!(self.step, Step::Report(_)) && self.stage.is_none()
    }

    /// Whether it can go on, as far as the service has to say that the token is good.
    pub(super) fn waits_for_the_service(&self, is_connected: bool) -> bool {
        let asks = self.posts() || self.step == Step::Ask;
        let is_fresh = self.lease == Lease::Held && self.silent == 0;
        let is_over = matches!(self.lease, Lease::Over(_));
        !is_connected && ((asks && !is_fresh && !is_over) || self.reports())
    }

    /// Whether the task's step ends when its token is over.
    pub(super) fn heeds_its_token(&self) -> bool {
        match &self.doing {
            Doing::Submitting(submitting) => !submitting.posted,
            _ => matches!(self.step, Step::Claim { is_new: true } | Step::Follow) && self.stage.is_none(),
        }
    }

    /// Whether it ends when the worker drains.
    pub(super) fn heeds_the_draining(&self) -> bool {
        self.heeds_its_token() && self.step != Step::Follow
    }

    /// Whether it ends when the worker goes.
    pub(super) fn heeds_the_end(&self) -> bool {
        self.stage.is_none()
            && !matches!(
                self.step,
                Step::Close | Step::Leave | Step::Halt | Step::Examine { .. }
            )
    }

    /// Whether the time to start may end it.
    pub(super) fn may_be_late(&self) -> bool {
        let own = self.own.as_ref();
        match (&self.doing, self.step) {
            (Doing::Submitting(submitting), Step::Submit { unanswered: None }) => submitting.may_be_late(),
            (_, Step::Claim { is_new: true }) => true,
            (_, Step::Follow) => self.stage.is_none() && own.is_some_and(|own| own.is_seen && !own.has_run),
            _ => false,
        }
    }

    /// What follows from what happened; whether a run, if there is one, is seen to.
    pub(super) fn happens(
        &mut self,
        event: Event,
        scenario: &Scenario,
        others: &Others,
        violations: &mut Violations,
    ) -> bool {
        let event = match event {
            Event::TokenOver(_) if scenario.has(Defect::ExpiredIsCancelled) => {
                Event::TokenOver(Loss::Cancelled)
            }
            Event::PerhapsHeard(_) if scenario.has(Defect::PerhapsHeardIsHeard) => Event::Heard,
            event => event,
        };
        let mut next = self.life.next(event);
        match next.step {
            // As if no token were needed.
            Step::Ask if scenario.has(Defect::StopDoesNotAsk) => next = self.life.next(Event::Good),
            Step::Examine { .. }
                if scenario.has(Defect::UnseenIsClosed) && self.own.is_none() && event != Event::Claimed =>
            {
                next = closed();
            }
            Step::ClaimUnheard if scenario.has(Defect::UnseenIsClosed) => next = closed(),
            Step::AwaitRetry { .. } if scenario.has(Defect::HandedOverIsLetGoOf) && others.is_wanted => {
                next = closed();
            }
            _ => {}
        }
        (self.stage, self.step, self.doing) = (next.stage, next.step, Doing::Begin);
        if self.claim.is_held && next.stage.is_some_and(Stage::is_stopping) {
            self.claim.is_stopping = true;
        }
        if let (Step::Stop { run: Which::Own, .. }, Some(own)) = (next.step, &self.own)
            && others.followed.contains(&own.run)
        {
            violations.add(Rule::AdoptedIsLeftAlone);
        }
        if let (Step::Stop { .. }, true) = (next.step, scenario.has(Defect::StoppingLetsGoOfTheIntent)) {
            self.claim = Claim::default();
        }
        !(matches!(event, Event::Examined { .. }) && next.step == Step::Close)
    }

    /// Takes a step; what happens with it.
    pub(super) fn step(&mut self, around: &mut Surroundings<'_>, is_lost: bool) -> Option<Event> {
        if let Some(stage) = self.stage.take() {
            let told = match self.step {
                Step::Report(verdict) => Some(told_of(verdict, *around.outcome, around.row)),
                _ => None,
            };
            around
                .row
                .write(stage, around.own.as_ref(), told, around.scenario);
            return None;
        }
        match self.step {
            Step::Claim { .. } | Step::ClaimUnheard => {
                self.claim.is_held = true;
                Some(Event::Claimed)
            }
            Step::Submit { unanswered } => {
                if let Doing::Begin = self.doing {
                    self.doing = Doing::Submitting(Submitting::begin(unanswered, around.scenario));
                }
                let Doing::Submitting(submitting) = &mut self.doing else {
                    unreachable!("it submits")
                };
                submitting.step(around, is_lost)
            }
            Step::Follow => {
                self.claim.is_adopted = true;
                self.doing = Doing::Asleep;
                follow(around)
            }
            Step::Ask => match around.is_good()? {
                true => Some(Event::Good),
                false => around.lost().map(Event::TokenOver),
            },
            Step::Examine { loss } => Some(Event::Examined {
                is_wanted: around.others.is_wanted || (!self.claim.is_held && around.others.is_taken),
                execution: if (loss == Loss::Expired || self.is_resumed)
                    && around.is_connected
                    && around.scenario.wish.has_execution
                {
                    around.step_functions.execution()
                } else {
                    ExecutionState::Unknown
                },
            }),
            Step::Stop { run, .. } => self.stop(run, around),
            Step::Report(verdict) => self.report(verdict, around, is_lost),
            Step::AwaitRetry { run } => {
                self.claim = Claim::default();
                if let Doing::Begin = self.doing {
                    // The first look is a period later.
                    self.doing = Doing::Asleep;
                    return await_retry(run, around, &mut self.claim);
                }
                None
            }
            Step::Close | Step::Leave | Step::Halt => unreachable!("the process sees to it"),
        }
    }

    fn stop(&mut self, run: Which, around: &mut Surroundings<'_>) -> Option<Event> {
        if let Doing::Begin = self.doing {
            if run == Which::Any && !self.claim.is_held {
                if around.others.is_taken {
                    return Some(Event::Stopped { by_itself: false });
                }
                self.claim.is_held = true;
            }
            self.doing = Doing::Stopping(Stopping::begin(run, around.own.as_ref(), around.is_told));
        }
        let Doing::Stopping(stopping) = &mut self.doing else {
            unreachable!("it stops")
        };
        stopping.step(around)
    }

    fn report(&mut self, verdict: Verdict, around: &mut Surroundings<'_>, is_lost: bool) -> Option<Event> {
        let (mut may_have_arrived, mut has_arrived) = match self.doing {
            Doing::Reporting {
                may_have_arrived,
                has_arrived,
            } => (may_have_arrived, has_arrived),
            _ => (self.was_concluded, false),
        };
        if has_arrived {
            return Some(Event::Heard);
        }
        if !around.step_functions.is_open(self.attempt) {
            around.beat();
            let lost = around.lost().expect("the token is over");
            return Some(if may_have_arrived {
                Event::PerhapsHeard(lost)
            } else {
                Event::Unheard(lost)
            });
        }
        let told = told_of(verdict, *around.outcome, around.row);
        around.check_told(told);
        around.step_functions.told(self.attempt, told);
        (may_have_arrived, has_arrived) = (true, !is_lost);
        self.doing = Doing::Reporting {
            may_have_arrived,
            has_arrived,
        };
        None
    }
}

/// What is told.
fn told_of(verdict: Verdict, outcome: Option<world::Life>, row: &Row) -> Told {
    match (verdict, outcome) {
        (Verdict::Failure(name), _) => Told::Failure(name),
        (Verdict::Journalled, _) => row.told.expect("it is in the journal"),
        (Verdict::Outcome, Some(world::Life::Succeeded)) => Told::Success,
        (Verdict::Outcome, Some(world::Life::Killed)) => Told::Failure(ErrorName::Killed),
        (Verdict::Outcome, Some(world::Life::Failed)) => Told::Failure(ErrorName::Failed),
        (Verdict::Outcome, _) => Told::Failure(ErrorName::Lost),
    }
}

fn closed() -> Next {
    Next {
        stage: None,
        step: Step::Close,
    }
}
