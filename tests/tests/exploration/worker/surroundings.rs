//! What is around a task while it takes a step, and what it is held against.

use sparkwright_worker::errors::ErrorName;
use sparkwright_worker::life::fate::Loss;

use super::checks::{Rule, Violations};
use super::process::Row;
use super::scenario::Scenario;
use super::step_functions::{HEARTBEAT, StepFunctions, Token, Told};
use super::task::{Lease, OwnRun};
use crate::names::Run;
use crate::world::{self, World};

/// What is around a task while it takes a step.
pub(super) struct Surroundings<'a> {
    pub(super) world: &'a mut World,
    pub(super) step_functions: &'a mut StepFunctions,
    pub(super) row: &'a mut Row,
    /// Which attempt has posted each job.
    pub(super) posts: &'a mut Vec<u8>,
    pub(super) own: &'a mut Option<OwnRun>,
    pub(super) outcome: &'a mut Option<world::Life>,
    pub(super) lease: &'a mut Lease,
    pub(super) silent: &'a mut u8,
    pub(super) violations: &'a mut Violations,
    pub(super) scenario: &'a Scenario,
    pub(super) attempt: u8,
    pub(super) is_told: bool,
    pub(super) is_connected: bool,
    pub(super) is_draining: bool,
    pub(super) others: &'a Others,
}

/// The other tasks.
#[derive(Clone, Debug, Default)]
pub(super) struct Others {
    /// Runs that others with a good token follow: in this process, and anywhere.
    pub(super) followed_here: Vec<Run>,
    pub(super) followed: Vec<Run>,
    /// Another task here has the intent,
    pub(super) is_taken: bool,
    /// and a run of it.
    pub(super) is_adopted: bool,
    /// Another task here waits for the intent.
    pub(super) is_wanted: bool,
}

impl Surroundings<'_> {
    /// Whether the token is good; none as long as nobody can say.
    pub(super) fn is_good(&mut self) -> Option<bool> {
        match *self.lease {
            Lease::Over(_) => Some(false),
            Lease::Held if *self.silent == 0 => Some(true),
            Lease::Held | Lease::Unconfirmed if !self.is_connected => None,
            Lease::Held | Lease::Unconfirmed => Some(self.beat()),
        }
    }

    /// A heartbeat, and its answer.
    pub(super) fn beat(&mut self) -> bool {
        if self.step_functions.is_open(self.attempt) {
            self.step_functions.heard_of(self.attempt);
            (*self.lease, *self.silent) = (Lease::Held, 0);
            return true;
        }
        *self.lease = Lease::Over(if *self.silent < HEARTBEAT {
            Loss::Cancelled
        } else {
            Loss::Expired
        });
        false
    }

    pub(super) fn lost(&self) -> Option<Loss> {
        match *self.lease {
            Lease::Over(loss) => Some(loss),
            Lease::Held | Lease::Unconfirmed => None,
        }
    }

    /// Something of a run is killed for a stop.
    pub(super) fn kills(&mut self, run: Run) {
        if self.others.followed_here.contains(&run) {
            self.violations.add(Rule::AdoptedIsLeftAlone);
        }
    }

    pub(super) fn kill_surplus(&mut self, application: u8) {
        self.world.kill(application);
    }

    /// A run is said to have stopped.
    pub(super) fn has_stopped(&mut self, run: Run) {
        // Of a run that was posted twice over, one application that has ended is no proof; the end is.
        let posts = self.world.jobs.iter().filter(|job| job.run == run).count();
        if posts < 2 && self.world.may_live(run) {
            self.violations.add(Rule::StoppedHasStopped);
        }
    }
}

impl Surroundings<'_> {
    /// Whether something may be posted for the token.
    pub(super) fn check_post(&mut self) {
        let retries = &self.step_functions.tokens[usize::from(self.attempt) + 1..];
        if retries.iter().any(|token| matches!(token, Token::Open(_))) {
            self.violations.add(Rule::NothingIsPostedInVain);
        }
    }

    /// Whether what is told is true.
    pub(super) fn check_told(&mut self, told: Told) {
        let jobs = &self.world.jobs;
        let any = |life| jobs.iter().any(|job| job.life == life);
        let mine = jobs.iter().zip(self.posts.iter());
        let mine_lives = mine
            .clone()
            .any(|(job, by)| *by == self.attempt && job.may_live());
        let own_lives = self.own.as_ref().is_some_and(|own| self.world.may_live(own.run));
        let is_true = match told {
            Told::Success => any(world::Life::Succeeded),
            Told::Failure(ErrorName::Failed) => any(world::Life::Failed),
            Told::Failure(ErrorName::Killed) => any(world::Life::Killed),
            Told::Failure(ErrorName::Cancelled | ErrorName::StartTimeout) => !mine_lives && !own_lives,
            Told::Failure(
                ErrorName::LivyUnavailable
                | ErrorName::WorkerDraining
                | ErrorName::InvalidInput
                | ErrorName::Rejected,
            ) => !mine_lives,
            Told::Failure(ErrorName::Lost) => true,
        };
        if !is_true {
            self.violations.add(Rule::WhatIsToldIsTrue);
        }
    }
}
