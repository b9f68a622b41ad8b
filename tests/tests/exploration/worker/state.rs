//! A moment of everything.

use std::sync::Arc;

use sparkwright_worker::life::{Event, Stage, Step, Which};

use super::checks::{Rule, Violations};
use super::process::{State as Process, Worker};
use super::scenario::Scenario;
use super::step_functions::StepFunctions;
use super::surroundings::{Others, Surroundings};
use super::task::{Lease, Task};
use crate::explore::Told;
use crate::world::World;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    pub(super) world: World,
    pub(super) step_functions: StepFunctions,
    pub(super) workers: Vec<Worker>,
    /// Which attempt has posted each job.
    posts: Vec<u8>,
    /// For so many ticks two applications live.
    twins: u8,
    /// How many attempts were handed out.
    polled: u8,
    /// A run was left though nobody may come.
    pub(super) is_given_up: bool,
    pub(super) faults: u8,
    pub(super) drains: u8,
    pub(super) violations: Violations,
}

impl State {
    pub(super) fn begin(scenario: &Scenario) -> Self {
        Self {
            world: World::default(),
            step_functions: StepFunctions::start(scenario.retries),
            workers: vec![Worker::start(); scenario.workers],
            posts: Vec::new(),
            twins: 0,
            polled: 0,
            is_given_up: false,
            faults: 0,
            drains: 0,
            violations: Violations::default(),
        }
    }

    /// A worker's poll returns with the task that waits.
    pub(super) fn poll(&mut self, worker: usize, scenario: &Scenario) {
        let attempt = self.step_functions.waiting().expect("a task waits");
        self.step_functions.heard_of(attempt);
        self.polled += 1;
        // Whatever was left is this one's.
        self.is_given_up = false;
        self.workers[worker].take_on(attempt, scenario);
    }

    /// A task takes a step.
    pub(super) fn step(&mut self, worker: usize, number: usize, is_lost: bool, scenario: &Scenario) {
        let task = &self.workers[worker].tasks[number];
        if task.stage.is_none() {
            match task.step {
                Step::Close => {
                    let attempt = task.attempt;
                    self.workers[worker].rows.retain(|row| row.attempt != attempt);
                    return self.gone(worker, number);
                }
                Step::Leave | Step::Halt => return self.gone(worker, number),
                _ => {}
            }
        }
        self.with(worker, number, scenario, |task, around| {
            task.step(around, is_lost)
        });
    }

    /// Something happens to a task.
    pub(super) fn happens(&mut self, worker: usize, number: usize, event: Event, scenario: &Scenario) {
        self.with(worker, number, scenario, |_, _| Some(event));
    }

    /// The time to start is over.
    pub(super) fn is_late(&mut self, worker: usize, number: usize, scenario: &Scenario) {
        self.with(worker, number, scenario, |task, around| {
            Some(match &task.doing {
                super::task::Doing::Submitting(submitting) => submitting.overdue(around),
                _ => Event::Late,
            })
        });
    }

    /// A heartbeat is refused.
    pub(super) fn notice(&mut self, worker: usize, number: usize, scenario: &Scenario) {
        self.with(worker, number, scenario, |_, around| {
            around.beat();
            None
        });
    }

