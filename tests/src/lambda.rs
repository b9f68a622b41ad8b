//! The Lambda service around a real `bootstrap`: the Runtime API, one execution environment, deadlines.
//!
//! The program is started as Lambda starts it (a clean environment, the reserved variables, and the test's own), gets
//! its events over the Runtime API, is killed when an invocation's time is over, and started anew for the next.
//!
//! ```no_run
//! use std::time::Duration;
//! use sparkwright_tests::lambda::{InvocationResult, Runtime};
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let runtime = Runtime::start("target/debug/spark-job-function", [("RUST_LOG", "info")]).await;
//! let result = runtime.invoke(serde_json::json!({ "RequestType": "Create" }), Duration::from_secs(10)).await;
//! assert!(matches!(result, InvocationResult::Response(_)));
//! println!("{}", runtime.log());
//! # });
//! ```
//!
//! A function that invokes itself does so through [`Aws::function`](crate::aws::Aws::function), whose events
//! [`Runtime::serve`] hands to the same environment.
//!
//! Routes in the journal: `GET next`, `POST response`, `POST error`, `POST init/error`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;

use crate::aws::Invocations;
use crate::server::{Server, ServerOptions};
use crate::sync::lock;
use crate::{clock, random};

mod api;
mod process;

use api::{Api, Invocation, Waiting};
use process::Process;

/// The name under which the function runs.
pub const FUNCTION_NAME: &str = "spark-job";

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq)]
pub enum InvocationResult {
    /// What the handler returned.
    Response(Value),
    /// What the handler, or the runtime for it, reported as an error.
    Error {
        /// `errorType`.
        kind: String,
        /// `errorMessage`.
        message: String,
    },
    /// The time was over, and the process was killed.
    TimedOut,
    /// The process ended before it answered: the way it ended, such as `exit status: 1`.
    Exited(String),
}

/// One execution environment of a function. Its process is killed when it is dropped.
#[derive(Debug)]
pub struct Runtime {
    server: Server,
    waiting: Arc<Waiting>,
    binary: PathBuf,
    environment: HashMap<String, String>,
    log: Arc<Mutex<Vec<String>>>,
    process: tokio::sync::Mutex<Option<Process>>,
}

impl Runtime {
    /// An environment for this program. It is started with the first invocation.
    pub async fn start<K: Into<String>, V: Into<String>>(
        binary: impl AsRef<Path>,
        environment: impl IntoIterator<Item = (K, V)>,
    ) -> Runtime {
        let waiting = Arc::new(Waiting::default());
        let server = Server::start(
            Arc::new(Api {
                waiting: Arc::clone(&waiting),
            }),
            ServerOptions::default(),
        );
        Runtime {
            server,
            waiting,
            binary: binary.as_ref().to_owned(),
            environment: environment
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
            log: Arc::default(),
            process: tokio::sync::Mutex::new(None),
        }
    }

    /// The Runtime API's server: faults, journal.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Everything that the program wrote so far, standard output and error together.
    pub fn log(&self) -> String {
        lock(&self.log).concat()
    }

    /// Whether the process runs, and is kept for the next invocation.
    pub async fn is_warm(&self) -> bool {
        match &mut *self.process.lock().await {
            Some(process) => process.is_running(),
            None => false,
        }
    }

    /// Hands an event to the function and waits for its end, at most for `time`: the function's time-out. One
    /// environment serves one invocation at a time; a second waits.
    pub async fn invoke(&self, event: Value, time: Duration) -> InvocationResult {
        let mut slot = self.process.lock().await;
        let warm = slot
            .take()
            .and_then(|mut process| process.is_running().then_some(process));
        let mut process =
            match warm.map_or_else(|| Process::start(&self.binary, &self.variables(), &self.log), Ok) {
                Ok(process) => process,
                Err(error) => return InvocationResult::Exited(format!("could not be started: {error}")),
            };
        let (answer, answered) = oneshot::channel();
        let time_ms = i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 2);
        self.waiting.offer(Invocation {
            id: random::uuid(),
            event,
            deadline_ms: clock::now_ms() + time_ms,
            answer,
        });
        let result = tokio::select! {
            biased;
            answered = answered => answered.unwrap_or(InvocationResult::TimedOut),
            ended = process.ended() => InvocationResult::Exited(ended),
            () = tokio::time::sleep(time) => InvocationResult::TimedOut,
        };
        self.waiting.withdraw();
        match result {
            InvocationResult::TimedOut | InvocationResult::Exited(_) => process.kill().await,
            InvocationResult::Response(_) | InvocationResult::Error { .. } => *slot = Some(process),
        }
        result
    }

    /// Serves the function's asynchronous invocations one after the other, each for at most this time, until the handle
    /// is dropped. What becomes of them is for the log and the services around to show; none is tried again.
    pub fn serve(self: &Arc<Self>, mut invocations: Invocations, time: Duration) -> AbortOnDropHandle<()> {
        let runtime = Arc::clone(self);
        AbortOnDropHandle::new(tokio::spawn(async move {
            while let Some(event) = invocations.next().await {
                runtime.invoke(event, time).await;
            }
        }))
    }

    /// Ends the process, as Lambda does with an environment that it needs no more.
    pub async fn shut_down(&self) {
        if let Some(process) = self.process.lock().await.take() {
            process.kill().await;
        }
    }

    fn variables(&self) -> HashMap<String, String> {
        let reserved = [
            ("AWS_LAMBDA_RUNTIME_API", self.server.address().to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", FUNCTION_NAME.to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128".to_owned()),
            (
                "AWS_LAMBDA_LOG_GROUP_NAME",
                format!("/aws/lambda/{FUNCTION_NAME}"),
            ),
            (
                "AWS_LAMBDA_LOG_STREAM_NAME",
                "2026/11/21/[$LATEST]0123456789abcdef".to_owned(),
            ),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
            ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023".to_owned()),
            ("AWS_REGION", "eu-west-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "AKIDSIMULATED".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "simulated".to_owned()),
            ("_HANDLER", "bootstrap".to_owned()),
            ("LAMBDA_TASK_ROOT", "/var/task".to_owned()),
            ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ];
        let mut variables: HashMap<String, String> = reserved
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        variables.extend(self.environment.clone());
        variables
    }
}
