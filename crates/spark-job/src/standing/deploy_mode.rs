//! Where Livy runs drivers. YARN calls every application of client mode SUCCEEDED, whatever its driver did, so that
//! there Livy's word is the outcome.
//!
//! Livy does not tell its deploy mode, and its state words tell it only since 0.8: a Livy 0.7 in client mode says
//! `running` like any other. What tells is the log: in cluster mode spark-submit writes little and is soon over; in
//! client mode it is the driver.
//!
//! A driver of client mode may run a spark-submit of its own, whose lines then stand among the driver's. So the log proves
//! cluster mode only when it ends with what the run's own spark-submit says last: YARN's report of the run's application,
//! and right after it the shutdown. A nested one reports another application, or none.

use std::time::{Duration, Instant};

use sparkwright_livy::{Batch, BatchState};
use sparkwright_yarn::ApplicationId;

use super::LIVY_LAG;
use crate::sighting::LivySight;

/// In cluster mode spark-submit is over so long after its application has shown up, and Livy's log says so.
const SUBMIT_LAG: Duration = Duration::from_secs(5);

/// A Livy that did not answer is asked again for the mode after so long.
const ASK_AGAIN: Duration = Duration::from_secs(60);

/// What is known of the mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum DeployMode {
    /// Nothing yet.
    Unproven,
    /// spark-submit is over, and the driver runs elsewhere.
    Cluster,
    /// Livy says `starting` of what has long been running, as it does while it waits for a driver of its own.
    LikelyClient,
    /// The driver's own lines are in Livy's log.
    Client,
}

/// One run's mode, as far as looks have shown it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ModeWatch {
    mode: DeployMode,
    /// When Livy is to be asked whether spark-submit is over; not again once it was asked.
    proof_at: Option<Instant>,
    asked_for_proof: bool,
    /// When Livy is to be asked while the application runs; not again once it has answered.
    ask_at: Option<Instant>,
    answered: bool,
}

impl ModeWatch {
    pub(super) fn new() -> Self {
        Self {
            mode: DeployMode::Unproven,
            proof_at: None,
            asked_for_proof: false,
            ask_at: None,
            answered: false,
        }
    }

    pub(super) fn mode(&self) -> DeployMode {
        self.mode
    }

    /// Whether Livy's word is the outcome.
    pub(super) fn is_client(&self) -> bool {
        matches!(self.mode, DeployMode::LikelyClient | DeployMode::Client)
    }

    /// Whether Livy should be asked while the application runs.
    pub(super) fn wants_livy(&self, now: Instant) -> bool {
        match self.mode {
            DeployMode::Cluster => false,
            DeployMode::LikelyClient | DeployMode::Client => true,
            DeployMode::Unproven => {
                let is_due = |at: Option<Instant>| at.is_some_and(|at| now >= at);
                (!self.asked_for_proof && is_due(self.proof_at)) || (!self.answered && is_due(self.ask_at))
            }
        }
    }

    /// Learns from a look at an application that lives, whether it runs or not: a spark-submit that is over has left it to
    /// YARN. So most ends need no word of Livy's.
    pub(super) fn learn_alive(&mut self, now: Instant, application: ApplicationId, livy: &LivySight) {
        let proof_at = *self.proof_at.get_or_insert(now + SUBMIT_LAG);
        match livy {
            LivySight::NotAsked => {}
            LivySight::Batch(batch)
                if self.mode == DeployMode::Unproven
                    && has_handed_over(batch, application)
                    && !has_driver_output(batch) =>
            {
                self.mode = DeployMode::Cluster;
            }
            // What it says at the end is waited for then.
            LivySight::Batch(_) | LivySight::Absent | LivySight::Silent(_) => {
                self.asked_for_proof |= now >= proof_at;
            }
        }
    }

    /// Learns from a look at an application that has been RUNNING since `since`.
    pub(super) fn learn(
        &mut self,
        now: Instant,
        since: Instant,
        application: ApplicationId,
        livy: &LivySight,
    ) {
        let ask_at = *self.ask_at.get_or_insert(since + LIVY_LAG);
        match livy {
            LivySight::NotAsked => {}
            LivySight::Silent(_) if now >= ask_at => self.ask_at = Some(now + ASK_AGAIN),
            LivySight::Silent(_) => {}
            LivySight::Absent => self.answered = true,
            LivySight::Batch(batch) => {
                self.mode = match &batch.state {
                    _ if has_driver_output(batch) => DeployMode::Client,
                    _ if self.mode == DeployMode::Client => DeployMode::Client,
                    _ if has_handed_over(batch, application) => DeployMode::Cluster,
                    BatchState::Starting if now >= ask_at && batch.app_id.is_some() => {
                        DeployMode::LikelyClient
                    }
                    // It only lagged.
                    BatchState::Running => DeployMode::Unproven,
                    _ => self.mode,
                };
                self.answered |= batch.state != BatchState::Starting;
            }
        }
    }

    /// Learns from Livy's word on an application that has ended.
    pub(super) fn learn_at_end(&mut self, application: ApplicationId, batch: &Batch) {
        if has_driver_output(batch) || has_failed_driver(batch) {
            self.mode = DeployMode::Client;
        } else if self.mode == DeployMode::Unproven
            && !batch.state.is_terminal()
            && has_handed_over(batch, application)
        {
            self.mode = DeployMode::Cluster;
        }
    }
}

fn has_driver_output(batch: &Batch) -> bool {
    holds_driver_output(&batch.log)
}

/// Whether Livy's log is that of a driver. In cluster mode spark-submit writes none of these.
pub(crate) fn holds_driver_output(log: &[String]) -> bool {
    const DRIVERS: [&str; 8] = [
        " SparkContext: ",
        " SparkEnv: ",
        " DAGScheduler: ",
        " TaskSetManager: ",
        " BlockManagerInfo: ",
        " BlockManagerMaster: ",
        " YarnClientSchedulerBackend: ",
        "Traceback (most recent call last):",
    ];
    process_output(log)
        .iter()
        .any(|line| DRIVERS.iter().any(|mark| line.contains(mark)))
}

/// Whether the process that Livy started died of an exception after it had its application; spark-submit of cluster
/// mode is over before Livy knows that.
fn has_failed_driver(batch: &Batch) -> bool {
    let died = |line: &String| line.starts_with("Exception in thread \"main\" ");
    batch.state == BatchState::Dead && batch.app_id.is_some() && process_output(&batch.log).iter().any(died)
}

/// Whether the run's own spark-submit has handed this application over: the log ends with its report and its shutdown.
/// These are among the ten lines that each answer of Livy's holds.
fn has_handed_over(batch: &Batch, application: ApplicationId) -> bool {
    let mut lines = process_output(&batch.log)
        .iter()
        .map(String::as_str)
        .rev()
        .skip_while(|line| line.trim() == "stderr:")
        .skip_while(|line| line.contains(" ShutdownHookManager: Deleting directory "));
    let ends = lines
        .next()
        .is_some_and(|line| line.contains(" ShutdownHookManager: Shutdown hook called"));
    let id = application.to_string();
    let reported = lines
        .take_while(|line| line.starts_with("\t "))
        .find_map(|line| line.strip_prefix("\t tracking URL: "));
    ends && reported.is_some_and(|url| url.split('/').any(|part| part == id))
}

/// What stands before YARN's diagnostics, which may quote a driver of either mode: one of an earlier attempt.
fn process_output(log: &[String]) -> &[String] {
    let heading = log.iter().rposition(|line| line.trim() == "YARN Diagnostics:");
    &log[..heading.unwrap_or(0)]
}
