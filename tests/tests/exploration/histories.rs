//! The histories that are explored, each to its end, with every interleaving of the faults that are named.

use spark_job_function::properties::{UpdatePolicy, WaitFor};

use crate::explore::{Explored, explore};
use crate::names::Version;
use crate::scenario::Fault::{
    Crash, Duplicate, Forgetting, JobFailed, JobSucceeded, Late, LivyCrash, LivyCrashWithoutRecovery,
    LongYarnOutage, LostAnswer, LostPost, LostSight, Panic, Stall, SubmitFailed, YarnOutage,
};
use crate::scenario::{Fault, Op, Scenario};

const CREATE: &[Op] = &[Op::Create];
const CREATE_TWICE: &[Op] = &[Op::Create, Op::Create];
const DELETE: &[Op] = &[Op::Create, Op::Delete, Op::Create];
pub(crate) const UPDATE: &[Op] = &[Op::Create, Op::Update(Version::Two)];
const IN_PLACE: &[Op] = &[Op::Create, Op::Update(Version::One), Op::Delete];
const BACK: &[Op] = &[
    Op::Create,
    Op::Update(Version::Two),
    Op::Update(Version::One),
    Op::Delete,
];

/// What goes wrong on the cluster.
pub(crate) const OF_THE_CLUSTER: &[Fault] = &[
    LostPost,
    LostAnswer,
    LivyCrash,
    LivyCrashWithoutRecovery,
    Forgetting,
    LostSight,
    YarnOutage,
    JobFailed,
    SubmitFailed,
];

/// What goes wrong between CloudFormation, Lambda and the function.
const OF_LAMBDA: &[Fault] = &[LostPost, LivyCrash, YarnOutage, Duplicate, Late, Crash];

/// What a request's own end is like.
const OF_THE_FUNCTION: &[Fault] = &[LostPost, YarnOutage, Crash, Panic, JobFailed];

/// What takes longer than anybody waits for.
const SLOW: &[Fault] = &[LostPost, LongYarnOutage, Crash];

/// The histories, with two faults in each; where Lambda's own and a stack's choices multiply, with one, and with one more
/// in a deep run.
fn histories(deep: bool) -> Vec<Scenario> {
    let most = if deep { 3 } else { 2 };
    let stacks = [
        Scenario::new("a Create is called off", CREATE).failing_elsewhere(0),
        Scenario::new("an Update and its rollback", UPDATE).failing_elsewhere(1),
        Scenario::new("the same, with StartThenStop", UPDATE)
            .failing_elsewhere(1)
            .start_then_stop(),
        Scenario::new("a Create after a Delete", DELETE).reusing_ids(),
        Scenario::new("a Create is tried again", CREATE_TWICE)
            .failing_elsewhere(0)
            .reusing_ids(),
    ];
    let mut all = Vec::new();
    for stack in stacks {
        all.push(stack.clone().with(most, OF_THE_CLUSTER));
        // Two of these break a rule: `findings::a_twin_that_fails_early_takes_nothing_with_it`.
        all.push(stack.clone().with(1, OF_LAMBDA));
        all.push(stack.clone().with(most - 1, OF_THE_FUNCTION));
        if stack.ops != CREATE_TWICE {
            // After a third crash Lambda does not try again.
            all.push(stack.clone().with(2, &[Late, Crash, LostPost]));
        }
        // What then becomes of StartThenStop: `findings`.
        if stack.policy == UpdatePolicy::StopThenStart {
            all.push(stack.with(2, SLOW));
        }
    }
    all.extend([
        Scenario::new("the job has to run", UPDATE)
            .waiting_for(WaitFor::Running)
            .with(
                most,
                &[JobFailed, JobSucceeded, SubmitFailed, LostPost, YarnOutage],
            ),
        Scenario::new("the job has to succeed", UPDATE)
            .waiting_for(WaitFor::Success)
            .with(
                most,
                &[JobFailed, JobSucceeded, LostSight, Forgetting, YarnOutage],
            ),
        Scenario::new("the same, with StartThenStop", UPDATE)
            .start_then_stop()
            .waiting_for(WaitFor::Success)
            .with(
                most,
                &[JobFailed, JobSucceeded, LostSight, Forgetting, YarnOutage],
            ),
        Scenario::new("an Update in place", IN_PLACE).with(most, OF_THE_CLUSTER),
        Scenario::new("an Update there and back", BACK)
            .reusing_ids()
            .with(most, OF_THE_CLUSTER),
        Scenario::new("the same, with StartThenStop", BACK)
            .reusing_ids()
            .start_then_stop()
            .with(most, OF_THE_CLUSTER),
        Scenario::new("a stop has less time than absence takes to settle", UPDATE)
            .stopping_within(2)
            .failing_elsewhere(1)
            .with(
                most,
                &[
                    LostPost,
                    LostAnswer,
                    LivyCrashWithoutRecovery,
                    LostSight,
                    YarnOutage,
                ],
            ),
        Scenario::new("a POST arrives late", CREATE)
            .failing_elsewhere(0)
            .with(2, &[Stall, Crash, YarnOutage]),
        Scenario::new("a Create that nobody calls off", CREATE).with(2, OF_LAMBDA),
        Scenario::new("a request is handed over", CREATE)
            .with_hand_overs(1)
            .with(2, &[LostPost, Duplicate, Crash]),
        Scenario::new("an Update is handed over", UPDATE)
            .with_hand_overs(1)
            .with(most - 1, &[LostPost, LivyCrashWithoutRecovery, Crash]),
        Scenario::new("looks in two halves", CREATE)
            .failing_elsewhere(0)
            .splitting_looks()
            .with(1, &[LostPost, Duplicate, LivyCrashWithoutRecovery]),
        Scenario::new("nobody can be asked whether a request is wanted", CREATE)
            .failing_elsewhere(0)
            .unasked()
            .with(most, &[LostPost, Forgetting, LostSight, LostAnswer]),
    ]);
    all
}

#[test]
fn no_history_breaks_a_rule() {
    let deep = std::env::var_os("EXPLORATION_DEEP").is_some();
    let only = std::env::var("EXPLORATION_ONLY").unwrap_or_default();
    let (mut states, mut transitions, mut broken) = (0, 0, Vec::new());
    println!(
        "{:>10} {:>11} {:>5} {:>7}  history",
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
        let Explored {
            unique_states,
            transitions: taken,
            depth,
            took,
            counterexample,
        } = explore(&history);
        println!(
            "{unique_states:>10} {taken:>11} {depth:>5} {:>7.1}  {line}",
            took.as_secs_f32()
        );
        states += unique_states;
        transitions += taken;
        if let Some(found) = counterexample {
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
