//! Rules that are broken on purpose, from outside the programs: each must be found within a few generated histories.
//!
//! A history counts only when the function that is shipped keeps every promise in it.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::{Duration, SystemTime};

use sparkwright_tests::clock::wall_clock;

use crate::invariants::Rule;
use crate::search::{judge, search};

/// How a history's function, or what it is told, differs from the real one.
#[derive(Clone, Debug)]
pub(crate) struct Variation {
    /// How long absence proves nothing.
    pub(crate) settle: Duration,
    /// The function never hears that it was overtaken.
    pub(crate) gate_is_deaf: bool,
    /// The template says that there is no ResourceManager, though there is.
    pub(crate) without_resource_manager: bool,
    /// Each delivery of a request has a request id of its own.
    pub(crate) request_ids_differ: bool,
    /// The function's clock.
    pub(crate) wall_clock: fn() -> SystemTime,
}

impl Default for Variation {
    fn default() -> Variation {
        Variation {
            settle: Duration::from_secs(30),
            gate_is_deaf: false,
            without_resource_manager: false,
            request_ids_differ: false,
            wall_clock,
        }
    }
}

/// Plays these histories until one breaks one of these promises because of the defect.
#[track_caller]
fn is_found(defect: &Variation, within: Range<usize>, rules: &[Rule]) {
    let sound = Variation::default();
    let mut met = BTreeSet::new();
    let mut from = within.start;
    // A few at a time: most defects are found at once.
    while from < within.end {
        let to = (from + 10).min(within.end);
        let (_, broken) = search(from..to, usize::MAX, defect);
        for broken in broken {
            let rule = broken
                .violations
                .iter()
                .map(|violation| violation.rule)
                .find(|rule| rules.contains(rule));
            met.extend(broken.violations.iter().map(|violation| violation.rule));
            if let Some(rule) = rule.filter(|_| judge(&broken.plan, &sound).1.is_empty()) {
                println!("found as {rule:?} in history {}", broken.number);
                return;
            }
        }
        from = to;
    }
    panic!("not found in the histories {within:?}; they break {met:?}");
}

#[test]
fn absence_that_is_believed_at_once_is_found() {
    let defect = Variation {
        settle: Duration::ZERO,
        ..Variation::default()
    };
    is_found(
        &defect,
        200..600,
        &[Rule::Owned, Rule::OneOfAnIntent, Rule::OneOfAResource],
    );
}

#[test]
fn a_function_that_never_hears_that_it_was_overtaken_is_found() {
    let defect = Variation {
        gate_is_deaf: true,
        ..Variation::default()
    };
    is_found(&defect, 0..400, &[Rule::Owned, Rule::OneOfAResource, Rule::Alive]);
}

#[test]
fn livys_word_taken_for_the_truth_where_there_is_a_resource_manager_is_found() {
    let defect = Variation {
        without_resource_manager: true,
        ..Variation::default()
    };
    is_found(&defect, 0..400, &[Rule::Owned, Rule::OneOfAResource]);
}

#[test]
fn an_intent_that_differs_with_each_delivery_is_found() {
    let defect = Variation {
        request_ids_differ: true,
        ..Variation::default()
    };
    is_found(
        &defect,
        0..400,
        &[Rule::Owned, Rule::OneOfAResource, Rule::OneWord],
    );
}

#[test]
fn a_clock_by_which_no_request_is_ever_late_is_found() {
    let defect = Variation {
        wall_clock: || wall_clock() - Duration::from_secs(600),
        ..Variation::default()
    };
    is_found(
        &defect,
        240..640,
        &[Rule::Owned, Rule::OneOfAResource, Rule::OneOfAnIntent],
    );
}
