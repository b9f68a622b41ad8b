//! Create and Update: the function's `provision` around the decisions of a life.

use spark_job_function::life::{
    Answer as Decided, Holder, Left, Life, Overtaken, Previous, Question, Resident, Seen, Step, Target, Wish,
};
use spark_job_function::properties::UpdatePolicy;
use sparkwright_spark_job::sighting::FoundRun;
use sparkwright_spark_job::watch::{Report, Watched};

use crate::answering;
use crate::defect::Defect;
use crate::invocation::{Answer, Context, Marks, Memory, Touch, fixed, number_of};
use crate::names::{self, Run, SETTLE, instant, run_of};
use crate::request::{Kind, Request};
use crate::scenario::Scenario;
use crate::sight::{BatchView, LivyView, found_runs, has_spec, livy_list};
use crate::stack::Id;
use crate::stopping::{
    self, Stopped, Stopper, all_asleep, all_done, believed, look_at_livy, look_at_yarn, step_all,
};
use crate::submitting::{Submitted, Submitting};
use crate::waiting::Waiting;

/// How long the job's place has to answer, in ticks.
pub(crate) const SUBMIT_TIMEOUT: u8 = 1;

/// A Create's or an Update's work.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Provisioning {
    life: Life,
    at: At,
    /// What the last look showed: runs, and the application of each that lives.
    residents: Vec<(Run, Option<u8>)>,
    /// The last POST that may have been received.
    pub(crate) last_post: Option<u8>,
    /// What its own POST has made.
    own_batch: Option<i64>,
    /// The application that was seen last.
    pub(crate) application: Option<u8>,
    /// The last look at the own run, after what is nobody's was stopped, could not see it.
    is_unseen: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum At {
    /// At a run: Livy first, then YARN.
    Glance(Run, Option<LivyView>),
    /// Of everything that the resource has; once only, or until it answers.
    Look {
        batches: Option<Vec<BatchView>>,
        is_once: bool,
        /// What would be adopted, and Livy does not know, is looked at again.
        has_lingered: bool,
        is_asleep: bool,
    },
    Ask(Question),
    /// What makes way, or is nobody's.
    StopOthers(Vec<Stopper>),
    Submit(Box<Submitting>),
    Wait(Box<Waiting>),
    CallOff(Vec<Stopper>),
    Answer(Decided),
}

impl Provisioning {
    pub(crate) fn begin(
        request: &Request,
        marks: &mut Marks,
        has_claimed: &mut bool,
        scenario: &Scenario,
    ) -> Self {
        let previous = match request.id {
            _ if request.kind == Kind::Create => Previous::None,
            Some(Id::Run(run, version)) => Previous::Run {
                key: names::of(run).key.clone(),
                is_wanted: version == Some(request.version),
                is_elsewhere: false,
                is_of_failed_update: version.is_none(),
            },
            _ => Previous::Nothing,
        };
        let (life, step) = Life::begin(Wish {
            own: names::of(request.run).key.clone(),
            previous,
            policy: scenario.policy,
            may_be_repeated: marks.may_be_repeated(),
            is_submitted: marks.is_submitted,
            has_made_way: marks.make_way.is_some(),
        });
        let mut provisioning = Self {
            life,
            at: At::Look {
                batches: None,
                is_once: false,
                has_lingered: false,
                is_asleep: false,
            },
            residents: Vec::new(),
            last_post: None,
            own_batch: None,
            application: None,
            is_unseen: false,
        };
        match step {
            Step::Glance => {
                let Some(Id::Run(run, _)) = request.id else {
                    unreachable!("it glances at a run")
                };
                provisioning.at = At::Glance(run, None);
            }
            Step::Look => provisioning.look(request.age, false, marks, has_claimed),
            Step::Wait => {
                provisioning.at = At::Wait(Box::new(Waiting::begin(
                    request.age,
                    (request.age, None),
                    marks,
                    scenario,
                )))
            }
            step => unreachable!("{step:?} is no first step"),
        }
        provisioning
    }

