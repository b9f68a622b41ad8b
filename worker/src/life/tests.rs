mod over;

use super::*;

const WISH: Wish = Wish {
    is_repeatable: true,
    has_execution: true,
    on_cancel: OnCancel::Stop,
    drain: Drain::Leave,
};

/// A life that has come this far, and what comes next.
#[track_caller]
fn lived(wish: Wish, from: Stage, events: &[Event]) -> Next {
    let (mut life, mut next) = Life::begin(wish, from, true);
    for event in events {
        next = life.next(*event);
    }
    next
}

#[track_caller]
fn check(wish: Wish, from: Stage, events: &[Event], stage: Option<Stage>, step: Step) {
    assert_eq!(
        lived(wish, from, events),
        Next { stage, step },
        "{wish:?} {from:?} {events:?}"
    );
}

fn examined(is_wanted: bool, execution: ExecutionState) -> Event {
    Event::Examined { is_wanted, execution }
}

const fn not_submitted(why: Unsubmitted, is_left: bool, lost: Option<Loss>) -> Event {
    Event::NotSubmitted { why, is_left, lost }
}

const CANCELLED: Event = Event::TokenOver(Loss::Cancelled);
const EXPIRED: Event = Event::TokenOver(Loss::Expired);
const FOLLOWING: Stage = Stage::Following { running: false };

fn reports(name: ErrorName, left: Option<Which>) -> (Option<Stage>, Step) {
    (
        Some(Stage::Concluded { left }),
        Step::Report(Verdict::Failure(name)),
    )
}

fn stops(run: Which, telling: Option<ErrorName>) -> (Option<Stage>, Step) {
    let is_told = telling.is_some();
    (
        Some(Stage::Stopping { run, telling }),
        Step::Stop { run, is_told },
    )
}

fn awaits_retry(run: Which) -> (Option<Stage>, Step) {
    (Some(Stage::Orphaned { run }), Step::AwaitRetry { run })
}

#[test]
fn a_life_goes_on_where_the_journal_says() {
    let claim = |is_new| Step::Claim { is_new };
    let telling = Some(ErrorName::StartTimeout);
    for (from, known, unknown, claimed) in [
        (
            Stage::Received,
            claim(true),
            claim(true),
            Step::Submit { unanswered: None },
        ),
        (
            Stage::Posting { number: 2 },
            claim(false),
            claim(false),
            Step::Submit { unanswered: Some(2) },
        ),
        (
            Stage::Following { running: true },
            claim(false),
            claim(false),
            Step::Follow,
        ),
        (
            Stage::Stopping {
                run: Which::Own,
                telling,
            },
            claim(false),
            Step::Report(Verdict::Failure(ErrorName::StartTimeout)),
            Step::Ask,
        ),
        (
            Stage::Stopping {
                run: Which::Own,
                telling: None,
            },
            claim(false),
            Step::Close,
            stops(Which::Own, None).1,
        ),
        (
            Stage::Stopping {
                run: Which::Any,
                telling: None,
            },
            claim(false),
            claim(false),
            stops(Which::Any, None).1,
        ),
        (
            Stage::Concluded {
                left: Some(Which::Own),
            },
            claim(false),
            claim(false),
            Step::Report(Verdict::Journalled),
        ),
    ] {
        assert_eq!(Life::begin(WISH, from, true).1.step, known, "{from:?}");
        assert_eq!(Life::begin(WISH, from, false).1.step, unknown, "{from:?}");
        assert_eq!(lived(WISH, from, &[Event::Claimed]).step, claimed, "{from:?}");
    }
    let orphaned = |run| Life::begin(WISH, Stage::Orphaned { run }, true).1.step;
    assert_eq!(orphaned(Which::Own), Step::AwaitRetry { run: Which::Own });
    assert_eq!(orphaned(Which::Any), Step::AwaitRetry { run: Which::Any });
}

#[test]
fn a_run_that_this_release_cannot_name_is_looked_for() {
    let (mut life, _) = Life::begin(WISH, Stage::Following { running: true }, false);
    assert_eq!(life.next(Event::Claimed).step, Step::Submit { unanswered: None });
    let (mut life, _) = Life::begin(
        WISH,
        Stage::Concluded {
            left: Some(Which::Own),
        },
        false,
    );
    assert_eq!(
        life.next(Event::Claimed).stage,
        Some(Stage::Concluded { left: None })
    );
}

#[test]
fn a_task_that_waits_for_its_intent() {
    let any = Some(Which::Any);
    for (event, (stage, step)) in [
        (Event::Taken, reports(ErrorName::InvalidInput, None)),
        (Event::Late, reports(ErrorName::StartTimeout, any)),
        (Event::Drains, (None, Step::Leave)),
        (Event::Goes, (None, Step::Leave)),
        (CANCELLED, (None, Step::ClaimUnheard)),
    ] {
        check(WISH, Stage::Received, &[event], stage, step);
    }
    // Nobody else can have had its intent.
    let only = Wish {
        is_repeatable: false,
        ..WISH
    };
    check(only, Stage::Received, &[CANCELLED], None, Step::Close);
    check(
        WISH,
        Stage::Received,
        &[CANCELLED, Event::Taken],
        None,
        Step::Close,
    );
    let concluded = Stage::Concluded { left: None };
    check(
        WISH,
        concluded,
        &[Event::Taken],
        Some(concluded),
        Step::Report(Verdict::Journalled),
    );
}

