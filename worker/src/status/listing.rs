//! A task's line on the page. What passes over it is also what is measured: it sees every task from its coming to its end.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use sparkwright_spark_job::names::BatchName;
use sparkwright_spark_job::standing::Phase;
use sparkwright_spark_job::submission::Run;
use sparkwright_spark_job::watch::Report;

use super::{FINISHED, Status};
use crate::activity::ActivityArn;
use crate::completion::Completion;
use crate::input::TaskInput;
use crate::snapshot::{Ended, Finished, Links, TaskState, TaskStatus, Unprotected};
use crate::token::TaskId;

/// What is kept of an open task.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) task: TaskStatus,
    received: Instant,
    /// An earlier process has received it.
    is_resumed: bool,
    /// When its job was submitted by this process, until the job runs.
    submitted: Option<Instant>,
    /// When its application ended, by YARN's clock.
    application_ended_ms: Option<i64>,
}

impl Line {
    pub(super) fn new(id: TaskId, activity: &ActivityArn, age: Duration) -> Self {
        let now = Timestamp::now();
        let task = TaskStatus {
            id,
            activity: activity.name().to_owned(),
            since: now.checked_sub(age).unwrap_or(now),
            step: TaskState::Received,
            unprotected: Vec::new(),
            batch_name: None,
            application_id: None,
            links: Links::default(),
            note: None,
        };
        Self {
            task,
            received: Instant::now(),
            is_resumed: !age.is_zero(),
            submitted: None,
            application_ended_ms: None,
        }
    }
}

impl Line {
    fn note(&mut self, why: Option<&str>) -> bool {
        let is_new = self.task.note.as_deref() != why;
        if is_new {
            self.task.note = why.map(str::to_owned);
        }
        is_new
    }
}

/// A task's line on the page, gone when dropped.
#[derive(Debug)]
pub(crate) struct Listing {
    status: Status,
    number: u64,
}

impl Listing {
    pub(super) fn new(status: Status, number: u64) -> Self {
        Self { status, number }
    }

    /// The task's input makes sense.
    pub(crate) fn understood(&self, input: &TaskInput) {
        let mut lacking = Vec::new();
        if !input.has_client_token {
            lacking.push(Unprotected::ClientToken);
        }
        if input.heartbeat_timeout.is_none() {
            lacking.push(Unprotected::HeartbeatSeconds);
        }
        if lacking.is_empty() {
            return;
        }
        self.update(|line| {
            if !line.is_resumed {
                lacking
                    .iter()
                    .for_each(|without| self.status.metrics.task_unprotected(*without));
            }
            line.task.unprotected = lacking;
        });
    }

    pub(crate) fn step(&self, step: TaskState) {
        self.update(|line| {
            line.task.step = step;
            line.task.note = None;
            if step == TaskState::Watching(Phase::Running)
                && let Some(submitted) = line.submitted.take()
            {
                self.status.metrics.started_after(submitted.elapsed());
            }
        });
    }

    /// The task has this run.
    pub(crate) fn followed(&self, run: &Run) {
        self.batch(&run.name);
        if run.adopted {
            return;
        }
        self.update(|line| {
            line.submitted = Some(Instant::now());
            if !line.is_resumed {
                self.status.metrics.submitted_after(line.received.elapsed());
            }
        });
    }

    pub(crate) fn batch(&self, name: &BatchName) {
        self.update(|line| line.task.batch_name = Some(name.to_string()));
    }

    pub(crate) fn application(&self, id: String) {
        self.update(|line| line.task.application_id = Some(id));
    }

    /// There was a look at the run.
    pub(crate) fn looked(&self, report: &Report) {
        self.update(|line| {
            line.note(report.silence.as_ref().map(|silence| silence.why.as_str()));
            line.task.links.update(report);
            let ended = report
                .application
                .as_ref()
                .map(|application| application.finished_at_ms);
            line.application_ended_ms = ended.filter(|at| *at > 0);
        });
    }

    /// What is waited for; whether that is new.
    pub(crate) fn note(&self, why: Option<&str>) -> bool {
        self.update(|line| line.note(why)).unwrap_or_default()
    }

    /// Step Functions was told of the task's end, or said that the task was over.
    pub(crate) fn reported(&self, completion: &Completion, is_heard: bool) {
        if !is_heard {
            return self.end(Ended::TokenOver, Some(completion));
        }
        self.update(|line| {
            let ended = line
                .application_ended_ms
                .and_then(|at| Timestamp::from_millisecond(at).ok());
            // An earlier process may have seen the end.
            if let Some(ended) = ended.filter(|_| !line.is_resumed) {
                // Two clocks may differ a little.
                let latency = Timestamp::now()
                    .duration_since(ended)
                    .try_into()
                    .unwrap_or_default();
                self.status.metrics.end_reported_after(latency);
            }
        });
        self.end(Ended::with(completion), Some(completion));
    }

    /// The task ends without anybody being told.
    pub(crate) fn ended(&self, how: Ended) {
        self.end(how, None);
    }

    fn end(&self, how: Ended, completion: Option<&Completion>) {
        self.status.metrics.task_ended(how);
        let mut state = self.status.lock();
        let Some(line) = state.tasks.get(&self.number) else {
            return;
        };
        let finished = Finished {
            task: line.task.clone(),
            how,
            at: Timestamp::now(),
            reason: completion.and_then(Completion::reason),
        };
        if state.finished.len() == FINISHED {
            state.finished.pop_front();
        }
        state.finished.push_back(finished);
    }

    fn update<T>(&self, change: impl FnOnce(&mut Line) -> T) -> Option<T> {
        let mut state = self.status.lock();
        state.tasks.get_mut(&self.number).map(|line| change(line))
    }
}

impl Drop for Listing {
    fn drop(&mut self) {
        self.status.lock().tasks.remove(&self.number);
    }
}
