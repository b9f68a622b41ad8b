//! A stack: what CloudFormation does to a custom resource in the course of a stack's life.
//!
//! The stack has one resource of ours and, *elsewhere*, others that work or fail as the test says. Operations run to
//! their end one after the other: [`Stack::deploy`], [`Stack::delete`], [`Stack::retain`],
//! [`Stack::continue_rollback`].
//!
//! | behaviour | known by |
//! |---|---|
//! | the first valid answer counts; none within `ServiceTimeout` (an hour) is a failure | User Guide |
//! | a failed Create is followed by a Delete of the id in its answer | User Guide |
//! | another resource fails while a Create runs: a Delete of an invented id, at once | aws/aws-cdk#26139, #36951 |
//! | an Update that answers another id is a replacement: clean-up Delete of the old one, three tries, then dropped | User Guide |
//! | a failed Update is followed by an Update with swapped properties to the id in its answer | aws/aws-cdk#30012 |
//! | a rollback after our success: Update with swapped properties, then a Delete of what was created | User Guide |
//! | an Update that is cancelled is not waited for | aws/aws-cdk#31541, and inferred from Creates |
//! | a retried deployment uses the request id again, with a new response URL | aws/aws-cdk#35957 |
//! | without rollback (`--disable-rollback`) what was begun goes on, and what succeeded stays | User Guide |
//! | no Update without a change of the properties | User Guide |
//! | while a replaced resource is cleaned up, `DescribeStackResource` shows the one that replaced it | assumed |
//! | `LastUpdatedTimestamp` stays as it is while one request is at work | assumed |

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use super::event::{Event, StackResource};
use super::queue::{Delivery, Queue};
use super::sink::Sink;
use super::verdict::Verdict;
use crate::clock::now_ms;
use crate::sync::lock;

mod deletion;
mod deployment;
mod request;

pub use deployment::{Deployment, Elsewhere};
pub use request::{Reply, Request};

/// How an operation on a stack has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StackStatus {
    /// `CREATE_COMPLETE`: the resource was created.
    CreateComplete,
    /// `CREATE_FAILED`: what was made is kept, as the deployment asked.
    CreateFailed,
    /// `ROLLBACK_COMPLETE`: the resource is gone again.
    RollbackComplete,
    /// `ROLLBACK_FAILED`: it could not be deleted.
    RollbackFailed,
    /// `UPDATE_COMPLETE`.
    UpdateComplete,
    /// `UPDATE_FAILED`: what was made is kept, as the deployment asked.
    UpdateFailed,
    /// `UPDATE_ROLLBACK_COMPLETE`.
    UpdateRollbackComplete,
    /// `UPDATE_ROLLBACK_FAILED`.
    UpdateRollbackFailed,
    /// `DELETE_COMPLETE`.
    DeleteComplete,
    /// `DELETE_FAILED`.
    DeleteFailed,
}

impl StackStatus {
    /// Whether somebody has to act before the stack is of use again.
    pub fn is_stuck(self) -> bool {
        use StackStatus::{DeleteFailed, RollbackFailed, UpdateRollbackFailed};
        matches!(self, RollbackFailed | UpdateRollbackFailed | DeleteFailed)
    }
}

/// What `DescribeStackResource` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// `ResourceStatus`; none when the stack has no such resource.
    pub status: Option<&'static str>,
    /// `PhysicalResourceId`, once one is known.
    pub physical_id: Option<String>,
    /// `LastUpdatedTimestamp`: since when it says so, in milliseconds since the epoch.
    pub since_ms: i64,
}

/// A resource that the stack has.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// Its physical id.
    pub physical_id: String,
    /// The properties that the stack has for it.
    pub properties: Value,
}

/// A deployment that failed and was kept, or a rollback that did not come to its end.
#[derive(Clone, Debug)]
enum Unfinished {
    Create {
        request_id: String,
    },
    Update {
        request_id: String,
        /// Those before it.
        old: Value,
    },
    Rollback {
        old: Value,
        created: Vec<String>,
    },
}

