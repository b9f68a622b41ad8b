//! The worker's process, and what the kernel says of it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use super::Load;
use crate::cluster::Cluster;
use crate::step_functions::StepFunctions;

/// Linux' `USER_HZ`, which is the same on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;

/// How often open files are counted.
const LOOK: Duration = Duration::from_millis(500);

/// What the process took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    pub(super) cpu_seconds: f64,
    pub(super) peak_megabytes: f64,
    pub(super) peak_files: usize,
    pub(super) threads: usize,
    pub(super) warnings: usize,
}

/// A worker at work.
pub(super) struct Process {
    child: Child,
    /// Its journal and its log; kept when it fails, so that it can be read.
    folder: PathBuf,
    files: Arc<AtomicUsize>,
    looking: JoinHandle<()>,
}

impl Process {
    pub(super) fn start(
        program: &Path,
        load: &Load,
        cluster: &Cluster,
        step_functions: &StepFunctions,
    ) -> anyhow::Result<Self> {
        let folder =
            std::env::temp_dir().join(format!("sparkwright-bench-{}-{}", std::process::id(), load.tasks));
        std::fs::create_dir_all(&folder)?;
        let child = spawn(program, load, &folder, cluster, step_functions)?;
        let files = Arc::<AtomicUsize>::default();
        let looking = tokio::spawn(count_files(child.id(), Arc::clone(&files)));
        Ok(Self {
            child,
            folder,
            files,
            looking,
        })
    }

    /// `kill -9`.
    pub(super) async fn kill(&mut self) -> anyhow::Result<()> {
        self.looking.abort();
        Ok(self.child.kill().await?)
    }

    /// The next process, over the journal of the one that was killed.
    pub(super) fn start_again(
        &mut self,
        program: &Path,
        load: &Load,
        cluster: &Cluster,
        step_functions: &StepFunctions,
    ) -> anyhow::Result<()> {
        self.child = spawn(program, load, &self.folder, cluster, step_functions)?;
        self.looking = tokio::spawn(count_files(self.child.id(), Arc::clone(&self.files)));
        Ok(())
    }

    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// What it took so far; it is killed then.
    pub(super) async fn end(mut self) -> anyhow::Result<Usage> {
        self.looking.abort();
        let id = self.child.id().context("the worker has ended by itself")?;
        let read = |name: &str| std::fs::read_to_string(format!("/proc/{id}/{name}"));
        let (status, stat) = (read("status")?, read("stat")?);
        let log = std::fs::read_to_string(self.log())?;
        self.child.kill().await?;
        std::fs::remove_dir_all(&self.folder)?;
        let field = |name: &str| number(&status, name).with_context(|| format!("no `{name}` in {status}"));
        Ok(Usage {
            cpu_seconds: cpu_seconds(&stat).with_context(|| format!("not understood: {stat}"))?,
            peak_megabytes: field("VmHWM:")? / 1024.0,
            peak_files: self.files.load(Ordering::Relaxed),
            threads: field("Threads:")? as usize,
            warnings: log.lines().filter(|line| line.contains(" WARN ")).count(),
        })
    }
}

/// Its log goes on where one of an earlier process has ended.
fn spawn(
    program: &Path,
    load: &Load,
    folder: &Path,
    cluster: &Cluster,
    step_functions: &StepFunctions,
) -> anyhow::Result<Child> {
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))?;
    Command::new(program)
        .arg("--activity-arn")
        .arg(step_functions.activity_arn())
        .arg(format!("--livy-url={}", cluster.livy_url()))
        .arg(format!(
            "--resource-manager-url={}",
            cluster.resource_manager_url()
        ))
        .arg(format!("--slots={}", load.tasks.max(10)))
        .arg(format!("--sfn-rate={}", load.sfn_rate))
        .arg(format!("--poll-period={}ms", load.poll_period.as_millis()))
        .arg(format!("--journal={}", folder.join("journal").display()))
        .arg("--listen=off")
        .env_clear()
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_ENDPOINT_URL_SFN", step_functions.url().as_str())
        .stdin(Stdio::null())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("could not start `{}`", program.display()))
}

async fn count_files(id: Option<u32>, most: Arc<AtomicUsize>) {
    let Some(id) = id else { return };
    loop {
        let files = std::fs::read_dir(format!("/proc/{id}/fd")).map_or(0, Iterator::count);
        most.fetch_max(files, Ordering::Relaxed);
        tokio::time::sleep(LOOK).await;
    }
}

fn number(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// In user and in kernel mode; the name in parentheses may hold spaces.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_words_are_read() {
        let stat = "1 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 3 0";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        let status = "Name:\tworker\nVmHWM:\t   20480 kB\nThreads:\t3\n";
        assert_eq!(number(status, "VmHWM:"), Some(20480.0));
        assert_eq!(number(status, "Nothing:"), None);
    }
}
