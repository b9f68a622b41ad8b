//! Each rule of the worker broken once: the checker has to find what comes of it, and to find nothing while the rule is kept.

use super::scenario::Fault::{self, Crash, CutOff, Outage, YarnOutage};
use super::scenario::{Defect, Scenario};
use crate::explore::explore;

const TASK: Scenario = Scenario::new("a task");

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
fn a_post_that_is_not_journalled_is_found() {
    let history = TASK.without_client_token().stopped();
    check(Defect::PostIsNotJournalled, history, 1, &[Crash]);
}

#[test]
fn a_post_for_a_token_that_may_be_over_is_found() {
    let history = TASK.on_two_workers();
    check(Defect::PostDoesNotAsk, history, 2, &[CutOff, YarnOutage]);
}

#[test]
fn a_retry_that_does_not_adopt_is_found() {
    check(Defect::RetryDoesNotAdopt, TASK, 1, &[CutOff]);
}

#[test]
fn an_adopted_run_that_settles_too_early_is_found() {
    let history = TASK.on_two_workers().stopped();
    check(Defect::AdoptedSettlesFromTheOwnPost, history, 1, &[Crash]);
}

#[test]
fn a_run_that_is_stopped_for_an_expired_token_is_found() {
    let history = TASK.on_two_workers();
    check(Defect::ExpiredIsCancelled, history, 1, &[CutOff]);
}

#[test]
fn an_orphan_that_is_not_journalled_is_found() {
    let history = TASK.late();
    check(Defect::OrphanIsNotJournalled, history, 2, &[CutOff, Crash]);
}

#[test]
fn an_orphan_that_is_let_go_of_early_is_found() {
    check(Defect::OrphanIsLetGoOfEarly, TASK, 2, &[CutOff, Outage]);
}

#[test]
fn a_run_that_is_let_go_of_for_the_retry_that_waits_is_found() {
    let history = TASK.late();
    check(Defect::HandedOverIsLetGoOf, history, 1, &[CutOff]);
}

#[test]
fn a_stop_that_is_told_before_it_is_confirmed_is_found() {
    check(Defect::ToldBeforeStopped, TASK.late(), 0, &[]);
}

#[test]
fn a_stop_that_does_not_ask_is_found() {
    let history = TASK.on_two_workers().late();
    check(Defect::StopDoesNotAsk, history, 1, &[CutOff]);
}

#[test]
fn an_intent_that_is_free_while_its_job_is_stopped_is_found() {
    let history = TASK.late();
    check(Defect::StoppingLetsGoOfTheIntent, history, 2, &[CutOff, Outage]);
}

#[test]
fn a_report_that_counts_as_heard_is_found() {
    let history = TASK.on_two_workers();
    check(Defect::PerhapsHeardIsHeard, history, 2, &[Outage, Crash]);
}

#[test]
fn a_run_that_nobody_looks_for_is_found() {
    let history = TASK.without_execution().stopped();
    check(Defect::UnseenIsClosed, history, 1, &[CutOff]);
}
