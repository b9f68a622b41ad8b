//! The decisions of a submission: given what was seen, what comes next. No client, no clock.

mod answer;
mod doubt;
mod runs;
mod surveyed;
mod unsettled;

use std::time::{Duration, Instant};

use self::doubt::{Cause, Doubt};
use self::unsettled::Unsettled;
use super::{Numbering, Order, Patience, SubmitError};
use crate::identity::Spec;
use crate::names::BatchName;

pub use self::answer::{PostAnswer, Refusal, ZombieFate};
pub use self::runs::{Identity, Runs};

/// What to do next.
#[derive(Debug)]
pub enum Next {
    /// Look at what the intent has.
    Survey,
    /// The same, after a period.
    SurveyLater,
    /// Say why, then look again after a period.
    Wait {
        /// What is waited for.
        reason: String,
    },
    /// Create the batch of this run.
    Post {
        /// The run's number.
        number: u32,
    },
    /// Remove what a refused POST left under this run's name.
    ClearZombie {
        /// The run's number.
        number: u32,
        /// The refusal, if it was our own POST that left it.
        refusal: Option<Refusal>,
    },
    /// The intent has this run.
    Adopt {
        /// Its name, as Livy holds it.
        name: BatchName,
        /// Livy's number.
        batch_id: Option<i64>,
    },
    /// The batch was created.
    Created {
        /// Its name.
        name: BatchName,
        /// Livy's number.
        batch_id: i64,
        /// The last instant at which Livy may have taken the POST.
        posted: Instant,
    },
    /// There will be no run.
    Fail(SubmitError),
}

/// One submission's memory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Submission {
    identity: Identity,
    numbering: Numbering,
    spec: Spec,
    slug: crate::names::Slug,
    settle: Duration,
    submit_timeout: Duration,
    lost_timeout: Duration,
    began: Instant,
    /// The last POST of ours that may have made a batch though nothing said so.
    doubt: Option<Doubt>,
    unsettled: Unsettled,
    /// The highest number that any run is known to have had.
    highest: u32,
}

impl Submission {
    /// A submission that begins now.
    pub fn new(order: &Order, patience: &Patience, now: Instant) -> Self {
        Self {
            identity: Identity {
                intent: order.intent,
                resource: order.resource,
            },
            numbering: order.numbering,
            spec: order.spec,
            slug: order.slug.clone(),
            settle: patience.settle,
            submit_timeout: patience.submit_timeout,
            lost_timeout: patience.lost_timeout,
            began: now,
            doubt: None,
            unsettled: Unsettled::default(),
            highest: 0,
        }
    }

    /// When the last POST was sent that may have been received.
    pub fn last_doubt(&self) -> Option<Instant> {
        self.doubt.as_ref().map(|doubt| doubt.posted)
    }

    /// The run that may exist though its answer was lost.
    pub fn left_behind(&self, order: &Order) -> Option<BatchName> {
        self.doubt.as_ref().map(|doubt| order.batch_name(doubt.number))
    }

    /// A POST is about to be sent, or an earlier process has sent one: from now on it may have been received.
    pub fn posting(&mut self, now: Instant, number: u32) {
        // Whoever chose the number saw runs of the lower ones, which Livy and YARN may have forgotten since.
        self.highest = self.highest.max(number.saturating_sub(1));
        self.doubt = Some(Doubt {
            number,
            posted: now,
            cause: Cause::NoAnswer("its answer was not awaited".into()),
        });
    }

    /// An earlier delivery of the same request may have posted and died, until now.
    pub fn may_have_been_posted(&mut self, now: Instant) {
        self.doubt = Some(Doubt {
            number: 1,
            posted: now,
            cause: Cause::EarlierDelivery,
        });
    }

