//! Whether a request was overtaken, by what its stack says of the resource.
//!
//! CloudFormation does not tell a custom resource that it has given a request up. It is asked instead, at each of the
//! gate's moments, by `cloudformation:DescribeStackResource`. Whatever keeps it from answering lets the request pass: a
//! Delete that settles is then what remains against a run that nobody owns.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_sdk_cloudformation as cloudformation;
use cloudformation::error::{ProvideErrorMetadata, SdkError};
use cloudformation::operation::describe_stack_resource::{
    DescribeStackResourceError, DescribeStackResourceOutput,
};
use custom_resource::{Request, RequestType};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::aws::{Aws, explain};
use crate::gate::{Closed, Gate, Moment};

mod obstacles;

use obstacles::{Kind, Obstacle, Obstacles};

/// All of one question, so that a stack waits no longer for the answer than for a look at Livy.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(3);

/// Before each time that a stack is asked whether it deletes its resource. A run is left if it does not say so.
const PAUSES: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(6),
];

/// What a stack says of a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StackWord {
    /// Such as `UPDATE_IN_PROGRESS`.
    pub status: String,
    /// Why, if it says so.
    pub reason: Option<String>,
    /// The id that it knows the resource by. While a request is at work it is the one before it.
    pub physical_id: Option<String>,
    /// When it began to say so.
    pub since: Option<SystemTime>,
}

/// Whether a resource's status says that nobody waits for a request of this type any more.
///
/// - `CREATE_…` and `UPDATE_…`, the request's own kind: `FAILED` is said when CloudFormation gives a request up, because
///   of a time-out or of another resource; `COMPLETE` when it was answered. Of the other kind they are left over from
///   before.
/// - `DELETE_…`: the resource leaves the stack, or has left it (`SKIPPED`: and is retained).
/// - `ROLLBACK_…` and `UPDATE_ROLLBACK_…` are words for whole stacks, and a request that rolls a resource back must pass.
/// - `IMPORT_…` and `EXPORT_…`: custom resources are not moved between stacks. Words yet unknown say nothing either.
///
/// A Delete is never superseded: what is to go goes.
pub fn is_superseded(request_type: RequestType, status: &str) -> bool {
    match request_type {
        RequestType::Delete => false,
        _ if status.starts_with("DELETE_") => true,
        RequestType::Create => matches!(status, "CREATE_FAILED" | "CREATE_COMPLETE"),
        RequestType::Update => matches!(status, "UPDATE_FAILED" | "UPDATE_COMPLETE"),
    }
}

impl StackWord {
    /// Whether it says that a request is superseded.
    pub fn supersedes(&self, asked: Asked) -> bool {
        let Some(since) = self.since else {
            return is_superseded(asked.request_type, &self.status);
        };
        // What was said before the request was made is about an earlier one: of a resource that was there before, or of
        // an emulator that speaks up only when all is over.
        if asked.issued.is_some_and(|issued| since < issued) {
            return false;
        }
        is_superseded(asked.request_type, &self.status) || self.is_about_a_later_request(since, asked)
    }

    /// The rollback of an Update makes the resource `UPDATE_IN_PROGRESS` again, as if the Update were still wanted. Only the
    /// time tells them apart: from what was said when the request arrived, or else from when it was made.
    fn is_about_a_later_request(&self, since: SystemTime, asked: Asked) -> bool {
        if self.has_accepted(asked.request_type) {
            return true;
        }
        // Of the other kind, too: a resource that was deleted may have been created anew since.
        let is_of_a_resource = self.status.starts_with("CREATE_") || self.status.starts_with("UPDATE_");
        let is_long_after = |issued: SystemTime| since > issued + SURELY_LATER;
        let is_after = |at_first: SystemTime| since > at_first;
        asked.request_type != RequestType::Delete
            && is_of_a_resource
            && (asked.at_first.is_some_and(is_after) || asked.issued.is_some_and(is_long_after))
    }

    /// Whether it says that a request of this type was answered with SUCCESS: what is updated has been created.
    pub fn has_accepted(&self, request_type: RequestType) -> bool {
        request_type == RequestType::Create && self.status.starts_with("UPDATE_")
    }

    /// Whether it says that the resource of this id is being deleted.
    pub fn is_of_leaving(&self, physical_id: Option<&str>) -> bool {
        self.status == "DELETE_IN_PROGRESS"
            && physical_id.is_some()
            && self.physical_id.as_deref() == physical_id
    }

    /// The id of what the stack counts as its resource: what failed or is being deleted is none.
    pub fn resource(&self) -> Option<&str> {
        let is_there = matches!(
            &*self.status,
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS"
        );
        self.physical_id
            .as_deref()
            .filter(|id| is_there && !id.is_empty())
    }
}

/// A request, as far as it matters whether it is superseded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What it is.
    pub request_type: RequestType,
    /// When it was made, if its response URL says so.
    pub issued: Option<SystemTime>,
    /// Since when the stack had said what it said when the request arrived.
    pub at_first: Option<SystemTime>,
}

/// So long after a request was made the stack speaks of a later one. A request that is told of its own work would be
/// called off for nothing, so there is room for whatever CloudFormation writes down late.
const SURELY_LATER: Duration = Duration::from_secs(10);

/// So many requests are remembered by what was said when they arrived.
const REMEMBERED: usize = 64;

