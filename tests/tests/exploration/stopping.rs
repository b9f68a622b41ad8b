//! Stopping runs: `spark_job::stop` and the function's `removal` around the stop's decisions.

use sparkwright_spark_job::sighting::{Sighting, YarnSight};
use sparkwright_spark_job::stop::steps::{Step, Stop};

use crate::defect::Defect;
use crate::invocation::{Context, Touch, number_of};
use crate::names::{Run, SETTLE, application_id, instant};
use crate::sight::{LivyView, livy_view, yarn_sight, yarn_silent};
use crate::violations::Rule;

/// The time to settle, in ticks.
pub(crate) const SETTLED: u8 = 3;

/// Past it there is time for this.
const ONE_MORE_LOOK: u8 = 1;

/// One run that is to stop.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Stopper {
    run: Run,
    application: Option<u8>,
    stop: Stop,
    deadline: u8,
    /// When its absence proves something, should the deadline come first; none when it is not waited for.
    settled: Option<u8>,
    at: At,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum At {
    AskLivy,
    AskYarn(LivyView),
    DeleteBatch,
    Kill(Vec<u8>),
    Asleep,
    /// Past the deadline: is anything there at all?
    AskLivyAgain,
    AskYarnAgain(LivyView),
    Done(Stopped),
}

/// How a stop went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Stopped {
    Confirmed { has_succeeded: bool },
    Unconfirmed,
}

impl Stopper {
    /// A stop that begins now.
    pub(crate) fn begin(
        context: &Context<'_>,
        run: Run,
        last_post: Option<u8>,
        application: Option<u8>,
        deadline: u8,
    ) -> Self {
        let now = context.now();
        let settle = if context.has(Defect::StopDoesNotSettle) {
            std::time::Duration::ZERO
        } else {
            SETTLE
        };
        Self {
            run,
            application,
            stop: Stop::new(
                instant(last_post.unwrap_or(now)),
                settle,
                application.map(application_id),
            ),
            deadline,
            settled: None,
            at: At::AskLivy,
        }
    }

    /// The same for a run that is not the own one: its absence is waited for, though a stop may take less.
    pub(crate) fn or_settling(mut self, now: u8) -> Self {
        self.settled = Some(now + SETTLED + ONE_MORE_LOOK);
        self
    }

    pub(crate) fn is_done(&self) -> Option<Stopped> {
        match self.at {
            At::Done(stopped) => Some(stopped),
            _ => None,
        }
    }

    fn touches(&self) -> Touch {
        match self.at {
            At::AskLivy | At::AskLivyAgain => Touch::Look,
            At::AskYarn(_) | At::AskYarnAgain(_) => Touch::SecondHalf,
            At::DeleteBatch => Touch::DeleteBatch,
            At::Kill(_) => Touch::Kill,
            At::Asleep | At::Done(_) => Touch::Nothing,
        }
    }

    pub(crate) fn place(&self) -> String {
        format!("{:?} {:?}", self.run, self.at)
    }

    pub(crate) fn is_asleep(&self) -> bool {
        self.at == At::Asleep
    }

    pub(crate) fn wake(&mut self) {
        if self.is_asleep() {
            self.at = At::AskLivy;
        }
    }

    pub(crate) fn step(&mut self, context: &mut Context<'_>) {
        self.at = match std::mem::replace(&mut self.at, At::Asleep) {
            At::AskLivy if context.now() >= self.deadline => self.out_of_time(),
            At::AskLivy => At::AskYarn(look_at_livy(context, self.run)),
            At::AskYarn(livy) => {
                let sighting = self.look_at_yarn(context, livy);
                self.decide(context, &sighting)
            }
            At::DeleteBatch => {
                if !context.delete_batch(self.run) {
                    self.stop.livy_refused("Livy is down".into());
                }
                self.after_an_order(context)
            }
            At::Kill(applications) => {
                for application in applications {
                    context.kill(application);
                }
                self.after_an_order(context)
            }
            At::AskLivyAgain => At::AskYarnAgain(look_at_livy(context, self.run)),
            At::AskYarnAgain(livy) => {
                let sighting = self.look_at_yarn(context, livy);
                let settled = self.settled.take().expect("it settles");
                if sighting.is_absent() {
                    let again = Self::begin(
                        context,
                        self.run,
                        Some(settled - ONE_MORE_LOOK - SETTLED),
                        self.application,
                        settled,
                    );
                    *self = again;
                    return;
                }
                At::Done(Stopped::Unconfirmed)
            }
            At::Asleep | At::Done(_) => unreachable!("nothing is to be done"),
        };
    }

