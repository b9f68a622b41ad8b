//! Following a task's run: to its end, to the token's, or to the worker's.

use std::sync::Arc;
use std::time::Instant;

use sparkwright_spark_job::outcome::{JobState, Summary, conclude};
use sparkwright_spark_job::standing::{Ending, Phase, Standing};
use sparkwright_spark_job::submission::Run;
use sparkwright_spark_job::watch::Report;
use sparkwright_yarn::ApplicationId;
use tokio::sync::watch;
use tokio::time::{sleep, sleep_until, timeout};
use tracing::{Span, field, info, warn};

use crate::clusters::Connected;
use crate::completion::Completion;
use crate::errors::ErrorName;
use crate::executor::{End, Task};
use crate::heartbeat::Lease;
use crate::intents::Claim;
use crate::journal::{RunLine, Stage, Telling};
use crate::orphans::{Evidence, ExecutionState, Fate, LOOK_TIMEOUT, Orphan, execution_state, judge};
use crate::snapshot::Step;
use crate::stopping::{Pursuit, StopTarget};

/// What happens to a run that is followed.
enum Event {
    /// There is a new report.
    Looked,
    /// The watcher has let go of the run.
    WatcherGone,
    Ended(Ending),
    TokenOver(Lease),
    /// The worker goes.
    Leave,
    /// The job is to be stopped, and the task to be told this.
    Stop(Telling),
    /// Nobody has answered for too long.
    Lost,
}

/// What a look at a run's report says.
struct Seen {
    standing: Standing,
    deaf_since: Option<Instant>,
}

/// What has been said of a run already.
struct Progress {
    phase: Option<Phase>,
    application: Option<ApplicationId>,
    /// Its driver has been seen running, by this process or an earlier one.
    has_run: bool,
}

impl Task {
    /// Follows a run to its end, to the token's, or to the worker's; `has_run` if an earlier process has seen it running.
    pub(crate) async fn follow(
        &self,
        connected: Arc<Connected>,
        run: Run,
        claim: Claim,
        has_run: bool,
    ) -> End {
        Span::current().record("batch_name", field::display(&run.name));
        self.listing.followed(&run);
        info!(
            adopted = run.adopted,
            batch_id = run.batch_id,
            "the job is followed"
        );
        let mut reports = connected.watcher.follow(&run);
        let mut progress = Progress {
            phase: None,
            application: None,
            has_run,
        };
        self.note_run(&run, &progress).await;
        loop {
            let seen = self.look(&mut reports, &mut progress);
            if progress.phase >= Some(Phase::Running) && !progress.has_run {
                progress.has_run = true;
                self.note_run(&run, &progress).await;
            }
            let event = match seen.standing {
                Standing::Ended(ending) => Event::Ended(ending),
                Standing::Pending(phase) => {
                    let may_be_late = !progress.has_run && phase > Phase::Unknown;
                    self.next_event(&mut reports, may_be_late, seen.deaf_since).await
                }
            };
            let report = || reports.borrow().clone();
            match event {
                Event::Looked => {}
                Event::WatcherGone => {
                    // Should its task be gone for good, this must not become a hot loop.
                    sleep(self.context.config.poll_period).await;
                    reports = connected.watcher.follow(&run);
                }
                Event::Ended(ending) => {
                    return Box::pin(self.concluded(&connected, &run, &report(), ending)).await;
                }
                Event::TokenOver(lease) => {
                    let target = StopTarget::of(&run, &report());
                    return Box::pin(self.token_over(lease, connected, target, claim)).await;
                }
                Event::Leave => return End::Left,
                Event::Stop(telling) => {
                    let report = report();
                    let target = StopTarget::of(&run, &report);
                    return Box::pin(self.stopped(connected, run, target, &report, claim, telling)).await;
                }
                Event::Lost => return self.given_up(connected, &run, &report(), claim),
            }
        }
    }

    async fn next_event(
        &self,
        reports: &mut watch::Receiver<Report>,
        may_be_late: bool,
        deaf_since: Option<Instant>,
    ) -> Event {
        let lost_at = deaf_since.map(|since| since + self.context.config.lost_timeout);
        tokio::select! {
            changed = reports.changed() => if changed.is_ok() { Event::Looked } else { Event::WatcherGone },
            lease = self.heartbeats.over() => Event::TokenOver(lease),
            () = self.context.draining.leave() => Event::Leave,
            () = self.context.draining.stop() => {
                Event::Stop(Telling {
                    error: ErrorName::Cancelled,
                    message: "the worker was stopped, and told to stop its jobs".into(),
                })
            }
            () = sleep_until(self.start_deadline.into()), if may_be_late => {
                let limit = self.input.start_timeout.as_secs();
                let message = format!("the job was not running after {limit} s (StartTimeoutSeconds), and was stopped");
                Event::Stop(Telling {
                    error: ErrorName::StartTimeout,
                    message,
                })
            }
            () = sleep_until(lost_at.unwrap_or(self.start_deadline).into()), if lost_at.is_some() => Event::Lost,
        }
    }

