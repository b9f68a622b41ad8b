//! Stopping the job of a task: until YARN says that it has stopped.

use std::sync::Arc;
use std::time::Duration;

use sparkwright_spark_job::names::{BatchName, RunKey, run_number};
use sparkwright_spark_job::outcome::Summary;
use sparkwright_spark_job::standing::{Ending, Standing, was_killed};
use sparkwright_spark_job::stop::{self, StopOrder, Stopped};
use sparkwright_spark_job::submission::Run;
use sparkwright_spark_job::watch::Report;
use sparkwright_yarn::Application;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use crate::clusters::Connected;
use crate::executor::Task;
use crate::following::OwnRun;
use crate::hands::{Hands, Words};
use crate::journal::RunRecord;
use crate::life::search::{Found, Search};
use crate::life::{Event, Which};
use crate::snapshot::TaskState;

/// When a stop that was not confirmed is said to be, and tried again.
const ATTEMPT: Duration = Duration::from_secs(300);

impl Task {
    /// Stops a run, however long that takes; `is_told` if the task is told after that.
    pub(crate) async fn stop(&self, which: Which, is_told: bool, hands: &mut Hands) -> Event {
        self.listing.step(TaskState::Stopping);
        if is_told {
            info!(message = hands.words.message(), "the job is stopped");
        }
        let stopping = async {
            match which {
                Which::Own => self.stop_own(is_told, hands).await,
                Which::Any => self.stop_any(hands).await,
            }
        };
        let stopped = tokio::select! {
            event = stopping => Some(event),
            () = self.context.draining.end() => None,
        };
        match stopped {
            Some(event) => {
                if matches!(event, Event::Stopped { .. }) {
                    info!("the job has stopped");
                }
                event
            }
            None => {
                if !is_told {
                    let name = hands.run.as_ref().map(|own| own.run.name.to_string());
                    warn!(
                        batch_name = name,
                        "the worker goes before it was confirmed that the job has stopped; its next process goes on"
                    );
                }
                Event::Goes
            }
        }
    }

    /// Stops the own run; what there is to be told then.
    async fn stop_own(&self, is_told: bool, hands: &mut Hands) -> Event {
        let own = hands.run.as_ref().expect("what is to stop is known");
        self.listing.batch(&own.run.name);
        let give_up_at = is_told.then(|| Instant::now() + self.context.config.lost_timeout);
        let application = match self.until_stopped(own, give_up_at).await {
            Ok(application) => application,
            Err((event, why)) => {
                if let Words::Failure { message, summary } = &mut hands.words {
                    message.push_str(&self.redacted(&why));
                    *summary = Some(Box::new(Summary::of(&own.run, &own.report())));
                }
                return event;
            }
        };
        let ending = application.as_deref().and_then(ending_by_itself);
        let report = Report {
            standing: Standing::Ended(ending.unwrap_or(Ending::Killed)),
            application: application.map(Arc::from),
            ..own.report()
        };
        match (ending, &mut hands.words) {
            (Some(ending), Words::Failure { .. }) => {
                let outcome = self.outcome(own, &report, ending).await;
                hands.words = Words::Whole(Box::new(outcome));
            }
            (None, Words::Failure { summary, .. }) => {
                *summary = Some(Box::new(Summary::of(&own.run, &report)));
            }
            // There is nobody to be told.
            (_, Words::Nothing | Words::Whole(_)) => {}
        }
        Event::Stopped {
            by_itself: ending.is_some(),
        }
    }

