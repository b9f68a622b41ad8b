//! Following a task's run: to its end, to the token's, or to the worker's.

use std::sync::Arc;
use std::time::Instant;

use sparkwright_spark_job::outcome::{JobState, Summary, conclude};
use sparkwright_spark_job::standing::{Ending, Phase, Standing};
use sparkwright_spark_job::submission::Run;
use sparkwright_spark_job::watch::Report;
use sparkwright_yarn::{Application, ApplicationId, ApplicationState, FinalStatus};
use tokio::sync::watch;
use tokio::time::{sleep, sleep_until};
use tracing::{Span, field, info, warn};

use crate::clusters::Connected;
use crate::completion::Completion;
use crate::config::OnCancel;
use crate::errors::ErrorName;
use crate::executor::{End, Task};
use crate::heartbeat::Lease;
use crate::intents::Claim;
use crate::snapshot::Step;
use crate::stopping::{StopTarget, stop, stop_in_background};

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
    /// The job is to be stopped, and the task to fail so.
    Stop(ErrorName, String),
    /// Nobody has answered for too long.
    Lost,
}

/// What a look at a run's report says.
struct Seen {
    standing: Standing,
    deaf_since: Option<Instant>,
}

/// What has been said of a run already.
#[derive(Default)]
struct Progress {
    phase: Option<Phase>,
    application: Option<ApplicationId>,
}

impl Task {
    /// Follows a run to its end, to the token's, or to the worker's.
    pub(crate) async fn follow(&self, connected: Arc<Connected>, run: Run, claim: Claim) -> End {
        Span::current().record("batch_name", field::display(&run.name));
        self.listing.batch(&run.name);
        info!(
            adopted = run.adopted,
            batch_id = run.batch_id,
            "the job is followed"
        );
        let mut reports = connected.watcher.follow(&run);
        let mut progress = Progress::default();
        loop {
            let seen = self.look(&mut reports, &mut progress);
            let event = match seen.standing {
                Standing::Ended(ending) => Event::Ended(ending),
                Standing::Pending(phase) => self.next_event(&mut reports, phase, seen.deaf_since).await,
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
                    return self.token_over(lease, connected, StopTarget::of(&run, &report()), claim);
                }
                Event::Leave => return End::Left,
                Event::Stop(name, message) => {
                    info!(message, "the job is stopped");
                    let report = report();
                    return Box::pin(self.stopped(connected, run, &report, &claim, name, message)).await;
                }
                Event::Lost => return self.given_up(connected, &run, &report(), claim),
            }
        }
    }

    async fn next_event(
        &self,
        reports: &mut watch::Receiver<Report>,
        phase: Phase,
        deaf_since: Option<Instant>,
    ) -> Event {
        let lost_at = deaf_since.map(|since| since + self.context.config.lost_timeout);
        tokio::select! {
            changed = reports.changed() => if changed.is_ok() { Event::Looked } else { Event::WatcherGone },
            lease = self.heartbeats.over() => Event::TokenOver(lease),
            () = self.context.draining.leave() => Event::Leave,
            () = self.context.draining.stop() => {
                Event::Stop(ErrorName::Cancelled, "the worker was stopped, and told to stop its jobs".into())
            }
            () = sleep_until(self.start_deadline.into()), if phase < Phase::Running => {
                let limit = self.input.start_timeout.as_secs();
                let message = format!("the job was not running after {limit} s (StartTimeoutSeconds), and was stopped");
                Event::Stop(ErrorName::StartTimeout, message)
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
        self.listing
            .note(report.silence.as_ref().map(|silence| silence.why.as_str()));
        let deaf_since = report.deaf.as_ref().map(|silence| silence.since);
        Seen {
            standing: report.standing,
            deaf_since,
        }
    }

    async fn concluded(&self, connected: &Connected, run: &Run, report: &Report, ending: Ending) -> End {
        let outcome = conclude(&connected.cluster, run, report, ending, &self.input.redaction).await;
        info!(?ending, "the job has ended");
        End::Report(Completion::of(outcome))
    }

    /// Stops the run while the token is good, and reports that; or how it ended meanwhile by itself.
    async fn stopped(
        &self,
        connected: Arc<Connected>,
        run: Run,
        report: &Report,
        claim: &Claim,
        name: ErrorName,
        message: String,
    ) -> End {
        self.listing.step(Step::Stopping);
        claim.stopping();
        let target = StopTarget::of(&run, report);
        let application = tokio::select! {
            application = stop(&self.context, &connected, &target) => application,
            () = self.context.draining.end() => return End::Left,
        };
        let ending = application.as_deref().and_then(ending_by_itself);
        let standing = Standing::Ended(ending.unwrap_or(Ending::Killed));
        let report = Report {
            standing,
            application: application.map(|a| *a),
            ..report.clone()
        };
        match ending {
            Some(ending) => self.concluded(&connected, &run, &report, ending).await,
            None => End::Report(Completion::plain(name, message, Some(Summary::of(&run, &report)))),
        }
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
        stop_in_background(self, connected, StopTarget::of(run, report), claim);
        End::Report(Completion::plain(ErrorName::Lost, message, Some(summary)))
    }

    /// The service says that the token is over: cancelled, or its lease was lost. Nothing is reported.
    pub(crate) fn token_over(
        &self,
        lease: Lease,
        connected: Arc<Connected>,
        target: StopTarget,
        claim: Claim,
    ) -> End {
        if lease != Lease::Cancelled || claim.is_wanted() {
            warn!("the task's token has expired: its job is left to the retry that takes it over");
        } else if self.input.on_cancel == OnCancel::Leave {
            info!("the task was cancelled; its job is left, as it was told");
        } else {
            info!("the task was cancelled; its job is stopped");
            stop_in_background(self, connected, target, claim);
        }
        End::Over
    }
}

/// How an application ended that nobody killed.
fn ending_by_itself(application: &Application) -> Option<Ending> {
    let killed =
        application.state == ApplicationState::Killed || application.final_status == FinalStatus::Killed;
    if application.succeeded() {
        return Some(Ending::Succeeded);
    }
    (application.has_ended() && !killed).then_some(Ending::Failed)
}
