//! Why a call to Step Functions failed, by what can be done about it.

use std::error::Error;
use std::fmt;

use aws_sdk_sfn::config::http::HttpResponse;
use aws_sdk_sfn::error::{ProvideErrorMetadata, SdkError};
use sparkwright_spark_job::chain;

/// The calls, as messages name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Poll,
    Heartbeat,
    Succeed,
    Fail,
    Describe,
    DescribeExecution,
}

impl Operation {
    /// Those of a worker at work.
    pub(crate) const CALLED: [Self; 5] = [
        Self::Poll,
        Self::Heartbeat,
        Self::Succeed,
        Self::Fail,
        Self::DescribeExecution,
    ];

    /// The API's own name for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Poll => "GetActivityTask",
            Self::Heartbeat => "SendTaskHeartbeat",
            Self::Succeed => "SendTaskSuccess",
            Self::Fail => "SendTaskFailure",
            Self::Describe => "DescribeActivity",
            Self::DescribeExecution => "DescribeExecution",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Poll => "poll the activity",
            Self::Heartbeat => "send a heartbeat",
            Self::Succeed => "report a success",
            Self::Fail => "report a failure",
            Self::Describe => "describe the activity",
            Self::DescribeExecution => "describe the execution",
        })
    }
}

/// What a failed call means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    /// Too many calls; it passes.
    Throttled,
    /// Too many open polls on the activity, of all workers together.
    PollerLimit,
    /// Credentials or permissions are missing, wrong or expired; they may come back.
    Unauthorized,
    /// There is no such activity, or not yet.
    NoActivity,
    /// The token is over: why is not said.
    Over,
    /// What was sent cannot be accepted, however often it is sent.
    Refused,
    /// No answer, or one that says nothing.
    Unreachable,
}

impl Class {
    /// A word for metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::PollerLimit => "poller_limit",
            Self::Unauthorized => "unauthorized",
            Self::NoActivity => "no_activity",
            Self::Over => "token_over",
            Self::Refused => "refused",
            Self::Unreachable => "no_answer",
        }
    }

    /// What to tell the operator.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::Throttled => "Step Functions throttles this account's calls",
            Self::PollerLimit => {
                "more than 1000 polls are open on this activity: lower --pollers-per-activity"
            }
            Self::Unauthorized => "check the worker's AWS credentials and its role's permissions",
            Self::NoActivity => {
                "the activity does not exist in this account and region: create it, or mend --activity-arn"
            }
            Self::Over | Self::Refused => "Step Functions refuses the call",
            Self::Unreachable => "Step Functions cannot be reached",
        }
    }
}

/// A failed call.
#[derive(Debug, thiserror::Error)]
#[error("could not {operation}")]
pub(crate) struct CallError {
    operation: Operation,
    class: Class,
    source: Source,
}

#[derive(Debug, thiserror::Error)]
enum Source {
    #[error("{code}: {message}")]
    Answer { code: String, message: String },
    #[error(transparent)]
    NoAnswer(Box<dyn Error + Send + Sync>),
}

impl CallError {
    pub(crate) fn new<E>(operation: Operation, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        match &error {
            SdkError::ServiceError(answer) => {
                let code = answer.err().code().unwrap_or("an unknown error").to_owned();
                let status = answer.raw().status().as_u16();
                let message = answer
                    .err()
                    .message()
                    .map_or_else(|| format!("status {status}"), str::to_owned);
                let class = match (operation, class_of(&code, status)) {
                    (Operation::DescribeExecution, Class::NoActivity) => Class::Refused,
                    (_, class) => class,
                };
                Self {
                    operation,
                    class,
                    source: Source::Answer { code, message },
                }
            }
            _ => {
                // The SDK resolves credentials before it sends, and has no error of its own for their absence.
                let without_credentials = chain(&error).contains("credential");
                let class = if without_credentials {
                    Class::Unauthorized
                } else {
                    Class::Unreachable
                };
                Self {
                    operation,
                    class,
                    source: Source::NoAnswer(Box::new(error)),
                }
            }
        }
    }

    pub(crate) fn class(&self) -> Class {
        self.class
    }

    /// Whether the service says that the token is over.
    pub(crate) fn is_over(&self) -> bool {
        self.class == Class::Over
    }
}

fn class_of(code: &str, status: u16) -> Class {
    match code {
        "ActivityDoesNotExist" | "InvalidArn" => Class::NoActivity,
        "ActivityWorkerLimitExceeded" => Class::PollerLimit,
        "TaskTimedOut" | "TaskDoesNotExist" | "InvalidToken" => Class::Over,
        // There is none of this name, or nobody remembers it any more.
        "ExecutionDoesNotExist" => Class::Refused,
        "InvalidOutput" | "ValidationException" | "SerializationException" => Class::Refused,
        "KmsAccessDeniedException" | "KmsInvalidStateException" => Class::Unauthorized,
        "KmsThrottlingException"
        | "RequestLimitExceeded"
        | "LimitExceededException"
        | "TooManyRequestsException" => Class::Throttled,
        code if code.starts_with("Throttl") => Class::Throttled,
        code if code.starts_with("AccessDenied") || code.starts_with("ExpiredToken") => Class::Unauthorized,
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "OptInRequired"
        | "NotAuthorized" => Class::Unauthorized,
        _ => match status {
            429 => Class::Throttled,
            401 | 403 => Class::Unauthorized,
            _ => Class::Unreachable,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_classed_by_what_can_be_done() {
        let cases = [
            ("ThrottlingException", 400, Class::Throttled),
            ("Throttling", 400, Class::Throttled),
            ("ActivityWorkerLimitExceeded", 400, Class::PollerLimit),
            ("ActivityDoesNotExist", 400, Class::NoActivity),
            ("TaskTimedOut", 400, Class::Over),
            ("TaskDoesNotExist", 400, Class::Over),
            ("InvalidToken", 400, Class::Over),
            ("InvalidOutput", 400, Class::Refused),
            ("ExecutionDoesNotExist", 400, Class::Refused),
            ("AccessDeniedException", 400, Class::Unauthorized),
            ("ExpiredTokenException", 400, Class::Unauthorized),
            ("UnrecognizedClientException", 400, Class::Unauthorized),
            ("InternalFailure", 500, Class::Unreachable),
            ("an unknown error", 503, Class::Unreachable),
            ("an unknown error", 429, Class::Throttled),
        ];
        for (code, status, class) in cases {
            assert_eq!(class_of(code, status), class, "{code}");
        }
    }
}
