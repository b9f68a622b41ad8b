//! Answers that take long or do not come, in virtual time: whoever waits for them does not hold up the others.

use std::time::Duration;

use sparkwright_spark_job::standing::{Ending, Phase, Standing};
use sparkwright_spark_job::submission::{Patience, Run, Unsupervised, submit};
use sparkwright_spark_job::watch::Report;
use sparkwright_spark_job::watcher::{WatchSettings, Watcher};
use sparkwright_tests::clock::run_virtual;
use sparkwright_tests::cluster::{Fate, Job};
use sparkwright_tests::faults::{Fault, Injected, On};
use sparkwright_tests::http::Answer;
use tokio::sync::watch::Receiver;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::crowds::{AT_ONCE, Counting, crowd};
use crate::site::Site;

const SECOND: Duration = Duration::from_secs(1);
const SETTLE: Duration = Duration::from_secs(150);

/// However slow Livy's list is, it is read again so long after it.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

fn watcher(site: &Site) -> Watcher {
    let settings = WatchSettings {
        poll_period: SECOND,
        settle: SETTLE,
    };
    Watcher::start(site.endpoints.clone(), settings)
}

fn long_patience() -> Patience {
    Patience {
        settle: SETTLE,
        submit_timeout: SECOND * 900,
        lost_timeout: SECOND * 1800,
        poll_period: SECOND,
        deadline: None,
    }
}

/// What is told within so long.
async fn told(
    reports: &mut Receiver<Report>,
    time: Duration,
    is_so: impl Fn(&Report) -> bool,
) -> Option<Report> {
    let told = timeout(time, reports.wait_for(|report| is_so(report))).await;
    Some(told.ok()?.expect("it is followed").clone())
}

async fn ending(reports: &mut Receiver<Report>, time: Duration) -> Option<Ending> {
    let is_end = |report: &Report| matches!(report.standing, Standing::Ended(_));
    match told(reports, time, is_end).await?.standing {
        Standing::Ended(ending) => Some(ending),
        Standing::Pending(_) => None,
    }
}

/// Jobs whose applications do not show up: of these only Livy tells.
async fn young_jobs(site: &Site, count: usize) -> Vec<Run> {
    let young = Job::until_ended().appearing_after(Duration::from_secs(3600));
    site.cluster.world().script("*", young);
    let mut runs = Vec::new();
    for number in 0..count {
        runs.push(site.submit(&site.order(&format!("job {number}"))).await.unwrap());
    }
    runs
}

fn slow_list(site: &Site, time: Duration) -> Injected {
    let faults = site.cluster.livy().faults();
    faults.inject(On::get("/batches"), Fault::slow(time))
}

fn lists(site: &Site) -> usize {
    site.cluster.livy().journal().count("GET /batches")
}

#[test]
fn a_list_of_livys_that_takes_longer_than_a_round_is_waited_for_beside_it() {
    run_virtual(1, async {
        let site = Site::new().await;
        let runs = young_jobs(&site, 5).await;
        site.cluster.world().script("*", Job::until_ended());
        let ends = site.submit(&site.order("another")).await.unwrap();
        let application = site.cluster.world().appeared(ends.name.as_str()).await;
        slow_list(&site, Duration::from_secs(20));
        let watcher = watcher(&site);
        let mut reports: Vec<_> = runs.iter().map(|run| watcher.follow(run)).collect();
        let mut end = watcher.follow(&ends);
        sleep(SECOND * 3).await;
        // What YARN tells of one of them does not wait for it.
        site.cluster.world().end(application.id, Fate::Exits { code: 3 });
        assert_eq!(ending(&mut end, SECOND * 5).await, Some(Ending::Failed));
        for reports in &mut reports {
            let is_starting = |report: &Report| report.standing == Standing::Pending(Phase::Starting);
            let report = told(reports, SECOND * 120, is_starting).await.unwrap();
            assert_eq!(report.silence, None);
        }
        assert!(watcher.health().borrow().livy.is_none());
    });
}

#[test]
fn after_a_slow_list_livy_is_left_alone_for_as_long_as_half_a_minute() {
    run_virtual(2, async {
        let site = Site::new().await;
        let runs = young_jobs(&site, 5).await;
        let before = lists(&site);
        slow_list(&site, Duration::from_secs(20));
        let watcher = watcher(&site);
        let _reports: Vec<_> = runs.iter().map(|run| watcher.follow(run)).collect();
        // Livy gives such a job up after two minutes.
        sleep(SECOND * 115).await;
        // Each takes 20 s, and comes half a minute after the last.
        assert_eq!(lists(&site) - before, 3);
    });
}

