//! What refused POSTs leave, and who removes it.

use super::*;

const SHAPE: &str = "wait: Livy holds a batch of this intent that has not started";
const FAILED_AT: &str = "wait: Livy failed to create the batch; looking whether anything was started";

#[test]
fn a_name_that_a_shell_of_another_holds_is_freed_once_the_shell_has_stood() {
    let mut attempt = Attempt::new(numbered());
    attempt.posts(0, 1, PostAnswer::Duplicate);
    let shell = || batch(1, "starting", &[]);
    assert_eq!(attempt.sees(5, [shell()], []), SHAPE);
    assert_eq!(attempt.sees(154, [shell()], []), SHAPE);
    assert_eq!(attempt.sees(155, [shell()], []), "clear 1");
    assert_eq!(attempt.clears(155, None, ZombieFate::Removed), "look later");
    assert_eq!(attempt.sees(156, [], []), "post 1");
}

#[test]
fn a_shell_that_comes_to_life_is_adopted() {
    let mut attempt = Attempt::new(numbered());
    assert_eq!(attempt.sees(0, [batch(1, "starting", &[])], []), SHAPE);
    assert_eq!(attempt.sees(1, [batch(1, "starting", &BORN)], []), "adopt 1");
    let mut attempt = Attempt::new(numbered());
    attempt.sees(0, [batch(1, "starting", &[])], []);
    attempt.sees(150, [batch(1, "starting", &[])], []);
    assert_eq!(attempt.clears(150, None, ZombieFate::Alive), "look later");
}

#[test]
fn a_shell_that_cannot_be_removed_ends_the_submission_at_its_timeout() {
    let mut attempt = Attempt::new(numbered());
    attempt.sees(0, [batch(1, "starting", &[])], []);
    let refused = || ZombieFate::Unseen("403".into());
    assert_eq!(attempt.clears(150, None, refused()), "wait: 403");
    assert_eq!(attempt.sees(151, [batch(1, "starting", &[])], []), "clear 1");
    assert_eq!(attempt.clears(900, None, refused()), "unavailable: 403");
}

#[test]
fn what_our_own_refused_post_left_is_removed_at_once() {
    for status in [400, 500] {
        let mut attempt = Attempt::new(numbered());
        attempt.posts(0, 1, PostAnswer::Refused(refusal(status)));
        let removed = attempt.clears(1, Some(refusal(status)), ZombieFate::Removed);
        assert_eq!(removed, "rejected: no");
        assert_eq!(attempt.submission.left_behind(&order(numbered())), None);
    }
}

#[test]
fn a_400_without_a_shell_is_final_and_a_500_without_one_must_settle() {
    let mut attempt = Attempt::new(numbered());
    attempt.posts(0, 1, PostAnswer::Refused(refusal(400)));
    assert_eq!(
        attempt.clears(1, Some(refusal(400)), ZombieFate::Absent),
        "rejected: no"
    );
    for fate in [ZombieFate::Absent, ZombieFate::Unseen("down".into())] {
        let mut attempt = Attempt::new(numbered());
        attempt.posts(0, 1, PostAnswer::Refused(refusal(500)));
        assert_eq!(attempt.clears(1, Some(refusal(500)), fate), FAILED_AT);
        assert_eq!(attempt.sees(149, [], []), FAILED_AT);
        assert_eq!(attempt.sees(150, [], []), "rejected: no");
    }
}

#[test]
fn what_a_500_started_after_all_is_adopted() {
    let mut attempt = Attempt::new(numbered());
    attempt.posts(0, 1, PostAnswer::Refused(refusal(500)));
    attempt.clears(1, Some(refusal(500)), ZombieFate::Absent);
    assert_eq!(
        attempt.sees(30, [], [app(1, 1, "RUNNING", "UNDEFINED")]),
        "adopt 1"
    );
}

#[test]
fn a_refused_post_whose_name_is_another_programs_leads_to_that_run() {
    let mut attempt = Attempt::new(numbered());
    attempt.posts(0, 1, PostAnswer::Refused(refusal(400)));
    assert_eq!(
        attempt.clears(1, Some(refusal(400)), ZombieFate::Alive),
        "look later"
    );
    assert_eq!(attempt.sees(2, [batch(1, "running", &BORN)], []), "adopt 1");
}

#[test]
fn a_shell_of_our_own_500_that_could_not_be_seen_is_removed_when_it_can() {
    let mut attempt = Attempt::new(numbered());
    attempt.posts(0, 1, PostAnswer::Refused(refusal(500)));
    attempt.clears(1, Some(refusal(500)), ZombieFate::Unseen("down".into()));
    let shell = || batch(1, "starting", &[]);
    assert_eq!(attempt.sees(20, [shell()], []), "clear 1 after 500");
    assert_eq!(attempt.sees(150, [shell()], []), "rejected: no");
}
