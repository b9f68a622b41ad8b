//! A worker's process, and the journal that outlives it.

use std::sync::Arc;

use sparkwright_worker::life::{Stage, Step, Which};

use super::scenario::{Defect, Scenario};
use super::step_functions::{HEARTBEAT, Told};
use super::task::{Lease, OwnRun, Task};
use crate::names::Run;

/// A process that has ended, or is cut off, is back after so many ticks at the latest.
const LONGEST: u8 = 3;

/// A draining worker goes after so many ticks at the latest.
const DRAIN_TIMEOUT: u8 = 2;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Worker {
    pub(super) rows: Vec<Row>,
    pub(super) tasks: Vec<Arc<Task>>,
    pub(super) state: State,
    /// For so many ticks it cannot reach Step Functions; none when it can.
    pub(super) cut_off: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum State {
    Works,
    Drains(u8),
    Down(u8),
}

/// A task's row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Row {
    pub(super) attempt: u8,
    pub(super) stage: Stage,
    pub(super) run: Option<(Run, Option<u8>)>,
    pub(super) told: Option<Told>,
    /// When the token is known to have been good, as far as the next process can tell: so many ticks ago.
    pub(super) age: u8,
    /// A broken program may have lost it.
    pub(super) is_closed: bool,
}

impl Row {
    pub(super) fn write(
        &mut self,
        stage: Stage,
        own: Option<&OwnRun>,
        told: Option<Told>,
        scenario: &Scenario,
    ) {
        let is_own = matches!(
            stage,
            Stage::Following { .. }
                | Stage::Stopping { run: Which::Own, .. }
                | Stage::Orphaned { run: Which::Own }
                | Stage::Concluded {
                    left: Some(Which::Own)
                }
        );
        let is_orphan = matches!(stage, Stage::Orphaned { .. });
        self.is_closed = is_orphan && scenario.has(Defect::OrphanIsNotJournalled);
        self.run = own.filter(|_| is_own).map(|own| (own.run, own.application));
        self.stage = stage;
        self.told = told.or(self.told);
    }

    /// Whether it does not depend on the token any more what becomes of the run.
    fn is_decided(&self) -> bool {
        match self.stage {
            Stage::Stopping { telling: None, .. } | Stage::Orphaned { .. } => true,
            Stage::Concluded { left } => left.is_none(),
            Stage::Received | Stage::Posting { .. } | Stage::Following { .. } | Stage::Stopping { .. } => {
                false
            }
        }
    }
}

impl Worker {
    pub(super) fn start() -> Self {
        Self {
            rows: Vec::new(),
            tasks: Vec::new(),
            state: State::Works,
            cut_off: None,
        }
    }

    pub(super) fn is_up(&self) -> bool {
        !matches!(self.state, State::Down(_))
    }

    pub(super) fn is_draining(&self) -> bool {
        matches!(self.state, State::Drains(_))
    }

    pub(super) fn is_connected(&self) -> bool {
        self.is_up() && self.cut_off.is_none()
    }

    /// Whether time may not pass before it is back, or has gone.
    pub(super) fn has_to_move(&self) -> bool {
        matches!(self.state, State::Down(LONGEST))
            || self.cut_off == Some(LONGEST)
            || self.state == State::Drains(DRAIN_TIMEOUT)
    }

    /// A task arrives.
    pub(super) fn take_on(&mut self, attempt: u8, scenario: &Scenario) {
        let row = Row {
            attempt,
            stage: Stage::Received,
            run: None,
            told: None,
            age: 0,
            is_closed: false,
        };
        self.tasks.push(Arc::new(Task::begin(&row, false, scenario)));
        self.rows.push(row);
    }

    /// The process ends, in whichever way.
    pub(super) fn end(&mut self) {
        self.tasks.clear();
        self.rows.retain(|row| !row.is_closed);
        self.state = State::Down(0);
    }

    /// The next process takes up what the journal has; each task has its intent, or waits for it.
    pub(super) fn restart(&mut self, scenario: &Scenario) {
        self.state = State::Works;
        let mut is_free = true;
        for row in &self.rows {
            let mut task = Task::begin(row, true, scenario);
            if is_free && !matches!(row.stage, Stage::Orphaned { .. }) {
                is_free = false;
                task.claim.is_held = true;
                task.claim.is_stopping = row.stage.is_stopping();
            }
            self.tasks.push(Arc::new(task));
        }
    }

    pub(super) fn row(&mut self, attempt: u8) -> &mut Row {
        let mut rows = self.rows.iter_mut();
        rows.find(|row| row.attempt == attempt)
            .expect("each task has a row")
    }

    /// Whether another task has the intent.
    pub(super) fn is_taken(&self, but_for: usize) -> bool {
        let mut others = self
            .tasks
            .iter()
            .enumerate()
            .filter(|(number, _)| *number != but_for);
        others.any(|(_, task)| task.claim.is_held)
    }

    /// Whether a task cannot go on because another has its intent.
    pub(super) fn is_blocked(&self, number: usize) -> bool {
        let task = &self.tasks[number];
        let claims = matches!(task.step, Step::Claim { .. } | Step::ClaimUnheard);
        let leaves = task.step == Step::Leave && !self.is_draining();
        (claims && !task.claim.is_held && self.is_taken(number))
            || leaves
            || task.waits_for_the_service(self.is_connected())
    }

    /// A tick passes, without a heartbeat so far.
    pub(super) fn tick(&mut self) {
        match &mut self.state {
            State::Works => {}
            State::Drains(ticks) | State::Down(ticks) => *ticks = (*ticks + 1).min(LONGEST),
        }
        if let Some(ticks) = &mut self.cut_off {
            *ticks += 1;
        }
        for task in &mut self.tasks {
            Arc::make_mut(task).tick();
        }
        for row in &mut self.rows {
            row.age = (row.age + 1).min(HEARTBEAT);
        }
    }

    /// Since when all tokens are known to be good of which something still depends.
    pub(super) fn note_leases(&mut self) {
        let mut oldest = None;
        for task in &self.tasks {
            let row = self.rows.iter().find(|row| row.attempt == task.attempt);
            if row.is_none_or(|row| row.is_decided()) {
                continue;
            }
            if task.lease == Lease::Unconfirmed {
                return;
            }
            oldest = oldest.max(Some(task.silent));
        }
        let Some(age) = oldest else { return };
        for row in &mut self.rows {
            row.age = row.age.min(age);
        }
    }
}

impl Task {
    fn tick(&mut self) {
        use super::task::Doing;
        self.silent = (self.silent + 1).min(HEARTBEAT);
        if let Some(own) = &mut self.own {
            own.tick();
        }
        match &mut self.doing {
            Doing::Asleep => self.doing = Doing::Begin,
            Doing::Submitting(submitting) => submitting.tick(),
            Doing::Stopping(stopping) => stopping.tick(),
            Doing::Begin | Doing::Reporting { .. } => {}
        }
    }
}
