//! The whole of the model at one moment, and what its parts do to each other.

use std::sync::Arc;

use crate::explore::Told;
use crate::invocation::{Answer, Context, Event, Invocation};
use crate::request::{HOUR, Kind, Request};
use crate::scenario::Scenario;
use crate::stack::{Phase, Requests, Stack};
use crate::violations::{Rule, Violations};
use crate::world::World;

/// How many ticks a late delivery, or a second one, comes late at most.
const LATEST: u8 = 4;

/// A history that takes more has no end.
const MOST_REQUESTS: usize = 16;

/// How often Lambda tries again.
const TRIES: u8 = 2;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) world: World,
    pub(crate) stack: Stack,
    pub(crate) requests: Vec<Request>,
    pub(crate) deliveries: Vec<Delivery>,
    /// Shared between states: most steps change one of them.
    pub(crate) invocations: Vec<Arc<Invocation>>,
    pub(crate) faults: u8,
    pub(crate) hand_overs: u8,
    /// For how many ticks two applications of one intent have lived.
    pub(crate) twins: u8,
    pub(crate) violations: Violations,
}

/// An event on its way to the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Delivery {
    pub(crate) request: u8,
    event: Event,
    /// Ticks before it can come.
    wait: u8,
    /// Ticks before it has to.
    slack: u8,
}

impl Delivery {
    pub(crate) fn can_come(&self) -> bool {
        self.wait == 0
    }

    /// Whether it comes before the next tick.
    pub(crate) fn has_to_come(&self) -> bool {
        self.wait == 0 && self.slack == 0
    }
}

impl State {
    pub(crate) fn begin() -> Self {
        Self {
            world: World::default(),
            stack: Stack::new(),
            requests: Vec::new(),
            deliveries: Vec::new(),
            invocations: Vec::new(),
            faults: 0,
            hand_overs: 0,
            twins: 0,
            violations: Violations::default(),
        }
    }

