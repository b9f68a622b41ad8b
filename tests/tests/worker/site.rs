//! A worker with its world.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sfn::config::{Credentials, SharedCredentialsProvider};
use clap::Parser;
use serde_json::{Value, json};
use sparkwright_tests::cluster::{Builder as ClusterBuilder, Cluster, Fate, World};
use sparkwright_tests::step_functions::{Builder as StepFunctionsBuilder, StepFunctions, Task, TaskHandle};
use sparkwright_worker::Worker;
use sparkwright_worker::activity::Clients;
use sparkwright_worker::config::Config;
use sparkwright_worker::journal::unprobed;
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// The heartbeat time-out of tasks, where a test has one; a third of it is the period.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(2);

/// The simulators, and how the worker is to be started.
pub(crate) struct Site {
    /// Where workers have their journals.
    folder: TempDir,
    workers: AtomicUsize,
    pub(crate) cluster: Cluster,
    pub(crate) step_functions: StepFunctions,
}

/// A worker that runs.
pub(crate) struct Running {
    page: SocketAddr,
    http: reqwest::Client,
    shutdown: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Site {
    /// Short latencies, polls of half a second.
    pub(crate) async fn new() -> Self {
        Self::with(
            Cluster::builder(),
            StepFunctions::builder().poll_time(Duration::from_millis(500)),
        )
        .await
    }

    /// Simulators of the test's choice.
    pub(crate) async fn with(cluster: ClusterBuilder, step_functions: StepFunctionsBuilder) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            workers: AtomicUsize::new(0),
            cluster: cluster.start().await,
            step_functions: step_functions.start().await,
        }
    }

    /// The options of a quick worker, and further ones; the later of two counts.
    pub(crate) fn options(&self, further: &[&str]) -> Vec<String> {
        let mut options: Vec<String> = [
            "sparkwright-worker",
            "--heartbeat-period=200ms",
            "--poll-period=30ms",
            "--settle=600ms",
            "--submit-timeout=2s",
            "--slots=8",
            "--pollers-per-activity=2",
            "--drain-timeout=5s",
            "--listen=127.0.0.1:0",
        ]
        .map(str::to_owned)
        .to_vec();
        options.push(format!("--livy-url={}", self.cluster.livy_url()));
        // One that no other worker uses.
        let number = self.workers.fetch_add(1, Ordering::Relaxed);
        options.push(self.journal(&number.to_string()));
        let resource_managers = self.cluster.resource_manager_urls();
        options.extend(
            resource_managers
                .iter()
                .map(|url| format!("--resource-manager-url={url}")),
        );
        // What is given twice is refused, so a further option replaces the usual one.
        for option in further {
            let name = option.split('=').next().unwrap_or(option);
            options.retain(|usual| usual.split('=').next() != Some(name) || name == "--activity-arn");
        }
        options.extend(further.iter().map(|option| (*option).to_owned()));
        options.push(self.step_functions.activity_arn().to_owned());
        options
    }

    /// The option by which a worker goes on where another with the same has ended.
    pub(crate) fn journal(&self, name: &str) -> String {
        format!("--journal={}", self.folder.path().join(name).display())
    }

    /// Starts a worker.
    pub(crate) async fn worker(&self, further: &[&str]) -> Running {
        self.worker_on(&Handle::current(), further).await
    }

    /// Starts a worker on a runtime of its own, whose end is the worker's `kill -9`.
    pub(crate) async fn worker_on(&self, runtime: &Handle, further: &[&str]) -> Running {
        let config = Config::try_parse_from(self.options(further)).unwrap();
        let clients = Clients::new(&self.aws(), &config);
        let worker = runtime
            .spawn(Worker::prepare(config, clients, unprobed()))
            .await
            .unwrap()
            .unwrap();
        let page = worker.address().unwrap();
        let (shutdown, requested) = oneshot::channel();
        let task = runtime.spawn(worker.run(async {
            // A test that drops the sender only ends.
            if requested.await.is_err() {
                std::future::pending::<()>().await;
            }
        }));
        Running {
            page,
            http: reqwest::Client::new(),
            shutdown: Some(shutdown),
            task,
        }
    }

    /// Settings with which its Step Functions is called.
    pub(crate) fn aws(&self) -> SdkConfig {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "tests");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(self.step_functions.url().as_str())
            .build()
    }

    /// Waits until so many applications live.
    pub(crate) async fn running(&self, count: usize) {
        let so = |world: &World| world.live_applications().len() == count;
        timeout(PATIENCE, self.cluster.world().until(so))
            .await
            .unwrap_or_else(|_| panic!("not {count} live applications"));
    }

    /// The first application ends.
    pub(crate) fn end(&self, fate: Fate) {
        self.cluster
            .world()
            .end(self.cluster.world().applications()[0].id, fate);
    }

    /// A task for a job of this file, with the heartbeat time-out in state and input.
    pub(crate) fn run(&self, file: &str) -> TaskHandle {
        self.schedule(json!({"Parameters": {"Name": "etl", "File": self.cluster.job_file(file)}}))
    }

    /// A task with this input and the heartbeat time-out.
    pub(crate) fn schedule(&self, input: Value) -> TaskHandle {
        self.step_functions.schedule_task(self.task(input))
    }

    /// The same, not yet scheduled.
    pub(crate) fn task(&self, mut input: Value) -> Task {
        input["HeartbeatSeconds"] = json!(HEARTBEAT.as_secs());
        Task::new(input).heartbeat(HEARTBEAT)
    }
}

impl Running {
    /// SIGTERM.
    pub(crate) fn shut_down(&mut self) {
        if let Some(shutdown) = self.shutdown.take() {
            shutdown.send(()).unwrap();
        }
    }

    /// Waits until the worker has ended.
    pub(crate) async fn ended(self) {
        timeout(PATIENCE, self.task)
            .await
            .expect("the worker ends")
            .unwrap();
    }

    /// Where its page is.
    pub(crate) fn page(&self) -> SocketAddr {
        self.page
    }

    /// What the worker serves at a path, with the status.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let answer = self
            .http
            .get(format!("http://{}{path}", self.page))
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Waits until what the worker serves at a path contains a text.
    pub(crate) async fn shows(&self, path: &str, text: &str) {
        let waiting = async {
            while !self.get(path).await.1.contains(text) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if timeout(PATIENCE, waiting).await.is_err() {
            panic!("`{text}` is not in {}", self.get(path).await.1);
        }
    }
}

/// A failure's cause, parsed.
#[track_caller]
pub(crate) fn cause(cause: &str) -> Value {
    serde_json::from_str(cause).unwrap_or_else(|error| panic!("not JSON ({error}): {cause}"))
}
