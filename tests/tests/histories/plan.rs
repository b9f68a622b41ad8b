//! What a history is made of: plain data that is generated, shrunk, printed and read back.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sparkwright_tests::cloudformation::{Delivery, Deployment, Elsewhere};
use sparkwright_tests::cluster::{self, Fate, LivyVersion};

/// A history before it is played. Times are in seconds unless they say otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) site: Site,
    /// The job that each of the three specs runs.
    pub(crate) jobs: Vec<Job>,
    pub(crate) policy: Policy,
    pub(crate) wait_for: WaitFor,
    pub(crate) steps: Vec<Step>,
    pub(crate) faults: Vec<Fault>,
    /// What happens to the requests on their way, in the order in which the stack sends them.
    pub(crate) ways: Vec<Way>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Site {
    /// 6 to 9: Livy 0.6 to 0.9.
    pub(crate) livy: u8,
    pub(crate) recovery: bool,
    /// The function's time-out.
    pub(crate) invocation: u16,
    /// Between an answer and the stack's next request.
    pub(crate) pause: u16,
    /// `WaitTimeoutSeconds`; beyond the function's time-out it hands over to itself.
    pub(crate) wait: u16,
    /// The function's invocations of itself are delivered twice, a second apart.
    pub(crate) hops_twice: bool,
    /// Deletes carry properties that the function of today would refuse.
    pub(crate) old_schema: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Policy {
    StopThenStart,
    StartThenStop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum WaitFor {
    Submitted,
    Running,
    Success,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) end: JobEnd,
    /// Its application appears so long after the POST.
    pub(crate) appears: u16,
    /// A search by tag finds it so much later.
    pub(crate) tag_late: u16,
    /// Its spark-submit cannot be destroyed in time.
    pub(crate) outlives_livy: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum JobEnd {
    Never,
    Success {
        after: u16,
    },
    Failure {
        after: u16,
    },
    /// spark-submit fails.
    BeforeItStarts,
    /// spark-submit hangs.
    NeverAppears,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// What passes before it.
    pub(crate) idle: u16,
    pub(crate) operation: Operation,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Operation {
    /// A Create, or an Update when there is a resource; after a failure that was kept, a retry.
    Deploy {
        /// 0 to 2.
        spec: u8,
        others: Others,
        keep_on_failure: bool,
        rollback_has_same_id: bool,
    },
    Delete,
    Retain,
}

/// The stack's other resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Others {
    Work,
    FailBefore,
    FailAfter(u16),
    FailLast,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fault {
    pub(crate) when: When,
    pub(crate) what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum When {
    /// So long after a step began.
    Step { step: u8, after: u16 },
    /// So many milliseconds after a POST arrived; the first is 1.
    Post { nth: u8, after_ms: u16 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum What {
    /// `kill -9`, and started again after so long.
    LivyKilled(u16),
    /// Connections are refused.
    LivyUnreachable(u16),
    /// Connections are taken, and nothing is said.
    LivySilent(u16),
    /// Every answer is a 500.
    LivyErrors(u16),
    /// Livy collects what has ended.
    LivyForgetsEnded,
    /// Livy forgets the resource's batches, as after somebody's DELETE.
    LivyForgetsAll,
    /// Livy calls the resource's batches dead, though they live.
    LivyLosesSight,
    /// The next POST is acted on, and its answer is lost.
    PostAnswerLost,
    /// The next POST is lost.
    PostLost,
    /// The next POST is refused with a 500.
    PostRefused,
    /// The ResourceManager cannot be reached by programs.
    YarnUnreachable(u16),
    /// The ResourceManager is gone for everybody; it remembers.
    YarnCrashed(u16),
    /// Somebody kills the resource's applications.
    JobKilled,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Way {
    /// Throttled for so long.
    pub(crate) late: u16,
    /// The invocations are killed after so many milliseconds.
    pub(crate) crashes_ms: Vec<u32>,
    /// Delivered again after so long.
    pub(crate) again: Vec<u16>,
    /// The first answers do not reach the sink.
    pub(crate) puts_lost: u8,
}

impl Policy {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Policy::StopThenStart => "StopThenStart",
            Policy::StartThenStop => "StartThenStop",
        }
    }
}

impl WaitFor {
    pub(crate) fn word(self) -> &'static str {
        match self {
            WaitFor::Submitted => "Submitted",
            WaitFor::Running => "Running",
            WaitFor::Success => "Success",
        }
    }
}

impl Site {
    pub(crate) fn version(&self) -> LivyVersion {
        LivyVersion::ALL[usize::from(self.livy.clamp(6, 9) - 6)]
    }
}

impl Job {
    pub(crate) fn to_simulate(&self) -> cluster::Job {
        let job = match self.end {
            JobEnd::Never => cluster::Job::until_ended(),
            JobEnd::Success { after } => cluster::Job::succeeds().running_for(seconds(after)),
            JobEnd::Failure { after } => cluster::Job::ending(Fate::Raises {
                error: "ValueError: no such table".to_owned(),
            })
            .running_for(seconds(after)),
            JobEnd::BeforeItStarts => {
                cluster::Job::start_fails("java.io.FileNotFoundException: no such file")
            }
            JobEnd::NeverAppears => cluster::Job::never_appears(),
        };
        let job = job
            .appearing_after(seconds(self.appears))
            .tag_showing_after(seconds(self.tag_late));
        if self.outlives_livy {
            job.outliving_livy()
        } else {
            job
        }
    }
}

impl Others {
    fn to_simulate(self) -> Elsewhere {
        match self {
            Others::Work => Elsewhere::Works,
            Others::FailBefore => Elsewhere::FailsBefore,
            Others::FailAfter(time) => Elsewhere::FailsAfter(seconds(time)),
            Others::FailLast => Elsewhere::FailsLast,
        }
    }
}

impl Operation {
    /// The deployment that it is, of these properties.
    pub(crate) fn deployment(&self, properties: impl FnOnce(u8) -> serde_json::Value) -> Option<Deployment> {
        match *self {
            Operation::Deploy {
                spec,
                others,
                keep_on_failure,
                rollback_has_same_id,
            } => Some(Deployment {
                properties: properties(spec),
                elsewhere: others.to_simulate(),
                keep_on_failure,
                rollback_has_same_id,
            }),
            Operation::Delete | Operation::Retain => None,
        }
    }
}

impl Way {
    pub(crate) fn delivery(&self) -> Delivery {
        Delivery {
            late: seconds(self.late),
            crashes: self
                .crashes_ms
                .iter()
                .map(|ms| Duration::from_millis(u64::from(*ms)))
                .collect(),
            again_after: self.again.iter().copied().map(seconds).collect(),
        }
    }
}

pub(crate) fn seconds(seconds: u16) -> Duration {
    Duration::from_secs(u64::from(seconds))
}