    /// Stops whatever the intent has, of which the task never learned.
    async fn stop_any(&self, hands: &mut Hands) -> Event {
        const STOPPED: Event = Event::Stopped { by_itself: false };
        let (context, input) = (&self.context, &self.input);
        if hands.claim.is_none() {
            hands.claim = context
                .intents
                .claim_now(input.intent, &self.id, &self.heartbeats.pulse());
        }
        // Another task has come meanwhile, and sees to it.
        let Some(claim) = &hands.claim else { return STOPPED };
        claim.stopping();
        let now = || Instant::now().into_std();
        let mut search = Search::new(input.intent, input.spec, now(), context.config.settle);
        // A Livy that can no longer be named cannot be asked.
        while let Ok(connected) = context.clusters.get(&input.endpoint) {
            let survey = connected
                .cluster
                .survey(input.intent, None, context.config.poll_period)
                .await;
            match search.observe(now(), &survey) {
                Found::Nothing => break,
                Found::Run(number) => {
                    let name = BatchName::of(&input.slug, RunKey::of(input.intent, None, number));
                    let own = OwnRun::new(connected, seen_now(name, None), None);
                    self.listing.batch(&own.run.name);
                    // Without a time to give up it goes on until that is so.
                    let _ = self.until_stopped(&own, None).await;
                    search.stopped(number);
                }
                Found::Unknown(why) => {
                    let why = self.redacted(&why);
                    self.listing.note(Some(&why));
                }
            }
            sleep(context.config.poll_period).await;
        }
        STOPPED
    }

    /// Stops a run, each time with the newest credentials; its application as YARN knows it after that. Where there is a time
    /// to give up, somebody waits to be told: then a silent Livy is not waited for where YARN knows nothing of the run; the
    /// error is what there is to be told instead, and what it adds to the words.
    async fn until_stopped(
        &self,
        own: &OwnRun,
        give_up_at: Option<Instant>,
    ) -> Result<Option<Box<Application>>, (Event, String)> {
        let context = &self.context;
        loop {
            // Long enough for a silent Livy to be given up.
            let attempt_ends = Instant::now() + ATTEMPT.max(context.config.settle * 2);
            let order = StopOrder {
                name: own.run.name.clone(),
                last_post: Some(own.run.last_post),
                application: own.application,
                settle: context.config.settle,
                waits_for_livy: give_up_at.is_none(),
                poll_period: context.config.poll_period,
                deadline: give_up_at.map_or(attempt_ends, |give_up_at| give_up_at.min(attempt_ends)),
            };
            let newest = context.clusters.get(own.connected.cluster.endpoint());
            let cluster = newest
                .as_ref()
                .map_or(&own.connected.cluster, |newest| &newest.cluster);
            match stop::stop(cluster, &order).await {
                Stopped::Confirmed {
                    unheard: Some(why), ..
                } => {
                    let why = format!(". YARN knows nothing of it, and Livy did not answer: {why}");
                    return Err((Event::Unseen, why));
                }
                Stopped::Confirmed { application, .. } => return Ok(application),
                Stopped::Unconfirmed { why } => {
                    if give_up_at.is_some_and(|give_up_at| Instant::now() >= give_up_at) {
                        let why = format!(", but nobody confirms that, and the stop goes on: {why}");
                        return Err((Event::Unconfirmed, why));
                    }
                    warn!(why, "nobody confirms that the job has stopped; it is tried again");
                    sleep(context.config.poll_period).await;
                }
            }
        }
    }

    /// The run of which an earlier process has told.
    pub(crate) fn known(&self, record: &RunRecord) -> Option<OwnRun> {
        let connected = self.context.clusters.get(&self.input.endpoint).ok()?;
        let number = run_number(&record.name, self.input.intent, None)?;
        let name = BatchName::seen(&record.name, RunKey::of(self.input.intent, None, number))?;
        let application = record.application.as_ref().and_then(|id| id.parse().ok());
        Some(OwnRun::new(
            connected,
            seen_now(name, record.batch_id),
            application,
        ))
    }
}

/// A run that may exist: the answer to its submission was lost.
pub(crate) fn that_may_exist(connected: Arc<Connected>, name: BatchName) -> OwnRun {
    OwnRun::new(connected, seen_now(name, None), None)
}

/// Nobody knows better when it was posted: Livy may have taken the POST just before an earlier process died, or just now.
fn seen_now(name: BatchName, batch_id: Option<i64>) -> Run {
    Run {
        name,
        batch_id,
        last_post: Instant::now(),
        adopted: true,
    }
}

/// How an application ended that nobody killed.
fn ending_by_itself(application: &Application) -> Option<Ending> {
    if application.succeeded() {
        return Some(Ending::Succeeded);
    }
    (application.has_ended() && !was_killed(application)).then_some(Ending::Failed)
}
