//! Polling one activity: a slot, then a long poll, then a task that holds the slot. Nothing ends a poller but the
//! worker's own end, and an open poll is never given up: the task in its answer would be lost.

use std::sync::Arc;
use std::time::Duration;

use sparkwright_spark_job::chain;
use tokio::time::{sleep, timeout};
use tracing::{Instrument, debug, info, info_span, warn};

use crate::activity::{ActivityArn, ActivityTask};
use crate::backoff::Backoff;
use crate::call_error::CallError;
use crate::completion::Completion;
use crate::context::Context;
use crate::executor::{End, execute, handed_back};
use crate::reporting::report;

/// A poll that was neither answered nor refused for so long is being held by Step Functions, as it should be.
const HELD: Duration = Duration::from_secs(6);

/// How long a stopping worker tries to hand a task back.
const HAND_BACK_TIMEOUT: Duration = Duration::from_secs(15);

/// Polls until the worker drains.
pub(crate) async fn poll_until_draining(context: Arc<Context>, activity: ActivityArn) {
    let mut backoff = Backoff::default();
    loop {
        let slot = tokio::select! {
            biased;
            () = context.draining.begun() => return,
            slot = context.slots.reserve() => slot,
        };
        context.status.poll_opened(&activity);
        let answer = poll(&context, &activity).await;
        let failure = answer.as_ref().err();
        let said = failure.map(|error| format!("{}: {}", error.class().advice(), chain(error)));
        context.status.poll_returned(&activity, said);
        match answer {
            Ok(Some(task)) if context.draining.has_begun() => hand_back(&context, task).await,
            Ok(Some(task)) => {
                backoff.succeeded();
                debug!(task = %task.token.id(), "a task was received");
                context.tasks.spawn(execute(Arc::clone(&context), task, slot));
            }
            Ok(None) => backoff.succeeded(),
            Err(error) => {
                drop(slot);
                let wait = backoff.failed(error.class(), fastrand::f64());
                tokio::select! {
                    () = context.draining.begun() => return,
                    () = sleep(wait) => {}
                }
            }
        }
    }
}

/// One poll, which is never given up.
async fn poll(context: &Context, activity: &ActivityArn) -> Result<Option<ActivityTask>, CallError> {
    let poll = context.clients.poll(activity);
    tokio::pin!(poll);
    tokio::select! {
        answer = &mut poll => return answer,
        () = sleep(HELD) => context.status.poll_held(activity),
    }
    poll.await
}

/// A task that arrives while the worker stops goes to another worker, as soon as its state retries.
async fn hand_back(context: &Context, task: ActivityTask) {
    let span = info_span!("task", task = %task.token.id(), activity = task.activity.name());
    let End::Report(completion @ Completion::Failure { .. }) = handed_back() else {
        return;
    };
    let reporting = async {
        info!("a task arrived while the worker stops; it is handed back");
        if timeout(
            HAND_BACK_TIMEOUT,
            report(&context.clients, &task.token, &completion),
        )
        .await
        .is_err()
        {
            warn!("the task could not be handed back; it is lost until its heartbeat time-out");
        }
    };
    reporting.instrument(span).await;
}