    fn look_at_yarn(&self, context: &Context<'_>, livy: LivyView) -> Sighting {
        let known = self.stop.known_application().map(number_of);
        let yarn = look_at_yarn(context, self.run, known);
        believed(context, livy, yarn)
    }

    fn decide(&mut self, context: &mut Context<'_>, sighting: &Sighting) -> At {
        match self.stop.observe(instant(context.now()), sighting) {
            Step::DeleteBatch => At::DeleteBatch,
            Step::Kill(ids) => At::Kill(ids.into_iter().map(number_of).collect()),
            Step::Wait(_) => At::Asleep,
            Step::Done(application) => {
                // Of a run that was posted twice over, one application that has ended is no proof; the end is.
                let posts = context
                    .world
                    .jobs
                    .iter()
                    .filter(|job| job.run == self.run)
                    .count();
                if posts < 2 && context.world.may_live(self.run) {
                    context.violations.add(Rule::StoppedHasStopped);
                }
                At::Done(Stopped::Confirmed {
                    has_succeeded: application.is_some_and(|application| application.succeeded()),
                })
            }
        }
    }

    fn after_an_order(&self, context: &Context<'_>) -> At {
        if context.has(Defect::StopIsNotWaitedFor) {
            return At::Done(Stopped::Confirmed { has_succeeded: false });
        }
        At::Asleep
    }

    fn out_of_time(&self) -> At {
        if self.settled.is_some_and(|settled| settled > self.deadline) {
            return At::AskLivyAgain;
        }
        At::Done(Stopped::Unconfirmed)
    }
}

/// Steps the first of several stops that can take one.
pub(crate) fn step_all(stops: &mut [Stopper], context: &mut Context<'_>) {
    let next = stops
        .iter_mut()
        .find(|stop| stop.is_done().is_none() && !stop.is_asleep());
    if let Some(stop) = next {
        stop.step(context);
    }
}

/// Whom that asks.
pub(crate) fn touches(stops: &[Stopper]) -> Touch {
    let next = stops
        .iter()
        .find(|stop| stop.is_done().is_none() && !stop.is_asleep());
    next.map_or(Touch::Nothing, Stopper::touches)
}

/// How several stops went, once all are over.
pub(crate) fn all_done(stops: &[Stopper]) -> Option<Stopped> {
    let mut all = Stopped::Confirmed { has_succeeded: false };
    for stop in stops {
        match stop.is_done()? {
            Stopped::Unconfirmed => all = Stopped::Unconfirmed,
            confirmed if all != Stopped::Unconfirmed => all = confirmed,
            Stopped::Confirmed { .. } => {}
        }
    }
    Some(all)
}

/// Whether none can take a step before the next tick.
pub(crate) fn all_asleep(stops: &[Stopper]) -> bool {
    all_done(stops).is_none()
        && stops
            .iter()
            .all(|stop| stop.is_asleep() || stop.is_done().is_some())
}

/// Livy's word on a run.
pub(crate) fn look_at_livy(context: &Context<'_>, run: Run) -> LivyView {
    if context.is_lost {
        return LivyView::Silent;
    }
    livy_view(context.world, run)
}

/// YARN's word on a run: by its tag, or by the application that is known.
pub(crate) fn look_at_yarn(context: &Context<'_>, run: Run, known: Option<u8>) -> YarnSight {
    if context.is_lost {
        return yarn_silent();
    }
    yarn_sight(context.world, false, |job| {
        job.run == run || (known.is_some() && job.application == known)
    })
}

/// A look, as the decisions take it; or as a program would that believes Livy.
pub(crate) fn believed(context: &Context<'_>, livy: LivyView, yarn: YarnSight) -> Sighting {
    let livy = match livy {
        LivyView::Batch(view) if context.has(Defect::DeadIsBelieved) => LivyView::Batch(view.believed_dead()),
        livy => livy,
    };
    let yarn = match yarn {
        YarnSight::Silent(_) if context.has(Defect::AbsenceIsBelievedWithoutYarn) => YarnSight::NotThere,
        yarn => yarn,
    };
    Sighting {
        livy: livy.sight(),
        yarn,
    }
}
