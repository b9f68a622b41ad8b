//! Requests that take longer than one invocation of the function: it hands over to itself.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use custom_resource::{InvokeError, Invoker};
use serde_json::{Value, json};
use sparkwright_tests::cloudformation::{Answer, Event};

use crate::stage::{Stage, attributes, batch_of, failed, is_nothing, other, succeeded, with};

const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:spark-job:7";

/// Half of a short invocation is kept for the answer, and a part of the rest for stopping: it hands over after three seconds.
const INVOCATION: Duration = Duration::from_secs(8);

/// What Lambda does with an event that the function sends to itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Relay(Arc<Mutex<Lambda>>);

#[derive(Debug, Default)]
struct Lambda {
    queue: VecDeque<Value>,
    refusal: Option<InvokeError>,
    copies: usize,
}

impl Relay {
    fn refuse(&self, refusal: InvokeError) {
        self.0.lock().unwrap().refusal = Some(refusal);
    }

    /// Every event is delivered once more.
    fn duplicate(&self) {
        self.0.lock().unwrap().copies = 1;
    }

    fn next(&self) -> Option<Value> {
        self.0.lock().unwrap().queue.pop_front()
    }
}

impl Invoker for Relay {
    async fn invoke(&self, function_arn: &str, payload: Vec<u8>) -> Result<(), InvokeError> {
        assert_eq!(function_arn, ARN);
        let mut lambda = self.0.lock().unwrap();
        if let Some(refusal) = &lambda.refusal {
            return Err(refusal.clone());
        }
        let event: Value = serde_json::from_slice(&payload).unwrap();
        for _ in 0..=lambda.copies {
            lambda.queue.push_back(event.clone());
        }
        Ok(())
    }

    async fn check(&self, function_arn: &str) -> Result<(), InvokeError> {
        assert_eq!(function_arn, ARN);
        self.0.lock().unwrap().refusal.clone().map_or(Ok(()), Err)
    }
}

/// Hands an event to the function, and whatever it hands over to itself. Its first answer, and the number of invocations.
async fn send(stage: &Stage, event: &Event) -> (Answer, usize) {
    let mut invocations = 0;
    let mut next = Some(event.body.clone());
    while let Some(body) = next {
        invocations += 1;
        stage.invoke_as(ARN, body, INVOCATION).await.unwrap();
        next = stage.relay.next();
    }
    (stage.sink.answers(&event.request_id)[0].clone(), invocations)
}

/// A job that takes eight seconds, and has to succeed.
fn finishing(stage: &Stage) -> Value {
    let mut properties = with(
        &stage.properties(),
        json!({"WaitFor": "Success", "WaitTimeoutSeconds": 20}),
    );
    properties["Parameters"]["File"] = json!(stage.cluster.job_file("sleep.py"));
    properties["Parameters"]["Args"] = json!(["8"]);
    properties
}

#[tokio::test]
async fn a_job_may_take_longer_than_an_invocation() {
    let stage = Stage::new().await;
    let event = stage.sink.create(&stage.resource, finishing(&stage));
    let (answer, invocations) = send(&stage, &event).await;
    let id = succeeded(&answer);
    assert_eq!(attributes(&answer)["State"], "SUCCEEDED");
    assert_eq!(attributes(&answer)["Name"], batch_of(&id));
    assert!(invocations >= 3, "{invocations}");
    assert_eq!(stage.posts(), 1);
    assert_eq!(stage.sink.answers(&event.request_id).len(), 1);
}

#[tokio::test]
async fn an_invocation_that_is_delivered_twice_changes_nothing() {
    let stage = Stage::new().await;
    stage.relay.duplicate();
    let event = stage.sink.create(&stage.resource, finishing(&stage));
    succeeded(&send(&stage, &event).await.0);
    let answers = stage.sink.answers(&event.request_id);
    assert!(answers.len() > 1, "{answers:?}");
    assert!(
        answers.iter().all(|answer| answer.body == answers[0].body),
        "{answers:?}"
    );
    assert_eq!(stage.posts(), 1);
}

