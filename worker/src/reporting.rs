//! Telling Step Functions how a task ended: until it is heard, or the task is over.

use std::time::Duration;

use sparkwright_spark_job::chain;
use tokio::time::sleep;
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

/// Reports a task's end, and says whether it was heard; heartbeats have to go on meanwhile.
pub(crate) async fn report(
    clients: &Clients,
    token: &TaskToken,
    completion: &Completion,
    mut may_have_arrived: bool,
) -> Heard {
    let mut backoff = Backoff::default();
    let mut reduced = None;
    loop {
        let current = reduced.as_ref().unwrap_or(completion);
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
