//! The table of a resource's life, row by row.

use sparkwright_spark_job::identity::{Intent, Resource};
use sparkwright_spark_job::standing::Phase;

use super::*;

mod create;
mod overtaken;
mod update;

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
        is_of_failed_update: false,
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
        is_of_failed_update: false,
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
