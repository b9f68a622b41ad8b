//! CloudFormation's sink.

use serde_json::{Value, json};
use sparkwright_tests::cloudformation::{Event, Sink, StackResource, Verdict};
use sparkwright_tests::faults::{Fault, On};
use sparkwright_tests::http::Answer;

async fn put(url: &str, content_type: &str, body: String) -> Result<u16, reqwest::Error> {
    let put = reqwest::Client::new()
        .put(url)
        .header("content-type", content_type)
        .body(body);
    Ok(put.send().await?.status().as_u16())
}

fn success(event: &Event, resource: &StackResource) -> Value {
    json!({
        "Status": "SUCCESS", "PhysicalResourceId": "id-1", "StackId": resource.stack_id,
        "RequestId": event.request_id, "LogicalResourceId": resource.logical_id, "Data": { "State": "RUNNING" }
    })
}

#[tokio::test]
async fn an_answer_is_taken_judged_and_counted() {
    let (sink, resource) = (Sink::start().await, StackResource::new("Job"));
    let event = sink.create(&resource, json!({}));
    let url = event.body["ResponseURL"].as_str().unwrap();
    let body = success(&event, &resource);
    for _ in 0..2 {
        assert_eq!(put(url, "", body.to_string()).await.unwrap(), 200);
    }
    let answer = sink.expect(&event.request_id).await;
    assert!(answer.verdict.is_success());
    assert_eq!(
        (answer.physical_id(), &answer.body["Data"]["State"]),
        ("id-1", &json!("RUNNING"))
    );
    assert_eq!(sink.answers(&event.request_id).len(), 2);
    assert_eq!(sink.server().journal().count("PUT response"), 2);
}

#[tokio::test]
async fn an_answer_for_another_request_is_invalid() {
    let (sink, resource) = (Sink::start().await, StackResource::new("Job"));
    let event = sink.create(&resource, json!({}));
    let mut body = success(&event, &resource);
    body["StackId"] = json!("another");
    put(event.body["ResponseURL"].as_str().unwrap(), "", body.to_string())
        .await
        .unwrap();
    let Verdict::Invalid(faults) = sink.expect(&event.request_id).await.verdict else {
        panic!("valid")
    };
    assert!(faults[0].starts_with("`StackId` is `another`"), "{faults:?}");
}

#[tokio::test]
async fn a_content_type_breaks_the_signature_and_time_breaks_the_url() {
    let (sink, resource) = (Sink::start().await, StackResource::new("Job"));
    let event = sink.create(&resource, json!({}));
    let body = success(&event, &resource).to_string();
    let url = event.body["ResponseURL"].as_str().unwrap();
    assert_eq!(put(url, "application/json", body.clone()).await.unwrap(), 403);
    assert_eq!(
        put(sink.expired_url(&event.request_id).as_str(), "", body.clone())
            .await
            .unwrap(),
        403
    );
    assert_eq!(put(url.split('?').next().unwrap(), "", body).await.unwrap(), 403);
    assert!(sink.answers(&event.request_id).is_empty());
}

#[tokio::test]
async fn the_sink_fails_as_it_is_told() {
    let (sink, resource) = (Sink::start().await, StackResource::new("Job"));
    let event = sink.create(&resource, json!({}));
    let body = success(&event, &resource).to_string();
    let url = event.body["ResponseURL"].as_str().unwrap();
    let faults = sink.server().faults();
    faults.inject(On::put("*").nth(1), Fault::Answer(Answer::empty(500)));
    faults.inject(On::put("*").nth(2), Fault::reset());
    assert_eq!(put(url, "", body.clone()).await.unwrap(), 500);
    assert!(put(url, "", body.clone()).await.is_err());
    assert_eq!(put(url, "", body).await.unwrap(), 200);
    assert_eq!(sink.answers(&event.request_id).len(), 1);
}
