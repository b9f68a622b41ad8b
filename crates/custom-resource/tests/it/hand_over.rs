//! Work that is longer than one invocation.

use std::time::{Duration, UNIX_EPOCH};

use custom_resource::{Handler, InvokeError, RequestType, Settings};
use serde_json::{Value, json};

use crate::events::{KINDS, OLD_ID, event, invocation};
use crate::provider::{CLAIMED_ID, NEW_ID};
use crate::relay::{LONG, Otherwise, Printing, Recorder, Seen, handle};
use crate::sink::{Reply, Sink};

fn refused() -> InvokeError {
    InvokeError::Refused {
        why: "the role needs `lambda:InvokeFunction`".to_owned(),
    }
}

/// Checks how a request ends that could not be handed over: here, once, by its claimed or its own id.
async fn check(printing: Printing, recorder: Recorder, settings: Settings, kind: RequestType, reason: &str) {
    let sink = Sink::start(&[Reply::Status(200)]).await;
    let event = event(kind, &sink.url());
    let handler = printing.continued_by(&recorder, settings);
    handle(&handler, &event).await;
    let answers = sink.answers(&event);
    let [answer] = &answers[..] else {
        panic!("{answers:?}");
    };
    let id = if kind == RequestType::Delete {
        OLD_ID
    } else {
        CLAIMED_ID
    };
    assert_eq!(
        (&answer["Status"], &answer["PhysicalResourceId"]),
        (&json!("FAILED"), &json!(id))
    );
    let said = answer["Reason"].as_str().unwrap();
    assert!(said.contains(reason), "{said}");
    assert!(recorder.taken().is_empty());
}

#[tokio::test]
async fn a_request_that_travels_through_invocations_is_answered_once_by_the_last() {
    for kind in KINDS {
        let sink = Sink::start(&[Reply::Status(200)]).await;
        let recorder = Recorder::taking();
        let printing = Printing::of(4);
        let handler = printing.continued_by(&recorder, Settings::default());
        let first = event(kind, &sink.url());
        for hop in 0..3 {
            let event = recorder.taken().last().unwrap_or(&first).clone();
            let told = handle(&handler, &event).await;
            assert_eq!(told, json!({ "Status": "HANDED_OVER", "Hop": hop + 1 }));
            assert_eq!(sink.attempts(), 0);
        }
        let last = recorder.taken()[2].clone();
        handle(&handler, &last).await;
        let answers = sink.answers(&first);
        let id = if kind == RequestType::Delete {
            OLD_ID
        } else {
            NEW_ID
        };
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert_eq!(
            (&answers[0]["Status"], &answers[0]["PhysicalResourceId"]),
            (&json!("SUCCESS"), &json!(id))
        );

        // Nothing of the event was changed on the way.
        let mut original = last;
        let carried = original
            .as_object_mut()
            .unwrap()
            .remove("CustomResourceContinuation")
            .unwrap();
        assert_eq!(original, first);
        assert_eq!(
            (&carried["Hop"], &carried["ClaimedId"]),
            (&json!(3), &json!(CLAIMED_ID))
        );

        let seen = printing.seen.lock().unwrap().clone();
        let states: Vec<&Value> = seen.iter().filter_map(|(state, _)| state.as_ref()).collect();
        assert_eq!(states.len(), 3, "the first has none");
        for (state, printed) in states.into_iter().zip(1..) {
            assert_eq!(state["Printed"], json!(printed));
        }
        let millis = |(_, at): &Seen| at.duration_since(UNIX_EPOCH).unwrap().as_millis();
        assert!(
            seen.iter().all(|call| millis(call) == millis(&seen[0])),
            "a hop gained time: {seen:?}"
        );
    }
}

#[tokio::test]
async fn a_hand_over_that_is_refused_or_fails_is_answered_in_its_invocation() {
    for kind in KINDS {
        let recorder = Recorder::refusing(refused());
        let reason = "was refused: the role needs `lambda:InvokeFunction`";
        check(Printing::of(2), recorder, Settings::default(), kind, reason).await;
        let why = "Lambda is asleep".to_owned();
        let recorder = Recorder::refusing(InvokeError::Failed { why });
        check(
            Printing::of(2),
            recorder,
            Settings::default(),
            kind,
            "Lambda is asleep",
        )
        .await;
    }
}

#[tokio::test]
async fn a_hand_over_that_hangs_leaves_time_to_answer() {
    let mut settings = Settings::default();
    settings.hand_over_timeout = Duration::from_millis(300);
    let reason = "was not confirmed within 0.3 s";
    check(
        Printing::of(2),
        Recorder::default(),
        settings,
        RequestType::Create,
        reason,
    )
    .await;
}

#[tokio::test]
async fn a_state_that_lambda_would_not_take_is_not_sent() {
    let printing = Printing {
        ballast: 300_000,
        ..Printing::of(2)
    };
    let reason = "Lambda takes 262144";
    check(
        printing,
        Recorder::taking(),
        Settings::default(),
        RequestType::Update,
        reason,
    )
    .await;
}

#[tokio::test]
async fn a_panic_after_a_failed_hand_over_is_a_failure_like_any_other() {
    let printing = Printing {
        otherwise: Otherwise::Panic,
        ..Printing::of(2)
    };
    let recorder = Recorder::refusing(refused());
    let reason = "the provider panicked: the hand-over";
    check(
        printing,
        recorder,
        Settings::default(),
        RequestType::Create,
        reason,
    )
    .await;
}

#[tokio::test]
async fn without_an_invoker_or_a_name_to_invoke_the_reason_says_so() {
    let sink = Sink::start(&[Reply::Status(200)]).await;
    let event = event(RequestType::Create, &sink.url());
    let alone = Handler::new(Printing::of(2), Settings::default());
    handle(&alone, &event).await;

    let recorder = Recorder::taking();
    let handler = Printing::of(2).continued_by(&recorder, Settings::default());
    let mut nameless = invocation(event.clone(), LONG);
    // What the runtime says when Lambda, or an emulator, sends no ARN.
    nameless.context.invoked_function_arn = "No header lambda-runtime-invoked-function-arn found.".into();
    handler.handle(nameless).await.unwrap();
    assert!(recorder.taken().is_empty());

    let puts = sink.bodies();
    for (answer, reason) in puts
        .iter()
        .zip(["Handler::continued_by", "ARN of the invoked function"])
    {
        let said = answer["Reason"].as_str().unwrap();
        assert!(answer["Status"] == "FAILED" && said.contains(reason), "{said}");
    }
    assert_eq!(puts.len(), 2);
}
