//! Lost and refused connections: whether the server can have seen the request.

use std::error::Error as _;
use std::time::Duration;

use sparkwright_livy::{Client, ClientConfig, Error, Timeouts};

use crate::request;
use crate::scripted::{Script, Scripted, nobody};

const CREATED: &str = "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 27\r\n\r\n\
                       {\"id\":0,\"state\":\"starting\"}";
const HALF_A_HEAD: &str = "HTTP/1.1 201 Created\r\ncontent-ty";
const HALF_A_BODY: &str = "HTTP/1.1 201 Created\r\ncontent-length: 4000\r\n\r\n{\"id\":0,";
const HALF_A_REFUSAL: &str = "HTTP/1.1 400 Bad Request\r\ncontent-length: 4000\r\n\r\n{\"msg\":\"Dupl";

fn client(url: &str) -> Client {
    Client::new(ClientConfig::new(url.parse().unwrap())).unwrap()
}

/// A client with limits that a test can wait for, for what never answers.
fn impatient(url: &str) -> Client {
    let limit = Duration::from_millis(300);
    let mut config = ClientConfig::new(url.parse().unwrap());
    config.timeouts = Timeouts {
        connect: limit,
        read: limit,
        delete: limit,
    };
    Client::new(config).unwrap()
}

async fn create(script: Script, scheme: &str, client: fn(&str) -> Client) -> Error {
    let server = Scripted::start(script).await;
    client(&server.url(scheme))
        .create_batch(&request())
        .await
        .unwrap_err()
}

#[tokio::test]
async fn a_refused_connection_was_not_sent() {
    let url = nobody().await;
    let error = client(&url).create_batch(&request()).await.unwrap_err();
    assert!(
        error.was_not_sent() && error.is_transient() && !error.is_timeout(),
        "{error:?}"
    );
    assert_eq!(error.to_string(), format!("could not create a batch at `{url}/`"));
    assert!(!error.source().unwrap().to_string().contains(&url));
}

#[tokio::test]
async fn a_host_that_does_not_exist_was_not_sent() {
    // A label of 64 letters has no address in any name server, so that none is asked.
    let error = client(&format!("http://{}.invalid:8998", "x".repeat(64)))
        .version()
        .await
        .unwrap_err();
    assert!(error.was_not_sent() && error.is_transient(), "{error:?}");
}

#[tokio::test]
async fn a_connection_closed_before_the_answer_may_have_been_received() {
    let error = create(Script::Hangup, "http", client).await;
    assert!(
        !error.was_not_sent() && error.is_transient() && !error.is_timeout(),
        "{error:?}"
    );
}

#[tokio::test]
async fn half_an_answer_may_have_been_received() {
    for half in [HALF_A_HEAD, HALF_A_BODY] {
        let error = create(Script::Write(half), "http", client).await;
        assert!(matches!(error, Error::Transport { .. }), "{error:?}");
        assert!(!error.was_not_sent() && error.is_transient(), "{error:?}");
    }
}

#[tokio::test]
async fn half_a_refusal_is_a_refusal() {
    let error = create(Script::Write(HALF_A_REFUSAL), "http", client).await;
    assert_eq!(error.status(), Some(400));
    assert!(!error.was_not_sent());
}

#[tokio::test]
async fn a_silent_server_is_a_timeout_that_may_have_been_received() {
    let error = create(Script::Silence, "http", impatient).await;
    assert!(
        error.is_timeout() && error.is_transient() && !error.was_not_sent(),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_body_that_stalls_is_a_timeout() {
    let error = create(Script::Answer(HALF_A_BODY), "http", impatient).await;
    assert!(error.is_timeout() && !error.was_not_sent(), "{error:?}");
}

#[tokio::test]
async fn a_handshake_that_fails_or_stalls_was_not_sent() {
    let error = create(Script::Write("HTTP/1.1 400 Bad Request\r\n\r\n"), "https", client).await;
    assert!(error.was_not_sent() && error.is_transient(), "{error:?}");
    let error = create(Script::Silence, "https", impatient).await;
    assert!(error.was_not_sent() && error.is_timeout(), "{error:?}");
}

#[tokio::test]
async fn a_creation_has_a_connection_of_its_own_and_looks_share_one() {
    let server = Scripted::start(Script::Answer(CREATED)).await;
    let livy = client(&server.url("http"));
    for _ in 0..3 {
        livy.batch("pi-1").await.unwrap();
    }
    assert_eq!(server.connections(), 1);
    for _ in 0..3 {
        livy.create_batch(&request()).await.unwrap();
    }
    assert_eq!(server.connections(), 4);
}

#[tokio::test]
async fn an_address_that_cannot_be_livys_is_refused_without_showing_a_password() {
    for url in [
        "ftp://primary:8998",
        "http://etl:hunter2@primary:8998",
        "http://primary:8998/?a=1",
        "http://p/#x",
    ] {
        let error = Client::new(ClientConfig::new(url.parse().unwrap())).unwrap_err();
        assert!(matches!(error, Error::Configuration { .. }) && error.was_not_sent());
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}
