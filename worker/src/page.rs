//! What the worker serves over HTTP: `/healthz`, `/readyz`, and a page for people at `/`. No token is shown.

use std::fmt::Write;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;
use tracing::warn;

use crate::snapshot::{Failing, Snapshot, shown};
use crate::status::Status;

/// More tasks than this are only counted.
const MAX_ROWS: usize = 200;

const HEAD: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
<meta http-equiv=\"refresh\" content=\"5\"><title>sparkwright-worker</title><style>\
body{font:15px/1.5 system-ui,sans-serif;margin:2rem;max-width:75rem}table{border-collapse:collapse;width:100%}\
td,th{border-bottom:1px solid #8884;padding:.3rem .6rem;text-align:left;vertical-align:top}\
.trouble{color:#b00020}:root{color-scheme:light dark}</style></head><body><h1>sparkwright-worker</h1>";

/// Serves until the task is aborted.
pub(crate) async fn serve(listener: TcpListener, status: Status) {
    let routes = Router::new()
        .route(
            "/",
            get(async |State(status): State<Status>| Html(page(&status.snapshot()))),
        )
        .route("/healthz", get(async || "ok\n"))
        .route(
            "/readyz",
            get(async |State(status): State<Status>| readiness(&status.snapshot())),
        )
        .with_state(status);
    if let Err(error) = axum::serve(listener, routes).await {
        warn!(
            error = sparkwright_spark_job::chain(&error),
            "the page is no longer served"
        );
    }
}

fn readiness(snapshot: &Snapshot) -> (StatusCode, String) {
    let troubles = snapshot.troubles();
    if troubles.is_empty() {
        return (StatusCode::OK, "ready\n".into());
    }
    (StatusCode::SERVICE_UNAVAILABLE, troubles.join("\n") + "\n")
}

fn page(snapshot: &Snapshot) -> String {
    let mut page = HEAD.to_owned();
    let used = snapshot.slots - snapshot.free_slots;
    let tasks = snapshot.tasks.len();
    push(
        &mut page,
        format_args!(
            "<p>{tasks} tasks; {used} of {} slots hold a task or an open poll.</p>",
            snapshot.slots
        ),
    );
    if snapshot.draining {
        page.push_str("<p class=\"trouble\">The worker is stopping: it takes no new tasks.</p>");
    }
    page.push_str("<h2>Services</h2><table><tr><th>Service<th>State");
    for (service, failing) in &snapshot.services {
        push(
            &mut page,
            format_args!(
                "<tr><td>{}<td>{}",
                escaped(service),
                state("answers", failing.as_ref())
            ),
        );
    }
    page.push_str("</table><h2>Activities</h2><table><tr><th>Activity<th>Open polls<th>Last answer<th>State");
    for (arn, activity) in &snapshot.activities {
        let last = activity.last_answer.map_or_else(|| "none yet".to_owned(), shown);
        let state = state("polled", activity.failing.as_ref());
        push(
            &mut page,
            format_args!(
                "<tr><td>{}<td>{}<td>{last}<td>{state}",
                escaped(arn),
                activity.open_polls
            ),
        );
    }
    page.push_str("</table><h2>Tasks</h2><table><tr><th>Task<th>Activity<th>Since<th>Step<th>Batch<th>Application<th>Waits for");
    for task in snapshot.tasks.iter().take(MAX_ROWS) {
        let text = |text: &Option<String>| escaped(text.as_deref().unwrap_or_default());
        push(
            &mut page,
            format_args!(
                "<tr><td>{}<td>{}<td>{}<td>{}<td>{}<td>{}<td>{}",
                task.id,
                escaped(&task.activity),
                shown(task.since),
                task.step,
                text(&task.batch_name),
                text(&task.application_id),
                text(&task.note),
            ),
        );
    }
    page.push_str("</table>");
    if tasks > MAX_ROWS {
        push(&mut page, format_args!("<p>and {} more.</p>", tasks - MAX_ROWS));
    }
    page.push_str("</body></html>");
    page
}

fn state(well: &str, failing: Option<&Failing>) -> String {
    failing.map_or_else(
        || well.to_owned(),
        |failing| {
            format!(
                "<span class=\"trouble\">cannot be used since {}: {}</span>",
                shown(failing.since),
                escaped(&failing.why)
            )
        },
    )
}

fn push(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("a string can be written to");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slots::Slots;
    use crate::snapshot::Step;
    use crate::token::TaskToken;

    #[tokio::test]
    async fn a_service_that_does_not_answer_is_named_and_the_worker_not_ready() {
        let status = Status::new(Slots::new(4));
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
        let page = page(&status.snapshot());
        assert!(
            page.contains("cannot be used since") && page.contains("connection &lt;refused&gt;"),
            "{page}"
        );
        status.service("Livy at http://primary:8998/", None);
        assert_eq!(readiness(&status.snapshot()).0, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_task_is_shown_while_it_lasts_and_never_its_token() {
        let status = Status::new(Slots::new(4));
        let token = TaskToken::new("AAAAKgSecret");
        let listing = status.list(
            token.id(),
            &"arn:aws:states:eu-west-1:1:activity:etl".parse().unwrap(),
        );
        listing.step(Step::Submitting);
        listing.note(Some("Livy is down"));
        let shown = page(&status.snapshot());
        assert!(
            shown.contains("being submitted") && shown.contains("Livy is down") && shown.contains("etl"),
            "{shown}"
        );
        assert!(!shown.contains("AAAAKg"));
        drop(listing);
        assert!(page(&status.snapshot()).contains("0 tasks"));
    }
}
