//! The operations, in AWS JSON 1.0.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::limits::{self, check};
use super::state::{Core, Refused};
use super::task::Outcome;
use crate::aws;
use crate::http::{Answer, Request};
use crate::server::{Answering, Simulator};
use crate::sync::lock;

#[derive(Debug)]
pub(super) struct Api {
    pub(super) core: Arc<Core>,
}

impl Simulator for Api {
    fn route(&self, request: &Request) -> String {
        aws::operation(request).unwrap_or_else(|| format!("{} ?", request.method))
    }

    fn answer(self: Arc<Self>, request: Request) -> Answering {
        Box::pin(async move {
            let operation = aws::operation(&request).unwrap_or_default();
            if !lock(&self.core.quotas).admit(&operation, Instant::now()) {
                return aws::throttled();
            }
            let answered = match operation.as_str() {
                "GetActivityTask" => self.poll(&request).await,
                "SendTaskHeartbeat" => self.heartbeat(&request.json()),
                "SendTaskSuccess" => self.succeed(&request.json()),
                "SendTaskFailure" => self.fail(&request.json()),
                "DescribeActivity" => self.describe_activity(&request.json()),
                "DescribeExecution" => self.describe_execution(&request.json()),
                _ => Err(aws::error("UnknownOperationException", "")),
            };
            answered.unwrap_or_else(|refusal| refusal)
        })
    }
}

impl Api {
    async fn poll(&self, request: &Request) -> Result<Answer, Answer> {
        let body = request.json();
        let arn = text(&body, "activityArn").unwrap_or_default();
        let worker_name = text(&body, "workerName");
        check("workerName", worker_name, limits::WORKER_NAME)?;
        if !arn.starts_with("arn:aws") {
            return Err(aws::error("InvalidArn", &format!("Invalid Arn: '{arn}'")));
        }
        if self.core.open_polls(arn) >= self.core.max_pollers {
            return Err(aws::error(
                "ActivityWorkerLimitExceeded",
                "The maximum number of workers polling is reached",
            ));
        }
        let place = self.core.state().poll(arn);
        let handed = match place {
            None => return Err(activity_does_not_exist(arn)),
            Some(Ok(handed)) => Some(handed),
            Some(Err(mut waiting)) => {
                let gone = async {
                    request.hung_up.cancelled().await;
                    if !self.core.forgets_abandoned_polls {
                        std::future::pending::<()>().await;
                    }
                };
                tokio::select! {
                    biased;
                    handed = timeout(self.core.poll_time, &mut waiting) => match handed {
                        Ok(handed) => handed.ok(),
                        Err(_) => {
                            // Closed first, so that a task is either given or not.
                            waiting.close();
                            waiting.try_recv().ok()
                        }
                    },
                    () = gone => {
                        waiting.close();
                        if let Ok(handed) = waiting.try_recv() {
                            self.core.state().take_back(handed.id);
                        }
                        None
                    }
                }
            }
        };
        let Some(handed) = handed else {
            return Ok(aws::answer(&json!({})));
        };
        self.core.start_clocks(handed.id, worker_name.map(str::to_owned));
        Ok(aws::answer(
            &json!({ "taskToken": handed.token, "input": handed.input }),
        ))
    }

    fn heartbeat(&self, body: &Value) -> Result<Answer, Answer> {
        self.task(body, true)?;
        Ok(aws::answer(&json!({})))
    }

    fn succeed(&self, body: &Value) -> Result<Answer, Answer> {
        let output = text(body, "output").unwrap_or_default();
        check("output", Some(output), limits::OUTPUT)?;
        let output: Value = serde_json::from_str(output)
            .map_err(|error| aws::error("InvalidOutput", &format!("Invalid Output: '{error}'")))?;
        self.close(body, Outcome::Succeeded(output))
    }

    fn fail(&self, body: &Value) -> Result<Answer, Answer> {
        let (error, cause) = (text(body, "error"), text(body, "cause"));
        check("error", error, limits::ERROR)?;
        check("cause", cause, limits::CAUSE)?;
        let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
        self.close(
            body,
            Outcome::Failed {
                error: owned(error),
                cause: owned(cause),
            },
        )
    }

    fn close(&self, body: &Value, outcome: Outcome) -> Result<Answer, Answer> {
        let id = self.task(body, false)?;
        if self.core.close(id, outcome) {
            Ok(aws::answer(&json!({})))
        } else {
            Err(refusal(Refused::TaskTimedOut))
        }
    }

    fn task(&self, body: &Value, is_heartbeat: bool) -> Result<u64, Answer> {
        let token = text(body, "taskToken").unwrap_or_default();
        check("taskToken", Some(token), limits::TOKEN)?;
        self.core.use_token(token, is_heartbeat).map_err(refusal)
    }

    fn describe_activity(&self, body: &Value) -> Result<Answer, Answer> {
        let arn = text(body, "activityArn").unwrap_or_default();
        let state = self.core.state();
        let activity = state
            .activities
            .get(arn)
            .ok_or_else(|| activity_does_not_exist(arn))?;
        let name = arn.rsplit(':').next().unwrap_or_default();
        Ok(aws::answer(
            &json!({ "activityArn": arn, "name": name, "creationDate": seconds(activity.created_at) }),
        ))
    }

    fn describe_execution(&self, body: &Value) -> Result<Answer, Answer> {
        let arn = text(body, "executionArn").unwrap_or_default();
        let state = self.core.state();
        let execution = state.executions.get(arn).ok_or_else(|| {
            aws::error(
                "ExecutionDoesNotExist",
                &format!("Execution Does Not Exist: '{arn}'"),
            )
        })?;
        let (machine, name) = arn.rsplit_once(':').unwrap_or((arn, ""));
        let mut described = json!({
            "executionArn": arn, "name": name, "status": execution.status.word(), "input": "{}",
            "stateMachineArn": machine.replace(":execution:", ":stateMachine:"),
            "startDate": seconds(execution.started_at), "inputDetails": { "included": true }
        });
        if let Some(stopped) = execution.stopped_at {
            described["stopDate"] = json!(seconds(stopped));
        }
        Ok(aws::answer(&described))
    }
}

fn text<'a>(body: &'a Value, member: &str) -> Option<&'a str> {
    body[member].as_str()
}

// The service gives times in seconds, with fractions.
fn seconds(ms: i64) -> f64 {
    std::time::Duration::from_millis(u64::try_from(ms).unwrap_or_default()).as_secs_f64()
}

fn activity_does_not_exist(arn: &str) -> Answer {
    aws::error(
        "ActivityDoesNotExist",
        &format!("Activity does not exist: '{arn}'"),
    )
}

fn refusal(refused: Refused) -> Answer {
    match refused {
        Refused::InvalidToken => aws::error("InvalidToken", "Invalid Token: 'Invalid token'"),
        Refused::TaskDoesNotExist => aws::error(
            "TaskDoesNotExist",
            "Task Does Not Exist: 'Provided task does not exist'",
        ),
        Refused::TaskTimedOut => aws::error(
            "TaskTimedOut",
            "Task Timed Out: 'Provided task does not exist anymore'",
        ),
    }
}
