//! A small world of one Livy and one YARN in which submissions are tried at random: answers are lost, Livy restarts,
//! forgets and loses sight, YARN is silent, spark-submits outlive their Livy and hand over late.
//!
//! What is true there is known, so that it can be held against what was decided.

use proptest::prelude::*;

use super::*;
use crate::sighting::{LivySight, Sighting};
use crate::specimens::{batch_of, named_batch};
use crate::standing::{Ending, RunHistory, Standing};

/// A spark-submit hands over before the time to settle is over; of one that does not, nothing can be promised.
const SLOWEST_SUBMIT: u64 = 140;

/// Nothing may take longer, whatever goes wrong.
const FOR_EVER: u64 = 24 * 3600;

/// The life of one spark-submit and of the application that it makes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Life {
    /// At work until then.
    Submitting {
        until: u64,
        then: Fate,
    },
    Accepted,
    Running,
    Ended(&'static str, &'static str),
    /// spark-submit ended without an application.
    NeverStarted,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Application,
    Refusal,
    UnknownQueue,
}

#[derive(Debug)]
struct Job {
    number: u32,
    id: u64,
    life: Life,
}

impl Job {
    fn is_live(&self) -> bool {
        matches!(
            self.life,
            Life::Submitting { .. } | Life::Accepted | Life::Running
        )
    }

    fn in_yarn(&self) -> Option<Application> {
        let (state, final_status) = match self.life {
            Life::Submitting { .. } | Life::NeverStarted => return None,
            Life::Accepted => ("ACCEPTED", "UNDEFINED"),
            Life::Running => ("RUNNING", "UNDEFINED"),
            Life::Ended(state, final_status) => (state, final_status),
        };
        Some(application_of(
            intent(),
            self.number,
            self.id,
            state,
            final_status,
        ))
    }
}

#[derive(Debug)]
struct Shelf {
    number: u32,
    /// Which job it is about; none is a shell.
    job: Option<usize>,
    state: &'static str,
}

/// The world. Every chance is drawn from `seed`.
#[derive(Debug)]
struct World {
    now: u64,
    seed: u64,
    /// Livy keeps its batches when it restarts.
    recovery: bool,
    /// Nobody answers before these.
    livy_back: u64,
    yarn_back: u64,
    jobs: Vec<Job>,
    batches: Vec<Shelf>,
    most_alive: usize,
}

impl World {
    fn new(seed: u64, recovery: bool) -> Self {
        Self {
            now: 0,
            seed: seed | 1,
            recovery,
            livy_back: 0,
            yarn_back: 0,
            jobs: Vec::new(),
            batches: Vec::new(),
            most_alive: 0,
        }
    }

