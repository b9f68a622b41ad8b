//! What people read: attributes of a job that stands, and the reason of one that does not.

use std::time::Duration;

use custom_resource::{Failure, Provisioned};
use sparkwright_spark_job::cluster::Cluster;
use sparkwright_spark_job::endpoint::{Endpoint, ResourceManager};
use sparkwright_spark_job::names::BatchName;
use sparkwright_spark_job::outcome::{Outcome, Summary};
use sparkwright_spark_job::redact::Redaction;
use sparkwright_spark_job::stop::Stopped;
use sparkwright_spark_job::submission::Run;
use sparkwright_spark_job::watch::Report;
use sparkwright_yarn::Application;

use crate::budget::Over;

/// Stands for what cannot be had: a rollback must not fail because an attribute is missing.
const UNKNOWN: &str = "unknown";

/// An answer holds 4096 bytes in all: what stands first must not push out what stands last.
const MAX_EXCEPTION_BYTES: usize = 1600;
const MAX_DIAGNOSTICS_BYTES: usize = 500;

/// An event is read on one screen.
const MAX_LINES: usize = 30;

/// Every attribute's name.
pub const ATTRIBUTES: [&str; 8] = [
    "BatchId",
    "ApplicationId",
    "State",
    "Name",
    "DriverLogUrl",
    "SparkUiUrl",
    "TrackingUrl",
    "LivyUrl",
];

/// What is known of a job when its request succeeds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Known {
    /// The run's name in Livy.
    pub(crate) name: String,
    /// Livy's address.
    pub(crate) livy: Option<String>,
    /// What was seen of the run.
    pub(crate) summary: Option<Summary>,
    /// Its application's page.
    pub(crate) tracking_url: Option<String>,
}

impl Known {
    /// What a look at a run showed.
    pub(crate) fn seen(cluster: &Cluster, run: &Run, report: &Report) -> Self {
        let is_seen = report.application.is_some() || report.batch.is_some();
        Self {
            name: run.name.to_string(),
            livy: Some(cluster.livy().url().to_string()),
            summary: is_seen.then(|| Summary::of(run, report)),
            tracking_url: tracking_url(cluster.endpoint(), report.application.as_deref()),
        }
    }

    /// A run that could not be looked at.
    pub(crate) fn unseen(name: &BatchName) -> Self {
        Self {
            name: name.to_string(),
            ..Self::default()
        }
    }
}

/// What ends a wait.
#[derive(Clone, Debug)]
pub(crate) enum Bound {
    /// The template's own limit.
    Template(Duration),
    /// The invocation's end, and why no further one took over, if one was tried.
    Function(Option<String>),
    /// CloudFormation's end.
    Service,
}

/// A wait that has taken too long.
#[derive(Debug)]
pub(crate) struct Late<'a> {
    /// What was waited for.
    pub(crate) goal: &'static str,
    /// Which limit came.
    pub(crate) bound: Bound,
    /// How it stood when last seen.
    pub(crate) summary: Option<Summary>,
    /// Its name in Livy.
    pub(crate) batch: &'a BatchName,
    /// Its application.
    pub(crate) application: Option<&'a Application>,
    /// Why nothing has been seen lately.
    pub(crate) silence: Option<&'a str>,
    /// What became of it.
    pub(crate) stopped: &'a Stopped,
}

impl Late<'_> {
    /// What people read of it.
    pub(crate) fn reason(&self, endpoint: &Endpoint) -> String {
        let limit = match &self.bound {
            Bound::Template(time) => format!("within {} s (`WaitTimeoutSeconds`)", time.as_secs()),
            Bound::Service => {
                "before CloudFormation stops waiting (after an hour, or `ServiceTimeout`): ask for less with \
                               `WaitFor`, or run the job from a state machine"
                    .to_owned()
            }
            Bound::Function(why_alone) => format!(
                "before the function had to answer{}: ask for less with `WaitFor`, give the function more time, or run the \
                 job from a state machine",
                in_brackets(why_alone.as_deref())
            ),
        };
        let state = self
            .summary
            .as_ref()
            .map_or_else(|| "unknown".to_owned(), |summary| summary.state.to_string());
        let place = self
            .summary
            .as_ref()
            .map_or_else(|| format!("batch `{}`", self.batch), whereabouts);
        let stopped = match self.stopped {
            Stopped::Confirmed { .. } => "it was stopped".to_owned(),
            Stopped::Unconfirmed { why } => format!("that it has stopped could not be confirmed: {why}"),
        };
        let mut reason = format!(
            "the job was {state} ({place}), not {} {limit}; {stopped}",
            self.goal
        );
        if let Some(why) = self.silence {
            reason.push_str(&format!("\nIt could not be seen lately: {why}"));
        }
        let said = self
            .application
            .map(|application| application.diagnostics.trim())
            .filter(|said| !said.is_empty());
        if let Some(said) = said {
            reason.push_str(&format!("\nYARN: {}", ends(said, MAX_DIAGNOSTICS_BYTES)));
        }
        if let Some(page) = tracking_url(endpoint, self.application) {
            reason.push_str(&format!("\nSee {page}"));
        }
        reason
    }
}

