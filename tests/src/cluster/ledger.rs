//! The ResourceManager's memory: applications, their changes, and how many with one tag ever lived at once.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use tokio::sync::watch;

use super::application::{Application, ApplicationId, ApplicationState, Entry, FinalStatus, Order};
use crate::clock::now_ms;
use crate::sync::lock;

/// What spark-submit tells YARN of a new application.
#[derive(Clone, Debug)]
pub(crate) struct NewApplication {
    pub(crate) user: String,
    pub(crate) name: String,
    pub(crate) queue: String,
    pub(crate) tags: Vec<String>,
    pub(crate) tag_shows: bool,
}

/// The applications of one cluster.
#[derive(Debug)]
pub(crate) struct Ledger {
    state: Mutex<State>,
    /// Whether the ResourceManager runs.
    up: watch::Sender<bool>,
    changes: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    started_at: i64,
    next: u32,
    applications: BTreeMap<ApplicationId, Entry>,
    lives: HashMap<String, Lives>,
}

/// How many applications with one tag live, and the most that ever did.
#[derive(Clone, Copy, Debug, Default)]
struct Lives {
    now: usize,
    peak: usize,
}

impl Ledger {
    pub(crate) fn new(changes: watch::Sender<u64>) -> Ledger {
        let state = State {
            started_at: now_ms(),
            next: 1,
            applications: BTreeMap::new(),
            lives: HashMap::new(),
        };
        Ledger {
            state: Mutex::new(state),
            up: watch::Sender::new(true),
            changes,
        }
    }

    /// Waits until the ResourceManager runs.
    pub(crate) async fn wait_until_up(&self) {
        self.up
            .subscribe()
            .wait_for(|up| *up)
            .await
            .expect("this ledger keeps the sender");
    }

    /// Waits until it does not.
    pub(crate) async fn wait_until_down(&self) {
        self.up
            .subscribe()
            .wait_for(|up| !*up)
            .await
            .expect("this ledger keeps the sender");
    }

    pub(crate) fn set_up(&self, up: bool) {
        self.up.send_replace(up);
        self.raise();
    }

    /// A ResourceManager started anew: new ids carry its start; `keep` says whether it remembers.
    pub(crate) fn restart(&self, keep: bool) {
        let mut state = lock(&self.state);
        state.started_at = now_ms().max(state.started_at + 1);
        state.next = 1;
        if !keep {
            let ids: Vec<ApplicationId> = state.applications.keys().copied().collect();
            for id in ids {
                forget(&mut state, id);
            }
        }
        drop(state);
        self.set_up(true);
    }

    pub(crate) fn started_at(&self) -> i64 {
        lock(&self.state).started_at
    }

    /// A new application, ACCEPTED.
    pub(crate) fn appear(&self, new: NewApplication) -> Application {
        let mut state = lock(&self.state);
        let id = ApplicationId {
            cluster: state.started_at,
            number: state.next,
        };
        state.next += 1;
        for tag in &new.tags {
            let lives = state.lives.entry(tag.clone()).or_default();
            lives.now += 1;
            lives.peak = lives.peak.max(lives.now);
        }
        let application = Application {
            id,
            user: new.user,
            name: new.name,
            queue: new.queue,
            tags: new.tags,
            tag_shows: new.tag_shows,
            state: ApplicationState::Accepted,
            final_status: FinalStatus::Undefined,
            diagnostics: String::new(),
            started_at: now_ms(),
            launched_at: 0,
            finished_at: 0,
            attempts: Vec::new(),
        };
        let entry = Entry {
            application: application.clone(),
            changes: watch::Sender::new(0),
            order: watch::Sender::new(None),
        };
        state.applications.insert(id, entry);
        drop(state);
        self.raise();
        application
    }

    /// Changes an application and tells everybody. Nothing happens when it is forgotten.
    pub(crate) fn update(&self, id: ApplicationId, change: impl FnOnce(&mut Application)) {
        let mut state = lock(&self.state);
        let Some(entry) = state.applications.get_mut(&id) else {
            return;
        };
        let was_live = entry.application.is_live();
        change(&mut entry.application);
        entry.changes.send_modify(|count| *count += 1);
        if was_live && !entry.application.is_live() {
            let tags = entry.application.tags.clone();
            die(&mut state, &tags);
        }
        drop(state);
        self.raise();
    }

