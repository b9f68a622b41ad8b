//! What looks at a run allow to say, and what they do not.

mod client_mode;
mod laws;

use super::*;
use crate::specimens::{BORN, DRIVER_AT_WORK, HANDED_OVER, START_FAILED, application, batch};

const SETTLE: Duration = Duration::from_secs(150);

/// A run whose POST was at 0 s, looked at when a test says.
struct Run {
    history: RunHistory,
    posted: Instant,
}

impl Run {
    fn new() -> Self {
        let posted = Instant::now();
        Self {
            history: RunHistory::new(posted, SETTLE),
            posted,
        }
    }

    fn at(&self, seconds: u64) -> Instant {
        self.posted + Duration::from_secs(seconds)
    }

    /// Looks as a watch does: Livy's word is taken in only when it is wanted.
    fn look(&mut self, seconds: u64, livy: LivySight, yarn: YarnSight) -> Standing {
        let now = self.at(seconds);
        let livy = match self.history.wants_livy(now) {
            true => livy,
            false => LivySight::NotAsked,
        };
        self.history.observe(now, &Sighting { livy, yarn })
    }
}

fn livy(state: &str, app: Option<u64>, log: &[&str]) -> LivySight {
    LivySight::Batch(batch(state, app, log).into())
}

fn livy_down() -> LivySight {
    LivySight::Silent("connection refused".into())
}

fn yarn(applications: impl IntoIterator<Item = Application>) -> YarnSight {
    YarnSight::Applications(applications.into_iter().collect())
}

fn yarn_down() -> YarnSight {
    YarnSight::Silent("connection refused".into())
}

fn running() -> YarnSight {
    yarn([application(1, "RUNNING", "UNDEFINED")])
}

fn succeeded() -> YarnSight {
    yarn([application(1, "FINISHED", "SUCCEEDED")])
}

/// What one first look so long after the POST allows to say.
#[track_caller]
fn check(seconds: u64, livy: LivySight, yarn: YarnSight, expected: Standing) {
    assert_eq!(Run::new().look(seconds, livy, yarn), expected);
}

const UNKNOWN: Standing = Standing::Pending(Phase::Unknown);
const STARTING: Standing = Standing::Pending(Phase::Starting);
const SUBMITTED: Standing = Standing::Pending(Phase::Submitted);
const RUNNING: Standing = Standing::Pending(Phase::Running);
const SUCCEEDED: Standing = Standing::Ended(Ending::Succeeded);
const FAILED: Standing = Standing::Ended(Ending::Failed);
const NOT_STARTED: Standing = Standing::Ended(Ending::NotStarted);
const KILLED: Standing = Standing::Ended(Ending::Killed);
const LOST: Standing = Standing::Ended(Ending::Lost);

#[test]
fn while_yarn_is_silent_nothing_is_concluded_whatever_livy_says() {
    for state in [
        "starting",
        "recovering",
        "running",
        "success",
        "dead",
        "killed",
        "error",
    ] {
        check(10_000, livy(state, Some(1), &BORN), yarn_down(), UNKNOWN);
    }
    check(10_000, livy("dead", None, &START_FAILED), yarn_down(), UNKNOWN);
    check(10_000, livy("starting", None, &[]), yarn_down(), UNKNOWN);
    check(10_000, LivySight::Absent, yarn_down(), UNKNOWN);
    check(10_000, livy_down(), yarn_down(), UNKNOWN);
}

#[test]
fn the_first_look_with_yarn_back_counts() {
    let mut run = Run::new();
    assert_eq!(run.look(5, livy("starting", Some(1), &BORN), running()), RUNNING);
    assert_eq!(run.look(1000, livy("dead", Some(1), &BORN), yarn_down()), RUNNING);
    assert_eq!(
        run.look(
            2000,
            LivySight::Absent,
            yarn([application(1, "FINISHED", "FAILED")])
        ),
        FAILED
    );
}

#[test]
fn what_livy_has_lost_is_lost_only_once_it_has_settled() {
    for sight in [livy("dead", None, &BORN), LivySight::Absent] {
        check(5, sight.clone(), yarn([]), UNKNOWN);
        check(149, sight.clone(), yarn([]), UNKNOWN);
        check(150, sight, yarn([]), LOST);
    }
    check(149, livy("killed", None, &BORN), yarn([]), UNKNOWN);
    check(150, livy("killed", None, &BORN), yarn([]), KILLED);
}

#[test]
fn a_run_that_was_posted_again_settles_anew() {
    let mut run = Run::new();
    run.history.posted_again(run.at(100));
    assert_eq!(run.look(160, LivySight::Absent, yarn([])), UNKNOWN);
    assert_eq!(run.look(250, LivySight::Absent, yarn([])), LOST);
}

#[test]
fn livy_dead_says_nothing_of_an_application_that_lives() {
    check(
        10,
        livy("dead", Some(1), &BORN),
        yarn([application(1, "ACCEPTED", "UNDEFINED")]),
        SUBMITTED,
    );
    check(10, livy("dead", None, &START_FAILED), running(), RUNNING);
    check(10, LivySight::Absent, running(), RUNNING);
}