    pub(crate) fn step(&mut self, context: &mut Context<'_>, memory: &mut Memory<'_>) -> Option<Answer> {
        let seen = match &mut self.at {
            At::Glance(run, livy) => match livy.take() {
                None => {
                    *livy = Some(look_at_livy(context, *run));
                    return None;
                }
                Some(view) => {
                    let report = glance(context, *run, view);
                    self.is_unseen = report.silence.is_some();
                    Seen::Glance(Some(report.standing))
                }
            },
            At::Look { .. } => self.look_on(context, memory)?,
            At::Ask(_) => match context.overtaken() {
                None => Seen::Wanted,
                Some(has) => Seen::Overtaken(overtaken(context, has)),
            },
            At::StopOthers(stops) => {
                step_all(stops, context);
                match all_done(stops) {
                    None => return None,
                    Some(Stopped::Confirmed { .. }) => Seen::Stopped,
                    Some(Stopped::Unconfirmed) => Seen::Unconfirmed,
                }
            }
            At::Submit(submitting) => match submitting.step(context, memory)? {
                Submitted::Run { last_post, own_batch } => {
                    self.last_post = Some(last_post);
                    self.own_batch = own_batch;
                    Seen::Submitted
                }
                Submitted::Seen(seen) => seen,
            },
            At::Wait(waiting) => {
                let seen = waiting.step(context);
                self.application = waiting.application().or(self.application);
                seen?
            }
            At::CallOff(stops) => {
                step_all(stops, context);
                called_off(all_done(stops)?)
            }
            At::Answer(decided) => return Some(answering::answer(context, decided, self.is_unseen)),
        };
        let step = self.life.next(seen);
        self.enter(step, context, memory);
        None
    }

    fn enter(&mut self, step: Step, context: &mut Context<'_>, memory: &mut Memory<'_>) {
        let (now, stop_timeout) = (context.now(), context.scenario.stop_timeout);
        self.at = match step {
            Step::Look => return self.look(now, false, memory.marks, memory.has_claimed),
            Step::LookAround => return self.look(now, true, memory.marks, memory.has_claimed),
            Step::Ask(question) => At::Ask(question),
            Step::MakeWay(targets) => {
                if !context.has(Defect::ClaimAfterThePost) {
                    *memory.has_claimed = true;
                }
                let deadline = fixed(&mut memory.marks.make_way, now + stop_timeout);
                At::StopOthers(self.stops(&targets, context, deadline))
            }
            Step::Tidy(targets) => At::StopOthers(self.stops(&targets, context, now + stop_timeout)),
            Step::LookAgain(holder) => {
                let run = match holder {
                    Holder::Own => context.request.run,
                    Holder::Previous => context.previous_run().expect("an id that leads to a run"),
                    Holder::Adopted(key) => run_of(&key),
                };
                At::Glance(run, None)
            }
            Step::Submit => At::Submit(Box::new(Submitting::begin(context, memory))),
            Step::Wait => {
                let last_post = self.last_post.unwrap_or(now);
                At::Wait(Box::new(Waiting::begin(
                    now,
                    (last_post, self.own_batch),
                    memory.marks,
                    context.scenario,
                )))
            }
            Step::CallOff => {
                let deadline = fixed(&mut memory.marks.call_off, now + stop_timeout);
                let last_post = self.last_post.or(memory.marks.posted).unwrap_or(now);
                let run = context.request.run;
                At::CallOff(vec![Stopper::begin(
                    context,
                    run,
                    Some(last_post),
                    self.application,
                    deadline,
                )])
            }
            Step::Answer(decided) => At::Answer(decided),
            Step::Glance | Step::LookBack => unreachable!("there is one place, and a glance comes first"),
        };
    }

    fn look(&mut self, now: u8, is_once: bool, marks: &mut Marks, has_claimed: &mut bool) {
        if !is_once {
            *has_claimed |= now > 0;
            fixed(&mut marks.look, now + SUBMIT_TIMEOUT);
        }
        self.at = At::Look {
            batches: None,
            is_once,
            has_lingered: false,
            is_asleep: false,
        };
    }

    /// A look at Livy, then one at YARN.
    fn look_on(&mut self, context: &Context<'_>, memory: &Memory<'_>) -> Option<Seen> {
        let At::Look {
            batches,
            is_once,
            has_lingered,
            is_asleep,
        } = &mut self.at
        else {
            unreachable!("it looks")
        };
        let found = match batches.take() {
            None if context.is_lost => None,
            None => match livy_list(context.world) {
                Some(list) => {
                    *batches = Some(list);
                    return None;
                }
                None => None,
            },
            Some(list) => found_runs(&list, context.world, context.is_lost),
        };
        let Some(found) = found else {
            if *is_once || memory.marks.look.is_none_or(|until| context.now() >= until) {
                return Some(Seen::Unreachable);
            }
            *is_asleep = true;
            return None;
        };
        let is_unknown_to_livy = |run: &FoundRun| run.batch.is_none() && resident(context, run).is_wanted;
        if !*is_once && !*has_lingered && found.iter().any(is_unknown_to_livy) {
            (*has_lingered, *is_asleep) = (true, true);
            return None;
        }
        let live = |run: &FoundRun| {
            run.live_application()
                .map(|application| number_of(application.id))
        };
        self.residents = found.iter().map(|run| (run_of(&run.key), live(run))).collect();
        Some(Seen::Residents(
            found.iter().map(|run| resident(context, run)).collect(),
        ))
    }

