//! What a submission does next, given what it saw.

mod runs;
mod shells;
mod walk;
mod world;

use sparkwright_livy::Batch;
use sparkwright_yarn::Application;

use super::*;
use crate::identity::{Intent, Spec};
use crate::names::{Slug, run_number};
use crate::parameters::Parameters;
use crate::sighting::{Survey, YarnSight};
use crate::specimens::{BORN, START_FAILED, application_of, batch_of};

const SETTLE: u64 = 150;
const SUBMIT_TIMEOUT: u64 = 900;
const LOST_TIMEOUT: u64 = 1800;

fn intent() -> Intent {
    Intent::of_token("token")
}

fn order(numbering: Numbering) -> Order {
    let object = serde_json::json!({"File": "s3://bucket/etl.py"});
    let parameters = Parameters::parse(object.as_object().unwrap()).unwrap();
    Order {
        spec: Spec::of(&parameters, &crate::endpoint::DeclaredEndpoint::default(), ""),
        parameters,
        slug: Slug::of("etl"),
        intent: intent(),
        resource: None,
        numbering,
    }
}

fn patience() -> Patience {
    Patience {
        settle: Duration::from_secs(SETTLE),
        submit_timeout: Duration::from_secs(SUBMIT_TIMEOUT),
        lost_timeout: Duration::from_secs(LOST_TIMEOUT),
        poll_period: Duration::from_secs(1),
        deadline: None,
    }
}

fn numbered() -> Numbering {
    Numbering::Numbered {
        reuse_success_since: None,
    }
}

/// A submission that began at 0 s.
struct Attempt {
    submission: Submission,
    began: Instant,
}

impl Attempt {
    fn new(numbering: Numbering) -> Self {
        let began = Instant::now();
        Self {
            submission: Submission::new(&order(numbering), &patience(), began),
            began,
        }
    }

    fn at(&self, seconds: u64) -> Instant {
        self.began + Duration::from_secs(seconds)
    }

    fn surveyed(&mut self, seconds: u64, livy: Result<Vec<Batch>, &str>, yarn: YarnSight) -> String {
        let survey = Survey {
            livy: livy.map_err(str::to_owned),
            yarn,
        };
        told(self.submission.surveyed(self.at(seconds), &survey))
    }

    /// Both answer.
    fn sees<const B: usize, const A: usize>(
        &mut self,
        seconds: u64,
        batches: [Batch; B],
        applications: [Application; A],
    ) -> String {
        self.surveyed(
            seconds,
            Ok(batches.into()),
            YarnSight::Applications(applications.into()),
        )
    }

    /// A POST at a second, whose answer comes one second later.
    fn posts(&mut self, seconds: u64, number: u32, answer: PostAnswer) -> String {
        let posted = self.at(seconds);
        self.submission.posting(posted, number);
        told(
            self.submission
                .posted(posted, self.at(seconds + 1), number, answer),
        )
    }

    fn clears(&mut self, seconds: u64, refusal: Option<Refusal>, fate: ZombieFate) -> String {
        told(self.submission.zombie_cleared(self.at(seconds), 1, refusal, fate))
    }
}

/// A decision in few words.
fn told(next: Next) -> String {
    let number = |name: &BatchName| run_number(name.as_str(), intent(), None).expect("a run of the intent");
    match next {
        Next::Survey => "look".into(),
        Next::SurveyLater => "look later".into(),
        Next::Wait { reason } => format!("wait: {reason}"),
        Next::Post { number } => format!("post {number}"),
        Next::ClearZombie { number, refusal } => match refusal {
            Some(refusal) => format!("clear {number} after {}", refusal.status),
            None => format!("clear {number}"),
        },
        Next::Adopt { name, .. } => format!("adopt {}", number(&name)),
        Next::Created { name, .. } => format!("created {}", number(&name)),
        Next::Fail(SubmitError::Rejected { message, .. }) => format!("rejected: {message}"),
        Next::Fail(SubmitError::Unavailable { why, .. }) => format!("unavailable: {why}"),
        Next::Fail(SubmitError::Lost { why, .. }) => format!("lost: {why}"),
        Next::Fail(other) => format!("fail: {other}"),
    }
}

fn down() -> YarnSight {
    YarnSight::Silent("YARN is down".into())
}

fn batch(run: u32, state: &str, log: &[&str]) -> Batch {
    batch_of(intent(), run, state, None, log)
}

fn app(run: u32, number: u64, state: &str, final_status: &str) -> Application {
    application_of(intent(), run, number, state, final_status)
}

fn refusal(status: u16) -> Refusal {
    Refusal {
        status,
        message: "no".into(),
        may_hold_name: true,
    }
}

