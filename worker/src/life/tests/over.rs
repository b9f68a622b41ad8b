//! Lives whose token is over, and what their reports come to.

use super::*;

#[test]
fn a_run_whose_token_is_over() {
    use ExecutionState::{Ended, NotThere, Runs, Unknown};
    let without = Wish {
        has_execution: false,
        ..WISH
    };
    let leaves = Wish {
        on_cancel: OnCancel::Leave,
        ..WISH
    };
    let close = || (None, Step::Close);
    let stop = || stops(Which::Own, None);
    let awaits = || awaits_retry(Which::Own);
    for (wish, over, is_wanted, execution, (stage, step)) in [
        (WISH, CANCELLED, false, Unknown, stop()),
        (WISH, CANCELLED, true, Unknown, awaits()),
        (WISH, CANCELLED, false, Runs, awaits()),
        (WISH, EXPIRED, false, Runs, awaits()),
        (WISH, EXPIRED, false, Unknown, awaits()),
        (WISH, EXPIRED, false, NotThere, awaits()),
        (WISH, EXPIRED, false, Ended, stop()),
        (WISH, EXPIRED, true, Ended, awaits()),
        (without, CANCELLED, false, Unknown, stop()),
        (without, EXPIRED, false, Unknown, close()),
        (without, EXPIRED, true, Unknown, close()),
        (leaves, CANCELLED, false, Unknown, close()),
        (leaves, EXPIRED, false, Runs, close()),
    ] {
        let events = [Event::Claimed, over, examined(is_wanted, execution)];
        check(wish, FOLLOWING, &events, stage, step);
    }
}

#[test]
fn a_run_that_nobody_has_looked_for() {
    use ExecutionState::{Ended, Runs, Unknown};
    let (stage, step) = stops(Which::Any, None);
    let cancelled = [Event::Claimed, CANCELLED, examined(false, Unknown)];
    check(WISH, Stage::Received, &cancelled, stage, step);
    let unheard = [CANCELLED, Event::Claimed, examined(false, Unknown)];
    check(WISH, Stage::Received, &unheard, stage, step);
    let ended = [Event::Claimed, EXPIRED, examined(false, Ended)];
    check(WISH, Stage::Received, &ended, stage, step);
    let (stage, step) = awaits_retry(Which::Any);
    let runs = [Event::Claimed, EXPIRED, examined(false, Runs)];
    check(WISH, Stage::Received, &runs, stage, step);
    // Without a ClientToken there can be none, and what is to be left is not looked for.
    for wish in [
        Wish {
            is_repeatable: false,
            ..WISH
        },
        Wish {
            on_cancel: OnCancel::Leave,
            ..WISH
        },
    ] {
        let events = [Event::Claimed, CANCELLED];
        check(wish, Stage::Received, &events, None, Step::Close);
    }
}

#[test]
fn a_report() {
    let (cancelled, expired) = (Loss::Cancelled, Loss::Expired);
    let examine = |loss| (None, Step::Examine { loss });
    let close = || (None, Step::Close);
    let (own, any) = (Some(Which::Own), Some(Which::Any));
    for (left, event, (stage, step)) in [
        (None, Event::Heard, close()),
        (None, Event::Unheard(cancelled), close()),
        (None, Event::PerhapsHeard(expired), close()),
        (any, Event::Heard, close()),
        (any, Event::Unheard(cancelled), examine(cancelled)),
        (own, Event::Heard, stops(Which::Own, None)),
        (own, Event::Unheard(expired), examine(expired)),
        (own, Event::PerhapsHeard(expired), examine(expired)),
        (own, Event::Goes, (None, Step::Halt)),
    ] {
        let from = Stage::Concluded { left };
        check(WISH, from, &[Event::Claimed, event], stage, step);
    }
}

#[test]
fn a_run_that_is_left_for_a_retry() {
    for run in [Which::Own, Which::Any] {
        let from = Stage::Orphaned { run };
        let (stage, step) = stops(run, None);
        check(WISH, from, &[Event::Abandoned], stage, step);
        check(WISH, from, &[Event::NotOurs], None, Step::Close);
        check(WISH, from, &[Event::Ended], None, Step::Close);
        check(WISH, from, &[Event::Goes], None, Step::Halt);
    }
}

#[test]
fn nothing_is_stopped_for_a_token_that_expired_while_its_execution_runs() {
    use ExecutionState::{NotThere, Runs, Unknown};
    for execution in [Runs, Unknown, NotThere] {
        for is_wanted in [false, true] {
            for from in [
                Stage::Received,
                Stage::Posting { number: 1 },
                FOLLOWING,
                Stage::Stopping {
                    run: Which::Own,
                    telling: Some(ErrorName::Cancelled),
                },
            ] {
                let events = [Event::Claimed, EXPIRED, examined(is_wanted, execution)];
                let next = lived(WISH, from, &events);
                assert!(!matches!(next.step, Step::Stop { .. }), "{from:?} {events:?}");
            }
        }
    }
}
