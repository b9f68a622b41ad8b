//! How a run stands or ended, in the words that outputs, causes and attributes share.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use sparkwright_yarn::{Application, ApplicationId, Attempt};
use tokio::time::timeout;

use crate::cluster::Cluster;
use crate::explanation::{self, Explanation};
use crate::redact::Redaction;
use crate::standing::{Ending, Phase, Standing};
use crate::submission::Run;
use crate::watch::Report;

/// How long an answer may take that only adds detail.
const DETAIL_TIMEOUT: Duration = Duration::from_secs(5);

/// A run's state, as users see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum JobState {
    /// Submitted; its driver does not run yet.
    Submitted,
    /// Its driver runs.
    Running,
    /// It succeeded.
    Succeeded,
    /// It failed, or never started.
    Failed,
    /// It was killed.
    Killed,
    /// Nobody knows what became of it.
    Lost,
}

impl From<Standing> for JobState {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Pending(Phase::Unknown | Phase::Starting | Phase::Submitted) => Self::Submitted,
            Standing::Pending(Phase::Running) => Self::Running,
            Standing::Ended(Ending::Succeeded) => Self::Succeeded,
            Standing::Ended(Ending::Failed | Ending::NotStarted) => Self::Failed,
            Standing::Ended(Ending::Killed) => Self::Killed,
            Standing::Ended(Ending::Lost) => Self::Lost,
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Submitted => "SUBMITTED",
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Killed => "KILLED",
            Self::Lost => "LOST",
        })
    }
}

/// What is known of a run. What is not known is left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// YARN's id.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub application_id: Option<ApplicationId>,
    /// Livy's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_id: Option<i64>,
    /// Its name in Livy, YARN and the Spark UI.
    pub name: String,
    /// How it stands.
    pub state: JobState,
    /// How often YARN started the driver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// The driver's container logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver_log_url: Option<String>,
    /// Spark's page, through YARN's proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spark_ui_url: Option<String>,
    /// When YARN took the application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submitted_at: Option<Timestamp>,
    /// When its driver was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// From its driver's start to its end, or from its submission where the start is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<i64>,
}

impl Summary {
    /// What looks alone have shown.
    pub fn of(run: &Run, report: &Report) -> Self {
        let application = report.application.as_ref();
        let links = report.batch.as_ref().map(|batch| &batch.app_info);
        let reported = || report.batch.as_ref()?.app_id.as_deref()?.parse().ok();
        let mut summary = Self {
            application_id: application.map(|application| application.id).or_else(reported),
            batch_id: run.batch_id.or(report.batch.as_ref().map(|batch| batch.id.0)),
            name: run.name.to_string(),
            state: report.standing.into(),
            attempts: None,
            driver_log_url: application
                .and_then(|a| a.am_container_logs.clone())
                .or_else(|| links?.driver_log_url.clone()),
            spark_ui_url: application
                .and_then(|a| a.tracking_url.clone())
                .or_else(|| links?.spark_ui_url.clone()),
            submitted_at: application.and_then(|a| timestamp(a.started_at_ms)),
            started_at: application.and_then(|a| timestamp(a.launched_at_ms)),
            ended_at: application.and_then(|a| timestamp(a.finished_at_ms)),
            duration_seconds: None,
        };
        summary.measure();
        summary
    }

    fn add_attempts(&mut self, attempts: &[Attempt]) {
        self.attempts = u32::try_from(attempts.len()).ok().filter(|count| *count > 0);
        let first = attempts.iter().min_by_key(|attempt| attempt.number);
        self.started_at = self
            .started_at
            .or_else(|| first.and_then(|attempt| timestamp(attempt.started_at_ms)));
        self.measure();
    }

    fn measure(&mut self) {
        let began = self.started_at.or(self.submitted_at);
        self.duration_seconds = began
            .zip(self.ended_at)
            .map(|(began, ended)| ended.duration_since(began).as_secs().max(0));
    }
}

/// How a run ended, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// How.
    pub ending: Ending,
    /// What is known of it.
    pub summary: Summary,
    /// Why it did not succeed; empty for a success.
    pub explanation: Explanation,
}

/// Gathers what can be had within a few seconds about a run that has ended.
pub async fn conclude(
    cluster: &Cluster,
    run: &Run,
    report: &Report,
    ending: Ending,
    redaction: &Redaction,
) -> Outcome {
    let mut summary = Summary::of(run, report);
    let attempts = match &report.application {
        Some(application) => attempts(cluster, application).await,
        None => Vec::new(),
    };
    summary.add_attempts(&attempts);
    let explanation = match ending {
        Ending::Succeeded => Explanation::default(),
        _ => explanation::explain(cluster, run, report, ending, attempts.last())
            .await
            .redacted(redaction),
    };
    Outcome {
        ending,
        summary,
        explanation,
    }
}

/// The application's attempts in their order, or none when they cannot be had in time.
async fn attempts(cluster: &Cluster, application: &Application) -> Vec<Attempt> {
    let Some(yarn) = cluster.yarn() else {
        return Vec::new();
    };
    match timeout(DETAIL_TIMEOUT, yarn.attempts(&application.id)).await {
        Ok(Ok(mut attempts)) => {
            attempts.sort_by_key(|attempt| attempt.number);
            attempts
        }
        _ => Vec::new(),
    }
}

fn timestamp(milliseconds: i64) -> Option<Timestamp> {
    (milliseconds > 0)
        .then(|| Timestamp::from_millisecond(milliseconds).ok())
        .flatten()
}

fn as_text<S: Serializer>(id: &Option<ApplicationId>, serializer: S) -> Result<S::Ok, S::Error> {
    match id {
        Some(id) => serializer.collect_str(id),
        None => serializer.serialize_none(),
    }
}
