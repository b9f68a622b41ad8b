//! How an answer travels.

use std::time::{Duration, Instant};

use custom_resource::{Handler, RequestType, Settings};
use lambda_runtime::Diagnostic;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::events::{SIGNATURE, event, invocation};
use crate::provider::{Script, Scripted};
use crate::sink::{Reply, Sink};

const LONG: Duration = Duration::from_secs(60);

fn impatient() -> Settings {
    let mut settings = Settings::default();
    settings.shortest_pause = Duration::from_millis(1);
    settings.longest_pause = Duration::from_millis(10);
    settings
}

#[tokio::test]
async fn attempts_go_on_until_the_answer_is_taken() {
    let mut replies = vec![Reply::Status(500); 30];
    replies.push(Reply::Status(200));
    let sink = Sink::start(&replies).await;
    let event = event(RequestType::Create, &sink.url());
    let handler = Handler::new(Scripted::new(Script::Succeed), impatient());
    handler.handle(invocation(event.clone(), LONG)).await.unwrap();
    assert_eq!((sink.attempts(), sink.answers(&event).len()), (31, 1));
}

#[tokio::test]
async fn a_refusal_is_final_at_once() {
    let sink = Sink::start(&[Reply::Status(403), Reply::Status(200)]).await;
    let event = event(RequestType::Update, &sink.url());
    let handler = Handler::new(Scripted::new(Script::Succeed), impatient());
    let error = handler.handle(invocation(event, LONG)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "could not deliver the answer: the response URL refused it with status 403"
    );
    assert_eq!(Diagnostic::from(error).error_type, "CustomResource.Refused");
    assert_eq!(sink.attempts(), 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let sink = Sink::start(&[Reply::Redirect, Reply::Status(200)]).await;
    let event = event(RequestType::Delete, &sink.url());
    let handler = Handler::new(Scripted::new(Script::Succeed), impatient());
    handler.handle(invocation(event, LONG)).await.unwrap_err();
    assert_eq!(sink.attempts(), 1);
}

#[tokio::test]
async fn an_answer_that_cannot_be_delivered_is_given_up_with_its_last_obstacle() {
    let sink = Sink::start(&[Reply::Status(503)]).await;
    let event = event(RequestType::Create, &sink.url());
    let handler = Handler::new(Scripted::new(Script::Succeed), impatient());
    let begun = Instant::now();
    let error = handler
        .handle(invocation(event, Duration::from_secs(2)))
        .await
        .unwrap_err();
    // Exactly when it gives up is a matter of `times.rs`; here it is that it does.
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(sink.attempts() > 3);

    // A URL in an error would be a URL in Lambda's log.
    let text = Diagnostic::from(error).error_message;
    assert!(text.starts_with("could not deliver the answer in "), "{text}");
    assert!(
        text.ends_with("Amazon S3): status 503 Service Unavailable") && !text.contains(SIGNATURE),
        "{text}"
    );
}

#[tokio::test]
async fn one_handler_answers_one_event_after_another() {
    let sink = Sink::start(&[Reply::Status(200)]).await;
    let handler = Handler::new(Scripted::new(Script::Succeed), impatient());
    let event = event(RequestType::Create, &sink.url());
    for _ in 0..3 {
        handler.handle(invocation(event.clone(), LONG)).await.unwrap();
    }
    assert_eq!(sink.answers(&event).len(), 3);
}

/// Reads one HTTP request from a connection.
async fn read_request(stream: &mut tokio::net::TcpStream) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    loop {
        stream.read_buf(&mut bytes).await.unwrap();
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .unwrap();
        if bytes.len() == end + 4 + length.parse::<usize>().unwrap() {
            return (head, bytes.split_off(end + 4));
        }
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_again_and_the_bytes_are_as_signed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let event = event(
        RequestType::Create,
        &format!("http://{}", listener.local_addr().unwrap()),
    );
    let server = tokio::spawn(async move {
        // Closed at once, then after the whole answer was read but before the reply: the answer's own was
        // lost.
        drop(listener.accept().await.unwrap());
        let (mut lost, _) = listener.accept().await.unwrap();
        let first = read_request(&mut lost).await;
        drop(lost);
        let (mut stream, _) = listener.accept().await.unwrap();
        let second = read_request(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
        assert_eq!(first, second);
        second
    });
    let handler = Handler::new(Scripted::new(Script::Fail), impatient());
    handler.handle(invocation(event.clone(), LONG)).await.unwrap();

    let (head, body) = server.await.unwrap();
    let url = event["ResponseURL"].as_str().unwrap();
    let target = &url[url.find("/arn").unwrap()..];
    let lines: Vec<&str> = head.lines().collect();
    assert_eq!(lines[0], format!("PUT {target} HTTP/1.1"));
    assert!(
        lines.iter().any(|line| line.trim_end() == "content-type:"),
        "{head}"
    );
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.starts_with("content-length:"))
            .count(),
        1
    );
    assert!(!head.contains("transfer-encoding"), "{head}");
    assert!(body.starts_with(b"{\"Status\":\"FAILED\",\"Reason\":\"the printer is on fire\","));
}
