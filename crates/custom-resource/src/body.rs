//! The answer's JSON, within CloudFormation's limit.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::answer::{Answer, Outcome};
use crate::envelope::Envelope;
use crate::text::{CUT, beginning, json_len, shortened};

/// A longer answer is not accepted.
pub(crate) const MAX_BODY_BYTES: usize = 4096;

// CloudFormation's own texts are far shorter (an ARN of a stack is at most some 230 bytes) and are echoed
// verbatim. The limits only keep a malformed event from taking the room of the reason.
const MAX_STACK_ID: usize = 600;
const MAX_SHORT_ID: usize = 300;
const MAX_PHYSICAL_ID: usize = 2048;

/// Stands where log lines were left out.
const LINES_LEFT_OUT: &str = "[…]";
/// Less of a log line is not worth showing.
const MIN_PART_OF_LINE: usize = 60;

/// The answer as CloudFormation reads it. What is absent is left out: a `null` would spoil the answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    physical_resource_id: &'a str,
    stack_id: &'a str,
    request_id: &'a str,
    logical_resource_id: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    no_echo: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    data: BTreeMap<String, String>,
}

impl Body<'_> {
    fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings and booleans always serialise")
    }
}

/// Writes the answer to this event in at most [`MAX_BODY_BYTES`].
pub(crate) fn write(answer: &Answer, envelope: &Envelope) -> Vec<u8> {
    let mut body = Body {
        status: answer.status(),
        reason: None,
        physical_resource_id: beginning(&answer.physical_resource_id, MAX_PHYSICAL_ID),
        stack_id: beginning(&envelope.stack_id, MAX_STACK_ID),
        request_id: beginning(&envelope.request_id, MAX_SHORT_ID),
        logical_resource_id: beginning(&envelope.logical_resource_id, MAX_SHORT_ID),
        no_echo: false,
        data: BTreeMap::new(),
    };
    match &answer.outcome {
        Outcome::Success { attributes, no_echo } => {
            body.no_echo = *no_echo;
            let room = MAX_BODY_BYTES - body.to_json().len() - r#","Data":{}"#.len();
            body.data = fit_attributes(attributes.clone(), room);
        }
        Outcome::Failed { reason, log_lines } => {
            let room = MAX_BODY_BYTES - body.to_json().len() - r#","Reason":"""#.len();
            body.reason = Some(fit_reason(reason, log_lines, room));
        }
    }
    body.to_json()
}

/// The reason, then as many of the last log lines as there is room for.
fn fit_reason(reason: &str, log_lines: &[String], room: usize) -> String {
    const NEWLINE: usize = 2;
    let mut text = shortened(reason, room);
    let room = room.saturating_sub(json_len(&text));
    let reserved = NEWLINE + json_len(LINES_LEFT_OUT);

    let mut used = 0;
    let mut shown = Vec::new();
    let lines: Vec<&str> = log_lines
        .iter()
        .map(|line| line.trim_end())
        .filter(|line| !line.is_empty())
        .collect();
    for (index, line) in lines.iter().enumerate().rev() {
        let reserved = if index == 0 { 0 } else { reserved };
        let left = room.saturating_sub(used + NEWLINE + reserved);
        if json_len(line) > left && (left < MIN_PART_OF_LINE || !shown.is_empty()) {
            shown.push(LINES_LEFT_OUT.to_owned());
            break;
        }
        let line = shortened(line, left);
        used += NEWLINE + json_len(&line);
        shown.push(line);
    }
    // Alone, the mark would say nothing, and there may be no room for it.
    if shown.iter().any(|line| line != LINES_LEFT_OUT) {
        for line in shown.iter().rev() {
            text.push('\n');
            text.push_str(line);
        }
    }
    text
}

