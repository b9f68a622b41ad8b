//! The model as the checker takes it: every action that is possible in a state.

use std::sync::Arc;

use stateright::{Model, Property};

use crate::invocation::{Invocation, Touch};
use crate::request::Kind;
use crate::scenario::{Fault, Scenario};
use crate::state::State;
use crate::violations::Rule;
use crate::world::Life;

/// How many ticks YARN is away: for a while, or for longer than a stop may take.
const OUTAGE: u8 = 1;
const LONG_OUTAGE: u8 = 7;

/// The property that is broken with any rule.
const BROKEN: &str = "no rule is broken";

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A minute passes.
    Tick,
    /// CloudFormation goes on.
    Proceed,
    /// Another resource of the stack fails.
    FailElsewhere,
    /// Lambda invokes the function.
    Deliver(usize),
    /// An invocation takes its next step.
    Step(usize),
    /// An invocation hands its request over.
    HandOver(usize),
    /// A spark-submit's application appears.
    Appear(usize),
    /// The answer to an invocation's next step is lost.
    Lose(usize),
    /// Lambda invokes the function, and will do so once more.
    DeliverTwice(usize),
    /// A delivery comes late.
    Delay(usize),
    /// An invocation dies.
    Crash(usize),
    /// An invocation's provider panics.
    Panic(usize),
    /// An invocation asks whether its request is wanted, and its POST takes its time.
    Stall(usize),
    CrashLivy {
        recovers: bool,
    },
    Forget(usize),
    LoseSight(usize),
    StopYarn {
        ticks: u8,
    },
    EndJob(usize, Life),
}

impl Scenario {
    fn may(&self, state: &State, fault: Fault) -> bool {
        state.faults < self.most_faults && self.faults.contains(&fault)
    }

    fn of_invocations(&self, state: &State, actions: &mut Vec<Action>) {
        for (number, invocation) in state.invocations.iter().enumerate() {
            if !invocation.is_asleep {
                actions.push(Action::Step(number));
                let loss = match invocation.touches() {
                    Touch::Post | Touch::LatePost => Some(Fault::LostPost),
                    Touch::DeleteBatch | Touch::Stack => Some(Fault::LostAnswer),
                    _ => None,
                };
                if loss.is_some_and(|loss| self.may(state, loss)) {
                    actions.push(Action::Lose(number));
                }
                if invocation.touches() == Touch::Post && self.may(state, Fault::Stall) {
                    actions.push(Action::Stall(number));
                }
                if self.may(state, Fault::Crash) {
                    actions.push(Action::Crash(number));
                }
                if self.may(state, Fault::Panic) {
                    actions.push(Action::Panic(number));
                }
            } else if state.hand_overs < self.hand_overs
                && state.requests[usize::from(invocation.request)].kind != Kind::Delete
            {
                actions.push(Action::HandOver(number));
            }
        }
    }

    fn of_deliveries(&self, state: &State, actions: &mut Vec<Action>) {
        for (number, delivery) in state.deliveries.iter().enumerate() {
            if delivery.can_come() {
                actions.push(Action::Deliver(number));
                if self.may(state, Fault::Duplicate) {
                    actions.push(Action::DeliverTwice(number));
                }
                if self.may(state, Fault::Late) && delivery.has_to_come() {
                    actions.push(Action::Delay(number));
                }
            }
        }
    }