fn lost() -> PostAnswer {
    PostAnswer::NoAnswer("timed out".into())
}

const LOOKING: &str = "wait: the answer to a submission was lost; looking whether it arrived";
const TAKEN: &str = "wait: Livy says that the batch's name is taken; looking by whom";

#[test]
fn nothing_known_is_posted_as_the_first_run() {
    for numbering in [Numbering::OneRun, numbered()] {
        assert_eq!(Attempt::new(numbering).sees(0, [], []), "post 1");
    }
}

#[test]
fn nothing_is_posted_while_either_cannot_be_asked() {
    let mut attempt = Attempt::new(numbered());
    let nothing = || YarnSight::Applications(Vec::new());
    assert_eq!(
        attempt.surveyed(0, Err("Livy is down"), nothing()),
        "wait: Livy is down"
    );
    assert_eq!(attempt.surveyed(1, Ok(Vec::new()), down()), "wait: YARN is down");
    assert_eq!(
        attempt.surveyed(899, Ok(Vec::new()), down()),
        "wait: YARN is down"
    );
    assert_eq!(
        attempt.surveyed(900, Ok(Vec::new()), down()),
        "unavailable: YARN is down"
    );
}

#[test]
fn without_yarn_livy_alone_is_asked() {
    let mut attempt = Attempt::new(numbered());
    assert_eq!(attempt.surveyed(0, Ok(Vec::new()), YarnSight::NotThere), "post 1");
    let dead = Ok(vec![batch(1, "dead", &BORN)]);
    assert_eq!(attempt.surveyed(0, dead, YarnSight::NotThere), "post 2");
}

#[test]
fn each_answer_to_a_post_has_its_consequence() {
    let answered = |answer| Attempt::new(numbered()).posts(10, 1, answer);
    assert_eq!(answered(PostAnswer::Created { batch_id: 3 }), "created 1");
    assert_eq!(answered(PostAnswer::Duplicate), "look later");
    assert_eq!(answered(lost()), "wait: timed out");
    assert_eq!(answered(PostAnswer::NotSent("refused".into())), "wait: refused");
    assert!(answered(PostAnswer::TooManySessions).starts_with("wait: Livy is starting as many"));
    assert_eq!(answered(PostAnswer::Refused(refusal(400))), "clear 1 after 400");
    assert_eq!(answered(PostAnswer::Refused(refusal(500))), "clear 1 after 500");
    let unauthorized = Refusal {
        status: 401,
        message: "who are you".into(),
        may_hold_name: false,
    };
    assert_eq!(
        answered(PostAnswer::Refused(unauthorized)),
        "rejected: who are you"
    );
}

#[test]
fn a_refused_connection_leaves_no_doubt() {
    let mut attempt = Attempt::new(numbered());
    attempt.posts(0, 1, PostAnswer::NotSent("refused".into()));
    assert_eq!(attempt.submission.last_doubt(), None);
    assert_eq!(attempt.sees(2, [], []), "post 1");
    assert_eq!(
        attempt.posts(900, 1, PostAnswer::NotSent("refused".into())),
        "unavailable: refused"
    );
}

#[test]
fn too_many_sessions_are_waited_for_until_the_timeout() {
    let mut attempt = Attempt::new(numbered());
    attempt.posts(0, 1, PostAnswer::TooManySessions);
    assert_eq!(attempt.sees(2, [], []), "post 1");
    let said = attempt.posts(900, 1, PostAnswer::TooManySessions);
    assert!(
        said.starts_with("unavailable: Livy is starting as many"),
        "{said}"
    );
}

#[test]
fn a_lost_answer_is_looked_for_and_what_is_found_adopted() {
    let found: [(&[Batch], &[Application]); 4] = [
        (&[batch(1, "starting", &BORN)], &[]),
        (&[], &[app(1, 1, "ACCEPTED", "UNDEFINED")]),
        // Even an end: it is the outcome of what was posted.
        (&[batch(1, "dead", &START_FAILED)], &[]),
        (&[], &[app(1, 1, "FINISHED", "FAILED")]),
    ];
    for (batches, applications) in found {
        let mut attempt = Attempt::new(numbered());
        attempt.posts(0, 1, lost());
        assert_eq!(attempt.sees(5, [], []), LOOKING);
        let yarn = YarnSight::Applications(applications.to_vec());
        assert_eq!(attempt.surveyed(20, Ok(batches.to_vec()), yarn), "adopt 1");
        assert_eq!(attempt.submission.last_doubt(), Some(attempt.began));
    }
}

#[test]
fn a_lost_answer_that_has_settled_is_posted_again_under_the_same_number() {
    let mut attempt = Attempt::new(numbered());
    attempt.posts(10, 1, lost());
    assert_eq!(attempt.sees(159, [], []), LOOKING);
    assert_eq!(attempt.sees(160, [], []), "post 1");
}