#[derive(Debug, Default)]
struct State {
    status: Option<&'static str>,
    since_ms: i64,
    held: Option<Held>,
    unfinished: Option<Unfinished>,
    requests: Vec<Request>,
    /// Ids that a clean-up gave up.
    dropped: Vec<String>,
    /// Ids that were left alone because of `DeletionPolicy: Retain`.
    retained: Vec<String>,
}

/// A stack with one resource of ours. Clones are the same stack.
#[derive(Clone, Debug)]
pub struct Stack {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    sink: Sink,
    queue: Queue,
    resource: StackResource,
    deliveries: Vec<Delivery>,
    /// Between an answer and the next request.
    pause: Duration,
    state: Mutex<State>,
}

impl Stack {
    /// A stack without resources. The n-th request that it sends meets the n-th of these deliveries; the rest arrive
    /// at once.
    pub fn new(
        sink: Sink,
        queue: Queue,
        resource: StackResource,
        pause: Duration,
        deliveries: Vec<Delivery>,
    ) -> Stack {
        let inner = Inner {
            sink,
            queue,
            resource,
            deliveries,
            pause,
            state: Mutex::default(),
        };
        Stack {
            inner: Arc::new(inner),
        }
    }

    /// What `DescribeStackResource` says of a resource.
    pub fn describe(&self, logical_id: &str) -> Description {
        let state = lock(&self.inner.state);
        let is_ours = logical_id == self.inner.resource.logical_id;
        Description {
            status: state.status.filter(|_| is_ours),
            physical_id: state
                .held
                .as_ref()
                .filter(|_| is_ours)
                .map(|held| held.physical_id.clone()),
            since_ms: state.since_ms,
        }
    }

    /// The resource, while the stack has it.
    pub fn held(&self) -> Option<Held> {
        lock(&self.inner.state).held.clone()
    }

    /// Every request so far, with what came of it.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.inner.state).requests.clone()
    }

    /// The physical ids that a clean-up gave up after three tries.
    pub fn dropped(&self) -> Vec<String> {
        lock(&self.inner.state).dropped.clone()
    }

    /// The physical ids that were retained.
    pub fn retained(&self) -> Vec<String> {
        lock(&self.inner.state).retained.clone()
    }

    fn state<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut lock(&self.inner.state))
    }

    fn enter(&self, status: &'static str) {
        self.state(|state| {
            state.status = Some(status);
            state.since_ms = now_ms();
        });
    }

    fn hold(&self, physical_id: &str, properties: &Value) {
        let held = Held {
            physical_id: physical_id.to_owned(),
            properties: properties.clone(),
        };
        self.state(|state| state.held = Some(held));
    }

    async fn pause(&self) {
        self.breathe().await;
        sleep(self.inner.pause).await;
    }

    /// CloudFormation is never so quick that two requests have the same date.
    async fn breathe(&self) {
        sleep(Duration::from_secs(1)).await;
    }

    /// Sends a request and waits for its answer, unless `until` comes first.
    async fn ask(&self, event: Event, properties: &Value, until: Option<Instant>) -> Reply {
        let number = self.state(|state| {
            state.requests.push(Request::sent(&event, properties));
            state.requests.len() - 1
        });
        let delivery = self.inner.deliveries.get(number).cloned().unwrap_or_default();
        self.inner.queue.send(&event.key, event.body.clone(), delivery);
        let cancelled = async {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        let reply = tokio::select! {
            biased;
            answer = timeout(service_timeout(properties), self.inner.sink.expect(&event.key)) => match answer {
                Ok(answer) => match answer.verdict {
                    Verdict::Success { physical_id, .. } => Reply::Success(physical_id),
                    Verdict::Failed { physical_id, .. } => Reply::Failed(physical_id),
                    // The id of an answer that cannot be used is not used either.
                    Verdict::Invalid(_) => Reply::NoAnswer,
                },
                Err(_) => Reply::NoAnswer,
            },
            () = cancelled => Reply::Cancelled,
        };
        self.state(|state| {
            let request = &mut state.requests[number];
            request.reply = Some(reply.clone());
            request.ended_ms = Some(now_ms());
        });
        reply
    }
}

fn service_timeout(properties: &Value) -> Duration {
    let given = &properties["ServiceTimeout"];
    let seconds = given.as_u64().or_else(|| given.as_str()?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(3600))
}

#[cfg(test)]
mod tests;
