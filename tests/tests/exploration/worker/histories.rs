//! The histories that are explored, each to its end, with every interleaving of the faults that are named.

use sparkwright_worker::config::Drain;

use super::scenario::Fault::{Crash, CutOff, LivyCrash, LostPost, LostReport, Outage, YarnOutage};
use super::scenario::{Fault, Scenario};
use crate::explore::explore;

const OF_THE_WORKER: &[Fault] = &[Crash, CutOff, LostPost, LostReport];
const OF_THE_CLUSTER: &[Fault] = &[LostPost, LivyCrash, YarnOutage, CutOff];

fn histories(deep: bool) -> Vec<Scenario> {
    let most = if deep { 3 } else { 2 };
    vec![
        Scenario::new("nothing goes wrong").stopped().late(),
        Scenario::new("a worker").stopped().with(most, OF_THE_WORKER),
        Scenario::new("its cluster").stopped().with(most, OF_THE_CLUSTER),
        Scenario::new("a job that starts late")
            .late()
            .with(most, &[Crash, CutOff, YarnOutage]),
        Scenario::new("a job that is given up").with(most, &[Outage, Crash, CutOff]),
        Scenario::new("two workers")
            .on_two_workers()
            .stopped()
            .with(most - 1, &[Crash, CutOff, LivyCrash, YarnOutage]),
        Scenario::new("two retries")
            .retried(2)
            .stopped()
            .with(most - 1, OF_THE_WORKER),
        Scenario::new("a worker that leaves")
            .draining(Drain::Leave)
            .stopped()
            .with(most - 1, OF_THE_WORKER),
        Scenario::new("a worker that waits")
            .draining(Drain::Wait)
            .stopped()
            .with(most - 1, OF_THE_WORKER),
        Scenario::new("a worker that stops its jobs")
            .draining(Drain::Stop)
            .stopped()
            .with(most - 1, OF_THE_WORKER),
        Scenario::new("no ClientToken")
            .without_client_token()
            .stopped()
            .with(most, OF_THE_WORKER),
        Scenario::new("no ExecutionId")
            .without_execution()
            .stopped()
            .with(most, OF_THE_WORKER),
        Scenario::new("what is cancelled is left")
            .leaving_what_is_cancelled()
            .stopped()
            .with(most, OF_THE_WORKER),
    ]
}

#[test]
fn no_history_of_a_task_breaks_a_rule() {
    let deep = std::env::var_os("EXPLORATION_DEEP").is_some();
    let only = std::env::var("EXPLORATION_ONLY").unwrap_or_default();
    let (mut states, mut transitions, mut broken) = (0, 0, Vec::new());
    println!(
        "{:>10} {:>11} {:>5} {:>7}  history of a task",
        "states", "transitions", "depth", "s"
    );
    for history in histories(deep) {
        let line = format!(
            "{}, {} of {:?}",
            history.name, history.most_faults, history.faults
        );
        if !line.contains(&only) {
            continue;
        }
        let explored = explore(&history);
        println!(
            "{:>10} {:>11} {:>5} {:>7.1}  {line}",
            explored.unique_states,
            explored.transitions,
            explored.depth,
            explored.took.as_secs_f32()
        );
        states += explored.unique_states;
        transitions += explored.transitions;
        if let Some(found) = explored.counterexample {
            println!(
                "broken: {}, after {} actions\n{}",
                found.rule, found.actions, found.story
            );
            broken.push(format!("{line}: {}", found.rule));
        }
    }
    println!("{states:>10} {transitions:>11} in all");
    assert!(broken.is_empty(), "{broken:#?}");
}
