//! Invokes the function through Lambda's own interface.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::Builder;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::invoke::InvokeError as ServiceError;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use tokio::sync::OnceCell;

use crate::{InvokeError, Invoker};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// All attempts of one call.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
const MAX_ATTEMPTS: u32 = 3;

/// Invokes the function by Lambda's asynchronous `Invoke` (feature `aws`).
///
/// Configuration and client are made at the first call: a request that is never handed over pays nothing.
///
/// The function's role needs `lambda:InvokeFunction` on the function itself, in a policy of its own that names
/// the function's ARN; in a VPC it also needs a way to Lambda, a NAT gateway or an interface endpoint.
///
/// Lambda ends a function that keeps invoking itself after about 16 invocations in a chain. It counts them by the
/// trace header (`_X_AMZN_TRACE_ID`), which the SDK passes on by itself.
/// [`Settings::max_hops`](crate::Settings::max_hops) is below that, so that the provider hears of the end in time
/// to answer.
#[derive(Default)]
pub struct SelfInvocation {
    config: OnceCell<SdkConfig>,
    client: OnceCell<Client>,
}

impl SelfInvocation {
    /// By the standard environment variables and credential chain, read when first needed.
    pub fn from_env() -> Self {
        Self::default()
    }

    /// By this configuration.
    pub fn of(config: SdkConfig) -> Self {
        Self {
            config: OnceCell::new_with(Some(config)),
            client: OnceCell::new(),
        }
    }

    async fn client(&self) -> &Client {
        let make = async || {
            let load = || aws_config::defaults(BehaviorVersion::latest()).load();
            let timeouts = TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                .operation_timeout(CALL_TIMEOUT);
            let config = Builder::from(self.config.get_or_init(load).await)
                .timeout_config(timeouts.build())
                .retry_config(RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS));
            Client::from_conf(config.build())
        };
        self.client.get_or_init(make).await
    }

    async fn call(
        &self,
        function_arn: &str,
        kind: InvocationType,
        payload: Option<Vec<u8>>,
    ) -> Result<(), InvokeError> {
        let call = self.client().await.invoke().function_name(function_arn);
        let call = call.invocation_type(kind).set_payload(payload.map(Blob::new));
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(explain(&error, function_arn)),
        }
    }
}

impl Invoker for SelfInvocation {
    async fn invoke(&self, function_arn: &str, payload: Vec<u8>) -> Result<(), InvokeError> {
        self.call(function_arn, InvocationType::Event, Some(payload))
            .await
    }

    async fn check(&self, function_arn: &str) -> Result<(), InvokeError> {
        self.call(function_arn, InvocationType::DryRun, None).await
    }
}

impl fmt::Debug for SelfInvocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SelfInvocation(..)")
    }
}

fn explain(error: &SdkError<ServiceError>, function_arn: &str) -> InvokeError {
    let answer = match error {
        SdkError::ServiceError(answer) => answer,
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            return InvokeError::Failed {
                why: format!(
                    "Lambda could not be reached ({}): a function in a VPC needs a NAT gateway or an interface \
                     endpoint for it",
                    crate::chain(error)
                ),
            };
        }
        other => {
            let why = crate::chain(other as &dyn Error);
            return InvokeError::Refused { why };
        }
    };
    let (status, error) = (answer.raw().status().as_u16(), answer.err());
    let code = error.code().unwrap_or("an error without a code");
    let said = error.message().unwrap_or("no message");
    let mut why = format!("Lambda answered {code}: {said}");
    if code.contains("AccessDenied") {
        why += &format!("; the function's role needs `lambda:InvokeFunction` on {function_arn}");
    }
    if status == 429 || status >= 500 {
        InvokeError::Failed { why }
    } else {
        InvokeError::Refused { why }
    }
}
