//! A small world of one Livy and one YARN in which submissions are tried at random: answers are lost, Livy restarts,
//! forgets and loses sight, YARN is silent, spark-submits outlive their Livy and hand over late.
//!
//! What is true there is known, so that it can be held against what was decided.

use sparkwright_livy::BatchId;

use super::*;
use crate::sighting::{LivySight, Sighting};
use crate::specimens::HANDED_OVER;

/// A spark-submit hands over before the time to settle is over; of one that does not, nothing can be promised.
const SLOWEST_SUBMIT: u64 = 140;

/// How long Livy keeps a batch that has ended.
const RETAINED: u64 = 600;

/// Nothing may take longer, whatever goes wrong.
const FOR_EVER: u64 = 24 * 3600;

/// The life of one spark-submit and of the application that it makes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Life {
    /// At work until then.
    Submitting {
        until: u64,
        then: Fate,
    },
    Accepted,
    Running,
    Ended(&'static str, &'static str),
    /// spark-submit ended without an application.
    NeverStarted,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fate {
    Application,
    Refusal,
    UnknownQueue,
}

#[derive(Debug)]
pub(super) struct Job {
    pub(super) number: u32,
    id: u64,
    pub(super) life: Life,
}

impl Job {
    pub(super) fn is_live(&self) -> bool {
        matches!(
            self.life,
            Life::Submitting { .. } | Life::Accepted | Life::Running
        )
    }

    fn in_yarn(&self) -> Option<Application> {
        let (state, final_status) = match self.life {
            Life::Submitting { .. } | Life::NeverStarted => return None,
            Life::Accepted => ("ACCEPTED", "UNDEFINED"),
            Life::Running => ("RUNNING", "UNDEFINED"),
            Life::Ended(state, final_status) => (state, final_status),
        };
        Some(application_of(
            intent(),
            self.number,
            self.id,
            state,
            final_status,
        ))
    }
}

#[derive(Debug)]
struct Shelf {
    /// Livy's number.
    id: i64,
    /// The run's.
    number: u32,
    /// Which job it is about; none is a shell.
    job: Option<usize>,
    state: &'static str,
    ended: u64,
}

/// The world. Every chance is drawn from `seed`.
#[derive(Debug)]
pub(super) struct World {
    pub(super) now: u64,
    seed: u64,
    /// Livy keeps its batches when it restarts.
    recovery: bool,
    /// Nobody answers before these.
    livy_back: u64,
    yarn_back: u64,
    pub(super) jobs: Vec<Job>,
    batches: Vec<Shelf>,
    next_id: i64,
    /// How many spark-submits and applications lived at the same time, at most.
    pub(super) most_alive: usize,
}

impl World {
    pub(super) fn new(seed: u64, recovery: bool) -> Self {
        Self {
            now: 0,
            seed: seed | 1,
            recovery,
            livy_back: 0,
            yarn_back: 0,
            jobs: Vec::new(),
            batches: Vec::new(),
            next_id: 0,
            most_alive: 0,
        }
    }

