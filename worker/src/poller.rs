//! Polling one activity: a slot, then a long poll, then a task that holds the slot. Nothing ends a poller but the
//! worker's own end, and an open poll is never given up: the task in its answer would be lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sparkwright_spark_job::chain;
use tokio::time::sleep;
use tracing::{Instrument, debug, info_span, warn};

use crate::activity::{ActivityArn, ActivityTask};
use crate::backoff::Backoff;
use crate::call_error::CallError;
use crate::config::Drain;
use crate::context::Context;
use crate::executor::{STOPPING, execute, handed_back};
use crate::opened::Opened;
use crate::reporting::{Heard, report_within};
use crate::slots::Slot;
use crate::snapshot::Ended;

/// A poll that was neither answered nor refused for so long is being held by Step Functions, as it should be.
const HELD: Duration = Duration::from_secs(6);

/// How often a journal that cannot be written is tried again.
const JOURNAL_PERIOD: Duration = Duration::from_secs(5);

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
        if context.journal.check().await.is_err() {
            // What arrived could not be kept.
            drop(slot);
            tokio::select! {
                () = context.draining.begun() => return,
                () = sleep(JOURNAL_PERIOD) => continue,
            }
        }
        tokio::select! {
            biased;
            () = context.draining.begun() => return,
            () = context.clients.turn_to_poll() => {}
        }
        context.status.poll_opened(&activity);
        let answer = poll(&context, &activity).await;
        let failure = answer.as_ref().err();
        let said = failure.map(|error| format!("{}: {}", error.class().advice(), chain(error)));
        context.status.poll_returned(&activity, said);
        match answer {
            Ok(Some(task)) => {
                backoff.succeeded();
                context.clients.metrics().task_received(&activity);
                debug!(task = %task.token.id(), "a task was received");
                take_on(&context, task, Instant::now(), slot).await;
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

/// What becomes of a task that arrived at this instant.
async fn take_on(context: &Arc<Context>, task: ActivityTask, at: Instant, slot: Slot) {
    let stops = context.draining.has_begun();
    if stops && context.config.drain != Drain::Leave {
        return hand_back(context, task, STOPPING).await;
    }
    // A slow disk must not cost the token.
    let opened = Opened::arrived(context, &task, at);
    match context.journal.receive(&task).await {
        Ok(()) => {
            context
                .tasks
                .spawn(execute(Arc::clone(context), opened, Some(slot)));
        }
        Err(error) => {
            hand_back(context, task, &chain(&error)).await;
            // A slow disk may have taken it since.
            context.tasks.spawn(opened.entry.forget());
        }
    }
}

/// A task that is not taken on goes to another worker, as soon as its state retries.
async fn hand_back(context: &Context, task: ActivityTask, why: &str) {
    let span = info_span!("task", task = %task.token.id(), activity = task.activity.name());
    let reporting = async {
        warn!(why, "a task that has arrived is handed back");
        let completion = handed_back(why);
        let heard = report_within(HAND_BACK_TIMEOUT, &context.clients, &task.token, &completion).await;
        let is_heard = heard.is_ok_and(|heard| heard != Heard::Never);
        let how = if is_heard {
            Ended::with(&completion)
        } else {
            Ended::TokenOver
        };
        context.clients.metrics().task_ended(how);
        if let Err(awaited) = heard {
            warn!(
                why = awaited.as_str(),
                "the task could not be handed back; it is lost until its heartbeat time-out"
            );
        }
    };
    reporting.instrument(span).await;
}
