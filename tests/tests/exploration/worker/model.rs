//! The model as the checker takes it: every action that is possible in a state.

use sparkwright_worker::config::Drain;
use sparkwright_worker::life::{Event, Step};
use stateright::{Model, Property};

use super::process::{State as Process, Worker};
use super::scenario::{Fault, Scenario};
use super::state::State;
use super::task::Lease;
use crate::world::Life;

/// How many ticks YARN is away, and how many both are when jobs are given up.
const OUTAGE: u8 = 1;
const LONG_OUTAGE: u8 = 6;

/// The property that is broken with any rule.
const BROKEN: &str = "no rule is broken";

/// What can happen: to the task of this number in this worker, where it is one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// A minute passes.
    Tick,
    /// A worker is handed the task that waits.
    Poll(usize),
    /// A task takes its next step.
    Step(usize, usize),
    /// A heartbeat is refused.
    Notice(usize, usize),
    /// A task's step ends because of this.
    Heed(usize, usize, Event),
    /// The time to start is over.
    Late(usize, usize),
    /// A spark-submit's application appears.
    Appear(usize),
    EndJob(usize, Life),
    /// Somebody stops the execution.
    Stop,
    /// Somebody tells a worker to end.
    Drain(usize),
    /// The next process begins.
    Restart(usize),
    /// A worker reaches Step Functions again.
    Reach(usize),
    /// The answer to a task's next request is lost.
    Lose(usize, usize),
    Crash(usize),
    CutOff(usize),
    CrashLivy,
    StopYarn,
    StopBoth,
}

impl Action {
    fn is_fault(self) -> bool {
        matches!(
            self,
            Self::Lose(..)
                | Self::Crash(_)
                | Self::CutOff(_)
                | Self::CrashLivy
                | Self::StopYarn
                | Self::StopBoth
        )
    }
}

impl Scenario {
    fn may(&self, state: &State, fault: Fault) -> bool {
        state.faults < self.most_faults && self.faults.contains(&fault)
    }

    fn of_tasks(&self, state: &State, actions: &mut Vec<Action>) {
        for (worker, number, task) in state.awake() {
            actions.push(Action::Step(worker, number));
            let is_lost = (task.posts() && self.may(state, Fault::LostPost))
                || (task.reports()
                    && self.may(state, Fault::LostReport)
                    && state.step_functions.is_open(task.attempt));
            if is_lost {
                actions.push(Action::Lose(worker, number));
            }
        }
        for (worker, number) in state.unaware() {
            actions.push(Action::Notice(worker, number));
        }
        for (worker, process) in state.workers.iter().enumerate() {
            for (number, task) in process.tasks.iter().enumerate() {
                let mut heed = |event| actions.push(Action::Heed(worker, number, event));
                if let Lease::Over(loss) = task.lease
                    && task.heeds_its_token()
                {
                    heed(Event::TokenOver(loss));
                }
                if process.is_draining() {
                    if task.heeds_the_draining() {
                        heed(Event::Drains);
                    }
                    if task.step == Step::Follow && task.stage.is_none() && self.wish.drain == Drain::Stop {
                        heed(Event::ToldToStop);
                    }
                    if task.heeds_the_end() {
                        heed(Event::Goes);
                    }
                }
                if self.may_be_late && task.may_be_late() {
                    actions.push(Action::Late(worker, number));
                }
            }
        }
    }

    fn of_workers(&self, state: &State, actions: &mut Vec<Action>) {
        let is_quiet = state.may_tick();
        let awake: Vec<_> = state.awake().collect();
        for (number, worker) in state.workers.iter().enumerate() {
            match worker.state {
                Process::Down(_) => {
                    actions.push(Action::Restart(number));
                    continue;
                }
                Process::Works if state.drains < self.drains => actions.push(Action::Drain(number)),
                Process::Works | Process::Drains(_) => {}
            }
            if worker.is_connected()
                && worker.state == Process::Works
                && state.step_functions.waiting().is_some()
            {
                actions.push(Action::Poll(number));
            }
            if worker.cut_off.is_some() {
                actions.push(Action::Reach(number));
            }
            let is_awake = || awake.iter().any(|(of, _, _)| *of == number);
            if !worker.rows.is_empty() && (is_quiet || is_awake()) {
                if self.may(state, Fault::Crash) {
                    actions.push(Action::Crash(number));
                }
                if self.may(state, Fault::CutOff) && worker.cut_off.is_none() {
                    actions.push(Action::CutOff(number));
                }
            }
        }
    }

