//! The test's hold on a cluster: what goes on in it, and what is done to it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::application::{Application, ApplicationId, Order};
use super::job::{Fate, Job};
use super::livy::{Batch, BatchState};
use super::state::Core;
use crate::sync::lock;

/// The test's view of a cluster, and its hands in it.
#[derive(Clone, Debug)]
pub struct World {
    pub(crate) core: Arc<Core>,
}

/// What tests look at.
impl World {
    /// Livy's batches, in the order of its list; none while it is down.
    pub fn batches(&self) -> Vec<Batch> {
        let livy = self.core.livy();
        livy.process
            .iter()
            .flat_map(|process| process.all())
            .map(|session| session.snapshot())
            .collect()
    }

    /// Livy's batch of this name.
    pub fn batch(&self, name: &str) -> Option<Batch> {
        Some(self.core.livy().process.as_ref()?.named(name)?.snapshot())
    }

    /// Every application that the ResourceManager remembers, in the order of their ids.
    pub fn applications(&self) -> Vec<Application> {
        self.core.ledger.select(|_| true)
    }

    /// Those that have not ended.
    pub fn live_applications(&self) -> Vec<Application> {
        self.core.ledger.select(Application::is_live)
    }

    /// The application of this id.
    pub fn application(&self, id: ApplicationId) -> Option<Application> {
        self.core.ledger.get(id)
    }

    /// The latest application of this name.
    pub fn application_named(&self, name: &str) -> Option<Application> {
        self.core
            .ledger
            .select(|application| application.name == name)
            .pop()
    }

    /// The applications with this tag, whether or not a search shows it yet.
    pub fn applications_tagged(&self, tag: &str) -> Vec<Application> {
        let tag = tag.to_lowercase();
        self.core
            .ledger
            .select(|application| application.tags.contains(&tag))
    }

    /// The most applications with this tag that ever lived at one time, forgotten ones included.
    pub fn peak_live(&self, tag: &str) -> usize {
        self.core.ledger.peak_live(tag)
    }

    /// How many spark-submits run.
    pub fn running_spark_submits(&self) -> usize {
        lock(&self.core.spark_submits)
            .values()
            .filter(|process| process.is_running())
            .count()
    }

    /// Waits until `is_so`, which is asked again at every change. Panics after half a minute, so that a test that
    /// waits for what never comes says where.
    #[track_caller]
    pub fn until<'a>(&'a self, is_so: impl Fn(&World) -> bool + 'a) -> impl Future<Output = ()> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let mut changes = self.core.changes();
            let waiting = async {
                while !is_so(self) {
                    changes.changed().await.expect("this world keeps the sender");
                }
            };
            if tokio::time::timeout(Duration::from_secs(30), waiting)
                .await
                .is_err()
            {
                panic!(
                    "what {caller} waits for has not come: {:?} {:?}",
                    self.batches(),
                    self.applications()
                );
            }
        }
    }

    /// Waits until a live or ended application of this name is there, and gives it.
    #[track_caller]
    pub fn appeared<'a>(&'a self, name: &'a str) -> impl Future<Output = Application> + 'a {
        let waiting = self.until(move |world| world.application_named(name).is_some());
        async move {
            waiting.await;
            self.application_named(name).expect("just seen")
        }
    }

    /// Waits until Livy's batch of this name is in this state.
    #[track_caller]
    pub fn batch_is<'a>(&'a self, name: &'a str, state: BatchState) -> impl Future<Output = ()> + 'a {
        self.until(move |world| world.batch(name).is_some_and(|batch| batch.state == state))
    }
}

/// What tests do.
impl World {
    /// Batches whose name matches the pattern (`*` stands for any text) run this job. Later scripts go before earlier.
    pub fn script(&self, name: &str, job: Job) {
        self.core.scripts.add(name, "*", job, usize::MAX);
    }

    /// As [`World::script`], for one batch only.
    pub fn script_next(&self, name: &str, job: Job) {
        self.core.scripts.add(name, "*", job, 1);
    }

    /// Batches whose file matches the pattern run this job.
    pub fn script_file(&self, file: &str, job: Job) {
        self.core.scripts.add("*", file, job, usize::MAX);
    }

    /// The job of a live application ends now, in this way.
    pub fn end(&self, id: ApplicationId, fate: Fate) {
        self.core.ledger.order(id, Order::End(fate));
    }

    /// The job of Livy's batch ends now, in this way; also without YARN.
    pub fn end_batch(&self, name: &str, fate: Fate) {
        let process = {
            let livy = self.core.livy();
            let session = livy.process.as_ref().and_then(|process| process.named(name));
            session.and_then(|session| Some((session.spark_submit.clone()?, session.application)))
        };
        match process {
            Some((_, Some(application))) => self.end(application, fate),
            Some((process, None)) => process.end(fate),
            None => panic!("Livy has no batch `{name}`"),
        }
    }

    /// Somebody kills an application.
    pub fn kill(&self, id: ApplicationId, by: &str) {
        self.core.kill(id, by);
    }

    /// Somebody kills the spark-submit of a batch.
    pub fn kill_spark_submit(&self, name: &str) {
        let livy = self.core.livy();
        let session = livy.process.as_ref().and_then(|process| process.named(name));
        if let Some(process) = session.and_then(|session| session.spark_submit.as_ref()) {
            process.destroy();
        }
    }

    /// The queue is full: nothing leaves ACCEPTED.
    pub fn bar_queue(&self) {
        self.core.queue.bar(true);
    }

    /// The queue has room again.
    pub fn open_queue(&self) {
        self.core.queue.bar(false);
    }

    /// Livy forgets a batch, as it does some time after the end, or after somebody's DELETE; the job goes on.
    pub fn forget_batch(&self, name: &str) {
        self.core
            .livy()
            .collect(|session| session.name.as_deref() == Some(name));
        self.core.raise();
    }

    /// Livy collects every batch that has ended, as its thread does once a minute.
    pub fn collect_finished(&self) {
        self.core.livy().collect(|session| session.ended_at.is_some());
        self.core.raise();
    }

    /// Livy loses sight of a batch: `dead`, while its application goes on.
    pub fn lose_sight(&self, name: &str) {
        let mut livy = self.core.livy();
        let Some(process) = &mut livy.process else { return };
        let id = process
            .named(name)
            .unwrap_or_else(|| panic!("Livy has no batch `{name}`"))
            .id;
        process.lose_sight(id);
        drop(livy);
        self.core.raise();
    }

    /// Livy's kills do not reach YARN, though its DELETE says 200.
    pub fn lose_kills(&self, lost: bool) {
        self.core.kills_are_lost.store(lost, Ordering::Relaxed);
    }

    /// The ResourceManager forgets an application.
    pub fn forget_application(&self, id: ApplicationId) {
        self.core.ledger.forget(id);
    }

    /// The node forgets an application's logs.
    pub fn forget_logs(&self, id: ApplicationId) {
        self.core.ledger.update(id, |application| {
            application
                .attempts
                .iter_mut()
                .for_each(|attempt| attempt.logs_gone = true);
        });
    }

    /// The driver of a running application prints.
    pub fn print(&self, id: ApplicationId, stdout: &str, stderr: &str) {
        self.core.ledger.update(id, |application| {
            if let Some(attempt) = application.attempts.last_mut() {
                attempt.stdout.push_str(stdout);
                attempt.stderr.push_str(stderr);
            }
        });
    }
}
