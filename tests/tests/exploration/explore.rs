//! Runs the checker on a scenario, and says what it found.

use std::fmt::{Debug, Write as _};
use std::hash::Hash;
use std::time::{Duration, Instant};

use stateright::{Checker, HasDiscoveries, Model};

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

/// What is shown of a state.
pub(crate) trait Told {
    /// In a line.
    fn in_short(&self) -> String;

    /// The rules that were broken on the way to it.
    fn broken(&self) -> Vec<&'static str>;
}

/// Explores all that can happen, or until a rule is broken.
pub(crate) fn explore<M>(scenario: &M) -> Explored
where
    M: Model<
            State: Told + Clone + Debug + Hash + PartialEq + Send + Sync,
            Action: Clone + Debug + PartialEq + Send + Sync,
        > + Clone
        + Send
        + Sync
        + 'static,
{
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
        let broken = steps.last().map(|(state, _)| state.broken()).unwrap_or_default();
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
