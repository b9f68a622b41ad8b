//! The layer of faults, and the server below it.

use std::time::{Duration, Instant};

use serde_json::json;
use sparkwright_tests::cluster::Cluster;
use sparkwright_tests::faults::{Fault, Moment, On};
use sparkwright_tests::http::Answer;
use sparkwright_tests::journal::Ending;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::livy::submit;
use crate::raw;

fn client() -> reqwest::Client {
    reqwest::Client::builder().build().unwrap()
}

/// A POST, ready to be sent: making a client takes its time.
fn post(
    cluster: &Cluster,
    name: &str,
) -> impl Future<Output = Result<reqwest::Response, reqwest::Error>> + use<> {
    let batch = json!({ "file": "s3://b/forever.py", "name": name });
    client()
        .post(cluster.livy_url().join("batches").unwrap())
        .json(&batch)
        .send()
}

/// The text of an error and of all its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn a_lost_request_did_nothing_and_a_lost_answer_did() {
    for (fault, batches) in [(Fault::lost_request(), 0), (Fault::lost_answer(), 1)] {
        let cluster = Cluster::start().await;
        let injected = cluster
            .livy()
            .faults()
            .inject(On::post("/batches").first(1), fault);
        let error = post(&cluster, "lost").await.unwrap_err();
        assert!(chain(&error).contains("connection closed"), "{}", chain(&error));
        assert_eq!((injected.hits(), cluster.world().batches().len()), (1, batches));
        assert_eq!(
            cluster.livy().journal().last("POST /batches").unwrap().ending,
            Ending::Cut
        );
        assert_eq!(post(&cluster, "second").await.unwrap().status(), 201);
    }
}

#[tokio::test]
async fn a_reset_is_seen_as_a_reset() {
    let cluster = Cluster::start().await;
    cluster.livy().faults().inject(On::any(), Fault::reset());
    let error = post(&cluster, "reset").await.unwrap_err();
    assert!(chain(&error).contains("reset by peer"), "{}", chain(&error));
    assert_eq!(cluster.world().batches(), []);
}

#[tokio::test]
async fn an_answer_may_come_from_somebody_else_before_or_after_the_action() {
    let cluster = Cluster::start().await;
    let page = Answer::html(502, "<h1>Bad Gateway</h1>").with_reason("Bad Gateway");
    cluster
        .livy()
        .faults()
        .inject(On::post("/batches").nth(1), Fault::Answer(page.clone()));
    cluster
        .livy()
        .faults()
        .inject(On::post("/batches").nth(2), Fault::Replace(page));
    for batches in [0, 1] {
        let answer = submit(&cluster, "x", "pi.py", json!({})).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (502, "<h1>Bad Gateway</h1>")
        );
        assert_eq!(cluster.world().batches().len(), batches);
    }
}

#[tokio::test]
async fn a_truncated_answer_breaks_off_in_its_body() {
    let cluster = Cluster::start().await;
    cluster
        .livy()
        .faults()
        .inject(On::get("/version"), Fault::Truncate);
    let answer = client()
        .get(cluster.livy_url().join("version").unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.is_err());
}

#[tokio::test]
async fn a_hanging_request_acts_only_when_told_so() {
    for (moment, batches) in [(Moment::Before, 0), (Moment::After, 1)] {
        let cluster = Cluster::start().await;
        let hung = cluster
            .livy()
            .faults()
            .inject(On::post("/batches"), Fault::Hang(moment));
        let sent = tokio::spawn(post(&cluster, "hangs"));
        hung.struck(1).await;
        cluster
            .world()
            .until(|world| world.batches().len() == batches)
            .await;
        assert!(!sent.is_finished());
        sent.abort();
        cluster
            .livy()
            .journal()
            .until(|journal| journal.sum("POST /batches").open == 0)
            .await;
        assert_eq!(
            cluster.livy().journal().last("POST /batches").unwrap().ending,
            Ending::Abandoned
        );
    }
}

