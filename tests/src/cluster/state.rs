//! What Livy, YARN and the jobs share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use tokio::sync::watch;

use super::application::{ApplicationId, Order};
use super::job::Job;
use super::ledger::Ledger;
use super::livy::LivyState;
use super::options::{Master, Options};
use super::queue::Queue;
use super::script::Scripts;
use super::spark_submit::SparkSubmit;
use crate::sync::lock;

/// Everything that is not a server.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) options: Options,
    pub(crate) ledger: Ledger,
    pub(crate) queue: Queue,
    livy: Mutex<LivyState>,
    pub(crate) scripts: Scripts,
    /// By Livy's tag: they outlive the Livy that forked them.
    pub(crate) spark_submits: Mutex<HashMap<String, Arc<SparkSubmit>>>,
    pub(crate) kills_are_lost: AtomicBool,
    /// Which ResourceManager is the active one.
    pub(crate) active: AtomicUsize,
    addresses: OnceLock<Addresses>,
    changes: watch::Sender<u64>,
}

/// Where the servers are, known once they listen.
#[derive(Debug)]
pub(crate) struct Addresses {
    /// `http://127.0.0.1:<port>`, one for each ResourceManager.
    pub(crate) resource_managers: Vec<String>,
    /// `127.0.0.1:<port>`.
    pub(crate) node: String,
}

impl Core {
    pub(crate) fn new(options: Options) -> Core {
        let changes = watch::Sender::new(0);
        Core {
            ledger: Ledger::new(changes.clone()),
            queue: Queue::new(options.running_at_once),
            options,
            livy: Mutex::default(),
            scripts: Scripts::default(),
            spark_submits: Mutex::default(),
            kills_are_lost: AtomicBool::new(false),
            active: AtomicUsize::new(0),
            addresses: OnceLock::new(),
            changes,
        }
    }

    pub(crate) fn livy(&self) -> MutexGuard<'_, LivyState> {
        lock(&self.livy)
    }

    pub(crate) fn locate(&self, addresses: Addresses) {
        self.addresses.set(addresses).expect("located once, at the start");
    }

    /// `http://127.0.0.1:<port>` of the active ResourceManager.
    pub(crate) fn resource_manager_url(&self) -> String {
        let all = &self
            .addresses
            .get()
            .expect("located at the start")
            .resource_managers;
        all[self.active.load(Ordering::Relaxed) % all.len()].clone()
    }

    pub(crate) fn node_address(&self) -> String {
        self.addresses.get().expect("located at the start").node.clone()
    }

    pub(crate) fn driver_is_outside(&self) -> bool {
        self.options.master == Master::YarnClient
    }

    pub(crate) fn kills_are_lost(&self) -> bool {
        self.kills_are_lost.load(Ordering::Relaxed)
    }

    pub(crate) fn job_of(&self, name: &str, file: &str, args: &[String]) -> Job {
        self.scripts
            .take(name, file)
            .unwrap_or_else(|| Job::of_file(file, args, self.options.time_scale))
    }

    pub(crate) fn remember_spark_submit(&self, tag: &str, process: &Arc<SparkSubmit>) {
        lock(&self.spark_submits).insert(tag.to_owned(), Arc::clone(process));
    }

    pub(crate) fn spark_submit(&self, tag: &str) -> Option<Arc<SparkSubmit>> {
        lock(&self.spark_submits).get(tag).cloned()
    }

    pub(crate) fn kill(&self, id: ApplicationId, by: &str) -> bool {
        self.ledger.order(id, Order::Kill { by: by.to_owned() })
    }

    /// Told at every change of anything.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(crate) fn raise(&self) {
        self.changes.send_modify(|count| *count += 1);
    }
}
