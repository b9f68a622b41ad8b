//! Following a task's run: to its end, to the token's, or to the worker's.

use std::sync::Arc;
use std::time::Instant;

use sparkwright_spark_job::names::is_of_other_spec;
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
use crate::executor::{Task, loss};
use crate::hands::{Hands, Words};
use crate::heartbeat::Lease;
use crate::intents::Claim;
use crate::journal::RunRecord;
use crate::life::Event;
use crate::life::fate::{ExecutionState, Loss};
use crate::orphans::{LOOK_TIMEOUT, execution_state};
use crate::snapshot::TaskState;

/// A task's run, and what has been seen of it.
pub(crate) struct OwnRun {
    pub(crate) connected: Arc<Connected>,
    pub(crate) run: Run,
    /// YARN's id, also from an earlier process.
    pub(crate) application: Option<ApplicationId>,
    /// Its driver has been seen running, by this process or an earlier one.
    pub(crate) has_run: bool,
    phase: Option<Phase>,
    /// While it is followed.
    reports: Option<watch::Receiver<Report>>,
    /// The newest one after that.
    last: Option<Box<Report>>,
}

/// What a look at a run's report says.
struct Seen {
    standing: Standing,
    deaf_since: Option<Instant>,
    /// Its application, which shows for the first time, is another job's.
    is_other_job: bool,
    /// YARN would know it by now, and does not.
    unknown_to_yarn: bool,
}

/// What happens to a run that is followed.
enum Sign {
    /// There is a new report.
    Looked,
    /// The watcher has let go of the run.
    WatcherGone,
    TokenOver(Lease),
    /// The worker goes.
    Leave,
    /// The worker stops, and its jobs with it.
    Stop,
    /// It should be running by now.
    Late,
    /// Nobody has answered for too long.
    Deaf,
}

impl OwnRun {
    pub(crate) fn new(connected: Arc<Connected>, run: Run, application: Option<ApplicationId>) -> Self {
        Self {
            connected,
            run,
            application,
            has_run: false,
            phase: None,
            reports: None,
            last: None,
        }
    }

    /// Which run it is, for a later process.
    pub(crate) fn record(&self) -> RunRecord {
        RunRecord {
            name: self.run.name.to_string(),
            batch_id: self.run.batch_id,
            application: self.application.map(|id| id.to_string()),
        }
    }

    /// The newest report.
    pub(crate) fn report(&self) -> Report {
        match (&self.reports, &self.last) {
            (Some(reports), _) => reports.borrow().clone(),
            (None, Some(last)) => (**last).clone(),
            (None, None) => Report {
                standing: Standing::Pending(Phase::Unknown),
                application: None,
                batch: None,
                silence: None,
                deaf: None,
                unknown_to_yarn: false,
            },
        }
    }

    /// It is followed no more.
    fn let_go(&mut self) {
        self.last = Some(Box::new(self.report()));
        self.reports = None;
    }
}

impl Task {
    /// Follows the own run.
    pub(crate) async fn follow(&self, hands: &mut Hands) -> Event {
        let own = hands.run.as_mut().expect("what is followed is known");
        if own.reports.is_none() {
            self.begin_to_follow(own, hands.claim.as_ref());
        }
        let event = self.next_event(own, &mut hands.words).await;
        if event != Event::Runs {
            own.let_go();
        }
        event
    }

    async fn next_event(&self, own: &mut OwnRun, words: &mut Words) -> Event {
        loop {
            let seen = self.look(own);
            if seen.is_other_job {
                self.context.intents.misnamed(self.input.intent, self.input.spec);
                let how = format!(
                    "the run `{}` was submitted for the same with other parameters",
                    own.run.name
                );
                *words = self.names_other_job(&how);
                return Event::OtherJob;
            }
            if own.phase >= Some(Phase::Running) && !own.has_run {
                own.has_run = true;
                return Event::Runs;
            }
            let sign = match seen.standing {
                Standing::Ended(ending) => {
                    let outcome = Box::pin(self.outcome(own, &own.report(), ending)).await;
                    *words = Words::Whole(Box::new(outcome));
                    return Event::Ended;
                }
                Standing::Pending(phase) => {
                    let may_be_late = !own.has_run && (phase > Phase::Unknown || seen.unknown_to_yarn);
                    let reports = own.reports.as_mut().expect("it is followed");
                    self.next_sign(reports, may_be_late, seen.deaf_since).await
                }
            };
            match sign {
                Sign::Looked => {}
                Sign::WatcherGone => {
                    // Should its task be gone for good, this must not become a hot loop.
                    sleep(self.context.config.poll_period).await;
                    own.reports = Some(own.connected.watcher.follow(&own.run));
                }
                Sign::TokenOver(lease) => return Event::TokenOver(loss(lease).unwrap_or(Loss::Expired)),
                Sign::Leave => return Event::Goes,
                Sign::Stop => {
                    *words = Words::of("the worker was stopped, and told to stop its jobs");
                    return Event::ToldToStop;
                }
                Sign::Late => {
                    let limit = self.input.start_timeout.as_secs();
                    *words = Words::of(format!(
                        "the job was not running after {limit} s (StartTimeoutSeconds), and was stopped"
                    ));
                    return Event::Late;
                }
                Sign::Deaf => {
                    *words = self.given_up(own);
                    return Event::Deaf;
                }
            }
        }
    }

