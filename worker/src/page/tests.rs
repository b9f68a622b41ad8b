use std::sync::Arc;
use std::time::Duration;

use sparkwright_spark_job::standing::{Phase, Standing};
use sparkwright_spark_job::watch::Report;

use super::*;
use crate::completion::Completion;
use crate::errors::ErrorName;
use crate::slots::Slots;
use crate::snapshot::{Ended, TaskState};
use crate::status::Listing;
use crate::token::TaskToken;

fn status() -> Status {
    Status::new(Slots::new(4), Metrics::default())
}

fn list(status: &Status) -> Listing {
    let activity = "arn:aws:states:eu-west-1:1:activity:etl".parse().unwrap();
    status.list(TaskToken::new("AAAAKgSecret").id(), &activity, Duration::ZERO)
}

fn shown(status: &Status) -> String {
    html::page(&status.snapshot(), &status.rows(MAX_ROWS))
}

/// A look that found these addresses.
fn report(tracking_url: &str, logs: &str) -> Report {
    let application = serde_json::json!({
        "id": "application_1795225753640_0009", "state": "RUNNING", "trackingUrl": tracking_url, "amContainerLogs": logs,
    });
    Report {
        standing: Standing::Pending(Phase::Running),
        application: Some(Arc::new(serde_json::from_value(application).unwrap())),
        batch: None,
        silence: None,
        deaf: None,
        unknown_to_yarn: false,
    }
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_named_and_the_worker_not_ready() {
    let status = status();
    status.polling();
    status.service(
        "Livy at http://primary:8998/",
        Some("connection <refused>".into()),
    );
    let (code, text) = readiness(&status.snapshot());
    assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        text.contains("Livy at http://primary:8998/ fails since"),
        "{text}"
    );
    let page = shown(&status);
    assert!(
        page.contains("cannot be used since") && page.contains("connection &lt;refused&gt;"),
        "{page}"
    );
    status.service("Livy at http://primary:8998/", None);
    assert_eq!(readiness(&status.snapshot()).0, StatusCode::OK);
}

#[tokio::test]
async fn a_worker_is_ready_between_its_start_and_its_end() {
    let status = status();
    let ready = || readiness(&status.snapshot()).0 == StatusCode::OK;
    assert!(!ready() && shown(&status).contains("The worker is starting"));
    status.polling();
    assert!(ready() && !shown(&status).contains("The worker is"));
    status.draining();
    assert!(!ready() && shown(&status).contains("The worker is stopping"));
}

#[tokio::test]
async fn a_task_is_shown_while_it_lasts_and_never_its_token() {
    let status = status();
    let listing = list(&status);
    listing.step(TaskState::Submitting);
    listing.note(Some("Livy is down"));
    let page = shown(&status);
    assert!(
        page.contains("1 being submitted")
            && page.contains("Livy is down")
            && page.contains("<td class=\"short\">etl"),
        "{page}"
    );
    assert!(!page.contains("AAAAKg"));
    drop(listing);
    assert!(shown(&status).contains("0 tasks"));
}

#[tokio::test]
async fn a_link_leads_to_the_web_or_is_not_there() {
    let status = status();
    let listing = list(&status);
    listing.looked(&report(
        "http://rm:8088/proxy/\"><b>1</b>/",
        "javascript:alert(1)",
    ));
    let page = shown(&status);
    assert!(
        page.contains("<a href=\"http://rm:8088/proxy/%22%3E%3Cb%3E1%3C/b%3E/\" target=\"_blank\""),
        "{page}"
    );
    assert!(
        !page.contains("alert") && !page.contains("driver log</a>"),
        "{page}"
    );
}

#[tokio::test]
async fn a_failure_is_explained_after_its_task() {
    let status = status();
    let listing = list(&status);
    let cause = serde_json::json!({
        "message": "the job failed: <no> table",
        "exception": "org.apache.spark.SparkException: boom\n\tat Job.main(Job.scala:3)\n\t... 12 more\n",
    });
    let completion = Completion::Failure {
        name: ErrorName::Failed,
        cause: cause.to_string(),
    };
    listing.reported(&completion, true);
    drop(listing);
    let page = shown(&status);
    for text in [
        "SparkJob.Failed",
        "the job failed: &lt;no&gt; table",
        "SparkException: boom</span>",
    ] {
        assert!(page.contains(text), "no {text} in {page}");
    }
    assert!(!page.contains("Job.scala") && !page.contains("12 more"), "{page}");
}

#[tokio::test]
async fn more_tasks_than_a_page_can_hold_are_counted() {
    let status = status();
    let _listings: Vec<_> = (0..MAX_ROWS + 3).map(|_| list(&status)).collect();
    let page = shown(&status);
    assert!(
        page.contains("203 tasks") && page.contains("and 3 more"),
        "{page}"
    );
}

/// Or the browser refuses them.
#[test]
fn the_policy_names_the_style_and_the_script_as_they_stand_on_the_page() {
    let page = shown(&status());
    for (begin, end, source) in [
        ("<style>", "</style>", "style-src"),
        ("<script>", "</script>", "script-src"),
    ] {
        let (_, rest) = page.split_once(begin).unwrap();
        let (text, _) = rest.split_once(end).unwrap();
        let hash = base64::encode(Sha256::digest(text));
        assert!(POLICY.contains(&format!("{source} 'sha256-{hash}'")), "{source}");
    }
}

#[tokio::test]
async fn whatever_the_page_says_of_a_task_is_one_of_its_states() {
    let status = status();
    let listing = list(&status);
    for step in TaskState::SHOWN {
        listing.step(step);
        assert!(
            shown(&status).contains(&format!("<td class=\"short\">{step}")),
            "{step}"
        );
        assert!(states().contains(&step.to_string()), "{step}");
    }
    listing.ended(Ended::Left);
    assert!(shown(&status).contains(Ended::Left.words()));
    assert!(states().contains(&Ended::Left.words().to_owned()));
}