    fn of_the_cluster(&self, state: &State, actions: &mut Vec<Action>) {
        // What changes when nobody is about to look changes just as well before the next look.
        let is_watched = state.awake().any(|(_, _, task)| task.looks() || task.posts());
        let world = &state.world;
        if is_watched || state.may_tick() {
            if world.livy_down == 0 && self.may(state, Fault::LivyCrash) {
                actions.push(Action::CrashLivy);
            }
            if world.yarn_down == 0 && self.may(state, Fault::YarnOutage) {
                actions.push(Action::StopYarn);
            }
            if world.yarn_down == 0 && self.may(state, Fault::Outage) {
                actions.push(Action::StopBoth);
            }
        }
        if !is_watched {
            return;
        }
        for (number, job) in world.jobs.iter().enumerate() {
            match job.life {
                Life::Submitting { .. } => actions.push(Action::Appear(number)),
                Life::Running => {
                    actions.push(Action::EndJob(number, Life::Succeeded));
                    actions.push(Action::EndJob(number, Life::Failed));
                }
                _ => {}
            }
        }
    }

    /// Whether nothing can happen any more but that time passes, and that changes nothing. (Nobody has to stop an execution,
    /// or a worker.)
    fn is_the_end(&self, state: &State) -> bool {
        let is_at_rest = |worker: &Worker| worker.state == Process::Works && worker.cut_off.is_none();
        let is_at_work = state.is_anybody_awake()
            || state.does_anybody_heed()
            || !state.workers.iter().all(is_at_rest)
            || !state.unaware().is_empty()
            || state.step_functions.waiting().is_some();
        if is_at_work {
            return false;
        }
        let mut later = state.clone();
        later.tick();
        later == *state
    }

    fn all_actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.of_tasks(state, actions);
        self.of_workers(state, actions);
        self.of_the_cluster(state, actions);
        if self.may_be_stopped && !state.step_functions.has_ended {
            actions.push(Action::Stop);
        }
        if state.may_tick() {
            actions.push(Action::Tick);
        }
    }
}

impl Model for Scenario {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::begin(self)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.violations.is_empty() {
            self.all_actions(state, actions);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        state.faults += u8::from(action.is_fault());
        match action {
            Action::Tick => state.tick(),
            Action::Poll(worker) => state.poll(worker, self),
            Action::Step(worker, number) => state.step(worker, number, false, self),
            Action::Lose(worker, number) => state.step(worker, number, true, self),
            Action::Notice(worker, number) => state.notice(worker, number, self),
            Action::Heed(worker, number, event) => state.happens(worker, number, event, self),
            Action::Late(worker, number) => state.is_late(worker, number, self),
            Action::Appear(job) => state.world.appear(job),
            Action::EndJob(job, life) => {
                state.world.end(job, life);
                // Only a stack's resource asks how lately.
                state.world.jobs[job].has_just_ended = false;
            }
            Action::Stop => state.step_functions.stop(),
            Action::Drain(worker) => {
                state.drains += 1;
                state.workers[worker].state = Process::Drains(0);
                if state.workers[worker].tasks.is_empty() {
                    state.workers[worker].end();
                }
            }
            Action::Restart(worker) => state.workers[worker].restart(self),
            Action::Reach(worker) => state.workers[worker].cut_off = None,
            Action::Crash(worker) => state.workers[worker].end(),
            Action::CutOff(worker) => state.workers[worker].cut_off = Some(0),
            Action::CrashLivy => state.world.crash_livy(false),
            Action::StopYarn => state.world.yarn_down = OUTAGE,
            Action::StopBoth => (state.world.yarn_down, state.world.livy_down) = (LONG_OUTAGE, LONG_OUTAGE),
        }
        if state.violations.is_empty() && self.is_the_end(&state) {
            state.check_the_end(self);
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always(BROKEN, |_, state: &State| {
            state.violations.is_empty()
        })]
    }
}