#[tokio::test]
async fn a_gate_stops_the_answer_at_the_very_place() {
    let cluster = Cluster::start().await;
    let gate = cluster.livy().faults().hold(On::post("/batches"), Moment::After);
    let sent = tokio::spawn({
        let url = cluster.livy_url().join("batches").unwrap();
        let batch = json!({ "file": "s3://b/forever.py", "name": "held" });
        async move { client().post(url).json(&batch).send().await.unwrap().status() }
    });
    gate.arrived(1).await;
    assert!(cluster.world().batch("held").is_some());
    assert!(!sent.is_finished());
    gate.open();
    assert_eq!(sent.await.unwrap(), 201);
}

#[tokio::test]
async fn what_was_begun_goes_on_when_the_caller_hangs_up() {
    let cluster = Cluster::builder()
        .with_latencies(|latencies| latencies.post = Duration::from_millis(100))
        .start()
        .await;
    let sent = tokio::spawn(post(&cluster, "begun"));
    cluster
        .world()
        .until(|world| world.batch("begun").is_some())
        .await;
    sent.abort();
    cluster
        .livy()
        .journal()
        .until(|journal| journal.sum("POST /batches").open == 0)
        .await;
    assert_eq!(
        cluster.livy().journal().last("POST /batches").unwrap().ending,
        Ending::Abandoned
    );
    cluster.world().appeared("begun").await;
}

#[tokio::test]
async fn a_server_that_is_down_refuses_and_is_back_at_its_port() {
    let cluster = Cluster::start().await;
    let address = cluster.livy().address();
    let mut open = TcpStream::connect(address).await.unwrap();
    cluster.livy().down().await;
    assert_eq!(
        TcpStream::connect(address).await.unwrap_err().kind(),
        std::io::ErrorKind::ConnectionRefused
    );
    assert_eq!(
        open.read(&mut [0; 1]).await.unwrap_or(0),
        0,
        "open connections are cut"
    );
    cluster.livy().up();
    assert_eq!(raw::get(address, "/version").await.status, 200);
}

#[tokio::test]
async fn a_silent_server_takes_requests_and_answers_them_later() {
    let cluster = Cluster::start().await;
    cluster.livy().silence();
    let address = cluster.livy().address();
    let asked = tokio::spawn(async move { raw::get(address, "/version").await.status });
    cluster.livy().journal().reached("GET /version", 1).await;
    assert!(!asked.is_finished());
    cluster.livy().speak();
    assert_eq!(asked.await.unwrap(), 200);
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let cluster = Cluster::builder()
        .keep_alive(Duration::from_millis(100))
        .start()
        .await;
    let mut stream = TcpStream::connect(cluster.livy().address()).await.unwrap();
    stream
        .write_all(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let begun = Instant::now();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(
        begun.elapsed() >= Duration::from_millis(90),
        "{:?}",
        begun.elapsed()
    );
    assert!(
        String::from_utf8(answer)
            .unwrap()
            .starts_with("HTTP/1.1 200 OK\r\n")
    );
}

#[tokio::test]
async fn a_slow_answer_is_late_and_its_action_is_not() {
    let cluster = Cluster::start().await;
    cluster
        .livy()
        .faults()
        .inject(On::delete("/batches/*"), Fault::slow(Duration::from_millis(400)));
    submit(&cluster, "slow", "forever.py", json!({})).await;
    let address = cluster.livy().address();
    let deletion = tokio::spawn(async move { raw::delete(address, "/batches/slow").await.status });
    cluster
        .world()
        .until(|world| world.batches().is_empty() && !world.applications().is_empty())
        .await;
    assert!(!deletion.is_finished());
    assert_eq!(deletion.await.unwrap(), 200);
}

#[tokio::test]
async fn a_private_authority_vouches_for_tls() {
    let cluster = Cluster::builder().tls().start().await;
    assert_eq!(cluster.livy_url().scheme(), "https");
    let url = cluster.livy_url().join("version").unwrap();
    assert!(client().get(url.clone()).send().await.is_err());
    let certificate = reqwest::Certificate::from_pem(cluster.ca_certificate().unwrap().as_bytes()).unwrap();
    let trusting = reqwest::Client::builder()
        .add_root_certificate(certificate)
        .build()
        .unwrap();
    assert_eq!(trusting.get(url).send().await.unwrap().status(), 200);
}
