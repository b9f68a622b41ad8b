//! What came of one run.

use std::collections::HashMap;
use std::time::Duration;

use super::process::Usage;
use super::{Load, Requests, Spread, name_of};
use crate::cluster::{Application, ApplicationState};
use crate::step_functions::{Outcome, TaskHandle};

/// How long the run took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) submitted: Duration,
    pub(super) ran: Duration,
}

/// The figures of one run. Times are in seconds.
#[derive(Clone, Debug)]
pub struct Figures {
    /// What was run.
    pub load: Load,
    /// Until every job was submitted.
    pub submitted: f64,
    /// From the first job's start to the last task's end.
    pub ran: f64,
    /// Tasks that succeeded.
    pub succeeded: usize,
    /// From a job's end, as YARN dates it, to its SendTaskSuccess.
    pub end_detection: Spread,
    /// From StopExecution to YARN's KILLED.
    pub kill: Spread,
    /// Between two signs of life of a task, in heartbeat periods.
    pub silence: Spread,
    /// Everything that was asked.
    pub requests: Requests,
    /// What was asked once all jobs were submitted.
    pub watching: Requests,
    /// How long that was.
    pub watched: f64,
    /// The process's CPU time.
    pub cpu: f64,
    /// The process's `VmHWM`, in MB.
    pub peak_memory: f64,
    /// The most files that it had open at once, as looked at twice a second.
    pub peak_files: usize,
    /// Its threads at the end.
    pub threads: usize,
    /// Its log lines of level warn.
    pub warnings: usize,
}

impl Figures {
    pub(super) fn gather(
        load: &Load,
        tasks: &[TaskHandle],
        applications: &[Application],
        times: Times,
        (ramp, requests): (Requests, Requests),
        usage: Usage,
    ) -> Self {
        let by_name: HashMap<&str, &Application> = applications
            .iter()
            .filter_map(|application| Some((application.name.split_once('-')?.0, application)))
            .collect();
        let seconds = |later: i64, earlier: i64| (later - earlier) as f64 / 1000.0;
        let mut end_detection = Vec::new();
        let mut kill = Vec::new();
        let mut silence = Vec::new();
        let mut succeeded = 0;
        for (number, task) in tasks.iter().enumerate() {
            let period = load.heartbeat_period().as_secs_f64();
            silence.extend(task.silences().iter().map(|time| time.as_secs_f64() / period));
            let ended = task.ended_at_ms();
            let Some((application, ended)) = by_name.get(name_of(number).as_str()).copied().zip(ended) else {
                continue;
            };
            match task.outcome_so_far() {
                Some(Outcome::Succeeded(_)) => {
                    succeeded += 1;
                    end_detection.push(seconds(ended, application.finished_at));
                }
                Some(Outcome::Stopped) if application.state == ApplicationState::Killed => {
                    kill.push(seconds(application.finished_at, ended));
                }
                _ => {}
            }
        }
        Self {
            load: load.clone(),
            submitted: times.submitted.as_secs_f64(),
            ran: times.ran.as_secs_f64(),
            succeeded,
            end_detection: Spread::of(end_detection),
            kill: Spread::of(kill),
            silence: Spread::of(silence),
            requests,
            watching: requests.since(&ramp),
            watched: (load.rest + times.ran).as_secs_f64(),
            cpu: usage.cpu_seconds,
            peak_memory: usage.peak_megabytes,
            peak_files: usage.peak_files,
            threads: usage.threads,
            warnings: usage.warnings,
        }
    }

    /// State-reading requests a second, over the whole run.
    pub fn state_reading_rate(&self) -> f64 {
        let seconds = self.submitted + self.watched;
        self.requests.state_reading() as f64 / seconds
    }

    /// Other requests to Livy and YARN that a job needs which is not stopped.
    pub fn others_per_job(&self) -> f64 {
        self.requests.others() as f64 / self.load.tasks as f64
    }
}
