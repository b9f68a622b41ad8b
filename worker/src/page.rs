//! What the worker serves over HTTP: `/metrics` for Prometheus, `/healthz` and `/readyz` for probes, and a page for people
//! at `/`. No token is shown.

mod html;

use std::sync::{Arc, LazyLock};

use aws_smithy_types::base64;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::IntoResponse;
use axum::routing::get;
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tracing::warn;

use crate::metrics::{self, Exposition, Metrics};
use crate::snapshot::Snapshot;
use crate::status::Status;

pub use html::states;

/// More tasks than this are only counted.
const MAX_ROWS: usize = 200;

/// The page may do what its own style and script do, and nothing else: whatever a job's name or error holds is text.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| base64::encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash(html::STYLE),
        hash(html::SCRIPT)
    )
});

/// What is shown.
#[derive(Clone)]
struct Shown {
    status: Status,
    exposition: Arc<Exposition>,
}

/// Serves until the task is aborted.
pub(crate) async fn serve(listener: TcpListener, status: Status, metrics: Metrics) {
    let exposition = Arc::new(Exposition::new(&metrics, status.clone()));
    let routes = Router::new()
        .route("/", get(async |State(shown): State<Shown>| page(&shown.status)))
        .route(
            "/healthz",
            get(async |State(shown): State<Shown>| health(&shown.status)),
        )
        .route(
            "/readyz",
            get(async |State(shown): State<Shown>| readiness(&shown.status.snapshot())),
        )
        .route(
            "/metrics",
            get(async |State(shown): State<Shown>| scrape(&shown.exposition)),
        )
        .with_state(Shown { status, exposition });
    if let Err(error) = axum::serve(listener, routes).await {
        warn!(
            error = sparkwright_spark_job::chain(&error),
            "the page is no longer served"
        );
    }
}

fn page(status: &Status) -> impl IntoResponse + use<> {
    let headers: [(HeaderName, &str); 5] = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY.as_str()),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, html::page(&status.snapshot(), &status.rows(MAX_ROWS)))
}

/// That there is an answer says that the runtime turns; asking the status says that nobody holds its lock for ever.
fn health(status: &Status) -> &'static str {
    status.snapshot();
    "ok\n"
}

fn readiness(snapshot: &Snapshot) -> (StatusCode, String) {
    let troubles = snapshot.troubles();
    if troubles.is_empty() {
        return (StatusCode::OK, "ready\n".into());
    }
    (StatusCode::SERVICE_UNAVAILABLE, troubles.join("\n") + "\n")
}

fn scrape(exposition: &Exposition) -> impl IntoResponse + use<> {
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], exposition.text())
}

#[cfg(test)]
mod tests;