/// The attributes with the longest values shortened alike, until all of them fit.
fn fit_attributes(mut attributes: BTreeMap<String, String>, room: usize) -> BTreeMap<String, String> {
    // Quotes and colon, and a comma for each (one too many).
    let size = |attributes: &BTreeMap<String, String>, longest: usize| -> usize {
        attributes
            .iter()
            .map(|(name, value)| 6 + json_len(name) + json_len(value).min(longest))
            .sum()
    };
    // Only names of some kilobytes get here. A template that reads such a one is told that it is missing.
    while size(&attributes, json_len(CUT)) > room {
        let longest = attributes.keys().max_by_key(|name| json_len(name)).cloned();
        let Some(name) = longest else { break };
        attributes.remove(&name);
        tracing::warn!("an attribute was left out: its name does not fit the answer");
    }
    let (mut fits, mut too_long) = (json_len(CUT), MAX_BODY_BYTES);
    while too_long - fits > 1 {
        let middle = fits.midpoint(too_long);
        if size(&attributes, middle) <= room {
            fits = middle
        } else {
            too_long = middle
        }
    }
    for (name, value) in &mut attributes {
        if json_len(value) > fits {
            tracing::warn!(attribute = %name, "an attribute was shortened to fit the answer");
            *value = shortened(value, fits);
        }
    }
    attributes
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::answer::Known;
    use crate::perform::Ending;
    use crate::{Failure, Provisioned, Request};

    fn envelope(stack_id: &str, old_id: Option<&str>) -> Envelope {
        Envelope::read(json!({
            "RequestType": "Update", "RequestId": "6dd3-r", "StackId": stack_id, "LogicalResourceId": "Report",
            "PhysicalResourceId": old_id,
        }))
    }

    fn body(ending: impl Into<Ending>) -> Value {
        let envelope = envelope("arn:stack", Some("old"));
        let answer = Known::new(&envelope).answer(ending.into(), String::new);
        let bytes = write(&answer, &envelope);
        assert!(bytes.len() <= MAX_BODY_BYTES);
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn an_answer_has_the_fields_that_it_needs_and_no_other() {
        let common = |mut body: Value, status: &str, id: &str| {
            body["Status"] = status.into();
            body["PhysicalResourceId"] = id.into();
            body["StackId"] = "arn:stack".into();
            body["RequestId"] = "6dd3-r".into();
            body["LogicalResourceId"] = "Report".into();
            body
        };
        assert_eq!(body(Ending::Deleted), common(json!({}), "SUCCESS", "old"));
        assert_eq!(
            body(Failure::new("no")),
            common(json!({"Reason": "no"}), "FAILED", "old")
        );
        let mut provisioned = Provisioned::new("new").with_attribute("Url", "http://a/?b=\"c\"");
        provisioned.no_echo = true;
        let expected = json!({"NoEcho": true, "Data": {"Url": "http://a/?b=\"c\""}});
        assert_eq!(
            body(Ending::Provisioned(provisioned)),
            common(expected, "SUCCESS", "new")
        );
    }

    #[test]
    fn log_lines_give_way_before_the_reason_and_the_last_ones_stay() {
        let lines: Vec<String> = (0..500).map(|n| format!("line {n} \"quoted\"")).collect();
        let reason = body(Failure::new("the cause").with_log_lines(lines))["Reason"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(reason.starts_with("the cause\n[…]\nline "), "{reason}");
        assert!(
            reason.ends_with("line 498 \"quoted\"\nline 499 \"quoted\""),
            "{reason}"
        );

        let long = body(Failure::new("x".repeat(5000)).with_log_lines(["a line"]));
        let long = long["Reason"].as_str().unwrap();
        assert!(long.starts_with("xxx") && long.ends_with(CUT), "{long}");
    }

    #[test]
    fn one_endless_log_line_is_shown_in_part() {
        let lines = ["x".repeat(100), "y".repeat(9000)];
        let reason = body(Failure::new("cause").with_log_lines(lines));
        let reason = reason["Reason"].as_str().unwrap().to_owned();
        assert!(
            reason.starts_with("cause\n[…]\nyyy") && reason.ends_with(CUT),
            "{reason}"
        );
    }

    #[test]
    fn the_longest_attributes_are_shortened_and_short_ones_kept() {
        let provisioned = Provisioned::new("new")
            .with_attribute("Long", "l".repeat(4000))
            .with_attribute("Longer", "é".repeat(4000))
            .with_attribute("Short", "s");
        let body = body(Ending::Provisioned(provisioned));
        let value = |name: &str| body["Data"][name].as_str().unwrap().to_owned();
        assert_eq!(value("Short"), "s");
        for name in ["Long", "Longer"] {
            assert!(
                value(name).ends_with(CUT) && value(name).len() > 1800,
                "{name}: {}",
                value(name).len()
            );
        }
    }

    /// Texts of all lengths, among them what JSON escapes, colours, and characters of one to four bytes.
    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => "[ -~]{0,12}",
            1 => any::<String>(),
            1 => Just("\u{1b}[31m".to_owned()),
            1 => Just("\"\\\n\t\u{0}é東🦀".to_owned()),
        ];
        (
            vec(piece, 0..6),
            prop_oneof![3 => Just(1_usize), 1 => Just(40), 1 => Just(400)],
        )
            .prop_map(|(pieces, times)| pieces.concat().repeat(times))
    }

    fn ending() -> impl Strategy<Value = Ending> {
        let provisioned =
            (text(), btree_map(text(), text(), 0..8), any::<bool>()).prop_map(|(id, attributes, no_echo)| {
                Ending::Provisioned(Provisioned {
                    physical_resource_id: id,
                    attributes,
                    no_echo,
                })
            });
        let failed =
            (text(), proptest::option::of(text()), vec(text(), 0..20)).prop_map(|(reason, id, log_lines)| {
                Ending::Failed(Failure {
                    reason,
                    physical_resource_id: id,
                    log_lines,
                })
            });
        prop_oneof![4 => provisioned, 4 => failed, 1 => Just(Ending::Deleted)]
    }

    fn has_null(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Object(fields) => fields.values().any(has_null),
            Value::Array(items) => items.iter().any(has_null),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
    }

    proptest! {
        #[test]
        fn whatever_the_provider_returns_the_answer_is_one_that_cloudformation_takes(
            ending in ending(),
            claim in proptest::option::of(text()),
            secret in text(),
            kind in prop_oneof![Just("Create"), Just("Update"), Just("Delete")],
            stack_id in text(),
            old_id in proptest::option::of(".{1,200}"),
        ) {
            let event = json!({
                "RequestType": kind, "StackId": stack_id, "RequestId": stack_id, "LogicalResourceId": stack_id,
                "PhysicalResourceId": old_id,
            });
            let envelope = Envelope::read(event.clone());
            let request = Request::from_event(event, Duration::from_secs(60)).unwrap();
            request.redactions.hide(secret);
            if let Some(id) = claim {
                request.claim.physical_resource_id(id);
            }
            let answer = Known::of(&envelope, &request).answer(ending, || "fallback".to_owned());
            let bytes = write(&answer, &envelope);
            prop_assert!(bytes.len() <= MAX_BODY_BYTES, "{} bytes", bytes.len());

            let body: Value = serde_json::from_slice(&bytes).unwrap();
            prop_assert!(!has_null(&body));
            let text = |name: &str| body[name].as_str().unwrap_or_default();
            prop_assert!((1..=1024).contains(&text("PhysicalResourceId").len()));
            match text("Status") {
                "SUCCESS" => prop_assert!(body.get("Reason").is_none()),
                "FAILED" => prop_assert!(!text("Reason").trim().is_empty() && body.get("Data").is_none()),
                other => prop_assert!(false, "status {other}"),
            }
            prop_assert!(!text("Reason").chars().any(|c| c.is_control() && c != '\n'));
        }

        #[test]
        fn what_fits_is_sent_whole(reason in "[a-z ]{1,400}[a-z]", lines in vec("[a-z]{1,60}", 0..20)) {
            let body = body(Failure::new(&*reason).with_log_lines(lines.clone()));
            let whole = [vec![reason.trim().to_owned()], lines].concat().join("\n");
            prop_assert_eq!(body["Reason"].as_str().unwrap(), whole);
        }
    }
}
