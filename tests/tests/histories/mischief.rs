//! What goes wrong on the cluster, when the plan says so.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sparkwright_tests::clock::wall_clock;
use sparkwright_tests::cluster::{Application, Cluster, Memory};
use sparkwright_tests::faults::{Fault as Strike, Injected, On};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::plan::{Fault, What, When, seconds};
use crate::strangers::{Strangers, is_a_strangers};

/// By which a batch of the stack's is known on its way to Livy.
const OURS: &str = "/jobs/v";

/// A fault that struck.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Struck {
    pub(crate) what: What,
    /// From when until when, in milliseconds since the epoch.
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
}

/// A cluster with what goes wrong on it.
#[derive(Clone)]
pub(crate) struct Mischief {
    inner: Arc<Inner>,
}

struct Inner {
    cluster: Cluster,
    strangers: Strangers,
    struck: Mutex<Vec<Struck>>,
    /// How many faults of each kind are at work, so that the last to end restores.
    depths: Mutex<HashMap<Kind, usize>>,
    at_work: watch::Sender<usize>,
    /// Servers are taken down and up by one hand at a time.
    hand: tokio::sync::Mutex<()>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    LivyKilled,
    LivyUnreachable,
    LivySilent,
    YarnUnreachable,
    YarnCrashed,
}

impl Mischief {
    /// A cluster with two jobs of others on it.
    pub(crate) async fn on(cluster: Cluster) -> Mischief {
        let inner = Inner {
            cluster,
            strangers: Strangers::default(),
            struck: Mutex::default(),
            depths: Mutex::default(),
            at_work: watch::Sender::new(0),
            hand: tokio::sync::Mutex::default(),
        };
        let mischief = Mischief {
            inner: Arc::new(inner),
        };
        mischief.inner.strangers.submit(mischief.cluster()).await;
        mischief.inner.strangers.submit(mischief.cluster()).await;
        mischief
    }

    pub(crate) fn cluster(&self) -> &Cluster {
        &self.inner.cluster
    }

    /// The names of the batches that others have submitted.
    pub(crate) fn strangers(&self) -> Vec<String> {
        self.inner.strangers.names()
    }

    /// What has struck so far, and for how long.
    pub(crate) fn struck(&self) -> Vec<Struck> {
        self.inner.struck.lock().unwrap().clone()
    }

    /// Waits until nothing is wrong any more.
    pub(crate) async fn quiet(&self) {
        let mut at_work = self.inner.at_work.subscribe();
        at_work.wait_for(|at_work| *at_work == 0).await.unwrap();
    }

    /// Lets the faults happen that belong to this step. Those that wait for a POST are begun with the first step.
    pub(crate) fn begin_step(&self, step: usize, faults: &[Fault]) {
        for fault in faults {
            match fault.when {
                When::Step { step: of, after } if usize::from(of) == step => {
                    let (mischief, what) = (self.clone(), fault.what);
                    self.inner.at_work.send_modify(|at_work| *at_work += 1);
                    tokio::spawn(async move {
                        sleep(seconds(after)).await;
                        mischief.strike(what).await;
                        mischief.inner.at_work.send_modify(|at_work| *at_work -= 1);
                    });
                }
                When::Post { nth, after_ms } if step == 0 => {
                    let (mischief, what) = (self.clone(), fault.what);
                    tokio::spawn(async move {
                        mischief.posted(usize::from(nth)).await;
                        mischief.inner.at_work.send_modify(|at_work| *at_work += 1);
                        sleep(Duration::from_millis(u64::from(after_ms))).await;
                        mischief.strike(what).await;
                        mischief.inner.at_work.send_modify(|at_work| *at_work -= 1);
                    });
                }
                When::Step { .. } | When::Post { .. } => {}
            }
        }
    }

    /// Waits for the stack's n-th POST.
    async fn posted(&self, nth: usize) {
        let journal = self.cluster().livy().journal();
        journal
            .until(|journal| {
                let others = self.inner.strangers.count();
                journal.count("POST /batches") >= others + nth
            })
            .await;
    }

    async fn strike(&self, what: What) {
        let from_ms = now_ms();
        self.act(what).await;
        let struck = Struck {
            what,
            from_ms,
            to_ms: now_ms(),
        };
        self.inner.struck.lock().unwrap().push(struck);
    }

