//! Hops that come twice, late, too often or spoilt.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use custom_resource::{RequestType, Settings};
use serde_json::{Value, json};

use crate::events::{KINDS, OLD_ID, event, event_issued};
use crate::provider::{CLAIMED_ID, FALLBACK_ID};
use crate::relay::{Printing, Recorder, handle};
use crate::sink::{Reply, Sink};

const MEMBER: &str = "CustomResourceContinuation";

/// Milliseconds since the epoch, so far from now.
fn millis_from_now(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    i64::try_from(now).unwrap() + seconds * 1000
}

/// What an invocation a minute ago handed over.
fn carried(hop: u32, left: i64) -> Value {
    json!({
        "Hop": hop, "ReceivedAt": millis_from_now(-60), "ServiceDeadline": millis_from_now(left),
        "ClaimedId": CLAIMED_ID, "State": {},
    })
}

/// Handles an event that carries this, and gives the answer and how often the provider was asked.
async fn answered(mut event: Value, sink: &Sink, carried: Value) -> (Value, usize) {
    event[MEMBER] = carried;
    let printing = Printing::of(1);
    let handler = printing.continued_by(&Recorder::taking(), Settings::default());
    handle(&handler, &event).await;
    let answers = sink.answers(&event);
    (answers.last().unwrap().clone(), printing.calls())
}

#[track_caller]
fn is_failed(answer: &Value, id: &str, part: &str) {
    assert_eq!(
        (&answer["Status"], &answer["PhysicalResourceId"]),
        (&json!("FAILED"), &json!(id))
    );
    assert!(answer["Reason"].as_str().unwrap().contains(part), "{answer}");
}

#[tokio::test]
async fn a_hop_or_a_first_event_that_comes_twice_is_decided_alike() {
    let sink = Sink::start(&[Reply::Status(200)]).await;
    let recorder = Recorder::taking();
    let printing = Printing::of(2);
    let handler = printing.continued_by(&recorder, Settings::default());
    let first = event(RequestType::Create, &sink.url());
    handle(&handler, &first).await;
    let hop = recorder.taken()[0].clone();
    handle(&handler, &hop).await;
    handle(&handler, &hop).await;
    // `answers` checks that both are the same to the byte.
    assert_eq!(sink.answers(&first).len(), 2);

    // A late duplicate of the first event begins again, and its hop gains no time by that.
    handle(&handler, &first).await;
    let again = recorder.taken()[1].clone();
    let deadline = |event: &Value| event[MEMBER]["ServiceDeadline"].as_i64().unwrap();
    assert!((deadline(&again) - deadline(&hop)).abs() <= 1);
    handle(&handler, &again).await;
    assert_eq!((sink.answers(&first).len(), printing.calls()), (3, 5));
}

#[tokio::test]
async fn a_hop_after_the_service_deadline_only_answers_but_a_delete_is_carried_out() {
    for kind in KINDS {
        let sink = Sink::start(&[Reply::Status(200)]).await;
        // There is time for an answer still.
        let (answer, calls) = answered(event(kind, &sink.url()), &sink, carried(1, -1)).await;
        if kind == RequestType::Delete {
            assert_eq!(
                (&answer["Status"], &answer["PhysicalResourceId"]),
                (&json!("SUCCESS"), &json!(OLD_ID))
            );
            assert_eq!(calls, 1);
        } else {
            is_failed(&answer, CLAIMED_ID, "time-out");
            assert_eq!(calls, 0);
        }
    }
}

#[tokio::test]
async fn a_hop_whose_url_has_expired_is_like_any_expired_request() {
    for kind in KINDS {
        let sink = Sink::start(&[Reply::Status(200)]).await;
        let expired = event_issued(kind, &sink.url(), Duration::from_secs(7300));
        let (answer, calls) = answered(expired, &sink, carried(3, 600)).await;
        let is_delete = kind == RequestType::Delete;
        assert_eq!(calls, usize::from(is_delete));
        assert_eq!(answer["Status"], if is_delete { "SUCCESS" } else { "FAILED" });
    }
}

#[tokio::test]
async fn a_hop_with_garbage_is_answered_and_leads_to_what_was_begun() {
    let mut garbage: Vec<(Value, &str)> = [json!(null), json!("x"), json!([]), json!(7), json!({})]
        .into_iter()
        .map(|value| (value, FALLBACK_ID))
        .collect();
    for (field, value) in [
        ("Hop", json!("two")),
        ("Hop", json!(0)),
        ("Hop", json!(-1)),
        ("Hop", json!(u64::MAX)),
        ("ReceivedAt", json!(null)),
        ("ServiceDeadline", json!({})),
    ] {
        let mut member = carried(1, 600);
        member[field] = value;
        garbage.push((member, CLAIMED_ID));
    }
    for (member, id) in garbage {
        let sink = Sink::start(&[Reply::Status(200)]).await;
        let (answer, calls) = answered(event(RequestType::Create, &sink.url()), &sink, member).await;
        is_failed(&answer, id, "cannot be read");
        assert_eq!(calls, 0);
    }
}

#[tokio::test]
async fn hops_end_at_their_limit_with_an_answer() {
    let max = Settings::default().max_hops;
    let sink = Sink::start(&[Reply::Status(200)]).await;
    let recorder = Recorder::taking();
    let printing = Printing::of(99);
    let handler = printing.continued_by(&recorder, Settings::default());
    let first = event(RequestType::Update, &sink.url());
    let mut last = first.clone();
    for _ in 0..max {
        handle(&handler, &last).await;
        last = recorder.taken().last().unwrap().clone();
    }
    assert_eq!((recorder.taken().len(), sink.attempts()), (12, 0));
    handle(&handler, &last).await;
    let answers = sink.answers(&first);
    is_failed(
        &answers[0],
        CLAIMED_ID,
        "handed over 12 times, which is the limit",
    );
    assert_eq!((recorder.taken().len(), answers.len()), (12, 1));

    let sink = Sink::start(&[Reply::Status(200)]).await;
    let event = event(RequestType::Update, &sink.url());
    let (answer, calls) = answered(event, &sink, carried(max + 1, 600)).await;
    is_failed(&answer, CLAIMED_ID, "the limit is 12");
    assert_eq!(calls, 0);
}

#[tokio::test]
async fn whether_a_request_is_late_is_told_by_the_clock_that_the_handler_was_given() {
    let sink = Sink::start(&[Reply::Status(200)]).await;
    let event = event(RequestType::Create, &sink.url());
    let printing = Printing::of(1);
    let mut settings = Settings::default();
    settings.wall_clock = || SystemTime::now() + Duration::from_secs(2 * 3600);
    handle(&printing.continued_by(&Recorder::taking(), settings), &event).await;
    is_failed(&sink.answers(&event)[0], FALLBACK_ID, "no longer waited");
    assert_eq!(printing.calls(), 0);
}
