//! What the worker's real process costs and how fast it is, against the simulators of this process.
//!
//! All tasks are there at once. The queue is barred until every job is submitted, so that all tasks are open together;
//! then all jobs run, for 5 to 30 s each, and some are stopped meanwhile.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::json;
use tokio::time::sleep;

use crate::cluster::{Cluster, Latencies};
use crate::step_functions::{StepFunctions, Task, TaskHandle};

mod figures;
mod load;
mod machine;
mod process;
mod requests;
mod restart;
mod spread;
mod table;

pub use figures::Figures;
pub use load::Load;
pub use requests::Requests;
pub use restart::{Restart, restart};
pub use spread::Spread;
pub use table::{print, write_into};

use process::Process;
use requests::Counter;

const LOOK: Duration = Duration::from_millis(100);

/// The services of one run, and what they saw of the tasks.
struct Site {
    cluster: Cluster,
    step_functions: StepFunctions,
}

impl Site {
    async fn start(load: &Load) -> Self {
        let latencies = Latencies {
            post: load.post,
            submit: Duration::from_secs(1).min(load.longest),
            accepted: Duration::from_millis(100),
            ..Latencies::real()
        };
        let cluster = Cluster::builder()
            .latencies(latencies)
            // Livy's own 100 would measure how it refuses.
            .max_creation(usize::MAX)
            .start()
            .await;
        cluster.world().bar_queue();
        // The quotas of the larger regions.
        let operations = [
            "GetActivityTask",
            "SendTaskHeartbeat",
            "SendTaskSuccess",
            "SendTaskFailure",
        ];
        let step_functions = operations
            .iter()
            .fold(StepFunctions::builder(), |builder, operation| {
                builder.quota(operation, 3000, 500.0)
            })
            .start()
            .await;
        Self {
            cluster,
            step_functions,
        }
    }

    fn schedule(&self, load: &Load, number: usize) -> TaskHandle {
        if load.is_stopped(number) {
            self.schedule_endless(load, number)
        } else {
            self.schedule_job(load, number, "sleep.py")
        }
    }

    fn schedule_endless(&self, load: &Load, number: usize) -> TaskHandle {
        self.schedule_job(load, number, "forever.py")
    }

    fn schedule_job(&self, load: &Load, number: usize, file: &str) -> TaskHandle {
        let seconds = load.seconds_of(number);
        let input = json!({
            "Parameters": {
                "Name": name_of(number),
                "File": self.cluster.job_file(file),
                "Args": [format!("{seconds:.3}")],
            },
            "ClientToken": format!("bench/{number}"),
            "HeartbeatSeconds": load.heartbeat.as_secs(),
        });
        self.step_functions
            .schedule_task(Task::new(input).heartbeat(load.heartbeat))
    }

    /// Waits until every task has an application.
    async fn all_submitted(&self, tasks: &[TaskHandle], patience: Duration) -> anyhow::Result<()> {
        let begun = Instant::now();
        let livy = self.cluster.livy().journal();
        let has_all = || {
            livy.count("POST /batches") >= tasks.len()
                && self.cluster.world().applications().len() >= tasks.len()
        };
        while !has_all() {
            let over = tasks.iter().find_map(TaskHandle::outcome_so_far);
            anyhow::ensure!(over.is_none(), "a task is over already: {over:?}");
            let (submitted, all) = (livy.count("POST /batches"), tasks.len());
            anyhow::ensure!(
                begun.elapsed() < patience,
                "only {submitted} of {all} jobs are submitted"
            );
            sleep(LOOK).await;
        }
        Ok(())
    }
}

/// By which a task's application is known.
fn name_of(number: usize) -> String {
    format!("j{number:05}")
}

/// One run of the program `sparkwright-worker` at `program`.
pub async fn run(program: &Path, load: &Load) -> anyhow::Result<Figures> {
    let site = Site::start(load).await;
    let counter = Counter::new(&site.cluster, &site.step_functions);
    let process = Process::start(program, load, &site.cluster, &site.step_functions)?;
    let begun = Instant::now();
    let tasks: Vec<TaskHandle> = (0..load.tasks)
        .map(|number| site.schedule(load, number))
        .collect();
    let told = |what: &'static str| {
        let log = process.log().display().to_string();
        move || format!("{what}; the worker's log is {log}")
    };
    site.all_submitted(&tasks, load.patience())
        .await
        .with_context(told("the jobs were not submitted"))?;
    let submitted = begun.elapsed();
    let ramp = counter.now();
    // What all tasks cost while nothing happens to them.
    sleep(load.rest).await;
    let opened = Instant::now();
    site.cluster.world().open_queue();
    let stopping = stop_some(load, &tasks);
    let ending = async {
        for task in &tasks {
            task.outcome().await;
        }
    };
    let ended = async { tokio::join!(stopping, ending) };
    tokio::time::timeout(load.patience(), ended)
        .await
        .with_context(told("the tasks did not end"))?;
    let ran = opened.elapsed();
    all_killed(&site.cluster, load.patience())
        .await
        .with_context(told("jobs of stopped executions live on"))?;
    let requests = counter.now();
    let usage = process.end().await?;
    Ok(Figures::gather(
        load,
        &tasks,
        &site.cluster.world().applications(),
        figures::Times { submitted, ran },
        (ramp, requests),
        usage,
    ))
}

/// Stops executions one after the other while the other jobs run.
async fn stop_some(load: &Load, tasks: &[TaskHandle]) {
    let stopped: Vec<usize> = (0..load.tasks)
        .filter(|number| load.is_stopped(*number))
        .collect();
    let pause = load.longest / (u32::try_from(stopped.len()).unwrap_or(u32::MAX).max(1) + 1);
    for number in stopped {
        sleep(pause).await;
        tasks[number].stop_execution();
    }
}

async fn all_killed(cluster: &Cluster, patience: Duration) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !cluster.world().live_applications().is_empty() {
        anyhow::ensure!(
            begun.elapsed() < patience,
            "{} applications",
            cluster.world().live_applications().len()
        );
        sleep(LOOK).await;
    }
    Ok(())
}
