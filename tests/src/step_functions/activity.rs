//! An activity: tasks that wait for a poll, and polls that wait for a task.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use super::state::State;
use crate::random;

#[derive(Debug, Default)]
pub(super) struct Activity {
    pub(super) created_at: i64,
    pub(super) waiting: VecDeque<u64>,
    pub(super) pollers: VecDeque<oneshot::Sender<Handed>>,
}

/// What a poll is given.
#[derive(Debug)]
pub(super) struct Handed {
    pub(super) id: u64,
    pub(super) token: String,
    pub(super) input: String,
}

impl State {
    /// A task that waits, or a place among those who wait for one; `None` for an unknown activity.
    pub(super) fn poll(&mut self, arn: &str) -> Option<Result<Handed, oneshot::Receiver<Handed>>> {
        let activity = self.activities.get_mut(arn)?;
        if let Some(id) = activity.waiting.pop_front() {
            return Some(Ok(self.hand_out(id)));
        }
        activity.pollers.retain(|poller| !poller.is_closed());
        let (sender, receiver) = oneshot::channel();
        activity.pollers.push_back(sender);
        Some(Err(receiver))
    }

    /// Gives a task its token.
    pub(super) fn hand_out(&mut self, id: u64) -> Handed {
        let token = format!("AAAAKgAAAAIAAAAAAAAAA{}", random::alphanumeric(220));
        self.tokens.insert(token.clone(), id);
        let task = &self.tasks[&id];
        task.progress
            .send_modify(|progress| progress.token = Some(token.clone()));
        Handed {
            id,
            token,
            input: task.task.input.clone(),
        }
    }

    /// The poll was over at this very moment: the task waits on.
    pub(super) fn take_back(&mut self, id: u64) {
        let task = &self.tasks[&id];
        let token = task.progress.borrow().token.clone();
        if let Some(token) = token {
            self.tokens.remove(&token);
        }
        task.progress.send_modify(|progress| progress.token = None);
        if let Some(activity) = self.activities.get_mut(&task.activity.clone()) {
            activity.waiting.push_front(id);
        }
    }
}
