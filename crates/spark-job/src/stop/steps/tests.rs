//! When a run has stopped, and what is done until then.

use super::*;
use crate::specimens::{BORN, HANDED_OVER, START_FAILED, application, application_id, batch};

const SETTLE: Duration = Duration::from_secs(150);

struct Stopping {
    stop: Stop,
    posted: Instant,
}

impl Stopping {
    fn new() -> Self {
        let posted = Instant::now();
        let stop = Stop::new(posted, SETTLE, None);
        Self { stop, posted }
    }

    fn knowing(application: u64) -> Self {
        let mut stopping = Self::new();
        stopping.stop.known = Some(application_id(application));
        stopping
    }

    /// Somebody has to be told.
    fn telling() -> Self {
        let Self { stop, posted } = Self::new();
        Self {
            stop: stop.without_waiting_for_livy(),
            posted,
        }
    }

    fn look(&mut self, seconds: u64, livy: LivySight, yarn: YarnSight) -> Step {
        let now = self.posted + Duration::from_secs(seconds);
        self.stop.observe(now, &Sighting { livy, yarn })
    }

    /// After Livy has refused to delete the batch.
    fn look_after_refusal(&mut self, seconds: u64, livy: LivySight, yarn: YarnSight) -> Step {
        self.stop.refused = Some("403".into());
        self.look(seconds, livy, yarn)
    }
}

fn livy(state: &str, app: Option<u64>, log: &[&str]) -> LivySight {
    LivySight::Batch(batch(state, app, log).into())
}

fn livy_down() -> LivySight {
    LivySight::Silent("Livy is down".into())
}

fn yarn<const N: usize>(applications: [Application; N]) -> YarnSight {
    YarnSight::Applications(applications.into())
}

fn yarn_down() -> YarnSight {
    YarnSight::Silent("YARN is down".into())
}

fn running(number: u64) -> Application {
    application(number, "RUNNING", "UNDEFINED")
}

fn killed(number: u64) -> Application {
    application(number, "KILLED", "KILLED")
}

fn wait(why: &str) -> Step {
    Step::Wait(why.into())
}

fn done_with(application: Application) -> Step {
    Step::Done(Some(Box::new(application)))
}

const MAY_SHOW_UP: &str = "an application of it may still show up in YARN";

#[track_caller]
fn check(seconds: u64, livy: LivySight, yarn: YarnSight, expected: Step) {
    assert_eq!(Stopping::new().look(seconds, livy, yarn), expected);
}

#[test]
fn an_active_batch_is_deleted_first_whatever_yarn_says() {
    for state in ["starting", "recovering", "running", "hibernating"] {
        check(5, livy(state, None, &BORN), yarn([]), Step::DeleteBatch);
        check(
            5,
            livy(state, Some(1), &BORN),
            yarn([running(1)]),
            Step::DeleteBatch,
        );
        check(5, livy(state, None, &BORN), yarn_down(), Step::DeleteBatch);
        check(
            5,
            livy(state, None, &BORN),
            YarnSight::NotThere,
            Step::DeleteBatch,
        );
    }
}

#[test]
fn whatever_lives_in_yarn_is_killed() {
    let both = || yarn([running(1), application(2, "ACCEPTED", "UNDEFINED"), killed(3)]);
    let kill_both = || Step::Kill(vec![application_id(1), application_id(2)]);
    check(5, LivySight::Absent, both(), kill_both());
    check(5, livy_down(), both(), kill_both());
    // Livy's `dead` says nothing of what YARN shows.
    check(5, livy("dead", Some(1), &BORN), both(), kill_both());
    let refused = Stopping::new().look_after_refusal(5, livy("running", Some(1), &BORN), both());
    assert_eq!(refused, kill_both());
}

#[test]
fn an_application_of_an_unknown_state_is_killed_too() {
    let odd = application(1, "SUSPENDED", "UNDEFINED");
    check(
        5,
        LivySight::Absent,
        yarn([odd]),
        Step::Kill(vec![application_id(1)]),
    );
}

#[test]
fn it_is_over_when_yarn_says_so() {
    check(5, LivySight::Absent, yarn([killed(1)]), done_with(killed(1)));
    check(5, livy_down(), yarn([killed(1)]), done_with(killed(1)));
    let succeeded = || application(1, "FINISHED", "SUCCEEDED");
    check(
        5,
        livy("success", Some(1), &HANDED_OVER),
        yarn([succeeded()]),
        done_with(succeeded()),
    );
}

