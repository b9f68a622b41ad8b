//! The exact shape of each request.

use serde_json::json;
use sparkwright_livy::{BatchId, BatchKey, BatchRequest, Client, ClientConfig, Credentials, LogLines};
use wiremock::matchers::{any, body_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::{client, request};

const CREATED: &str = r#"{"id":0,"name":"pi-1","owner":null,"proxyUser":null,"state":"starting","appId":null,
    "appInfo":{"driverLogUrl":null,"sparkUiUrl":null},"log":["stdout: ","\nstderr: ","\nYARN Diagnostics: "]}"#;

/// Answers every request with what fits all calls at once.
async fn agreeable() -> MockServer {
    let server = MockServer::start().await;
    let body = json!({
        "version": "0.7.1-incubating", "id": 3, "state": "running", "log": ["stdout: "],
        "from": 0, "total": 1, "sessions": [{"id": 3, "state": "running"}], "msg": "deleted",
    });
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_json(body))
        .mount(&server)
        .await;
    server
}

async fn call_everything(livy: &Client) {
    livy.version().await.unwrap();
    livy.create_batch(&request()).await.unwrap();
    livy.batch("pi-1").await.unwrap();
    livy.batch_state("pi-1").await.unwrap();
    livy.batches().await.unwrap();
    livy.batch_log("pi-1", LogLines::All).await.unwrap();
    livy.delete_batch("pi-1").await.unwrap();
}

fn lines(requests: &[Request]) -> Vec<String> {
    let line = |request: &Request| {
        let query = request
            .url
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        format!("{} {}{query}", request.method, request.url.path())
    };
    requests.iter().map(line).collect()
}

#[tokio::test]
async fn a_creation_has_what_was_set_and_nothing_else() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/batches"))
        .and(header("content-type", "application/json"))
        .and(header("accept", "application/json"))
        .and(header("x-requested-by", "sparkwright"))
        .and(body_json(json!({"file": "local:/jobs/pi.py", "name": "pi-1"})))
        .respond_with(
            ResponseTemplate::new(201)
                .insert_header("location", "/batches/0")
                .set_body_string(CREATED),
        )
        .expect(1)
        .mount(&server)
        .await;
    let batch = client(&server).create_batch(&request()).await.unwrap();
    assert_eq!((batch.id, batch.name.as_deref()), (BatchId(0), Some("pi-1")));
    let received = server.received_requests().await.unwrap();
    assert!(!String::from_utf8_lossy(&received[0].body).contains("null"));
}

#[tokio::test]
async fn each_call_has_its_path() {
    let server = agreeable().await;
    call_everything(&client(&server)).await;
    let expected = [
        "GET /version",
        "POST /batches",
        "GET /batches/pi-1",
        "GET /batches/pi-1/state",
        "GET /batches?from=0&size=1000",
        "GET /batches/pi-1/log?size=-1",
        "DELETE /batches/pi-1",
    ];
    assert_eq!(lines(&server.received_requests().await.unwrap()), expected);
}

#[tokio::test]
async fn every_call_has_the_csrf_header_and_wants_json() {
    let server = agreeable().await;
    call_everything(&client(&server)).await;
    for request in server.received_requests().await.unwrap() {
        assert_eq!(
            request.headers["x-requested-by"], "sparkwright",
            "{}",
            request.url
        );
        assert_eq!(request.headers["accept"], "application/json", "{}", request.url);
        assert!(!request.headers.contains_key("authorization"), "{}", request.url);
    }
}

#[tokio::test]
async fn every_call_has_the_credentials() {
    let server = agreeable().await;
    let mut config = ClientConfig::new(server.uri().parse().unwrap());
    config.credentials = Some(Credentials::new("etl", "pass:wörd"));
    call_everything(&Client::new(config).unwrap()).await;
    let received = server.received_requests().await.unwrap();
    assert_eq!(received.len(), 7);
    for request in received {
        assert_eq!(
            request.headers["authorization"], "Basic ZXRsOnBhc3M6d8O2cmQ=",
            "{}",
            request.url
        );
    }
}

#[tokio::test]
async fn a_name_is_one_encoded_segment_and_an_id_is_a_number() {
    let server = agreeable().await;
    let livy = client(&server);
    livy.batch("a b/cé?#%2F").await.unwrap();
    livy.delete_batch("a/../b").await.unwrap();
    livy.batch(BatchId(12)).await.unwrap();
    livy.batch_log(BatchKey::from("x-1"), LogLines::Last(10))
        .await
        .unwrap();
    let expected = [
        "GET /batches/a%20b%2Fc%C3%A9%3F%23%252F",
        "DELETE /batches/a%2F..%2Fb",
        "GET /batches/12",
        "GET /batches/x-1/log?size=10",
    ];
    assert_eq!(lines(&server.received_requests().await.unwrap()), expected);
}

#[tokio::test]
async fn a_name_that_no_path_can_mean_is_not_sent() {
    let server = agreeable().await;
    let livy = client(&server);
    for name in ["", "12", ".", ".."] {
        let error = livy.delete_batch(name).await.unwrap_err();
        assert!(
            error.was_not_sent() && !error.is_transient() && !error.is_not_found(),
            "{error}"
        );
        assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_gateways_path_is_kept() {
    for base in ["/gateway/livy", "/gateway/livy/"] {
        let server = agreeable().await;
        let livy = Client::new(ClientConfig::new(
            format!("{}{base}", server.uri()).parse().unwrap(),
        ))
        .unwrap();
        livy.batch("pi-1").await.unwrap();
        assert_eq!(
            lines(&server.received_requests().await.unwrap()),
            ["GET /gateway/livy/batches/pi-1"]
        );
    }
}

#[tokio::test]
async fn a_list_is_read_to_its_end() {
    let server = MockServer::start().await;
    for (from, ids) in [("0", 0..3), ("2", 2..5), ("4", 4..6)] {
        let sessions: Vec<_> = ids.map(|id| json!({"id": id, "state": "running"})).collect();
        let page = json!({"from": 0, "total": 6, "sessions": sessions});
        Mock::given(query_param("from", from))
            .respond_with(ResponseTemplate::new(200).set_body_json(page))
            .expect(1)
            .mount(&server)
            .await;
    }
    let ids: Vec<_> = client(&server)
        .batches()
        .await
        .unwrap()
        .iter()
        .map(|batch| batch.id.0)
        .collect();
    assert_eq!(ids, [0, 1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_large_creation_arrives_whole() {
    let server = agreeable().await;
    let args = vec!["é\"\\\n".repeat(1000); 40];
    let large = BatchRequest {
        args: args.clone(),
        ..request()
    };
    client(&server).create_batch(&large).await.unwrap();
    let received = server.received_requests().await.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&received[0].body).unwrap();
    assert_eq!(body["args"], json!(args));
    assert_eq!(
        received[0].headers["content-length"],
        received[0].body.len().to_string().as_str()
    );
}
