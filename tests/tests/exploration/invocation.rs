//! One invocation of the function: what carries the decisions out, effect by effect, as the function's drivers do.
//!
//! A step is one request to Livy, to YARN or to CloudFormation, so that anything can come between two of them. An
//! invocation that waits for its next look sleeps until the next tick.

use std::time::SystemTime;

use spark_job_function::superseded::{Asked, StackWord};

use crate::defect::Defect;
use crate::deleting::Deleting;
use crate::names::{self, Run};
use crate::provisioning::Provisioning;
use crate::request::{Kind, Request};
use crate::scenario::Scenario;
use crate::stack::{Id, Stack};
use crate::violations::{Rule, Violations};
use crate::world::World;

/// What a request remembers over all its invocations, in its own ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Marks {
    pub(crate) look: Option<u8>,
    pub(crate) make_way: Option<u8>,
    pub(crate) submit: Option<u8>,
    pub(crate) wait: Option<u8>,
    pub(crate) call_off: Option<u8>,
    pub(crate) delete: Option<u8>,
    pub(crate) posted: Option<u8>,
    pub(crate) is_submitted: bool,
    /// It was handed over.
    pub(crate) is_hop: bool,
    /// It arrived so late that an earlier delivery may have acted and died.
    pub(crate) is_repeated: bool,
}

impl Marks {
    /// Whether an earlier delivery, or an earlier try of this invocation, may have acted and died.
    pub(crate) fn may_be_repeated(&self) -> bool {
        self.is_repeated || (self.is_hop && !self.is_submitted)
    }
}

/// The limit that was set when this was first asked for.
pub(crate) fn fixed(mark: &mut Option<u8>, limit: u8) -> u8 {
    *mark.get_or_insert(limit)
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Invocation {
    pub(crate) request: u8,
    /// What it was begun with, for Lambda to try again.
    pub(crate) event: Event,
    pub(crate) marks: Marks,
    /// The id of its run stands for whatever happens.
    pub(crate) has_claimed: bool,
    pub(crate) is_asleep: bool,
    pub(crate) task: Task,
}

/// What Lambda delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Event {
    pub(crate) hop: u8,
    pub(crate) marks: Marks,
    /// How often Lambda tries again when it dies.
    pub(crate) tries: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Task {
    Provision(Box<Provisioning>),
    Delete(Deleting),
}

/// Whom an invocation's next step asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Touch {
    /// Nobody.
    Nothing,
    /// Livy, and YARN after it.
    Look,
    /// YARN, Livy having been asked.
    SecondHalf,
    /// Livy, for a new batch, once CloudFormation still wants it.
    Post,
    /// Livy, for a new batch.
    LatePost,
    /// Livy, to delete one.
    DeleteBatch,
    /// YARN, to kill.
    Kill,
    /// CloudFormation.
    Stack,
    /// CloudFormation, by an answer.
    Answer,
}

impl Touch {
    /// Whether it is about what Livy or YARN has.
    pub(crate) fn is_of_the_cluster(self) -> bool {
        !matches!(self, Self::Nothing | Self::Stack | Self::Answer)
    }
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Answer {
    pub(crate) succeeded: bool,
    pub(crate) id: Id,
    /// The run that it is about was not looked at just now: nobody could be asked, or others had to be stopped first.
    pub(crate) may_be_unseen: bool,
}

/// What an invocation has to do with while it takes a step.
pub(crate) struct Context<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) stack: &'a Stack,
    pub(crate) request: &'a Request,
    pub(crate) scenario: &'a Scenario,
    pub(crate) violations: &'a mut Violations,
    /// The answer to this step is lost.
    pub(crate) is_lost: bool,
    /// Time passes between the question whether the request is wanted and the POST.
    pub(crate) is_stalled: bool,
}

impl Context<'_> {
    pub(crate) fn has(&self, defect: Defect) -> bool {
        self.scenario.defect == Some(defect)
    }

    pub(crate) fn now(&self) -> u8 {
        self.request.age
    }

    /// The run that the request's id leads to.
    pub(crate) fn previous_run(&self) -> Option<Run> {
        match self.request.id {
            Some(Id::Run(run, _)) => Some(run),
            _ => None,
        }
    }

    /// The same just before the POST, whose answer it is that may be lost.
    pub(crate) fn is_overtaken_before_the_post(&self) -> bool {
        self.is_superseded()
    }

    /// By what the request was overtaken: the run that the stack has instead, if it has one.
    pub(crate) fn overtaken(&self) -> Option<Option<Run>> {
        let is_accepted = || self.word().has_accepted(self.request.kind.request_type());
        (!self.is_lost && self.is_superseded()).then(|| {
            if is_accepted() {
                Some(self.request.run)
            } else {
                self.stack_has()
            }
        })
    }

    /// The run that the stack counts on.
    pub(crate) fn stack_has(&self) -> Option<Run> {
        self.word()
            .resource()
            .and_then(|id| id.strip_prefix('r')?.parse().ok())
            .map(Run)
    }

    fn is_superseded(&self) -> bool {
        self.scenario.may_ask
            && !self.has(Defect::SupersededGoesOn)
            && (self.word().supersedes(Asked {
                request_type: self.request.kind.request_type(),
                issued: at(self.request.issued),
                at_first: at(self.request.issued),
            }))
    }

    fn word(&self) -> StackWord {
        let id = match self.stack.id {
            Some(Id::Run(run, _)) => format!("r{}", run.0),
            _ => String::new(),
        };
        StackWord {
            status: self.stack.status.word().into(),
            reason: None,
            physical_id: Some(id),
            since: at(self.stack.changes),
        }
    }

    /// A kill through YARN.
    pub(crate) fn kill(&mut self, application: u8) {
        let run = self
            .world
            .jobs
            .iter()
            .find(|job| job.application == Some(application))
            .map(|job| job.run);
        if let Some(run) = run.filter(|_| self.world.yarn_down == 0) {
            // Of two applications of one intent one has to go, whoever kills it.
            let twins = self
                .world
                .jobs
                .iter()
                .filter(|job| job.run == run && job.is_live());
            if twins.count() < 2 {
                self.check_stop(run);
            }
        }
        self.world.kill(application);
    }

    /// Livy's DELETE; whether it was answered.
    pub(crate) fn delete_batch(&mut self, run: Run) -> bool {
        if self.world.livy_down == 0 && self.world.batches.iter().any(|batch| batch.run == run) {
            self.check_stop(run);
        }
        self.world.delete_batch(run) && !self.is_lost
    }

    /// What the stack counts as its resource is stopped by its own Delete only, or by the Update that replaces it.
    fn check_stop(&mut self, run: Run) {
        let is_the_stacks = self.stack.status.is_complete()
            && matches!(self.stack.id, Some(Id::Run(of, _)) if of == run)
            && self.world.may_live(run);
        if is_the_stacks {
            self.violations.add(Rule::TheStacksRunIsLeftAlone);
        }
        let is_allowed = match self.request.kind {
            Kind::Create => run == self.request.run,
            Kind::Update => true,
            Kind::Delete => match self.request.id {
                Some(Id::Run(of, _)) => of == run,
                _ => true,
            },
        };
        if !is_allowed {
            self.violations.add(Rule::OnlyWhatIsMeantIsStopped);
        }
    }
}