#[test]
fn a_task_that_was_not_begun_is_put_down() {
    for (drain, expected) in [
        (Drain::Leave, (None, Step::Leave)),
        (Drain::Wait, reports(ErrorName::WorkerDraining, Some(Which::Any))),
        (Drain::Stop, reports(ErrorName::WorkerDraining, Some(Which::Any))),
    ] {
        let wish = Wish { drain, ..WISH };
        for events in [
            &[Event::Drains][..],
            &[Event::Claimed, Event::Drains],
            &[Event::Claimed, not_submitted(Unsubmitted::CalledOff, false, None)],
        ] {
            let next = lived(wish, Stage::Received, events);
            assert_eq!(next.step, expected.1, "{drain:?} {events:?}");
        }
    }
}

#[test]
fn a_job_that_is_not_submitted() {
    let (own, any) = (Some(Which::Own), Some(Which::Any));
    let cancelled = Some(Loss::Cancelled);
    let examine = (
        None,
        Step::Examine {
            loss: Loss::Cancelled,
        },
    );
    for (why, is_left, lost, (stage, step)) in [
        (
            Unsubmitted::Unusable,
            false,
            None,
            reports(ErrorName::InvalidInput, None),
        ),
        (
            Unsubmitted::OtherJob,
            false,
            None,
            reports(ErrorName::InvalidInput, None),
        ),
        (
            Unsubmitted::OtherJob,
            true,
            None,
            reports(ErrorName::InvalidInput, own),
        ),
        (
            Unsubmitted::Rejected,
            false,
            None,
            reports(ErrorName::Rejected, None),
        ),
        (
            Unsubmitted::Unauthorized,
            false,
            None,
            reports(ErrorName::Rejected, any),
        ),
        (
            Unsubmitted::Unavailable,
            false,
            None,
            reports(ErrorName::LivyUnavailable, any),
        ),
        (
            Unsubmitted::Unavailable,
            false,
            cancelled,
            reports(ErrorName::LivyUnavailable, any),
        ),
        (
            Unsubmitted::Deadline,
            false,
            None,
            reports(ErrorName::StartTimeout, any),
        ),
        (Unsubmitted::Deadline, true, None, (None, Step::Ask)),
        (Unsubmitted::Deadline, true, cancelled, examine),
        (Unsubmitted::Lost, true, None, reports(ErrorName::Lost, own)),
        (Unsubmitted::Lost, true, cancelled, examine),
        (Unsubmitted::CalledOff, false, None, (None, Step::Leave)),
        (Unsubmitted::CalledOff, true, None, (None, Step::Leave)),
        (Unsubmitted::CalledOff, false, cancelled, (None, Step::Close)),
        (Unsubmitted::CalledOff, true, cancelled, examine),
        (
            Unsubmitted::Unwritten,
            false,
            None,
            reports(ErrorName::WorkerDraining, None),
        ),
        (Unsubmitted::Unwritten, true, None, (None, Step::Leave)),
        (Unsubmitted::Unwritten, false, cancelled, (None, Step::Close)),
    ] {
        let events = [Event::Claimed, not_submitted(why, is_left, lost)];
        check(WISH, Stage::Received, &events, stage, step);
    }
}

#[test]
fn a_job_that_is_followed() {
    for (event, (stage, step)) in [
        (
            Event::Runs,
            (Some(Stage::Following { running: true }), Step::Follow),
        ),
        (
            Event::Ended,
            (
                Some(Stage::Concluded { left: None }),
                Step::Report(Verdict::Outcome),
            ),
        ),
        (EXPIRED, (None, Step::Examine { loss: Loss::Expired })),
        (Event::Goes, (None, Step::Leave)),
        (Event::Late, (None, Step::Ask)),
        (Event::ToldToStop, (None, Step::Ask)),
        (Event::Deaf, reports(ErrorName::Lost, Some(Which::Own))),
        (Event::OtherJob, reports(ErrorName::InvalidInput, None)),
    ] {
        check(WISH, FOLLOWING, &[Event::Claimed, event], stage, step);
    }
}

#[test]
fn a_stop_begins_only_while_the_token_is_good_and_is_told_once_it_is_confirmed() {
    for (event, name) in [
        (Event::Late, ErrorName::StartTimeout),
        (Event::ToldToStop, ErrorName::Cancelled),
    ] {
        let (stage, step) = stops(Which::Own, Some(name));
        let good = [Event::Claimed, event, Event::Good];
        check(WISH, FOLLOWING, &good, stage, step);
        let over = [Event::Claimed, event, EXPIRED];
        let examine = Step::Examine { loss: Loss::Expired };
        check(WISH, FOLLOWING, &over, None, examine);
        let stopped = |by_itself| {
            let stopped = Event::Stopped { by_itself };
            lived(WISH, FOLLOWING, &[Event::Claimed, event, Event::Good, stopped]).step
        };
        assert_eq!(stopped(false), Step::Report(Verdict::Failure(name)));
        assert_eq!(stopped(true), Step::Report(Verdict::Outcome));
        for (open, told) in [(Event::Unseen, name), (Event::Unconfirmed, ErrorName::Lost)] {
            let left = [Event::Claimed, event, Event::Good, open, Event::Heard];
            let (stage, step) = reports(told, Some(Which::Own));
            check(WISH, FOLLOWING, &left[..4], stage, step);
            let (stage, step) = stops(Which::Own, None);
            check(WISH, FOLLOWING, &left, stage, step);
        }
        check(
            WISH,
            FOLLOWING,
            &[Event::Claimed, event, Event::Good, Event::Goes],
            None,
            Step::Leave,
        );
    }
}
