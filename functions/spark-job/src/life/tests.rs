//! The table of a resource's life, row by row.

use sparkwright_spark_job::identity::{Intent, Resource};
use sparkwright_spark_job::standing::Phase;

use super::*;

fn run(name: &str) -> RunKey {
    RunKey::of(Intent::of_token(name), Some(Resource::of("stack", "Job")), 1)
}

fn wish(previous: Previous, policy: UpdatePolicy) -> Wish {
    Wish {
        own: run("own"),
        previous,
        policy,
        may_be_repeated: false,
        is_submitted: false,
        has_made_way: false,
    }
}

fn create() -> Wish {
    wish(Previous::None, UpdatePolicy::StopThenStart)
}

/// An Update of the run `old`, which has another spec.
fn update(policy: UpdatePolicy) -> Wish {
    let previous = Previous::Run {
        key: run("old"),
        is_wanted: false,
        is_elsewhere: false,
    };
    wish(previous, policy)
}

fn stop_then_start() -> Wish {
    update(UpdatePolicy::StopThenStart)
}

fn start_then_stop() -> Wish {
    update(UpdatePolicy::StartThenStop)
}

/// The same job is wanted that the id leads to.
fn same_spec() -> Wish {
    let previous = Previous::Run {
        key: run("old"),
        is_wanted: true,
        is_elsewhere: false,
    };
    wish(previous, UpdatePolicy::StopThenStart)
}

fn live(name: &str) -> Resident {
    Resident {
        key: run(name),
        lives: true,
        is_wanted: false,
        is_newer: true,
    }
}

fn wanted(name: &str) -> Resident {
    Resident {
        is_wanted: true,
        ..live(name)
    }
}

fn ended(name: &str) -> Resident {
    Resident {
        lives: false,
        ..live(name)
    }
}

fn residents<const N: usize>(residents: [Resident; N]) -> Seen {
    Seen::Residents(residents.into())
}

fn here(name: &str) -> Target {
    Target::Here(run(name))
}

fn stops<const N: usize>(targets: [Target; N]) -> Step {
    Step::MakeWay(targets.into())
}

fn stands(ending: Ending) -> Seen {
    Seen::Glance(Some(Standing::Ended(ending)))
}

const SUCCESS: Step = Step::Answer(Answer::Success(Holder::Own));
const UNCHANGED: Step = Step::Answer(Answer::Failed(FailedId::Unchanged));
const NOTHING: Step = Step::Answer(Answer::Failed(FailedId::Nothing));
const NEW_ID: Step = Step::Answer(Answer::Failed(FailedId::Own));
const BEFORE_STOPPING: Step = Step::Ask(Question::BeforeStopping);
const BEFORE_ANSWER: Step = Step::Ask(Question::BeforeAnswer);
const REACHED: Seen = Seen::Waited(Waited::Reached);

/// Plays what was seen, and gives every step that it led to.
#[track_caller]
fn check<const N: usize>(wish: Wish, first: Step, then: [(Seen, Step); N]) {
    let (mut life, step) = Life::begin(wish);
    assert_eq!(step, first);
    for (seen, expected) in then {
        let shown = format!("{seen:?}");
        assert_eq!(life.next(seen), expected, "after {shown}");
    }
}

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

#[test]
fn an_update_to_the_same_spec_is_in_place_unless_the_run_has_failed() {
    let in_place = || Step::Answer(Answer::Success(Holder::Previous));
    check(same_spec(), Step::Glance, [(Seen::Glance(None), in_place())]);
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
            (Seen::Unconfirmed, SUCCESS),
        ],
    );
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
            (Seen::Stopped, adopted()),
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
    check(
        same_spec(),
        Step::Glance,
        [
            (
                Seen::Glance(Some(Standing::Pending(Phase::Running))),
                BEFORE_ANSWER,
            ),
            (Seen::Wanted, Step::LookAround),
            (
                residents([live("old"), live("left")]),
                Step::Tidy(vec![here("left")]),
            ),
            (Seen::Stopped, Step::Answer(Answer::Success(Holder::Previous))),
        ],
    );
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
fn an_old_job_at_another_place_is_looked_for_there() {
    let elsewhere = || {
        let previous = Previous::Run {
            key: run("old"),
            is_wanted: false,
            is_elsewhere: true,
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
    assert_eq!(life.clone().next(by_itself()), SUCCESS);
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
