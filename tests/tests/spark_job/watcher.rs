//! Watching in bulk: what it costs, and what it tells.

use std::time::Duration;

use serde_json::json;
use sparkwright_spark_job::standing::{Ending, Phase, Standing};
use sparkwright_spark_job::submission::Run;
use sparkwright_spark_job::watch::Report;
use sparkwright_spark_job::watcher::{WatchSettings, Watcher};
use sparkwright_tests::cluster::{Cluster, Fate, Job, Memory};
use sparkwright_tests::faults::{Fault, Injected, On};
use sparkwright_tests::journal::{Entry, Journal};
use tokio::sync::watch::Receiver;

use crate::site::{PERIOD, SETTLE, Site, within};

fn watcher(site: &Site) -> Watcher {
    let settings = WatchSettings {
        poll_period: PERIOD,
        settle: SETTLE,
    };
    Watcher::start(site.endpoints.clone(), settings)
}

async fn until(reports: &mut Receiver<Report>, is_so: impl Fn(&Report) -> bool) -> Report {
    within(async { reports.wait_for(|report| is_so(report)).await.unwrap().clone() }).await
}

fn is_running(report: &Report) -> bool {
    report.standing == Standing::Pending(Phase::Running)
}

async fn ending(reports: &mut Receiver<Report>) -> Ending {
    let report = until(reports, |report| matches!(report.standing, Standing::Ended(_))).await;
    match report.standing {
        Standing::Ended(ending) => ending,
        Standing::Pending(phase) => panic!("{phase:?}"),
    }
}

async fn submit_many(site: &Site, count: usize) -> Vec<Run> {
    let mut runs = Vec::new();
    for number in 0..count {
        runs.push(site.submit(&site.order(&format!("job {number}"))).await.unwrap());
    }
    runs
}

#[tokio::test]
async fn many_running_jobs_cost_two_calls_a_period() {
    let site = Site::new().await;
    let runs = submit_many(&site, 40).await;
    let watcher = watcher(&site);
    let mut reports: Vec<_> = runs.iter().map(|run| watcher.follow(run)).collect();
    for reports in &mut reports {
        until(reports, is_running).await;
    }
    let (livy, yarn) = (
        site.cluster.livy().journal(),
        site.cluster.resource_manager().journal(),
    );
    // The round that told of the last one may go on.
    let told = yarn.count("GET apps");
    yarn.reached("GET apps", told + 2).await;
    livy.clear();
    yarn.clear();
    within(yarn.reached("GET apps", 20)).await;
    let calls = yarn.entries("*");
    let bulk = |entry: &&Entry| entry.request.query.contains("applicationTags=sparkwright&");
    assert_eq!(calls.iter().filter(bulk).count(), calls.len());
    assert_eq!(livy.count("*"), 0);
    // Those that live, then those that have ended; on a slow machine these once more, until it is time for both.
    let with_end: Vec<_> = calls
        .iter()
        .map(|entry| entry.request.query.contains("finishedTimeBegin"))
        .collect();
    assert!(with_end.windows(2).all(|pair| pair[0] || pair[1]), "{with_end:?}");
    assert!(with_end.contains(&false), "{with_end:?}");
}

/// Looks at everything take long from now on, and one is over: the next is four times as far away.
async fn between_long_looks(site: &Site, long: Duration) -> Injected {
    let yarn = site.cluster.resource_manager();
    let all = On::get("/ws/v1/cluster/apps").containing("RUNNING");
    let slow = yarn.faults().inject(all, Fault::slow(long));
    let is_end = |entry: &Entry| entry.request.query.contains("finishedTimeBegin");
    let looks_for_ends = |journal: &Journal| {
        let looks = journal.entries("GET apps");
        slow.hits() > 0 && looks.iter().rev().take(2).all(is_end)
    };
    within(yarn.journal().until(looks_for_ends)).await;
    slow
}

