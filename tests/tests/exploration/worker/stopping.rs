//! A stop: `spark_job::stop` and the worker's `stopping` around its decisions.

use std::collections::BTreeSet;

use sparkwright_spark_job::sighting::{LivySight, YarnSight};
use sparkwright_spark_job::standing::leading;
use sparkwright_spark_job::stop::steps::{Step as StopStep, Stop};
use sparkwright_worker::life::search::{Found, Search};
use sparkwright_worker::life::{Event, Which};

use super::names::{intent, own_spec, sighting, survey};
use super::scenario::Defect;
use super::surroundings::Surroundings;
use super::task::OwnRun;
use crate::invocation::number_of;
use crate::names::{Run, SETTLE, application_id, instant};
use crate::world::Life;

/// A search that has settled does not age any more.
const SETTLED: u8 = 3;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Stopping {
    /// Ticks since a search for whichever run there is began; none where the own one is to stop.
    search: Option<u8>,
    /// What it has found and stopped.
    stopped: BTreeSet<u32>,
    /// What is being stopped.
    run: Option<(OwnRun, Stop)>,
    at: At,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum At {
    Look,
    DeleteBatch,
    Kill(Vec<u8>),
    Asleep,
}

impl Stopping {
    pub(super) fn begin(which: Which, own: Option<&OwnRun>, is_told: bool) -> Self {
        let own_stop = |own| match is_told {
            true => stop(own).without_waiting_for_livy(),
            false => stop(own),
        };
        let (search, run) = match which {
            Which::Own => (None, own.map(|own| (own.clone(), own_stop(own)))),
            Which::Any => (Some(0), None),
        };
        Self {
            search,
            stopped: BTreeSet::new(),
            run,
            at: At::Look,
        }
    }

    pub(super) fn is_asleep(&self) -> bool {
        self.at == At::Asleep
    }

    pub(super) fn looks(&self) -> bool {
        self.at == At::Look
    }

    pub(super) fn tick(&mut self) {
        if let Some((run, _)) = &mut self.run {
            run.tick();
        }
        if let Some(age) = &mut self.search {
            *age = (*age + 1).min(SETTLED);
        }
        if self.is_asleep() {
            self.at = At::Look;
        }
    }

    /// Takes a step; what has come of it, once it is over.
    pub(super) fn step(&mut self, around: &mut Surroundings<'_>) -> Option<Event> {
        if around.is_told && around.scenario.has(Defect::ToldBeforeStopped) {
            return Some(Event::Stopped { by_itself: false });
        }
        match std::mem::replace(&mut self.at, At::Asleep) {
            At::Look => match &mut self.run {
                None => return self.search(around),
                Some((run, stop)) => match stop.observe(instant(run.since), &sighting(around.world, run.run))
                {
                    StopStep::DeleteBatch => self.at = At::DeleteBatch,
                    StopStep::Kill(ids) => self.at = At::Kill(ids.into_iter().map(number_of).collect()),
                    StopStep::Wait(_) => {}
                    StopStep::Done(_) => return self.done(around),
                },
            },
            At::DeleteBatch => {
                let (run, stop) = self.run.as_mut().expect("it is known");
                around.kills(run.run);
                if !around.world.delete_batch(run.run) {
                    stop.livy_refused("Livy is down".into());
                }
            }
            At::Kill(applications) => {
                let (run, _) = self.run.as_ref().expect("it is known");
                around.kills(run.run);
                for application in applications {
                    around.world.kill(application);
                }
            }
            At::Asleep => unreachable!("it sleeps"),
        }
        None
    }

    fn search(&mut self, around: &mut Surroundings<'_>) -> Option<Event> {
        let age = self.search.expect("it is looked for");
        let mut search = Search::new(intent(), own_spec(), instant(0), SETTLE);
        self.stopped.iter().for_each(|number| search.stopped(*number));
        match search.observe(instant(age), &survey(around.world)) {
            Found::Nothing => return Some(Event::Stopped { by_itself: false }),
            Found::Run(number) => {
                let own = OwnRun::new(Run(u8::try_from(number).expect("few runs")), 0);
                let stop = stop(&own);
                self.run = Some((own, stop));
                self.at = At::Look;
            }
            Found::Unknown(_) => {}
        }
        None
    }

    fn done(&mut self, around: &mut Surroundings<'_>) -> Option<Event> {
        let (run, stop) = self.run.take().expect("it is known");
        let sighting = sighting(around.world, run.run);
        if around.is_told
            && stop.known_application().is_none()
            && matches!(sighting.livy, LivySight::Silent(_))
        {
            return Some(Event::Unseen);
        }
        around.has_stopped(run.run);
        if self.search.is_some() {
            self.stopped.insert(u32::from(run.run.0));
            return None;
        }
        *around.outcome = ending(around, run.run);
        Some(Event::Stopped {
            by_itself: matches!(*around.outcome, Some(Life::Succeeded | Life::Failed)),
        })
    }
}

fn stop(own: &OwnRun) -> Stop {
    Stop::new(instant(0), SETTLE, own.application.map(application_id))
}

/// How the run's application ended, as YARN has it.
pub(super) fn ending(around: &Surroundings<'_>, run: Run) -> Option<Life> {
    let YarnSight::Applications(applications) = sighting(around.world, run).yarn else {
        return None;
    };
    let leading = number_of(leading(&applications)?.id);
    let jobs = &around.world.jobs;
    let job = jobs.iter().find(|job| job.application == Some(leading));
    job.map(|job| job.life)
}
