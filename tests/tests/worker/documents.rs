//! The shipped state machines against the worker.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use sparkwright_worker::errors::ErrorName;

/// Every error name of our own that a document's `Retry` and `Catch` match.
fn names(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for name in object
                .get("ErrorEquals")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                found.extend(
                    name.as_str()
                        .filter(|name| !name.starts_with("States."))
                        .map(str::to_owned),
                );
            }
            object.values().for_each(|value| names(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| names(value, found)),
        _ => {}
    }
}

#[test]
fn every_error_that_a_state_machine_matches_is_one_of_the_workers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../statemachines");
    let known: BTreeSet<_> = ErrorName::ALL.map(ErrorName::as_str).into();
    let mut documents = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_string_lossy().ends_with(".asl.json") {
            continue;
        }
        documents += 1;
        let document: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let mut found = BTreeSet::new();
        names(&document, &mut found);
        for name in found {
            assert!(
                known.contains(name.as_str()),
                "{name} of {} is no error of the worker",
                path.display()
            );
        }
    }
    assert!(documents > 0);
}