    /// Gives an order; the first one counts. Whether the application is there to hear it.
    pub(crate) fn order(&self, id: ApplicationId, order: Order) -> bool {
        let state = lock(&self.state);
        let Some(entry) = state.applications.get(&id) else {
            return false;
        };
        entry
            .order
            .send_if_modified(|slot| slot.is_none() && slot.replace(order).is_none());
        true
    }

    /// The orders given to an application.
    pub(crate) fn orders(&self, id: ApplicationId) -> Option<watch::Receiver<Option<Order>>> {
        lock(&self.state)
            .applications
            .get(&id)
            .map(|entry| entry.order.subscribe())
    }

    /// Told at each change of an application.
    pub(crate) fn subscribe(&self, id: ApplicationId) -> Option<watch::Receiver<u64>> {
        lock(&self.state)
            .applications
            .get(&id)
            .map(|entry| entry.changes.subscribe())
    }

    pub(crate) fn get(&self, id: ApplicationId) -> Option<Application> {
        lock(&self.state)
            .applications
            .get(&id)
            .map(|entry| entry.application.clone())
    }

    pub(crate) fn forget(&self, id: ApplicationId) {
        forget(&mut lock(&self.state), id);
        self.raise();
    }

    /// Those that `wanted` picks, in the order of their ids.
    pub(crate) fn select(&self, wanted: impl Fn(&Application) -> bool) -> Vec<Application> {
        let state = lock(&self.state);
        let all = state.applications.values().map(|entry| &entry.application);
        all.filter(|application| wanted(application)).cloned().collect()
    }

    /// The most applications with this tag that ever lived at one time.
    pub(crate) fn peak_live(&self, tag: &str) -> usize {
        lock(&self.state)
            .lives
            .get(&tag.to_lowercase())
            .map_or(0, |lives| lives.peak)
    }

    fn raise(&self) {
        self.changes.send_modify(|count| *count += 1);
    }
}

fn die(state: &mut State, tags: &[String]) {
    for tag in tags {
        if let Some(lives) = state.lives.get_mut(tag) {
            lives.now = lives.now.saturating_sub(1);
        }
    }
}

fn forget(state: &mut State, id: ApplicationId) {
    if let Some(entry) = state.applications.remove(&id)
        && entry.application.is_live()
    {
        die(state, &entry.application.tags);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tagged(tag: &str) -> NewApplication {
        NewApplication {
            user: "livy".to_owned(),
            name: "job".to_owned(),
            queue: "default".to_owned(),
            tags: vec![tag.to_owned()],
            tag_shows: true,
        }
    }

    fn ledger() -> Ledger {
        Ledger::new(watch::Sender::new(0))
    }

    #[test]
    fn the_peak_of_a_tag_outlives_its_applications() {
        let ledger = ledger();
        let first = ledger.appear(tagged("t")).id;
        ledger.appear(tagged("t"));
        ledger.update(first, |application| application.state = ApplicationState::Killed);
        ledger.appear(tagged("t"));
        assert_eq!((ledger.peak_live("T"), ledger.peak_live("other")), (2, 0));
    }

    #[test]
    fn only_the_first_order_counts() {
        let ledger = ledger();
        let id = ledger.appear(tagged("t")).id;
        let kill = |by: &str| Order::Kill { by: by.to_owned() };
        assert!(ledger.order(id, kill("first")));
        assert!(ledger.order(id, kill("second")));
        assert_eq!(*ledger.orders(id).unwrap().borrow(), Some(kill("first")));
        ledger.forget(id);
        assert!(!ledger.order(id, kill("third")));
    }

    #[test]
    fn a_restarted_resource_manager_gives_ids_of_its_own_start() {
        let ledger = ledger();
        let before = ledger.appear(tagged("t")).id;
        ledger.restart(true);
        let after = ledger.appear(tagged("t")).id;
        assert!(after.cluster > before.cluster);
        assert_eq!((after.number, ledger.get(before).is_some()), (1, true));
        ledger.restart(false);
        assert!(ledger.get(after).is_none());
        assert_eq!(ledger.peak_live("t"), 2);
    }
}
