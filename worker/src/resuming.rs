//! Taking up what an earlier process has left: first the heartbeats, then the jobs, and only then new work.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::context::Context;
use crate::executor::execute;
use crate::journal::Backlog;
use crate::opened::{Opened, Since};

/// How long new work waits until each old token has had an answer to its first heartbeat. A Step Functions that cannot
/// be reached hands out no new work either.
const FIRST_BEATS: Duration = Duration::from_secs(10);

/// Takes up every open task. When it returns, each of them has its intent, or waits for it.
pub(crate) async fn resume(context: &Arc<Context>, backlog: Backlog) {
    if backlog.rows.is_empty() {
        return;
    }
    let since = Since::noted(backlog.accepted);
    let tasks: Vec<_> = backlog
        .rows
        .into_iter()
        .map(|row| Opened::resumed(context, row, since))
        .collect();
    info!(
        tasks = tasks.len(),
        "an earlier process has left open tasks: they are taken up"
    );
    let beats: JoinSet<()> = tasks.iter().map(|task| task.heartbeats.first_answer()).collect();
    if timeout(FIRST_BEATS, beats.join_all()).await.is_err() {
        warn!("not every open task has had an answer to its first heartbeat yet");
    }
    for mut task in tasks {
        // Before new work comes, so that a retry finds the intent taken.
        task.claim_now(&context.intents);
        // More tasks than slots: an option was lowered. They are at work all the same.
        let slot = context.slots.try_reserve();
        info!(task = %task.id, stage = task.checkpoint.name(), "a task is taken up");
        context.tasks.spawn(execute(Arc::clone(context), task, slot));
    }
}
