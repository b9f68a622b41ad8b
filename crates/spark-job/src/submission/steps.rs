//! The decisions of a submission: given what was seen, what comes next. No client, no clock.

mod answer;
mod doubt;
mod runs;
mod unsettled;

use std::time::{Duration, Instant};

use sparkwright_livy::Batch;
use sparkwright_yarn::ApplicationId;

use self::doubt::{Cause, Doubt};
use self::runs::{Identity, Known, Runs};
use self::unsettled::{Unproven, Unsettled};
use super::{Numbering, Order, Patience, SubmitError};
use crate::identity::Spec;
use crate::names::BatchName;
use crate::sighting::{Survey, YarnSight};
use crate::standing::surplus;

pub use self::answer::{PostAnswer, Refusal, ZombieFate};

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
    /// The highest number that any run was seen to have.
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

    /// A POST is about to be sent: from now on it may have been received.
    pub fn posting(&mut self, now: Instant, number: u32) {
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

    /// The live applications of the intent beyond the one that stays.
    pub fn surplus(&self, survey: &Survey) -> Vec<ApplicationId> {
        match &survey.yarn {
            YarnSight::Applications(applications) => surplus(applications),
            YarnSight::NotThere | YarnSight::Silent(_) => Vec::new(),
        }
    }

    /// Decides upon a survey.
    pub fn surveyed(&mut self, now: Instant, survey: &Survey) -> Next {
        let batches = match &survey.livy {
            Ok(batches) => batches.as_slice(),
            Err(why) => return self.without_livy(now, why, &survey.yarn),
        };
        let applications = match &survey.yarn {
            YarnSight::NotThere => None,
            YarnSight::Silent(why) => return self.wait(now, why.clone()),
            YarnSight::Applications(applications) => Some(applications.as_slice()),
        };
        let runs = Runs::new(self.identity, batches, applications);
        let numbers = runs.numbers();
        if let Some(number) = runs.lowest_live() {
            return self.take_over(number, &runs);
        }
        for &number in numbers.iter().rev() {
            match runs.judge(number) {
                Known::Shape => return self.shape(now, number, runs.batch(number)),
                Known::Live => return self.take_over(number, &runs),
                _ if self.is_ours(number) => return self.adopt(number, runs.batch(number)),
                Known::Succeeded { submitted_ms } if self.is_reusable(submitted_ms) => {
                    return self.take_over(number, &runs);
                }
                Known::Unsettled => {
                    self.highest = self.highest.max(number);
                    let what = Unproven::LostSight(id_of(runs.batch(number)));
                    if !self.unsettled.has_stood(now, number, what, self.settle) {
                        return Next::Wait {
                            reason: "Livy lost sight of an earlier run; looking whether it lives".into(),
                        };
                    }
                }
                Known::Succeeded { .. } | Known::Over => {
                    self.highest = self.highest.max(number);
                }
            }
        }
        if self.unsettled.has_lately_vanished(now, &numbers, self.settle) {
            return Next::Wait {
                reason: "Livy has forgotten a batch of this intent; looking whether it lives".into(),
            };
        }
        self.nothing_to_adopt(now, self.highest.saturating_add(1), applications.is_some())
    }

    /// An application that lives is the intent's run, whether Livy can be asked about it or not.
    fn without_livy(&mut self, now: Instant, why: &str, yarn: &YarnSight) -> Next {
        if let YarnSight::Applications(applications) = yarn
            && let runs = Runs::new(self.identity, &[], Some(applications))
            && let Some(number) = runs.lowest_live()
        {
            return self.take_over(number, &runs);
        }
        self.wait(now, why.to_owned())
    }

    /// A POST, unless an earlier one of ours may still show up.
    fn nothing_to_adopt(&mut self, now: Instant, number: u32, with_yarn: bool) -> Next {
        let settled = |doubt: &mut Doubt| now.duration_since(doubt.posted) >= self.settle;
        match self.doubt.take_if(settled).map(|doubt| doubt.cause) {
            Some(Cause::Refused(refusal)) => Next::Fail(refusal.rejection()),
            Some(Cause::Duplicate) if self.is_overdue(now) => Next::Fail(self.name_is_taken(number)),
            // An application that Livy has forgotten cannot be seen: it may run.
            Some(Cause::NoAnswer(_)) if !with_yarn => Next::Fail(SubmitError::Lost {
                why: "Livy shows no batch of that name, and there is no ResourceManager to ask".into(),
                left_behind: self.name(number),
            }),
            // What was in doubt is settled, so that a time-out may end the submission again.
            Some(Cause::NoAnswer(why)) if self.is_overdue(now) => self.unavailable(why),
            Some(Cause::Duplicate | Cause::NoAnswer(_) | Cause::EarlierDelivery) => Next::Post { number },
            None => match &self.doubt {
                None => Next::Post { number },
                Some(doubt) => Next::Wait {
                    reason: doubt.cause.awaited().into(),
                },
            },
        }
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
            PostAnswer::TooManySessions => self.wait(
                now,
                "Livy is starting as many sessions as it may (livy.server.session.max-creation)".into(),
            ),
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

    /// Only the caller that was refused removes a shell at once: to others it may be a batch being born.
    fn shape(&mut self, now: Instant, number: u32, batch: Option<&Batch>) -> Next {
        if let Some(Doubt {
            number: ours,
            posted,
            cause: Cause::Refused(refusal),
        }) = &self.doubt
            && *ours == number
        {
            let refusal = refusal.clone();
            if now.duration_since(*posted) >= self.settle {
                return Next::Fail(refusal.rejection());
            }
            return Next::ClearZombie {
                number,
                refusal: Some(refusal),
            };
        }
        let what = Unproven::Shape(id_of(batch));
        if self.unsettled.has_stood(now, number, what, self.settle) {
            return Next::ClearZombie {
                number,
                refusal: None,
            };
        }
        Next::Wait {
            reason: "Livy holds a batch of this intent that has not started".into(),
        }
    }

    fn is_ours(&self, number: u32) -> bool {
        let posted = || self.doubt.as_ref().is_some_and(|doubt| doubt.number == number);
        self.numbering == Numbering::OneRun || posted()
    }

    /// A run of the intent is adopted, unless it is another job that somebody has given the same client token.
    fn take_over(&mut self, number: u32, runs: &Runs<'_>) -> Next {
        if !self.is_ours(number) && runs.is_other_job(number, self.spec) {
            return Next::Fail(SubmitError::OtherJob {
                name: self.name(number),
            });
        }
        self.adopt(number, runs.batch(number))
    }

    fn adopt(&mut self, number: u32, batch: Option<&Batch>) -> Next {
        // A POST of ours for another number says nothing of when this one was made, nor does when an earlier delivery may
        // have posted: a later one may have done so since.
        self.doubt
            .take_if(|doubt| doubt.number != number || matches!(doubt.cause, Cause::EarlierDelivery));
        let seen = batch.and_then(|batch| BatchName::seen(batch.name.as_deref()?, self.identity.key(number)));
        let name = seen.unwrap_or_else(|| self.name(number));
        Next::Adopt {
            name,
            batch_id: id_of(batch),
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

    fn name_is_taken(&self, number: u32) -> SubmitError {
        SubmitError::Rejected {
            status: Some(400),
            message: format!(
                "the name `{}` is taken, and Livy does not show by whom",
                self.name(number)
            ),
        }
    }

    fn is_overdue(&self, now: Instant) -> bool {
        now.duration_since(self.began) >= self.submit_timeout
    }

    fn is_reusable(&self, submitted_ms: Option<i64>) -> bool {
        match self.numbering {
            Numbering::OneRun => true,
            Numbering::Numbered { reuse_success_since } => submitted_ms
                .zip(reuse_success_since)
                .is_some_and(|(submitted, since)| submitted >= since),
        }
    }

    fn name(&self, number: u32) -> BatchName {
        BatchName::of(&self.slug, self.identity.key(number))
    }
}

fn id_of(batch: Option<&Batch>) -> Option<i64> {
    batch.map(|batch| batch.id.0)
}

#[cfg(test)]
mod tests;
