//! Each rule broken once: the checker has to find what comes of it, and to find nothing while the rule is kept.

use spark_job_function::properties::WaitFor;

use crate::defect::Defect;
use crate::explore::explore;
use crate::names::Version;
use crate::scenario::Fault::{
    Crash, Duplicate, Forgetting, JobFailed, LivyCrash, LivyCrashWithoutRecovery, LostPost, LostSight, Panic,
    YarnOutage,
};
use crate::scenario::{Fault, Op, Scenario};

const CREATE: &[Op] = &[Op::Create];
const CREATE_AND_DELETE: &[Op] = &[Op::Create, Op::Delete];
const CREATE_TWICE: &[Op] = &[Op::Create, Op::Create];
const UPDATE: &[Op] = &[Op::Create, Op::Update(Version::Two)];
const TWICE: &[Op] = &[
    Op::Create,
    Op::Update(Version::Two),
    Op::Update(Version::One),
    Op::Update(Version::Two),
];

#[track_caller]
fn check(defect: Defect, history: Scenario, most: u8, faults: &'static [Fault]) {
    let history = history.with(most, faults);
    let kept = explore(&history);
    if let Some(found) = kept.counterexample {
        panic!("without the defect: {}\n{}", found.rule, found.story);
    }
    let broken = explore(&history.broken(defect));
    let found = broken.counterexample.expect("the checker finds the defect");
    println!(
        "{defect:?}: {}, after {} actions ({} states; without the defect {})",
        found.rule, found.actions, broken.unique_states, kept.unique_states
    );
}

#[test]
fn a_post_that_does_not_settle_is_found() {
    let history = Scenario::new("create", CREATE);
    check(
        Defect::PostDoesNotSettle,
        history,
        2,
        &[LostPost, LivyCrashWithoutRecovery],
    );
}

#[test]
fn a_repetition_that_does_not_settle_is_found() {
    let history = Scenario::new("create", CREATE);
    check(
        Defect::RepetitionDoesNotSettle,
        history,
        2,
        &[Crash, LivyCrashWithoutRecovery],
    );
}

#[test]
fn absence_that_is_believed_without_yarn_is_found() {
    let history = Scenario::new("create, delete", CREATE_AND_DELETE);
    check(
        Defect::AbsenceIsBelievedWithoutYarn,
        history,
        2,
        &[LivyCrashWithoutRecovery, YarnOutage],
    );
}

#[test]
fn a_dead_batch_that_is_believed_is_found() {
    let history = Scenario::new("create, delete", CREATE_AND_DELETE);
    check(Defect::DeadIsBelieved, history, 1, &[LostSight]);
}

#[test]
fn a_stop_that_does_not_settle_is_found() {
    let history = Scenario::new("create", CREATE).failing_elsewhere(0);
    check(Defect::StopDoesNotSettle, history, 1, &[LivyCrashWithoutRecovery]);
}

#[test]
fn a_stop_that_is_not_waited_for_is_found() {
    check(
        Defect::StopIsNotWaitedFor,
        Scenario::new("update", UPDATE),
        0,
        &[],
    );
}

#[test]
fn an_old_id_after_its_run_was_stopped_is_found() {
    check(
        Defect::OldIdThoughStopped,
        Scenario::new("update", UPDATE),
        2,
        &[JobFailed, YarnOutage],
    );
}

#[test]
fn a_failed_id_that_says_the_spec_is_found() {
    let history = Scenario::new("update", UPDATE).failing_elsewhere(1);
    check(Defect::FailedIdHasTheSpec, history, 1, &[Panic]);
}

#[test]
fn a_delete_by_resource_is_found() {
    let history = Scenario::new("update", UPDATE).start_then_stop();
    check(Defect::DeleteByResource, history, 0, &[]);
}

#[test]
fn an_invented_delete_that_does_not_settle_is_found() {
    let history = Scenario::new("create", CREATE).failing_elsewhere(0).unasked();
    check(
        Defect::InventedDeleteDoesNotSettle,
        history,
        2,
        &[LostSight, Forgetting],
    );
}

#[test]
fn a_superseded_request_that_goes_on_is_found() {
    let history = Scenario::new("create", CREATE).failing_elsewhere(0);
    check(Defect::SupersededGoesOn, history, 2, &[LivyCrash, Crash]);
}

#[test]
fn a_duplicate_that_stops_the_stacks_run_is_found() {
    check(
        Defect::DuplicateStopsTheStacksRun,
        Scenario::new("create", CREATE),
        1,
        &[Duplicate],
    );
}

#[test]
fn a_claim_after_the_post_is_found() {
    check(
        Defect::ClaimAfterThePost,
        Scenario::new("create", CREATE),
        1,
        &[Panic],
    );
}

#[test]
fn two_applications_that_are_left_alone_are_found() {
    let history = Scenario::new("create", CREATE).waiting_for(WaitFor::Success);
    check(
        Defect::NoTieBreak,
        history,
        2,
        &[Duplicate, LivyCrashWithoutRecovery],
    );
}

#[test]
fn an_intent_of_the_request_id_alone_is_found() {
    let history = Scenario::new("update there, back, and there again", TWICE).reusing_ids();
    check(Defect::IntentOfTheRequestIdAlone, history, 0, &[]);
}

#[test]
fn an_intent_without_the_date_is_found() {
    let history = Scenario::new("create twice", CREATE_TWICE)
        .failing_elsewhere(0)
        .reusing_ids();
    check(Defect::IntentWithoutTheDate, history, 0, &[]);
}

#[test]
fn an_original_that_is_not_adopted_is_found() {
    let history = Scenario::new("update", UPDATE)
        .start_then_stop()
        .failing_elsewhere(1);
    check(Defect::OriginalIsNotAdopted, history, 1, &[LivyCrash]);
}
