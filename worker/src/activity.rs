//! The calls to Step Functions: polls of an activity, and reports on a task.
//!
//! Neither client repeats a call by itself: a poll that is repeated behind our back hides a task that was handed out
//! and lost, and reports have a schedule of their own. All calls keep to one rate.

use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_sfn as sfn;
use aws_sdk_sfn::config::http::HttpResponse;
use aws_sdk_sfn::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use tokio::time::Instant;

use crate::call_error::{CallError, Operation};
use crate::config::Config;
use crate::errors::StartupError;
use crate::metrics::{Metrics, OpenCall};
use crate::rate::{Limiter, Urgency};
use crate::token::TaskToken;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Step Functions holds a poll for up to 60 s. A poll that is given up earlier loses the task in its answer.
pub(crate) const POLL_TIMEOUT: Duration = Duration::from_secs(75);

/// A report is small and answered at once; it is tried again soon.
const REPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// The name by which an activity is polled.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ActivityArn {
    arn: String,
    region: String,
    name: String,
}

impl ActivityArn {
    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.arn
    }

    /// The activity's region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The activity's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for ActivityArn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        match *text.split(':').collect::<Vec<_>>() {
            ["arn", partition, "states", region, account, "activity", name]
                if [partition, region, account, name]
                    .iter()
                    .all(|part| !part.is_empty()) =>
            {
                Ok(Self {
                    arn: text.to_owned(),
                    region: region.to_owned(),
                    name: name.to_owned(),
                })
            }
            _ => Err(
                "an activity's ARN such as `arn:aws:states:REGION:ACCOUNT:activity:NAME` is wanted".into(),
            ),
        }
    }
}

impl fmt::Display for ActivityArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arn)
    }
}

/// A task that was handed to this worker, and to no other.
#[derive(Clone, Debug)]
pub struct ActivityTask {
    /// The activity that it came from.
    pub activity: ActivityArn,
    /// What lets the worker answer for it.
    pub token: TaskToken,
    /// What the state machine passed, as JSON.
    pub input: String,
}

/// The clients of Step Functions.
#[derive(Clone, Debug)]
pub struct Clients {
    polls: sfn::Client,
    reports: sfn::Client,
    limiter: Limiter,
    metrics: Metrics,
    worker_name: String,
}

impl Clients {
    /// Makes the clients with the standard AWS settings of the environment. Nothing is sent to Step Functions yet.
    pub async fn connect(config: &Config) -> Result<Self, StartupError> {
        let aws = aws_config::defaults(BehaviorVersion::latest()).load().await;
        if aws.region().is_none() {
            return Err(StartupError::NoRegion);
        }
        Ok(Self::new(&aws, config))
    }

    /// Makes the clients with these AWS settings.
    pub fn new(aws: &SdkConfig, config: &Config) -> Self {
        let client = |timeout| {
            let timeouts = TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .read_timeout(timeout)
                .operation_attempt_timeout(timeout)
                .build();
            let settings = sfn::config::Builder::from(aws)
                .retry_config(RetryConfig::disabled())
                .timeout_config(timeouts)
                .build();
            sfn::Client::from_conf(settings)
        };
        let worker_name = config.worker_name.clone().unwrap_or_else(host_name);
        Self {
            polls: client(POLL_TIMEOUT),
            reports: client(REPORT_TIMEOUT),
            limiter: Limiter::new(config.sfn_rate),
            metrics: Metrics::default(),
            worker_name,
        }
    }

    /// Where calls are counted.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The region that is asked.
    pub(crate) fn region(&self) -> Option<&str> {
        self.polls.config().region().map(AsRef::as_ref)
    }

    /// Waits until the rate allows a poll. Nothing is lost when the future is dropped.
    pub(crate) async fn turn_to_poll(&self) {
        self.limiter.turn(Urgency::Poll, Instant::now()).await;
    }