#[tokio::test]
async fn an_end_is_told_between_two_looks_that_take_long() {
    let site = Site::new().await;
    let runs = submit_many(&site, 3).await;
    let watcher = watcher(&site);
    let mut reports: Vec<_> = runs.iter().map(|run| watcher.follow(run)).collect();
    for reports in &mut reports {
        until(reports, is_running).await;
    }
    let slow = between_long_looks(&site, Duration::from_secs(3)).await;
    let looks = slow.hits();
    let ended = &runs[1].name;
    let application = site.cluster.world().application_named(ended.as_str()).unwrap();
    site.cluster.world().end(application.id, Fate::Succeeds);
    assert_eq!(ending(&mut reports[1]).await, Ending::Succeeded);
    assert_eq!(slow.hits(), looks);
}

#[tokio::test]
async fn an_application_that_was_killed_ends_its_run_only_after_a_look_at_everything() {
    let site = Site::new().await;
    let runs = submit_many(&site, 1).await;
    let watcher = watcher(&site);
    let mut reports = watcher.follow(&runs[0]);
    until(&mut reports, is_running).await;
    let slow = between_long_looks(&site, Duration::from_secs(1)).await;
    let looks = slow.hits();
    let application = site
        .cluster
        .world()
        .application_named(runs[0].name.as_str())
        .unwrap();
    site.cluster.world().kill(application.id, "somebody");
    assert_eq!(ending(&mut reports).await, Ending::Killed);
    assert!(slow.hits() > looks);
}

#[tokio::test]
async fn a_run_that_is_followed_and_ends_between_two_looks_that_take_long_is_told() {
    let site = Site::new().await;
    let runs = submit_many(&site, 2).await;
    let watcher = watcher(&site);
    let mut first = watcher.follow(&runs[0]);
    until(&mut first, is_running).await;
    let late = site.cluster.world().appeared(runs[1].name.as_str()).await;
    let slow = between_long_looks(&site, Duration::from_secs(3)).await;
    let looks = slow.hits();
    let mut reports = watcher.follow(&runs[1]);
    site.cluster.world().end(late.id, Fate::Exits { code: 3 });
    assert_eq!(ending(&mut reports).await, Ending::Failed);
    assert_eq!(slow.hits(), looks);
}

#[tokio::test]
async fn many_young_jobs_cost_livys_list_and_no_look_of_their_own() {
    let site = Site::new().await;
    site.cluster
        .world()
        .script("*", Job::until_ended().appearing_after(Duration::from_secs(60)));
    let runs = submit_many(&site, 20).await;
    site.cluster.livy().journal().clear();
    site.cluster.resource_manager().journal().clear();
    let watcher = watcher(&site);
    let _reports: Vec<_> = runs.iter().map(|run| watcher.follow(run)).collect();
    let livy = site.cluster.livy().journal();
    within(livy.reached("GET /batches", 10)).await;
    assert_eq!(livy.count("GET /batches/{batch}"), 0);
    let yarn = site.cluster.resource_manager().journal();
    let alone = yarn.entries("GET apps").into_iter();
    let alone = alone.filter(|entry| entry.request.query.contains("sparkwright-run-"));
    assert_eq!(alone.count(), 0);
}

#[tokio::test]
async fn every_job_is_told_of_its_own_end() {
    let site = Site::new().await;
    let files = ["pi.py", "raise.py", "missing.py", "exit3.py"];
    let watcher = watcher(&site);
    let mut endings = Vec::new();
    for file in files {
        let order = site.order_of(file, json!({"File": site.cluster.job_file(file)}));
        let run = site.submit(&order).await.unwrap();
        endings.push(watcher.follow(&run));
    }
    let mut told = Vec::new();
    for reports in &mut endings {
        told.push(ending(reports).await);
        // Then the watcher lets go.
        assert!(within(reports.changed()).await.is_err());
    }
    assert_eq!(
        told,
        [
            Ending::Succeeded,
            Ending::Failed,
            Ending::NotStarted,
            Ending::Failed
        ]
    );
}