#[test]
fn neither_a_watcher_nor_a_submission_takes_livys_list_from_the_other() {
    run_virtual(3, async {
        let site = Site::new().await;
        let runs = young_jobs(&site, 5).await;
        let list = SECOND * 3;
        slow_list(&site, list);
        let watcher = watcher(&site);
        let mut reports: Vec<_> = runs.iter().map(|run| watcher.follow(run)).collect();
        // One submission after the other wants a list of its own.
        let (cluster, order) = (site.endpoints.clone(), |n| site.order(&format!("late {n}")));
        let orders: Vec<_> = (0..10).map(order).collect();
        let began = Instant::now();
        let mut submissions = JoinSet::new();
        submissions.spawn(async move {
            let mut longest = Duration::ZERO;
            for order in &orders {
                let began = Instant::now();
                submit(&cluster, order, &long_patience(), &Unsupervised)
                    .await
                    .unwrap();
                longest = longest.max(began.elapsed());
            }
            longest
        });
        // The pause is four times as long as a reading; whoever comes right after one has begun waits for the next.
        let round = list + list * 4;
        let longest = round + list + SECOND * 2;
        for (run, reports) in runs.iter().zip(&mut reports) {
            site.cluster.world().kill_spark_submit(run.name.as_str());
            let told = ending(reports, longest).await;
            assert_eq!(told, Some(Ending::NotStarted));
        }
        let waited = submissions.join_next().await.unwrap().unwrap();
        assert!(waited <= longest, "{waited:?}");
        let readings = u32::try_from(lists(&site)).unwrap();
        let possible = u32::try_from(began.elapsed().as_secs() / round.as_secs()).unwrap() + 2;
        assert!(readings <= possible + 5, "{readings} of {possible}");
    });
}

#[test]
fn a_livy_that_starts_enough_sessions_is_asked_by_few_of_a_crowd() {
    run_virtual(4, async {
        let site = Site::new().await;
        let message = r#"{"msg":"Rejected, too many sessions are being created!"}"#;
        let refusal = Fault::Answer(Answer::json_text(400, message));
        let refusal = site.cluster.livy().faults().inject(On::post("/batches"), refusal);
        let waiting = Counting::default();
        let crowd = crowd(&site, 100, &waiting);
        waiting.reached(100).await;
        // Each was told why, though few have asked.
        assert!(refusal.hits() <= 3 * AT_ONCE, "{}", refusal.hits());
        refusal.remove();
        assert_eq!(crowd.join_all().await.len(), 100);
    });
}

#[test]
fn a_lone_look_that_always_fails_keeps_no_other_job_from_its_end() {
    for failure in [Fault::reset(), Fault::hang()] {
        run_virtual(5, async {
            let site = Site::new().await;
            let mut runs = Vec::new();
            for number in 0..30 {
                let run = site.submit(&site.order(&format!("job {number}"))).await.unwrap();
                let application = site.cluster.world().appeared(run.name.as_str()).await;
                site.cluster.world().end(application.id, Fate::Succeeds);
                runs.push(Run { adopted: true, ..run });
            }
            let yarn = site.cluster.resource_manager();
            let fails = On::get("/ws/v1/cluster/apps").containing(&runs[0].name.key().tag());
            yarn.faults().inject(fails, failure.clone());
            // The others' answers take longer than a refusal.
            let alone = On::get("/ws/v1/cluster/apps").containing("sparkwright-run-");
            yarn.faults().inject(alone, Fault::slow(SECOND / 10));
            let watcher = watcher(&site);
            let mut reports: Vec<_> = runs.iter().map(|run| watcher.follow(run)).collect();
            let (lost, others) = reports.split_first_mut().unwrap();
            for reports in others {
                assert_eq!(ending(reports, SECOND * 20).await, Some(Ending::Succeeded));
            }
            // Of the one itself nothing is concluded.
            sleep(SETTLE * 2).await;
            assert_eq!(lost.borrow().standing, Standing::Pending(Phase::Unknown));
            assert!(lost.borrow().silence.is_some());
            yarn.faults().clear();
            assert_eq!(ending(lost, LONGEST_PAUSE * 2).await, Some(Ending::Succeeded));
        });
    }
}
