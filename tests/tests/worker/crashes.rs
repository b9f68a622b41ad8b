//! The real process ends, as by `kill -9`, before and after every durable step; the next one goes on. No job is doubled,
//! none is lost, and every execution ends with the truth.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use sparkwright_tests::cluster::{Fate, Job};
use sparkwright_tests::faults::{Fault, On};
use sparkwright_tests::step_functions::{ExecutionStatus, Outcome, TaskHandle};
use sparkwright_worker::journal::STEPS;

use crate::crashing::Crashing;
use crate::site::{Site, cause};

/// What a task lives through while its worker crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Story {
    Succeeds,
    Fails,
    /// Its execution is stopped while it runs.
    Cancelled,
    /// It does not run in time.
    Late,
    /// Livy refuses it.
    Refused,
    /// It is given up while nobody answers, and stopped when they return.
    Lost,
    /// Its token expires, and its job is left for a retry.
    LeftForRetry,
    /// It runs while it is noted that its token is good.
    Noted,
}

const STORIES: [Story; 8] = [
    Story::Succeeds,
    Story::Fails,
    Story::Cancelled,
    Story::Late,
    Story::Refused,
    Story::Lost,
    Story::LeftForRetry,
    Story::Noted,
];

/// Steps at which no process ends here, and why.
const LEFT_OUT: [(&str, &str); 1] = [("check", "no process reads what it writes: it only tries the disk")];

/// Every step at which a process ends in a story, in its order; `:2` is for the second time.
fn steps(story: Story) -> &'static [&'static str] {
    match story {
        Story::Succeeds | Story::Fails => &[
            "received",
            "posting",
            "following",
            "running",
            "concluded",
            "closed",
        ],
        Story::Cancelled => &["stopping", "closed"],
        Story::Late => &["stopping", "concluded", "closed"],
        Story::Refused => &["posting", "concluded", "closed"],
        Story::Lost => &["concluded", "stopping", "closed"],
        Story::LeftForRetry => &["orphaned"],
        Story::Noted => &["accepted:2"],
    }
}

/// Both sides of these steps, as `crashing-worker` takes them.
fn points(story: Story) -> impl Iterator<Item = String> {
    let sides = |step| ["before", "after"].map(|when| format!("{when}-{step}"));
    steps(story).iter().flat_map(sides)
}

#[test]
fn a_process_ends_at_each_step_that_the_journal_has() {
    let ends = STORIES.into_iter().flat_map(steps);
    let ends = ends.map(|step| step.split(':').next().unwrap_or(step));
    let named: BTreeSet<&str> = ends.chain(LEFT_OUT.map(|(step, _)| step)).collect();
    assert_eq!(named, BTreeSet::from(STEPS));
}

#[tokio::test]
async fn a_job_that_succeeds() {
    survives_at_every_step(Story::Succeeds).await;
}

#[tokio::test]
async fn a_job_that_fails() {
    survives_at_every_step(Story::Fails).await;
}

#[tokio::test]
async fn a_job_whose_execution_is_stopped() {
    survives_at_every_step(Story::Cancelled).await;
}

#[tokio::test]
async fn a_job_that_does_not_run_in_time() {
    survives_at_every_step(Story::Late).await;
}

#[tokio::test]
async fn a_job_that_livy_refuses() {
    survives_at_every_step(Story::Refused).await;
}

#[tokio::test]
async fn a_job_that_is_left_for_a_retry() {
    for point in points(Story::LeftForRetry) {
        let site = Site::new().await;
        let journal = site.journal("a");
        let crashing = Crashing::spawn(&site, &[&journal], &point);
        let execution = site.step_functions.start_execution();
        let task = execution.schedule(site.task(json!({
            "ClientToken": "e/s/1",
            "ExecutionId": execution.arn(),
            "File": site.cluster.job_file("forever.py"),
        })));
        site.running(1).await;
        let faults = site.step_functions.server().faults();
        let cut_off = faults.inject(On::operation("SendTaskHeartbeat"), Fault::lost_request());
        assert!(was_silent(&task.outcome().await), "{point}");
        cut_off.remove();
        crashing.ended().await;
        let next = site.worker(&[&journal]).await;
        next.shows("/", "left for a retry").await;
        assert_eq!(site.cluster.world().live_applications().len(), 1, "{point}");
        execution.end(ExecutionStatus::Failed);
        site.running(0).await;
        next.shows("/", "0 tasks").await;
    }
}

#[tokio::test]
async fn a_job_that_runs_while_it_is_noted_that_its_token_is_good() {
    for point in points(Story::Noted) {
        let site = Site::new().await;
        let journal = site.journal("a");
        let crashing = Crashing::spawn(&site, &[&journal], &point);
        let task = schedule(&site, Story::Noted);
        crashing.ended().await;
        let _next = site.worker(&[&journal]).await;
        site.running(1).await;
        task.beaten(task.heartbeats() + 3).await;
        site.end(Fate::Succeeds);
        task.outcome().await.output();
        assert_eq!(site.cluster.world().applications().len(), 1, "{point}");
    }
}