#[tokio::test]
async fn a_hand_over_gives_a_wait_no_more_time() {
    let stage = Stage::new().await;
    let properties = with(
        &stage.properties(),
        json!({"WaitFor": "Success", "WaitTimeoutSeconds": 7}),
    );
    let event = stage.sink.create(&stage.resource, properties);
    let began = Instant::now();
    let (answer, invocations) = send(&stage, &event).await;
    failed(
        &answer,
        "not finished within 7 s (`WaitTimeoutSeconds`); it was stopped",
    );
    assert!(invocations >= 3, "{invocations}");
    assert!(began.elapsed() >= Duration::from_secs(7));
    assert_eq!((stage.posts(), stage.living()), (1, 0));
}

#[tokio::test]
async fn an_old_job_that_takes_long_to_stop_makes_way_over_invocations() {
    let stage = Stage::new().await;
    let old = stage.properties();
    let id = stage.created(&old).await;
    stage.lose_kills();
    let event = stage.sink.update(&stage.resource, &id, old.clone(), other(&old));
    stage
        .invoke_as(ARN, event.body.clone(), INVOCATION)
        .await
        .unwrap();
    assert!(stage.sink.answers(&event.request_id).is_empty());
    assert_eq!(stage.posts(), 1, "nothing starts while the old job lives");
    stage.find_kills();
    let mut invocations = 1;
    while let Some(body) = stage.relay.next() {
        invocations += 1;
        stage.invoke_as(ARN, body, INVOCATION).await.unwrap();
    }
    let new_id = succeeded(&stage.sink.answers(&event.request_id)[0]);
    assert_ne!(new_id, id);
    assert!(invocations >= 2);
    assert_eq!((stage.posts(), stage.living(), stage.peak()), (2, 1, 1));
}

#[tokio::test]
async fn without_the_permission_the_wait_ends_with_the_invocation_and_says_so() {
    let stage = Stage::new().await;
    stage.relay.refuse(InvokeError::Refused {
        why: "the function's role needs lambda:InvokeFunction".into(),
    });
    let properties = with(
        &stage.properties(),
        json!({"WaitFor": "Running", "HealthySeconds": 60}),
    );
    let event = stage.sink.create(&stage.resource, properties);
    let (answer, invocations) = send(&stage, &event).await;
    failed(&answer, "before the function had to answer");
    failed(&answer, "the function's role needs lambda:InvokeFunction");
    assert_eq!((invocations, stage.living()), (1, 0));
}

#[tokio::test]
async fn what_cannot_be_waited_for_is_refused_before_anything_is_submitted() {
    let stage = Stage::new().await;
    let properties = with(
        &stage.properties(),
        json!({"WaitFor": "Success", "WaitTimeoutSeconds": 3300}),
    );
    let event = stage.sink.create(&stage.resource, properties.clone());
    let (answer, _) = send(&stage, &event).await;
    failed(
        &answer,
        "at most 12 are made: give the function a longer time-out",
    );
    failed(&answer, "runs better from a state machine");
    is_nothing(answer.physical_id());

    stage.relay.refuse(InvokeError::Refused {
        why: "the function's role needs lambda:InvokeFunction".into(),
    });
    let event = stage.sink.create(
        &stage.resource,
        with(&properties, json!({"WaitTimeoutSeconds": 20})),
    );
    let (answer, _) = send(&stage, &event).await;
    failed(&answer, "takes more than one invocation of this function");
    failed(&answer, "lambda:InvokeFunction");
    assert_eq!(stage.posts(), 0);
}

#[tokio::test]
async fn a_further_invocation_that_begins_while_livy_is_down_goes_on_waiting() {
    let stage = Stage::new().await;
    let event = stage.sink.create(&stage.resource, finishing(&stage));
    stage
        .invoke_as(ARN, event.body.clone(), INVOCATION)
        .await
        .unwrap();
    stage.cluster.livy().down().await;
    stage.cluster.resource_manager().down().await;
    let second = stage.relay.next().unwrap();
    stage.invoke_as(ARN, second, INVOCATION).await.unwrap();
    assert!(stage.sink.answers(&event.request_id).is_empty());
    stage.cluster.livy().up();
    stage.cluster.resource_manager().up();
    while let Some(body) = stage.relay.next() {
        stage.invoke_as(ARN, body, INVOCATION).await.unwrap();
    }
    succeeded(&stage.sink.answers(&event.request_id)[0]);
    assert_eq!(stage.posts(), 1);
}
