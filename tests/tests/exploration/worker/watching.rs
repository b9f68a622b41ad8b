//! Looks at a run that is followed, and at whose a run is that waits for a retry.

use sparkwright_spark_job::sighting::YarnSight;
use sparkwright_spark_job::standing::surplus;
use sparkwright_worker::life::fate::ExecutionState;
use sparkwright_worker::life::{Event, Which};

use super::names::sighting;
use super::scenario::Defect;
use super::stopping::ending;
use super::surroundings::Surroundings;
use super::task::{Claim, SETTLED};
use crate::invocation::number_of;
use crate::world;

/// A job of which nobody has told anything for so many ticks is given up.
const LOST_TIMEOUT: u8 = 3;

/// A look at the own run.
pub(super) fn follow(around: &mut Surroundings<'_>) -> Option<Event> {
    let run = around.own.as_ref().expect("it is known").run;
    let sighting = sighting(around.world, run);
    let is_deaf = around.world.livy_down > 0 && around.world.yarn_down > 0;
    let ended = ending(around, run);
    let lives = around
        .world
        .jobs
        .iter()
        .any(|job| job.run == run && job.is_live());
    let runs = |job: &world::Job| job.run == run && job.life == world::Life::Running;
    let runs = around.world.jobs.iter().any(runs);
    let is_born = around.world.batches.iter().any(|batch| batch.run == run);
    let own = around.own.as_mut().expect("it is known");
    own.deaf = if is_deaf { own.deaf + 1 } else { 0 };
    let YarnSight::Applications(applications) = &sighting.yarn else {
        return (own.deaf > LOST_TIMEOUT).then_some(Event::Deaf);
    };
    own.is_seen |= !applications.is_empty();
    own.application = own
        .application
        .or(applications.first().map(|first| number_of(first.id)));
    for id in surplus(applications) {
        around.world.kill(number_of(id));
    }
    match ended {
        _ if lives && runs && !own.has_run => {
            own.has_run = true;
            Some(Event::Runs)
        }
        _ if lives => None,
        Some(life) => {
            *around.outcome = Some(life);
            Some(Event::Ended)
        }
        None if is_born || around.world.livy_down > 0 || own.since < SETTLED => None,
        None => {
            *around.outcome = None;
            Some(Event::Ended)
        }
    }
}

/// A look at whose the run is.
pub(super) fn await_retry(which: Which, around: &mut Surroundings<'_>, claim: &mut Claim) -> Option<Event> {
    let run = around.own.as_ref().map(|own| own.run);
    if let (Which::Own, Some(run), 0) = (which, run, around.world.yarn_down) {
        let has_ended = ending(around, run).is_some() && !around.world.may_live(run);
        let is_settled = around.own.as_ref().is_some_and(|own| own.since >= SETTLED);
        if has_ended || (is_settled && !around.world.may_live(run)) {
            return Some(Event::Ended);
        }
    }
    let is_let_go_of = around.scenario.has(Defect::OrphanIsLetGoOfEarly) && around.others.is_taken;
    if around.others.is_adopted || is_let_go_of {
        return Some(Event::NotOurs);
    }
    if !around.is_connected
        || around.step_functions.execution() != ExecutionState::Ended
        || around.others.is_taken
    {
        return None;
    }
    claim.is_held = true;
    Some(Event::Abandoned)
}