    /// Waits for a task, up to a minute, in one's turn. To drop the future is to lose a task.
    pub(crate) async fn poll(&self, activity: &ActivityArn) -> Result<Option<ActivityTask>, CallError> {
        let open = self.metrics.step_functions_call(Operation::Poll);
        let poll = self
            .polls
            .get_activity_task()
            .activity_arn(activity.as_str())
            .worker_name(&self.worker_name);
        let answer = ended(open, poll.send().await)?;
        // Without a task AWS leaves the token out; emulators send an empty one.
        let token = answer.task_token.filter(|token| !token.is_empty());
        Ok(token.map(|token| ActivityTask {
            activity: activity.clone(),
            token: TaskToken::new(token),
            input: answer.input.unwrap_or_default(),
        }))
    }

    /// Says that the task is being worked on, once it has its turn. It was due at `due`.
    pub(crate) async fn heartbeat(&self, token: &TaskToken, due: Instant) -> Result<(), CallError> {
        self.turn_to_heartbeat(due).await;
        self.send_heartbeat(token).await
    }

    /// Waits until a heartbeat that was due at `due` may be sent: that is this worker's own rate, and nobody else's doing.
    pub(crate) async fn turn_to_heartbeat(&self, due: Instant) {
        let _measured = self.metrics.heartbeat_due(due);
        self.limiter.turn(Urgency::Report, due).await;
    }

    /// Says that the task is being worked on, at once. Like the other reports it is boxed: thousands of tasks wait, few
    /// call.
    pub(crate) async fn send_heartbeat(&self, token: &TaskToken) -> Result<(), CallError> {
        let open = self.metrics.step_functions_call(Operation::Heartbeat);
        let call = self
            .reports
            .send_task_heartbeat()
            .task_token(token.as_str())
            .send();
        ended(open, Box::pin(call).await).map(drop)
    }

    /// Waits until a report may be sent: that, too, is this worker's own rate.
    pub(crate) async fn turn_to_report(&self) {
        self.limiter.turn(Urgency::Report, Instant::now()).await;
    }

    /// Ends the task with an output, at once.
    pub(crate) async fn succeed(&self, token: &TaskToken, output: &str) -> Result<(), CallError> {
        let open = self.metrics.step_functions_call(Operation::Succeed);
        let call = self
            .reports
            .send_task_success()
            .task_token(token.as_str())
            .output(output)
            .send();
        ended(open, Box::pin(call).await).map(drop)
    }

    /// Ends the task with an error, at once.
    pub(crate) async fn fail(&self, token: &TaskToken, error: &str, cause: &str) -> Result<(), CallError> {
        let open = self.metrics.step_functions_call(Operation::Fail);
        let call = self
            .reports
            .send_task_failure()
            .task_token(token.as_str())
            .error(error)
            .cause(cause)
            .send();
        ended(open, Box::pin(call).await).map(drop)
    }

    /// Whether an execution runs, in one's turn.
    pub(crate) async fn runs(&self, execution: &str) -> Result<bool, CallError> {
        self.turn_to_report().await;
        let open = self.metrics.step_functions_call(Operation::DescribeExecution);
        let call = self.reports.describe_execution().execution_arn(execution).send();
        let described = ended(open, Box::pin(call).await)?;
        // What waits for a redrive has ended: a redrive makes a new token.
        Ok(*described.status() == sfn::types::ExecutionStatus::Running)
    }
}

/// What came of a call, counted.
fn ended<T, E>(open: OpenCall<'_>, answer: Result<T, SdkError<E, HttpResponse>>) -> Result<T, CallError>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let answer = answer.map_err(|error| CallError::new(open.operation(), error));
    open.ended(answer.as_ref().err());
    answer
}

/// The kernel's name of this host, cut to what Step Functions takes.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name: String = name.trim().chars().take(80).collect();
    if name.is_empty() {
        "sparkwright-worker".to_owned()
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_activitys_arn_is_told_from_another() {
        let arn: ActivityArn = "arn:aws-cn:states:cn-north-1:123456789012:activity:etl.spark-job"
            .parse()
            .unwrap();
        assert_eq!((arn.region(), arn.name()), ("cn-north-1", "etl.spark-job"));
        for wrong in [
            "",
            "spark-job",
            "arn:aws:states:eu-west-1:123456789012:stateMachine:spark-job",
            "arn:aws:states:eu-west-1:123456789012:activity:",
            "arn:aws:states:eu-west-1:123456789012:activity:a:b",
        ] {
            assert!(wrong.parse::<ActivityArn>().is_err(), "{wrong}");
        }
    }
}