#[tokio::test]
async fn a_job_that_ended_before_it_was_followed_is_told_all_the_same() {
    let site = Site::new().await;
    let order = site.order_of("a", json!({"File": site.cluster.job_file("pi.py")}));
    let run = site.submit(&order).await.unwrap();
    site.outcome(&order, &run).await;
    site.cluster.restart_livy().await;
    let taken_up = Run { adopted: true, ..run };
    let watcher = watcher(&site);
    assert_eq!(ending(&mut watcher.follow(&taken_up)).await, Ending::Succeeded);
}

#[tokio::test]
async fn two_who_follow_one_run_are_both_told() {
    let site = Site::new().await;
    let order = site.order("a");
    let (run, report) = site.run_to(&order, Phase::Running).await;
    let watcher = watcher(&site);
    let (mut first, mut second) = (watcher.follow(&run), watcher.follow(&run));
    until(&mut first, is_running).await;
    until(&mut second, is_running).await;
    let id = report.application.unwrap().id.to_string().parse().unwrap();
    site.cluster.world().kill(id, "somebody");
    assert_eq!(ending(&mut first).await, Ending::Killed);
    assert_eq!(ending(&mut second).await, Ending::Killed);
}

#[tokio::test]
async fn a_silent_yarn_is_told_with_its_reason_and_concludes_nothing() {
    let site = Site::new().await;
    let order = site.order("a");
    let (run, report) = site.run_to(&order, Phase::Running).await;
    let watcher = watcher(&site);
    let mut reports = watcher.follow(&run);
    until(&mut reports, is_running).await;
    site.cluster.resource_manager().down().await;
    site.cluster.world().lose_sight(run.name.as_str());
    let silent = until(&mut reports, |report| report.silence.is_some()).await;
    assert_eq!(silent.standing, Standing::Pending(Phase::Running));
    assert!(watcher.health().borrow().yarn.is_some());
    let id = report.application.unwrap().id.to_string().parse().unwrap();
    site.cluster.world().end(id, Fate::Succeeds);
    site.cluster.resource_manager().up();
    assert_eq!(ending(&mut reports).await, Ending::Succeeded);
    assert!(watcher.health().borrow().yarn.is_none());
}

#[tokio::test]
async fn jobs_go_on_through_restarts_of_livy_that_forgets() {
    let site = Site::new().await;
    let runs = submit_many(&site, 5).await;
    let watcher = watcher(&site);
    let mut reports: Vec<_> = runs.iter().map(|run| watcher.follow(run)).collect();
    for reports in &mut reports {
        until(reports, is_running).await;
    }
    site.cluster.restart_livy().await;
    for application in site.cluster.world().live_applications() {
        site.cluster.world().end(application.id, Fate::Succeeds);
    }
    for reports in &mut reports {
        assert_eq!(ending(reports).await, Ending::Succeeded);
    }
}

#[tokio::test]
async fn jobs_that_yarn_has_forgotten_are_lost_and_not_watched_for_ever() {
    let site = Site::new().await;
    let runs = submit_many(&site, 3).await;
    let watcher = watcher(&site);
    let mut reports: Vec<_> = runs.iter().map(|run| watcher.follow(run)).collect();
    for reports in &mut reports {
        until(reports, is_running).await;
    }
    site.cluster.crash_livy().await;
    site.cluster.crash_resource_manager().await;
    site.cluster.start_resource_manager(Memory::Forgets);
    site.cluster.start_livy();
    for reports in &mut reports {
        assert_eq!(ending(reports).await, Ending::Lost);
    }
}

#[tokio::test]
async fn a_livy_whose_list_fails_does_not_stop_the_rounds() {
    let site = Site::on(Cluster::builder()).await;
    site.cluster
        .livy()
        .faults()
        .inject(On::get("/batches"), Fault::Truncate);
    let watcher = watcher(&site);
    let mut reports = Vec::new();
    for number in 0..4 {
        let order = site.order(&format!("job {number}"));
        // Livy's list is needed to submit, so it fails only afterwards.
        site.cluster.livy().faults().clear();
        let run = site.submit(&order).await.unwrap();
        site.cluster
            .livy()
            .faults()
            .inject(On::get("/batches"), Fault::Truncate);
        reports.push(watcher.follow(&run));
    }
    for reports in &mut reports {
        until(reports, is_running).await;
    }
}
