use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn summary() -> Summary {
    Summary {
        application_id: Some("application_1795227698446_0003".parse().unwrap()),
        batch_id: Some(7),
        name: "pi-0123456789ab".into(),
        state: JobState::Failed,
        attempts: Some(1),
        driver_log_url: Some("http://node:8042/logs".into()),
        spark_ui_url: None,
        submitted_at: Some("2026-11-21T04:00:00Z".parse().unwrap()),
        started_at: Some("2026-11-21T04:00:02Z".parse().unwrap()),
        ended_at: Some("2026-11-21T04:00:12Z".parse().unwrap()),
        duration_seconds: Some(10),
    }
}

fn explanation() -> Explanation {
    Explanation {
        message: "the job failed: ValueError: no rows".into(),
        exception: Some(
            "Traceback (most recent call last):\n  File \"raise.py\", line 7\nValueError: no rows".into(),
        ),
        diagnostics: Some("User application exited with status 1".into()),
        log_tail: vec!["first".into(), "last".into()],
    }
}

fn outcome(ending: Ending) -> Outcome {
    Outcome {
        ending,
        summary: summary(),
        explanation: explanation(),
    }
}

#[test]
fn a_success_has_every_field_that_is_known() {
    let mut outcome = outcome(Ending::Succeeded);
    outcome.summary.state = JobState::Succeeded;
    let Completion::Success { output } = Completion::of(outcome) else {
        panic!("a success")
    };
    insta::assert_snapshot!(output);
}

#[test]
fn a_failure_of_which_nothing_is_known_says_where_to_look() {
    for message in ["", " \n"] {
        let completion = Completion::plain(ErrorName::StartTimeout, message, None);
        let reason = completion.reason().unwrap();
        assert!(reason.message.contains("see its log for this task"), "{reason:?}");
    }
}

#[test]
fn a_failure_has_a_cause_that_says_why() {
    let Completion::Failure { name, cause } = Completion::of(outcome(Ending::Failed)) else {
        panic!("a failure")
    };
    assert_eq!(name, ErrorName::Failed);
    insta::assert_snapshot!(cause);
}

#[test]
fn every_ending_has_its_name() {
    for (ending, expected) in [
        (Ending::Failed, ErrorName::Failed),
        (Ending::NotStarted, ErrorName::Failed),
        (Ending::Killed, ErrorName::Killed),
        (Ending::Lost, ErrorName::Lost),
    ] {
        let Completion::Failure { name, .. } = Completion::of(outcome(ending)) else {
            panic!("a failure")
        };
        assert_eq!(name, expected);
    }
}

#[test]
fn the_end_of_the_log_is_kept() {
    let log_tail = (0..5_000)
        .map(|number| format!("line {number} \"quoted\""))
        .collect();
    let cause = Cause::new(
        Explanation {
            log_tail,
            ..explanation()
        },
        Some(summary()),
    )
    .into_json(MAX_CAUSE_BYTES);
    assert!(
        cause.len() <= MAX_CAUSE_BYTES && cause.len() > MAX_CAUSE_BYTES - 100,
        "{}",
        cause.len()
    );
    let cause: Value = serde_json::from_str(&cause).unwrap();
    let lines = cause["logTail"].as_array().unwrap();
    assert_eq!(lines.last().unwrap(), "line 4999 \"quoted\"");
    assert_eq!(cause["exception"], explanation().exception.unwrap());
}

#[test]
fn of_one_endless_line_the_end_is_kept() {
    let log_tail = vec![format!("{}the end", "é\u{1}".repeat(40_000))];
    let cause = Cause::new(
        Explanation {
            log_tail,
            ..explanation()
        },
        None,
    )
    .into_json(MAX_CAUSE_BYTES);
    assert!(cause.len() <= MAX_CAUSE_BYTES);
    let cause: Value = serde_json::from_str(&cause).unwrap();
    let line = cause["logTail"][0].as_str().unwrap_or_default();
    assert!(line.is_empty() || line.ends_with("the end"), "{line}");
}

#[test]
fn a_refused_completion_is_reduced_to_what_cannot_be_refused() {
    let Completion::Success { output } = Completion::of(outcome(Ending::Succeeded)).reduced() else {
        panic!()
    };
    assert_eq!(
        output,
        r#"{"applicationId":"application_1795227698446_0003","state":"SUCCEEDED"}"#
    );
}

proptest! {
    #[test]
    fn a_cause_is_never_over_its_limit_and_always_json(
        message in "\\PC{0,400}",
        exception in ".{0,3000}",
        diagnostics in ".{0,3000}",
        log_tail in proptest::collection::vec(".{0,400}", 0..40),
        limit in 300_usize..6000,
    ) {
        let explanation = Explanation {
            message,
            exception: Some(exception),
            diagnostics: Some(diagnostics),
            log_tail,
        };
        let cause = Cause::new(explanation, Some(summary())).into_json(limit);
        prop_assert!(cause.len() <= limit, "{} > {limit}", cause.len());
        let cause: Value = serde_json::from_str(&cause).unwrap();
        prop_assert!(cause["message"].is_string());
    }
}
