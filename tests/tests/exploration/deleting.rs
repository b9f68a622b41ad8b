//! Delete: the function's `delete` around the decisions of a stop and of a sweep.

use std::time::Duration;

use spark_job_function::life::sweep::Sweep;
use sparkwright_spark_job::sighting::FoundRun;

use crate::defect::Defect;
use crate::invocation::{Answer, Context, Marks, Touch, fixed, number_of};
use crate::names::{SETTLE, run_of, time_of_day};
use crate::request::{HOUR, Request};
use crate::scenario::Scenario;
use crate::sight::{BatchView, found_runs, livy_list};
use crate::stack::Id;
use crate::stopping::{self, SETTLED, Stopped, Stopper, all_asleep, all_done, step_all};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Deleting {
    deadline: u8,
    at: At,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum At {
    Begin,
    /// The one run that the id leads to.
    Stop(Vec<Stopper>),
    /// Whatever a called-off Create has.
    Sweep {
        batches: Option<Vec<BatchView>>,
        is_asleep: bool,
    },
    StopSwept(Vec<Stopper>),
    Answer(bool),
}

impl Deleting {
    pub(crate) fn begin(request: &Request, marks: &mut Marks, scenario: &Scenario) -> Self {
        let left = if request.id == Some(Id::Invented) {
            SETTLED.saturating_sub(request.age)
        } else {
            0
        };
        let deadline = fixed(&mut marks.delete, request.age + left + scenario.stop_timeout);
        Self {
            deadline,
            at: At::Begin,
        }
    }

    pub(crate) fn step(&mut self, context: &mut Context<'_>, _marks: &mut Marks) -> Option<Answer> {
        self.at = match std::mem::replace(&mut self.at, At::Begin) {
            At::Begin => self.first(context),
            At::Stop(mut stops) => {
                step_all(&mut stops, context);
                match all_done(&stops) {
                    None => At::Stop(stops),
                    Some(stopped) => At::Answer(stopped != Stopped::Unconfirmed),
                }
            }
            At::Sweep { batches, .. } => self.sweep(context, batches),
            At::StopSwept(mut stops) => {
                step_all(&mut stops, context);
                match all_done(&stops) {
                    None => At::StopSwept(stops),
                    Some(Stopped::Unconfirmed) => At::Answer(false),
                    Some(Stopped::Confirmed { .. }) => self.look_later(context),
                }
            }
            At::Answer(succeeded) => {
                return Some(Answer {
                    succeeded,
                    id: context.request.id.expect("a Delete has an id"),
                    may_be_unseen: false,
                });
            }
        };
        None
    }

    fn first(&self, context: &Context<'_>) -> At {
        let is_expired = context.now() >= HOUR;
        match context.request.id {
            Some(Id::Run(run, _)) if context.has(Defect::DeleteByResource) => {
                let of_the_resource = context
                    .world
                    .jobs
                    .iter()
                    .filter(|job| job.may_live())
                    .map(|job| job.run);
                let runs = of_the_resource.chain([run]);
                At::Stop(
                    runs.map(|run| Stopper::begin(context, run, None, None, self.deadline))
                        .collect(),
                )
            }
            Some(Id::Run(run, _)) => {
                let stopper = Stopper::begin(context, run, None, None, self.deadline);
                At::Stop(vec![stopper.or_settling(context.now())])
            }
            Some(Id::Invented) if !is_expired => At::Sweep {
                batches: None,
                is_asleep: false,
            },
            Some(Id::Invented | Id::Nothing) | None => At::Answer(true),
        }
    }

    fn sweep(&self, context: &Context<'_>, batches: Option<Vec<BatchView>>) -> At {
        let found = match batches {
            None if context.is_lost => None,
            None => match livy_list(context.world) {
                Some(list) => {
                    return At::Sweep {
                        batches: Some(list),
                        is_asleep: false,
                    };
                }
                None => None,
            },
            Some(list) => found_runs(&list, context.world, context.is_lost),
        };
        let Some(found) = found else {
            // Asked again until the deadline.
            let is_late = context.now() >= self.deadline;
            return if is_late {
                At::Answer(false)
            } else {
                At::Sweep {
                    batches: None,
                    is_asleep: true,
                }
            };
        };
        let settle = if context.has(Defect::InventedDeleteDoesNotSettle) {
            Duration::ZERO
        } else {
            SETTLE
        };
        let now = time_of_day(context.world.era);
        let sweep = Sweep::of(Some(time_of_day(context.request.era)), now, settle);
        let target = |run: &FoundRun| {
            let application = run
                .live_application()
                .map(|application| number_of(application.id));
            let stopper = Stopper::begin(context, run_of(&run.key), None, application, self.deadline);
            stopper.or_settling(context.now())
        };
        let targets: Vec<_> = found
            .iter()
            .filter(|run| sweep.holds(now, run))
            .map(target)
            .collect();
        let is_over = sweep.is_over(now) || context.has(Defect::InventedDeleteDoesNotSettle);
        match targets.is_empty() {
            true if is_over => At::Answer(true),
            true => self.look_later(context),
            false => At::StopSwept(targets),
        }
    }

    fn look_later(&self, context: &Context<'_>) -> At {
        if context.now() + 1 >= self.deadline {
            return At::Answer(false);
        }
        At::Sweep {
            batches: None,
            is_asleep: true,
        }
    }

    pub(crate) fn place(&self) -> String {
        match &self.at {
            At::Stop(stops) | At::StopSwept(stops) => {
                format!("Stop {:?}", stops.iter().map(Stopper::place).collect::<Vec<_>>())
            }
            at => format!("{at:?}"),
        }
    }

    pub(crate) fn touches(&self) -> Touch {
        match &self.at {
            At::Begin => Touch::Nothing,
            At::Stop(stops) | At::StopSwept(stops) => stopping::touches(stops),
            At::Sweep { batches: None, .. } => Touch::Look,
            At::Sweep { batches: Some(_), .. } => Touch::SecondHalf,
            At::Answer(_) => Touch::Answer,
        }
    }

    pub(crate) fn is_asleep(&self) -> bool {
        match &self.at {
            At::Stop(stops) | At::StopSwept(stops) => all_asleep(stops),
            At::Sweep { is_asleep, .. } => *is_asleep,
            At::Begin | At::Answer(_) => false,
        }
    }

    pub(crate) fn wake(&mut self) {
        match &mut self.at {
            At::Stop(stops) | At::StopSwept(stops) => stops.iter_mut().for_each(Stopper::wake),
            At::Sweep { is_asleep, .. } => *is_asleep = false,
            At::Begin | At::Answer(_) => {}
        }
    }
}
