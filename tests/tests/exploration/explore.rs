//! Runs the checker on a scenario, and says what it found.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use stateright::{Checker, HasDiscoveries, Model};

use crate::scenario::Scenario;

/// What an exploration came to.
#[derive(Debug)]
pub(crate) struct Explored {
    pub(crate) unique_states: usize,
    pub(crate) transitions: usize,
    pub(crate) depth: usize,
    pub(crate) took: Duration,
    /// A rule that was broken, and how.
    pub(crate) counterexample: Option<Counterexample>,
}

#[derive(Debug)]
pub(crate) struct Counterexample {
    pub(crate) rule: String,
    pub(crate) actions: usize,
    pub(crate) story: String,
}

/// Explores all that can happen, or until a rule is broken.
pub(crate) fn explore(scenario: &Scenario) -> Explored {
    let began = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let checker = scenario
        .clone()
        .checker()
        .threads(threads)
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    let counterexample = checker.discoveries().into_iter().map(|(rule, path)| {
        let steps = path.into_vec();
        let mut story = String::new();
        for (number, (state, action)) in steps.iter().enumerate() {
            if let Some(action) = action {
                let _ = writeln!(story, "{number:4} {action:?}   {}", state.in_short());
            } else {
                let _ = writeln!(story, "     the end: {}", state.in_short());
            }
        }
        let broken = steps
            .last()
            .map(|(state, _)| state.violations.names())
            .unwrap_or_default();
        Counterexample {
            rule: if broken.is_empty() {
                rule.to_owned()
            } else {
                broken.join(", ")
            },
            actions: steps.len() - 1,
            story,
        }
    });
    Explored {
        counterexample: counterexample.min_by_key(|found| found.actions),
        unique_states: checker.unique_state_count(),
        transitions: checker.state_count(),
        depth: checker.max_depth(),
        took: began.elapsed(),
    }
}