    async fn act(&self, what: What) {
        let cluster = self.cluster();
        let post = || On::post("/batches").containing(OURS);
        match what {
            What::LivyKilled(time) => self.outage(Kind::LivyKilled, time).await,
            What::LivyUnreachable(time) => self.outage(Kind::LivyUnreachable, time).await,
            What::LivySilent(time) => self.outage(Kind::LivySilent, time).await,
            What::YarnUnreachable(time) => self.outage(Kind::YarnUnreachable, time).await,
            What::YarnCrashed(time) => self.outage(Kind::YarnCrashed, time).await,
            What::LivyErrors(time) => {
                let injected = cluster.livy().faults().inject(On::any(), Strike::status(500));
                sleep(seconds(time)).await;
                injected.remove();
            }
            What::LivyForgetsEnded => cluster.world().collect_finished(),
            What::LivyForgetsAll => self.each_batch(|name| cluster.world().forget_batch(name)),
            What::LivyLosesSight => self.each_batch(|name| cluster.world().lose_sight(name)),
            What::PostAnswerLost => {
                once(
                    &cluster
                        .livy()
                        .faults()
                        .inject(post().first(1), Strike::lost_answer()),
                )
                .await
            }
            What::PostLost => {
                once(
                    &cluster
                        .livy()
                        .faults()
                        .inject(post().first(1), Strike::lost_request()),
                )
                .await
            }
            What::PostRefused => {
                once(
                    &cluster
                        .livy()
                        .faults()
                        .inject(post().first(1), Strike::status(500)),
                )
                .await
            }
            What::JobKilled => {
                for application in self.live_of_ours() {
                    cluster.world().kill(application.id, "dr.who");
                }
            }
        }
    }

    /// Of outages of one kind the first to begin and the last to end count.
    async fn outage(&self, kind: Kind, time: u16) {
        let hand = self.inner.hand.lock().await;
        *self.inner.depths.lock().unwrap().entry(kind).or_default() += 1;
        self.take_down(kind).await;
        drop(hand);
        sleep(seconds(time)).await;
        let _hand = self.inner.hand.lock().await;
        let depth = {
            let mut depths = self.inner.depths.lock().unwrap();
            let depth = depths.get_mut(&kind).expect("it was begun");
            *depth -= 1;
            *depth
        };
        if depth == 0 {
            self.bring_back(kind).await;
        }
    }

    async fn take_down(&self, kind: Kind) {
        let cluster = self.cluster();
        match kind {
            Kind::LivyKilled => cluster.crash_livy().await,
            Kind::LivyUnreachable => cluster.livy().down().await,
            Kind::LivySilent => cluster.livy().silence(),
            Kind::YarnUnreachable => cluster.resource_manager().down().await,
            Kind::YarnCrashed => cluster.crash_resource_manager().await,
        }
    }

    async fn bring_back(&self, kind: Kind) {
        let cluster = self.cluster();
        match kind {
            Kind::LivyKilled => {
                cluster.start_livy();
                if self.is_at_work(Kind::LivyUnreachable) {
                    return cluster.livy().down().await;
                }
                // The ids start again, and the next one is somebody else's.
                let mischief = self.clone();
                tokio::spawn(async move { mischief.inner.strangers.submit(mischief.cluster()).await });
            }
            Kind::LivyUnreachable if self.is_at_work(Kind::LivyKilled) => {}
            Kind::LivyUnreachable => cluster.livy().up(),
            Kind::LivySilent => cluster.livy().speak(),
            Kind::YarnUnreachable if self.is_at_work(Kind::YarnCrashed) => {}
            Kind::YarnUnreachable => cluster.resource_manager().up(),
            Kind::YarnCrashed => {
                cluster.start_resource_manager(Memory::Keeps);
                if self.is_at_work(Kind::YarnUnreachable) {
                    cluster.resource_manager().down().await;
                }
            }
        }
    }

    fn is_at_work(&self, kind: Kind) -> bool {
        self.inner
            .depths
            .lock()
            .unwrap()
            .get(&kind)
            .is_some_and(|depth| *depth > 0)
    }

    fn live_of_ours(&self) -> Vec<Application> {
        let live = self.cluster().world().live_applications().into_iter();
        live.filter(|application| !is_a_strangers(&application.name))
            .collect()
    }

    fn each_batch(&self, act: impl Fn(&str)) {
        for batch in self.cluster().world().batches() {
            if let Some(name) = batch.name.filter(|name| !is_a_strangers(name)) {
                act(&name);
            }
        }
    }
}

/// A fault that strikes one request, if one comes within half an hour.
async fn once(injected: &Injected) {
    let _ = tokio::time::timeout(Duration::from_secs(1800), injected.struck(1)).await;
    injected.remove();
}

pub(crate) fn now_ms() -> i64 {
    let since_epoch = wall_clock()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a time of this era");
    i64::try_from(since_epoch.as_millis()).expect("a time of this era")
}
