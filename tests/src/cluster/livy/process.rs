//! Livy's process: its sessions, what its store keeps, its start and its ends.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::session::{BatchState, Session};
use super::{deletion, monitor};
use crate::cluster::application::ApplicationId;
use crate::cluster::options::Options;
use crate::cluster::state::Core;

/// The running process, if any, and the store that outlives it.
#[derive(Debug, Default)]
pub(crate) struct LivyState {
    pub(crate) process: Option<Process>,
    pub(crate) store: Store,
    processes: u64,
}

/// One run of Livy.
#[derive(Debug)]
pub(crate) struct Process {
    /// Which run this is.
    pub(crate) number: u64,
    /// Cancelled when it ends.
    pub(crate) end: CancellationToken,
    /// POSTs are served one after the other.
    pub(crate) turn: Arc<tokio::sync::Mutex<()>>,
    /// Forked spark-submits that still run.
    pub(crate) forked: Arc<AtomicUsize>,
    pub(crate) next_id: i64,
    /// In the order in which lists show them.
    sessions: BTreeMap<u64, Session>,
    order: u64,
    by_id: HashMap<i64, u64>,
    by_name: HashMap<String, u64>,
    born: Instant,
    sweeps: u128,
}

/// `livy.server.recovery.state-store`.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) next_id: i64,
    pub(crate) entries: BTreeMap<i64, Stored>,
}

/// What the store keeps of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) name: Option<String>,
    pub(crate) application: Option<ApplicationId>,
    pub(crate) tag: String,
    pub(crate) owner: Option<String>,
    pub(crate) proxy_user: Option<String>,
}

impl LivyState {
    /// The process, if it is still the one of this number.
    pub(crate) fn process(&mut self, number: u64) -> Option<&mut Process> {
        self.process.as_mut().filter(|process| process.number == number)
    }

    /// A session of that process.
    pub(crate) fn session(&mut self, process: u64, id: i64) -> Option<&mut Session> {
        self.process(process)?.get_mut(id)
    }

    /// Collects what is due, as the thread that runs every minute does.
    pub(crate) fn sweep(&mut self, options: &Options) {
        let Some(process) = &mut self.process else { return };
        let period = options.latencies.sweep;
        if period.is_zero() {
            return;
        }
        let sweeps = process.born.elapsed().as_nanos() / period.as_nanos();
        if sweeps == process.sweeps {
            return;
        }
        process.sweeps = sweeps;
        let last = process.born + period * u32::try_from(sweeps).unwrap_or(u32::MAX);
        let due = |session: &Session| {
            session
                .ended_at
                .is_some_and(|ended| ended + options.latencies.retention <= last)
        };
        self.collect(due);
    }

    /// Forgets every session that `due` picks.
    pub(crate) fn collect(&mut self, due: impl Fn(&Session) -> bool) {
        let Some(process) = &mut self.process else { return };
        let ids: Vec<i64> = process
            .all()
            .filter(|session| due(session))
            .map(|session| session.id)
            .collect();
        for id in ids {
            process.remove(id);
            self.store.entries.remove(&id);
        }
    }
}

impl Process {
    pub(crate) fn register(&mut self, session: Session) {
        self.order += 1;
        self.by_id.insert(session.id, self.order);
        if let Some(name) = &session.name {
            self.by_name.insert(name.clone(), self.order);
        }
        self.sessions.insert(self.order, session);
    }

    pub(crate) fn remove(&mut self, id: i64) {
        let Some(session) = self
            .by_id
            .remove(&id)
            .and_then(|order| self.sessions.remove(&order))
        else {
            return;
        };
        if let Some(name) = &session.name {
            self.by_name.remove(name);
        }
        session.removed.cancel();
    }

    /// Nobody follows the batch any more, and it is called dead.
    pub(crate) fn lose_sight(&mut self, id: i64) {
        let Some(session) = self.get_mut(id) else { return };
        session.removed.cancel();
        session.removed = CancellationToken::new();
        session.enter(BatchState::Dead);
    }

    pub(crate) fn all(&self) -> impl ExactSizeIterator<Item = &Session> {
        self.sessions.values()
    }

    pub(crate) fn get(&self, id: i64) -> Option<&Session> {
        self.sessions.get(self.by_id.get(&id)?)
    }

    pub(crate) fn get_mut(&mut self, id: i64) -> Option<&mut Session> {
        self.sessions.get_mut(self.by_id.get(&id)?)
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Session> {
        self.sessions.get(self.by_name.get(name)?)
    }
}

/// Starts Livy; with recovery, what the store keeps comes back.
pub(crate) fn start(core: &Arc<Core>) {
    let mut livy = core.livy();
    if livy.process.is_some() {
        return;
    }
    livy.processes += 1;
    let mut process = Process {
        number: livy.processes,
        end: CancellationToken::new(),
        turn: Arc::default(),
        forked: Arc::default(),
        next_id: if core.options.recovery {
            livy.store.next_id
        } else {
            0
        },
        sessions: BTreeMap::new(),
        order: 0,
        by_id: HashMap::new(),
        by_name: HashMap::new(),
        born: Instant::now(),
        sweeps: 0,
    };
    if core.options.recovery {
        let mut stored: Vec<(i64, Stored)> = livy
            .store
            .entries
            .iter()
            .map(|(id, stored)| (*id, stored.clone()))
            .collect();
        stored.sort_by_key(|(id, _)| place_in_the_store(*id));
        for (id, stored) in stored {
            process.register(recovered(core, id, stored));
        }
    }
    let recovered: Vec<i64> = process.all().map(|session| session.id).collect();
    let (number, end) = (process.number, process.end.clone());
    livy.process = Some(process);
    drop(livy);
    for id in recovered {
        monitor::follow(core, number, &end, id);
    }
    core.raise();
}

/// A store lists its files in no order that anybody chose; this one was seen.
fn place_in_the_store(id: i64) -> (usize, i64) {
    let seen = [3, 5, 2, 6, 0, 4, 1];
    (
        seen.iter().position(|rest| *rest == id % 7).unwrap_or(seen.len()),
        id,
    )
}

fn recovered(core: &Core, id: i64, stored: Stored) -> Session {
    Session {
        id,
        name: stored.name,
        owner: stored.owner,
        proxy_user: stored.proxy_user,
        state: BatchState::Recovering,
        application: stored.application,
        driver_log_url: None,
        spark_ui_url: None,
        spark_submit: core.spark_submit(&stored.tag),
        tag: stored.tag,
        started: true,
        reads_output: false,
        diagnostics: Vec::new(),
        ended_at: None,
        stopping: false,
        removed: CancellationToken::new(),
    }
}

/// Ends Livy: at once and without a word to YARN, or in an orderly way, which without recovery kills its batches.
pub(crate) async fn stop(core: &Arc<Core>, orderly: bool) {
    let running: Vec<i64> = {
        let livy = core.livy();
        let Some(process) = &livy.process else { return };
        process
            .all()
            .filter(|session| session.ended_at.is_none())
            .map(|session| session.id)
            .collect()
    };
    let number = core.livy().process.as_ref().map_or(0, |process| process.number);
    if orderly && !core.options.recovery {
        let mut kills = tokio::task::JoinSet::new();
        for id in running {
            let core = Arc::clone(core);
            kills.spawn(async move { deletion::kill(&core, number, id).await });
        }
        while kills.join_next().await.is_some() {}
    }
    let process = core.livy().process.take();
    if let Some(process) = process {
        process.end.cancel();
    }
    core.raise();
}