    fn stops(&self, targets: &[Target], context: &Context<'_>, deadline: u8) -> Vec<Stopper> {
        let stop = |target: &Target| {
            let (run, application) = match target {
                Target::Here(key) => {
                    let run = run_of(key);
                    *self.residents.iter().find(|(of, _)| *of == run)?
                }
                Target::Previous => (context.previous_run()?, None),
                Target::There(_) => unreachable!("there is one place"),
            };
            let stopper = Stopper::begin(context, run, None, application, deadline);
            Some(stopper.or_settling(context.now()))
        };
        targets.iter().filter_map(stop).collect()
    }

    pub(crate) fn place(&self) -> String {
        match &self.at {
            At::Glance(..) => "Glance".into(),
            At::Look { .. } => "Look".into(),
            At::Ask(question) => format!("{question:?}"),
            At::StopOthers(stops) => format!(
                "StopOthers {:?}",
                stops.iter().map(Stopper::place).collect::<Vec<_>>()
            ),
            At::Submit(submitting) => submitting.place(),
            At::Wait(waiting) => waiting.place(),
            At::CallOff(stops) => format!(
                "CallOff {:?}",
                stops.iter().map(Stopper::place).collect::<Vec<_>>()
            ),
            At::Answer(decided) => format!("{decided:?}"),
        }
    }

    pub(crate) fn touches(&self) -> Touch {
        match &self.at {
            At::Glance(_, None) | At::Look { batches: None, .. } => Touch::Look,
            At::Glance(_, Some(_)) | At::Look { batches: Some(_), .. } => Touch::SecondHalf,
            At::Ask(_) => Touch::Stack,
            At::StopOthers(stops) | At::CallOff(stops) => stopping::touches(stops),
            At::Submit(submitting) => submitting.touches(),
            At::Wait(waiting) => waiting.touches(),
            At::Answer(_) => Touch::Answer,
        }
    }

    pub(crate) fn is_asleep(&self) -> bool {
        match &self.at {
            At::Look { is_asleep, .. } => *is_asleep,
            At::StopOthers(stops) | At::CallOff(stops) => all_asleep(stops),
            At::Submit(submitting) => submitting.is_asleep(),
            At::Wait(waiting) => waiting.is_asleep(),
            At::Glance(..) | At::Ask(_) | At::Answer(_) => false,
        }
    }

    pub(crate) fn may_wait(&self) -> bool {
        matches!(&self.at, At::Submit(submitting) if submitting.may_wait())
    }

    pub(crate) fn wake(&mut self) {
        match &mut self.at {
            At::Look { is_asleep, .. } => *is_asleep = false,
            At::StopOthers(stops) | At::CallOff(stops) => stops.iter_mut().for_each(Stopper::wake),
            At::Submit(submitting) => submitting.wake(),
            At::Wait(waiting) => waiting.wake(),
            At::Glance(..) | At::Ask(_) | At::Answer(_) => {}
        }
    }
}

fn glance(context: &mut Context<'_>, run: Run, livy: LivyView) -> Report {
    let now = instant(context.now());
    let yarn = look_at_yarn(context, run, None);
    let sighting = believed(context, livy, yarn);
    Watched::new(now, SETTLE).observe(&names::of(run).batch, now, &sighting)
}

fn resident(context: &Context<'_>, run: &FoundRun) -> Resident {
    let is_create = context.request.kind == Kind::Create;
    Resident {
        key: run.key.clone(),
        lives: if is_create {
            run.may_live() && !run.is_shell()
        } else {
            run.may_live() || run.is_out_of_sight()
        },
        is_wanted: !context.has(Defect::OriginalIsNotAdopted)
            && run
                .live_application()
                .is_some_and(|application| has_spec(application, context.request.version)),
        is_newer: context
            .previous_run()
            .is_some_and(|previous| run_of(&run.key) > previous),
    }
}

/// By which kind of request the own one was overtaken.
pub(crate) fn overtaken(context: &Context<'_>, has: Option<Run>) -> Overtaken {
    if has == Some(context.request.run) && !context.has(Defect::DuplicateStopsTheStacksRun) {
        Overtaken::ByItself
    } else {
        Overtaken::ByStack
    }
}

fn called_off(stopped: Stopped) -> Seen {
    Seen::CalledOff(match stopped {
        Stopped::Confirmed { has_succeeded: true } => Left::Succeeded,
        Stopped::Confirmed { has_succeeded: false } => Left::Ended,
        Stopped::Unconfirmed => Left::Maybe,
    })
}

/// Whether an earlier run has to have stopped before another is submitted.
pub(crate) fn never_two(scenario: &Scenario) -> bool {
    scenario.policy == UpdatePolicy::StopThenStart
}
