//! `DELETE /batches/{batch}`: it waits for the application, kills it, and removes the batch.

use std::sync::Arc;

use tokio::time::timeout;

use super::creation::USER;
use super::{leak, rejection, view};
use crate::cluster::application::ApplicationId;
use crate::cluster::options::Master;
use crate::cluster::state::Core;
use crate::http::Answer;

pub(crate) async fn delete(core: &Arc<Core>, key: &str) -> Answer {
    let claimed = {
        let mut livy = core.livy();
        let Some(process) = &mut livy.process else {
            return rejection::empty(503);
        };
        let id = match view::find(process, key) {
            Ok(session) => session.id,
            Err(refusal) => return refusal,
        };
        let (number, end) = (process.number, process.end.clone());
        let session = process.get_mut(id).expect("just found");
        let was_stopping = std::mem::replace(&mut session.stopping, true);
        (number, end, id, was_stopping.then(|| session.removed.clone()))
    };
    let (number, end, id, other) = claimed;
    let work = async {
        match other {
            Some(removed) => {
                removed.cancelled().await;
                rejection::message(404, &format!("Session {id} already stopped."))
            }
            None => {
                kill(core, number, id).await;
                let mut livy = core.livy();
                if let Some(process) = livy.process(number) {
                    process.remove(id);
                    livy.store.entries.remove(&id);
                }
                drop(livy);
                core.raise();
                rejection::message(200, "deleted")
            }
        }
    };
    tokio::select! {
        () = end.cancelled() => rejection::empty(503),
        answer = work => answer,
    }
}

/// Ends what the session runs, as far as Livy can. A batch that ended, or never started, needs nothing.
pub(crate) async fn kill(core: &Arc<Core>, process: u64, id: i64) {
    let (spark_submit, end) = {
        let mut livy = core.livy();
        let Some(end) = livy.process(process).map(|process| process.end.clone()) else {
            return;
        };
        match livy.session(process, id) {
            Some(session) if session.ended_at.is_none() => (session.spark_submit.clone(), end),
            _ => return,
        }
    };
    let Some(spark_submit) = spark_submit else { return };
    if core.options.master == Master::Local {
        spark_submit.destroy();
        let _ = spark_submit
            .progress()
            .wait_for(|progress| progress.exit_code.is_some())
            .await;
        return;
    }
    match timeout(
        core.options.latencies.app_lookup,
        application_or_end(core, process, id),
    )
    .await
    {
        Ok(Some(application)) => kill_in_yarn(core, application).await,
        Ok(None) => return,
        Err(_) => leak::watch(core, end, Arc::clone(&spark_submit)),
    }
    spark_submit.destroy();
}

/// Waits until the session has an application (which may live), or has ended without one.
async fn application_or_end(core: &Core, process: u64, id: i64) -> Option<ApplicationId> {
    let mut changes = core.changes();
    loop {
        let seen = core
            .livy()
            .session(process, id)
            .map(|session| (session.application, session.ended_at));
        match seen {
            None | Some((_, Some(_))) => return None,
            Some((Some(application), None)) => return Some(application),
            Some((None, None)) => {}
        }
        changes.changed().await.ok()?;
    }
}

/// Errors on the way to YARN are written to a log and swallowed: the deletion goes on as if it had worked.
async fn kill_in_yarn(core: &Arc<Core>, id: ApplicationId) {
    let patience = core.options.latencies.livy_yarn_patience;
    if core.kills_are_lost() || timeout(patience, core.ledger.wait_until_up()).await.is_err() {
        return;
    }
    core.kill(id, &format!("{USER} at 127.0.0.1"));
    let Some(mut changes) = core.ledger.subscribe(id) else {
        return;
    };
    while core
        .ledger
        .get(id)
        .is_some_and(|application| application.is_live())
    {
        if changes.changed().await.is_err() {
            return;
        }
    }
}
