//! What CloudFormation makes of an answer.

use serde_json::{Map, Value};

use super::event::StackResource;

/// The largest answer that CloudFormation reads.
const MAX_BYTES: usize = 4096;
const MAX_PHYSICAL_ID_BYTES: usize = 1024;

/// The verdict on an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The operation succeeded.
    Success {
        /// The physical id from now on.
        physical_id: String,
        /// What `Fn::GetAtt` gives.
        data: Map<String, Value>,
        /// Whether `Fn::GetAtt` masks it.
        no_echo: bool,
    },
    /// The operation failed.
    Failed {
        /// The physical id that a Delete will come for.
        physical_id: String,
        /// What the stack's events show.
        reason: String,
    },
    /// CloudFormation cannot use it: the stack waits, or fails with a message that helps nobody.
    Invalid(Vec<String>),
}

impl Verdict {
    /// Whether the operation succeeded.
    pub fn is_success(&self) -> bool {
        matches!(self, Verdict::Success { .. })
    }
}

pub(super) fn judge(raw: &[u8], body: &Value, request_id: &str, resource: Option<&StackResource>) -> Verdict {
    let mut faults = Vec::new();
    if raw.len() > MAX_BYTES {
        faults.push(format!(
            "the answer has {} bytes, more than {MAX_BYTES}",
            raw.len()
        ));
    }
    let Value::Object(members) = body else {
        faults.push("the answer is no JSON object".to_owned());
        return Verdict::Invalid(faults);
    };
    find_nulls("", body, &mut faults);
    let text = |member: &str| members.get(member).and_then(Value::as_str).unwrap_or_default();
    let mut echoes = vec![("RequestId", request_id)];
    if let Some(resource) = resource {
        echoes.push(("StackId", &resource.stack_id));
        echoes.push(("LogicalResourceId", &resource.logical_id));
    }
    for (member, expected) in echoes {
        if text(member) != expected {
            faults.push(format!(
                "`{member}` is `{}` instead of `{expected}`",
                text(member)
            ));
        }
    }
    let physical_id = text("PhysicalResourceId").to_owned();
    if physical_id.is_empty() || physical_id.len() > MAX_PHYSICAL_ID_BYTES {
        faults.push("Invalid PhysicalResourceId".to_owned());
    }
    let reason = text("Reason").to_owned();
    // One such character in a reason breaks the stack's events for good.
    if reason.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        faults.push("`Reason` has control characters".to_owned());
    }
    let data = match members.get("Data") {
        None => Map::new(),
        Some(Value::Object(data)) => data.clone(),
        Some(_) => {
            faults.push("`Data` is no object".to_owned());
            Map::new()
        }
    };
    let no_echo = members.get("NoEcho").and_then(Value::as_bool).unwrap_or_default();
    let verdict = match text("Status") {
        "SUCCESS" => Verdict::Success {
            physical_id,
            data,
            no_echo,
        },
        "FAILED" if reason.is_empty() => {
            faults.push("`Reason` is missing".to_owned());
            Verdict::Failed { physical_id, reason }
        }
        "FAILED" => Verdict::Failed { physical_id, reason },
        other => {
            faults.push(format!("`{other}` is not a valid ResponseStatus"));
            Verdict::Invalid(Vec::new())
        }
    };
    if faults.is_empty() {
        verdict
    } else {
        Verdict::Invalid(faults)
    }
}

fn find_nulls(path: &str, value: &Value, faults: &mut Vec<String>) {
    match value {
        Value::Null => faults.push(format!("`{path}` is null")),
        Value::Object(members) => {
            for (member, value) in members {
                find_nulls(&format!("{path}/{member}"), value, faults);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| find_nulls(path, item, faults)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(body: Value, expected: &str) {
        let resource = StackResource {
            stack_id: "stack".to_owned(),
            logical_id: "Job".to_owned(),
            resource_type: "Custom::SparkJob".to_owned(),
        };
        let raw = body.to_string();
        let verdict = judge(raw.as_bytes(), &body, "request", Some(&resource));
        let described = match &verdict {
            Verdict::Success { .. } => "success".to_owned(),
            Verdict::Failed { reason, .. } => format!("failed: {reason}"),
            Verdict::Invalid(faults) => faults.join("; "),
        };
        assert_eq!(described, expected, "{raw}");
    }

    fn answer(changes: Value) -> Value {
        let mut body = json!({
            "Status": "FAILED", "Reason": "no", "PhysicalResourceId": "id",
            "StackId": "stack", "RequestId": "request", "LogicalResourceId": "Job"
        });
        let members = body.as_object_mut().unwrap();
        for (member, value) in changes.as_object().unwrap() {
            members.insert(member.clone(), value.clone());
        }
        body
    }

    #[test]
    fn answers_are_judged_as_cloudformation_judges_them() {
        check(answer(json!({})), "failed: no");
        check(
            answer(json!({ "Status": "SUCCESS", "Data": { "A": "b" } })),
            "success",
        );
        check(
            answer(json!({ "Status": "DONE" })),
            "`DONE` is not a valid ResponseStatus",
        );
        check(
            answer(json!({ "Reason": null })),
            "`/Reason` is null; `Reason` is missing",
        );
        check(
            answer(json!({ "Status": "SUCCESS", "Data": { "A": null } })),
            "`/Data/A` is null",
        );
        check(
            answer(json!({ "PhysicalResourceId": "" })),
            "Invalid PhysicalResourceId",
        );
        check(
            answer(json!({ "RequestId": "other" })),
            "`RequestId` is `other` instead of `request`",
        );
        check(
            answer(json!({ "Reason": "\u{1b}[31mred" })),
            "`Reason` has control characters",
        );
        check(answer(json!({ "Data": "x" })), "`Data` is no object");
        check(json!("x"), "the answer is no JSON object");
        let long = "x".repeat(4000);
        let body = answer(json!({ "Reason": long }));
        let bytes = body.to_string().len();
        check(body, &format!("the answer has {bytes} bytes, more than 4096"));
    }
}
