//! Telling Step Functions how a task ended: until it is heard, or the task is over.

use std::time::Duration;

use sparkwright_spark_job::chain;
use tokio::time::{sleep, timeout};
use tracing::{error, info, warn};

use crate::activity::Clients;
use crate::backoff::Backoff;
use crate::call_error::{CallError, Class};
use crate::completion::Completion;
use crate::token::TaskToken;

/// Meanwhile the heartbeats keep the token good, so that there is time; but not to waste.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What has come of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Yes,
    /// The token is over: perhaps by an earlier report, whose answer was lost.
    Perhaps,
    /// The token was over before.
    Never,
}

/// What a report waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Awaited {
    /// Its turn among the worker's own calls.
    Turn,
    /// That Step Functions takes it.
    StepFunctions,
}

impl Awaited {
    /// The same for people.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Turn => "too many heartbeats and reports came before it: raise --sfn-rate",
            Self::StepFunctions => "Step Functions did not take it in time",
        }
    }
}

/// Reports a task's end, and says whether it was heard; heartbeats have to go on meanwhile.
pub(crate) async fn report(
    clients: &Clients,
    token: &TaskToken,
    completion: &Completion,
    may_have_arrived: bool,
) -> Heard {
    let mut awaited = Awaited::Turn;
    report_awaiting(&mut awaited, clients, token, completion, may_have_arrived).await
}

/// Reports a task's end for the first time, for at most `limit`; the error says what was still waited for.
pub(crate) async fn report_within(
    limit: Duration,
    clients: &Clients,
    token: &TaskToken,
    completion: &Completion,
) -> Result<Heard, Awaited> {
    let mut awaited = Awaited::Turn;
    let reporting = report_awaiting(&mut awaited, clients, token, completion, false);
    timeout(limit, reporting).await.map_err(|_| awaited)
}

async fn report_awaiting(
    awaited: &mut Awaited,
    clients: &Clients,
    token: &TaskToken,
    completion: &Completion,
    mut may_have_arrived: bool,
) -> Heard {
    let mut backoff = Backoff::default();
    let mut reduced = None;
    loop {
        let current = reduced.as_ref().unwrap_or(completion);
        *awaited = Awaited::Turn;
        clients.turn_to_report().await;
        *awaited = Awaited::StepFunctions;
        let error = match send(clients, token, current).await {
            Ok(()) => {
                match current {
                    Completion::Success { .. } => info!("the task succeeded"),
                    Completion::Failure { name, cause } => {
                        info!(error_name = %name, cause, "the task failed")
                    }
                }
                return Heard::Yes;
            }
            Err(error) => error,
        };
        match error.class() {
            Class::Over if may_have_arrived => {
                info!("the task is over; perhaps an earlier report whose answer was lost has ended it");
                return Heard::Perhaps;
            }
            Class::Over => {
                warn!(error = chain(&error), completion = ?current, "the task was over before its end could be reported");
                return Heard::Never;
            }
            Class::Refused if reduced.is_none() => {
                error!(error = chain(&error), completion = ?current, "the report was refused; a shorter one is sent");
                reduced = Some(completion.reduced());
                continue;
            }
            Class::Unreachable => may_have_arrived = true,
            Class::Throttled
            | Class::PollerLimit
            | Class::Unauthorized
            | Class::NoActivity
            | Class::Refused => {}
        }
        let wait = backoff.failed(error.class(), fastrand::f64()).min(LONGEST_WAIT);
        warn!(
            error = chain(&error),
            advice = error.class().advice(),
            "the task's end is not reported yet"
        );
        sleep(wait).await;
    }
}

async fn send(clients: &Clients, token: &TaskToken, completion: &Completion) -> Result<(), CallError> {
    match completion {
        Completion::Success { output } => clients.succeed(token, output).await,
        Completion::Failure { name, cause } => clients.fail(token, name.as_str(), cause).await,
    }
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use aws_sdk_sfn::config::{Credentials, SharedCredentialsProvider};
    use clap::Parser;
    use tokio::net::TcpListener;
    use tokio::time::Instant;

    use super::*;
    use crate::config::Config;
    use crate::errors::ErrorName;

    const LIMIT: Duration = Duration::from_secs(15);

    /// What a report waited for in vain, of a worker that may make one call a second, to a Step Functions that does not
    /// answer, behind so many heartbeats.
    async fn awaited_behind(heartbeats: usize) -> Result<Heard, Awaited> {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "tests");
        let aws = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(format!("http://{}", silent.local_addr().unwrap()))
            .build();
        let activity = "arn:aws:states:eu-west-1:123456789012:activity:etl";
        let config = Config::try_parse_from(["sparkwright-worker", "--sfn-rate=1", activity]).unwrap();
        let clients = Clients::new(&aws, &config);
        for _ in 0..heartbeats {
            let clients = clients.clone();
            let due = Instant::now();
            tokio::spawn(async move { clients.turn_to_heartbeat(due).await });
        }
        tokio::task::yield_now().await;
        let completion = Completion::plain(ErrorName::WorkerDraining, "the worker is stopping", None);
        report_within(LIMIT, &clients, &TaskToken::new("token"), &completion).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_report_that_is_given_up_says_for_whom_it_waited() {
        assert_eq!(awaited_behind(0).await, Err(Awaited::StepFunctions));
        assert_eq!(awaited_behind(60).await, Err(Awaited::Turn));
    }
}
