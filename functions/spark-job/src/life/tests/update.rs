//! An Update, under both policies.

use super::*;

#[test]
fn an_update_to_the_same_spec_is_in_place_unless_the_run_has_failed() {
    let in_place = || Step::Answer(Answer::Success(Holder::Previous));
    let unseen = (Seen::Glance(None), BEFORE_ANSWER);
    check(
        same_spec(),
        Step::Glance,
        [unseen.clone(), (Seen::Wanted, in_place())],
    );
    let overtaken = Seen::Overtaken(Overtaken::ByStack);
    check(same_spec(), Step::Glance, [unseen, (overtaken, UNCHANGED)]);
    let runs = Standing::Pending(Phase::Running);
    for standing in [
        runs,
        Standing::Ended(Ending::Succeeded),
        Standing::Ended(Ending::Lost),
    ] {
        check(
            same_spec(),
            Step::Glance,
            [
                (Seen::Glance(Some(standing)), BEFORE_ANSWER),
                (Seen::Wanted, Step::LookAround),
                (residents([live("old"), ended("older")]), in_place()),
            ],
        );
    }
    for ending in [Ending::Failed, Ending::NotStarted, Ending::Killed] {
        check(same_spec(), Step::Glance, [(stands(ending), Step::Look)]);
    }
}

#[test]
fn stop_then_start_asks_stops_and_only_then_submits() {
    check(
        stop_then_start(),
        Step::Look,
        [
            (residents([live("old"), ended("older")]), BEFORE_STOPPING),
            (Seen::Wanted, stops([here("old")])),
            (Seen::Stopped, Step::Submit),
            (Seen::Submitted, Step::Wait),
            (REACHED, BEFORE_ANSWER),
            (Seen::Wanted, SUCCESS),
        ],
    );
}

#[test]
fn what_the_id_leads_to_is_stopped_though_no_look_shows_it() {
    check(
        stop_then_start(),
        Step::Look,
        [
            (residents([]), BEFORE_STOPPING),
            (Seen::Wanted, stops([Target::Previous])),
        ],
    );
}

#[test]
fn a_stop_that_nobody_can_confirm_keeps_the_new_job_from_starting() {
    check(
        stop_then_start(),
        Step::Look,
        [
            (residents([live("old")]), BEFORE_STOPPING),
            (Seen::Wanted, stops([here("old")])),
            (Seen::Unconfirmed, NOTHING),
        ],
    );
}

#[test]
fn an_update_that_has_stopped_nothing_fails_with_the_old_id() {
    check(stop_then_start(), Step::Look, [(Seen::Unreachable, UNCHANGED)]);
    check(
        stop_then_start(),
        Step::Look,
        [
            (residents([live("old")]), BEFORE_STOPPING),
            (Seen::Overtaken(Overtaken::ByStack), UNCHANGED),
        ],
    );
    check(
        start_then_stop(),
        Step::Look,
        [
            (residents([live("old")]), Step::Submit),
            (Seen::Submitted, Step::Wait),
            (Seen::Waited(Waited::Ended(Ending::Failed)), UNCHANGED),
        ],
    );
}

#[test]
fn an_update_that_has_stopped_something_fails_with_an_id_that_is_not_the_old_one() {
    for (left, expected) in [(Left::Nothing, NOTHING), (Left::Maybe, NEW_ID)] {
        check(
            stop_then_start(),
            Step::Look,
            [
                (residents([live("old")]), BEFORE_STOPPING),
                (Seen::Wanted, stops([here("old")])),
                (Seen::Stopped, Step::Submit),
                (Seen::NotSubmitted(left), expected),
            ],
        );
    }
}

#[test]
fn start_then_stop_leaves_the_old_run_to_its_delete_and_removes_what_nobody_owns() {
    let seen = |standing| Seen::Glance(Some(standing));
    for (last_look, answer) in [
        (Seen::Glance(None), SUCCESS),
        (seen(Standing::Pending(Phase::Running)), SUCCESS),
        (seen(Standing::Ended(Ending::Succeeded)), SUCCESS),
        // It failed while the others were removed.
        (seen(Standing::Ended(Ending::Failed)), UNCHANGED),
    ] {
        check(
            start_then_stop(),
            Step::Look,
            [
                (residents([live("old")]), Step::Submit),
                (Seen::Submitted, Step::Wait),
                (REACHED, BEFORE_ANSWER),
                (Seen::Wanted, Step::LookAround),
                (
                    residents([live("own"), live("old"), live("stray")]),
                    Step::Tidy(vec![here("stray")]),
                ),
                (Seen::Unconfirmed, Step::LookAgain(Holder::Own)),
                (last_look, answer),
            ],
        );
    }
}

