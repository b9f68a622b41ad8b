//! What Step Functions refuses, and how; and AWS's own SDK as a caller.

use serde_json::json;
use sparkwright_tests::step_functions::{Outcome, StepFunctions};

use crate::step_functions::{call, poll, quick, refused, take};

#[tokio::test]
async fn only_the_first_completion_counts() {
    let service = quick().await;
    let task = service.schedule(json!({}));
    let token = take(&service).await;
    assert_eq!(
        call(
            &service,
            "SendTaskSuccess",
            json!({ "taskToken": token, "output": "1" })
        )
        .await
        .status,
        200
    );
    refused(
        &call(&service, "SendTaskFailure", json!({ "taskToken": token })).await,
        "TaskTimedOut",
    );
    assert_eq!(task.outcome().await, Outcome::Succeeded(json!(1)));
}

#[tokio::test]
async fn what_does_not_exist_is_named() {
    let service = quick().await;
    refused(
        &call(&service, "SendTaskHeartbeat", json!({ "taskToken": "made-up" })).await,
        "InvalidToken",
    );
    let unknown = "arn:aws:states:eu-west-1:123456789012:activity:unknown";
    refused(
        &call(&service, "GetActivityTask", json!({ "activityArn": unknown })).await,
        "ActivityDoesNotExist",
    );
    refused(
        &call(&service, "DescribeActivity", json!({ "activityArn": unknown })).await,
        "ActivityDoesNotExist",
    );
    refused(
        &call(&service, "GetActivityTask", json!({ "activityArn": "spark-job" })).await,
        "InvalidArn",
    );
    refused(
        &call(&service, "DescribeExecution", json!({ "executionArn": "arn:x" })).await,
        "ExecutionDoesNotExist",
    );
    service.schedule(json!({}));
    let token = take(&service).await;
    service.delete_activity(service.activity_arn());
    refused(
        &call(&service, "SendTaskHeartbeat", json!({ "taskToken": token })).await,
        "TaskDoesNotExist",
    );
}

#[tokio::test]
async fn sizes_have_bounds() {
    let service = quick().await;
    service.schedule(json!({}));
    let token = take(&service).await;
    let send = async |operation: &str, member: &str, value: String| {
        call(&service, operation, json!({ "taskToken": token, member: value })).await
    };
    let string = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
    refused(
        &send("SendTaskSuccess", "output", string(262_145)).await,
        "ValidationException",
    );
    refused(
        &send("SendTaskSuccess", "output", "no json".to_owned()).await,
        "InvalidOutput",
    );
    refused(
        &send("SendTaskFailure", "error", "x".repeat(257)).await,
        "ValidationException",
    );
    refused(
        &send("SendTaskFailure", "cause", "x".repeat(32_769)).await,
        "ValidationException",
    );
    let name = json!({ "activityArn": service.activity_arn(), "workerName": "x".repeat(81) });
    refused(
        &call(&service, "GetActivityTask", name).await,
        "ValidationException",
    );
    assert_eq!(
        send("SendTaskSuccess", "output", string(262_144)).await.status,
        200
    );
}

#[tokio::test]
async fn calls_beyond_a_quota_are_throttled() {
    let service = StepFunctions::builder()
        .quota("SendTaskHeartbeat", 1, 0.001)
        .start()
        .await;
    service.schedule(json!({}));
    let token = take(&service).await;
    assert_eq!(
        call(&service, "SendTaskHeartbeat", json!({ "taskToken": token }))
            .await
            .status,
        200
    );
    refused(
        &call(&service, "SendTaskHeartbeat", json!({ "taskToken": token })).await,
        "ThrottlingException",
    );
}

#[tokio::test]
async fn polls_beyond_the_limit_of_an_activity_are_refused() {
    let service = StepFunctions::builder().max_pollers(1).start().await;
    let held = poll(&service);
    let other = async {
        while service.open_polls(service.activity_arn()) == 0 {
            tokio::task::yield_now().await;
        }
        let body = json!({ "activityArn": service.activity_arn() });
        let refusal = call(&service, "GetActivityTask", body).await;
        service.schedule(json!({}));
        refusal
    };
    let (_, refusal) = tokio::join!(held, other);
    refused(&refusal, "ActivityWorkerLimitExceeded");
}

#[tokio::test]
async fn the_sdk_of_aws_speaks_with_it() {
    let service = quick().await;
    let credentials = aws_sdk_sfn::config::Credentials::new("AKID", "secret", None, None, "test");
    let config = aws_sdk_sfn::Config::builder()
        .behavior_version(aws_sdk_sfn::config::BehaviorVersion::latest())
        .region(aws_sdk_sfn::config::Region::new("eu-west-1"))
        .credentials_provider(credentials)
        .endpoint_url(service.url().as_str())
        .build();
    let client = aws_sdk_sfn::Client::from_conf(config);
    let task = service.schedule(json!({ "a": 1 }));
    let polled = client
        .get_activity_task()
        .activity_arn(service.activity_arn())
        .send()
        .await
        .unwrap();
    assert_eq!(polled.input(), Some("{\"a\":1}"));
    let token = polled.task_token().unwrap();
    client
        .send_task_heartbeat()
        .task_token(token)
        .send()
        .await
        .unwrap();
    client
        .send_task_success()
        .task_token(token)
        .output("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(task.outcome().await, Outcome::Succeeded(json!({})));
    let over = client
        .send_task_heartbeat()
        .task_token(token)
        .send()
        .await
        .unwrap_err();
    assert!(over.into_service_error().is_task_timed_out());
    let described = client
        .describe_execution()
        .execution_arn(task.execution_arn())
        .send()
        .await
        .unwrap();
    assert_eq!(described.status().as_str(), "SUCCEEDED");
    let activity = client
        .describe_activity()
        .activity_arn(service.activity_arn())
        .send()
        .await
        .unwrap();
    assert_eq!(activity.name(), "spark-job");
    let empty = client
        .get_activity_task()
        .activity_arn(service.activity_arn())
        .send()
        .await
        .unwrap();
    assert_eq!(empty.task_token(), None);
}
