//! What the checker once found in the programs: each is a history that broke a rule. Those that still break one, or are not
//! in the model's reach, are ignored and say why; `cargo test --test exploration findings -- --ignored --nocapture` tells
//! their stories.

use crate::explore::explore;
use crate::histories::UPDATE;
use crate::names::Version;
use crate::scenario::Fault::{
    Crash, Duplicate, JobFailed, Late, LivyCrash, LivyCrashWithoutRecovery, LongYarnOutage, LostPost, Panic,
    Stall,
};
use crate::scenario::{Op, Scenario};

const CREATE: &[Op] = &[Op::Create];

#[track_caller]
fn check(history: &Scenario) {
    if let Some(found) = explore(history).counterexample {
        panic!("{}, after {} actions\n{}", found.rule, found.actions, found.story);
    }
}

#[test]
#[ignore = "the programs look for 20 s whether a job that stays in place is being stopped; the model's ticks are longer"]
fn a_cancelled_update_leaves_the_old_run_alone() {
    check(
        &Scenario::new("update", UPDATE)
            .failing_elsewhere(1)
            .cancelling_updates(),
    );
}

#[test]
fn the_rollback_of_a_cancelled_update_leaves_nothing() {
    check(
        &Scenario::new("update", UPDATE)
            .failing_elsewhere(1)
            .start_then_stop()
            .cancelling_updates(),
    );
}

#[test]
fn a_create_is_superseded_by_the_next_create() {
    let history = Scenario::new("create twice", &[Op::Create, Op::Create])
        .failing_elsewhere(0)
        .reusing_ids();
    check(&history.with(1, &[LivyCrash]));
}

#[test]
fn a_run_is_adopted_under_the_id_that_leads_to_it_already() {
    check(
        &Scenario::new("update", UPDATE)
            .failing_elsewhere(1)
            .with(1, &[Panic]),
    );
}

#[test]
fn a_call_off_settles_from_when_the_post_was_answered() {
    check(
        &Scenario::new("create", CREATE)
            .failing_elsewhere(0)
            .with(1, &[Stall]),
    );
}

#[test]
fn an_adopting_update_tidies_too() {
    let history = Scenario::new("update", UPDATE)
        .failing_elsewhere(1)
        .start_then_stop();
    check(&history.with(2, &[Crash, LongYarnOutage]));
}

#[test]
fn two_deliveries_and_a_restart_leave_one_application() {
    check(&Scenario::new("create", CREATE).with(2, &[Duplicate, LivyCrashWithoutRecovery]));
}

#[test]
#[ignore = "found: of two deliveries at once one fails early, and its answer is taken"]
fn a_twin_that_fails_early_takes_nothing_with_it() {
    let history = Scenario::new("update", &[Op::Create, Op::Update(Version::Two)]);
    check(&history.with(2, &[Duplicate, Panic, JobFailed, LostPost]));
}

#[test]
#[ignore = "takes a minute: part of make test-deep"]
fn an_adopted_run_settles_from_its_adoption() {
    let history = Scenario::new("create", CREATE).failing_elsewhere(0);
    check(&history.with(2, &[Late, Duplicate]));
}
