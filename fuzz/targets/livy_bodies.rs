//! Anything that a Livy, or what stands in its place, may answer to each call: a result or an error, never a panic and
//! never an endless exchange.

#![no_main]

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sparkwright_fuzz::scenario::Scenario;
use sparkwright_fuzz::server::{Answer, Seen, Server};
use sparkwright_livy::{Batch, BatchRequest, BatchState, Client, ClientConfig, Error, LogLines};

const LIVY: &str = "livy";
/// Pages of a list that moves are read again a few times.
const MOST_REQUESTS: usize = 50;
const MAX_LINE: usize = 1500;

static SERVER: LazyLock<Server> = LazyLock::new(Server::new);
static CLIENT: LazyLock<Client> =
    LazyLock::new(|| Client::new(ClientConfig::new(SERVER.url(LIVY))).expect("a plain address"));

sparkwright_fuzz::mutate_json!();

fuzz_target!(|input: &[u8]| {
    let scenario = Scenario::read(input, LIVY);
    let answers: VecDeque<_> = SERVER
        .answers(&scenario, LIVY)
        .into_iter()
        .map(Answer::at_once)
        .collect();
    let name = scenario
        .text("name")
        .unwrap_or("nightly-0a1b2c3d-0a1b2c3d4e5f")
        .to_owned();

    ask(&answers, CLIENT.version());
    let request = BatchRequest {
        name: Some(name.clone()),
        ..BatchRequest::default()
    };
    if let Some(batch) = ask(&answers, CLIENT.create_batch(&request)) {
        check_batch(&batch);
    }
    if let Some(batch) = ask(&answers, CLIENT.batch(&name)) {
        check_batch(&batch);
    }
    if let Some(state) = ask(&answers, CLIENT.batch_state(&name)) {
        check_state(&state);
    }
    ask(&answers, CLIENT.batch_log(&name, LogLines::Last(100)));
    ask(&answers, CLIENT.delete_batch(&name));

    if let Some(batches) = ask(&answers, CLIENT.batches()) {
        batches.iter().for_each(check_batch);
        let ids: HashSet<_> = batches.iter().map(|batch| batch.id).collect();
        assert_eq!(ids.len(), batches.len(), "a batch is listed twice");
    }
});

/// Makes one call, to which Livy gives these answers from the first on.
fn ask<T>(answers: &VecDeque<Answer>, call: impl Future<Output = Result<T, Error>>) -> Option<T> {
    let (result, seen) = SERVER.during(HashMap::from([(LIVY, answers.clone())]), call);
    assert!(
        seen.len() <= MOST_REQUESTS.max(answers.len()),
        "{} requests for one call",
        seen.len()
    );
    result.map_err(|error| check_error(&error, &seen)).ok()
}

fn check_error(error: &Error, seen: &[Seen]) {
    let text = error.to_string();
    // An address is shown as it was configured; what Livy says is one line.
    assert!(!text.contains(char::is_control), "{text}");
    assert!(text.chars().count() <= MAX_LINE, "{text}");
    assert!(!error.was_not_sent() || seen.is_empty(), "it was sent: {error:?}");
    assert!(
        seen.len() <= 1 || !seen.iter().any(|request| request.method == "POST"),
        "sent twice"
    );
    let status = error.status();
    assert!(!error.is_not_found() || status == Some(404), "{error:?}");
    assert!(!error.is_duplicate_name() || status == Some(400), "{error:?}");
    assert!(!error.is_too_many_sessions() || status == Some(400), "{error:?}");
    assert!(
        status.is_none_or(|status| !(200..300).contains(&status)),
        "{error:?}"
    );
    let said = seen.last().and_then(|request| request.answered);
    assert!(
        status.is_none() || status == said,
        "{error:?}, but the answer was {said:?}"
    );
}

fn check_batch(batch: &Batch) {
    check_state(&batch.state);
    assert_ne!(batch.app_id.as_deref(), Some(""), "no id is no id");
    assert!(
        !batch.is_zombie_shaped() || !batch.state.is_terminal(),
        "{batch:?}"
    );
}

fn check_state(state: &BatchState) {
    let word = serde_json::Value::from(state.to_string());
    let again: BatchState = serde_json::from_value(word).expect("a state is read from its word");
    assert_eq!(&again, state);
    assert!(
        !matches!(state, BatchState::Other(_)) || !state.is_terminal(),
        "an unknown word is active"
    );
}