#[test]
fn a_failed_start_is_known_at_once() {
    check(3, livy("dead", None, &START_FAILED), yarn([]), NOT_STARTED);
    let no_such_queue = yarn([application(1, "FAILED", "FAILED")]);
    check(3, livy("dead", None, &START_FAILED), no_such_queue, NOT_STARTED);
}

#[test]
fn a_failed_application_that_was_started_has_failed() {
    let mut log = BORN.to_vec();
    log.push("User application exited with status 1");
    check(
        3,
        livy("dead", Some(1), &log),
        yarn([application(1, "FAILED", "FAILED")]),
        FAILED,
    );
}

#[test]
fn an_application_ends_as_yarn_says() {
    let by_yarn = |state, final_status| yarn([application(1, state, final_status)]);
    let lagging = || livy("running", Some(1), &HANDED_OVER);
    check(10, lagging(), by_yarn("FINISHED", "SUCCEEDED"), SUCCEEDED);
    check(10, lagging(), by_yarn("FINISHED", "FAILED"), FAILED);
    check(10, lagging(), by_yarn("FINISHED", "UNDEFINED"), FAILED);
    check(10, lagging(), by_yarn("FINISHED", "KILLED"), KILLED);
    check(10, lagging(), by_yarn("FAILED", "FAILED"), FAILED);
    check(10, lagging(), by_yarn("KILLED", "KILLED"), KILLED);
    check(
        10,
        livy("dead", Some(1), &HANDED_OVER),
        by_yarn("FINISHED", "SUCCEEDED"),
        SUCCEEDED,
    );
}

#[test]
fn an_application_that_says_success_and_still_runs_runs() {
    check(
        10,
        livy("dead", Some(1), &BORN),
        yarn([application(1, "RUNNING", "SUCCEEDED")]),
        RUNNING,
    );
}

#[test]
fn livys_success_stands_when_yarn_has_forgotten() {
    check(5, livy("success", Some(1), &BORN), yarn([]), SUCCEEDED);
}

#[test]
fn the_word_that_livy_waits_for_at_the_end_is_waited_for_a_moment() {
    let mut run = Run::new();
    let starting = || livy("starting", Some(1), &BORN);
    assert_eq!(run.look(10, starting(), succeeded()), RUNNING);
    assert_eq!(run.look(24, starting(), succeeded()), RUNNING);
    assert_eq!(run.look(25, starting(), succeeded()), SUCCEEDED);
}

#[test]
fn livy_down_does_not_delay_a_success() {
    let mut run = Run::new();
    assert_eq!(
        run.look(5, livy("running", Some(1), &HANDED_OVER), running()),
        RUNNING
    );
    assert_eq!(run.look(10, livy_down(), succeeded()), SUCCEEDED);
}

#[test]
fn an_application_that_yarn_has_forgotten_is_lost_once_it_has_settled_and_never_watched_for_ever() {
    for sight in [LivySight::Absent, livy("dead", Some(1), &BORN)] {
        let mut run = Run::new();
        run.look(5, livy("running", Some(1), &HANDED_OVER), running());
        run.look(30, livy("running", Some(1), &HANDED_OVER), running());
        assert_eq!(run.look(1000, sight.clone(), yarn([])), RUNNING);
        assert_eq!(run.look(1001, sight.clone(), yarn([])), RUNNING);
        assert_eq!(run.look(1149, sight.clone(), yarn([])), RUNNING);
        assert_eq!(run.look(1150, sight, yarn([])), LOST);
    }
}

#[test]
fn an_application_that_yarn_shows_again_was_not_forgotten() {
    let mut run = Run::new();
    run.look(5, LivySight::Absent, running());
    run.look(100, LivySight::Absent, yarn([]));
    assert_eq!(run.look(240, LivySight::Absent, running()), RUNNING);
    assert_eq!(run.look(260, LivySight::Absent, yarn([])), RUNNING);
    assert_eq!(run.look(409, LivySight::Absent, yarn([])), RUNNING);
}

#[test]
fn livys_word_on_an_application_that_yarn_has_forgotten_counts() {
    let mut run = Run::new();
    run.look(5, LivySight::Absent, running());
    run.look(1000, livy("success", Some(1), &HANDED_OVER), yarn([]));
    assert_eq!(
        run.look(1001, livy("success", Some(1), &HANDED_OVER), yarn([])),
        SUCCEEDED
    );
    let mut run = Run::new();
    run.look(5, LivySight::Absent, running());
    let start_failed = || livy("dead", None, &START_FAILED);
    run.look(1000, start_failed(), yarn([]));
    assert_eq!(run.look(1001, start_failed(), yarn([])), RUNNING);
}