    /// A number below `bound`.
    fn draw(&mut self, bound: u64) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        (self.seed >> 11) % bound
    }

    fn chance(&mut self, one_in: u64) -> bool {
        self.draw(one_in) == 0
    }

    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now += 1;
            assert!(self.now < FOR_EVER, "no end");
            self.jobs_go_on();
            self.livy_goes_on();
            if self.chance(400) {
                self.yarn_back = self.now + self.draw(300);
            }
            let alive = self.jobs.iter().filter(|job| job.is_live()).count();
            self.most_alive = self.most_alive.max(alive);
        }
    }

    fn jobs_go_on(&mut self) {
        for at in 0..self.jobs.len() {
            let (soon, end) = (self.chance(20), self.draw(4));
            let next = match self.jobs[at].life {
                Life::Submitting { until, then } if self.now >= until => match then {
                    Fate::Application => Life::Accepted,
                    Fate::Refusal => Life::NeverStarted,
                    Fate::UnknownQueue => Life::Ended("FAILED", "FAILED"),
                },
                Life::Accepted if soon => Life::Running,
                Life::Running if soon => match end {
                    0 => Life::Ended("FINISHED", "SUCCEEDED"),
                    1 => Life::Ended("FINISHED", "FAILED"),
                    2 => Life::Ended("FAILED", "FAILED"),
                    _ => Life::Ended("KILLED", "KILLED"),
                },
                same => same,
            };
            self.jobs[at].life = next;
        }
    }

    fn livy_goes_on(&mut self) {
        if self.chance(600) {
            self.livy_back = self.now + self.draw(200);
            if !self.recovery {
                self.batches.clear();
            }
        }
        for at in 0..self.batches.len() {
            let (looks, loses_sight) = (self.chance(5), self.chance(300));
            let Some(job) = self.batches[at].job.map(|job| &self.jobs[job]) else {
                continue;
            };
            let seen = match job.life {
                _ if loses_sight => "dead",
                _ if !looks => continue,
                Life::Submitting { .. } | Life::Accepted => continue,
                Life::Running => "running",
                Life::Ended(_, "SUCCEEDED") => "success",
                Life::Ended("KILLED", _) => "killed",
                Life::Ended(..) | Life::NeverStarted => "dead",
            };
            if !matches!(self.batches[at].state, "success" | "dead" | "killed") {
                self.batches[at].state = seen;
            }
        }
        if self.chance(300) {
            self.batches
                .retain(|batch| !matches!(batch.state, "success" | "dead" | "killed"));
        }
    }

    fn livy_answers(&self) -> bool {
        self.now >= self.livy_back
    }

    fn create(&mut self, number: u32) {
        let until = self.now + self.draw(SLOWEST_SUBMIT);
        let then = match self.draw(6) {
            0 => Fate::Refusal,
            1 => Fate::UnknownQueue,
            _ => Fate::Application,
        };
        let id = self.jobs.len() as u64 + 1;
        let life = Life::Submitting { until, then };
        self.batches.push(Shelf {
            number,
            job: Some(self.jobs.len()),
            state: "starting",
        });
        self.jobs.push(Job { number, id, life });
    }

    fn post(&mut self, number: u32) -> PostAnswer {
        let lost = || PostAnswer::NoAnswer("lost".into());
        let shell = |number| Shelf {
            number,
            job: None,
            state: "starting",
        };
        if !self.livy_answers() {
            return match self.chance(2) {
                true => lost(),
                false => PostAnswer::NotSent("refused".into()),
            };
        }
        if self.batches.iter().any(|batch| batch.number == number) {
            return PostAnswer::Duplicate;
        }
        let answer = match self.draw(12) {
            0 => lost(),
            1 => PostAnswer::TooManySessions,
            2 | 3 => {
                self.create(number);
                lost()
            }
            4 => {
                // Livy goes down over it, and forgets.
                self.create(number);
                self.livy_back = self.now + self.draw(60);
                if !self.recovery {
                    self.batches.clear();
                }
                lost()
            }
            5 => {
                self.batches.push(shell(number));
                match self.chance(3) {
                    true => lost(),
                    false => PostAnswer::Refused(refusal(400)),
                }
            }
            6 => {
                if self.chance(2) {
                    self.batches.push(shell(number));
                }
                PostAnswer::Refused(refusal(500))
            }
            7 => {
                self.create(number);
                PostAnswer::Refused(refusal(500))
            }
            _ => {
                self.create(number);
                PostAnswer::Created { batch_id: 1 }
            }
        };
        let takes = self.draw(6);
        self.pass(takes);
        answer
    }

    fn clear(&mut self, number: u32) -> ZombieFate {
        if !self.livy_answers() || self.chance(20) {
            return ZombieFate::Unseen("down".into());
        }
        match self.batches.iter().position(|batch| batch.number == number) {
            None => ZombieFate::Absent,
            Some(at) if self.batches[at].job.is_none() => {
                self.batches.remove(at);
                ZombieFate::Removed
            }
            Some(_) => ZombieFate::Alive,
        }
    }

    fn shown(&self, batch: &Shelf) -> Batch {
        let job = batch.job.map(|job| &self.jobs[job]);
        let app_id = job
            .filter(|_| batch.state != "starting")
            .and_then(|job| job.in_yarn().map(|_| job.id));
        let log = match (job, batch.state) {
            (None, _) => &[][..],
            (Some(job), "dead") if job.life == Life::NeverStarted => &START_FAILED,
            (Some(_), "running") => &HANDED_OVER,
            (Some(_), _) => &BORN,
        };
        batch_of(intent(), batch.number, batch.state, app_id, log)
    }

    fn yarn(&self) -> YarnSight {
        if self.now < self.yarn_back {
            return YarnSight::Silent("YARN is down".into());
        }
        YarnSight::Applications(self.jobs.iter().filter_map(Job::in_yarn).collect())
    }

    fn survey(&mut self) -> Survey {
        let livy = match self.livy_answers() {
            true => Ok(self.batches.iter().map(|batch| self.shown(batch)).collect()),
            false => Err("Livy is down".to_owned()),
        };
        let takes = self.draw(3);
        self.pass(takes);
        Survey {
            livy,
            yarn: self.yarn(),
        }
    }

    fn sighting(&mut self, number: u32) -> Sighting {
        let survey = self.survey();
        let name = order(numbered()).batch_name(number);
        let livy = match survey.livy {
            Err(why) => LivySight::Silent(why),
            Ok(batches) => batches
                .into_iter()
                .find(|batch| batch.name.as_deref() == Some(name.as_str()))
                .map_or(LivySight::Absent, |batch| LivySight::Batch(Box::new(batch))),
        };
        let yarn = match survey.yarn {
            YarnSight::Applications(all) => YarnSight::Applications(
                all.into_iter()
                    .filter(|a| run_number_of(a) == Some(number))
                    .collect(),
            ),
            other => other,
        };
        Sighting { livy, yarn }
    }

    fn alive(&self) -> Vec<&Job> {
        self.jobs.iter().filter(|job| job.is_live()).collect()
    }
}

fn run_number_of(application: &Application) -> Option<u32> {
    crate::names::run_number_of_tags(&application.tags, intent(), None)
}

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
    #![proptest_config(ProptestConfig::with_cases(6000))]

    #[test]
    fn a_retried_task_never_has_two_live_applications_and_always_an_end(seed: u64, recovery: bool) {
        life_of_a_retried_task(seed, recovery);
    }

    #[test]
    fn two_programs_with_one_intent_never_have_two_live_applications(seed: u64) {
        lives_of_two_programs(seed);
    }
}

#[test]
fn a_name_of_the_world_is_a_name_of_the_order() {
    let name = order(numbered()).batch_name(2);
    let batch = named_batch(name.as_str(), "running", None, &BORN);
    assert_eq!(
        run_number(batch.name.as_deref().unwrap(), intent(), None),
        Some(2)
    );
}
