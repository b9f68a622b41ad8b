//! The wait for a job to stand as asked: the function's `started` around a watch and its goal.

use std::time::Duration;

use spark_job_function::life::{Overtaken, Seen, Waited};
use spark_job_function::wait::{Goal, Verdict};
use sparkwright_spark_job::sighting::YarnSight;
use sparkwright_spark_job::standing::surplus;
use sparkwright_spark_job::watch::Watched;

use crate::defect::Defect;
use crate::invocation::{Context, Marks, Touch, fixed, number_of};
use crate::names::{self, SETTLE, instant};
use crate::provisioning::overtaken;
use crate::scenario::Scenario;
use crate::sight::LivyView;
use crate::stopping::{believed, look_at_livy, look_at_yarn};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Waiting {
    watched: Watched,
    goal: Goal,
    at: At,
    until: u8,
    began: u8,
    has_looked: bool,
    /// But for what Livy is still starting.
    is_nearly_there: bool,
    is_outstanding: bool,
    /// It was being called off when a further invocation took over.
    is_over: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum At {
    Look,
    AskYarn(LivyView),
    /// Whether the request is still wanted.
    Ask,
    Asleep,
}

impl Waiting {
    pub(crate) fn begin(
        now: u8,
        (last_post, own_batch): (u8, Option<i64>),
        marks: &mut Marks,
        scenario: &Scenario,
    ) -> Self {
        let last_post = marks.posted.unwrap_or(last_post);
        let settles_at = instant(last_post) + SETTLE;
        Self {
            watched: Watched::new(instant(last_post), SETTLE),
            goal: Goal::new(scenario.wait_for, Duration::ZERO, true).submitted(own_batch, settles_at),
            is_nearly_there: false,
            is_outstanding: false,
            at: At::Look,
            until: fixed(&mut marks.wait, now + scenario.wait_timeout),
            began: now,
            has_looked: false,
            is_over: marks.call_off.is_some(),
        }
    }

    pub(crate) fn application(&self) -> Option<u8> {
        self.watched.history().known_application().map(number_of)
    }

    pub(crate) fn touches(&self) -> Touch {
        match self.at {
            At::Look => Touch::Look,
            At::AskYarn(_) => Touch::SecondHalf,
            At::Ask => Touch::Stack,
            At::Asleep => Touch::Nothing,
        }
    }

    pub(crate) fn place(&self) -> String {
        format!("Wait {:?}", self.at)
    }

    pub(crate) fn is_asleep(&self) -> bool {
        self.at == At::Asleep
    }

    pub(crate) fn wake(&mut self) {
        if self.is_asleep() {
            self.at = At::Look;
        }
    }

    pub(crate) fn step(&mut self, context: &mut Context<'_>) -> Option<Seen> {
        let now = context.now();
        match std::mem::replace(&mut self.at, At::Asleep) {
            At::Look if !self.is_over && self.is_nearly_there && self.has_looked && now >= self.until => {
                return Some(Seen::Waited(Waited::Reached));
            }
            At::Look if self.is_over || (self.has_looked && now >= self.until) => {
                return Some(match context.overtaken() {
                    Some(has) => Seen::Overtaken(overtaken(context, has)),
                    None => Seen::Waited(Waited::TooLate),
                });
            }
            At::Look if self.watched.wants_livy(instant(now)) => {
                self.at = At::AskYarn(look_at_livy(context, context.request.run));
            }
            At::Look => return self.look(context, LivyView::NotAsked),
            At::AskYarn(livy) => return self.look(context, livy),
            At::Ask => {
                if let Some(has) = context.overtaken() {
                    match overtaken(context, has) {
                        Overtaken::ByItself if self.is_outstanding => {}
                        overtaken => return Some(Seen::Overtaken(overtaken)),
                    }
                }
            }
            At::Asleep => unreachable!("it sleeps"),
        }
        None
    }

    fn look(&mut self, context: &mut Context<'_>, livy: LivyView) -> Option<Seen> {
        let (run, now) = (context.request.run, instant(context.now()));
        self.has_looked = true;
        let yarn = look_at_yarn(context, run, self.application());
        if let YarnSight::Applications(applications) = &yarn
            && !context.has(Defect::NoTieBreak)
        {
            for id in surplus(applications) {
                context.kill(number_of(id));
            }
        }
        let sighting = believed(context, livy, yarn);
        let report = self.watched.observe(&names::of(run).batch, now, &sighting);
        let verdict = self.goal.observe(now, &report);
        self.is_nearly_there = verdict == Verdict::Nearly;
        self.is_outstanding = self.goal.is_outstanding(now, &report);
        match verdict {
            Verdict::Reached => Some(Seen::Waited(Waited::Reached)),
            Verdict::Failed(ending) => Some(Seen::Waited(Waited::Ended(ending))),
            Verdict::NotYet | Verdict::Nearly => {
                // A tick is longer than the time between two questions.
                self.at = if context.now() > self.began {
                    At::Ask
                } else {
                    At::Asleep
                };
                None
            }
        }
    }
}
