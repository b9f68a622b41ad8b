//! Step Functions' activities.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sparkwright_tests::faults::{Fault, On};
use sparkwright_tests::step_functions::{ExecutionStatus, Outcome, StepFunctions, Task, TimeOut};

use crate::raw::{self, Reply};

pub(crate) async fn quick() -> StepFunctions {
    StepFunctions::builder()
        .poll_time(Duration::from_millis(100))
        .start()
        .await
}

pub(crate) async fn call(service: &StepFunctions, operation: &str, body: Value) -> Reply {
    let headers = [
        format!("X-Amz-Target: AWSStepFunctions.{operation}"),
        "Content-Type: application/x-amz-json-1.0".to_owned(),
    ];
    raw::send(
        service.server().address(),
        "POST",
        "/",
        &headers,
        &body.to_string(),
    )
    .await
}

pub(crate) async fn poll(service: &StepFunctions) -> Value {
    let body = json!({ "activityArn": service.activity_arn(), "workerName": "test" });
    call(service, "GetActivityTask", body).await.json()
}

pub(crate) async fn take(service: &StepFunctions) -> String {
    poll(service).await["taskToken"].as_str().unwrap().to_owned()
}

#[track_caller]
pub(crate) fn refused(reply: &Reply, kind: &str) {
    assert_eq!(
        (reply.status, reply.json()["__type"].as_str()),
        (400, Some(kind)),
        "{}",
        reply.body
    );
}

