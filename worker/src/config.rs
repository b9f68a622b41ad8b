//! The worker's options: clap reads them from the command line, or else from `SPARKWRIGHT_…` in the environment.

mod command_line;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Parser};
use url::Url;

use crate::activity::ActivityArn;
use values::{bare_activity_arn, listen, livy_url, positive_duration, resource_manager_url, worker_name};

pub use command_line::{CommandLine, Invocation};
pub use values::{Drain, Listen, LogFormat, OnCancel, ResourceManagerUse};

const AFTER_HELP: &str = "\
AWS settings come from the standard variables (AWS_REGION, AWS_PROFILE, AWS_ENDPOINT_URL_SFN, …) and the standard \
credential chain; on EMR the instance's role is enough: states:GetActivityTask on the activity, and \
states:SendTaskHeartbeat, states:SendTaskSuccess, states:SendTaskFailure on `*`. It should also have \
states:DescribeExecution on the executions: without it, a job whose task has expired is not stopped when its execution ends.

Durations are a number with a unit: 500ms, 10s, 15m, 1h 30m.

A state that uses the activity should set HeartbeatSeconds (60 is a good value) and TimeoutSeconds, and in its \
Parameters:
  ClientToken       names the run: by it a Retry finds the job that a lost worker left
  ExecutionId       $$.Execution.Id: by it a job that no Retry comes for is stopped
  EnteredTime       such as $$.Execution.StartTime: a success since then counts for a Retry
  HeartbeatSeconds  the same as the state's";

