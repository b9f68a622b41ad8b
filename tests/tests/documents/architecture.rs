//! What other versions of the programs rely on stands among the contracts of ARCHITECTURE.md.

use std::collections::BTreeSet;

use regex_lite::Regex;

use crate::read;

/// Every first group of the pattern in a text.
fn found(pattern: &str, text: &str) -> BTreeSet<String> {
    let pattern = Regex::new(pattern).expect("a pattern");
    pattern
        .captures_iter(text)
        .map(|captures| captures[1].to_owned())
        .collect()
}

#[test]
fn every_instant_that_is_handed_over_is_a_contract() {
    let names = found(
        r#"Self::\w+ => "(\w+)""#,
        &read("functions/spark-job/src/limits.rs"),
    );
    let contracts = read("ARCHITECTURE.md");
    let table = contracts
        .split("  | name | when |\n")
        .nth(1)
        .and_then(|rest| rest.split("\n- ").next())
        .expect("the table of instants");
    assert!(names.contains("RunningSince"), "{names:?}");
    assert_eq!(found(r"\| `(\w+)` \|", table), names);
}
