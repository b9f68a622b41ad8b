//! A cluster of the test's choice.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Cluster;
use super::options::{Latencies, LivyVersion, Login, Master, Options, Standby};

/// Sets what a cluster is like. The defaults: Livy 0.7.1, YARN in cluster mode, no recovery, short latencies.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    options: Options,
}

impl Builder {
    /// Starts it.
    pub async fn start(self) -> Cluster {
        Cluster::with(self.options)
    }

    /// Which Livy is played.
    #[must_use]
    pub fn livy_version(mut self, version: LivyVersion) -> Builder {
        self.options.version = version;
        self
    }

    /// Where Livy runs its batches.
    #[must_use]
    pub fn master(mut self, master: Master) -> Builder {
        self.options.master = master;
        self
    }

    /// `livy.server.recovery.mode = recovery`.
    #[must_use]
    pub fn recovery(mut self) -> Builder {
        self.options.recovery = true;
        self
    }

    /// `livy.server.csrf-protection.enabled = true`.
    #[must_use]
    pub fn csrf_protection(mut self) -> Builder {
        self.options.csrf_protection = true;
        self
    }

    /// `livy.impersonation.enabled = true`: `proxyUser` and `doAs` count.
    #[must_use]
    pub fn impersonation(mut self) -> Builder {
        self.options.impersonation = true;
        self
    }

    /// Livy asks for Basic credentials, as with LDAP.
    #[must_use]
    pub fn credentials(mut self, username: &str, password: &str) -> Builder {
        self.options.login = Some(Login {
            username: username.to_owned(),
            password: Arc::new(Mutex::new(password.to_owned())),
        });
        self
    }

    /// `livy.server.session.max-creation`: spark-submits that may run at once.
    #[must_use]
    pub fn max_creation(mut self, spark_submits: usize) -> Builder {
        self.options.max_creation = spark_submits;
        self
    }

    /// One more entry of `livy.file.local-dir-whitelist`; `/jobs` is there already.
    #[must_use]
    pub fn local_dir(mut self, directory: &str) -> Builder {
        self.options.local_dirs.push(directory.to_owned());
        self
    }

    /// How long things take.
    #[must_use]
    pub fn latencies(mut self, latencies: Latencies) -> Builder {
        self.options.latencies = latencies;
        self
    }

    /// Changes some of the latencies.
    #[must_use]
    pub fn with_latencies(mut self, change: impl FnOnce(&mut Latencies)) -> Builder {
        change(&mut self.options.latencies);
        self
    }

    /// The seconds in a job's arguments are multiplied by this: with 0.01, `sleep.py 120` runs for 1.2 s.
    #[must_use]
    pub fn time_scale(mut self, factor: f64) -> Builder {
        self.options.time_scale = factor;
        self
    }

    /// A further queue; `default` is there already.
    #[must_use]
    pub fn queue(mut self, name: &str) -> Builder {
        self.options.queues.push(name.to_owned());
        self
    }

    /// `yarn.scheduler.maximum-allocation-mb`.
    #[must_use]
    pub fn max_container_mb(mut self, megabytes: u64) -> Builder {
        self.options.max_container_mb = megabytes;
        self
    }

    /// `yarn.resourcemanager.am.max-attempts`; a job's `spark.yarn.maxAppAttempts` may ask for fewer.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Builder {
        self.options.max_attempts = attempts;
        self
    }

    /// How many applications may be RUNNING at once; the others stay ACCEPTED.
    #[must_use]
    pub fn running_at_once(mut self, applications: usize) -> Builder {
        self.options.running_at_once = applications;
        self
    }

    /// A second ResourceManager, which answers thus while it is not the active one.
    #[must_use]
    pub fn standby(mut self, standby: Standby) -> Builder {
        self.options.standby = Some(standby);
        self
    }

    /// When the servers close idle connections.
    #[must_use]
    pub fn keep_alive(mut self, idle: Duration) -> Builder {
        self.options.keep_alive = idle;
        self
    }

    /// All servers speak TLS, with certificates of an authority that nobody knows yet.
    #[must_use]
    pub fn tls(mut self) -> Builder {
        self.options.tls = true;
        self
    }
}
