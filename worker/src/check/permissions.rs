//! May the role send what a worker at work sends?
//!
//! Each call is about something that cannot exist, so that it changes nothing: whoever may make it hears that there is no
//! such thing. A poll cannot be tried like that: it could take a task.
//!
//! It is a trial, not a proof: Step Functions can tell from a real token whose task it is, and there are denials that name
//! the task's state machine. IAM's documents know of no resource of these actions, and want `*`.

use aws_sdk_sfn as sfn;

use super::finding::Finding;
use super::step_functions::Refusal;
use crate::activity::ActivityArn;
use crate::call_error::Operation;

/// Tokens of Step Functions are much longer.
const NO_TOKEN: &str = "sparkwright-worker-check";

/// The name of an execution that nobody starts.
const NO_EXECUTION: &str = "sparkwright-worker-check";

/// What those are told who may call.
const NOTHING_THERE: [&str; 4] = [
    "InvalidToken",
    "TaskDoesNotExist",
    "TaskTimedOut",
    "ExecutionDoesNotExist",
];

/// What a role has to be allowed, or should be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Permission {
    Heartbeat,
    Success,
    Failure,
    /// Of an execution whose task is over.
    Execution,
}

impl Permission {
    pub(super) const ALL: [Self; 4] = [Self::Heartbeat, Self::Success, Self::Failure, Self::Execution];

    /// Tries it; `activity` is one of those that the worker polls.
    pub(super) async fn finding(self, client: &sfn::Client, activity: &ActivityArn) -> Finding {
        let execution = execution(activity);
        match self.call(client, &execution).await {
            Ok(()) => self.permitted(),
            Err(refusal) => self.judge(&refusal, &execution),
        }
    }

    async fn call(self, client: &sfn::Client, execution: &str) -> Result<(), Refusal> {
        match self {
            Self::Heartbeat => {
                let call = client.send_task_heartbeat().task_token(NO_TOKEN);
                call.send().await.map(drop).map_err(Refusal::of(self.operation()))
            }
            Self::Success => {
                let call = client.send_task_success().task_token(NO_TOKEN).output("{}");
                call.send().await.map(drop).map_err(Refusal::of(self.operation()))
            }
            Self::Failure => {
                let call = client.send_task_failure().task_token(NO_TOKEN);
                call.send().await.map(drop).map_err(Refusal::of(self.operation()))
            }
            Self::Execution => {
                let call = client.describe_execution().execution_arn(execution);
                call.send().await.map(drop).map_err(Refusal::of(self.operation()))
            }
        }
    }

    fn judge(self, refusal: &Refusal, execution: &str) -> Finding {
        if NOTHING_THERE.contains(&refusal.code()) {
            return self.permitted();
        }
        if !refusal.is_denial() {
            return Finding::note(
                self.action(),
                format!("not known whether the role may: {}", refusal.seen()),
            );
        }
        let without = match self {
            Self::Heartbeat => "tasks expire while their jobs run",
            Self::Success => "the success of a job is not heard",
            Self::Failure => "the failure of a job is not heard, and no task can be handed back",
            Self::Execution => {
                // It may be allowed for certain state machines, whose executions nobody knows here.
                let seen = format!(
                    "refused for `{execution}`, which does not exist; where it is refused for those that do, a job whose \
                     task has expired runs to its end although nobody waits for it"
                );
                return Finding::note(self.action(), seen);
            }
        };
        let advice = format!(
            "allow the role `{}` on `*`: without it {without}. See that it also has `states:{}` on its activities, which \
             cannot be tried",
            self.action(),
            Operation::Poll.name()
        );
        Finding::failed(self.action(), refusal.seen(), advice)
    }

    fn permitted(self) -> Finding {
        Finding::ok(self.action(), "the role is not refused it")
    }

    fn operation(self) -> Operation {
        match self {
            Self::Heartbeat => Operation::Heartbeat,
            Self::Success => Operation::Succeed,
            Self::Failure => Operation::Fail,
            Self::Execution => Operation::DescribeExecution,
        }
    }

    /// Its name in a policy.
    fn action(self) -> String {
        format!("states:{}", self.operation().name())
    }
}

/// An execution of a state machine that is named like the activity: a policy that names state machines may well have it.
fn execution(activity: &ActivityArn) -> String {
    let machine = activity.as_str().replacen(":activity:", ":execution:", 1);
    format!("{machine}:{NO_EXECUTION}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(permission: Permission, code: &str, expected: [&str; 2]) {
        let execution = execution(
            &"arn:aws:states:eu-west-1:123456789012:activity:etl"
                .parse()
                .unwrap(),
        );
        let line = permission
            .judge(&Refusal::said(code, "no"), &execution)
            .to_string();
        let [verdict, words] = expected;
        assert!(line.starts_with(verdict) && line.contains(words), "{line}");
    }

    #[test]
    fn whoever_hears_that_there_is_nothing_may_call() {
        check(Permission::Heartbeat, "InvalidToken", ["ok ", "not refused"]);
        check(Permission::Failure, "TaskDoesNotExist", ["ok ", "not refused"]);
        check(
            Permission::Execution,
            "ExecutionDoesNotExist",
            ["ok ", "not refused"],
        );
    }

    #[test]
    fn what_is_needed_fails_and_what_is_of_use_is_noted() {
        let denied = "AccessDeniedException";
        check(
            Permission::Heartbeat,
            denied,
            ["FAILED", "allow the role `states:SendTaskHeartbeat` on `*`"],
        );
        check(
            Permission::Success,
            denied,
            ["FAILED", "the success of a job is not heard"],
        );
        check(
            Permission::Execution,
            denied,
            [
                "note ",
                "arn:aws:states:eu-west-1:123456789012:execution:etl:sparkwright-worker-check",
            ],
        );
    }

    #[test]
    fn what_says_neither_is_said() {
        check(
            Permission::Success,
            "ThrottlingException",
            ["note ", "not known whether the role may: ThrottlingException"],
        );
    }
}