    fn of_the_world(&self, state: &State, actions: &mut Vec<Action>) {
        // What changes when nobody is about to look changes just as well before the next look.
        let is_watched =
            |invocation: &Arc<Invocation>| !invocation.is_asleep && invocation.touches().is_of_the_cluster();
        let world = &state.world;
        let is_watched = state.invocations.iter().any(is_watched);
        // An outage lasts: it matters before which tick it begins.
        if is_watched || state.may_tick(self) {
            self.of_outages(state, actions);
        }
        if !is_watched {
            return;
        }
        for (number, job) in world.jobs.iter().enumerate() {
            let ends: &[_] = match job.life {
                Life::Submitting { .. } => {
                    actions.push(Action::Appear(number));
                    &[(Fault::SubmitFailed, Life::NeverStarted)]
                }
                Life::Accepted | Life::Running => &[
                    (Fault::JobFailed, Life::Failed),
                    (Fault::JobSucceeded, Life::Succeeded),
                ],
                _ => &[],
            };
            let ends = ends.iter().filter(|(fault, _)| self.may(state, *fault));
            actions.extend(ends.map(|(_, life)| Action::EndJob(number, *life)));
        }
        for number in 0..world.batches.len() {
            if self.may(state, Fault::Forgetting) && world.livy_down == 0 && world.may_be_forgotten(number) {
                actions.push(Action::Forget(number));
            }
            if self.may(state, Fault::LostSight) && !world.batches[number].has_lost_sight {
                actions.push(Action::LoseSight(number));
            }
        }
    }

    fn of_outages(&self, state: &State, actions: &mut Vec<Action>) {
        let world = &state.world;
        if world.livy_down == 0 && self.may(state, Fault::LivyCrash) {
            actions.push(Action::CrashLivy { recovers: true });
        }
        if world.livy_down == 0 && self.may(state, Fault::LivyCrashWithoutRecovery) {
            actions.push(Action::CrashLivy { recovers: false });
        }
        if world.yarn_down == 0 && self.may(state, Fault::YarnOutage) {
            actions.push(Action::StopYarn { ticks: OUTAGE });
        }
        if world.yarn_down == 0 && self.may(state, Fault::LongYarnOutage) {
            actions.push(Action::StopYarn { ticks: LONG_OUTAGE });
        }
    }
}

impl Model for Scenario {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::begin()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if !state.violations.is_empty() {
            return;
        }
        self.of_invocations(state, actions);
        self.of_deliveries(state, actions);
        self.of_the_world(state, actions);
        if state.may_proceed(self) {
            actions.push(Action::Proceed);
        }
        if state.stack.may_fail_elsewhere(self) {
            actions.push(Action::FailElsewhere);
        }
        if state.may_tick(self) {
            actions.push(Action::Tick);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        let is_fault = !matches!(
            action,
            Action::Tick
                | Action::Proceed
                | Action::FailElsewhere
                | Action::Deliver(_)
                | Action::Step(_)
                | Action::HandOver(_)
                | Action::Appear(_)
        );
        state.faults += u8::from(is_fault);
        match action {
            Action::Tick => state.tick(),
            Action::Proceed => state.of_the_stack(self, |stack, requests| stack.proceed(self, requests)),
            Action::FailElsewhere => state.stack.fail_elsewhere(),
            Action::Deliver(number) => state.deliver(number, false, self),
            Action::DeliverTwice(number) => state.deliver(number, true, self),
            Action::Delay(number) => state.delay(number),
            Action::Step(number) => state.step(number, false, false, self),
            Action::Lose(number) => state.step(number, true, false, self),
            Action::HandOver(number) => state.hand_over(number),
            Action::Crash(number) => state.crash(number),
            Action::Panic(number) => state.panic(number, self),
            Action::Stall(number) => state.step(number, false, true, self),
            Action::Appear(job) => state.world.appear(job),
            Action::EndJob(job, life) => state.world.end(job, life),
            Action::CrashLivy { recovers } => state.world.crash_livy(recovers),
            Action::Forget(batch) => drop(state.world.batches.remove(batch)),
            Action::LoseSight(batch) => state.world.batches[batch].has_lost_sight = true,
            Action::StopYarn { ticks } => state.world.yarn_down = ticks,
        }
        state.check(self);
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(BROKEN, |_, state: &State| state.violations.is_empty()),
            Property::always(Rule::NothingIsStuck.name(), |scenario: &Self, state: &State| {
                let mut actions = Vec::new();
                scenario.actions(state, &mut actions);
                !actions.is_empty() || state.is_over(scenario) || !state.violations.is_empty()
            }),
        ]
    }
}