#[test]
fn while_yarn_is_silent_nothing_is_over() {
    for sight in [
        LivySight::Absent,
        livy("dead", None, &START_FAILED),
        livy("killed", Some(1), &BORN),
    ] {
        check(10_000, sight, yarn_down(), wait("YARN is down"));
    }
}

#[test]
fn nothing_to_be_seen_is_nothing_only_once_it_has_settled() {
    for sight in [
        LivySight::Absent,
        livy("dead", None, &BORN),
        livy("killed", None, &BORN),
    ] {
        check(149, sight.clone(), yarn([]), wait(MAY_SHOW_UP));
        check(150, sight, yarn([]), Step::Done(None));
    }
}

#[test]
fn a_silent_livy_is_waited_for_unless_somebody_has_to_be_told() {
    let down = || wait("Livy is down");
    let mut waiting = Stopping::new();
    assert_eq!(waiting.look(900, livy_down(), yarn([])), down());
    assert_eq!(waiting.look(10_000, livy_down(), yarn([])), down());
    let mut told = Stopping::telling();
    assert_eq!(told.look(900, livy_down(), yarn([])), down());
    assert_eq!(told.look(1000, LivySight::NotAsked, yarn([])), wait(MAY_SHOW_UP));
    assert_eq!(told.look(1049, livy_down(), yarn([])), down());
    assert_eq!(told.look(1050, livy_down(), yarn([])), Step::Done(None));
}

#[test]
fn a_livy_that_has_answered_meanwhile_and_a_silent_yarn_are_waited_for() {
    let down = || wait("Livy is down");
    let mut told = Stopping::telling();
    assert_eq!(told.look(900, livy_down(), yarn([])), down());
    let starting = livy("starting", None, &BORN);
    assert_eq!(told.look(1000, starting, yarn([])), Step::DeleteBatch);
    assert_eq!(told.look(1050, livy_down(), yarn([])), down());
    assert_eq!(told.look(1300, livy_down(), yarn_down()), wait("YARN is down"));
    assert_eq!(told.look(1301, livy_down(), YarnSight::NotThere), down());
}

#[test]
fn a_start_that_failed_leaves_nothing_to_wait_for() {
    check(3, livy("dead", None, &START_FAILED), yarn([]), Step::Done(None));
}

#[test]
fn an_application_that_yarn_has_forgotten_does_not_live() {
    assert_eq!(
        Stopping::knowing(1).look(3, LivySight::Absent, yarn([])),
        Step::Done(None)
    );
    check(3, livy("dead", Some(1), &BORN), yarn([]), Step::Done(None));
    // What was seen by one look is known to the next.
    let mut stopping = Stopping::new();
    stopping.look(3, LivySight::Absent, yarn([running(1)]));
    assert_eq!(stopping.look(4, LivySight::Absent, yarn([])), Step::Done(None));
}

#[test]
fn a_batch_that_livy_will_not_delete_is_at_work_however_long_ago_it_began() {
    let mut stopping = Stopping::new();
    let at_work = || livy("starting", None, &BORN);
    assert_eq!(stopping.look(5000, at_work(), yarn([])), Step::DeleteBatch);
    assert_eq!(
        stopping.look_after_refusal(5001, at_work(), yarn([])),
        wait("403")
    );
    // Then Livy is asked again.
    assert_eq!(stopping.look(5002, at_work(), yarn([])), Step::DeleteBatch);
}

#[test]
fn a_batch_that_is_there_again_is_deleted_again() {
    let mut stopping = Stopping::new();
    assert_eq!(
        stopping.look(5, livy("starting", None, &BORN), yarn([])),
        Step::DeleteBatch
    );
    assert_eq!(
        stopping.look(6, livy("starting", None, &BORN), yarn([])),
        Step::DeleteBatch
    );
}

#[test]
fn with_livy_down_only_an_application_that_ended_is_an_end() {
    check(10_000, livy_down(), yarn([]), wait("Livy is down"));
    assert_eq!(
        Stopping::knowing(1).look(3, livy_down(), yarn([])),
        Step::Done(None)
    );
}

#[test]
fn without_yarn_livy_is_believed() {
    let alone = |sight| Stopping::new().look(3, sight, YarnSight::NotThere);
    assert_eq!(alone(LivySight::Absent), Step::Done(None));
    for state in ["success", "dead", "killed", "error"] {
        assert_eq!(alone(livy(state, None, &BORN)), Step::Done(None));
    }
    assert_eq!(alone(livy_down()), wait("Livy is down"));
    let refused = Stopping::new().look_after_refusal(3, livy("running", None, &BORN), YarnSight::NotThere);
    assert_eq!(refused, wait("403"));
}
