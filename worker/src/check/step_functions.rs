//! Are the AWS settings there, do the credentials hold, and are the activities where they are said to be?
//!
//! `DescribeActivity` is the one call about an activity that changes nothing: a poll could take a task. The worker does
//! without it, so that a role which may not call it is no failure, but a proof that the credentials hold.

use std::error::Error;

use aws_config::{Region, SdkConfig};
use aws_sdk_sfn as sfn;
use aws_sdk_sfn::config::ProvideCredentials;
use aws_sdk_sfn::config::http::HttpResponse;
use aws_sdk_sfn::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use sparkwright_spark_job::chain;

use super::finding::Finding;
use super::reach::innermost;
use super::{CONNECT_TIMEOUT, READ_TIMEOUT};
use crate::activity::ActivityArn;
use crate::call_error::{CallError, Class, Operation};

/// A lost packet is no finding.
const ATTEMPTS: u32 = 2;

/// How much of an access key's id is shown, as other tools do.
const SHOWN_OF_KEY: usize = 4;

/// What is to be said about the region and the credentials, before anybody is asked.
pub(super) async fn account(aws: &SdkConfig) -> [Finding; 2] {
    let region = match aws.region() {
        Some(region) => Finding::ok("AWS region", region),
        None => Finding::failed(
            "AWS region",
            "none is set",
            "set AWS_REGION, or a region in the profile",
        ),
    };
    [region, credentials(aws).await]
}

async fn credentials(aws: &SdkConfig) -> Finding {
    let thing = "AWS credentials";
    let advice =
        "give the instance a role, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
    let Some(provider) = aws.credentials_provider() else {
        return Finding::failed(thing, "there are none", advice);
    };
    match provider.provide_credentials().await {
        Ok(credentials) => {
            let id = credentials.access_key_id();
            let end = id.chars().count().saturating_sub(SHOWN_OF_KEY);
            let shown: String = id.chars().skip(end).collect();
            Finding::ok(thing, format!("found, access key …{shown}"))
        }
        Err(error) => Finding::failed(thing, chain(&error), advice),
    }
}

/// What was found out about one activity.
pub(super) struct Described {
    pub(super) finding: Finding,
    /// The service knows who asks, so that it can be asked what they may do.
    pub(super) is_caller_known: bool,
}

/// What is to be said about one activity.
pub(super) async fn activity(activity: &ActivityArn, aws: &SdkConfig) -> Described {
    let Some(region) = aws.region() else {
        return Described {
            finding: Finding::note(activity, "not asked for, because the region is missing"),
            is_caller_known: false,
        };
    };
    let call = client(aws).describe_activity().activity_arn(activity.as_str());
    let (finding, is_recognized) = match call.send().await {
        Ok(_) => {
            let seen = format!("exists{}", elsewhere(activity, region));
            (Finding::ok(activity, seen), true)
        }
        Err(error) => {
            let refusal = Refusal::of(Operation::Describe)(error);
            (refusal.finding(activity, region), refusal.is_denial())
        }
    };
    Described {
        is_caller_known: is_recognized && !finding.has_failed(),
        finding,
    }
}

/// A client that gives up soon.
pub(super) fn client(aws: &SdkConfig) -> sfn::Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .operation_attempt_timeout(READ_TIMEOUT)
        .build();
    let settings = sfn::config::Builder::from(aws)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts)
        .build();
    sfn::Client::from_conf(settings)
}

/// What was said instead of the answer to a call.
pub(super) struct Refusal {
    code: String,
    message: String,
    class: Class,
    seen: String,
}

impl Refusal {
    /// What came of a call of this operation.
    pub(super) fn of<E>(operation: Operation) -> impl FnOnce(SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        move |error| {
            let code = error.code().unwrap_or_default().to_owned();
            let message = error.message().unwrap_or_default().to_owned();
            let error = CallError::new(operation, error);
            let seen = if code.is_empty() {
                innermost(&error)
            } else {
                format!("{code}: {message}")
            };
            Self {
                code,
                message,
                class: error.class(),
                seen,
            }
        }
    }

    pub(super) fn code(&self) -> &str {
        &self.code
    }

    /// In the service's words, where it has said anything.
    pub(super) fn seen(&self) -> &str {
        &self.seen
    }

    /// The service knows who asks, and they may not.
    pub(super) fn is_denial(&self) -> bool {
        self.code.starts_with("AccessDenied")
    }

