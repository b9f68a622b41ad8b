//! A submission: `spark_job::submission` and the worker's `submitting` around its decisions. Each wait is a step of its own.

use std::sync::Arc;
use std::time::Duration;

use sparkwright_livy::BatchId;
use sparkwright_spark_job::submission::steps::{Next, PostAnswer, Submission};
use sparkwright_spark_job::submission::{Patience, SubmitError};
use sparkwright_worker::life::{Event, Stage, Unsubmitted};

use super::names::{number_of, order, survey};
use super::scenario::{Defect, Scenario};
use super::surroundings::Surroundings;
use super::task::OwnRun;
use crate::names::{Run, SETTLE, TICK, Version, instant};
use crate::world::Posted;

/// How long Livy and YARN are tried, and how long a POST in doubt, in ticks.
const SUBMIT_TIMEOUT: u32 = 3;
const LOST_TIMEOUT: u32 = 5;

/// A POST that may be in doubt settles within so many ticks.
const SETTLED: u8 = 3;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Submitting {
    submission: Arc<Submission>,
    /// Ticks since it began.
    age: u8,
    /// A batch may exist.
    pub(super) posted: bool,
    /// When the last POST was that may have been received, in ticks since it began.
    last_post: Option<u8>,
    at: At,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum At {
    Survey,
    Asleep,
    /// Before the POST: the journal,
    Note(u32),
    /// then the token, then the POST.
    Post(u32),
    /// Livy has answered; none when that was lost.
    Answer(u32, Option<Posted>),
}

impl Submitting {
    pub(super) fn begin(unanswered: Option<u32>, scenario: &Scenario) -> Self {
        let unanswered = unanswered.filter(|_| !scenario.has(Defect::PostIsNotJournalled));
        let patience = Patience {
            settle: SETTLE,
            submit_timeout: TICK * SUBMIT_TIMEOUT,
            lost_timeout: TICK * LOST_TIMEOUT,
            poll_period: Duration::from_secs(1),
            deadline: None,
        };
        let mut submission = Submission::new(order(), &patience, instant(0));
        if let Some(number) = unanswered {
            submission.posting(instant(0), number);
        }
        Self {
            submission: Arc::new(submission),
            age: 0,
            posted: unanswered.is_some(),
            last_post: unanswered.map(|_| 0),
            at: At::Survey,
        }
    }

    pub(super) fn is_asleep(&self) -> bool {
        self.at == At::Asleep
    }

    pub(super) fn looks(&self) -> bool {
        self.at == At::Survey
    }

    pub(super) fn posts(&self) -> bool {
        matches!(self.at, At::Post(_))
    }

    /// Whether the time to start may end it now: not while a POST is on its way.
    pub(super) fn may_be_late(&self) -> bool {
        !matches!(self.at, At::Answer(..))
    }

    pub(super) fn tick(&mut self) {
        self.age += 1;
        if self.at == At::Asleep {
            self.at = At::Survey;
        }
    }

    /// Takes a step; what comes of the submission, once something does. `is_lost`: Livy's answer to a POST.
    pub(super) fn step(&mut self, around: &mut Surroundings<'_>, is_lost: bool) -> Option<Event> {
        let now = instant(self.age);
        let next = match self.at {
            At::Survey => {
                let survey = survey(around.world);
                for id in self.submission.surplus(&survey) {
                    around.kill_surplus(crate::invocation::number_of(id));
                }
                let next = Arc::make_mut(&mut self.submission).surveyed(now, &survey);
                match next {
                    Next::Adopt { .. }
                        if around.scenario.has(Defect::RetryDoesNotAdopt) && around.attempt > 0 =>
                    {
                        Next::Post { number: 2 }
                    }
                    next => next,
                }
            }
            At::Note(number) => {
                if !around.scenario.has(Defect::PostIsNotJournalled) {
                    around.row.stage = Stage::Posting { number };
                }
                self.at = At::Post(number);
                return None;
            }
            At::Post(number) => return self.post(around, number, is_lost),
            At::Answer(number, posted) => {
                let answer = match posted {
                    Some(Posted::Taken { batch }) => PostAnswer::Created {
                        batch_id: BatchId(batch.into()).0,
                    },
                    Some(Posted::Duplicate) => PostAnswer::Duplicate,
                    Some(Posted::NotReached) => PostAnswer::NotSent("Livy is down".into()),
                    None => PostAnswer::NoAnswer("the answer was lost".into()),
                };
                Arc::make_mut(&mut self.submission).posted(now, now, number, answer)
            }
            At::Asleep => unreachable!("it sleeps"),
        };
        match next {
            // An adopted run settles from its adoption.
            Next::Adopt { name, .. } => {
                let since = if around.scenario.has(Defect::AdoptedSettlesFromTheOwnPost) {
                    self.last_post.map_or(0, |posted| self.age - posted)
                } else {
                    0
                };
                *around.own = Some(OwnRun::new(number_of(name.as_str()), since.min(SETTLED)));
                Some(Event::Submitted)
            }
            Next::Created { name, .. } => {
                *around.own = Some(OwnRun::new(number_of(name.as_str()), 0));
                Some(Event::Submitted)
            }
            Next::Post { number } => {
                self.at = At::Note(number);
                None
            }
            Next::Fail(error) => Some(self.failed(around, &error)),
            Next::Survey => {
                self.at = At::Survey;
                None
            }
            Next::SurveyLater | Next::Wait { .. } => {
                self.at = At::Asleep;
                None
            }
            Next::ClearZombie { .. } => {
                unreachable!("Livy refuses nothing here, and what is born grows up in a tick")
            }
        }
    }

    /// The token is asked about and the POST sent at once.
    fn post(&mut self, around: &mut Surroundings<'_>, number: u32, is_lost: bool) -> Option<Event> {
        if !around.scenario.has(Defect::PostDoesNotAsk) {
            match around.is_good() {
                Some(true) if !around.is_draining => {}
                // It waits until the service answers.
                None => return None,
                Some(_) => {
                    let left = self.submission.left_behind(order());
                    return Some(self.not_submitted(
                        around,
                        Unsubmitted::CalledOff,
                        left.map(|name| number_of(name.as_str())),
                    ));
                }
            }
        }
        let run = Run(u8::try_from(number).expect("few runs"));
        around.check_post();
        self.posted = true;
        self.last_post = Some(self.age);
        Arc::make_mut(&mut self.submission).posting(instant(self.age), number);
        let posted = around.world.post(run, Version::One);
        if matches!(posted, Posted::Taken { .. }) {
            around.posts.push(around.attempt);
        }
        self.at = At::Answer(number, Some(posted).filter(|_| !is_lost));
        None
    }

    fn failed(&self, around: &mut Surroundings<'_>, error: &SubmitError) -> Event {
        let (why, left) = match error {
            SubmitError::Rejected { .. } => (Unsubmitted::Rejected, None),
            SubmitError::Unavailable { .. } => (Unsubmitted::Unavailable, None),
            SubmitError::Lost { left_behind, .. } => (Unsubmitted::Lost, Some(left_behind)),
            error => unreachable!("{error} is not the decisions' own"),
        };
        self.not_submitted(around, why, left.map(|name| number_of(name.as_str())))
    }

    /// The time to start is over.
    pub(super) fn overdue(&self, around: &mut Surroundings<'_>) -> Event {
        let left = self.submission.left_behind(order());
        self.not_submitted(
            around,
            Unsubmitted::Deadline,
            left.map(|name| number_of(name.as_str())),
        )
    }

    fn not_submitted(&self, around: &mut Surroundings<'_>, why: Unsubmitted, left: Option<Run>) -> Event {
        *around.own = left.map(|run| OwnRun::new(run, 0));
        Event::NotSubmitted {
            why,
            is_left: left.is_some(),
            lost: around.lost(),
        }
    }
}