/// SUCCESS with every attribute.
pub(crate) fn provisioned(id: String, known: &Known) -> Provisioned {
    let summary = known.summary.as_ref();
    let values = [
        summary
            .and_then(|summary| summary.batch_id)
            .map(|id| id.to_string()),
        summary
            .and_then(|summary| summary.application_id.as_ref())
            .map(ToString::to_string),
        summary.map(|summary| summary.state.to_string()),
        Some(known.name.clone()),
        summary.and_then(|summary| summary.driver_log_url.clone()),
        summary.and_then(|summary| summary.spark_ui_url.clone()),
        known.tracking_url.clone(),
        known.livy.clone(),
    ];
    ATTRIBUTES
        .into_iter()
        .zip(values)
        .fold(Provisioned::new(id), |provisioned, (name, value)| {
            let value = value
                .filter(|value| !value.is_empty())
                .unwrap_or_else(|| UNKNOWN.to_owned());
            provisioned.with_attribute(name, value)
        })
}

/// The page where people can see an application: YARN's own link, else the ResourceManager's page.
pub(crate) fn tracking_url(endpoint: &Endpoint, application: Option<&Application>) -> Option<String> {
    let application = application?;
    let own = application
        .tracking_url
        .clone()
        .filter(|url| url.starts_with("http"));
    own.or_else(|| match &endpoint.resource_manager {
        ResourceManager::Required { urls, .. } => urls
            .first()
            .map(|url| format!("{}cluster/app/{}", with_slash(url.as_str()), application.id)),
        ResourceManager::None => None,
    })
}

/// FAILED, because the job did not succeed: the cause in one line, the driver's own error, YARN's word, the page.
pub(crate) fn job_failure(outcome: &Outcome, tracking_url: Option<&str>) -> Failure {
    let explanation = &outcome.explanation;
    let mut reason = format!("{} ({})", explanation.message, whereabouts(&outcome.summary));
    if let Some(exception) = &explanation.exception {
        reason.push('\n');
        reason.push_str(&ends(exception, MAX_EXCEPTION_BYTES));
    }
    let shown = reason.clone();
    if let Some(diagnostics) = explanation
        .diagnostics
        .as_ref()
        .filter(|text| !shown.contains(text.trim()))
    {
        reason.push_str("\nYARN: ");
        reason.push_str(&ends(diagnostics, MAX_DIAGNOSTICS_BYTES));
    }
    if let Some(url) = tracking_url {
        reason.push_str("\nSee ");
        reason.push_str(url);
    }
    let lines = explanation
        .log_tail
        .iter()
        .filter(|line| !reason.contains(line.trim()));
    // One screen: the last lines, as far as the reason leaves room for them.
    let lines: Vec<_> = lines.cloned().collect();
    let room = MAX_LINES.saturating_sub(reason.lines().count());
    let last = lines.len().saturating_sub(room);
    Failure::new(&*reason).with_log_lines(lines[last..].iter().cloned())
}

/// What to say of a submission for which there was no more time.
pub(crate) fn no_time(over: Over, why_alone: Option<String>) -> String {
    match over {
        Over::Limit => {
            "CloudFormation stops waiting before the job was submitted: give `ServiceTimeout` more room"
                .to_owned()
        }
        Over::CutShort => format!(
            "the function's time ran out before the job was submitted{}: give the function more time",
            in_brackets(why_alone.as_deref())
        ),
    }
}

/// FAILED, for this reason.
pub(crate) fn failure(reason: &str, redaction: &Redaction) -> Failure {
    Failure::new(redaction.apply(reason))
}

fn in_brackets(text: Option<&str>) -> String {
    text.map_or_else(String::new, |text| format!(" ({text})"))
}

/// The application, or else the batch, and how often YARN tried.
fn whereabouts(summary: &Summary) -> String {
    let batch = format!("batch `{}`", summary.name);
    match (&summary.application_id, summary.attempts) {
        (Some(application), Some(attempts)) if attempts > 1 => {
            format!("{application}, {attempts} attempts, {batch}")
        }
        (Some(application), _) => format!("{application}, {batch}"),
        (None, _) => batch,
    }
}

/// The text's first line and as much of its end as there is room for: an error has its name at one of the two.
fn ends(text: &str, room: usize) -> String {
    let text = text.trim();
    if text.len() <= room {
        return text.to_owned();
    }
    let first = text.lines().next().unwrap_or_default();
    let first = &first[..floor(first, room / 3)];
    let start = text.len() - (room - first.len());
    let start = (start..text.len())
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(text.len());
    // Whole lines read better than the end of one.
    let tail = text[start..]
        .split_once('\n')
        .map_or(&text[start..], |(_, lines)| lines);
    format!("{first}\n…\n{tail}")
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

fn with_slash(url: &str) -> String {
    if url.ends_with('/') {
        url.to_owned()
    } else {
        format!("{url}/")
    }
}

#[cfg(test)]
mod tests;
