//! CloudFormation: `DescribeStackResource`, with statuses that a test sets.

use std::collections::HashMap;
use std::sync::Mutex;

use jiff::Timestamp;

use super::query::{answer, element, parameter, query_error};
use crate::clock;
use crate::cloudformation::StackResource;
use crate::http::{Answer, Request};
use crate::sync::lock;

/// What a stack says of a resource.
#[derive(Clone, Debug)]
pub struct ResourceStatus {
    word: String,
    reason: Option<String>,
    physical_id: Option<String>,
    since_ms: i64,
}

impl ResourceStatus {
    /// This word, from now on.
    pub fn new(word: &str) -> ResourceStatus {
        ResourceStatus {
            word: word.to_owned(),
            reason: None,
            physical_id: None,
            since_ms: clock::now_ms(),
        }
    }

    /// With a reason.
    #[must_use]
    pub fn because(mut self, reason: &str) -> ResourceStatus {
        self.reason = Some(reason.to_owned());
        self
    }

    /// Of the resource with this physical id.
    #[must_use]
    pub fn of(mut self, physical_id: &str) -> ResourceStatus {
        self.physical_id = Some(physical_id.to_owned());
        self
    }

    /// Said so many seconds ago.
    #[must_use]
    pub fn aged(mut self, seconds: i64) -> ResourceStatus {
        self.since_ms -= seconds * 1000;
        self
    }

    fn since(&self) -> String {
        let since = Timestamp::from_millisecond(self.since_ms);
        since.expect("a time of this era is a timestamp").to_string()
    }

    fn detail(&self, resource: &StackResource) -> String {
        let mut detail = element("StackId", &resource.stack_id)
            + &element("StackName", name(&resource.stack_id))
            + &element("LogicalResourceId", &resource.logical_id)
            + &element("ResourceType", &resource.resource_type)
            + &element("LastUpdatedTimestamp", &self.since())
            + &element("ResourceStatus", &self.word);
        for (member, value) in [
            ("PhysicalResourceId", &self.physical_id),
            ("ResourceStatusReason", &self.reason),
        ] {
            detail.extend(value.as_ref().map(|value| element(member, value)));
        }
        format!(
            "<StackResourceDetail>{detail}<DriftInformation><StackResourceDriftStatus>NOT_CHECKED\
             </StackResourceDriftStatus></DriftInformation></StackResourceDetail>"
        )
    }
}

#[derive(Debug, Default)]
pub(super) struct Stacks(Mutex<HashMap<(String, String), (StackResource, ResourceStatus)>>);

impl Stacks {
    pub(super) fn set(&self, resource: &StackResource, status: ResourceStatus) {
        let key = (resource.stack_id.clone(), resource.logical_id.clone());
        lock(&self.0).insert(key, (resource.clone(), status));
    }

    /// A stack is known by its ARN and by its name.
    pub(super) fn describe_stack_resource(&self, request: &Request) -> Answer {
        let (Some(stack), Some(logical_id)) = (
            parameter(request, "StackName"),
            parameter(request, "LogicalResourceId"),
        ) else {
            return query_error(
                400,
                "ValidationError",
                "1 validation error detected: Value null failed to satisfy constraint: Member must not be null",
            );
        };
        let resources = lock(&self.0);
        let mut of_stack = resources
            .values()
            .filter(|(resource, _)| resource.stack_id == stack || name(&resource.stack_id) == stack)
            .peekable();
        if of_stack.peek().is_none() {
            let message = format!("Stack '{stack}' does not exist");
            return query_error(400, "ValidationError", &message);
        }
        match of_stack.find(|(resource, _)| resource.logical_id == logical_id) {
            Some((resource, status)) => answer("DescribeStackResource", &status.detail(resource)),
            None => {
                let message = format!("Resource {logical_id} does not exist for stack {stack}");
                query_error(400, "ValidationError", &message)
            }
        }
    }
}

/// `arn:aws:cloudformation:eu-west-1:123456789012:stack/name/uuid`.
fn name(stack_id: &str) -> &str {
    stack_id.split('/').nth(1).unwrap_or(stack_id)
}
