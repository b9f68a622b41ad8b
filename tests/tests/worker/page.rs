//! What people see at `/` of a worker with real tasks.

use serde_json::json;
use sparkwright_tests::cluster::Fate;

use crate::site::Site;

#[tokio::test]
async fn a_task_is_shown_with_its_links_while_it_lasts_and_its_outcome_after_that() {
    let site = Site::new().await;
    let worker = site.worker(&[]).await;
    let task = site.run("forever.py");
    site.running(1).await;
    worker.shows("/", "1 running").await;
    let application = site.cluster.world().applications()[0].clone();
    let (_, page) = worker.get("/").await;
    for text in [
        application.id.to_string(),
        application.name.clone(),
        "rel=\"noopener noreferrer\">Spark UI</a>".into(),
        "rel=\"noopener noreferrer\">driver log</a>".into(),
    ] {
        assert!(page.contains(&text), "no {text} in {page}");
    }
    site.end(Fate::Succeeds);
    task.outcome().await.output();
    worker.shows("/", "0 tasks").await;
    let (_, page) = worker.get("/").await;
    assert!(
        page.contains(">succeeded<") && page.contains(&application.name),
        "{page}"
    );
}

#[tokio::test]
async fn a_failure_is_explained_and_what_an_input_lacks_is_warned_of() {
    let site = Site::new().await;
    let worker = site.worker(&[]).await;
    let task = site.run("raise.py");
    task.outcome().await.failure();
    worker.shows("/", "SparkJob.Failed").await;
    worker.shows("/", "boom from the fixture").await;
    let file = site.cluster.job_file("forever.py");
    let _unprotected = site
        .step_functions
        .schedule(json!({"Parameters": {"File": file}}));
    worker.shows("/", "no ClientToken").await;
    worker.shows("/", "no HeartbeatSeconds").await;
    let _protected = site.schedule(json!({"Parameters": {"File": file}, "ClientToken": "execution/state/1"}));
    worker.shows("/", "2 tasks").await;
    let (_, page) = worker.get("/").await;
    assert_eq!(page.matches("no HeartbeatSeconds").count(), 1, "{page}");
}

#[tokio::test]
async fn nothing_but_the_pages_own_script_may_run() {
    let site = Site::new().await;
    let worker = site.worker(&[]).await;
    let answer = reqwest::get(format!("http://{}/", worker.page())).await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert_eq!(answer.headers()["cache-control"], "no-store");
}
