//! An execution of a state machine, as far as a worker can see it.

use std::sync::Arc;

use super::state::Core;
use super::task::{Task, TaskHandle};

/// The status of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutionStatus {
    /// Running.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed,
    /// Its own time-out.
    TimedOut,
    /// Stopped.
    Aborted,
}

impl ExecutionStatus {
    /// AWS's word.
    pub fn word(self) -> &'static str {
        match self {
            ExecutionStatus::Running => "RUNNING",
            ExecutionStatus::Succeeded => "SUCCEEDED",
            ExecutionStatus::Failed => "FAILED",
            ExecutionStatus::TimedOut => "TIMED_OUT",
            ExecutionStatus::Aborted => "ABORTED",
        }
    }
}

/// An execution that runs until the test ends it.
#[derive(Clone, Debug)]
pub struct Execution {
    core: Arc<Core>,
    arn: String,
    activity: String,
}

impl Execution {
    pub(super) fn new(core: Arc<Core>, arn: String, activity: String) -> Execution {
        Execution { core, arn, activity }
    }

    /// Its ARN, `$$.Execution.Id`.
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// One of its states asks for a task.
    pub fn schedule(&self, task: Task) -> TaskHandle {
        self.core.schedule(task, &self.activity, &self.arn)
    }

    /// It ends; the tokens of its open tasks are over.
    pub fn end(&self, status: ExecutionStatus) {
        self.core.end_execution(&self.arn, status);
    }
}
