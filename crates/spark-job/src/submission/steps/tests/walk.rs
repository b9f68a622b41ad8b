//! Programs that submit and watch in a world of chances: what they conclude is held against what is true there.

use proptest::prelude::*;

use super::world::{Life, World};
use super::*;
use crate::sighting::LivySight;
use crate::standing::{Ending, RunHistory, Standing};

/// A program at its submission, one step at a time.
struct Program {
    submission: Submission,
    next: Next,
}

/// How a program's submission ended.
#[derive(Debug)]
enum Result {
    Run { number: u32, last_post: u64 },
    Error(SubmitError),
}

impl Program {
    fn new(world: &World, began: Instant, numbering: Numbering) -> Self {
        let now = began + Duration::from_secs(world.now);
        Self {
            submission: Submission::new(&order(numbering), &patience(), now),
            next: Next::Survey,
        }
    }

    fn step(&mut self, world: &mut World, began: Instant) -> Option<Result> {
        let at = |seconds: u64| began + Duration::from_secs(seconds);
        let number_of = |name: &BatchName| run_number(name.as_str(), intent(), None).unwrap();
        self.next = match std::mem::replace(&mut self.next, Next::Survey) {
            Next::Survey => {
                let survey = world.survey();
                self.submission.surveyed(at(world.now), &survey)
            }
            Next::SurveyLater | Next::Wait { .. } => {
                world.pass(2);
                Next::Survey
            }
            Next::Post { number } => {
                let posted = world.now;
                self.submission.posting(at(posted), number);
                let answer = world.post(number);
                self.submission.posted(at(posted), at(world.now), number, answer)
            }
            Next::ClearZombie { number, refusal } => {
                let fate = world.clear(number);
                self.submission
                    .zombie_cleared(at(world.now), number, refusal, fate)
            }
            Next::Adopt { name, .. } => {
                let doubt = self.submission.last_doubt();
                let last_post = doubt.map_or(world.now, |doubt| doubt.duration_since(began).as_secs());
                return Some(Result::Run {
                    number: number_of(&name),
                    last_post,
                });
            }
            Next::Created { name, posted, .. } => {
                return Some(Result::Run {
                    number: number_of(&name),
                    last_post: posted.duration_since(began).as_secs(),
                });
            }
            Next::Fail(error) => return Some(Result::Error(error)),
        };
        None
    }
}

fn watch(world: &mut World, began: Instant, number: u32, last_post: u64) -> Ending {
    let since = began + Duration::from_secs(last_post);
    let mut history = RunHistory::new(since, patience().settle);
    loop {
        let mut sighting = world.sighting(number);
        let now = began + Duration::from_secs(world.now);
        if !history.wants_livy(now) {
            sighting.livy = LivySight::NotAsked;
        }
        if let Standing::Ended(ending) = history.observe(now, &sighting) {
            return ending;
        }
        world.pass(3);
    }
}

/// What was concluded is what is true.
#[track_caller]
fn check_ending(world: &World, number: u32, ending: Ending) {
    let of_run: Vec<_> = world.jobs.iter().filter(|job| job.number == number).collect();
    assert!(
        of_run.iter().all(|job| !job.is_live()),
        "{ending:?} of what lives: {of_run:?}"
    );
    let is = |life: Life| of_run.iter().any(|job| job.life == life);
    let has_failed = is(Life::Ended("FINISHED", "FAILED")) || is(Life::Ended("FAILED", "FAILED"));
    match ending {
        Ending::Succeeded => assert!(is(Life::Ended("FINISHED", "SUCCEEDED"))),
        Ending::Killed => assert!(is(Life::Ended("KILLED", "KILLED"))),
        Ending::Failed => assert!(has_failed),
        Ending::NotStarted => assert!(is(Life::NeverStarted) || has_failed),
        Ending::Lost => assert!(
            of_run.iter().all(|job| job.life == Life::NeverStarted),
            "{of_run:?}"
        ),
    }
}

/// One program submits, watches, and on a failure submits again, as a state with a Retry does.
fn life_of_a_retried_task(seed: u64, recovery: bool) {
    let began = Instant::now();
    let mut world = World::new(seed, recovery);
    for _ in 0..4 {
        let mut program = Program::new(&world, began, numbered());
        let result = loop {
            if let Some(result) = program.step(&mut world, began) {
                break result;
            }
        };
        match result {
            Result::Run { number, last_post } => {
                let ending = watch(&mut world, began, number, last_post);
                check_ending(&world, number, ending);
                if ending == Ending::Succeeded {
                    break;
                }
            }
            Result::Error(SubmitError::Rejected { .. } | SubmitError::Unavailable { .. }) => {
                assert!(world.alive().is_empty(), "left behind: {:?}", world.alive());
            }
            Result::Error(SubmitError::Lost { .. }) => break,
            Result::Error(other) => panic!("{other}"),
        }
    }
    assert!(world.most_alive <= 1, "{:?}", world.jobs);
}

/// Two programs have the same intent at the same time: a task whose lease was lost, and its retry.
fn lives_of_two_programs(seed: u64) {
    let began = Instant::now();
    // A Livy that forgets while a spark-submit is at work hides it from whoever did not post it.
    let mut world = World::new(seed, true);
    let numberings = [Numbering::OneRun, numbered()];
    let numbering = numberings[world.draw(2) as usize];
    let mut programs = vec![
        Program::new(&world, began, numbering),
        Program::new(&world, began, numbering),
    ];
    while !programs.is_empty() {
        let turn = world.draw(programs.len() as u64) as usize;
        if let Some(result) = programs[turn].step(&mut world, began) {
            programs.remove(turn);
            if let Result::Run { number, .. } = result {
                assert!(world.jobs.iter().any(|job| job.number == number));
            }
        }
    }
    assert!(world.most_alive <= 1, "{:?}", world.jobs);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_retried_task_never_has_two_live_applications_and_always_an_end(seed: u64, recovery: bool) {
        life_of_a_retried_task(seed, recovery);
    }

    #[test]
    fn two_programs_with_one_intent_never_have_two_live_applications(seed: u64) {
        lives_of_two_programs(seed);
    }
}

/// The first program settled a shell and submitted under its number again; the second took the new batch, which Livy had
/// lost sight of, for the shell that it had looked at for long enough.
#[test]
fn a_batch_that_took_the_number_of_a_shell_is_given_its_own_time() {
    lives_of_two_programs(1_446_795_142_955_078_320);
}
