//! A stack against a function that answers as it is told.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::*;
use crate::clock::run_virtual;
use crate::cloudformation::{Function, Invocation, Running};

/// An answer of the scripted function: after so many seconds this status and this id, or the request's own.
type Act = (u64, &'static str, Option<&'static str>);

/// Answers one request after the other; when the script is over, with SUCCESS and the request's own id.
struct Scripted(Mutex<VecDeque<Act>>);

impl Function for Scripted {
    fn run(&self, invocation: Invocation) -> Running {
        let (seconds, status, id) = lock(&self.0).pop_front().unwrap_or((0, "SUCCESS", None));
        let event = invocation.payload;
        Box::pin(async move {
            sleep(Duration::from_secs(seconds)).await;
            let own = event["PhysicalResourceId"].as_str().unwrap_or("new");
            let answer = json!({
                "Status": status, "Reason": "as told", "PhysicalResourceId": id.unwrap_or(own),
                "StackId": event["StackId"], "RequestId": event["RequestId"],
                "LogicalResourceId": event["LogicalResourceId"],
            });
            let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
            let put = client
                .put(event["ResponseURL"].as_str().unwrap())
                .header("content-type", "");
            put.body(answer.to_string())
                .send()
                .await
                .map(drop)
                .map_err(|error| error.to_string())
        })
    }
}

fn deployment(properties: Value) -> Deployment {
    Deployment {
        properties,
        ..Deployment::default()
    }
}

/// What was asked of the function: kind, id, and the first letter of the property `A`.
fn asked(stack: &Stack) -> Vec<String> {
    let requests = stack.requests().into_iter().map(|request| {
        let id = request.physical_id.map(|id| {
            if id.starts_with("simulated") {
                "invented".to_owned()
            } else {
                id
            }
        });
        format!(
            "{} {} {}",
            request.kind,
            id.unwrap_or_default(),
            request.properties["A"]
        )
        .replace("  ", " ")
    });
    requests.collect()
}

/// Deploys one after the other, and then looks.
#[track_caller]
fn check(script: &[Act], deployments: Vec<Deployment>, statuses: &[StackStatus], requests: &[&str]) -> Stack {
    run_virtual(1, async {
        let (sink, queue) = (Sink::start().await, Queue::new(Duration::from_secs(900)));
        queue.serve(Scripted(Mutex::new(script.iter().copied().collect())));
        let resource = StackResource::new("Job");
        let stack = Stack::new(sink, queue.clone(), resource, Duration::from_secs(2), Vec::new());
        let mut seen = Vec::new();
        for deployment in deployments {
            seen.push(stack.deploy(&deployment).await);
        }
        queue.idle().await;
        assert_eq!(
            (&*seen, asked(&stack)),
            (statuses, requests.iter().map(|text| (*text).to_owned()).collect())
        );
        stack
    })
}

fn fails_after(properties: Value, seconds: u64) -> Deployment {
    Deployment {
        elsewhere: Elsewhere::FailsAfter(Duration::from_secs(seconds)),
        ..deployment(properties)
    }
}

fn fails_last(properties: Value) -> Deployment {
    Deployment {
        elsewhere: Elsewhere::FailsLast,
        ..deployment(properties)
    }
}

#[test]
fn a_failed_create_is_deleted_by_the_id_in_its_answer() {
    let script = [(5, "FAILED", Some("half"))];
    let stack = check(
        &script,
        vec![deployment(json!({ "A": 1 }))],
        &[StackStatus::RollbackComplete],
        &["Create 1", "Delete half 1"],
    );
    assert_eq!(
        (stack.held(), stack.describe("Job").status),
        (None, Some("DELETE_COMPLETE"))
    );
}

#[test]
fn a_create_that_is_called_off_is_deleted_by_an_invented_id_while_it_runs() {
    let stack = check(
        &[(60, "SUCCESS", Some("late"))],
        vec![fails_after(json!({ "A": 1 }), 10)],
        &[StackStatus::RollbackComplete],
        &["Create 1", "Delete invented 1"],
    );
    let requests = stack.requests();
    assert_eq!(requests[0].reply, Some(Reply::Cancelled));
    assert_eq!(requests[1].sent_ms - requests[0].sent_ms, 13_000);
}

#[test]
fn a_create_without_an_answer_fails_after_its_service_timeout() {
    let stack = check(
        &[(700, "SUCCESS", Some("late"))],
        vec![deployment(json!({ "A": 1, "ServiceTimeout": 600 }))],
        &[StackStatus::RollbackComplete],
        &["Create 1", "Delete invented 1"],
    );
    let first = &stack.requests()[0];
    assert_eq!(first.ended_ms.unwrap() - first.sent_ms, 600_000);
}