    fn begin_to_follow(&self, own: &mut OwnRun, claim: Option<&Claim>) {
        Span::current().record("batch_name", field::display(&own.run.name));
        self.listing.followed(&own.run);
        if let Some(id) = own.application {
            self.shows_application(id);
        }
        info!(
            adopted = own.run.adopted,
            batch_id = own.run.batch_id,
            "the job is followed"
        );
        if let Some(claim) = claim {
            claim.adopted();
        }
        own.reports = Some(own.connected.watcher.follow(&own.run));
    }

    async fn next_sign(
        &self,
        reports: &mut watch::Receiver<Report>,
        may_be_late: bool,
        deaf_since: Option<Instant>,
    ) -> Sign {
        let lost_at = deaf_since.map(|since| since + self.context.config.lost_timeout);
        tokio::select! {
            changed = reports.changed() => if changed.is_ok() { Sign::Looked } else { Sign::WatcherGone },
            lease = self.heartbeats.over() => Sign::TokenOver(lease),
            () = self.context.draining.leave() => Sign::Leave,
            () = self.context.draining.stop() => Sign::Stop,
            () = sleep_until(self.start_deadline.into()), if may_be_late => Sign::Late,
            () = sleep_until(lost_at.unwrap_or(self.start_deadline).into()), if lost_at.is_some() => Sign::Deaf,
        }
    }

    /// Takes the newest report in.
    fn look(&self, own: &mut OwnRun) -> Seen {
        let reports = own.reports.as_mut().expect("it is followed");
        let report = reports.borrow_and_update();
        if let Standing::Pending(now) = report.standing
            && own.phase != Some(now)
        {
            own.phase = Some(now);
            self.listing.step(TaskState::Watching(now));
            info!(phase = ?now, "the job moves on");
        }
        let mut is_other_job = false;
        if let Some(application) = &report.application
            && own.application != Some(application.id)
        {
            own.application = Some(application.id);
            // A batch that was adopted did not say what it is.
            is_other_job =
                self.input.has_client_token && is_of_other_spec(&application.tags, self.input.spec);
            if !is_other_job {
                self.shows_application(application.id);
            }
        }
        self.listing.looked(&report);
        Seen {
            is_other_job,
            standing: report.standing,
            deaf_since: report.deaf.as_ref().map(|silence| silence.since),
            unknown_to_yarn: report.unknown_to_yarn,
        }
    }

    fn shows_application(&self, id: ApplicationId) {
        Span::current().record("application_id", field::display(id));
        self.listing.application(id.to_string());
    }

    /// How the run ended, as it is told.
    pub(crate) async fn outcome(&self, own: &OwnRun, report: &Report, ending: Ending) -> Completion {
        let cluster = &own.connected.cluster;
        let outcome = conclude(cluster, &own.run, report, ending, &self.input.redaction).await;
        info!(?ending, "the job has ended");
        Completion::of(outcome)
    }

    /// Neither Livy nor YARN has answered for too long.
    fn given_up(&self, own: &OwnRun) -> Words {
        let report = own.report();
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
            ..Summary::of(&own.run, &report)
        };
        Words::Failure {
            message,
            summary: Some(Box::new(summary)),
        }
    }

    /// Finds out what decides what becomes of the run of a task whose token is over.
    pub(crate) async fn examine(&self, loss: Loss, hands: &Hands) -> Event {
        // An earlier process may have told how the task ends, and not have written that down.
        let is_doubtful = loss == Loss::Expired || self.is_resumed;
        let execution = match &self.input.execution {
            Some(arn) if is_doubtful => {
                let look = timeout(LOOK_TIMEOUT, execution_state(&self.context, arn)).await;
                look.unwrap_or(ExecutionState::Unknown)
            }
            _ => ExecutionState::Unknown,
        };
        let is_wanted = match &hands.claim {
            Some(claim) => claim.is_wanted(),
            None => self.context.intents.is_taken(self.input.intent),
        };
        Event::Examined { is_wanted, execution }
    }
}
