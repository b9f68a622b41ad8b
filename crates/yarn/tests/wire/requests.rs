//! The exact shape of each request.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::json;
use sparkwright_yarn::{ApplicationState, ApplicationsQuery, Client, ClientConfig, Error};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::{client, id, lines};

/// Answers every request with what fits all calls at once.
async fn agreeable() -> MockServer {
    let server = MockServer::start().await;
    let body = json!({
        "apps": {}, "appAttempts": {}, "clusterMetrics": {"activeNodes": 1}, "state": "RUNNING",
        "app": {"id": "application_1795225753640_0009", "state": "RUNNING"},
        "clusterInfo": {"state": "STARTED", "haState": "ACTIVE"},
    });
    Mock::given(any())
        .respond_with(ResponseTemplate::new(202).set_body_json(body))
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn each_call_has_its_path_and_the_user() {
    let server = agreeable().await;
    let yarn = client(&[&server.uri()]);
    let query = ApplicationsQuery {
        tag: Some("sparkwright run/1".into()),
        states: ApplicationState::LIVE.to_vec(),
        finished_since: Some(UNIX_EPOCH + Duration::from_millis(1234)),
    };
    yarn.applications(&query).await.unwrap();
    yarn.application(&id()).await.unwrap();
    yarn.attempts(&id()).await.unwrap();
    yarn.kill(&id()).await.unwrap();
    yarn.metrics().await.unwrap();
    yarn.info().await.unwrap();
    let received = server.received_requests().await.unwrap();
    let one = "/ws/v1/cluster/apps/application_1795225753640_0009";
    let expected = [
        "GET /ws/v1/cluster/apps?applicationTags=sparkwright+run%2F1\
         &states=NEW%2CNEW_SAVING%2CSUBMITTED%2CACCEPTED%2CRUNNING&finishedTimeBegin=1234\
         &deSelects=resourceRequests&user.name=hadoop"
            .to_owned(),
        format!("GET {one}?deSelects=resourceRequests&user.name=hadoop"),
        format!("GET {one}/appattempts?user.name=hadoop"),
        format!("PUT {one}/state?user.name=hadoop"),
        "GET /ws/v1/cluster/metrics?user.name=hadoop".to_owned(),
        "GET /ws/v1/cluster/info?user.name=hadoop".to_owned(),
    ];
    assert_eq!(lines(&received), expected);
    for request in &received {
        assert_eq!(request.headers["accept"], "application/json", "{}", request.url);
        assert!(request.headers.contains_key("x-xsrf-header"), "{}", request.url);
    }
    assert_eq!(received[3].body, br#"{"state":"KILLED"}"#);
    assert_eq!(received[3].headers["content-type"], "application/json");
}

#[tokio::test]
async fn the_user_and_a_gateways_path_are_as_configured() {
    let server = agreeable().await;
    let url = format!("{}/gateway/rm", server.uri());
    let mut config = ClientConfig::new(vec![url.parse().unwrap()]);
    config.user = "etl & co".into();
    Client::new(config).unwrap().metrics().await.unwrap();
    let received = server.received_requests().await.unwrap();
    assert_eq!(
        lines(&received),
        ["GET /gateway/rm/ws/v1/cluster/metrics?user.name=etl+%26+co"]
    );
}

#[test]
fn addresses_that_cannot_be_yarns_are_refused_without_showing_a_password() {
    let refused = |urls: &[&str]| {
        let urls = urls.iter().map(|url| url.parse().unwrap()).collect();
        let error = Client::new(ClientConfig::new(urls)).unwrap_err();
        assert!(matches!(error, Error::Configuration { .. }) && error.was_not_sent());
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    };
    refused(&[]);
    refused(&["ftp://primary:8088"]);
    refused(&["http://primary:8088", "http://etl:hunter2@primary:8088"]);
    refused(&["http://primary:8088/?user.name=root"]);
}
