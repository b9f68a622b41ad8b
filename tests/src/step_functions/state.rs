//! Activities, tasks and executions.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::activity::Activity;
use super::clocks::{self, Progress};
use super::execution::ExecutionStatus;
use super::limits::Quotas;
use super::task::{Outcome, Task, TaskHandle};
use crate::sync::lock;
use crate::{clock, random};

const REGION_AND_ACCOUNT: &str = "eu-west-1:123456789012";

#[derive(Debug)]
pub(super) struct Core {
    pub(super) poll_time: Duration,
    pub(super) max_pollers: usize,
    pub(super) forgets_abandoned_polls: bool,
    pub(super) quotas: Mutex<Quotas>,
    state: Mutex<State>,
    numbers: AtomicU64,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) activities: HashMap<String, Activity>,
    pub(super) tasks: HashMap<u64, TaskState>,
    pub(super) tokens: HashMap<String, u64>,
    pub(super) executions: HashMap<String, ExecutionState>,
}

#[derive(Debug)]
pub(super) struct ExecutionState {
    pub(super) status: ExecutionStatus,
    pub(super) started_at: i64,
    pub(super) stopped_at: Option<i64>,
    /// It ends as its one task does.
    follows_its_task: bool,
    tasks: Vec<u64>,
}

#[derive(Debug)]
pub(super) struct TaskState {
    pub(super) task: Task,
    pub(super) activity: String,
    execution: String,
    pub(super) progress: watch::Sender<Progress>,
}

/// Why a token is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    InvalidToken,
    TaskDoesNotExist,
    TaskTimedOut,
}

