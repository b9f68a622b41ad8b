//! The life of one application, from ACCEPTED to its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::application::{ApplicationId, ApplicationState, Attempt, FinalStatus, Order};
use super::job::{Fate, Job, RunTime};
use super::output;
use super::state::Core;
use crate::clock::now_ms;

/// Plays the application until it ended or is forgotten.
pub(crate) async fn play(core: Arc<Core>, id: ApplicationId, job: Job, file: String, max_attempts: u32) {
    let Some(mut orders) = core.ledger.orders(id) else {
        return;
    };
    let life = Life {
        core: &core,
        id,
        job: &job,
        file: &file,
    };
    let waiting = tokio::select! {
        biased;
        end = life.ordered(&mut orders) => Err(end),
        place = life.place_in_the_queue() => Ok(place),
    };
    // The place is kept until the end is known to YARN.
    let (end, _place) = match waiting {
        Ok(place) => (life.run(&mut orders, max_attempts).await, Some(place)),
        Err(end) => (end, None),
    };
    core.ledger.wait_until_up().await;
    life.end(end).await;
}

struct Life<'a> {
    core: &'a Core,
    id: ApplicationId,
    job: &'a Job,
    file: &'a str,
}

enum End {
    /// The ResourceManager knows it no more.
    Forgotten,
    Killed {
        by: String,
    },
    Fate {
        fate: Fate,
        attempt: u32,
    },
}