    /// A number below `bound`.
    pub(super) fn draw(&mut self, bound: u64) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        (self.seed >> 11) % bound
    }

    fn chance(&mut self, one_in: u64) -> bool {
        self.draw(one_in) == 0
    }

    pub(super) fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now += 1;
            assert!(self.now < FOR_EVER, "no end");
            self.jobs_go_on();
            self.livy_goes_on();
            if self.chance(400) {
                self.yarn_back = self.now + self.draw(300);
            }
            let alive = self.jobs.iter().filter(|job| job.is_live()).count();
            self.most_alive = self.most_alive.max(alive);
        }
    }

    fn jobs_go_on(&mut self) {
        for at in 0..self.jobs.len() {
            let (soon, end) = (self.chance(20), self.draw(4));
            let next = match self.jobs[at].life {
                Life::Submitting { until, then } if self.now >= until => match then {
                    Fate::Application => Life::Accepted,
                    Fate::Refusal => Life::NeverStarted,
                    Fate::UnknownQueue => Life::Ended("FAILED", "FAILED"),
                },
                Life::Accepted if soon => Life::Running,
                Life::Running if soon => match end {
                    0 => Life::Ended("FINISHED", "SUCCEEDED"),
                    1 => Life::Ended("FINISHED", "FAILED"),
                    2 => Life::Ended("FAILED", "FAILED"),
                    _ => Life::Ended("KILLED", "KILLED"),
                },
                same => same,
            };
            self.jobs[at].life = next;
        }
    }

    fn livy_goes_on(&mut self) {
        if self.chance(600) {
            self.livy_back = self.now + self.draw(200);
            self.livy_forgets();
        }
        for at in 0..self.batches.len() {
            let (looks, loses_sight) = (self.chance(5), self.chance(300));
            let Some(job) = self.batches[at].job.map(|job| &self.jobs[job]) else {
                continue;
            };
            let seen = match job.life {
                _ if loses_sight => "dead",
                _ if !looks => continue,
                Life::Submitting { .. } | Life::Accepted => continue,
                Life::Running => "running",
                Life::Ended(_, "SUCCEEDED") => "success",
                Life::Ended("KILLED", _) => "killed",
                Life::Ended(..) | Life::NeverStarted => "dead",
            };
            if !matches!(self.batches[at].state, "success" | "dead" | "killed") {
                self.batches[at].state = seen;
                self.batches[at].ended = self.now;
            }
        }
        let now = self.now;
        let is_kept = |batch: &Shelf| now < batch.ended + RETAINED;
        self.batches
            .retain(|batch| matches!(batch.state, "starting" | "running") || is_kept(batch));
    }

    fn livy_forgets(&mut self) {
        if !self.recovery {
            self.batches.clear();
            self.next_id = 0;
        }
    }

    fn shelve(&mut self, number: u32, job: Option<usize>) {
        self.batches.push(Shelf {
            id: self.next_id,
            number,
            job,
            state: "starting",
            ended: 0,
        });
        self.next_id += 1;
    }

    fn livy_answers(&self) -> bool {
        self.now >= self.livy_back
    }

    fn create(&mut self, number: u32) {
        let until = self.now + self.draw(SLOWEST_SUBMIT);
        let then = match self.draw(6) {
            0 => Fate::Refusal,
            1 => Fate::UnknownQueue,
            _ => Fate::Application,
        };
        let id = self.jobs.len() as u64 + 1;
        let life = Life::Submitting { until, then };
        self.shelve(number, Some(self.jobs.len()));
        self.jobs.push(Job { number, id, life });
    }

    pub(super) fn post(&mut self, number: u32) -> PostAnswer {
        let lost = || PostAnswer::NoAnswer("lost".into());
        if !self.livy_answers() {
            return match self.chance(2) {
                true => lost(),
                false => PostAnswer::NotSent("refused".into()),
            };
        }
        if self.batches.iter().any(|batch| batch.number == number) {
            return PostAnswer::Duplicate;
        }
        let answer = match self.draw(12) {
            0 => lost(),
            1 => PostAnswer::TooManySessions,
            2 | 3 => {
                self.create(number);
                lost()
            }
            4 => {
                // Livy goes down over it, and forgets.
                self.create(number);
                self.livy_back = self.now + self.draw(60);
                self.livy_forgets();
                lost()
            }
            5 => {
                self.shelve(number, None);
                match self.chance(3) {
                    true => lost(),
                    false => PostAnswer::Refused(refusal(400)),
                }
            }
            6 => {
                if self.chance(2) {
                    self.shelve(number, None);
                }
                PostAnswer::Refused(refusal(500))
            }
            7 => {
                self.create(number);
                PostAnswer::Refused(refusal(500))
            }
            _ => {
                self.create(number);
                PostAnswer::Created { batch_id: 1 }
            }
        };
        let takes = self.draw(6);
        self.pass(takes);
        answer
    }

    pub(super) fn clear(&mut self, number: u32) -> ZombieFate {
        if !self.livy_answers() || self.chance(20) {
            return ZombieFate::Unseen("down".into());
        }
        match self.batches.iter().position(|batch| batch.number == number) {
            None => ZombieFate::Absent,
            Some(at) if self.batches[at].job.is_none() => {
                self.batches.remove(at);
                ZombieFate::Removed
            }
            Some(_) => ZombieFate::Alive,
        }
    }

    fn shown(&self, batch: &Shelf) -> Batch {
        let job = batch.job.map(|job| &self.jobs[job]);
        let app_id = job
            .filter(|_| batch.state != "starting")
            .and_then(|job| job.in_yarn().map(|_| job.id));
        let log = match (job, batch.state) {
            (None, _) => &[][..],
            (Some(job), "dead") if job.life == Life::NeverStarted => &START_FAILED,
            (Some(_), "running") => &HANDED_OVER,
            (Some(_), _) => &BORN,
        };
        let mut shown = batch_of(intent(), batch.number, batch.state, app_id, log);
        shown.id = BatchId(batch.id);
        shown
    }

    fn yarn(&self) -> YarnSight {
        if self.now < self.yarn_back {
            return YarnSight::Silent("YARN is down".into());
        }
        YarnSight::Applications(self.jobs.iter().filter_map(Job::in_yarn).collect())
    }

    pub(super) fn survey(&mut self) -> Survey {
        let livy = match self.livy_answers() {
            true => Ok(self.batches.iter().map(|batch| self.shown(batch)).collect()),
            false => Err("Livy is down".to_owned()),
        };
        let takes = self.draw(3);
        self.pass(takes);
        Survey {
            livy,
            yarn: self.yarn(),
        }
    }

    pub(super) fn sighting(&mut self, number: u32) -> Sighting {
        let survey = self.survey();
        let name = order(numbered()).batch_name(number);
        let livy = match survey.livy {
            Err(why) => LivySight::Silent(why),
            Ok(batches) => batches
                .into_iter()
                .find(|batch| batch.name.as_deref() == Some(name.as_str()))
                .map_or(LivySight::Absent, |batch| LivySight::Batch(batch.into())),
        };
        let yarn = match survey.yarn {
            YarnSight::Applications(all) => YarnSight::Applications(
                all.into_iter()
                    .filter(|a| run_number_of(a) == Some(number))
                    .collect(),
            ),
            other => other,
        };
        Sighting { livy, yarn }
    }

    pub(super) fn alive(&self) -> Vec<&Job> {
        self.jobs.iter().filter(|job| job.is_live()).collect()
    }
}

fn run_number_of(application: &Application) -> Option<u32> {
    crate::names::run_number_of_tags(&application.tags, intent(), None)
}