#[test]
fn yarns_last_word_stands_when_it_has_forgotten_since() {
    let mut run = Run::new();
    assert_eq!(
        run.look(10, livy("starting", Some(1), &BORN), succeeded()),
        RUNNING
    );
    assert_eq!(run.look(11, livy("starting", Some(1), &BORN), yarn([])), RUNNING);
    assert_eq!(
        run.look(30, livy("starting", Some(1), &BORN), yarn([])),
        SUCCEEDED
    );
}

#[test]
fn phases_never_step_back() {
    let mut run = Run::new();
    assert_eq!(run.look(1, livy("starting", None, &BORN), yarn([])), STARTING);
    assert_eq!(run.look(2, LivySight::Absent, yarn([])), STARTING);
    let accepted = || yarn([application(1, "ACCEPTED", "UNDEFINED")]);
    assert_eq!(run.look(3, livy("starting", None, &BORN), accepted()), SUBMITTED);
    assert_eq!(run.look(4, livy("starting", None, &BORN), yarn_down()), SUBMITTED);
    assert_eq!(run.look(5, livy("starting", Some(1), &BORN), running()), RUNNING);
    // YARN starts the driver once more.
    assert_eq!(run.look(6, livy("running", Some(1), &BORN), accepted()), RUNNING);
    assert_eq!(run.look(7, livy("running", Some(1), &BORN), running()), RUNNING);
}

#[test]
fn states_that_are_not_known_are_active() {
    check(1000, livy("hibernating", None, &BORN), yarn([]), STARTING);
    check(
        1000,
        LivySight::Absent,
        yarn([application(1, "SUSPENDED", "PAUSED")]),
        SUBMITTED,
    );
    check(
        1000,
        livy("hibernating", None, &BORN),
        YarnSight::NotThere,
        RUNNING,
    );
}

#[test]
fn a_shape_without_a_life_is_lost_once_it_has_stood_long_enough() {
    check(10, livy("starting", None, &[]), yarn([]), STARTING);
    check(150, livy("starting", None, &[]), yarn([]), LOST);
    // spark-submit takes as long as its uploads take.
    check(5000, livy("starting", None, &BORN), yarn([]), STARTING);
}

#[test]
fn without_yarn_livy_is_believed() {
    let alone = |state, log: &[&str]| {
        let mut run = Run::new();
        run.look(5, livy(state, None, log), YarnSight::NotThere)
    };
    assert_eq!(alone("not_started", &BORN), STARTING);
    assert_eq!(alone("starting", &BORN), STARTING);
    assert_eq!(alone("recovering", &BORN), RUNNING);
    assert_eq!(alone("running", &BORN), RUNNING);
    assert_eq!(alone("success", &BORN), SUCCEEDED);
    assert_eq!(alone("dead", &BORN), FAILED);
    assert_eq!(alone("error", &BORN), FAILED);
    assert_eq!(alone("dead", &START_FAILED), NOT_STARTED);
    assert_eq!(alone("killed", &BORN), KILLED);
    check(5, LivySight::Absent, YarnSight::NotThere, LOST);
    check(5000, livy_down(), YarnSight::NotThere, UNKNOWN);
    check(10, livy("starting", None, &[]), YarnSight::NotThere, STARTING);
    check(150, livy("starting", None, &[]), YarnSight::NotThere, LOST);
}

#[test]
fn of_several_applications_the_lowest_that_lives_is_the_run() {
    let of = |applications: &[(u64, &str, &str)]| {
        let applications: Vec<_> = applications
            .iter()
            .map(|(n, s, f)| application(*n, s, f))
            .collect();
        leading(&applications).map(|a| a.id.to_string())
    };
    let id = |number: u64| Some(crate::specimens::application_id(number).to_string());
    assert_eq!(of(&[]), None);
    assert_eq!(
        of(&[(3, "RUNNING", "UNDEFINED"), (2, "ACCEPTED", "UNDEFINED")]),
        id(2)
    );
    assert_eq!(
        of(&[(1, "FINISHED", "SUCCEEDED"), (2, "ACCEPTED", "UNDEFINED")]),
        id(2)
    );
    assert_eq!(
        of(&[(1, "KILLED", "KILLED"), (2, "FINISHED", "SUCCEEDED")]),
        id(2)
    );
    assert_eq!(of(&[(1, "KILLED", "KILLED"), (2, "FAILED", "FAILED")]), id(2));
    assert_eq!(of(&[(2, "KILLED", "KILLED"), (1, "KILLED", "KILLED")]), id(1));
}

#[test]
fn the_surplus_is_what_lives_beside_the_lowest() {
    let applications = [
        application(12, "RUNNING", "UNDEFINED"),
        application(2, "KILLED", "KILLED"),
        application(9, "ACCEPTED", "UNDEFINED"),
        application(10, "NEW", "UNDEFINED"),
    ];
    let ids: Vec<_> = surplus(&applications)
        .iter()
        .map(ApplicationId::to_string)
        .collect();
    assert_eq!(
        ids,
        [10, 12].map(|n| crate::specimens::application_id(n).to_string())
    );
    assert!(surplus(&applications[..2]).is_empty());
}
