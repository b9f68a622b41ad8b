//! What is held against a state: at each answer, at every moment, and in the end.

use std::sync::Arc;

use spark_job_function::properties::WaitFor;

use crate::invocation::{Answer, Invocation};
use crate::names::Run;
use crate::provisioning::never_two;
use crate::request::{Kind, Request};
use crate::scenario::Scenario;
use crate::stack::{Id, Phase};
use crate::state::{Delivery, State};
use crate::violations::Rule;
use crate::world::{Job, Life};

impl State {
    pub(crate) fn check_answer(&mut self, number: u8, answer: Answer, scenario: &Scenario) {
        let request = &self.requests[usize::from(number)];
        if !answer.succeeded {
            // A job that nothing ends does not succeed.
            let may_succeed = scenario.wait_for != WaitFor::Success;
            if self.faults == 0 && may_succeed && self.stack.waiting == Some(number) {
                self.violations.add(Rule::NothingFailsByItself);
            }
            let is_old = request.kind != Kind::Delete && answer.id == request.id.unwrap_or(Id::Nothing);
            let is_left = self.world.may_live(request.run) && !self.is_at_work(request.run);
            if is_old && self.stack.waiting == Some(number) && is_left {
                self.violations.add(Rule::OldIdIsTrue);
            }
            return;
        }
        match (request.kind, answer.id) {
            (Kind::Delete, Id::Run(run, _)) if self.world.may_live(run) && !self.is_at_work(run) => {
                self.violations.add(Rule::DeletedIsGone);
            }
            (Kind::Delete, Id::Invented) if self.called_off_lives(request) => {
                self.violations.add(Rule::DeletedIsGone);
            }
            (Kind::Create | Kind::Update, Id::Run(run, _)) if self.stack.waiting == Some(number) => {
                let of_the_run = |job: &&Job| job.run == run;
                let stands = |job: &Job| job.may_live() || job.life == Life::Succeeded || job.has_just_ended;
                let may_be_unseen = answer.may_be_unseen && self.faults > 0;
                let mut jobs = self.world.jobs.iter().filter(of_the_run);
                if !may_be_unseen && !jobs.any(stands) {
                    self.violations.add(Rule::SuccessIsTrue);
                }
            }
            _ => {}
        }
    }

    /// Whether another invocation is at work with a run: it stops it itself once it sees that it was superseded.
    fn is_at_work(&self, run: Run) -> bool {
        let is_of = |invocation: &Arc<Invocation>| {
            let request = &self.requests[usize::from(invocation.request)];
            request.run == run && request.kind != Kind::Delete
        };
        let is_of_delivery = |delivery: &Delivery| {
            let request = &self.requests[usize::from(delivery.request)];
            request.run == run && request.kind != Kind::Delete
        };
        self.invocations.iter().any(is_of) || self.deliveries.iter().any(is_of_delivery)
    }

    /// Whether anything lives that a Create submitted before this Delete.
    fn called_off_lives(&self, delete: &Request) -> bool {
        let earlier = |run: Run| self.requests[usize::from(run.0)].issued <= delete.issued;
        let mut jobs = self.world.jobs.iter();
        jobs.any(|job| job.may_live() && earlier(job.run) && !self.is_at_work(job.run))
    }

    pub(crate) fn has_twins(&self) -> bool {
        let mut live: Vec<_> = self
            .world
            .jobs
            .iter()
            .filter(|job| job.is_live() && !job.is_doomed)
            .map(|job| job.run)
            .collect();
        live.sort();
        live.windows(2).any(|pair| pair[0] == pair[1])
    }

    /// What holds at every moment, and in the end.
    pub(crate) fn check(&mut self, scenario: &Scenario) {
        if never_two(scenario) {
            let mut live = self
                .world
                .jobs
                .iter()
                .filter(|job| job.is_live())
                .map(|job| job.run);
            if let Some(first) = live.next()
                && live.any(|run| run != first)
            {
                self.violations.add(Rule::OneRunPerResource);
            }
        }
        if self.is_over(scenario) {
            self.check_the_end();
        }
    }

    /// Whether nothing is left to come.
    pub(crate) fn is_over(&self, scenario: &Scenario) -> bool {
        self.invocations.is_empty()
            && self.deliveries.is_empty()
            && !self.world.is_restless()
            && !self.stack.is_due(scenario)
            && self.twins == 0
    }

    fn check_the_end(&mut self) {
        let owned = |run: Run| {
            let leads = |id: &Id| matches!(id, Id::Run(of, _) if *of == run);
            self.stack.id.iter().chain(&self.stack.abandoned).any(leads)
        };
        let jobs = &self.world.jobs;
        if jobs
            .iter()
            .any(|job| job.may_live() && !owned(job.run) && self.stack.id != Some(Id::Invented))
        {
            self.violations.add(Rule::NothingIsUnowned);
        }
        if self.stack.waiting.is_some() {
            self.violations.add(Rule::EveryRequestIsAnswered);
        }
        if self.stack.phase == Phase::Idle
            && self.stack.status.is_complete()
            && let Some(Id::Run(run, _)) = self.stack.id
        {
            let by_itself = [Life::Succeeded, Life::Failed, Life::NeverStarted];
            let stands = |job: &Job| job.may_live() || by_itself.contains(&job.life);
            if !jobs.iter().any(|job| job.run == run && stands(job)) {
                self.violations.add(Rule::NothingIsLost);
            }
        }
    }
}