    fn with(
        &mut self,
        worker: usize,
        number: usize,
        scenario: &Scenario,
        act: impl FnOnce(&mut Task, &mut Surroundings<'_>) -> Option<Event>,
    ) {
        let others = self.others(worker, number);
        let process = &mut self.workers[worker];
        let (is_connected, is_draining) = (process.is_connected(), process.is_draining());
        let mut task = Arc::clone(&process.tasks[number]);
        let at_work = Arc::make_mut(&mut task);
        let (mut own, mut outcome) = (at_work.own.take(), at_work.take_outcome());
        let (mut lease, mut silent) = (at_work.lease, at_work.silent);
        let mut around = Surroundings {
            world: &mut self.world,
            step_functions: &mut self.step_functions,
            row: process.row(at_work.attempt),
            posts: &mut self.posts,
            own: &mut own,
            outcome: &mut outcome,
            lease: &mut lease,
            silent: &mut silent,
            violations: &mut self.violations,
            scenario,
            attempt: at_work.attempt,
            is_told: matches!(at_work.step, Step::Stop { is_told: true, .. }),
            is_connected,
            is_draining,
            others: &others,
        };
        let event = act(at_work, &mut around);
        (at_work.own, at_work.lease, at_work.silent) = (own, lease, silent);
        at_work.put_outcome(outcome);
        if let Some(event) = event {
            let left = self.workers[worker].row(at_work.attempt).stage;
            let has_seen_to_it = at_work.happens(event, scenario, &others, &mut self.violations);
            let is_last = at_work.attempt + 1 == self.polled;
            let is_unseen = event == Event::Heard
                && left
                    == (Stage::Concluded {
                        left: Some(Which::Any),
                    });
            self.is_given_up |= is_last && (!has_seen_to_it || is_unseen);
        }
        self.workers[worker].tasks[number] = task;
    }

    /// A task has left its process.
    fn gone(&mut self, worker: usize, number: usize) {
        let process = &mut self.workers[worker];
        process.tasks.remove(number);
        if process.is_draining() && process.tasks.is_empty() {
            process.end();
        }
    }

    fn others(&self, worker: usize, number: usize) -> Others {
        let mut others = Others::default();
        for (of, process) in self.workers.iter().enumerate() {
            for (which, task) in process.tasks.iter().enumerate() {
                if (of, which) == (worker, number) {
                    continue;
                }
                let follows = task.step == Step::Follow && self.step_functions.is_open(task.attempt);
                if let Some(own) = task.own.as_ref().filter(|_| follows) {
                    others.followed.push(own.run);
                    if of == worker {
                        others.followed_here.push(own.run);
                    }
                }
                if of == worker {
                    let claims = matches!(task.step, Step::Claim { .. } | Step::ClaimUnheard);
                    others.is_taken |= task.claim.is_held;
                    others.is_adopted |= task.claim.is_adopted;
                    others.is_wanted |= claims && !task.claim.is_held;
                }
            }
        }
        others
    }

    /// Tasks that can take a step now.
    pub(super) fn awake(&self) -> impl Iterator<Item = (usize, usize, &Task)> {
        let of = |(worker, process): (usize, &'_ Worker)| {
            let tasks = process.tasks.iter().enumerate();
            let awake: Vec<_> = tasks
                .filter(|(number, task)| !task.is_asleep() && !process.is_blocked(*number))
                .map(|(number, _)| (worker, number))
                .collect();
            awake
        };
        let all: Vec<_> = self.workers.iter().enumerate().flat_map(of).collect();
        all.into_iter()
            .map(|(worker, number)| (worker, number, &*self.workers[worker].tasks[number]))
    }

    /// Whether any can.
    pub(super) fn is_anybody_awake(&self) -> bool {
        let is_awake = |process: &Worker| {
            let mut tasks = process.tasks.iter().enumerate();
            tasks.any(|(number, task)| !task.is_asleep() && !process.is_blocked(number))
        };
        self.workers.iter().any(is_awake)
    }

    /// Whether any is about to end its step because its token is over.
    pub(super) fn does_anybody_heed(&self) -> bool {
        let heeds = |task: &Arc<Task>| matches!(task.lease, Lease::Over(_)) && task.heeds_its_token();
        self.workers.iter().any(|process| process.tasks.iter().any(heeds))
    }

    /// Tasks whose next heartbeat says that their token is over.
    pub(super) fn unaware(&self) -> Vec<(usize, usize)> {
        let mut unaware = Vec::new();
        for (worker, process) in self.workers.iter().enumerate() {
            for (number, task) in process.tasks.iter().enumerate() {
                let is_over = !self.step_functions.is_open(task.attempt);
                if process.is_connected() && is_over && !matches!(task.lease, Lease::Over(_)) {
                    unaware.push((worker, number));
                }
            }
        }
        unaware
    }

    /// Whether a tick may pass: nobody has anything left to do before it.
    pub(super) fn may_tick(&self) -> bool {
        let polls = |worker: &Worker| worker.is_connected() && !worker.is_draining();
        let has_to_be_polled = self.step_functions.has_to_be_polled() && self.workers.iter().any(polls);
        !self.is_anybody_awake()
            && !self.does_anybody_heed()
            && self.unaware().is_empty()
            && !self.workers.iter().any(Worker::has_to_move)
            && !has_to_be_polled
    }

    pub(super) fn tick(&mut self) {
        self.world.tick();
        self.step_functions.tick();
        for worker in &mut self.workers {
            worker.tick();
            if !worker.is_connected() {
                continue;
            }
            for task in &mut worker.tasks {
                if self.step_functions.is_open(task.attempt) {
                    self.step_functions.heard_of(task.attempt);
                    let task = Arc::make_mut(task);
                    (task.lease, task.silent) = (Lease::Held, 0);
                }
            }
        }
        for worker in &mut self.workers {
            worker.note_leases();
        }
        let live = self
            .world
            .jobs
            .iter()
            .filter(|job| job.is_live() && !job.is_doomed);
        self.twins = if live.count() > 1 { self.twins + 1 } else { 0 };
        if self.twins > 1 {
            self.violations.add(Rule::OneApplication);
        }
    }

    /// Whether nothing is left to come.
    pub(super) fn is_over(&self) -> bool {
        let is_done = |worker: &Worker| {
            worker.tasks.is_empty()
                && worker.rows.is_empty()
                && worker.state == Process::Works
                && worker.cut_off.is_none()
        };
        self.step_functions.has_ended && self.workers.iter().all(is_done)
    }
}

impl Told for State {
    fn in_short(&self) -> String {
        let jobs: Vec<_> = self
            .world
            .jobs
            .iter()
            .map(|job| {
                format!(
                    "{:?} {:?}{}",
                    job.run,
                    job.life,
                    if job.is_doomed { " doomed" } else { "" }
                )
            })
            .collect();
        let workers: Vec<_> = self
            .workers
            .iter()
            .map(|worker| {
                let tasks: Vec<_> = worker
                    .tasks
                    .iter()
                    .map(|task| {
                        format!(
                            "{}: {:?} {:?} {:?}{}",
                            task.attempt,
                            task.step,
                            task.lease,
                            task.stage,
                            if task.claim.is_held { " has the intent" } else { "" }
                        )
                    })
                    .collect();
                let rows: Vec<_> = worker
                    .rows
                    .iter()
                    .map(|row| format!("{}: {:?} {:?}", row.attempt, row.stage, row.run))
                    .collect();
                format!(
                    "{:?}{} at work [{}] journal [{}]",
                    worker.state,
                    if worker.cut_off.is_some() { " cut off" } else { "" },
                    tasks.join("; "),
                    rows.join("; ")
                )
            })
            .collect();
        format!(
            "tokens {:?}{} | {} | jobs {} | Livy has {:?}{}{}",
            self.step_functions.tokens,
            if self.step_functions.has_ended {
                " ended"
            } else {
                ""
            },
            workers.join(" || "),
            jobs.join(", "),
            self.world
                .batches
                .iter()
                .map(|batch| batch.run.0)
                .collect::<Vec<_>>(),
            if self.world.livy_down > 0 {
                ", Livy is down"
            } else {
                ""
            },
            if self.world.yarn_down > 0 {
                ", YARN is down"
            } else {
                ""
            },
        )
    }

    fn broken(&self) -> Vec<&'static str> {
        self.violations.names()
    }
}
