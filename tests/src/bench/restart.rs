//! A worker that is killed while all its jobs run, and the next one over its journal.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::time::{sleep, timeout};

use super::process::Process;
use super::requests::Counter;
use super::{Load, Requests, Site};
use crate::cluster::Fate;
use crate::step_functions::{Outcome, TaskHandle};

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Restart {
    /// How many tasks were open when the worker was killed.
    pub tasks: usize,
    /// From the start of the next process to the last task's first heartbeat.
    pub first_heartbeats: Duration,
    /// What was asked until then.
    pub requests: Requests,
    /// The longest that any task was without a sign of life.
    pub longest_silence: Duration,
    /// After so long a silence a token expires.
    pub heartbeat: Duration,
    /// Tasks that succeeded.
    pub succeeded: usize,
    /// The applications that there ever were.
    pub applications: usize,
    /// The tasks of which one of these is.
    pub names: usize,
    /// Batches that were posted.
    pub posts: usize,
    /// Of the next process, in MB.
    pub peak_memory: f64,
}

impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Requests {
            livy_lists,
            livy_batches,
            yarn_lists,
            yarn_alone,
            heartbeats,
            ..
        } = self.requests;
        writeln!(
            f,
            "{} tasks: {} succeeded, {} applications, {} POSTs",
            self.tasks, self.succeeded, self.applications, self.posts
        )?;
        writeln!(
            f,
            "every task was heard of {:.1} s after the start; longest silence {:.1} of {} s; peak memory {:.0} MB",
            self.first_heartbeats.as_secs_f64(),
            self.longest_silence.as_secs_f64(),
            self.heartbeat.as_secs(),
            self.peak_memory
        )?;
        write!(
            f,
            "until then: {heartbeats} heartbeats; Livy: {livy_lists} list pages, {livy_batches} batches; YARN: {yarn_lists} of \
             all jobs, {yarn_alone} of one"
        )
    }
}

/// Kills the program `sparkwright-worker` at `program` while all jobs run, and starts it again.
pub async fn restart(program: &Path, load: &Load) -> anyhow::Result<Restart> {
    let site = Site::start(load).await;
    let counter = Counter::new(&site.cluster, &site.step_functions);
    let mut process = Process::start(program, load, &site.cluster, &site.step_functions)?;
    let tasks: Vec<TaskHandle> = (0..load.tasks)
        .map(|number| site.schedule_endless(load, number))
        .collect();
    let log = process.log().display().to_string();
    let told = |what: &'static str| format!("{what}; the worker's log is {log}");
    site.all_submitted(&tasks, load.patience())
        .await
        .with_context(|| told("the jobs were not submitted"))?;
    site.cluster.world().open_queue();
    sleep(load.rest).await;

    process.kill().await?;
    let killed = counter.now();
    let beats: Vec<usize> = tasks.iter().map(TaskHandle::heartbeats).collect();
    let begun = Instant::now();
    process.start_again(program, load, &site.cluster, &site.step_functions)?;
    let beaten = async {
        for (task, before) in tasks.iter().zip(&beats) {
            task.beaten(before + 1).await;
        }
    };
    timeout(load.patience(), beaten)
        .await
        .with_context(|| told("not every task has had a heartbeat"))?;
    let (first_heartbeats, requests) = (begun.elapsed(), counter.now().since(&killed));
    // Whatever the next process would post in error.
    sleep(load.rest).await;
    for application in site.cluster.world().live_applications() {
        site.cluster.world().end(application.id, Fate::Succeeds);
        // The simulators share this process, and have to answer heartbeats meanwhile.
        sleep(Duration::from_millis(1)).await;
    }
    let ending = async {
        for task in &tasks {
            task.outcome().await;
        }
    };
    timeout(load.patience(), ending)
        .await
        .with_context(|| told("the tasks did not end"))?;
    let applications = site.cluster.world().applications();
    let names: BTreeSet<_> = applications
        .iter()
        .filter_map(|application| Some(application.name.split_once('-')?.0))
        .collect();
    let has_succeeded = |task: &&TaskHandle| matches!(task.outcome_so_far(), Some(Outcome::Succeeded(_)));
    let posts = counter.now().livy_posts;
    let usage = process.end().await?;
    Ok(Restart {
        tasks: load.tasks,
        first_heartbeats,
        requests,
        longest_silence: tasks
            .iter()
            .map(TaskHandle::longest_silence)
            .max()
            .unwrap_or_default(),
        heartbeat: load.heartbeat,
        succeeded: tasks.iter().filter(has_succeeded).count(),
        applications: applications.len(),
        names: names.len(),
        posts,
        peak_memory: usage.peak_megabytes,
    })
}
