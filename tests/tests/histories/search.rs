//! Plays many plans on all processors, and shrinks the first that breaks a promise.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::census::Census;
use crate::defects::Variation;
use crate::generate::plans;
use crate::invariants::{Rule, Violation, check};
use crate::plan::Plan;
use crate::play::{Record, play};

/// How long a failing plan is shrunk.
const SHRINKING: Duration = Duration::from_secs(90);

/// A plan that breaks a promise.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    /// Which of the histories it was.
    pub(crate) number: usize,
    pub(crate) plan: Plan,
    pub(crate) violations: Vec<Violation>,
    pub(crate) story: String,
}

/// What a plan led to.
pub(crate) fn judge(plan: &Plan, variation: &Variation) -> (Option<Record>, Vec<Violation>) {
    let Ok(record) = catch_unwind(AssertUnwindSafe(|| play(plan, variation))) else {
        let (rule, detail) = (Rule::Ends, "the history panicked".to_owned());
        return (None, vec![Violation { rule, detail }]);
    };
    let violations = check(plan, &record);
    (Some(record), violations)
}

/// Plays the histories of these numbers on as many threads as there are processors, until `enough` of them are broken.
pub(crate) fn search(numbers: Range<usize>, enough: usize, variation: &Variation) -> (Census, Vec<Broken>) {
    let next = AtomicUsize::new(numbers.start);
    let census = Mutex::new(Census::default());
    let broken = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= numbers.end || broken.lock().unwrap().len() >= enough {
                        return;
                    }
                    let plan = generated(number).current();
                    let (record, violations) = judge(&plan, variation);
                    let story = record.as_ref().map(Record::story).unwrap_or_default();
                    if let Some(record) = record {
                        census.lock().unwrap().count(&plan, &record);
                    }
                    if !violations.is_empty() {
                        broken.lock().unwrap().push(Broken {
                            number,
                            plan,
                            violations,
                            story,
                        });
                    }
                }
            });
        }
    });
    let mut broken = broken.into_inner().unwrap();
    broken.sort_by_key(|broken: &Broken| broken.number);
    (census.into_inner().unwrap(), broken)
}

/// The history of this number, the same in every run.
pub(crate) fn generated(number: usize) -> impl ValueTree<Value = Plan> {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&(number as u64).to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    plans().new_tree(&mut runner).expect("plans have no filters")
}

/// A smaller plan that breaks the same promise.
pub(crate) fn shrink(broken: Broken, variation: &Variation) -> Broken {
    let rule = broken.violations[0].rule;
    let mut tree = generated(broken.number);
    let mut smallest = broken;
    let until = Instant::now() + SHRINKING;
    let mut goes_on = tree.simplify();
    while goes_on && Instant::now() < until {
        let plan = tree.current();
        let (record, violations) = judge(&plan, variation);
        goes_on = if violations.iter().any(|violation| violation.rule == rule) {
            let story = record.as_ref().map(Record::story).unwrap_or_default();
            smallest = Broken {
                plan,
                violations,
                story,
                ..smallest
            };
            tree.simplify()
        } else {
            tree.complicate()
        };
    }
    smallest
}

/// A broken plan for people, and how to play it again.
pub(crate) fn report(broken: &Broken) -> String {
    let violations: String = broken
        .violations
        .iter()
        .map(|violation| format!("  {violation}\n"))
        .collect();
    let plan = serde_json::to_string(&broken.plan).expect("a plan is plain data");
    format!(
        "history {} breaks:\n{violations}{}{:?}\nagain: SPARKWRIGHT_HISTORY='{plan}' cargo test -p sparkwright-tests \
         --test histories again -- --nocapture\n",
        broken.number, broken.story, broken.plan
    )
}
