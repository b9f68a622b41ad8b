//! Livy, YARN and the spark-submits between them.
//!
//! A spark-submit that was started makes its application within two ticks, whatever becomes of the Livy that forked it.
//! An application that is to be killed dies with the next tick.

use crate::names::{Run, Version};

/// How many ticks of a spark-submit there can be besides the last one, within which it hands over at the latest.
const SLOWEST_SUBMIT: u8 = 1;

/// How many ticks a Livy that crashed takes to be back.
const LIVY_RESTART: u8 = 1;

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) jobs: Vec<Job>,
    pub(crate) batches: Vec<Batch>,
    /// Ticks until Livy is back; 0: it is there.
    pub(crate) livy_down: u8,
    /// The same of YARN.
    pub(crate) yarn_down: u8,
    /// Ticks since the first Delete of an invented id, which counts as one; 0 before that.
    pub(crate) era: u8,
    applications: u8,
}

/// A spark-submit, and the application that it makes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Job {
    pub(crate) run: Run,
    pub(crate) version: Version,
    pub(crate) life: Life,
    /// YARN's number for it.
    pub(crate) application: Option<u8>,
    /// It is to be killed with the next tick.
    pub(crate) is_doomed: bool,
    /// Livy kills it when it appears.
    is_leaked: bool,
    /// When it appeared, in ticks since the first Delete of an invented id.
    pub(crate) era: u8,
    /// It ended after the last tick.
    pub(crate) has_just_ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Life {
    Submitting {
        left: u8,
    },
    Accepted,
    Running,
    Succeeded,
    Failed,
    Killed,
    /// spark-submit ended without an application.
    NeverStarted,
}

/// What Livy keeps under a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Batch {
    pub(crate) run: Run,
    pub(crate) job: usize,
    /// Livy says `dead`, whatever is true.
    pub(crate) has_lost_sight: bool,
}

/// What Livy does with a POST.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Posted {
    Taken {
        /// Livy's number for it; no two are the same here.
        batch: u8,
    },
    Duplicate,
    NotReached,
}

impl Job {
    /// Whether YARN has it and it has not ended.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self.life, Life::Accepted | Life::Running)
    }

    /// Whether it lives, or will.
    pub(crate) fn may_live(&self) -> bool {
        self.is_live() || matches!(self.life, Life::Submitting { .. })
    }
}

impl World {
    /// A POST that reaches Livy's host.
    pub(crate) fn post(&mut self, run: Run, version: Version) -> Posted {
        if self.livy_down > 0 {
            return Posted::NotReached;
        }
        if self.batches.iter().any(|batch| batch.run == run) {
            return Posted::Duplicate;
        }
        self.jobs.push(Job {
            run,
            version,
            life: Life::Submitting { left: SLOWEST_SUBMIT },
            application: None,
            is_doomed: false,
            is_leaked: false,
            era: 0,
            has_just_ended: false,
        });
        self.batches.push(Batch {
            run,
            job: self.jobs.len() - 1,
            has_lost_sight: false,
        });
        Posted::Taken {
            batch: number(self.jobs.len() - 1),
        }
    }

    /// Livy's DELETE: it kills what it knows, and what appears later as long as it lives itself.
    pub(crate) fn delete_batch(&mut self, run: Run) -> bool {
        if self.livy_down > 0 {
            return false;
        }
        let Some(position) = self.batches.iter().position(|batch| batch.run == run) else {
            return true;
        };
        let batch = self.batches.remove(position);
        let job = &mut self.jobs[batch.job];
        match job.life {
            _ if batch.has_lost_sight => {}
            Life::Submitting { .. } => job.is_leaked = true,
            Life::Accepted | Life::Running => job.is_doomed = true,
            Life::Succeeded | Life::Failed | Life::Killed | Life::NeverStarted => {}
        }
        true
    }

    /// A kill through YARN.
    pub(crate) fn kill(&mut self, application: u8) {
        if self.yarn_down > 0 {
            return;
        }
        let job = self
            .jobs
            .iter_mut()
            .find(|job| job.application == Some(application));
        if let Some(job) = job.filter(|job| job.is_live()) {
            job.is_doomed = true;
        }
    }

    /// A spark-submit hands its application over.
    pub(crate) fn appear(&mut self, job: usize) {
        self.applications += 1;
        let job = &mut self.jobs[job];
        job.application = Some(self.applications);
        job.life = Life::Accepted;
        job.era = self.era;
        job.is_doomed = job.is_leaked;
    }

    /// A job ends by itself.
    pub(crate) fn end(&mut self, job: usize, life: Life) {
        let job = &mut self.jobs[job];
        job.life = life;
        job.is_doomed = false;
        job.has_just_ended = true;
    }

    /// Livy dies. Without recovery it knows nothing any more when it is back; a kill that it had planned is forgotten.
    pub(crate) fn crash_livy(&mut self, recovers: bool) {
        self.livy_down = LIVY_RESTART;
        if !recovers {
            self.batches.clear();
        }
        for job in &mut self.jobs {
            job.is_leaked = false;
        }
    }

    /// Whether Livy thinks that a batch has ended: it forgets no other.
    pub(crate) fn may_be_forgotten(&self, batch: usize) -> bool {
        let batch = &self.batches[batch];
        batch.has_lost_sight || !self.jobs[batch.job].may_live()
    }

    /// A tick passes.
    pub(crate) fn tick(&mut self) {
        self.livy_down = self.livy_down.saturating_sub(1);
        self.yarn_down = self.yarn_down.saturating_sub(1);
        if self.era > 0 {
            self.era = self.era.saturating_add(1);
        }
        for job in &mut self.jobs {
            job.has_just_ended = false;
            job.life = match job.life {
                Life::Accepted | Life::Running if job.is_doomed => Life::Killed,
                Life::Accepted => Life::Running,
                life => life,
            };
            if !job.is_live() {
                job.is_doomed = false;
            }
        }
        for job in 0..self.jobs.len() {
            match &mut self.jobs[job].life {
                Life::Submitting { left: 0 } => self.appear(job),
                Life::Submitting { left } => *left -= 1,
                _ => {}
            }
        }
    }

    /// Whether time alone changes something here.
    pub(crate) fn is_restless(&self) -> bool {
        self.livy_down > 0
            || self.yarn_down > 0
            || self
                .jobs
                .iter()
                .any(|job| job.is_doomed || matches!(job.life, Life::Submitting { .. } | Life::Accepted))
    }

    /// Whether anything of a run lives, or will.
    pub(crate) fn may_live(&self, run: Run) -> bool {
        self.jobs.iter().any(|job| job.run == run && job.may_live())
    }
}

/// A job's place among the jobs, as Livy numbers its batch.
pub(crate) fn number(of: usize) -> u8 {
    u8::try_from(of).expect("a history has few jobs")
}
