//! Credentials that change while a client uses them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sparkwright_livy::{Client, ClientConfig, Credentials, CredentialsSource, Error, ReadingAgain};
use wiremock::matchers::{basic_auth, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::request;

/// A source that holds a password, or none any more.
struct Source {
    password: Option<&'static str>,
    readings: AtomicUsize,
}

impl Source {
    fn holding(password: impl Into<Option<&'static str>>) -> Arc<Self> {
        Arc::new(Self {
            password: password.into(),
            readings: AtomicUsize::new(0),
        })
    }

    fn readings(&self) -> usize {
        self.readings.load(Ordering::SeqCst)
    }
}

impl CredentialsSource for Source {
    fn name(&self) -> String {
        "the drawer".into()
    }

    fn read_again<'a>(&'a self, _refused: &'a Credentials) -> ReadingAgain<'a> {
        Box::pin(async {
            self.readings.fetch_add(1, Ordering::SeqCst);
            // Long enough for every other request to be refused meanwhile.
            tokio::time::sleep(Duration::from_millis(200)).await;
            match self.password {
                Some(password) => Ok(Credentials::new("etl", password)),
                None => Err("the drawer is empty".into()),
            }
        })
    }
}

/// A Livy that takes one password, and refuses others with this status.
async fn guarded(password: &str, refusal: u16) -> MockServer {
    let server = MockServer::start().await;
    let answer = serde_json::json!({"id": 1, "state": "starting", "version": "0.8.0", "from": 0, "total": 0, "sessions": []});
    Mock::given(basic_auth("etl", password))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .mount(&server)
        .await;
    Mock::given(wiremock::matchers::any())
        .respond_with(ResponseTemplate::new(refusal))
        .mount(&server)
        .await;
    server
}

/// A client that begins with an old password.
fn client(server: &MockServer, source: &Arc<Source>) -> Client {
    let mut config = ClientConfig::new(server.uri().parse().unwrap());
    let source: Arc<dyn CredentialsSource> = source.clone();
    config.credentials = Some(Credentials::new("etl", "old").from_source(source));
    Client::new(config).unwrap()
}

#[track_caller]
fn refused(error: &Error, remark: &str) {
    let message = error.to_string();
    assert!(error.is_unauthorized(), "{message}");
    assert!(message.ends_with(remark), "{message}");
}

#[tokio::test]
async fn a_refused_request_is_sent_again_with_newer_credentials() {
    for refusal in [401, 403] {
        let server = guarded("new", refusal).await;
        let source = Source::holding("new");
        let livy = client(&server, &source);
        // A creation too: what was refused was not acted upon.
        livy.create_batch(&request()).await.unwrap();
        livy.delete_batch("pi-1").await.unwrap();
        livy.batches().await.unwrap();
        let received = server.received_requests().await.unwrap();
        let methods: Vec<_> = received.iter().map(|request| request.method.as_str()).collect();
        assert_eq!(methods, ["POST", "POST", "DELETE", "GET"]);
        assert_eq!(received[0].body, received[1].body);
        assert_eq!(source.readings(), 1);
    }
}

#[tokio::test]
async fn requests_that_are_refused_together_read_once() {
    for (password, ends_well) in [("new", true), ("old", false)] {
        let server = guarded("new", 401).await;
        let source = Source::holding(password);
        let livy = client(&server, &source);
        let (a, b, c) = tokio::join!(livy.batch("a"), livy.batch("b"), livy.version());
        assert_eq!(
            (a.is_ok(), b.is_ok(), c.is_ok()),
            (ends_well, ends_well, ends_well)
        );
        assert_eq!(source.readings(), 1, "{password}");
    }
}

#[tokio::test]
async fn what_does_not_help_is_said_and_not_repeated() {
    for (password, requests, remark) in [
        (Some("old"), 1, "the drawer still holds the same"),
        (None, 1, "the drawer is empty"),
        (Some("other"), 2, "what the drawer holds now is refused too"),
    ] {
        let server = guarded("new", 401).await;
        let source = Source::holding(password);
        let error = client(&server, &source)
            .create_batch(&request())
            .await
            .unwrap_err();
        refused(&error, remark);
        assert_eq!(
            server.received_requests().await.unwrap().len(),
            requests,
            "{remark}"
        );
        assert_eq!(source.readings(), 1);
    }
}

#[tokio::test]
async fn each_refused_request_asks_the_source_anew() {
    let server = guarded("new", 401).await;
    let source = Source::holding("old");
    let livy = client(&server, &source);
    for readings in 1..=2 {
        refused(&livy.version().await.unwrap_err(), "still holds the same");
        assert_eq!(source.readings(), readings);
    }
}

#[tokio::test]
async fn other_refusals_are_no_matter_of_credentials() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(404))
        .mount(&server)
        .await;
    let source = Source::holding("new");
    assert!(client(&server, &source).batch("a").await.is_err());
    assert_eq!(source.readings(), 0);
}