    /// Takes the newest report in.
    fn look(&self, reports: &mut watch::Receiver<Report>, progress: &mut Progress) -> Seen {
        let report = reports.borrow_and_update();
        if let Standing::Pending(now) = report.standing
            && progress.phase != Some(now)
        {
            progress.phase = Some(now);
            self.listing.step(Step::Watching(now));
            info!(phase = ?now, "the job moves on");
        }
        let application = report.application.as_ref().map(|application| application.id);
        if let Some(id) = application.filter(|_| progress.application != application) {
            progress.application = application;
            Span::current().record("application_id", field::display(id));
            self.listing.application(id.to_string());
        }
        self.listing.looked(&report);
        let deaf_since = report.deaf.as_ref().map(|silence| silence.since);
        Seen {
            standing: report.standing,
            deaf_since,
        }
    }

    /// Puts into the journal which run is the task's.
    async fn note_run(&self, run: &Run, progress: &Progress) {
        let stage = Stage::Following {
            run: RunLine {
                name: run.name.to_string(),
                batch_id: run.batch_id,
                application: progress.application.map(|id| id.to_string()),
            },
            running: progress.has_run,
        };
        self.entry.note(&stage).await;
    }

    pub(crate) async fn concluded(
        &self,
        connected: &Connected,
        run: &Run,
        report: &Report,
        ending: Ending,
    ) -> End {
        let outcome = conclude(&connected.cluster, run, report, ending, &self.input.redaction).await;
        info!(?ending, "the job has ended");
        End::told(Completion::of(outcome))
    }

    /// Neither Livy nor YARN has answered for too long.
    fn given_up(&self, connected: Arc<Connected>, run: &Run, report: &Report, claim: Claim) -> End {
        let why = report
            .deaf
            .as_ref()
            .map_or("no reason is known", |silence| silence.why.as_str());
        let message = self.redacted(&format!("nobody has told for too long how the job stands: {why}"));
        warn!(
            message,
            "the job is given up; it is stopped when Livy and YARN return"
        );
        let summary = Summary {
            state: JobState::Lost,
            ..Summary::of(run, report)
        };
        End::Report(
            Completion::plain(ErrorName::Lost, message, Some(summary)),
            Some(Pursuit::new(connected, StopTarget::of(run, report), claim)),
        )
    }

    /// The service says that the token is over: cancelled, or its lease was lost. Nothing is reported.
    pub(crate) async fn token_over(
        &self,
        lease: Lease,
        connected: Arc<Connected>,
        target: StopTarget,
        claim: Claim,
    ) -> End {
        let execution = match (lease, &self.input.execution) {
            (Lease::Expired, Some(arn)) => {
                let look = timeout(LOOK_TIMEOUT, execution_state(&self.context, arn)).await;
                look.unwrap_or(ExecutionState::Unknown)
            }
            _ => ExecutionState::Unknown,
        };
        let fate = judge(Evidence {
            lease,
            is_wanted: claim.is_wanted(),
            execution,
            on_cancel: self.input.on_cancel,
        });
        match (fate, &self.input.execution) {
            (Fate::Stop, _) => {
                info!("the task was cancelled; its job is stopped");
                End::Stop(Pursuit::new(connected, target, claim))
            }
            (Fate::Leave, _) => {
                info!("the task is over; its job is left, as it was told");
                End::Over
            }
            (Fate::HandOver, _) => {
                info!("the task's token has expired; the retry that waits takes its job over");
                End::Over
            }
            (Fate::Wait, Some(execution)) => {
                warn!(
                    "the task's token has expired: its job is left to a retry, and stopped when its execution ends"
                );
                self.orphaned(connected, target, execution.clone())
            }
            (Fate::Wait, None) => {
                warn!(
                    "the task's token has expired: its job is left to a retry; without an ExecutionId nobody can tell \
                     whether one comes"
                );
                End::Over
            }
        }
    }

    /// The run waits for a retry.
    pub(crate) fn orphaned(&self, connected: Arc<Connected>, target: StopTarget, execution: String) -> End {
        End::Wait(Orphan {
            connected,
            target,
            execution,
            intent: self.input.intent,
            task: self.id.clone(),
            pulse: self.heartbeats.pulse(),
        })
    }
}
