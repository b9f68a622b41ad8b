//! AWS' clients, made only when a request needs one: most requests need none, and a cold start waits for each.

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_cloudformation as cloudformation;
use aws_sdk_emr as emr;
use aws_sdk_secretsmanager as secrets;
use tokio::sync::OnceCell;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// All attempts of one call: without a way to the service, the request must not wait for the function's end.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// A question that is asked many times while a request is at work, and that it does not depend on: an attempt of it, and
/// its two attempts.
const QUESTION_TIMEOUTS: (Duration, Duration) = (Duration::from_millis(1400), Duration::from_secs(3));

/// Where AWS' clients come from. A clone shares them.
#[derive(Clone, Debug, Default)]
pub struct Aws {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    config: OnceCell<SdkConfig>,
    cloudformation: OnceCell<cloudformation::Client>,
}

impl Aws {
    /// Clients by the standard environment variables and credential chain, read when first needed.
    pub fn from_env() -> Self {
        Self::default()
    }

    /// Clients of this configuration.
    pub fn of(config: SdkConfig) -> Self {
        let inner = Inner {
            config: OnceCell::new_with(Some(config)),
            cloudformation: OnceCell::new(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// A client of CloudFormation for questions that are soon answered or given up. There is one, which keeps its
    /// connection.
    pub(crate) async fn cloudformation(&self) -> &cloudformation::Client {
        let (attempt, question) = QUESTION_TIMEOUTS;
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(attempt)
            .operation_attempt_timeout(attempt)
            .operation_timeout(question)
            .build();
        let retries = RetryConfig::standard()
            .with_max_attempts(2)
            .with_initial_backoff(Duration::from_millis(100));
        let make = async || {
            let config = cloudformation::config::Builder::from(self.config().await)
                .timeout_config(timeouts)
                .retry_config(retries);
            cloudformation::Client::from_conf(config.build())
        };
        self.inner.cloudformation.get_or_init(make).await
    }

    /// A client of EMR.
    pub(crate) async fn emr(&self) -> emr::Client {
        let config = emr::config::Builder::from(self.config().await)
            .timeout_config(timeouts())
            .retry_config(retries());
        emr::Client::from_conf(config.build())
    }

    /// A client of Secrets Manager in the secret's own region.
    pub(crate) async fn secrets(&self, region: Option<&str>) -> secrets::Client {
        let mut config = secrets::config::Builder::from(self.config().await)
            .timeout_config(timeouts())
            .retry_config(retries());
        if let Some(region) = region {
            config = config.region(Region::new(region.to_owned()));
        }
        secrets::Client::from_conf(config.build())
    }

    async fn config(&self) -> &SdkConfig {
        self.inner
            .config
            .get_or_init(|| aws_config::defaults(BehaviorVersion::latest()).load())
            .await
    }
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build()
}

fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(3)
}

/// Whether the same call may succeed a little later.
pub(crate) fn may_pass<E, R>(error: &emr::error::SdkError<E, R>) -> bool
where
    E: emr::error::ProvideErrorMetadata,
{
    use emr::error::SdkError;
    match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => true,
        SdkError::ServiceError(answer) => {
            let code = answer.err().code().unwrap_or_default();
            ["Throttl", "TooManyRequests", "Internal", "Unavailable"]
                .iter()
                .any(|sign| code.contains(sign))
        }
        _ => false,
    }
}

/// What to say of a call that failed, with what can be done about it.
pub(crate) fn explain<E, R>(
    error: &aws_sdk_emr::error::SdkError<E, R>,
    service: &str,
    permission: &str,
) -> String
where
    E: std::error::Error + emr::error::ProvideErrorMetadata + 'static,
    R: std::fmt::Debug + 'static,
{
    use aws_sdk_emr::error::SdkError;
    match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => format!(
            "{service} could not be reached ({}): a function in a VPC needs a NAT gateway or an interface endpoint for it",
            sparkwright_spark_job::chain(error)
        ),
        SdkError::ServiceError(answer) => {
            let said = answer.err().message().unwrap_or("no message");
            let code = answer.err().code().unwrap_or("an error without a code");
            if code.contains("AccessDenied") || code.contains("NotAuthorized") {
                format!("{service} answered {code}: {said}; the function's role needs {permission}")
            } else {
                format!("{service} answered {code}: {said}")
            }
        }
        other => format!("{service}: {}", sparkwright_spark_job::chain(other)),
    }
}