    /// Decides upon the answer to a POST that may have been taken as late as `posted`.
    pub fn posted(&mut self, posted: Instant, now: Instant, number: u32, answer: PostAnswer) -> Next {
        self.doubt = None;
        let in_doubt = |cause| {
            Some(Doubt {
                number,
                posted,
                cause,
            })
        };
        match answer {
            PostAnswer::Created { batch_id } => Next::Created {
                name: self.name(number),
                batch_id,
                posted,
            },
            PostAnswer::NotSent(why) => self.wait(now, why),
            PostAnswer::TooManySessions => self.refused_for_others(now),
            PostAnswer::Duplicate => {
                self.doubt = in_doubt(Cause::Duplicate);
                Next::SurveyLater
            }
            PostAnswer::NoAnswer(reason) => {
                self.doubt = in_doubt(Cause::NoAnswer(reason.clone()));
                Next::Wait { reason }
            }
            PostAnswer::Refused(refusal) if refusal.may_hold_name => {
                self.doubt = in_doubt(Cause::Refused(refusal.clone()));
                Next::ClearZombie {
                    number,
                    refusal: Some(refusal),
                }
            }
            PostAnswer::Refused(refusal) => Next::Fail(refusal.rejection()),
        }
    }

    /// Livy starts as many sessions as it may, as it has said to this or to another submission.
    pub fn refused_for_others(&self, now: Instant) -> Next {
        let reason = "Livy is starting as many sessions as it may (livy.server.session.max-creation)";
        self.wait(now, reason.into())
    }

    /// Decides upon what a refused POST had left, or upon a shell that stood too long.
    pub fn zombie_cleared(
        &mut self,
        now: Instant,
        number: u32,
        refusal: Option<Refusal>,
        fate: ZombieFate,
    ) -> Next {
        match (fate, refusal) {
            // The shell stands as it stood, and is tried again.
            (ZombieFate::Unseen(why), None) => self.wait(now, why),
            (ZombieFate::Removed, None) => {
                self.unsettled.forget(number);
                Next::SurveyLater
            }
            (ZombieFate::Absent, None) | (ZombieFate::Alive, _) => Next::SurveyLater,
            // Livy refuses with 400 before anything is started; a 500 with nothing to see must settle.
            (ZombieFate::Absent | ZombieFate::Unseen(_), Some(refusal)) if refusal.status != 400 => {
                let reason = Cause::Refused(refusal).awaited().into();
                Next::Wait { reason }
            }
            (ZombieFate::Removed | ZombieFate::Absent | ZombieFate::Unseen(_), Some(refusal)) => {
                self.doubt = None;
                Next::Fail(refusal.rejection())
            }
        }
    }

    /// Waits for somebody who does not answer, as long as the caller has patience for.
    fn wait(&self, now: Instant, reason: String) -> Next {
        match &self.doubt {
            None if self.is_overdue(now) => self.unavailable(reason),
            Some(doubt) if self.has_lost(now, doubt) => Next::Fail(SubmitError::Lost {
                why: reason,
                left_behind: self.name(doubt.number),
            }),
            _ => Next::Wait { reason },
        }
    }

    /// Whether nobody has answered for too long. What an earlier delivery may have posted has settled long since.
    fn has_lost(&self, now: Instant, doubt: &Doubt) -> bool {
        let is_of_another = matches!(doubt.cause, Cause::EarlierDelivery);
        let settled = self.submit_timeout.saturating_add(self.settle);
        now.duration_since(doubt.posted) >= self.lost_timeout
            || (is_of_another && now.duration_since(self.began) >= settled)
    }

    fn unavailable(&self, why: String) -> Next {
        Next::Fail(SubmitError::Unavailable {
            why,
            after: self.submit_timeout,
        })
    }

    fn is_overdue(&self, now: Instant) -> bool {
        now.duration_since(self.began) >= self.submit_timeout
    }

    fn name(&self, number: u32) -> BatchName {
        BatchName::of(&self.slug, self.identity.key(number))
    }
}

#[cfg(test)]
mod tests;