/// Runs the tasks of Step Functions activities as Spark jobs: each as a batch of Apache Livy, with heartbeats, until
/// YARN says how it ended.
#[derive(Clone, Debug, Parser)]
#[command(name = "sparkwright-worker", version, after_help = AFTER_HELP, max_term_width = 110)]
#[command(group = ArgGroup::new("activities").required(true).multiple(true).args(["activity_arns", "bare_activity_arns"]))]
pub struct Config {
    /// Activity to take tasks from; may be repeated, or separated by commas.
    #[arg(
        long = "activity-arn",
        env = "SPARKWRIGHT_ACTIVITY_ARN",
        value_name = "ARN",
        value_delimiter = ','
    )]
    activity_arns: Vec<ActivityArn>,

    /// The same as --activity-arn.
    #[arg(value_name = "ARN", value_parser = bare_activity_arn)]
    bare_activity_arns: Vec<ActivityArn>,

    /// Livy. The first one is used where a task's input names none; an input may name the others.
    #[arg(
        long = "livy-url",
        env = "SPARKWRIGHT_LIVY_URL",
        value_name = "URL",
        value_delimiter = ','
    )]
    #[arg(default_value = "http://localhost:8998", value_parser = livy_url)]
    pub livy_urls: Vec<Url>,

    /// ResourceManager of these Livys' cluster; repeated for several primary nodes.
    /// [default: Livy's host with port 8088, with https 8090]
    #[arg(
        long = "resource-manager-url",
        env = "SPARKWRIGHT_RESOURCE_MANAGER_URL",
        value_name = "URL"
    )]
    #[arg(value_delimiter = ',', value_parser = resource_manager_url)]
    pub resource_manager_urls: Vec<Url>,

    /// Whether YARN is asked how applications end. `none` is for a Livy without YARN: its word is then believed.
    #[arg(
        long,
        env = "SPARKWRIGHT_RESOURCE_MANAGER",
        value_enum,
        default_value = "required"
    )]
    pub resource_manager: ResourceManagerUse,

    /// User in whose name the ResourceManager is asked (`user.name`): the one who may kill applications.
    #[arg(
        long,
        env = "SPARKWRIGHT_RESOURCE_MANAGER_USER",
        value_name = "USER",
        default_value = "hadoop"
    )]
    pub resource_manager_user: String,

    /// File with the credentials for --livy-url, as JSON: {"username": "…", "password": "…"}. Read again when Livy
    /// refuses them.
    #[arg(long, env = "SPARKWRIGHT_LIVY_CREDENTIALS_FILE", value_name = "FILE")]
    pub livy_credentials_file: Option<PathBuf>,

    /// File with certificates (PEM) to trust for --livy-url and its ResourceManager besides the system's.
    #[arg(long, env = "SPARKWRIGHT_LIVY_CA_CERTIFICATE", value_name = "FILE")]
    pub livy_ca_certificate: Option<PathBuf>,

    /// Host that a task's input may name as its LivyHost, LivyUrl or ResourceManagerUrl, with any port and path; may be
    /// repeated. Exactly the addresses of --livy-url and --resource-manager-url are allowed already.
    #[arg(
        long = "allow-livy-host",
        env = "SPARKWRIGHT_ALLOW_LIVY_HOST",
        value_name = "HOST",
        value_delimiter = ','
    )]
    pub allowed_hosts: Vec<String>,

    /// Tasks that run at once. No task is taken without a free slot.
    #[arg(long, env = "SPARKWRIGHT_SLOTS", value_name = "NUMBER", default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub slots: u32,

    /// Open polls per activity. Each holds a free slot while it waits, up to 60 s. All workers together may have 1000
    /// on one activity.
    #[arg(
        long,
        env = "SPARKWRIGHT_POLLERS_PER_ACTIVITY",
        value_name = "NUMBER",
        default_value_t = 10
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub pollers_per_activity: u32,

    /// Calls to Step Functions a second; heartbeats and reports go before polls. The account's quota is the sum over all
    /// workers: 300 of each kind in most regions, 500 in us-east-1, us-west-2 and eu-west-1. A task needs one for each
    /// heartbeat, and three more.
    #[arg(
        long,
        env = "SPARKWRIGHT_SFN_RATE",
        value_name = "NUMBER",
        default_value_t = 300
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub sfn_rate: u32,

    /// Time between two heartbeats of a task whose input gives no HeartbeatSeconds; with it, a third of that, at most
    /// 60s. A stopped execution is noticed at the next heartbeat.
    #[arg(
        long,
        env = "SPARKWRIGHT_HEARTBEAT_PERIOD",
        value_name = "DURATION",
        default_value = "10s"
    )]
    #[arg(value_parser = positive_duration)]
    pub heartbeat_period: Duration,

    /// Time between two looks at Livy and YARN.
    #[arg(
        long,
        env = "SPARKWRIGHT_POLL_PERIOD",
        value_name = "DURATION",
        default_value = "1s"
    )]
    #[arg(value_parser = positive_duration)]
    pub poll_period: Duration,

    /// How long after a submission it proves nothing that neither Livy nor YARN shows the job. Longer than Livy's own
    /// look-up time (livy.server.yarn.app-lookup-timeout, 120s).
    #[arg(
        long,
        env = "SPARKWRIGHT_SETTLE",
        value_name = "DURATION",
        default_value = "150s"
    )]
    #[arg(value_parser = positive_duration)]
    pub settle: Duration,

    /// How long Livy and YARN are tried before a task that could not be submitted fails with
    /// SparkJob.LivyUnavailable.
    #[arg(
        long,
        env = "SPARKWRIGHT_SUBMIT_TIMEOUT",
        value_name = "DURATION",
        default_value = "15m"
    )]
    #[arg(value_parser = positive_duration)]
    pub submit_timeout: Duration,

    /// How long a submitted job may go unseen, because Livy and YARN do not answer, before its task fails with
    /// SparkJob.Lost. The job is stopped when they return.
    #[arg(
        long,
        env = "SPARKWRIGHT_LOST_TIMEOUT",
        value_name = "DURATION",
        default_value = "30m"
    )]
    #[arg(value_parser = positive_duration)]
    pub lost_timeout: Duration,

    /// File in which the worker keeps what it is at, so that its next process goes on after a crash, a reboot or an
    /// upgrade. It holds task tokens and inputs, so only its owner can read it; one worker at a time can use it.
    #[arg(
        long,
        env = "SPARKWRIGHT_JOURNAL",
        value_name = "FILE",
        default_value = "/var/lib/sparkwright/worker.db"
    )]
    pub journal: PathBuf,

    /// What becomes of the job of a task that was cancelled (its execution stopped, its state timed out), where the
    /// input has no OnCancel.
    #[arg(long, env = "SPARKWRIGHT_ON_CANCEL", value_enum, default_value = "stop")]
    pub on_cancel: OnCancel,

    /// What SIGTERM and SIGINT do with tasks, while open polls return (up to 60 s). `leave` leaves them, and what arrives
    /// meanwhile, to the next process; otherwise tasks that are not submitted yet are handed back with
    /// SparkJob.WorkerDraining.
    #[arg(long, env = "SPARKWRIGHT_DRAIN", value_enum, default_value = "leave")]
    pub drain: Drain,

    /// How long draining may take; what is not done by then is left.
    #[arg(
        long,
        env = "SPARKWRIGHT_DRAIN_TIMEOUT",
        value_name = "DURATION",
        default_value = "60s"
    )]
    #[arg(value_parser = positive_duration)]
    pub drain_timeout: Duration,

    /// Address of the page for people (/), of /metrics, /healthz and /readyz; `off` for none.
    #[arg(
        long,
        env = "SPARKWRIGHT_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:9464"
    )]
    #[arg(value_parser = listen)]
    pub listen: Listen,

    /// Name by which the execution's history shows this worker, at most 80 characters. [default: the host's name]
    #[arg(long, env = "SPARKWRIGHT_WORKER_NAME", value_name = "NAME", value_parser = worker_name)]
    pub worker_name: Option<String>,

    /// How log lines look.
    #[arg(long, env = "SPARKWRIGHT_LOG_FORMAT", value_enum, default_value = "text")]
    pub log_format: LogFormat,

    /// What is logged: error, warn, info, debug, or filters such as `info,sparkwright_worker=debug`.
    #[arg(long, env = "SPARKWRIGHT_LOG", value_name = "FILTER", default_value = "info")]
    pub log: String,
}

impl Config {
    /// The activities, each once.
    pub fn activities(&self) -> Vec<ActivityArn> {
        let mut activities = Vec::new();
        for arn in self.activity_arns.iter().chain(&self.bare_activity_arns) {
            if !activities.contains(arn) {
                activities.push(arn.clone());
            }
        }
        activities
    }
}

#[cfg(test)]
mod tests;