    /// CloudFormation does something, and what it asks for is sent.
    pub(crate) fn of_the_stack(
        &mut self,
        scenario: &Scenario,
        does: impl FnOnce(&mut Stack, &mut Requests<'_>),
    ) {
        let mut requests = Requests {
            issued: &mut self.requests,
            fresh: Vec::new(),
            reuses_ids: scenario.reuses_ids,
            defect: scenario.defect,
            world: &mut self.world,
        };
        does(&mut self.stack, &mut requests);
        if requests.issued.len() > MOST_REQUESTS {
            self.violations.add(Rule::NothingIsStuck);
        }
        let event = Event {
            hop: 0,
            marks: crate::invocation::Marks::default(),
            tries: TRIES,
        };
        let deliveries = requests.fresh.into_iter().map(|request| Delivery {
            request,
            event,
            wait: 0,
            slack: 0,
        });
        self.deliveries.extend(deliveries);
    }

    /// A delivery begins an invocation; a second one of it may follow.
    pub(crate) fn deliver(&mut self, delivery: usize, again: bool, scenario: &Scenario) {
        let delivered = self.deliveries[delivery];
        if again {
            self.deliveries[delivery].slack = LATEST;
        } else {
            self.deliveries.remove(delivery);
        }
        let request = &self.requests[usize::from(delivered.request)];
        // The protocol refuses what nobody waits for any more, unless it is a Delete.
        if request.age < HOUR || request.kind == Kind::Delete {
            let invocation = Invocation::begin(delivered.request, request, delivered.event, scenario);
            self.invocations.push(Arc::new(invocation));
        }
    }

    pub(crate) fn delay(&mut self, delivery: usize) {
        self.deliveries[delivery].slack = LATEST;
    }

    /// An invocation takes a step.
    pub(crate) fn step(&mut self, number: usize, is_lost: bool, is_stalled: bool, scenario: &Scenario) {
        let mut invocation = Arc::unwrap_or_clone(self.invocations.remove(number));
        let mut context = Context {
            world: &mut self.world,
            stack: &self.stack,
            request: &self.requests[usize::from(invocation.request)],
            scenario,
            violations: &mut self.violations,
            is_lost,
            is_stalled,
        };
        match invocation.step(&mut context) {
            Some(answer) => self.answer(invocation.request, answer, scenario),
            None => self.invocations.insert(number, Arc::new(invocation)),
        }
    }

    /// The provider panics: the protocol answers for it.
    pub(crate) fn panic(&mut self, number: usize, scenario: &Scenario) {
        let invocation = self.invocations.remove(number);
        let answer = invocation.broken_answer(&self.requests[usize::from(invocation.request)], scenario);
        self.answer(invocation.request, answer, scenario);
    }

    /// An invocation dies, and Lambda tries again.
    pub(crate) fn crash(&mut self, number: usize) {
        let Invocation {
            request, mut event, ..
        } = *self.invocations.remove(number);
        if event.tries > 0 {
            let wait = TRIES + 1 - event.tries;
            event.tries -= 1;
            self.deliveries.push(Delivery {
                request,
                event,
                wait,
                slack: 0,
            });
        }
    }

    /// An invocation ends, and a further one takes its request over.
    pub(crate) fn hand_over(&mut self, number: usize) {
        let Invocation {
            request,
            event,
            marks,
            ..
        } = *self.invocations.remove(number);
        let event = Event {
            hop: event.hop + 1,
            marks,
            tries: TRIES,
        };
        self.hand_overs += 1;
        self.deliveries.push(Delivery {
            request,
            event,
            wait: 0,
            slack: 0,
        });
    }

    fn answer(&mut self, number: u8, answer: Answer, scenario: &Scenario) {
        self.check_answer(number, answer, scenario);
        if self.stack.waiting == Some(number) {
            self.of_the_stack(scenario, |stack, requests| {
                stack.answered(answer.succeeded, answer.id, requests)
            });
        }
    }

    /// Whether CloudFormation may go on. People take their time: what they do comes when nobody is in the middle of
    /// something; and what has failed is tried again when the cluster is back.
    pub(crate) fn may_proceed(&self, scenario: &Scenario) -> bool {
        let is_quiet = || self.invocations.iter().all(|invocation| invocation.may_wait());
        self.stack.is_due(scenario)
            && match self.stack.phase {
                Phase::Idle => is_quiet(),
                Phase::Stuck => is_quiet() && self.world.livy_down == 0 && self.world.yarn_down == 0,
                _ => true,
            }
    }

    /// Whether a tick may pass: nobody has anything left to do before it.
    pub(crate) fn may_tick(&self, scenario: &Scenario) -> bool {
        let is_idle = self.invocations.iter().all(|invocation| invocation.may_wait());
        let are_on_their_way = self
            .deliveries
            .iter()
            .all(|delivery| delivery.wait > 0 || delivery.slack > 0);
        let is_pending = !self.invocations.is_empty()
            || !self.deliveries.is_empty()
            || self.world.is_restless()
            || self.twins > 0;
        is_idle && are_on_their_way && is_pending && !self.may_proceed(scenario)
    }

    pub(crate) fn tick(&mut self) {
        self.world.tick();
        for invocation in &mut self.invocations {
            Arc::make_mut(invocation).wake();
        }
        for delivery in &mut self.deliveries {
            if delivery.wait > 0 {
                delivery.wait -= 1;
            } else {
                delivery.slack -= 1;
            }
        }
        let is_needed: Vec<_> = (0u8..)
            .zip(&self.requests)
            .map(|(number, _)| {
                self.stack.waiting == Some(number)
                    || self
                        .invocations
                        .iter()
                        .any(|invocation| invocation.request == number)
                    || self.deliveries.iter().any(|delivery| delivery.request == number)
            })
            .collect();
        for (request, is_needed) in self.requests.iter_mut().zip(is_needed) {
            if is_needed {
                request.tick();
            }
        }
        if let Some(number) = self.stack.waiting
            && self.requests[usize::from(number)].age >= HOUR
        {
            self.violations.add(Rule::EveryRequestIsAnswered);
        }
        self.twins = if self.has_twins() { self.twins + 1 } else { 0 };
        if self.twins > 1 {
            self.violations.add(Rule::OneApplicationPerIntent);
        }
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
        let asked: Vec<_> = self
            .requests
            .iter()
            .map(|request| format!("{:?}({:?}, {}')", request.kind, request.id, request.age))
            .collect();
        let at_work: Vec<_> = self
            .invocations
            .iter()
            .map(|invocation| format!("{}:{}", invocation.request, invocation.place()))
            .collect();
        format!(
            "{} {:?} | asked {} | at work {} | jobs {} | Livy has {:?}",
            self.stack.status.word(),
            self.stack.id,
            asked.join(" "),
            at_work.join(" "),
            jobs.join(", "),
            self.world
                .batches
                .iter()
                .map(|batch| batch.run.0)
                .collect::<Vec<_>>()
        )
    }

    fn broken(&self) -> Vec<&'static str> {
        self.violations.names()
    }
}
