//! What a task ends with: an output, or an error's name with its cause. Both within what Step Functions takes.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sparkwright_spark_job::explanation::Explanation;
use sparkwright_spark_job::outcome::{JobState, Outcome, Summary};
use sparkwright_spark_job::standing::Ending;
use sparkwright_yarn::ApplicationId;

use crate::errors::ErrorName;

/// Step Functions refuses a longer cause.
pub(crate) const MAX_CAUSE_BYTES: usize = 32_768;

/// Step Functions refuses a longer output.
pub(crate) const MAX_OUTPUT_BYTES: usize = 262_144;

/// Stands where something was cut out.
const CUT: &str = "…";

/// Stands where nothing else would: a failure always says something, and what to do.
const NO_REASON: &str = "the worker knows no reason: see its log for this task, and YARN for its job";

/// A task's end, as it is reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Completion {
    /// The task succeeded with this output.
    Success { output: String },
    /// The task failed under this name.
    Failure { name: ErrorName, cause: String },
}

impl Completion {
    /// A run has ended.
    pub(crate) fn of(outcome: Outcome) -> Self {
        let name = match outcome.ending {
            Ending::Succeeded => {
                return Self::Success {
                    output: output(outcome.summary),
                };
            }
            Ending::Failed | Ending::NotStarted => ErrorName::Failed,
            Ending::Killed => ErrorName::Killed,
            Ending::Lost => ErrorName::Lost,
        };
        Self::failure(name, outcome.explanation, Some(outcome.summary))
    }

    /// There is no run, or no outcome of it to wait for.
    pub(crate) fn plain(name: ErrorName, message: impl Into<String>, summary: Option<Summary>) -> Self {
        Self::failure(
            name,
            Explanation {
                message: message.into(),
                ..Explanation::default()
            },
            summary,
        )
    }

    fn failure(name: ErrorName, mut explanation: Explanation, summary: Option<Summary>) -> Self {
        if explanation.message.trim().is_empty() {
            explanation.message = NO_REASON.into();
        }
        Self::Failure {
            name,
            cause: Cause::new(explanation, summary).into_json(MAX_CAUSE_BYTES),
        }
    }

    /// Why it is a failure, as far as a few lines can tell.
    pub(crate) fn reason(&self) -> Option<Reason> {
        let Self::Failure { cause, .. } = self else {
            return None;
        };
        // A journal's completion is what is told, whichever release made it.
        let cause: Value = serde_json::from_str(cause).unwrap_or_default();
        let text = |name: &str| cause[name].as_str().unwrap_or_default();
        let message = text("message").to_owned();
        let exception = last_line(text("exception")).filter(|line| !message.contains(line));
        Some(Reason {
            exception: exception.map(str::to_owned),
            message,
        })
    }

    /// The same with the least that can be said, for a service that refuses more.
    pub(crate) fn reduced(&self) -> Self {
        match self {
            Self::Success { output } => {
                let application_id = serde_json::from_str::<serde_json::Value>(output)
                    .ok()
                    .and_then(|output| output.get("applicationId").cloned());
                Self::Success {
                    output: serde_json::json!({"applicationId": application_id, "state": "SUCCEEDED"})
                        .to_string(),
                }
            }
            Self::Failure { name, .. } => Self::plain(
                *name,
                "Step Functions refused the full cause; it stands in the worker's log",
                None,
            ),
        }
    }
}

/// Why a task failed, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) message: String,
    /// The exception's last line, where the message does not say the same.
    pub(crate) exception: Option<String>,
}

/// The last line that is no part of a JVM's stack.
fn last_line(exception: &str) -> Option<&str> {
    let is_of_stack = |line: &str| line.starts_with("at ") || line.starts_with("... ");
    let lines = exception.lines().map(str::trim);
    lines.rev().find(|line| !line.is_empty() && !is_of_stack(line))
}

fn output(mut summary: Summary) -> String {
    let text = json(&summary);
    if text.len() <= MAX_OUTPUT_BYTES {
        return text;
    }
    // Nothing else in it can be long.
    summary.driver_log_url = None;
    summary.spark_ui_url = None;
    json(&summary)
}

/// Why a task failed, for people and for `Catch`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Cause {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    application_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<JobState>,
    #[serde(skip_serializing_if = "String::is_empty")]
    exception: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    diagnostics: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    log_tail: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    driver_log_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spark_ui_url: Option<String>,
}

impl Cause {
    fn new(explanation: Explanation, summary: Option<Summary>) -> Self {
        let cause = Self {
            message: explanation.message,
            exception: explanation.exception.unwrap_or_default(),
            diagnostics: explanation.diagnostics.unwrap_or_default(),
            log_tail: explanation.log_tail,
            ..Self::default()
        };
        let Some(summary) = summary else { return cause };
        Self {
            application_id: summary.application_id.as_ref().map(ApplicationId::to_string),
            batch_id: summary.batch_id,
            name: Some(summary.name),
            state: Some(summary.state),
            driver_log_url: summary.driver_log_url,
            spark_ui_url: summary.spark_ui_url,
            ..cause
        }
    }

    /// The cause within a limit. The log gives way first, from its beginning; then diagnostics, exception, message.
    fn into_json(mut self, limit: usize) -> String {
        let cuts: [fn(&mut Self, usize); 6] = [
            |cause, over| cut_lines(&mut cause.log_tail, over),
            |cause, over| cut_middle(&mut cause.diagnostics, over),
            |cause, over| cut_middle(&mut cause.exception, over),
            |cause, _| cause.driver_log_url = None,
            |cause, _| cause.spark_ui_url = None,
            |cause, over| cut_middle(&mut cause.message, over),
        ];
        let mut text = json(&self);
        for cut in cuts {
            if text.len() <= limit {
                break;
            }
            cut(&mut self, text.len() - limit);
            text = json(&self);
        }
        text
    }
}

/// Drops lines from the beginning until `over` bytes of JSON are saved, or nothing is left; of the last line the end
/// stays.
fn cut_lines(lines: &mut Vec<String>, over: usize) {
    let mut saved = 0;
    while saved < over && lines.len() > 1 {
        saved += json(&lines.remove(0)).len() + 1;
    }
    if saved >= over {
        return;
    }
    if let Some(last) = lines.first_mut() {
        let keep_from = ceil_boundary(last, over - saved + CUT.len());
        *last = if keep_from < last.len() {
            format!("{CUT}{}", &last[keep_from..])
        } else {
            String::new()
        };
    }
    lines.retain(|line| !line.is_empty());
}

/// Cuts `over` bytes of JSON and more out of the middle, or everything. A character takes at least as much room in
/// JSON as in the text.
fn cut_middle(text: &mut String, over: usize) {
    let cut = over + CUT.len();
    if cut >= text.len() {
        text.clear();
        return;
    }
    // The beginning says what, the end says why: the end gets two thirds of the room.
    let begin = floor_boundary(text, (text.len() - cut) / 3);
    let end = ceil_boundary(text, begin + cut);
    *text = format!("{}{CUT}{}", &text[..begin], &text[end..]);
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn ceil_boundary(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts, numbers and lists are always JSON")
}

#[cfg(test)]
mod tests;
