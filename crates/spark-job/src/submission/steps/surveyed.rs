//! The decisions upon a survey: adopt what there is, wait for what may be there, or post.

use std::time::Instant;

use sparkwright_livy::Batch;
use sparkwright_yarn::ApplicationId;

use super::doubt::{Cause, Doubt};
use super::runs::{Known, Runs};
use super::unsettled::Unproven;
use super::{Next, Submission};
use crate::names::BatchName;
use crate::sighting::{Survey, YarnSight};
use crate::standing::surplus;
use crate::submission::{Numbering, SubmitError};

impl Submission {
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
        if let Some(number) = runs.live().next() {
            return self.take_over(number, &runs);
        }
        for &number in numbers.iter().rev() {
            if self.is_other_job(number, &runs) {
                return self.refuse(number);
            }
            match runs.judge(number) {
                Known::Shape => return self.shape(now, number, runs.batch(number)),
                Known::Live => return self.adopt(number, runs.batch(number)),
                _ if self.is_ours(number) => return self.adopt(number, runs.batch(number)),
                Known::Succeeded { submitted_ms } if self.is_reusable(submitted_ms) => {
                    return self.adopt(number, runs.batch(number));
                }
                Known::LostSight => {
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
            && let Some(number) = runs.live().next()
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
        if self.is_other_job(number, runs) {
            return self.refuse(number);
        }
        self.adopt(number, runs.batch(number))
    }

    /// Whether a run, live or ended, is another job; the intent of a request has its spec in it. Under the number of a POST of
    /// ours, too, it can be another's: then ours was refused.
    fn is_other_job(&self, number: u32, runs: &Runs<'_>) -> bool {
        self.numbering != Numbering::OneRun && runs.is_other_job(number, self.spec)
    }

    /// The run of this number is another job.
    fn refuse(&self, number: u32) -> Next {
        let ours = self.doubt.as_ref().map(|doubt| doubt.number);
        Next::Fail(SubmitError::OtherJob {
            name: self.name(number),
            left_behind: ours.filter(|ours| *ours != number).map(|ours| self.name(ours)),
        })
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

    fn name_is_taken(&self, number: u32) -> SubmitError {
        SubmitError::Rejected {
            status: Some(400),
            message: format!(
                "the name `{}` is taken, and Livy does not show by whom",
                self.name(number)
            ),
        }
    }

    fn is_reusable(&self, submitted_ms: Option<i64>) -> bool {
        match self.numbering {
            Numbering::OneRun => true,
            Numbering::Numbered { reuse_success_since } => submitted_ms
                .zip(reuse_success_since)
                .is_some_and(|(submitted, since)| submitted >= since),
        }
    }
}

fn id_of(batch: Option<&Batch>) -> Option<i64> {
    batch.map(|batch| batch.id.0)
}
