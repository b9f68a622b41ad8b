//! A task: what the state machine asks of the activity, and what became of it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use super::clocks::Progress;
use super::state::Core;

/// A task to be scheduled.
#[derive(Clone, Debug)]
pub struct Task {
    pub(super) input: String,
    pub(super) activity: Option<String>,
    pub(super) heartbeat: Option<Duration>,
    pub(super) timeout: Option<Duration>,
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// `SendTaskSuccess`.
    Succeeded(Value),
    /// `SendTaskFailure`.
    Failed {
        /// The error's name, for `Retry` and `Catch`.
        error: String,
        /// The cause.
        cause: String,
    },
    /// The worker was silent, or too slow.
    TimedOut(TimeOut),
    /// The execution was stopped, or its activity deleted.
    Stopped,
}

/// Which time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeOut {
    /// `HeartbeatSeconds`.
    Heartbeat,
    /// `TimeoutSeconds`.
    Task,
}

impl Outcome {
    /// The output of a success; panics when it is none.
    #[track_caller]
    pub fn output(&self) -> &Value {
        match self {
            Outcome::Succeeded(output) => output,
            other => panic!("not a success: {other:?}"),
        }
    }

    /// Error and cause of a failure; panics when it is none.
    #[track_caller]
    pub fn failure(&self) -> (&str, &str) {
        match self {
            Outcome::Failed { error, cause } => (error, cause),
            other => panic!("not a failure: {other:?}"),
        }
    }

    /// Whether it was stopped from outside.
    pub fn is_stopped(&self) -> bool {
        *self == Outcome::Stopped
    }
}

impl Task {
    /// A task with this input, without `HeartbeatSeconds` and `TimeoutSeconds`.
    pub fn new(input: Value) -> Task {
        Task {
            input: input.to_string(),
            activity: None,
            heartbeat: None,
            timeout: None,
        }
    }

    /// The input as this very text, be it no JSON.
    #[must_use]
    pub fn raw_input(mut self, input: &str) -> Task {
        self.input = input.to_owned();
        self
    }

    /// Asked of another activity than `spark-job`.
    #[must_use]
    pub fn activity(mut self, arn: &str) -> Task {
        self.activity = Some(arn.to_owned());
        self
    }

    /// `HeartbeatSeconds`.
    #[must_use]
    pub fn heartbeat(mut self, time: Duration) -> Task {
        self.heartbeat = Some(time);
        self
    }

    /// `TimeoutSeconds`.
    #[must_use]
    pub fn timeout(mut self, time: Duration) -> Task {
        self.timeout = Some(time);
        self
    }
}

/// A scheduled task.
#[derive(Clone, Debug)]
pub struct TaskHandle {
    pub(super) core: Arc<Core>,
    pub(super) id: u64,
    pub(super) execution: String,
    pub(super) progress: watch::Receiver<Progress>,
}

impl TaskHandle {
    /// Waits until a poll got the task, and gives its token.
    pub async fn started(&self) -> String {
        let mut progress = self.progress.clone();
        let started = progress.wait_for(|progress| progress.token.is_some()).await;
        started
            .expect("this handle keeps the service")
            .token
            .clone()
            .expect("just waited for")
    }

    /// Waits for the end.
    pub async fn outcome(&self) -> Outcome {
        let mut progress = self.progress.clone();
        let ended = progress.wait_for(|progress| progress.outcome.is_some()).await;
        ended
            .expect("this handle keeps the service")
            .outcome
            .clone()
            .expect("just waited for")
    }

    /// The end, if it has come.
    pub fn outcome_so_far(&self) -> Option<Outcome> {
        self.progress.borrow().outcome.clone()
    }

    /// The token, if a poll got the task.
    pub fn token(&self) -> Option<String> {
        self.progress.borrow().token.clone()
    }

    /// The name that the worker gave when it polled.
    pub fn worker_name(&self) -> Option<String> {
        self.progress.borrow().worker_name.clone()
    }

    /// How many heartbeats were accepted.
    pub fn heartbeats(&self) -> usize {
        self.progress.borrow().heartbeats
    }

    /// Waits until so many heartbeats were accepted.
    pub async fn beaten(&self, heartbeats: usize) {
        let mut progress = self.progress.clone();
        let beaten = progress
            .wait_for(|progress| progress.heartbeats >= heartbeats)
            .await;
        beaten.expect("this handle keeps the service");
    }

    /// The longest time that the worker was silent, from the token to the end or to now.
    pub fn longest_silence(&self) -> Duration {
        self.progress.borrow().longest_silence()
    }

    /// Every time that the worker was silent, from one sign of life to the next: the token, each heartbeat, the outcome.
    pub fn silences(&self) -> Vec<Duration> {
        self.progress.borrow().silences.clone()
    }

    /// When the end came, in milliseconds since the epoch.
    pub fn ended_at_ms(&self) -> Option<i64> {
        self.progress.borrow().ended_at_ms
    }

    /// The ARN of the execution.
    pub fn execution_arn(&self) -> &str {
        &self.execution
    }

    /// Somebody stops the execution: the token is over, and the worker learns it at its next call.
    pub fn stop_execution(&self) {
        self.core
            .end_execution(&self.execution, super::ExecutionStatus::Aborted);
    }

    /// The task is over in this way, while the execution goes on (a `Catch`, a failed sibling, a time-out).
    pub fn close(&self, outcome: Outcome) {
        self.core.close(self.id, outcome);
    }
}
