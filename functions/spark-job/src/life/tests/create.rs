//! A Create, and how the wait for a job ends.

use super::*;

#[test]
fn a_create_with_nothing_in_its_way_submits_waits_and_succeeds() {
    check(
        create(),
        Step::Look,
        [
            (residents([ended("before")]), Step::Submit),
            (Seen::Submitted, Step::Wait),
            (REACHED, BEFORE_ANSWER),
            (Seen::Wanted, SUCCESS),
        ],
    );
}

#[test]
fn a_create_over_a_retained_run_fails_and_touches_nothing() {
    check(create(), Step::Look, [(residents([live("retained")]), UNCHANGED)]);
}

#[test]
fn a_repeated_create_watches_the_run_that_it_has() {
    check(
        create(),
        Step::Look,
        [(residents([live("own"), live("other")]), Step::Submit)],
    );
}

#[test]
fn a_create_fails_with_the_id_that_leads_to_what_is_left() {
    let begun = |left| {
        let (mut life, _) = Life::begin(create());
        life.next(residents([]));
        life.next(Seen::NotSubmitted(left))
    };
    assert_eq!(begun(Left::Nothing), UNCHANGED);
    assert_eq!(begun(Left::Maybe), NEW_ID);
    assert_eq!(begun(Left::Unknown), Step::CallOff);
    let repeated = Wish {
        may_be_repeated: true,
        ..create()
    };
    check(repeated, Step::Look, [(Seen::Unreachable, NEW_ID)]);
}

#[test]
fn a_wait_that_ends_badly_fails_the_request() {
    for (waited, expected) in [
        (Waited::Ended(Ending::Failed), NEW_ID),
        (Waited::Ended(Ending::Lost), NEW_ID),
        (Waited::TooLate, Step::CallOff),
    ] {
        check(
            create(),
            Step::Look,
            [
                (residents([]), Step::Submit),
                (Seen::Submitted, Step::Wait),
                (Seen::Waited(waited), expected),
            ],
        );
    }
}

#[test]
fn a_job_that_succeeds_while_it_is_called_off_for_time_has_succeeded() {
    let too_late = |left, expected| {
        check(
            create(),
            Step::Look,
            [
                (residents([]), Step::Submit),
                (Seen::Submitted, Step::Wait),
                (Seen::Waited(Waited::TooLate), Step::CallOff),
                (Seen::CalledOff(left), expected),
            ],
        );
    };
    too_late(Left::Succeeded, BEFORE_ANSWER);
    too_late(Left::Ended, NEW_ID);
    too_late(Left::Maybe, NEW_ID);
}