impl Core {
    pub(super) fn new(
        poll_time: Duration,
        max_pollers: usize,
        forgets_abandoned_polls: bool,
        quotas: Quotas,
    ) -> Core {
        Core {
            poll_time,
            max_pollers,
            forgets_abandoned_polls,
            quotas: Mutex::new(quotas),
            state: Mutex::default(),
            numbers: AtomicU64::new(1),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn create_activity(&self, name: &str) -> String {
        let arn = format!("arn:aws:states:{REGION_AND_ACCOUNT}:activity:{name}");
        let activity = Activity {
            created_at: clock::now_ms(),
            ..Activity::default()
        };
        self.state().activities.entry(arn.clone()).or_insert(activity);
        arn
    }

    pub(super) fn delete_activity(&self, arn: &str) {
        let ids: Vec<u64> = {
            let mut state = self.state();
            state.activities.remove(arn);
            state
                .tasks
                .iter()
                .filter(|(_, task)| task.activity == arn)
                .map(|(id, _)| *id)
                .collect()
        };
        for id in ids {
            self.close(id, Outcome::Stopped);
        }
    }

    pub(super) fn start_execution(&self, name: Option<&str>, follows_its_task: bool) -> String {
        let name = name.map_or_else(random::uuid, str::to_owned);
        let arn = format!("arn:aws:states:{REGION_AND_ACCOUNT}:execution:spark-jobs:{name}");
        let execution = ExecutionState {
            status: ExecutionStatus::Running,
            started_at: clock::now_ms(),
            stopped_at: None,
            follows_its_task,
            tasks: Vec::new(),
        };
        self.state().executions.insert(arn.clone(), execution);
        arn
    }

    pub(super) fn end_execution(&self, arn: &str, status: ExecutionStatus) {
        let tasks = {
            let mut state = self.state();
            let Some(execution) = state.executions.get_mut(arn) else {
                return;
            };
            if execution.status != ExecutionStatus::Running {
                return;
            }
            execution.status = status;
            execution.stopped_at = Some(clock::now_ms());
            execution.tasks.clone()
        };
        for id in tasks {
            self.close(id, Outcome::Stopped);
        }
    }

    pub(super) fn schedule(
        self: &Arc<Self>,
        task: Task,
        default_activity: &str,
        execution: &str,
    ) -> TaskHandle {
        let id = self.numbers.fetch_add(1, Ordering::Relaxed);
        let activity = task
            .activity
            .clone()
            .unwrap_or_else(|| default_activity.to_owned());
        let (sender, progress) = watch::channel(Progress::default());
        let mut state = self.state();
        if let Some(execution) = state.executions.get_mut(execution) {
            execution.tasks.push(id);
        }
        let task = TaskState {
            task,
            activity: activity.clone(),
            execution: execution.to_owned(),
            progress: sender,
        };
        state.tasks.insert(id, task);
        let poller = state.activities.get_mut(&activity).and_then(|activity| {
            // A poll whose time is over has closed its end.
            while let Some(poller) = activity.pollers.pop_front() {
                if !poller.is_closed() {
                    return Some(poller);
                }
            }
            activity.waiting.push_back(id);
            None
        });
        if let Some(poller) = poller {
            let handed = state.hand_out(id);
            if poller.send(handed).is_err() {
                state.take_back(id);
            }
        }
        drop(state);
        TaskHandle {
            core: Arc::clone(self),
            id,
            execution: execution.to_owned(),
            progress,
        }
    }

    /// Marks a handed-out task as started by this worker, and starts its clocks.
    pub(super) fn start_clocks(self: &Arc<Self>, id: u64, worker_name: Option<String>) {
        let state = self.state();
        let Some(task) = state.tasks.get(&id) else { return };
        task.progress.send_modify(|progress| progress.start(worker_name));
        if task.task.heartbeat.is_some() || task.task.timeout.is_some() {
            let (heartbeat, timeout) = (task.task.heartbeat, task.task.timeout);
            tokio::spawn(clocks::watch(
                Arc::clone(self),
                id,
                task.progress.subscribe(),
                heartbeat,
                timeout,
            ));
        }
    }

    /// The open task of a token; a heartbeat or a completion is a sign of life.
    pub(super) fn use_token(&self, token: &str, is_heartbeat: bool) -> Result<u64, Refused> {
        let state = self.state();
        let id = *state.tokens.get(token).ok_or(Refused::InvalidToken)?;
        let task = &state.tasks[&id];
        if !state.activities.contains_key(&task.activity) {
            return Err(Refused::TaskDoesNotExist);
        }
        if task.progress.borrow().outcome.is_some() {
            return Err(Refused::TaskTimedOut);
        }
        task.progress.send_modify(|progress| {
            progress.sign(Instant::now());
            progress.heartbeats += usize::from(is_heartbeat);
        });
        Ok(id)
    }

    /// Ends a task; the first end counts. Whether this was it.
    pub(super) fn close(&self, id: u64, outcome: Outcome) -> bool {
        let mut state = self.state();
        let Some(task) = state.tasks.get(&id) else {
            return false;
        };
        let closed = task.progress.send_if_modified(|progress| {
            let is_first = progress.outcome.is_none();
            if is_first {
                progress.outcome = Some(outcome.clone());
                progress.ended_at_ms = Some(clock::now_ms());
            }
            is_first
        });
        let (execution, activity) = (task.execution.clone(), task.activity.clone());
        if let Some(activity) = state.activities.get_mut(&activity) {
            activity.waiting.retain(|waiting| *waiting != id);
        }
        if let Some(execution) = state.executions.get_mut(&execution)
            && closed
            && execution.follows_its_task
            && execution.status == ExecutionStatus::Running
        {
            execution.stopped_at = Some(clock::now_ms());
            execution.status = match outcome {
                Outcome::Succeeded(_) => ExecutionStatus::Succeeded,
                Outcome::Stopped => ExecutionStatus::Aborted,
                Outcome::Failed { .. } | Outcome::TimedOut(_) => ExecutionStatus::Failed,
            };
        }
        closed
    }

    pub(super) fn open_polls(&self, arn: &str) -> usize {
        let state = self.state();
        let activity = state.activities.get(arn);
        activity.map_or(0, |activity| {
            activity
                .pollers
                .iter()
                .filter(|poller| !poller.is_closed())
                .count()
        })
    }

    pub(super) fn waiting_tasks(&self) -> usize {
        self.state()
            .activities
            .values()
            .map(|activity| activity.waiting.len())
            .sum()
    }
}