#[tokio::test]
async fn a_task_goes_to_a_poll_that_waits_and_its_output_comes_back() {
    let service = quick().await;
    let task = service.schedule(json!({ "File": "x" }));
    let polled = poll(&service).await;
    assert_eq!(polled["input"], r#"{"File":"x"}"#);
    let token = polled["taskToken"].as_str().unwrap();
    assert_eq!(
        (task.token().as_deref(), task.worker_name().as_deref()),
        (Some(token), Some("test"))
    );
    let done = call(
        &service,
        "SendTaskSuccess",
        json!({ "taskToken": token, "output": "{\"a\":1}" }),
    )
    .await;
    assert_eq!((done.status, done.body.as_str()), (200, "{}"));
    assert_eq!(task.outcome().await.output(), &json!({ "a": 1 }));
}

#[tokio::test]
async fn a_poll_without_work_is_held_and_answered_empty() {
    let service = quick().await;
    let begun = Instant::now();
    assert_eq!(poll(&service).await, json!({}));
    assert!(begun.elapsed() >= Duration::from_millis(95));
}

#[tokio::test]
async fn a_waiting_poll_gets_the_task_at_once() {
    let service = StepFunctions::start().await;
    let (polled, task) = tokio::join!(poll(&service), async {
        service.server().journal().reached("GetActivityTask", 1).await;
        while service.open_polls(service.activity_arn()) == 0 {
            tokio::task::yield_now().await;
        }
        service.schedule(json!({}))
    });
    assert_eq!(polled["taskToken"].as_str(), task.token().as_deref());
}

#[tokio::test]
async fn a_token_is_handed_out_once_and_a_lost_one_stays_lost() {
    let service = quick().await;
    service
        .server()
        .faults()
        .inject(On::operation("GetActivityTask").first(1), Fault::lost_answer());
    let task = service.schedule_task(Task::new(json!({})).heartbeat(Duration::from_millis(200)));
    let body = json!({ "activityArn": service.activity_arn() });
    let client = reqwest::Client::new();
    let lost = client
        .post(service.url())
        .header("x-amz-target", "AWSStepFunctions.GetActivityTask")
        .json(&body)
        .send();
    assert!(lost.await.is_err());
    assert_eq!(poll(&service).await, json!({}));
    assert_eq!(task.outcome().await, Outcome::TimedOut(TimeOut::Heartbeat));
}

#[tokio::test]
async fn an_abandoned_poll_swallows_a_task_unless_told_otherwise() {
    for (forgets, swallowed) in [(false, true), (true, false)] {
        let builder = StepFunctions::builder().poll_time(Duration::from_secs(5));
        let service = if forgets {
            builder.forgetting_abandoned_polls()
        } else {
            builder
        }
        .start()
        .await;
        let polls = async |count: usize| {
            while service.open_polls(service.activity_arn()) != count {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            answer = poll(&service) => panic!("answered: {answer}"),
            () = polls(1) => {}
        }
        service
            .server()
            .journal()
            .until(|journal| journal.sum("GetActivityTask").open == 0)
            .await;
        if forgets {
            polls(0).await;
        }
        let task = service.schedule(json!({}));
        assert_eq!(task.token().is_some(), swallowed);
    }
}

#[tokio::test]
async fn heartbeats_keep_a_task_and_silence_ends_it() {
    let service = quick().await;
    let task = service.schedule_task(Task::new(json!({})).heartbeat(Duration::from_millis(800)));
    let token = take(&service).await;
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(
            call(&service, "SendTaskHeartbeat", json!({ "taskToken": token }))
                .await
                .status,
            200
        );
    }
    assert_eq!(task.heartbeats(), 4);
    assert_eq!(task.outcome().await, Outcome::TimedOut(TimeOut::Heartbeat));
    assert!(
        task.longest_silence() >= Duration::from_millis(95),
        "{:?}",
        task.longest_silence()
    );
    refused(
        &call(&service, "SendTaskHeartbeat", json!({ "taskToken": token })).await,
        "TaskTimedOut",
    );
    refused(
        &call(
            &service,
            "SendTaskSuccess",
            json!({ "taskToken": token, "output": "{}" }),
        )
        .await,
        "TaskTimedOut",
    );
}

#[tokio::test]
async fn heartbeats_do_not_stretch_the_tasks_own_time() {
    let service = quick().await;
    let task = service.schedule_task(Task::new(json!({})).timeout(Duration::from_millis(150)));
    let token = take(&service).await;
    while task.outcome_so_far().is_none() {
        call(&service, "SendTaskHeartbeat", json!({ "taskToken": token })).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(task.outcome().await, Outcome::TimedOut(TimeOut::Task));
}

#[tokio::test]
async fn a_stopped_execution_is_learned_at_the_next_call() {
    let service = quick().await;
    let task = service.schedule(json!({}));
    let token = take(&service).await;
    let describe = async || {
        call(
            &service,
            "DescribeExecution",
            json!({ "executionArn": task.execution_arn() }),
        )
        .await
        .json()
    };
    assert_eq!(describe().await["status"], "RUNNING");
    task.stop_execution();
    assert!(task.outcome().await.is_stopped());
    refused(
        &call(&service, "SendTaskHeartbeat", json!({ "taskToken": token })).await,
        "TaskTimedOut",
    );
    let described = describe().await;
    assert_eq!(described["status"], "ABORTED");
    assert!(described["stopDate"].is_number() && described["startDate"].is_number());
}

#[tokio::test]
async fn an_execution_of_the_tests_own_outlives_its_tasks() {
    let service = quick().await;
    let execution = service.start_execution();
    for _ in 0..2 {
        let task = execution.schedule(Task::new(json!({})));
        let failure =
            json!({ "taskToken": take(&service).await, "error": "SparkJob.Failed", "cause": "because" });
        assert_eq!(call(&service, "SendTaskFailure", failure).await.status, 200);
        assert_eq!(task.outcome().await.failure(), ("SparkJob.Failed", "because"));
    }
    let open = execution.schedule(Task::new(json!({})));
    execution.end(ExecutionStatus::Failed);
    assert!(open.outcome().await.is_stopped());
    let described = call(
        &service,
        "DescribeExecution",
        json!({ "executionArn": execution.arn() }),
    )
    .await;
    assert_eq!(described.json()["status"], "FAILED");
}
