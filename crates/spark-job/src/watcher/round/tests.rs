//! Which runs are asked for one by one beside the bulk answers.

use super::judging::{is_telling, is_worth_asking_again, may_be_surplus};
use super::*;
use crate::specimens::{BORN, START_FAILED, application, batch};
use crate::standing::RunHistory;

const SETTLE: Duration = Duration::from_secs(150);

fn livy(state: &str, app: Option<u64>, log: &[&str]) -> LivySight {
    LivySight::Batch(batch(state, app, log).into())
}

fn yarn<const N: usize>(applications: [Application; N]) -> YarnSight {
    YarnSight::Applications(applications.into())
}

/// A run that was posted so many seconds ago.
fn posted_since(seconds: u64) -> (RunHistory, Instant) {
    let posted = Instant::now();
    (
        RunHistory::new(posted, SETTLE),
        posted + Duration::from_secs(seconds),
    )
}

#[track_caller]
fn check_telling(seconds: u64, sight: LivySight, expected: bool) {
    let (history, now) = posted_since(seconds);
    assert_eq!(is_telling(&history, now, &sight), expected, "{sight:?}");
}

#[track_caller]
fn check_again(seconds: u64, sight: LivySight, yarn: YarnSight, expected: bool) {
    let (history, now) = posted_since(seconds);
    assert_eq!(
        is_worth_asking_again(&history, now, &sight, &yarn),
        expected,
        "{sight:?}"
    );
}

#[test]
fn a_run_is_looked_at_alone_before_it_is_concluded() {
    check_telling(5, livy("dead", None, &START_FAILED), true);
    check_telling(5, livy("success", Some(1), &BORN), true);
    check_telling(5, LivySight::Absent, false);
    check_telling(150, LivySight::Absent, true);
    check_telling(5, livy("starting", None, &[]), false);
    check_telling(150, livy("starting", None, &[]), true);
}

#[test]
fn a_run_that_goes_on_costs_no_look_of_its_own() {
    for seconds in [5, 5000] {
        check_telling(seconds, livy("starting", None, &BORN), false);
        check_telling(seconds, LivySight::Silent("down".into()), false);
        check_telling(seconds, LivySight::NotAsked, false);
    }
}

#[test]
fn what_the_list_does_not_show_is_asked_for_before_it_counts_as_absent() {
    check_again(5, LivySight::Absent, YarnSight::NotThere, true);
    check_again(5, LivySight::Absent, yarn([]), false);
    check_again(150, LivySight::Absent, yarn([]), true);
    check_again(
        150,
        LivySight::Absent,
        yarn([application(1, "RUNNING", "UNDEFINED")]),
        false,
    );
    check_again(150, LivySight::Absent, YarnSight::Silent("down".into()), false);
}

#[test]
fn the_whole_log_of_a_dead_batch_is_read_where_it_decides() {
    let success = || yarn([application(1, "FINISHED", "SUCCEEDED")]);
    check_again(5, livy("dead", Some(1), &BORN), success(), true);
    check_again(5, livy("success", Some(1), &BORN), success(), false);
    check_again(149, livy("dead", None, &BORN), yarn([]), false);
    check_again(150, livy("dead", None, &BORN), yarn([]), true);
    check_again(150, livy("dead", None, &START_FAILED), yarn([]), false);
}

#[test]
fn what_was_killed_may_be_a_second_application_and_waits_for_the_look_at_everything() {
    let succeeded = || application(1, "FINISHED", "SUCCEEDED");
    let failed = || application(1, "FAILED", "FAILED");
    let killed = || application(2, "KILLED", "KILLED");
    for surplus in [vec![killed()], vec![application(1, "FINISHED", "KILLED")], vec![]] {
        assert!(may_be_surplus(&surplus), "{surplus:?}");
    }
    for end in [
        vec![succeeded()],
        vec![failed()],
        vec![succeeded(), killed()],
        vec![failed(), killed()],
    ] {
        assert!(!may_be_surplus(&end), "{end:?}");
    }
}
