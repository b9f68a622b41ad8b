//! The function's own invocation, through Lambda's interface.

use std::net::SocketAddr;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_lambda::config::{Credentials, SharedCredentialsProvider};
use custom_resource::{InvokeError, Invoker, SelfInvocation};
use serde_json::json;
use tokio::net::TcpSocket;
use tracing::Level;
use wiremock::matchers::{body_bytes, header, method, path};
use wiremock::{Mock, MockBuilder, MockServer, ResponseTemplate};

use crate::alone::run_alone;
use crate::events::{FUNCTION_ARN, SIGNATURE};
use crate::logs::Captured;

const TRACE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Lineage=a:1";

fn function_at(endpoint: &str) -> SelfInvocation {
    let credentials = Credentials::new("AKIDEXAMPLE", "example", None, None, "tests");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials));
    SelfInvocation::of(config.build())
}

/// An invocation of this kind.
fn call(kind: &str) -> MockBuilder {
    let address = FUNCTION_ARN.replace(':', "%3A");
    Mock::given(method("POST"))
        .and(path(format!("/2015-03-31/functions/{address}/invocations")))
        .and(header("x-amz-invocation-type", kind))
}

fn answer(status: u16, code: &str) -> ResponseTemplate {
    ResponseTemplate::new(status)
        .insert_header("x-amzn-errortype", code)
        .set_body_json(json!({ "Message": "said Lambda" }))
}

/// Invokes at a Lambda that answers each attempt alike, and gives the number of attempts.
async fn invoked(answer: ResponseTemplate) -> (Result<(), InvokeError>, usize) {
    let lambda = MockServer::start().await;
    call("Event").respond_with(answer).mount(&lambda).await;
    let invoked = function_at(&lambda.uri())
        .invoke(FUNCTION_ARN, b"{}".to_vec())
        .await;
    (invoked, lambda.received_requests().await.unwrap().len())
}

#[tokio::test]
async fn an_event_is_sent_as_it_is_and_not_waited_for() {
    let lambda = MockServer::start().await;
    let event = br#"{"RequestType":"Create"}"#;
    let taken = call("Event")
        .and(body_bytes(event))
        .respond_with(ResponseTemplate::new(202));
    taken.expect(1).mount(&lambda).await;
    let checked = call("DryRun")
        .and(body_bytes(b""))
        .respond_with(ResponseTemplate::new(204));
    checked.expect(1).mount(&lambda).await;
    let function = function_at(&lambda.uri());
    assert_eq!(function.check(FUNCTION_ARN).await, Ok(()));
    assert_eq!(function.invoke(FUNCTION_ARN, event.to_vec()).await, Ok(()));
}

#[tokio::test]
async fn a_missing_permission_is_a_refusal_that_names_it() {
    let (denied, attempts) = invoked(answer(403, "AccessDeniedException")).await;
    let why = format!(
        "Lambda answered AccessDeniedException: said Lambda; the function's role needs `lambda:InvokeFunction` on \
         {FUNCTION_ARN}"
    );
    assert_eq!((denied, attempts), (Err(InvokeError::Refused { why }), 1));
}

#[tokio::test]
async fn what_lambda_refuses_is_final_and_what_may_pass_is_tried_again() {
    for (status, code) in [
        (404, "ResourceNotFoundException"),
        (413, "RequestTooLargeException"),
        (400, "RecursiveInvocationException"),
    ] {
        let (refused, attempts) = invoked(answer(status, code)).await;
        let why = format!("Lambda answered {code}: said Lambda");
        assert_eq!((refused, attempts), (Err(InvokeError::Refused { why }), 1));
    }
    for (status, code) in [(429, "TooManyRequestsException"), (500, "ServiceException")] {
        let failed = invoked(answer(status, code)).await;
        let why = format!("Lambda answered {code}: said Lambda");
        assert_eq!(failed, (Err(InvokeError::Failed { why }), 3));
    }
}

#[tokio::test]
async fn an_attempt_that_failed_is_repeated() {
    let lambda = MockServer::start().await;
    let broken = call("Event").respond_with(answer(503, "ServiceUnavailable"));
    broken.up_to_n_times(1).expect(1).mount(&lambda).await;
    let taken = call("Event").respond_with(ResponseTemplate::new(202));
    taken.expect(1).mount(&lambda).await;
    let function = function_at(&lambda.uri());
    assert_eq!(function.invoke(FUNCTION_ARN, b"{}".to_vec()).await, Ok(()));
}

#[tokio::test]
async fn a_lambda_that_cannot_be_reached_names_what_a_vpc_needs() {
    // Bound, so that nobody else gets it, but nobody listens.
    let closed_port = TcpSocket::new_v4().unwrap();
    closed_port.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let endpoint = format!("http://{}", closed_port.local_addr().unwrap());
    let error = function_at(&endpoint).check(FUNCTION_ARN).await.unwrap_err();
    let InvokeError::Failed { why } = error else {
        panic!("{error:?}");
    };
    assert!(
        why.contains("could not be reached") && why.contains("NAT gateway"),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_invocations_is_known_as_one_to_lambda_and_no_event_is_logged() {
    let lambda = MockServer::start().await;
    let taken = call("Event")
        .and(header("x-amzn-trace-id", TRACE))
        .respond_with(ResponseTemplate::new(202));
    taken.expect(1).mount(&lambda).await;
    let child = tokio::task::spawn_blocking({
        let endpoint = lambda.uri();
        move || {
            let environment = [
                ("AWS_ENDPOINT_URL_LAMBDA", &*endpoint),
                ("AWS_REGION", "eu-west-1"),
                ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
                ("AWS_SECRET_ACCESS_KEY", "example"),
                ("AWS_LAMBDA_FUNCTION_NAME", "nightly-report"),
                ("_X_AMZN_TRACE_ID", TRACE),
            ];
            run_alone("lambda::alone_a_function_invokes_itself", &environment)
        }
    });
    child.await.unwrap().unwrap();
}

#[tokio::test]
#[ignore = "run by `a_chain_of_invocations_is_known_as_one_to_lambda_and_no_event_is_logged`"]
async fn alone_a_function_invokes_itself() {
    let log = Captured::default();
    tracing_subscriber::fmt()
        .with_max_level(Level::DEBUG)
        .with_writer(log.clone())
        .init();
    let event = json!({ "ResponseURL": format!("https://host/key?X-Amz-Signature={SIGNATURE}") });
    let function = SelfInvocation::from_env();
    function
        .invoke(FUNCTION_ARN, event.to_string().into_bytes())
        .await
        .unwrap();
    let log = log.text();
    assert!(log.contains("DEBUG"), "the test would see nothing: {log}");
    assert!(!log.contains(SIGNATURE), "{log}");
}
