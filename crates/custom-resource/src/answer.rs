//! What is answered to a request: status, reason and, above all, which physical id.

use std::collections::BTreeMap;

use crate::envelope::Envelope;
use crate::perform::Ending;
use crate::text::{plain, printable};
use crate::{Failure, NOTHING_CREATED, Redactions, Request, RequestType};

/// CloudFormation's limit for a physical id.
const MAX_ID_BYTES: usize = 1024;
const NO_REASON: &str = "the provider gave no reason";

/// The answer before it is fitted into its 4096 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) physical_resource_id: String,
    pub(crate) outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Success {
        attributes: BTreeMap<String, String>,
        no_echo: bool,
    },
    /// Both without control characters; the reason is never empty.
    Failed { reason: String, log_lines: Vec<String> },
}

impl Answer {
    /// CloudFormation's word for how the request ended.
    pub(crate) fn status(&self) -> &'static str {
        match self.outcome {
            Outcome::Success { .. } => "SUCCESS",
            Outcome::Failed { .. } => "FAILED",
        }
    }
}

/// What the request and its provider have told by the time of the answer.
#[derive(Debug)]
pub(crate) struct Known<'a> {
    is_delete: bool,
    old_id: Option<&'a str>,
    claimed_id: Option<String>,
    redactions: Redactions,
}

impl<'a> Known<'a> {
    /// Of an event that is no request.
    pub(crate) fn new(envelope: &'a Envelope) -> Self {
        // A longer one cannot have been CloudFormation's, and cannot be echoed.
        let old_id = envelope.physical_resource_id.as_deref();
        let old_id = old_id.filter(|id| id.len() <= MAX_ID_BYTES);
        Self {
            is_delete: false,
            old_id,
            claimed_id: None,
            redactions: Redactions::default(),
        }
    }

    pub(crate) fn of(envelope: &'a Envelope, request: &Request) -> Self {
        Self {
            is_delete: request.request_type == RequestType::Delete,
            claimed_id: request.claim.claimed(),
            redactions: request.redactions.clone(),
            ..Self::new(envelope)
        }
    }

    /// Turns the ending into an answer. `fallback_id` is asked only when no id is known.
    pub(crate) fn answer(&self, ending: Ending, fallback_id: impl FnOnce() -> String) -> Answer {
        match ending {
            Ending::Provisioned(provisioned) if !is_usable(&provisioned.physical_resource_id) => {
                self.failed(unusable(&provisioned.physical_resource_id), fallback_id)
            }
            Ending::Provisioned(provisioned) => Answer {
                physical_resource_id: provisioned.physical_resource_id,
                outcome: Outcome::Success {
                    attributes: provisioned
                        .attributes
                        .iter()
                        .map(|(k, v)| (printable(k), printable(v)))
                        .collect(),
                    no_echo: provisioned.no_echo,
                },
            },
            Ending::Deleted => Answer {
                physical_resource_id: self.id(None, fallback_id),
                outcome: Outcome::Success {
                    attributes: BTreeMap::new(),
                    no_echo: false,
                },
            },
            Ending::Failed(failure) => self.failed(failure, fallback_id),
        }
    }

    fn failed(&self, failure: Failure, fallback_id: impl FnOnce() -> String) -> Answer {
        // Hidden first: once tabs and colours are gone, a secret that had any would not be recognised. And again: what
        // only stood within a secret is gone then.
        let clean = |text: &str| self.redactions.apply(&plain(&self.redactions.apply(text)));
        let reason = clean(&failure.reason);
        let log = clean(&failure.log_lines.join("\n"));
        Answer {
            physical_resource_id: self.id(failure.physical_resource_id, fallback_id),
            outcome: Outcome::Failed {
                reason: Some(reason.trim())
                    .filter(|reason| !reason.is_empty())
                    .unwrap_or(NO_REASON)
                    .to_owned(),
                log_lines: log.lines().map(str::to_owned).collect(),
            },
        }
    }

    /// The id of a failed request, or of a Delete, which always answers with its own. A wrong one makes
    /// CloudFormation remove the wrong thing, or nothing.
    fn id(&self, given: Option<String>, fallback_id: impl FnOnce() -> String) -> String {
        let told = [given, self.claimed_id.clone()]
            .into_iter()
            .flatten()
            .find(|id| is_usable(id));
        let old = self.old_id.map(str::to_owned);
        let known = if self.is_delete {
            old.or(told)
        } else {
            told.or(old)
        };
        known
            .or_else(|| Some(fallback_id()).filter(|id| is_usable(id)))
            .unwrap_or_else(|| NOTHING_CREATED.to_owned())
    }
}

