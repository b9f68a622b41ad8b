//! A worker that has more to tell than its own rate allows.

use serde_json::json;

use crate::crashing::Crashing;
use crate::site::Site;

#[tokio::test]
async fn a_heartbeat_that_waits_for_its_turn_is_not_said_to_be_unanswered() {
    let site = Site::new().await;
    // A heartbeat is due after 200 ms, has its turn after a second, and would be given up without an answer after 500 ms.
    let options = ["--sfn-rate=1", "--slots=1", "--pollers-per-activity=1"];
    let worker = Crashing::start(&site, &options).await;
    let file = site.cluster.job_file("forever.py");
    let task = site
        .step_functions
        .schedule(json!({"Parameters": {"File": file}}));
    task.beaten(4).await;
    worker.terminate();
    let log = worker.ended().await;
    assert!(!log.contains("a heartbeat"), "{log}");
}
