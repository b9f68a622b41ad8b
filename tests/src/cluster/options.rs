//! What a simulated cluster is like: versions, latencies, limits.

use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Which Livy is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LivyVersion {
    /// 0.6.0 (EMR 5.24 to 5.29).
    V0_6,
    /// 0.7.1 (EMR 5.30 to 7.0).
    V0_7,
    /// 0.8.0 (EMR 7.1 and later).
    V0_8,
    /// 0.9.0 (no EMR release yet).
    V0_9,
}

impl LivyVersion {
    /// Every version, oldest first.
    pub const ALL: [LivyVersion; 4] = [
        LivyVersion::V0_6,
        LivyVersion::V0_7,
        LivyVersion::V0_8,
        LivyVersion::V0_9,
    ];
}

/// Where Livy runs its batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Master {
    /// `livy.spark.master = yarn`, deploy mode cluster: as on EMR.
    YarnCluster,
    /// `livy.spark.master = yarn`, deploy mode client: the driver runs inside spark-submit, beside Livy.
    YarnClient,
    /// `livy.spark.master = local[1]`: no YARN, no application ids.
    Local,
}

/// How a ResourceManager that is not the active one answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standby {
    /// 307 with the active one's address in `Location` (Hadoop 2.8 and later).
    Location,
    /// 200 with `Refresh: 3; url=…` and a line of text (Hadoop 2.7 and earlier).
    Refresh,
    /// 307 with `Refresh` to itself, because it knows of no active one.
    NoneActive,
}

/// How long things take. The defaults make a job live for about a tenth of a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latencies {
    /// Livy's work on a POST, during which the batch looks like a zombie. POSTs are served one after the other.
    pub post: Duration,
    /// spark-submit's time until the application appears in YARN, or until it fails.
    pub submit: Duration,
    /// From the application's appearance to RUNNING.
    pub accepted: Duration,
    /// How long a job runs that does not say otherwise.
    pub run: Duration,
    /// How long an application is RUNNING with its final status already known.
    pub finishing: Duration,
    /// `livy.server.yarn.poll-interval`.
    pub livy_poll: Duration,
    /// `livy.server.yarn.app-lookup-timeout`.
    pub app_lookup: Duration,
    /// `livy.server.yarn.app-leakage.check-timeout`: how long after that a late application is still killed.
    pub leak_check: Duration,
    /// How long Livy tries a ResourceManager that is down before it calls its batches dead.
    pub livy_yarn_patience: Duration,
    /// From a kill order to KILLED.
    pub kill: Duration,
    /// `livy.server.session.state-retain.sec`.
    pub retention: Duration,
    /// How often Livy collects what is older than that.
    pub sweep: Duration,
}

impl Default for Latencies {
    fn default() -> Latencies {
        Latencies {
            post: Duration::from_millis(2),
            submit: Duration::from_millis(20),
            accepted: Duration::from_millis(20),
            run: Duration::from_millis(50),
            finishing: Duration::ZERO,
            livy_poll: Duration::from_millis(20),
            kill: Duration::from_millis(10),
            ..Latencies::real()
        }
    }
}

impl Latencies {
    /// What was seen on a real machine, with Livy's and YARN's own defaults.
    pub fn real() -> Latencies {
        Latencies {
            post: Duration::from_millis(12),
            submit: Duration::from_secs(3),
            accepted: Duration::from_secs(4),
            run: Duration::from_secs(10),
            finishing: Duration::from_millis(100),
            livy_poll: Duration::from_secs(5),
            app_lookup: Duration::from_secs(120),
            leak_check: Duration::from_secs(600),
            livy_yarn_patience: Duration::from_secs(900),
            kill: Duration::from_millis(200),
            retention: Duration::from_secs(600),
            sweep: Duration::from_secs(60),
        }
    }

    /// Every time multiplied by `factor`: `Latencies::real().scaled(0.01)` plays a hundred times faster.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Latencies {
        let scale = |duration: Duration| duration.mul_f64(factor);
        Latencies {
            post: scale(self.post),
            submit: scale(self.submit),
            accepted: scale(self.accepted),
            run: scale(self.run),
            finishing: scale(self.finishing),
            livy_poll: scale(self.livy_poll),
            app_lookup: scale(self.app_lookup),
            leak_check: scale(self.leak_check),
            livy_yarn_patience: scale(self.livy_yarn_patience),
            kill: scale(self.kill),
            retention: scale(self.retention),
            sweep: scale(self.sweep),
        }
    }
}

/// Name and password of Basic authentication. The password can be changed while Livy runs.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) username: String,
    pub(crate) password: Arc<Mutex<String>>,
}

/// Everything that [`super::Builder`] sets.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) version: LivyVersion,
    pub(crate) master: Master,
    pub(crate) recovery: bool,
    pub(crate) csrf_protection: bool,
    pub(crate) impersonation: bool,
    pub(crate) login: Option<Login>,
    pub(crate) max_creation: usize,
    pub(crate) local_dirs: Vec<String>,
    pub(crate) latencies: Latencies,
    pub(crate) time_scale: f64,
    pub(crate) queues: Vec<String>,
    pub(crate) max_container_mb: u64,
    pub(crate) max_attempts: u32,
    pub(crate) running_at_once: usize,
    pub(crate) standby: Option<Standby>,
    pub(crate) keep_alive: Duration,
    pub(crate) tls: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            version: LivyVersion::V0_7,
            master: Master::YarnCluster,
            recovery: false,
            csrf_protection: false,
            impersonation: false,
            login: None,
            max_creation: 100,
            local_dirs: vec!["/jobs".to_owned()],
            latencies: Latencies::default(),
            time_scale: 1.0,
            queues: vec!["default".to_owned()],
            max_container_mb: 12_288,
            max_attempts: 1,
            running_at_once: usize::MAX >> 4,
            standby: None,
            keep_alive: Duration::from_secs(30),
            tls: false,
        }
    }
}
