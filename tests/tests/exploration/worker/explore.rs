//! Runs the checker on a scenario, and says what it found.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use stateright::{Checker, HasDiscoveries, Model};

use super::scenario::Scenario;

/// What an exploration came to.
#[derive(Debug)]
pub(super) struct Explored {
    pub(super) unique_states: usize,
    pub(super) transitions: usize,
    pub(super) depth: usize,
    pub(super) took: Duration,
    /// A rule that was broken, and how.
    pub(super) counterexample: Option<Counterexample>,
}

#[derive(Debug)]
pub(super) struct Counterexample {
    pub(super) rule: String,
    pub(super) actions: usize,
    pub(super) story: String,
}

/// Explores all that can happen, or until a rule is broken.
pub(super) fn explore(scenario: &Scenario) -> Explored {
    let began = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let checker = scenario
        .clone()
        .checker()
        .threads(threads)
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    let counterexample = checker.discoveries().into_values().map(|path| {
        let steps = path.into_vec();
        let mut story = String::new();
        for (number, (state, action)) in steps.iter().enumerate() {
            let _ = match action {
                Some(action) => writeln!(story, "{number:4} {action:?}   {}", state.in_short()),
                None => writeln!(story, "     the end: {}", state.in_short()),
            };
        }
        let broken = steps.last().map(|(state, _)| state.violations.names());
        Counterexample {
            rule: broken.unwrap_or_default().join(", "),
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
