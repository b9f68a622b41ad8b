//! The real program under Lambda's Runtime API.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::{Value, json};
use sparkwright_tests::aws::{ResourceStatus, rest_error};
use sparkwright_tests::faults::{Fault, On};
use sparkwright_tests::lambda::{FUNCTION_NAME, InvocationResult, Runtime};

use crate::stage::{LONG, Stage, batch_of, failed, other, succeeded, with};

/// The program, built as this test was: cargo builds other packages' programs only when asked.
fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let build = [
            "build",
            "--quiet",
            "--package",
            "spark-job-function",
            "--bin",
            "spark-job-function",
        ];
        let status = Command::new(env!("CARGO")).args(build).status().unwrap();
        assert!(status.success());
        let test = std::env::current_exe().unwrap();
        let profile = test.ancestors().nth(2).unwrap();
        profile.join("spark-job-function")
    })
}

async fn environment(stage: &Stage) -> Runtime {
    let aws = stage.aws.url().to_string();
    let variables = [
        ("SPARKWRIGHT_SETTLE", "1s".to_owned()),
        ("SPARKWRIGHT_LOG", "trace".to_owned()),
        ("AWS_ENDPOINT_URL_CLOUDFORMATION", aws.clone()),
        ("AWS_ENDPOINT_URL_EMR", aws.clone()),
        ("AWS_ENDPOINT_URL_LAMBDA", aws.clone()),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", aws),
    ];
    Runtime::start(program(), variables).await
}

fn response(result: InvocationResult) -> Value {
    match result {
        InvocationResult::Response(value) => value,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_jobs_whole_life_passes_through_the_real_program() {
    let stage = Stage::new().await;
    let runtime = environment(&stage).await;
    stage.aws.cluster("j-2AXXXXXXGAPLF", "WAITING", Some("127.0.0.1"));
    let secret = stage
        .aws
        .secret("livy", r#"{"username": "etl", "password": "hunter22"}"#);
    let port = stage.cluster.livy_url().port();
    let old = with(
        &stage.properties(),
        json!({"LivyUrl": null, "ClusterId": "j-2AXXXXXXGAPLF", "LivyPort": port, "LivyCredentials": secret}),
    );
    let create = stage.sink.create(&stage.resource, old.clone());
    response(runtime.invoke(create.body.clone(), LONG).await);
    let id = succeeded(&stage.sink.expect(&create.request_id).await);

    let update = stage.sink.update(&stage.resource, &id, old.clone(), other(&old));
    response(runtime.invoke(update.body.clone(), LONG).await);
    let new_id = succeeded(&stage.sink.expect(&update.request_id).await);
    assert_eq!(batch_of(&new_id), stage.live().name);

    for id in [&id, &new_id] {
        let delete = stage.sink.delete(&stage.resource, id, other(&old));
        response(runtime.invoke(delete.body.clone(), LONG).await);
        succeeded(&stage.sink.expect(&delete.request_id).await);
    }
    assert_eq!((stage.living(), stage.peak()), (0, 1));
    // Even at TRACE nobody can answer for us, or log in as us, by what the log says.
    let log = runtime.log();
    assert!(log.contains("request answered"), "{log}");
    for hidden in ["secret-signature-of-the-response-url", "hunter22"] {
        assert!(!log.contains(hidden), "{log}");
    }
    runtime.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_program_answers_before_lambda_ends_it() {
    let stage = Stage::new().await;
    let runtime = environment(&stage).await;
    let create = stage.sink.create(
        &stage.resource,
        with(&stage.properties(), json!({"WaitFor": "Success"})),
    );
    response(runtime.invoke(create.body.clone(), Duration::from_secs(8)).await);
    failed(
        &stage.sink.expect(&create.request_id).await,
        "before the function had to answer",
    );
    assert_eq!(stage.living(), 0);
    assert!(runtime.is_warm().await);
    runtime.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_program_outlives_what_it_cannot_read() {
    let stage = Stage::new().await;
    let runtime = environment(&stage).await;
    for event in [json!(null), json!([1]), json!({"RequestType": "Create"})] {
        assert!(matches!(
            runtime.invoke(event, LONG).await,
            InvocationResult::Error { .. }
        ));
    }
    let create = stage.sink.create(&stage.resource, json!({"Parameters": 7}));
    response(runtime.invoke(create.body.clone(), LONG).await);
    failed(
        &stage.sink.expect(&create.request_id).await,
        "`Parameters` must be an object",
    );
    assert!(runtime.is_warm().await);
    runtime.shut_down().await;
}

/// Half of it is kept for the answer: the program hands over after three seconds.
const SHORT: Duration = Duration::from_secs(8);

/// A job that takes longer than one short invocation, and has to succeed.
fn finishing(stage: &Stage) -> Value {
    let mut properties = with(
        &stage.properties(),
        json!({"WaitFor": "Success", "WaitTimeoutSeconds": 20}),
    );
    properties["Parameters"] = json!({"File": stage.cluster.job_file("sleep.py"), "Args": [8]});
    properties
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_program_hands_over_to_itself() {
    let stage = Stage::new().await;
    let runtime = Arc::new(environment(&stage).await);
    let _serving = runtime.serve(stage.aws.function(FUNCTION_NAME), SHORT);
    let create = stage.sink.create(&stage.resource, finishing(&stage));
    response(runtime.invoke(create.body.clone(), SHORT).await);
    succeeded(&stage.sink.expect(&create.request_id).await);
    assert_eq!(
        (stage.posts(), stage.sink.answers(&create.request_id).len()),
        (1, 1)
    );
    assert!(stage.aws.server().journal().count("Invoke") >= 2);
    runtime.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_program_that_may_not_invoke_itself_says_so() {
    let stage = Stage::new().await;
    let runtime = environment(&stage).await;
    let denied = rest_error(403, "AccessDeniedException", "not authorized");
    let faults = stage.aws.server().faults();
    faults.inject(On::post("/2015-03-31/*"), Fault::Answer(denied));
    let create = stage.sink.create(&stage.resource, finishing(&stage));
    response(runtime.invoke(create.body.clone(), SHORT).await);
    failed(
        &stage.sink.expect(&create.request_id).await,
        "lambda:InvokeFunction",
    );
    assert_eq!(stage.living(), 0);
    runtime.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_program_asks_the_stack_and_warns_once_when_it_cannot() {
    let stage = Stage::new().await;
    let runtime = environment(&stage).await;
    let create = stage.sink.create(&stage.resource, stage.properties());
    response(runtime.invoke(create.body.clone(), LONG).await);
    let id = succeeded(&stage.sink.expect(&create.request_id).await);
    let asked = stage.aws.server().journal().count("DescribeStackResource");
    assert!(asked >= 3, "{asked}");
    let warnings = runtime.log().matches("CloudFormation cannot be asked").count();
    assert_eq!(warnings, 1, "{}", runtime.log());

    stage
        .aws
        .stack_says(&stage.resource, ResourceStatus::new("UPDATE_FAILED").of(&id));
    let (old, new) = (stage.properties(), other(&stage.properties()));
    let update = stage.sink.update(&stage.resource, &id, old, new);
    response(runtime.invoke(update.body.clone(), LONG).await);
    failed(&stage.sink.expect(&update.request_id).await, "is UPDATE_FAILED");
    assert_eq!(batch_of(&id), stage.live().name);
    runtime.shut_down().await;
}