impl Life<'_> {
    /// Waits for an order that the job obeys.
    async fn ordered(&self, orders: &mut watch::Receiver<Option<Order>>) -> End {
        let order = match orders.wait_for(Option::is_some).await {
            Ok(order) => order.clone(),
            Err(_) => return End::Forgotten,
        };
        match order {
            Some(Order::Kill { .. }) if self.job.unkillable => std::future::pending().await,
            Some(Order::Kill { by }) => {
                tokio::time::sleep(self.core.options.latencies.kill).await;
                End::Killed { by }
            }
            Some(Order::End(fate)) => End::Fate { fate, attempt: 1 },
            None => unreachable!("an order was waited for"),
        }
    }

    async fn place_in_the_queue(&self) -> tokio::sync::OwnedSemaphorePermit {
        tokio::time::sleep(
            self.job
                .accepted_for
                .unwrap_or(self.core.options.latencies.accepted),
        )
        .await;
        let place = self.core.queue.place().await;
        self.core.ledger.wait_until_up().await;
        place
    }

    async fn run(&self, orders: &mut watch::Receiver<Option<Order>>, max_attempts: u32) -> End {
        for attempt in 1..=max_attempts {
            self.launch(attempt);
            tokio::select! {
                biased;
                end = self.ordered(orders) => return match end {
                    End::Fate { fate, .. } => End::Fate { fate, attempt },
                    other => other,
                },
                () = self.run_time() => {}
            }
            let last = attempt == max_attempts || self.job.fate == Fate::Succeeds;
            if last {
                return End::Fate {
                    fate: self.job.fate.clone(),
                    attempt,
                };
            }
            self.close_attempt(&self.job.fate, attempt);
            self.core.ledger.update(self.id, |application| {
                application.state = ApplicationState::Accepted
            });
            tokio::time::sleep(self.core.options.latencies.accepted).await;
        }
        unreachable!("the last attempt returns")
    }

    async fn run_time(&self) {
        match self.job.run {
            RunTime::Usual => tokio::time::sleep(self.core.options.latencies.run).await,
            RunTime::For(time) => tokio::time::sleep(time).await,
            RunTime::UntilEnded => std::future::pending().await,
        }
    }

    fn launch(&self, number: u32) {
        let container = self.id.container(number);
        let stdout = self.job.stdout.clone();
        self.core.ledger.update(self.id, |application| {
            application.state = ApplicationState::Running;
            let started_at = now_ms();
            if number == 1 {
                application.launched_at = started_at;
            }
            let stderr = "Using Spark's default log4j profile: org/apache/spark/log4j2-defaults.properties\n"
                .to_owned();
            let attempt = Attempt {
                number,
                container,
                started_at,
                finished_at: 0,
                stdout,
                stderr,
                logs_gone: false,
            };
            application.attempts.push(attempt);
        });
    }

    /// Writes what a failing driver prints.
    fn close_attempt(&self, fate: &Fate, number: u32) {
        let (stdout, stderr) = match fate {
            Fate::Raises { error } => (
                output::traceback(self.file, error),
                driver_error("User application exited with status 1"),
            ),
            Fate::Throws { error } => (String::new(), driver_error(&output::user_class_threw(error))),
            Fate::Exits { code } => (
                String::new(),
                driver_error(&format!("User application exited with status {code}")),
            ),
            Fate::Succeeds | Fate::Fails { .. } => (String::new(), String::new()),
        };
        self.core.ledger.update(self.id, |application| {
            if let Some(attempt) = application
                .attempts
                .iter_mut()
                .find(|attempt| attempt.number == number)
            {
                attempt.stdout.push_str(&stdout);
                attempt.stderr.push_str(&stderr);
                attempt.finished_at = now_ms();
            }
        });
    }

    async fn end(&self, end: End) {
        let (state, status, diagnostics) = match end {
            End::Forgotten => return,
            End::Killed { by } => {
                let diagnostics = format!("Application {} was killed by user {by}", self.id);
                (ApplicationState::Killed, FinalStatus::Killed, diagnostics)
            }
            End::Fate { fate, attempt } => {
                self.close_attempt(&fate, attempt);
                // In client mode the driver is outside, and the application's master calls every end a success.
                let fate = if self.core.driver_is_outside() {
                    Fate::Succeeds
                } else {
                    fate
                };
                self.verdict(&fate, attempt)
            }
        };
        if status == FinalStatus::Succeeded && !self.core.options.latencies.finishing.is_zero() {
            self.core
                .ledger
                .update(self.id, |application| application.final_status = status);
            tokio::time::sleep(self.core.options.latencies.finishing).await;
        }
        self.core.ledger.update(self.id, |application| {
            application.state = state;
            application.final_status = status;
            application.diagnostics = diagnostics;
            application.finished_at = now_ms();
            for attempt in &mut application.attempts {
                if attempt.finished_at == 0 {
                    attempt.finished_at = application.finished_at;
                }
            }
        });
    }

    fn verdict(&self, fate: &Fate, attempt: u32) -> (ApplicationState, FinalStatus, String) {
        let finished = |status, diagnostics| (ApplicationState::Finished, status, diagnostics);
        match fate {
            Fate::Succeeds => finished(FinalStatus::Succeeded, String::new()),
            Fate::Raises { .. } => finished(
                FinalStatus::Failed,
                "User application exited with status 1".to_owned(),
            ),
            Fate::Throws { error } => finished(FinalStatus::Failed, output::user_class_threw(error)),
            Fate::Fails { diagnostics } => finished(FinalStatus::Failed, diagnostics.clone()),
            Fate::Exits { .. } => {
                let application = self.core.ledger.get(self.id);
                let stderr =
                    application.and_then(|application| Some(application.attempts.last()?.stderr.clone()));
                let diagnostics = output::container_exited(
                    self.id,
                    attempt,
                    13,
                    &stderr.unwrap_or_default(),
                    &self.core.resource_manager_url(),
                );
                (ApplicationState::Failed, FinalStatus::Failed, diagnostics)
            }
        }
    }
}

fn driver_error(text: &str) -> String {
    let now = crate::clock::spark_stamp(now_ms());
    format!(
        "{now} ERROR ApplicationMaster: {}\n{now} INFO ShutdownHookManager: Shutdown hook called\n",
        text.trim_end()
    )
}

/// How long after `start` the next tick of a regular look is due.
pub(crate) fn until_next_tick(start: tokio::time::Instant, period: Duration) -> Duration {
    if period.is_zero() {
        return Duration::ZERO;
    }
    let elapsed = start.elapsed().as_nanos();
    let period = period.as_nanos();
    let left = period - elapsed % period;
    Duration::from_nanos(u64::try_from(left).unwrap_or(u64::MAX))
}
