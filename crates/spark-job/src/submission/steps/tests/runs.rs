//! Which run of an intent is adopted, and which number the next one has.

use super::*;
use crate::specimens::HANDED_OVER;

/// When YARN took the applications of these tests.
const STARTED: i64 = 1_795_225_818_404;

const UNSETTLED: &str = "wait: Livy lost sight of an earlier run; looking whether it lives";
const FORGOTTEN: &str = "wait: Livy has forgotten a batch of this intent; looking whether it lives";

#[test]
fn one_run_is_all_that_a_request_has_however_it_ended() {
    let ends: [(&[Batch], &[Application]); 5] = [
        (&[batch(1, "dead", &START_FAILED)], &[]),
        (&[batch(1, "dead", &BORN)], &[]),
        (&[batch(1, "success", &BORN)], &[]),
        (&[], &[app(1, 1, "FINISHED", "SUCCEEDED")]),
        (&[], &[app(1, 1, "KILLED", "KILLED")]),
    ];
    for (batches, applications) in ends {
        let yarn = YarnSight::Applications(applications.to_vec());
        let said = Attempt::new(Numbering::OneRun).surveyed(0, Ok(batches.to_vec()), yarn);
        assert_eq!(said, "adopt 1");
    }
}

#[test]
fn a_run_that_was_submitted_with_other_parameters_is_not_taken_over() {
    let said = |numbering, number, state: &str, tag: &str| {
        let mut application = app(
            number,
            1,
            state,
            if state == "FINISHED" {
                "SUCCEEDED"
            } else {
                "UNDEFINED"
            },
        );
        application.tags.push(tag.to_owned());
        Attempt::new(numbering).surveyed(0, Ok(Vec::new()), YarnSight::Applications(vec![application]))
    };
    let own = crate::names::spec_tag(order(numbered()).spec);
    let other = own.replace(|digit: char| digit.is_ascii_digit(), "f");
    let reusing = Numbering::Numbered {
        reuse_success_since: Some(STARTED),
    };
    for (numbering, state) in [(numbered(), "RUNNING"), (reusing, "FINISHED")] {
        assert_eq!(said(numbering, 2, state, &own), "adopt 2");
        let refused = said(numbering, 2, state, &other);
        assert!(refused.contains("with other parameters"), "{refused}");
    }
    // Nor is it followed by a run of another job, however it ended.
    for state in ["FINISHED", "FAILED", "KILLED"] {
        assert_eq!(said(numbered(), 2, state, &own), "post 3", "{state}");
        let refused = said(numbered(), 2, state, &other);
        assert!(refused.contains("with other parameters"), "{state}: {refused}");
    }
    // A request's intent holds its spec.
    assert_eq!(said(Numbering::OneRun, 1, "RUNNING", &other), "adopt 1");
}

