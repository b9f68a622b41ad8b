//! A submission: `spark_job::submission` and the function's `launch` around its decisions.

use std::time::Duration;

use spark_job_function::life::{Left, Seen};
use sparkwright_livy::Batch;
use sparkwright_spark_job::sighting::Survey;
use sparkwright_spark_job::submission::steps::{Next, PostAnswer, Submission};
use sparkwright_spark_job::submission::{Patience, SubmitError};

use crate::defect::Defect;
use crate::invocation::{Context, Memory, Touch, fixed, number_of};
use crate::names::{self, SETTLE, TICK, instant};
use crate::provisioning::{SUBMIT_TIMEOUT, overtaken};
use crate::sight::{BatchView, livy_list, yarn_sight, yarn_silent};
use crate::world::Posted;

/// How many ticks a POST may take to arrive, once the request was known to be wanted.
const LONGEST_STALL: u8 = 2;

/// When waiting ends over all invocations.
const WAIT_END: u8 = 59;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Submitting {
    submission: Submission,
    at: At,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum At {
    AskLivy,
    AskYarn(Option<Vec<BatchView>>),
    /// Whether the request is still wanted, and the POST that follows at once,
    BeforePost,
    /// or so many ticks later at most.
    Post {
        slack: u8,
    },
    /// The same after it.
    AfterPost {
        posted: u8,
        batch_id: i64,
    },
    Asleep,
    /// There is a run.
    Submitted {
        last_post: u8,
    },
}

/// How a submission ended.
#[derive(Clone, Debug)]
pub(crate) enum Submitted {
    Run { last_post: u8, own_batch: Option<i64> },
    Seen(Seen),
}

impl Submitting {
    pub(crate) fn begin(context: &Context<'_>, memory: &mut Memory<'_>) -> Self {
        let now = context.now();
        let marks = &mut *memory.marks;
        let until = if marks.make_way.is_some() {
            fixed(&mut marks.submit, now + SUBMIT_TIMEOUT)
        } else {
            fixed(&mut marks.look, now + SUBMIT_TIMEOUT)
        };
        let settle = if context.has(Defect::PostDoesNotSettle) {
            Duration::ZERO
        } else {
            SETTLE
        };
        let patience = Patience {
            settle,
            submit_timeout: TICK * u32::from(until.saturating_sub(now)) + Duration::from_secs(1),
            lost_timeout: Duration::MAX,
            poll_period: Duration::from_secs(1),
            deadline: None,
        };
        let order = names::of(context.request.run).order(context.request.version);
        let mut submission = Submission::new(order, &patience, instant(now));
        if marks.may_be_repeated() && !context.has(Defect::RepetitionDoesNotSettle) {
            submission.may_have_been_posted(instant(now));
        }
        Self {
            submission,
            at: At::AskLivy,
        }
    }

    pub(crate) fn touches(&self) -> Touch {
        match self.at {
            At::AskLivy => Touch::Look,
            At::AskYarn(_) => Touch::SecondHalf,
            At::AfterPost { .. } => Touch::Stack,
            At::BeforePost => Touch::Post,
            At::Post { .. } => Touch::LatePost,
            At::Asleep | At::Submitted { .. } => Touch::Nothing,
        }
    }

    pub(crate) fn place(&self) -> String {
        format!("Submit {:?}", self.at)
    }

    pub(crate) fn is_asleep(&self) -> bool {
        self.at == At::Asleep
    }

    /// Whether a tick may pass before the next step.
    pub(crate) fn may_wait(&self) -> bool {
        matches!(self.at, At::Post { slack: 1.. })
    }

    pub(crate) fn wake(&mut self) {
        match &mut self.at {
            At::Asleep => self.at = At::AskLivy,
            At::Post { slack } => *slack -= 1,
            _ => {}
        }
    }

    pub(crate) fn step(&mut self, context: &mut Context<'_>, memory: &mut Memory<'_>) -> Option<Submitted> {
        let next = match std::mem::replace(&mut self.at, At::Asleep) {
            At::AskLivy if context.now() >= WAIT_END => return Some(self.overdue(context)),
            At::AskLivy => {
                let own = context.request.run;
                let list = livy_list(context.world).filter(|_| !context.is_lost);
                self.at =
                    At::AskYarn(list.map(|list| list.into_iter().filter(|view| view.run == own).collect()));
                return None;
            }
            At::AskYarn(batches) => self.survey(context, batches),
            At::BeforePost => {
                if context.is_overtaken_before_the_post() {
                    let order = names::of(context.request.run).order(context.request.version);
                    let is_left = self.submission.left_behind(order).is_some();
                    let has = context.stack_has();
                    return Some(Submitted::Seen(if is_left {
                        Seen::Overtaken(overtaken(context, has))
                    } else {
                        Seen::NotSubmitted(Left::Nothing)
                    }));
                }
                self.claim(context, memory);
                self.submission.posting(instant(context.now()), 1);
                if context.is_stalled {
                    self.at = At::Post { slack: LONGEST_STALL };
                    return None;
                }
                self.post(context)
            }
            At::Post { .. } => self.post(context),
            At::AfterPost { posted, batch_id } => {
                memory.marks.posted = Some(posted);
                if let Some(has) = context.overtaken() {
                    return Some(Submitted::Seen(Seen::Overtaken(overtaken(context, has))));
                }
                self.claim(context, memory);
                return Some(self.submitted(posted, Some(batch_id), memory));
            }
            At::Submitted { last_post } => {
                let last_post = memory.marks.posted.unwrap_or(last_post);
                return Some(self.submitted(last_post, None, memory));
            }
            At::Asleep => unreachable!("it sleeps"),
        };
        self.enter(next, context)
    }

    fn survey(&mut self, context: &mut Context<'_>, batches: Option<Vec<BatchView>>) -> Next {
        let yarn = if context.is_lost {
            yarn_silent()
        } else {
            yarn_sight(context.world, true, |job| job.run == context.request.run)
        };
        let livy = match batches {
            Some(batches) => Ok(batches.iter().map(|view| self.believed(context, view)).collect()),
            None => Err("Livy is down".into()),
        };
        let survey = Survey { livy, yarn };
        if !context.has(Defect::NoTieBreak) {
            for id in self.submission.surplus(&survey) {
                context.kill(number_of(id));
            }
        }
        self.submission.surveyed(instant(context.now()), &survey)
    }

    fn believed(&self, context: &Context<'_>, view: &BatchView) -> Batch {
        if context.has(Defect::DeadIsBelieved) {
            view.believed_dead().batch(true)
        } else {
            view.batch(true)
        }
    }

    fn post(&mut self, context: &mut Context<'_>) -> Next {
        let now = instant(context.now());
        let answer = match context.world.post(context.request.run, context.request.version) {
            Posted::NotReached => PostAnswer::NotSent("Livy is down".into()),
            Posted::Taken { .. } | Posted::Duplicate if context.is_lost => {
                PostAnswer::NoAnswer("it was lost".into())
            }
            Posted::Taken { batch } => PostAnswer::Created {
                batch_id: batch.into(),
            },
            Posted::Duplicate => PostAnswer::Duplicate,
        };
        self.submission.posted(now, now, 1, answer)
    }

    fn enter(&mut self, next: Next, context: &Context<'_>) -> Option<Submitted> {
        self.at = match next {
            Next::Survey => At::AskLivy,
            Next::SurveyLater | Next::Wait { .. } => At::Asleep,
            Next::Post { .. } => At::BeforePost,
            Next::Created { batch_id, .. } => At::AfterPost {
                posted: context.now(),
                batch_id,
            },
            Next::Adopt { .. } => {
                let doubt = self.submission.last_doubt();
                let last_post = (0..=context.now()).find(|tick| doubt == Some(instant(*tick)));
                At::Submitted {
                    last_post: last_post.unwrap_or(context.now()),
                }
            }
            Next::Fail(error) => return Some(Submitted::Seen(Seen::NotSubmitted(left_by(&error)))),
            Next::ClearZombie { .. } => {
                unreachable!("Livy refuses nothing here, and what is born grows up in a tick")
            }
        };
        None
    }

    /// What was POSTed, or is about to be, is claimed and noted.
    fn claim(&self, context: &Context<'_>, memory: &mut Memory<'_>) {
        memory.marks.posted = Some(context.now());
        if !context.has(Defect::ClaimAfterThePost) {
            *memory.has_claimed = true;
        }
    }

    fn submitted(&self, last_post: u8, own_batch: Option<i64>, memory: &mut Memory<'_>) -> Submitted {
        *memory.has_claimed = true;
        memory.marks.posted = Some(last_post);
        memory.marks.is_submitted = true;
        Submitted::Run { last_post, own_batch }
    }

    fn overdue(&self, context: &Context<'_>) -> Submitted {
        let order = names::of(context.request.run).order(context.request.version);
        let is_left = self.submission.left_behind(order).is_some();
        Submitted::Seen(Seen::NotSubmitted(if is_left {
            Left::Unknown
        } else {
            Left::Nothing
        }))
    }
}

/// What a submission that failed has left, as the function's `launch` says it.
fn left_by(error: &SubmitError) -> Left {
    match error {
        SubmitError::Lost { .. } => Left::Unknown,
        SubmitError::Rejected { .. } | SubmitError::Unavailable { .. } => Left::Nothing,
        error => unreachable!("{error} is not the decisions' own"),
    }
}