#[test]
fn an_earlier_process_post_goes_on_under_its_number_though_the_runs_before_it_are_forgotten() {
    let mut attempt = Attempt::new(numbered());
    attempt.submission.posting(attempt.at(0), 3);
    assert_eq!(attempt.sees(0, [], []), LOOKING);
    assert_eq!(attempt.sees(150, [], []), "post 3");
    // What the number was chosen after may still be seen, and changes nothing.
    let mut attempt = Attempt::new(numbered());
    attempt.submission.posting(attempt.at(0), 3);
    let the_second = [app(2, 1, "FAILED", "FAILED")];
    assert_eq!(attempt.sees(150, [], the_second), "post 3");
}

#[test]
fn a_lost_answer_settles_only_under_a_look_at_both() {
    let mut attempt = Attempt::new(numbered());
    attempt.posts(10, 1, lost());
    assert_eq!(
        attempt.surveyed(500, Ok(Vec::new()), down()),
        "wait: YARN is down"
    );
    // The submission's own time-out is over too, but something may have been submitted.
    assert_eq!(
        attempt.surveyed(1000, Ok(Vec::new()), down()),
        "wait: YARN is down"
    );
    assert_eq!(attempt.sees(1001, [], []), "unavailable: timed out");
}

#[test]
fn after_a_lost_answer_silence_ends_at_the_lost_timeout() {
    let mut attempt = Attempt::new(numbered());
    attempt.posts(10, 1, lost());
    let nothing = || YarnSight::Applications(Vec::new());
    assert_eq!(
        attempt.surveyed(1809, Err("Livy is down"), nothing()),
        "wait: Livy is down"
    );
    assert_eq!(
        attempt.surveyed(1810, Err("Livy is down"), nothing()),
        "lost: Livy is down"
    );
    assert!(attempt.submission.left_behind(&order(numbered())).is_some());
}

#[test]
fn without_yarn_a_lost_answer_is_never_followed_by_a_second_post() {
    let mut attempt = Attempt::new(numbered());
    attempt.posts(0, 1, lost());
    let mut sees_nothing = |seconds| attempt.surveyed(seconds, Ok(Vec::new()), YarnSight::NotThere);
    assert_eq!(sees_nothing(149), LOOKING);
    assert!(sees_nothing(150).starts_with("lost: Livy shows no batch of that name"));
}

#[test]
fn an_earlier_delivery_may_have_posted_so_absence_settles_first() {
    let mut attempt = Attempt::new(Numbering::OneRun);
    attempt.submission.may_have_been_posted(attempt.at(0));
    let reason = "wait: the request was delivered before; looking whether a job of it shows up";
    assert_eq!(attempt.sees(0, [], []), reason);
    assert_eq!(attempt.sees(149, [], []), reason);
    assert_eq!(attempt.sees(150, [], []), "post 1");
    let mut attempt = Attempt::new(Numbering::OneRun);
    attempt.submission.may_have_been_posted(attempt.at(0));
    assert_eq!(
        attempt.sees(100, [], [app(1, 1, "ACCEPTED", "UNDEFINED")]),
        "adopt 1"
    );
}

#[test]
fn a_name_that_our_own_lost_post_took_leads_to_its_run() {
    let mut attempt = Attempt::new(numbered());
    attempt.posts(0, 1, lost());
    attempt.sees(150, [], []);
    attempt.posts(151, 1, PostAnswer::Duplicate);
    assert_eq!(attempt.sees(152, [batch(1, "starting", &BORN)], []), "adopt 1");
}

#[test]
fn a_name_that_another_program_took_leads_to_its_run() {
    for numbering in [Numbering::OneRun, numbered()] {
        let mut attempt = Attempt::new(numbering);
        // However late: whoever has the name is looked at before anything is said.
        assert_eq!(attempt.posts(950, 1, PostAnswer::Duplicate), "look later");
        assert_eq!(attempt.sees(952, [batch(1, "running", &BORN)], []), "adopt 1");
    }
}

#[test]
fn a_name_that_nobody_is_seen_to_hold_is_given_up_at_the_timeout() {
    let mut attempt = Attempt::new(numbered());
    attempt.posts(0, 1, PostAnswer::Duplicate);
    assert_eq!(attempt.sees(1, [], []), TAKEN);
    assert_eq!(attempt.sees(150, [], []), "post 1");
    attempt.posts(800, 1, PostAnswer::Duplicate);
    assert_eq!(attempt.sees(900, [], []), TAKEN);
    let said = attempt.sees(950, [], []);
    assert!(said.starts_with("rejected: the name `etl-"), "{said}");
}
