//! spark-submit: a process of its own, which Livy forks and which may outlive it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::application::{ApplicationId, ApplicationState, FinalStatus};
use super::job::{Fate, Job, RunTime, Submission};
use super::ledger::NewApplication;
use super::options::Master;
use super::state::Core;
use super::{driver, life, memory, output};
use crate::clock::now_ms;
use crate::sync::lock;

/// `livy.cache-log.size`: a ring.
const KEPT_LINES: usize = 200;

/// What spark-submit is told.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    pub(crate) file: String,
    pub(crate) name: String,
    pub(crate) user: String,
    pub(crate) queue: String,
    pub(crate) tags: Vec<String>,
    pub(crate) driver_memory: Option<String>,
    pub(crate) executor_memory: Option<String>,
    pub(crate) max_attempts: Option<u32>,
    pub(crate) job: Job,
}

/// How far a spark-submit has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The application, once a search by tag finds it.
    pub(crate) listed: Option<ApplicationId>,
    pub(crate) exit_code: Option<i32>,
}

impl Progress {
    /// It ended badly, before a search by tag found an application.
    pub(crate) fn failed_to_start(self) -> bool {
        self.listed.is_none() && self.exit_code.is_some_and(|code| code != 0)
    }
}

/// A running or ended spark-submit.
#[derive(Debug)]
pub(crate) struct SparkSubmit {
    lines: Mutex<VecDeque<String>>,
    progress: watch::Sender<Progress>,
    destroyed: CancellationToken,
    /// An end that the test gives to a job without YARN.
    fate: watch::Sender<Option<Fate>>,
}

impl SparkSubmit {
    pub(crate) fn start(core: &Arc<Core>, launch: Launch) -> Arc<SparkSubmit> {
        let process = Arc::new(SparkSubmit {
            lines: Mutex::new(VecDeque::new()),
            progress: watch::Sender::new(Progress::default()),
            destroyed: CancellationToken::new(),
            fate: watch::Sender::new(None),
        });
        tokio::spawn(Arc::clone(&process).run(Arc::clone(core), launch));
        process
    }

    /// The last 200 lines of its output.
    pub(crate) fn lines(&self) -> Vec<String> {
        lock(&self.lines).iter().cloned().collect()
    }

    pub(crate) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    pub(crate) fn is_running(&self) -> bool {
        self.progress.borrow().exit_code.is_none()
    }

    /// SIGTERM.
    pub(crate) fn destroy(&self) {
        self.destroyed.cancel();
    }

    pub(crate) fn end(&self, fate: Fate) {
        self.fate.send_replace(Some(fate));
    }

    fn print(&self, lines: impl IntoIterator<Item = String>) {
        let mut kept = lock(&self.lines);
        for line in lines {
            if kept.len() == KEPT_LINES {
                kept.pop_front();
            }
            kept.push_back(line);
        }
    }

    async fn run(self: Arc<Self>, core: Arc<Core>, launch: Launch) {
        let terminated = async {
            self.destroyed.cancelled().await;
            // Too late to be stopped: what it began goes on.
            if launch.job.outlives_livy {
                std::future::pending().await
            }
        };
        let code = tokio::select! {
            biased;
            () = terminated => 143,
            code = self.work(&core, &launch) => code,
        };
        self.progress
            .send_modify(|progress| progress.exit_code = Some(code));
        core.raise();
    }

