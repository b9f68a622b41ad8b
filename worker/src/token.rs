//! Task tokens, which nobody may see, and what stands for them. The fuzz target `task_input` is built of this file, too.

use std::fmt;
use std::sync::Arc;

use sparkwright_spark_job::identity::Intent;

/// What lets its holder answer for a task. It is shown nowhere; [`TaskId`] stands for it. Tokens are long, and a clone
/// shares the text.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TaskToken(Arc<str>);

impl TaskToken {
    /// A token as Step Functions handed it out.
    pub fn new(token: impl Into<Arc<str>>) -> Self {
        Self(token.into())
    }

    /// The token, for Step Functions alone.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The intent of a task without a client token.
    pub fn intent(&self) -> Intent {
        Intent::of_token(&self.0)
    }

    /// The short hash by which logs name the task.
    pub fn id(&self) -> TaskId {
        TaskId(self.intent().hex(8).into())
    }
}

impl fmt::Debug for TaskToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TaskToken(..)")
    }
}

/// A task's name in logs: a hash of its token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(Arc<str>);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_shown_nowhere() {
        let token = TaskToken::new("AAAAKgAAAAIAAAAAAAAAAQ");
        assert!(!format!("{token:?} {}", token.id()).contains("AAAAKg"));
    }

    #[test]
    fn a_task_has_the_same_name_in_every_process_and_another_than_its_neighbour() {
        let id = |token: &str| TaskToken::new(token).id().to_string();
        assert_eq!(id("AAAAKgAAAAIAAAAAAAAAAQ"), "a1c24685");
        assert_ne!(id("AAAAKgAAAAIAAAAAAAAAAg"), id("AAAAKgAAAAIAAAAAAAAAAQ"));
    }
}