impl Invocation {
    /// An invocation that begins.
    pub(crate) fn begin(number: u8, request: &Request, event: Event, scenario: &Scenario) -> Self {
        let mut marks = event.marks;
        marks.is_hop = event.hop > 0;
        marks.is_repeated |= event.hop == 0 && request.age > 0;
        let mut has_claimed = false;
        let task = match request.kind {
            Kind::Delete => Task::Delete(Deleting::begin(request, &mut marks, scenario)),
            Kind::Create | Kind::Update => Task::Provision(Box::new(Provisioning::begin(
                request,
                &mut marks,
                &mut has_claimed,
                scenario,
            ))),
        };
        Self {
            request: number,
            event,
            marks,
            has_claimed,
            is_asleep: false,
            task,
        }
    }

    /// Takes one step; its answer, once it has one.
    pub(crate) fn step(&mut self, context: &mut Context<'_>) -> Option<Answer> {
        loop {
            let answer = self.ask(context);
            let goes_on = match self.touches() {
                // What was decided is answered at once.
                Touch::Nothing | Touch::Answer => true,
                Touch::SecondHalf => !context.scenario.splits_looks,
                _ => false,
            };
            if answer.is_some() || self.is_asleep || !goes_on {
                return answer;
            }
        }
    }

    fn ask(&mut self, context: &mut Context<'_>) -> Option<Answer> {
        match &mut self.task {
            Task::Provision(provisioning) => {
                let mut memory = Memory {
                    marks: &mut self.marks,
                    has_claimed: &mut self.has_claimed,
                };
                let answer = provisioning.step(context, &mut memory);
                self.is_asleep = provisioning.is_asleep();
                answer
            }
            Task::Delete(deleting) => {
                let answer = deleting.step(context, &mut self.marks);
                self.is_asleep = deleting.is_asleep();
                answer
            }
        }
    }

    /// The answer of the protocol when the provider panics, or its time is up.
    pub(crate) fn broken_answer(&self, request: &Request, scenario: &Scenario) -> Answer {
        let has_the_spec = scenario.defect == Some(Defect::FailedIdHasTheSpec);
        let id = match request.id {
            _ if self.has_claimed => Id::Run(request.run, has_the_spec.then_some(request.version)),
            Some(id) => id,
            None => Id::Nothing,
        };
        Answer {
            succeeded: false,
            id,
            may_be_unseen: false,
        }
    }

    /// For people.
    pub(crate) fn place(&self) -> String {
        match &self.task {
            Task::Provision(provisioning) => provisioning.place(),
            Task::Delete(deleting) => deleting.place(),
        }
    }

    /// Whom the next step asks.
    pub(crate) fn touches(&self) -> Touch {
        match &self.task {
            Task::Provision(provisioning) => provisioning.touches(),
            Task::Delete(deleting) => deleting.touches(),
        }
    }

    /// Whether a tick may pass before its next step.
    pub(crate) fn may_wait(&self) -> bool {
        self.is_asleep || matches!(&self.task, Task::Provision(provisioning) if provisioning.may_wait())
    }

    pub(crate) fn wake(&mut self) {
        self.is_asleep = false;
        match &mut self.task {
            Task::Provision(provisioning) => provisioning.wake(),
            Task::Delete(deleting) => deleting.wake(),
        }
    }
}

/// When the resource's status had changed so often.
fn at(change: u8) -> Option<SystemTime> {
    Some(names::time_of_day(change))
}

/// What a request remembers while it is worked on.
pub(crate) struct Memory<'a> {
    pub(crate) marks: &'a mut Marks,
    pub(crate) has_claimed: &'a mut bool,
}

/// The application of a number that the decisions name.
pub(crate) fn number_of(id: sparkwright_yarn::ApplicationId) -> u8 {
    u8::try_from(id.number()).expect("few applications")
}