/// Since when stacks had said what they said when requests arrived.
#[derive(Debug, Default)]
pub struct FirstWords(Mutex<HashMap<String, SystemTime>>);

impl FirstWords {
    /// Of a request that asks at this moment, and is told what has been said since then.
    pub fn at_first(
        &self,
        request: &Request,
        moment: Moment,
        since: Option<SystemTime>,
    ) -> Option<SystemTime> {
        let key = format!("{}/{}", request.request_id, request.issued.as_str());
        let mut words = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(since) = since.filter(|_| moment == Moment::Beginning) {
            if words.len() >= REMEMBERED {
                words.clear();
            }
            words.entry(key.clone()).or_insert(since);
        }
        words.get(&key).copied()
    }
}

/// A gate that asks CloudFormation.
#[derive(Debug)]
pub struct StackGate {
    aws: Aws,
    obstacles: Obstacles,
    first_words: FirstWords,
}

impl StackGate {
    /// A gate with these AWS clients; nothing is asked before the first request comes to it.
    pub fn new(aws: Aws) -> Self {
        Self {
            aws,
            obstacles: Obstacles::default(),
            first_words: FirstWords::default(),
        }
    }

    /// What CloudFormation says of the request's resource now; nothing while it cannot be asked.
    async fn word(&self, request: &Request) -> Option<StackWord> {
        let is_askable = request.request_type != RequestType::Delete
            && !request.stack_id.is_empty()
            && !request.logical_resource_id.is_empty();
        if !is_askable || self.obstacles.stand() {
            return None;
        }
        match self.ask(request).await {
            Ok(word) => {
                self.obstacles.clear();
                Some(word)
            }
            Err(obstacle) => {
                self.obstacles.meet(obstacle);
                None
            }
        }
    }

    async fn ask(&self, request: &Request) -> Result<StackWord, Obstacle> {
        let answered = timeout(QUESTION_TIMEOUT, self.answer(request)).await;
        answered.unwrap_or_else(|_| Err(Obstacle::silence(QUESTION_TIMEOUT)))
    }

    async fn answer(&self, request: &Request) -> Result<StackWord, Obstacle> {
        let question = self.aws.cloudformation().await.describe_stack_resource();
        let answer = question
            .stack_name(&request.stack_id)
            .logical_resource_id(&request.logical_resource_id)
            .send()
            .await;
        match answer {
            Ok(answer) => read(&answer).ok_or_else(Obstacle::no_status),
            Err(error) => Err(Obstacle {
                kind: kind(&error),
                why: explain(&error, "CloudFormation", "cloudformation:DescribeStackResource"),
            }),
        }
    }
}

impl Gate for StackGate {
    async fn pass(&self, request: &Request, moment: Moment) -> Result<(), Closed> {
        let Some(word) = self.word(request).await else {
            return Ok(());
        };
        let asked = Asked {
            request_type: request.request_type,
            issued: request.issued.at(),
            at_first: self.first_words.at_first(request, moment, word.since),
        };
        if !word.supersedes(asked) {
            return Ok(());
        }
        let because = word.reason.as_deref().map(|reason| format!(" ({reason})"));
        Err(Closed {
            why: format!(
                "CloudFormation no longer waits for this {}: it says that `{}` is {}{}",
                request.request_type,
                request.logical_resource_id,
                word.status,
                because.unwrap_or_default()
            ),
            stack_has: word.resource().map(str::to_owned),
            is_accepted: word.has_accepted(request.request_type),
        })
    }

    async fn is_leaving(&self, request: &Request) -> bool {
        let own = request.physical_resource_id.as_deref();
        for pause in PAUSES {
            sleep(pause).await;
            match self.ask(request).await {
                Ok(word) if word.is_of_leaving(own) => return true,
                // It has another: this one is cleaned up after.
                Ok(word) if word.physical_id.as_deref() != own => return false,
                // The word may not be written yet.
                Ok(word) => info!(
                    status = word.status,
                    "the stack does not say yet that its resource is being deleted"
                ),
                Err(obstacle) => warn!(
                    why = obstacle.why,
                    "whether the stack deletes the resource is not known; an older run of it would be left"
                ),
            }
        }
        false
    }
}

fn read(answer: &DescribeStackResourceOutput) -> Option<StackWord> {
    let resource = answer.stack_resource_detail()?;
    let since = resource.last_updated_timestamp();
    Some(StackWord {
        status: resource.resource_status()?.as_str().to_owned(),
        reason: resource.resource_status_reason().map(str::to_owned),
        physical_id: resource.physical_resource_id().map(str::to_owned),
        since: since.and_then(|at| SystemTime::try_from(*at).ok()),
    })
}

fn kind(error: &SdkError<DescribeStackResourceError>) -> Kind {
    let SdkError::ServiceError(answer) = error else {
        return Kind::Unreachable;
    };
    let code = answer.err().code().unwrap_or_default();
    let is_like = |signs: &[&str]| signs.iter().any(|sign| code.contains(sign));
    if is_like(&[
        "AccessDenied",
        "NotAuthorized",
        "Token",
        "Signature",
        "AuthFailure",
    ]) {
        Kind::Denied
    } else if is_like(&[
        "Throttl",
        "TooManyRequests",
        "LimitExceeded",
        "Internal",
        "Unavailable",
    ]) {
        Kind::Busy
    } else if code == "ValidationError" {
        Kind::Unknown
    } else {
        Kind::Strange
    }
}

#[cfg(test)]
mod tests;