#[test]
fn the_original_is_adopted_and_the_others_make_way_if_they_have_to() {
    let adopted = || Step::Answer(Answer::Success(Holder::Adopted(run("original"))));
    check(
        start_then_stop(),
        Step::Look,
        [
            (residents([live("old"), wanted("original")]), BEFORE_ANSWER),
            (Seen::Wanted, Step::LookAround),
            (
                residents([live("old"), wanted("original"), live("stray")]),
                Step::Tidy(vec![here("stray")]),
            ),
            (Seen::Stopped, Step::LookAgain(Holder::Adopted(run("original")))),
            (Seen::Glance(None), adopted()),
        ],
    );
    check(
        stop_then_start(),
        Step::Look,
        [
            (residents([live("old"), wanted("original")]), BEFORE_STOPPING),
            (Seen::Wanted, stops([here("old")])),
            (Seen::Stopped, BEFORE_ANSWER),
            (Seen::Wanted, adopted()),
        ],
    );
}

#[test]
fn what_a_called_off_update_has_left_is_removed_by_the_update_that_stays_in_place() {
    let runs = || Seen::Glance(Some(Standing::Pending(Phase::Running)));
    let tidied = [
        (runs(), BEFORE_ANSWER),
        (Seen::Wanted, Step::LookAround),
        (
            residents([live("old"), live("left")]),
            Step::Tidy(vec![here("left")]),
        ),
        (Seen::Unconfirmed, Step::LookAgain(Holder::Previous)),
    ];
    let in_place = Step::Answer(Answer::Success(Holder::Previous));
    for then in [(runs(), in_place), (stands(Ending::Failed), UNCHANGED)] {
        let [glance, ask, look, tidy] = tidied.clone();
        check(same_spec(), Step::Glance, [glance, ask, look, tidy, then]);
    }
}

#[test]
fn what_is_older_was_retained_unless_the_id_is_of_a_failed_update() {
    let older = || Resident {
        is_newer: false,
        ..live("older")
    };
    for (is_of_failed_update, then) in [
        (false, Step::Answer(Answer::Success(Holder::Previous))),
        (true, Step::Tidy(vec![here("older")])),
    ] {
        let previous = Previous::Run {
            key: run("old"),
            is_wanted: false,
            is_elsewhere: false,
            is_of_failed_update,
        };
        check(
            wish(previous, UpdatePolicy::StartThenStop),
            Step::Look,
            [
                (residents([wanted("old"), older()]), BEFORE_ANSWER),
                (Seen::Wanted, Step::LookAround),
                (residents([wanted("old"), older()]), then),
            ],
        );
    }
}

#[test]
fn a_failed_request_s_own_run_is_adopted_under_the_id_that_leads_to_it() {
    check(
        start_then_stop(),
        Step::Look,
        [
            (residents([wanted("old")]), BEFORE_ANSWER),
            (Seen::Wanted, Step::LookAround),
            (
                residents([wanted("old")]),
                Step::Answer(Answer::Success(Holder::Previous)),
            ),
        ],
    );
}

#[test]
fn an_old_job_at_another_place_is_looked_for_there() {
    let elsewhere = || {
        let previous = Previous::Run {
            key: run("old"),
            is_wanted: false,
            is_elsewhere: true,
            is_of_failed_update: false,
        };
        wish(previous, UpdatePolicy::StopThenStart)
    };
    check(
        elsewhere(),
        Step::Look,
        [
            (residents([live("stray")]), Step::LookBack),
            (residents([live("old"), live("older")]), BEFORE_STOPPING),
            (
                Seen::Wanted,
                stops([
                    here("stray"),
                    Target::There(run("old")),
                    Target::There(run("older")),
                ]),
            ),
        ],
    );
    check(
        elsewhere(),
        Step::Look,
        [
            (residents([]), Step::LookBack),
            (residents([]), BEFORE_STOPPING),
            (Seen::Wanted, stops([Target::Previous])),
        ],
    );
    // Its cluster is gone, and it with it.
    check(
        elsewhere(),
        Step::Look,
        [(residents([]), Step::LookBack), (Seen::Gone, Step::Submit)],
    );
    check(
        elsewhere(),
        Step::Look,
        [(residents([]), Step::LookBack), (Seen::Unreachable, UNCHANGED)],
    );
}

#[test]
fn the_older_providers_application_makes_way_like_a_run() {
    check(
        wish(Previous::Application, UpdatePolicy::StopThenStart),
        Step::Look,
        [
            (residents([]), Step::LookBack),
            (residents([]), BEFORE_STOPPING),
            (Seen::Wanted, stops([Target::Previous])),
            (Seen::Stopped, Step::Submit),
        ],
    );
    check(
        wish(Previous::Application, UpdatePolicy::StartThenStop),
        Step::Look,
        [(residents([]), Step::Submit)],
    );
}
