//! Step Functions, as far as activities go: what a worker calls, and the state machine's side for the test.
//!
//! ```
//! use std::time::Duration;
//! use sparkwright_tests::step_functions::{StepFunctions, Task};
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let step_functions = StepFunctions::builder().poll_time(Duration::from_millis(50)).start().await;
//! // Give `AWS_ENDPOINT_URL_SFN=<step_functions.url()>` and `step_functions.activity_arn()` to the worker.
//! let task = step_functions.schedule(serde_json::json!({ "Parameters": { "File": "s3://bucket/pi.py" } }));
//! let guarded = Task::new(serde_json::json!({})).heartbeat(Duration::from_secs(1));
//! let guarded = step_functions.schedule_task(guarded);
//! guarded.stop_execution();
//! assert!(guarded.outcome().await.is_stopped());
//! assert!(task.outcome_so_far().is_none());
//! # });
//! ```
//!
//! Routes in the journal are the operations: `GetActivityTask`, `SendTaskHeartbeat`, `SendTaskSuccess`,
//! `SendTaskFailure`, `DescribeActivity`, `DescribeExecution`; faults go by [`crate::faults::On::operation`].
//!
//! | behaviour | known by |
//! |---|---|
//! | a poll without work answers `{}` after its time | model and documentation; LocalStack: 60.0 s, `{}` |
//! | a token is handed out once; a poll whose caller has gone still takes a task until its time is over | documentation; reported for SWF |
//! | clocks start when the token is handed out | documentation of the task state |
//! | `TaskTimedOut` once the task is over, however it ended | model |
//! | `InvalidToken`, `TaskDoesNotExist` (activity deleted), `ActivityDoesNotExist`, `ActivityWorkerLimitExceeded` | model |
//! | bounds: output 262,144 bytes of valid JSON, error 256, cause 32,768, worker's name 80 | model |
//! | throttling: burst and refill by operation, `ThrottlingException` | quotas of the documentation |

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use url::Url;

use crate::server::{Server, ServerOptions};

mod activity;
mod clocks;
mod execution;
mod limits;
mod operations;
mod state;
mod task;

pub use execution::{Execution, ExecutionStatus};
pub use task::{Outcome, Task, TaskHandle, TimeOut};

use limits::Quotas;
use state::Core;

/// A simulated Step Functions with one activity, `spark-job`. It ends when it is dropped.
#[derive(Debug)]
pub struct StepFunctions {
    server: Server,
    core: Arc<Core>,
    activity_arn: String,
}

/// Sets what a simulated Step Functions is like.
#[derive(Clone, Debug)]
pub struct Builder {
    poll_time: Duration,
    max_pollers: usize,
    forgets_abandoned_polls: bool,
    quotas: Quotas,
}

impl StepFunctions {
    /// One that holds polls for 60 s and throttles nothing.
    pub async fn start() -> StepFunctions {
        StepFunctions::builder().start().await
    }

    /// One of the test's choice.
    pub fn builder() -> Builder {
        Builder {
            poll_time: Duration::from_secs(60),
            max_pollers: 1000,
            forgets_abandoned_polls: false,
            quotas: Quotas::default(),
        }
    }

    /// The endpoint, for `AWS_ENDPOINT_URL_SFN`.
    pub fn url(&self) -> Url {
        self.server.url()
    }

    /// Its server: faults, journal.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The ARN of the activity that is there from the start.
    pub fn activity_arn(&self) -> &str {
        &self.activity_arn
    }

    /// Makes a further activity and gives its ARN.
    pub fn create_activity(&self, name: &str) -> String {
        self.core.create_activity(name)
    }

    /// Deletes an activity: polls are refused, and its open tasks are known no more.
    pub fn delete_activity(&self, arn: &str) {
        self.core.delete_activity(arn);
    }

    /// A task of an execution of its own, which ends as the task does.
    pub fn schedule(&self, input: Value) -> TaskHandle {
        self.schedule_task(Task::new(input))
    }

    /// A task of the test's choice.
    pub fn schedule_task(&self, task: Task) -> TaskHandle {
        let execution = self.core.start_execution(None, true);
        self.core.schedule(task, &self.activity_arn, &execution)
    }

    /// An execution that runs until the test ends it, and may have many tasks.
    pub fn start_execution(&self) -> Execution {
        let arn = self.core.start_execution(None, false);
        Execution::new(Arc::clone(&self.core), arn, self.activity_arn.clone())
    }

    /// How many polls are open on an activity, those whose caller has gone included.
    pub fn open_polls(&self, activity_arn: &str) -> usize {
        self.core.open_polls(activity_arn)
    }

    /// How many scheduled tasks nobody has taken.
    pub fn waiting_tasks(&self) -> usize {
        self.core.waiting_tasks()
    }
}

impl Builder {
    /// Starts it.
    pub async fn start(self) -> StepFunctions {
        let core = Arc::new(Core::new(
            self.poll_time,
            self.max_pollers,
            self.forgets_abandoned_polls,
            self.quotas,
        ));
        let activity_arn = core.create_activity("spark-job");
        let server = Server::start(
            Arc::new(operations::Api {
                core: Arc::clone(&core),
            }),
            ServerOptions::default(),
        );
        StepFunctions {
            server,
            core,
            activity_arn,
        }
    }

    /// How long a poll without work is held (60 s).
    #[must_use]
    pub fn poll_time(mut self, time: Duration) -> Builder {
        self.poll_time = time;
        self
    }

    /// How many polls one activity may have open (1,000).
    #[must_use]
    pub fn max_pollers(mut self, polls: usize) -> Builder {
        self.max_pollers = polls;
        self
    }

    /// A poll ends when its caller goes, and takes no task into nowhere. Kinder than AWS.
    #[must_use]
    pub fn forgetting_abandoned_polls(mut self) -> Builder {
        self.forgets_abandoned_polls = true;
        self
    }

    /// Throttles an operation: `burst` calls at once, refilled by `per_second`.
    #[must_use]
    pub fn quota(mut self, operation: &str, burst: u32, per_second: f64) -> Builder {
        self.quotas.set(operation, burst, per_second);
        self
    }
}