#[tokio::test]
async fn a_job_that_is_given_up_while_nobody_answers() {
    for point in points(Story::Lost) {
        let site = Site::new().await;
        let journal = site.journal("a");
        let options = [journal.as_str(), "--lost-timeout=500ms"];
        let mut crashing = Crashing::spawn(&site, &options, &point);
        let task = schedule(&site, Story::Lost);
        crashing.says("phase=Running").await;
        site.cluster.livy().down().await;
        site.cluster.resource_manager().down().await;
        if point.ends_with("-closed") {
            // This process stops it.
            is_told_that_it_is_lost(&task, &point).await;
            answer_again(&site);
        }
        crashing.ended().await;
        let next = site.worker(&options).await;
        is_told_that_it_is_lost(&task, &point).await;
        if !point.ends_with("-closed") {
            assert_eq!(site.cluster.world().live_applications().len(), 1, "{point}");
            answer_again(&site);
        }
        site.running(0).await;
        next.shows("/", "0 tasks").await;
        assert_eq!(site.cluster.world().applications().len(), 1, "{point}");
    }
}

async fn is_told_that_it_is_lost(task: &TaskHandle, point: &str) {
    let outcome = task.outcome().await;
    let (error, text) = outcome.failure();
    assert_eq!(
        (error, &cause(text)["state"]),
        ("SparkJob.Lost", &json!("LOST")),
        "{point}"
    );
}

fn answer_again(site: &Site) {
    site.cluster.livy().up();
    site.cluster.resource_manager().up();
}

async fn survives_at_every_step(story: Story) {
    for point in points(story) {
        survives(story, &point).await;
    }
}

async fn survives(story: Story, point: &str) {
    let site = Site::new().await;
    let journal = site.journal("a");
    let crashing = Crashing::spawn(&site, &[&journal], point);
    let task = schedule(&site, story);
    if story == Story::Cancelled {
        site.running(1).await;
        task.beaten(2).await;
        // So long does it take until it is noted that the token is good.
        tokio::time::sleep(Duration::from_millis(500)).await;
        task.stop_execution();
    }
    crashing.ended().await;
    let dead = site.cluster.world().applications().len();
    let _next = site.worker(&[&journal]).await;
    let outcome = task.outcome().await;
    let (applications, peak) = (
        site.cluster.world().applications().len(),
        site.cluster.world().peak_live("sparkwright"),
    );
    let seen = format!(
        "{story:?} {point}: {outcome:?}, {applications} applications, {dead} of them before the crash"
    );
    match (story, &outcome) {
        // Nobody but the dead process ever knew of it: the state's Retry is for that.
        _ if point == "before-received" => {
            assert_eq!((was_silent(&outcome), applications), (true, 0), "{seen}")
        }
        (Story::Succeeds, Outcome::Succeeded(_)) => assert_eq!((applications, peak), (1, 1), "{seen}"),
        (Story::Fails, _) => {
            let (error, text) = outcome.failure();
            assert_eq!((error, applications), ("SparkJob.Failed", 1), "{seen}");
            assert!(text.contains("ValueError: mine"), "{seen}");
        }
        (Story::Cancelled, Outcome::Stopped) => {
            site.running(0).await;
            assert_eq!(applications, 1, "{seen}");
        }
        (Story::Late, _) => {
            assert_eq!(
                (outcome.failure().0, applications),
                ("SparkJob.StartTimeout", 1),
                "{seen}"
            );
            site.running(0).await;
        }
        (Story::Refused, _) => assert_eq!(
            (outcome.failure().0, applications),
            ("SparkJob.Rejected", 0),
            "{seen}"
        ),
        _ => panic!("{seen}"),
    }
}

fn was_silent(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::TimedOut(_))
}

fn schedule(site: &Site, story: Story) -> TaskHandle {
    let mut input: Value = json!({"ClientToken": "e/s/1"});
    let (file, job) = match story {
        // Long enough to be seen running.
        Story::Succeeds => (
            "pi.py",
            Some(Job::succeeds().running_for(Duration::from_millis(300))),
        ),
        Story::Fails => (
            "pi.py",
            Some(Job::raises("ValueError: mine").running_for(Duration::from_millis(300))),
        ),
        Story::Cancelled | Story::Lost | Story::LeftForRetry | Story::Noted => ("forever.py", None),
        Story::Late => {
            input["StartTimeoutSeconds"] = json!(1);
            (
                "forever.py",
                Some(Job::until_ended().accepted_for(Duration::from_secs(60))),
            )
        }
        Story::Refused => ("", None),
    };
    if let Some(job) = job {
        site.cluster.world().script_next("*", job);
    }
    input["File"] = match story {
        Story::Refused => json!("file:///etc/job.py"),
        _ => json!(site.cluster.job_file(file)),
    };
    site.schedule(input)
}