#[test]
fn a_post_in_doubt_is_left_behind_when_the_intent_is_anothers_unless_that_has_its_name() {
    let left_behind = |posted: u32| {
        let mut attempt = Attempt::new(numbered());
        attempt.posts(0, posted, lost());
        let mut others = app(1, 1, "RUNNING", "UNDEFINED");
        others.tags.push(format!("sparkwright-spec-{}", "f".repeat(32)));
        let survey = Survey {
            livy: Ok(Vec::new()),
            yarn: YarnSight::Applications(vec![others]),
        };
        match attempt.submission.surveyed(attempt.at(1), &survey) {
            Next::Fail(SubmitError::OtherJob { left_behind, .. }) => {
                left_behind.map(|name| run_number(name.as_str(), intent(), None).unwrap())
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(left_behind(2), Some(2));
    assert_eq!(left_behind(1), None);
}

#[test]
fn a_live_run_is_adopted_and_a_failed_one_followed_by_the_next_number() {
    let check = |batches: &[Batch], applications: &[Application], expected: &str| {
        let yarn = YarnSight::Applications(applications.to_vec());
        assert_eq!(
            Attempt::new(numbered()).surveyed(0, Ok(batches.to_vec()), yarn),
            expected
        );
    };
    check(&[batch(1, "recovering", &BORN)], &[], "adopt 1");
    check(&[], &[app(2, 5, "ACCEPTED", "UNDEFINED")], "adopt 2");
    check(
        &[batch(1, "dead", &BORN)],
        &[app(1, 1, "RUNNING", "UNDEFINED")],
        "adopt 1",
    );
    check(&[batch(1, "dead", &START_FAILED)], &[], "post 2");
    check(
        &[batch(1, "dead", &BORN)],
        &[app(1, 1, "FAILED", "FAILED")],
        "post 2",
    );
    check(&[], &[app(3, 9, "KILLED", "KILLED")], "post 4");
    check(
        &[batch(2, "dead", &START_FAILED)],
        &[app(1, 1, "RUNNING", "UNDEFINED")],
        "adopt 1",
    );
    check(
        &[batch(u32::MAX, "dead", &START_FAILED)],
        &[],
        &format!("post {}", u32::MAX),
    );
}

#[test]
fn a_run_that_livy_lost_sight_of_settles_before_the_next() {
    for state in ["dead", "error", "killed"] {
        let mut attempt = Attempt::new(numbered());
        let lost = || batch(1, state, &HANDED_OVER);
        assert_eq!(attempt.sees(0, [lost()], []), UNSETTLED);
        assert_eq!(attempt.sees(149, [lost()], []), UNSETTLED);
        assert_eq!(attempt.sees(150, [lost()], []), "post 2");
        assert_eq!(
            attempt.sees(151, [lost()], [app(1, 1, "RUNNING", "UNDEFINED")]),
            "adopt 1"
        );
    }
}

#[test]
fn a_success_is_adopted_when_it_is_young_enough() {
    let sees = |since: Option<i64>, livy: Vec<Batch>, applications: Vec<Application>| {
        let numbering = Numbering::Numbered {
            reuse_success_since: since,
        };
        Attempt::new(numbering).surveyed(0, Ok(livy), YarnSight::Applications(applications))
    };
    let success = || vec![app(1, 1, "FINISHED", "SUCCEEDED")];
    assert_eq!(sees(Some(STARTED), vec![], success()), "adopt 1");
    assert_eq!(sees(Some(STARTED + 1), vec![], success()), "post 2");
    assert_eq!(sees(None, vec![], success()), "post 2");
    // When it was submitted is not known.
    assert_eq!(sees(Some(0), vec![batch(1, "success", &BORN)], vec![]), "post 2");
    let failed_after = vec![
        app(1, 1, "FINISHED", "SUCCEEDED"),
        app(2, 2, "FINISHED", "FAILED"),
    ];
    assert_eq!(sees(Some(STARTED), vec![], failed_after), "adopt 1");
}

#[test]
fn of_two_live_runs_the_one_that_stays_is_adopted() {
    for (stays, goes) in [(1, 2), (2, 1)] {
        let mut attempt = Attempt::new(numbered());
        let both = [
            app(stays, 8, "RUNNING", "UNDEFINED"),
            app(goes, 9, "RUNNING", "UNDEFINED"),
        ];
        let survey = Survey {
            livy: Ok(vec![batch(1, "running", &BORN), batch(2, "running", &BORN)]),
            yarn: YarnSight::Applications(both.to_vec()),
        };
        assert_eq!(attempt.submission.surplus(&survey), [both[1].id]);
        assert_eq!(
            told(attempt.submission.surveyed(attempt.at(0), &survey)),
            format!("adopt {stays}")
        );
    }
}

#[test]
fn a_post_of_ours_says_nothing_of_when_another_run_was_made() {
    let mut attempt = Attempt::new(numbered());
    attempt.posts(0, 2, lost());
    assert_eq!(attempt.sees(10, [batch(1, "running", &BORN)], []), "adopt 1");
    assert_eq!(attempt.submission.last_doubt(), None);
}

#[test]
fn a_run_of_another_slug_is_adopted_under_its_own_name() {
    let name = format!("older-name-{}", crate::names::RunKey::of(intent(), None, 1));
    let other = crate::specimens::named_batch(&name, "running", None, &BORN);
    let survey = Survey {
        livy: Ok(vec![other]),
        yarn: YarnSight::Applications(Vec::new()),
    };
    let mut attempt = Attempt::new(numbered());
    match attempt.submission.surveyed(attempt.at(0), &survey) {
        Next::Adopt { name: adopted, .. } => assert_eq!(adopted.as_str(), name),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_run_that_was_lost_sight_of_and_then_forgotten_settles_all_the_same() {
    let mut attempt = Attempt::new(numbered());
    assert_eq!(attempt.sees(0, [batch(1, "dead", &HANDED_OVER)], []), UNSETTLED);
    assert_eq!(attempt.sees(10, [], []), FORGOTTEN);
    assert_eq!(attempt.sees(149, [], []), FORGOTTEN);
    // Its number is not used again.
    assert_eq!(attempt.sees(150, [], []), "post 2");
    let mut attempt = Attempt::new(numbered());
    attempt.sees(0, [batch(1, "starting", &[])], []);
    assert_eq!(attempt.sees(10, [], []), FORGOTTEN);
    assert_eq!(
        attempt.sees(100, [], [app(1, 1, "ACCEPTED", "UNDEFINED")]),
        "adopt 1"
    );
}

#[test]
fn a_live_application_is_adopted_though_livy_is_silent() {
    let live = YarnSight::Applications(vec![app(1, 1, "RUNNING", "UNDEFINED")]);
    assert_eq!(Attempt::new(numbered()).surveyed(0, Err("down"), live), "adopt 1");
    let over = YarnSight::Applications(vec![app(1, 1, "FAILED", "FAILED")]);
    assert_eq!(
        Attempt::new(numbered()).surveyed(0, Err("down"), over),
        "wait: down"
    );
}
