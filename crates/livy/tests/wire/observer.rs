//! What an observer is told of calls.

use std::sync::{Arc, Mutex};

use sparkwright_livy::{Client, ClientConfig, LogLines, Observer};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::request;

#[tokio::test]
async fn an_observer_is_told_of_each_call_and_of_what_came_of_it() {
    let server = MockServer::start().await;
    let answers = [
        (
            "GET",
            "/version",
            ResponseTemplate::new(200).set_body_string(r#"{"version":"0.8.0"}"#),
        ),
        (
            "POST",
            "/batches",
            ResponseTemplate::new(400).set_body_string("no"),
        ),
        (
            "GET",
            "/batches/pi-1",
            ResponseTemplate::new(404)
                .set_body_raw(r#"{"msg":"Session '7' not found."}"#, "application/json"),
        ),
        (
            "DELETE",
            "/batches/pi-1",
            ResponseTemplate::new(200).set_body_string(r#"{"msg":"deleted"}"#),
        ),
        (
            "GET",
            "/batches",
            ResponseTemplate::new(200).set_body_string("<html>"),
        ),
        ("GET", "/batches/pi-1/log", ResponseTemplate::new(401)),
    ];
    for (verb, at, answer) in answers {
        let mock = Mock::given(method(verb)).and(path(at)).respond_with(answer);
        mock.mount(&server).await;
    }
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let observer = Observer::new(move |operation, result| tell.lock().unwrap().push((operation, result)));
    let client = |url: &str| {
        let mut config = ClientConfig::new(url.parse().unwrap());
        config.observer = observer.clone();
        Client::new(config).unwrap()
    };
    let livy = client(&server.uri());
    let _ = livy.version().await;
    let _ = livy.create_batch(&request()).await;
    let _ = livy.batch("pi-1").await;
    let _ = livy.delete_batch("pi-1").await;
    let _ = livy.batches().await;
    let _ = livy.batch_log("pi-1", LogLines::All).await;
    let nobody = "http://127.0.0.1:1";
    let _ = client(nobody).version().await;
    assert_eq!(
        *told.lock().unwrap(),
        [
            ("version", "ok"),
            ("create_batch", "refused"),
            ("batch", "not_found"),
            ("delete_batch", "ok"),
            ("batches", "unreadable"),
            ("batch_log", "unauthorized"),
            ("version", "no_answer"),
        ]
    );
}