    async fn work(&self, core: &Arc<Core>, launch: &Launch) -> i32 {
        if core.options.master == Master::Local {
            return self.run_locally(core, launch).await;
        }
        tokio::time::sleep(launch.job.appears_after.unwrap_or(core.options.latencies.submit)).await;
        if let Err(lines) = memory::check(launch, core.options.max_container_mb) {
            self.print(lines);
            return 1;
        }
        match &launch.job.submission {
            Submission::Works => {}
            Submission::Hangs => std::future::pending().await,
            Submission::Fails(lines) => {
                self.print(lines.clone());
                return 1;
            }
        }
        core.ledger.wait_until_up().await;
        let application = core.ledger.appear(NewApplication {
            user: launch.user.clone(),
            name: launch.name.clone(),
            queue: launch.queue.clone(),
            tags: launch.tags.iter().map(|tag| tag.to_lowercase()).collect(),
            tag_shows: launch.job.tag_shows_after.is_zero(),
        });
        let id = application.id;
        let queue = launch.queue.strip_prefix("root.").unwrap_or(&launch.queue);
        if !core.options.queues.iter().any(|known| known == queue) {
            return self.meet_unknown_queue(core, launch, id);
        }
        let driver_mb = launch
            .driver_memory
            .as_deref()
            .and_then(memory::megabytes)
            .unwrap_or(1024);
        let rm = core.resource_manager_url();
        self.print(output::submitted(
            &application,
            &launch.file,
            driver_mb,
            core.options.max_container_mb,
            &rm,
        ));
        let attempts = launch
            .max_attempts
            .unwrap_or(core.options.max_attempts)
            .min(core.options.max_attempts);
        let life = life::play(
            Arc::clone(core),
            id,
            launch.job.clone(),
            launch.file.clone(),
            attempts.max(1),
        );
        tokio::spawn(life);
        if !launch.job.tag_shows_after.is_zero() {
            // YARN's doing: it goes on when this process is destroyed.
            let (core, delay) = (Arc::clone(core), launch.job.tag_shows_after);
            let showing = tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                core.ledger.update(id, |application| application.tag_shows = true);
            });
            showing.await.expect("it neither panics nor is aborted");
        }
        self.progress.send_modify(|progress| progress.listed = Some(id));
        core.raise();
        if core.options.master == Master::YarnClient {
            return self.drive(core, launch, id).await;
        }
        0
    }

    /// YARN keeps the refused application as FAILED; spark-submit dies of the refusal.
    fn meet_unknown_queue(&self, core: &Core, launch: &Launch, id: ApplicationId) -> i32 {
        let message = format!(
            "Application {id} submitted by user {} to unknown queue: {}",
            launch.user, launch.queue
        );
        let failed = format!(
            "org.apache.hadoop.yarn.exceptions.YarnException: Failed to submit {id} to YARN : {message}"
        );
        core.ledger.update(id, |application| {
            application.state = ApplicationState::Failed;
            application.final_status = FinalStatus::Failed;
            application.diagnostics = message;
            application.finished_at = now_ms();
        });
        self.print(output::start_failure(&failed));
        1
    }

    /// Client mode: the driver runs in this process, and so its end is this process's.
    async fn drive(&self, core: &Core, launch: &Launch, id: ApplicationId) -> i32 {
        let Some(mut changes) = core.ledger.subscribe(id) else {
            return 1;
        };
        loop {
            match core.ledger.get(id) {
                Some(application) if application.is_live() => {}
                Some(application) if application.final_status == FinalStatus::Killed => return 143,
                _ => break,
            }
            if changes.changed().await.is_err() {
                break;
            }
        }
        self.print(driver::lines(&launch.job.fate, launch));
        driver::exit_code(&launch.job.fate)
    }

    /// `local[1]`: no YARN; the driver is this process.
    async fn run_locally(&self, core: &Core, launch: &Launch) -> i32 {
        if let Some(memory) = launch
            .driver_memory
            .as_deref()
            .filter(|memory| memory::megabytes(memory).is_none())
        {
            self.print([
                format!("Invalid maximum heap size: -Xmx{memory}"),
                "Error: Could not create the Java Virtual Machine.".to_owned(),
                "Error: A fatal exception has occurred. Program will exit.".to_owned(),
            ]);
            return 1;
        }
        if matches!(launch.job.submission, Submission::Fails(_)) {
            let path = launch
                .file
                .trim_start_matches("file://")
                .trim_start_matches("local:");
            self.print([format!(
                "python3: can't open file '{path}': [Errno 2] No such file or directory"
            )]);
            self.print(output::closing(now_ms()));
            return 1;
        }
        let time = match launch.job.run {
            RunTime::Usual => Some(core.options.latencies.run),
            RunTime::For(time) => Some(time),
            RunTime::UntilEnded => None,
        };
        let mut ended = self.fate.subscribe();
        let fate = tokio::select! {
            fate = ended.wait_for(Option::is_some) => fate.expect("this process keeps the sender").clone(),
            () = driver::sleep_or_wait(time) => None,
        };
        let fate = fate.unwrap_or_else(|| launch.job.fate.clone());
        self.print(driver::lines(&fate, launch));
        driver::exit_code(&fate)
    }
}
