//! How Livy follows a batch: it looks at YARN now and then, and believes what it sees.

use std::sync::Arc;

use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::leak;
use super::mapping::{state_beside_a_driver, state_of};
use super::session::{BatchState, Session};
use crate::cluster::application::{Application, ApplicationId};
use crate::cluster::life::until_next_tick;
use crate::cluster::options::{LivyVersion, Master};
use crate::cluster::state::Core;

/// Follows a session until it ended, is removed, or Livy ends.
pub(crate) fn follow(core: &Arc<Core>, process: u64, end: &CancellationToken, id: i64) {
    let Some(removed) = core
        .livy()
        .session(process, id)
        .map(|session| session.removed.clone())
    else {
        return;
    };
    let follower = Follower {
        core: Arc::clone(core),
        process,
        id,
        born: Instant::now(),
    };
    let end = end.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = end.cancelled() => {}
            () = removed.cancelled() => {}
            () = follower.run() => {}
        }
    });
}

struct Follower {
    core: Arc<Core>,
    process: u64,
    id: i64,
    born: Instant,
}

enum Found {
    Application(ApplicationId),
    /// spark-submit ended without one.
    StartFailed,
    /// Not within the look-up time.
    Nothing,
}

impl Follower {
    async fn run(self) {
        if self.core.options.master == Master::Local {
            return self.follow_process().await;
        }
        let known = self.change(|session| session.application).flatten();
        let application = match known {
            Some(application) => application,
            None => match self.find().await {
                Found::Application(application) => application,
                Found::StartFailed => return self.die(vec!["spark-submit start failed".to_owned()]),
                Found::Nothing => return self.give_up(),
            },
        };
        self.tie(application);
        sleep(self.core.options.latencies.livy_poll).await;
        self.watch(application).await;
    }

    /// Local master: what the process ends with is the end.
    async fn follow_process(&self) {
        let Some(spark_submit) = self.change(|session| session.spark_submit.clone()).flatten() else {
            return;
        };
        let mut progress = spark_submit.progress();
        let ended = progress.wait_for(|progress| progress.exit_code.is_some()).await;
        let code = ended.ok().and_then(|progress| progress.exit_code);
        self.change(|session| {
            session.enter(if code == Some(0) {
                BatchState::Success
            } else {
                BatchState::Dead
            })
        });
    }

    async fn find(&self) -> Found {
        let latencies = &self.core.options.latencies;
        let Some(spark_submit) = self.change(|session| session.spark_submit.clone()).flatten() else {
            sleep(latencies.app_lookup).await;
            return Found::Nothing;
        };
        let mut progress = spark_submit.progress();
        // 0.6 does not look at the process at all.
        let looks = self.core.options.version >= LivyVersion::V0_7;
        let found = timeout(latencies.app_lookup, async {
            let seen = progress
                .wait_for(|progress| progress.listed.is_some() || (looks && progress.failed_to_start()))
                .await;
            match seen.map(|progress| progress.listed) {
                Ok(Some(application)) => Found::Application(application),
                Ok(None) => Found::StartFailed,
                // The process and its progress are gone without a word: only time will tell.
                Err(_) => std::future::pending().await,
            }
        });
        let found = found.await.unwrap_or(Found::Nothing);
        self.core.ledger.wait_until_up().await;
        sleep(until_next_tick(self.born, latencies.livy_poll)).await;
        found
    }

    /// Too late: spark-submit is destroyed, and an application that comes all the same is killed if it comes soon.
    fn give_up(&self) {
        let process = self.change(|session| session.spark_submit.clone()).flatten();
        let seconds = self.core.options.latencies.app_lookup.as_secs();
        let tag = self.change(|session| session.tag.clone()).unwrap_or_default();
        self.die(vec![format!(
            "No YARN application is found with tag {} in {seconds} seconds. This may be because 1) spark-submit fail to \
             submit application to YARN; or 2) YARN cluster doesn't have enough resources to start the application in \
             time. Please check Livy log and YARN log to know the details.",
            tag.to_lowercase()
        )]);
        if let Some(process) = process {
            process.destroy();
            let end = self
                .core
                .livy()
                .process(self.process)
                .map(|process| process.end.clone());
            leak::watch(&self.core, end.unwrap_or_default(), process);
        }
    }

