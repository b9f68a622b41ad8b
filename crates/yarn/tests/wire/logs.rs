//! A driver's log, from its node.

use serde_json::json;
use sparkwright_yarn::{Attempt, Client, Error, LogFile};
use wiremock::matchers::{any, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::{answering, client, lines};

const CONTAINER: &str = "container_1795225753640_0004_01_000001";
const FRAMED: &str = "Container: container_1795225753640_0004_01_000001 on localhost:28041\n\
    LogAggregationType: LOCAL\n====\nLogType:stdout\nLogLastModifiedTime:Sat Nov 21 01:50:35 +0000 2026\n\
    LogLength:12\nLogContents:\nValueError!\nEnd of LogType:stdout.\n****\n\n";

/// The ResourceManager is not asked: the attempt says where the node is.
fn yarn() -> Client {
    client(&["http://127.0.0.1:9"])
}

fn attempt(container: &str, node: &str) -> Attempt {
    let node = node.trim_start_matches("http://");
    serde_json::from_value(json!({"id": 1, "containerId": container, "nodeHttpAddress": node})).unwrap()
}

#[tokio::test]
async fn the_tail_is_asked_for_as_text_and_comes_without_its_frame() {
    let node = answering(ResponseTemplate::new(200).set_body_string(FRAMED)).await;
    let log = yarn()
        .container_log(&attempt(CONTAINER, &node.uri()), LogFile::Stdout, 8192)
        .await
        .unwrap();
    assert_eq!(log, "ValueError!\n");
    let received = node.received_requests().await.unwrap();
    let expected = format!("GET /ws/v1/node/containers/{CONTAINER}/logs/stdout?size=-8192&user.name=hadoop");
    assert_eq!(lines(&received), [expected]);
    assert_eq!(received[0].headers["accept"], "text/plain");
}

#[tokio::test]
async fn an_older_nodes_whole_file_is_cut_to_its_tail() {
    let node = MockServer::start().await;
    let file = format!("{}the end\n", "x".repeat(3 << 20));
    Mock::given(path(format!("/ws/v1/node/containerlogs/{CONTAINER}/stderr")))
        .respond_with(ResponseTemplate::new(200).set_body_string(file))
        .expect(1)
        .mount(&node)
        .await;
    let log = yarn()
        .container_log(&attempt(CONTAINER, &node.uri()), LogFile::Stderr, 10)
        .await
        .unwrap();
    assert_eq!(log, "xxthe end\n");
}

#[tokio::test]
async fn a_node_that_has_passed_the_log_on_is_followed() {
    let history = answering(ResponseTemplate::new(200).set_body_string(FRAMED)).await;
    let location = format!(
        "{}/ws/v1/history/containers/{CONTAINER}/logs/stdout?size=-99",
        history.uri()
    );
    let node = answering(ResponseTemplate::new(307).insert_header("location", location.as_str())).await;
    let log = yarn()
        .container_log(&attempt(CONTAINER, &node.uri()), LogFile::Stdout, 99)
        .await
        .unwrap();
    assert_eq!(log, "ValueError!\n");
}

#[tokio::test]
async fn nodes_that_pass_it_around_are_left() {
    let node = MockServer::start().await;
    let location = format!("{}/ws/v1/node/containers/{CONTAINER}/logs/stdout", node.uri());
    let around = ResponseTemplate::new(307).insert_header("location", location.as_str());
    Mock::given(any()).respond_with(around).mount(&node).await;
    let error = yarn()
        .container_log(&attempt(CONTAINER, &node.uri()), LogFile::Stdout, 99)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Decode { .. }), "{error:?}");
    assert!(node.received_requests().await.unwrap().len() < 6);
}

#[tokio::test]
async fn a_log_that_the_node_has_forgotten_is_not_found() {
    let text = "Cannot find this log on the local disk.";
    let body = format!("java.lang.Exception: {text}");
    let node = answering(ResponseTemplate::new(404).set_body_string(body)).await;
    let error = yarn()
        .container_log(&attempt(CONTAINER, &node.uri()), LogFile::Stdout, 99)
        .await
        .unwrap_err();
    assert!(error.is_not_found(), "{error:?}");
    assert!(error.to_string().ends_with(&format!("404: {text}")), "{error}");
}

#[tokio::test]
async fn a_program_may_print_what_a_standby_says() {
    let node = answering(ResponseTemplate::new(200).set_body_string("This is standby RM\n")).await;
    let log = yarn()
        .container_log(&attempt(CONTAINER, &node.uri()), LogFile::Stdout, 99)
        .await
        .unwrap();
    assert_eq!(log, "This is standby RM\n");
}

#[tokio::test]
async fn an_attempt_without_a_container_is_not_asked_for() {
    for attempt in [
        attempt("", "http://127.0.0.1:9"),
        attempt(CONTAINER, ""),
        attempt(CONTAINER, "a b"),
        attempt(CONTAINER, "node:8042/elsewhere"),
        attempt(CONTAINER, "node:8042?user.name=root"),
        attempt(CONTAINER, "user@node:8042"),
    ] {
        let error = yarn()
            .container_log(&attempt, LogFile::Stdout, 99)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::NoContainer { attempt: 1 }), "{error:?}");
    }
}