fn unusable(id: &str) -> Failure {
    let length = id.len();
    Failure::new(format!(
        "the provider's physical id must be 1 to {MAX_ID_BYTES} printable bytes, but has {length} bytes: `{id}`"
    ))
}

fn is_usable(id: &str) -> bool {
    !id.trim().is_empty() && id.len() <= MAX_ID_BYTES && !id.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::Provisioned;

    const LONG: usize = MAX_ID_BYTES + 1;

    /// Checks status and id that answer a request with this claim and, unless it is a Create, the id `old`.
    #[track_caller]
    fn check(kind: &str, claim: Option<&str>, ending: Ending, expected: (&str, &str)) {
        let mut event = json!({ "RequestType": kind });
        if kind != "Create" {
            event["PhysicalResourceId"] = "old".into();
        }
        let envelope = Envelope::read(event.clone());
        let request = Request::from_event(event, Duration::from_secs(60)).unwrap();
        if let Some(id) = claim {
            request.claim.physical_resource_id(id);
        }
        let answer = Known::of(&envelope, &request).answer(ending, || "fallback".to_owned());
        assert_eq!((answer.status(), &*answer.physical_resource_id), expected);
    }

    fn failed() -> Ending {
        Failure::new("no").into()
    }

    fn failed_with(id: &str) -> Ending {
        Failure::new("no").with_physical_resource_id(id).into()
    }

    fn provisioned(id: &str) -> Ending {
        Ending::Provisioned(Provisioned::new(id))
    }

    #[test]
    fn a_failure_carries_the_id_that_leads_to_what_was_left() {
        check("Create", None, failed(), ("FAILED", "fallback"));
        check("Create", Some("claimed"), failed(), ("FAILED", "claimed"));
        check(
            "Create",
            Some("claimed"),
            failed_with("given"),
            ("FAILED", "given"),
        );
        check("Update", None, failed(), ("FAILED", "old"));
        check("Update", Some("claimed"), failed(), ("FAILED", "claimed"));
        check("Update", None, failed_with("given"), ("FAILED", "given"));
    }

    #[test]
    fn a_delete_answers_with_its_own_id_whatever_the_provider_says() {
        check("Delete", Some("claimed"), failed_with("given"), ("FAILED", "old"));
        check("Delete", Some("claimed"), Ending::Deleted, ("SUCCESS", "old"));
    }

    #[test]
    fn a_success_carries_the_providers_id() {
        check("Create", Some("claimed"), provisioned("new"), ("SUCCESS", "new"));
        check("Update", None, provisioned("new"), ("SUCCESS", "new"));
    }

    #[test]
    fn an_id_that_cloudformation_cannot_take_is_never_sent() {
        for id in ["", "  ", "a\nb", "a\u{1b}b", &"x".repeat(LONG)] {
            check("Create", Some("claimed"), provisioned(id), ("FAILED", "claimed"));
            check("Update", None, provisioned(id), ("FAILED", "old"));
            check("Update", Some(id), failed_with(id), ("FAILED", "old"));
            check("Create", Some(id), failed_with(id), ("FAILED", "fallback"));
        }
        let longest = "x".repeat(MAX_ID_BYTES);
        check("Create", None, provisioned(&longest), ("SUCCESS", &longest));
    }

    #[test]
    fn an_old_id_too_long_to_be_echoed_is_none() {
        let event = json!({"RequestType": "Update", "PhysicalResourceId": "x".repeat(LONG)});
        let envelope = Envelope::read(event);
        let answer = Known::new(&envelope).answer(failed(), || "fallback".to_owned());
        assert_eq!(answer.physical_resource_id, "fallback");
    }

    #[test]
    fn an_unusable_fallback_is_replaced() {
        let envelope = Envelope::read(json!({}));
        let answer = Known::new(&envelope).answer(failed(), String::new);
        assert_eq!(answer.physical_resource_id, NOTHING_CREATED);
    }

    #[test]
    fn a_reason_is_cleaned_redacted_and_never_empty() {
        let envelope = Envelope::read(json!({}));
        let known = Known::new(&envelope);
        known.redactions.hide("s3\tcret");
        let reason = |failure: Failure| match known.answer(failure.into(), String::new).outcome {
            Outcome::Failed { reason, log_lines } => (reason, log_lines),
            Outcome::Success { .. } => panic!("a failure is no success"),
        };
        assert_eq!(reason(Failure::new("")).0, NO_REASON);
        assert_eq!(reason(Failure::new("\u{1b}[31m \u{0}\n")).0, NO_REASON);
        let (text, lines) =
            reason(Failure::new(" s3\tcret! ").with_log_lines(["a\r\nb", "\u{1b}[1ms3\tcret"]));
        assert_eq!(text, "****!");
        assert_eq!(lines, ["a", "b", "****"]);
    }
}