    fn finding(&self, activity: &ActivityArn, region: &Region) -> Finding {
        let (activitys, asked) = (activity.region(), region.as_ref());
        if activitys != asked && (self.is_denial() || self.class == Class::NoActivity) {
            let seen = format!("{}; it is in {activitys}, and {asked} was asked", self.seen);
            let advice = format!("set AWS_REGION={activitys}, or mend --activity-arn");
            return Finding::failed(activity, seen, advice);
        }
        if self.is_denial() {
            return self.denied(activity);
        }
        let advice = match self.class {
            Class::Throttled => return Finding::note(activity, format!("{}: try again later", self.seen)),
            Class::Unauthorized if self.code.contains("Expired") => "renew the AWS credentials".into(),
            Class::Unauthorized if self.code.contains("Signature") => {
                "set this machine's clock, or mend the secret access key".into()
            }
            Class::Unreachable => format!(
                "let this machine reach Step Functions, by a NAT gateway or a VPC endpoint for \
                 com.amazonaws.{asked}.states; AWS_ENDPOINT_URL_SFN names another address"
            ),
            class => class.advice().to_owned(),
        };
        Finding::failed(activity, &self.seen, advice)
    }

    /// AWS asks who somebody is before it asks what they may do.
    fn denied(&self, activity: &ActivityArn) -> Finding {
        let caller = self
            .message
            .split_whitespace()
            .find(|word| word.starts_with("arn:"));
        let account = |arn: &str| arn.split(':').nth(4).map(str::to_owned);
        match (caller.and_then(account), account(activity.as_str())) {
            (Some(callers), Some(activitys)) if callers != activitys => Finding::failed(
                activity,
                format!(
                    "{}; the credentials are of account {callers}, and an activity can only be polled from its own",
                    self.seen
                ),
                format!("use credentials of account {activitys}, or mend --activity-arn"),
            ),
            _ => Finding::note(
                activity,
                format!(
                    "the credentials hold{}, but may not describe it; that is not needed, and the first poll will show \
                     whether it exists",
                    caller.map(|caller| format!(" (of {caller})")).unwrap_or_default()
                ),
            ),
        }
    }
}

/// Only where the service is an emulator does an activity exist in another region than the one that is asked.
fn elsewhere(activity: &ActivityArn, region: &Region) -> String {
    if activity.region() == region.as_ref() {
        return String::new();
    }
    format!(", although it is of {} and {region} was asked", activity.region())
}

#[cfg(test)]
impl Refusal {
    /// One in the service's own words.
    pub(super) fn said(code: &str, message: &str) -> Self {
        Self {
            code: code.to_owned(),
            message: message.to_owned(),
            class: Class::Unauthorized,
            seen: format!("{code}: {message}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:states:eu-west-1:123456789012:activity:spark-job";

    #[track_caller]
    fn check(code: &str, message: &str, class: Class, region: &'static str, expected: [&str; 2]) {
        let refusal = Refusal {
            class,
            ..Refusal::said(code, message)
        };
        let line = refusal
            .finding(&ARN.parse().unwrap(), &Region::new(region))
            .to_string();
        let [verdict, words] = expected;
        assert!(line.starts_with(verdict) && line.contains(words), "{line}");
    }

    #[test]
    fn a_role_that_may_not_describe_is_no_failure_in_its_own_account_and_region() {
        let message = |account: &str| {
            format!(
                "User: arn:aws:sts::{account}:assumed-role/EMR_EC2_DefaultRole/i-0a is not authorized to perform: \
                 states:DescribeActivity on resource: {ARN} because no identity-based policy allows it"
            )
        };
        let (code, class) = ("AccessDeniedException", Class::Unauthorized);
        let own = message("123456789012");
        check(code, &own, class, "eu-west-1", ["note ", "that is not needed"]);
        check(
            code,
            &own,
            class,
            "eu-west-1",
            ["note ", "assumed-role/EMR_EC2_DefaultRole/i-0a)"],
        );
        check(code, &own, class, "us-east-1", ["FAILED", "AWS_REGION=eu-west-1"]);
        let other = message("999999999999");
        check(
            code,
            &other,
            class,
            "eu-west-1",
            ["FAILED", "use credentials of account 123456789012"],
        );
    }

    #[test]
    fn each_failure_has_its_remedy() {
        let here = "eu-west-1";
        check(
            "ActivityDoesNotExist",
            "",
            Class::NoActivity,
            here,
            ["FAILED", "create it, or mend"],
        );
        check(
            "ActivityDoesNotExist",
            "",
            Class::NoActivity,
            "us-east-1",
            ["FAILED", "us-east-1 was asked"],
        );
        check(
            "ExpiredTokenException",
            "",
            Class::Unauthorized,
            here,
            ["FAILED", "renew"],
        );
        check(
            "InvalidSignatureException",
            "",
            Class::Unauthorized,
            here,
            ["FAILED", "clock"],
        );
        check(
            "UnrecognizedClientException",
            "",
            Class::Unauthorized,
            here,
            ["FAILED", "credentials"],
        );
        check(
            "",
            "",
            Class::Unreachable,
            here,
            ["FAILED", "com.amazonaws.eu-west-1.states"],
        );
        check(
            "ThrottlingException",
            "",
            Class::Throttled,
            here,
            ["note ", "try again later"],
        );
    }
}
