//! Requests that are overtaken, or taken over by a further invocation.

use super::*;

#[test]
fn a_request_that_is_overtaken_while_it_stops_others_submits_nothing() {
    check(
        stop_then_start(),
        Step::Look,
        [
            (residents([live("old")]), BEFORE_STOPPING),
            (Seen::Wanted, stops([here("old")])),
            (Seen::Overtaken(Overtaken::ByStack), NOTHING),
        ],
    );
}

#[test]
fn an_overtaken_request_stops_its_own_run_only() {
    let overtaken = Seen::Overtaken(Overtaken::ByStack);
    check(
        start_then_stop(),
        Step::Look,
        [
            (residents([live("old")]), Step::Submit),
            (Seen::Submitted, Step::Wait),
            (overtaken.clone(), Step::CallOff),
            (Seen::CalledOff(Left::Ended), UNCHANGED),
        ],
    );
    check(
        create(),
        Step::Look,
        [(residents([]), Step::Submit), (overtaken, Step::CallOff)],
    );
}

#[test]
fn a_run_that_the_stack_has_is_never_called_off() {
    let by_itself = || Seen::Overtaken(Overtaken::ByItself);
    let (mut life, _) = Life::begin(create());
    life.next(residents([live("own")]));
    // What it may just have submitted is watched.
    assert_eq!(life.clone().next(by_itself()), Step::Wait);
    life.next(Seen::Submitted);
    assert_eq!(life.clone().next(by_itself()), SUCCESS);
    life.next(REACHED);
    assert_eq!(life.next(by_itself()), SUCCESS);
}

#[test]
fn a_further_invocation_goes_on_waiting() {
    let handed_over = Wish {
        may_be_repeated: true,
        is_submitted: true,
        ..start_then_stop()
    };
    check(
        handed_over,
        Step::Wait,
        [
            (REACHED, BEFORE_ANSWER),
            (Seen::Wanted, Step::LookAround),
            (residents([live("own"), live("old")]), SUCCESS),
        ],
    );
}
