//! The log of the real process as `--log-format json` has it: each line says by itself which task and which job it is about.

use serde_json::Value;
use sparkwright_tests::cluster::Fate;
use sparkwright_tests::faults::{Fault, On};
use sparkwright_worker::token::TaskToken;

use crate::crashing::Crashing;
use crate::site::Site;

/// What is logged of every task whose job succeeds, from where the job's name is known.
const AFTER_SUBMISSION: [&str; 4] = [
    "the job is followed",
    "the job moves on",
    "the job has ended",
    "the task succeeded",
];

const FAILED_HEARTBEAT: &str = "a heartbeat failed; it is sent again";

/// A line, which is a JSON object.
#[track_caller]
fn parsed(line: &str) -> Value {
    let value: Value =
        serde_json::from_str(line).unwrap_or_else(|error| panic!("not JSON ({error}): {line}"));
    assert!(value.is_object(), "{line}");
    value
}

fn says(line: &Value, message: &str) -> bool {
    line["fields"]["message"] == message
}

/// Each line is about this task, and about its job once that is known.
#[track_caller]
fn name_task_and_job(lines: &[&Value], batch_name: &str, application: &str) {
    let from = |message| lines.iter().skip_while(move |line| !says(line, message));
    for message in AFTER_SUBMISSION {
        assert!(from(message).next().is_some(), "no `{message}`: {lines:?}");
    }
    for line in lines {
        assert_eq!(line["span"]["activity"], "spark-job", "{line}");
    }
    for line in from("the job is followed") {
        assert_eq!(line["span"]["batch_name"], batch_name, "{line}");
    }
    for line in from("the job has ended") {
        assert_eq!(line["span"]["application_id"], application, "{line}");
    }
}

#[tokio::test]
async fn each_line_of_a_task_names_it_and_its_job_and_no_line_its_token() {
    let site = Site::new().await;
    let mut worker = Crashing::start(&site, &["--log-format=json"]).await;
    let tasks = [site.run("forever.py"), site.run("forever.py")];
    let tokens = [tasks[0].started().await, tasks[1].started().await];
    let ids = [&tokens[0], &tokens[1]].map(|token| TaskToken::new(token.as_str()).id().to_string());
    // Heartbeats are not sent by the task that has the job.
    let of_the_first = On::operation("SendTaskHeartbeat").containing(&tokens[0]);
    site.step_functions
        .server()
        .faults()
        .inject(of_the_first.first(1), Fault::status(500));
    worker.says(FAILED_HEARTBEAT).await;
    site.running(2).await;
    for application in site.cluster.world().live_applications() {
        site.cluster.world().end(application.id, Fate::Succeeds);
    }
    let outcomes = [tasks[0].outcome().await, tasks[1].outcome().await];
    worker.terminate();
    // Its last line.
    worker.says("the worker has drained").await;
    let log = worker.ended().await;

    let lines: Vec<Value> = log.lines().map(parsed).collect();
    let is_about = |line: &Value, id: &str| line["span"]["task"] == id;
    for (id, outcome) in ids.iter().zip(&outcomes) {
        let application = outcome.output()["applicationId"].as_str().unwrap();
        let seen = site.cluster.world().application(application.parse().unwrap());
        let own: Vec<&Value> = lines.iter().filter(|line| is_about(line, id)).collect();
        name_task_and_job(&own, &seen.unwrap().name, application);
    }
    for line in &lines {
        let of_a_task = AFTER_SUBMISSION.iter().any(|message| says(line, message));
        let has_a_task = ids.iter().any(|id| is_about(line, id));
        assert!(has_a_task || !of_a_task, "{line}");
    }
    let failed: Vec<&Value> = lines.iter().filter(|line| says(line, FAILED_HEARTBEAT)).collect();
    assert!(failed.len() == 1 && is_about(failed[0], &ids[0]), "{failed:?}");
    for token in &tokens {
        assert!(!log.contains(token.as_str()), "`{token}` is in {log}");
    }
}
