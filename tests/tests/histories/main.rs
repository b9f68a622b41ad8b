//! Generated histories of stacks: CloudFormation's operations, with faults of Livy, YARN, Lambda and the network between
//! them, on the real handler. Every history must keep the promises in [`invariants`].
//!
//! `SPARKWRIGHT_HISTORIES=20000` plays so many instead of a few hundred; `SPARKWRIGHT_HISTORY=<number>` plays one of
//! them again, and `SPARKWRIGHT_HISTORY='{…}'` a plan.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends there")]
#![allow(
    clippy::print_stdout,
    reason = "what ran is told to whoever asks for it with --nocapture"
)]

mod census;
mod defects;
mod function;
mod generate;
mod invariants;
mod mischief;
mod named;
mod plan;
mod play;
mod search;
mod strangers;
mod thin;

use std::env;
use std::time::Instant;

use defects::Variation;
use search::{Broken, judge, report, search, shrink};

/// In `make test`.
const FEW: usize = 200;

#[test]
fn every_generated_history_keeps_the_promises() {
    let count =
        env::var("SPARKWRIGHT_HISTORIES").map_or(FEW, |text| text.parse().expect("a number of histories"));
    let variation = Variation::default();
    let began = Instant::now();
    let enough = env::var("SPARKWRIGHT_HISTORIES_BROKEN").map_or(1, |text| text.parse().expect("a number"));
    let (census, broken) = search(0..count, enough, &variation);
    println!("{census}in {} s", began.elapsed().as_secs());
    for broken in &broken[..broken.len().saturating_sub(1)] {
        println!("{} {}", broken.number, broken.violations[0]);
    }
    if let Some(first) = broken.into_iter().next() {
        panic!("{}", report(&shrink(first, &variation)));
    }
    assert!(census.substantial * 2 >= census.histories, "{census}");
}

/// Plays what `SPARKWRIGHT_HISTORY` says, and tells its story.
#[test]
fn again() {
    let Ok(text) = env::var("SPARKWRIGHT_HISTORY") else {
        return;
    };
    let (plan, number) = match text.parse::<usize>() {
        Ok(number) => (
            proptest::strategy::ValueTree::current(&search::generated(number)),
            Some(number),
        ),
        Err(_) => (serde_json::from_str(&text).expect("a plan"), None),
    };
    let variation = Variation::default();
    let (record, violations) = judge(&plan, &variation);
    let story = record.map(|record| record.story()).unwrap_or_default();
    println!("{plan:#?}\n{story}{violations:#?}");
    if let (false, Some(number)) = (violations.is_empty(), number) {
        let broken = Broken {
            number,
            plan,
            violations,
            story,
        };
        panic!("{}", report(&shrink(broken, &variation)));
    }
    assert!(violations.is_empty());
}
