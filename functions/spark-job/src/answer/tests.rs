//! What people read.

use sparkwright_spark_job::explanation::Explanation;
use sparkwright_spark_job::outcome::JobState;
use sparkwright_spark_job::standing::Ending;

use super::*;

fn summary() -> Summary {
    Summary {
        application_id: Some("application_1700000000000_0042".parse().expect("an id")),
        batch_id: Some(7),
        name: "etl-0a1b2c3d-0123456789ab".into(),
        state: JobState::Running,
        attempts: None,
        driver_log_url: None,
        spark_ui_url: Some("http://rm:8088/proxy/application_1700000000000_0042/".into()),
        submitted_at: None,
        started_at: None,
        ended_at: None,
        duration_seconds: None,
    }
}

fn outcome(exception: Option<&str>, diagnostics: Option<&str>) -> Outcome {
    let explanation = Explanation {
        message: "the job failed: ValueError: boom".into(),
        exception: exception.map(str::to_owned),
        diagnostics: diagnostics.map(str::to_owned),
        log_tail: vec!["ValueError: boom".into(), "the last line".into()],
    };
    Outcome {
        ending: Ending::Failed,
        summary: summary(),
        explanation,
    }
}

#[test]
fn every_attribute_is_there_whatever_is_known() {
    let nothing = Known {
        name: "etl-0a1b2c3d-0123456789ab".into(),
        ..Known::default()
    };
    let everything = Known {
        livy: Some("http://h:8998/".into()),
        summary: Some(summary()),
        tracking_url: Some("http://rm:8088/x".into()),
        ..nothing.clone()
    };
    for known in [&nothing, &everything] {
        let attributes = provisioned("id".into(), known).attributes;
        assert_eq!(attributes.len(), ATTRIBUTES.len());
        assert!(ATTRIBUTES.iter().all(|name| attributes.contains_key(*name)));
    }
    let attributes = provisioned("id".into(), &everything).attributes;
    assert_eq!(
        (
            &*attributes["State"],
            &*attributes["BatchId"],
            &*attributes["DriverLogUrl"]
        ),
        ("RUNNING", "7", "unknown")
    );
    assert_eq!(provisioned("id".into(), &nothing).attributes["State"], "unknown");
}

#[test]
fn a_failure_says_cause_error_diagnostics_and_page_in_this_order() {
    let traceback =
        "Traceback (most recent call last):\n  File \"job.py\", line 3, in <module>\nValueError: boom";
    let failure = job_failure(
        &outcome(Some(traceback), Some("User application exited with status 1")),
        Some("http://rm:8088/x"),
    );
    assert_eq!(
        failure.reason,
        format!(
            "the job failed: ValueError: boom (application_1700000000000_0042, batch `etl-0a1b2c3d-0123456789ab`)\n\
             {traceback}\nYARN: User application exited with status 1\nSee http://rm:8088/x"
        )
    );
    assert_eq!(failure.log_lines, ["the last line"]);
}

#[test]
fn a_long_error_keeps_both_its_ends_and_leaves_room_for_the_rest() {
    let stack: String = (0..200)
        .map(|n| format!("\tat com.example.Überjob.frame{n}(Job.scala:{n})\n"))
        .collect();
    let exception =
        format!("java.lang.IllegalStateException: boom\n{stack}Caused by: java.io.IOException: disk");
    let reason = job_failure(&outcome(Some(&exception), None), Some("http://rm:8088/x")).reason;
    assert!(reason.len() < 2000, "{}", reason.len());
    assert!(reason.contains("IllegalStateException: boom\n…\n"), "{reason}");
    assert!(
        reason.ends_with("Caused by: java.io.IOException: disk\nSee http://rm:8088/x"),
        "{reason}"
    );
}

#[test]
fn an_application_without_a_page_of_its_own_has_the_resource_managers() {
    let endpoint = |resource_manager| Endpoint {
        livy: "http://h:8998".parse().expect("a URL"),
        ca_certificate: None,
        resource_manager,
    };
    let urls = vec!["http://rm:8088".parse().expect("a URL")];
    assert_eq!(tracking_url(&endpoint(ResourceManager::None), None), None);
    assert_eq!(
        tracking_url(
            &endpoint(ResourceManager::Required {
                urls,
                user: "hadoop".into()
            }),
            None
        ),
        None
    );
}