#[test]
fn a_new_id_is_a_replacement_whose_clean_up_is_tried_three_times() {
    let script = [
        (1, "SUCCESS", Some("a")),
        (1, "SUCCESS", Some("b")),
        (1, "FAILED", None),
        (1, "FAILED", None),
        (1, "FAILED", None),
    ];
    let stack = check(
        &script,
        vec![
            deployment(json!({ "A": 1 })),
            deployment(json!({ "A": 2 })),
            deployment(json!({ "A": 2 })),
        ],
        &[
            StackStatus::CreateComplete,
            StackStatus::UpdateComplete,
            StackStatus::UpdateComplete,
        ],
        &["Create 1", "Update a 2", "Delete a 2", "Delete a 2", "Delete a 2"],
    );
    assert_eq!(
        (stack.dropped(), stack.held().unwrap().physical_id),
        (vec!["a".to_owned()], "b".to_owned())
    );
}

#[test]
fn a_failed_update_is_rolled_back_from_the_id_in_its_answer() {
    let script = [
        (1, "SUCCESS", Some("a")),
        (1, "FAILED", Some("b")),
        (1, "SUCCESS", Some("a")),
    ];
    let stack = check(
        &script,
        vec![deployment(json!({ "A": 1 })), deployment(json!({ "A": 2 }))],
        &[StackStatus::CreateComplete, StackStatus::UpdateRollbackComplete],
        &["Create 1", "Update a 2", "Update b 1", "Delete b 1"],
    );
    assert_eq!(stack.held().unwrap().physical_id, "a");
}

#[test]
fn a_failure_elsewhere_takes_an_update_back_and_deletes_what_it_made() {
    let script = [
        (1, "SUCCESS", Some("a")),
        (1, "SUCCESS", Some("b")),
        (1, "SUCCESS", Some("c")),
    ];
    check(
        &script,
        vec![deployment(json!({ "A": 1 })), fails_last(json!({ "A": 2 }))],
        &[StackStatus::CreateComplete, StackStatus::UpdateRollbackComplete],
        &["Create 1", "Update a 2", "Update b 1", "Delete b 1"],
    );
}

#[test]
fn an_update_that_is_called_off_is_rolled_back_beside_it() {
    let script = [
        (1, "SUCCESS", Some("a")),
        (90, "SUCCESS", Some("b")),
        (1, "SUCCESS", Some("a")),
    ];
    let stack = check(
        &script,
        vec![deployment(json!({ "A": 1 })), fails_after(json!({ "A": 2 }), 10)],
        &[StackStatus::CreateComplete, StackStatus::UpdateRollbackComplete],
        &["Create 1", "Update a 2", "Update a 1"],
    );
    assert_eq!(stack.held().unwrap().properties, json!({ "A": 1 }));
}

#[test]
fn a_retry_has_the_same_request_id_and_a_response_url_of_its_own() {
    let keeping = |a: u32| Deployment {
        keep_on_failure: true,
        ..deployment(json!({ "A": a }))
    };
    let script = [(1, "FAILED", Some("a")), (1, "SUCCESS", Some("b"))];
    let stack = check(
        &script,
        vec![keeping(1), keeping(1)],
        &[StackStatus::CreateFailed, StackStatus::CreateComplete],
        &["Create 1", "Create 1", "Delete a 1"],
    );
    let requests = stack.requests();
    assert_eq!(requests[0].request_id, requests[1].request_id);
    assert_ne!(requests[0].key, requests[1].key);
}

#[test]
fn a_rollback_that_failed_goes_on_where_it_stopped() {
    run_virtual(1, async {
        let (sink, queue) = (Sink::start().await, Queue::new(Duration::from_secs(900)));
        let script = [
            (0, "SUCCESS", Some("a")),
            (0, "FAILED", Some("b")),
            (0, "FAILED", Some("c")),
        ];
        queue.serve(Scripted(Mutex::new(script.into_iter().collect())));
        let stack = Stack::new(sink, queue, StackResource::new("Job"), Duration::ZERO, Vec::new());
        stack.deploy(&deployment(json!({ "A": 1 }))).await;
        let status = stack.deploy(&deployment(json!({ "A": 2 }))).await;
        assert_eq!(status, StackStatus::UpdateRollbackFailed);
        assert_eq!(
            stack.continue_rollback().await,
            StackStatus::UpdateRollbackComplete
        );
        let requests = ["Create 1", "Update a 2", "Update b 1", "Update c 1", "Delete b 1"];
        assert_eq!(asked(&stack), requests);
        assert_eq!(stack.retain().await, StackStatus::UpdateComplete);
        assert_eq!(
            (stack.describe("Job").status, stack.retained()),
            (Some("DELETE_SKIPPED"), vec!["c".to_owned()])
        );
    });
}
