//! The Lambda service, with a program that does what its events say (`src/bin/lambda-fixture.rs`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use sparkwright_tests::aws::Aws;
use sparkwright_tests::lambda::{FUNCTION_NAME, InvocationResult, Runtime};

use crate::raw;

const LONG: Duration = Duration::from_secs(20);

async fn runtime() -> Runtime {
    Runtime::start(env!("CARGO_BIN_EXE_lambda-fixture"), [("GREETING", "hello")]).await
}

#[tokio::test]
async fn an_event_goes_in_and_the_handlers_answer_comes_out() {
    let runtime = runtime().await;
    let result = runtime.invoke(json!({ "do": "echo", "n": 1 }), LONG).await;
    assert_eq!(
        result,
        InvocationResult::Response(json!({ "do": "echo", "n": 1 }))
    );
    assert!(runtime.is_warm().await);
    let again = runtime
        .invoke(json!({ "do": "environment", "name": "GREETING" }), LONG)
        .await;
    assert_eq!(again, InvocationResult::Response(json!("hello")));
    let process = runtime.log().matches("started").count();
    assert_eq!(process, 1, "a warm process is used again");
}

#[tokio::test]
async fn the_deadline_is_told_and_kept() {
    let runtime = runtime().await;
    let InvocationResult::Response(left) = runtime.invoke(json!({ "do": "deadline" }), LONG).await else {
        panic!()
    };
    let left = left.as_i64().unwrap();
    assert!((15_000..=20_000).contains(&left), "{left}");

    let begun = Instant::now();
    let result = runtime
        .invoke(json!({ "do": "sleep" }), Duration::from_millis(300))
        .await;
    assert_eq!(result, InvocationResult::TimedOut);
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(!runtime.is_warm().await);
    assert_eq!(
        runtime.invoke(json!({ "do": "echo" }), LONG).await,
        InvocationResult::Response(json!({ "do": "echo" }))
    );
    assert_eq!(runtime.log().matches("started").count(), 2);
}

#[tokio::test]
async fn errors_and_exits_are_told_apart() {
    let runtime = runtime().await;
    let error = InvocationResult::Error {
        kind: "Oops".to_owned(),
        message: "it broke".to_owned(),
    };
    assert_eq!(runtime.invoke(json!({ "do": "error" }), LONG).await, error);
    assert!(runtime.is_warm().await);
    let exited = runtime.invoke(json!({ "do": "exit" }), LONG).await;
    assert_eq!(exited, InvocationResult::Exited("exit status: 3".to_owned()));
    assert!(runtime.log().contains("last words"), "{}", runtime.log());
    assert_eq!(
        runtime.invoke(json!({ "do": "echo" }), LONG).await,
        InvocationResult::Response(json!({ "do": "echo" }))
    );
}

#[tokio::test]
async fn a_program_that_is_not_there_is_an_exit() {
    let runtime = Runtime::start("/nowhere/bootstrap", [("A", "b")]).await;
    let result = runtime.invoke(json!({}), LONG).await;
    assert!(
        matches!(&result, InvocationResult::Exited(why) if why.starts_with("could not be started: ")),
        "{result:?}"
    );
}

#[tokio::test]
async fn asynchronous_invocations_reach_the_same_environment() {
    let (aws, runtime) = (Aws::start().await, Arc::new(runtime().await));
    let serving = runtime.serve(aws.function(FUNCTION_NAME), LONG);
    assert_eq!(
        runtime.invoke(json!({ "do": "echo" }), LONG).await,
        InvocationResult::Response(json!({ "do": "echo" }))
    );
    let path = format!("/2015-03-31/functions/{FUNCTION_NAME}/invocations");
    let headers = ["X-Amz-Invocation-Type: Event".to_owned()];
    let invoked = raw::send(
        aws.server().address(),
        "POST",
        &path,
        &headers,
        "{\"do\":\"exit\"}",
    )
    .await;
    assert_eq!(invoked.status, 202);
    while !runtime.log().contains("last words") {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    drop(serving);
    assert_eq!(runtime.log().matches("started").count(), 1);
}