    /// The application is known from now on, also to the store.
    fn tie(&self, application: ApplicationId) {
        self.change(|session| session.application = Some(application));
        if let Some(stored) = self.core.livy().store.entries.get_mut(&self.id) {
            stored.application = Some(application);
        }
    }

    async fn watch(&self, id: ApplicationId) {
        let latencies = &self.core.options.latencies;
        loop {
            if timeout(latencies.livy_yarn_patience, self.core.ledger.wait_until_up())
                .await
                .is_err()
            {
                return self.die(vec!["java.net.ConnectException: Connection refused".to_owned()]);
            }
            let (Some(mut changes), Some(application)) =
                (self.core.ledger.subscribe(id), self.core.ledger.get(id))
            else {
                return self.die(vec![format!("Application with id '{id}' doesn't exist in RM.")]);
            };
            changes.mark_unchanged();
            if self.look(&application) {
                return;
            }
            // A change may have come between the two questions.
            if self.core.ledger.get(id).as_ref() == Some(&application) {
                tokio::select! {
                    _ = changes.changed() => {}
                    () = self.core.ledger.wait_until_down() => continue,
                    () = self.process_ends() => {}
                }
            }
            sleep(until_next_tick(self.born, latencies.livy_poll)).await;
        }
    }

    /// In client mode the end of spark-submit is news; otherwise never.
    async fn process_ends(&self) {
        let process = self.change(|session| session.spark_submit.clone()).flatten();
        match process.filter(|process| self.core.driver_is_outside() && process.is_running()) {
            Some(process) => {
                let _ = process
                    .progress()
                    .wait_for(|progress| progress.exit_code.is_some())
                    .await;
            }
            None => std::future::pending().await,
        }
    }

    /// Takes over what YARN says; whether that was the end.
    fn look(&self, application: &Application) -> bool {
        let options = &self.core.options;
        let (rm, node) = (self.core.resource_manager_url(), self.core.node_address());
        let ended = self.change(|session| {
            session.spark_ui_url = Some(super::super::yarn::tracking_url(application, &rm));
            let container = application.attempts.last().filter(|_| application.is_live());
            session.driver_log_url = container.map(|attempt| {
                format!(
                    "http://{node}/node/containerlogs/{}/{}",
                    attempt.container, application.user
                )
            });
            session.diagnostics = match application.diagnostics.as_str() {
                "" => Vec::new(),
                text => text
                    .trim_end_matches('\n')
                    .split('\n')
                    .map(str::to_owned)
                    .collect(),
            };
            let process = session
                .spark_submit
                .clone()
                .filter(|_| self.core.driver_is_outside());
            let state = match process {
                None => Some(state_of(application, options.version)),
                Some(process) => state_beside_a_driver(&process, application, options.version),
            };
            match state {
                // YARN's ACCEPTED says nothing new, least of all after RUNNING.
                None | Some(BatchState::Starting) => {}
                Some(state) => session.enter(state),
            }
            session.state.is_terminal()
        });
        if ended == Some(true) {
            self.forget_failure();
        }
        ended.unwrap_or(true)
    }

    fn die(&self, diagnostics: Vec<String>) {
        self.change(|session| {
            session.diagnostics = diagnostics;
            session.enter(BatchState::Dead);
        });
        self.forget_failure();
    }

    /// Since 0.8 the store drops a batch that failed or was killed.
    fn forget_failure(&self) {
        let failed = self.change(|session| matches!(session.state, BatchState::Dead | BatchState::Killed));
        if failed == Some(true) && self.core.options.version >= LivyVersion::V0_8 {
            self.core.livy().store.entries.remove(&self.id);
        }
    }

    /// Changes the session if it is still there, and tells everybody.
    fn change<T>(&self, change: impl FnOnce(&mut Session) -> T) -> Option<T> {
        let changed = self.core.livy().session(self.process, self.id).map(change);
        self.core.raise();
        changed
    }
}
