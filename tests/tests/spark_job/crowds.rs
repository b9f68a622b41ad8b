//! Many jobs at one cluster: what they cost it, and that none holds up the others.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use sparkwright_spark_job::standing::{Ending, Standing};
use sparkwright_spark_job::submission::{Gate, Run, Supervisor, Unsupervised, submit};
use sparkwright_spark_job::watcher::{WatchSettings, Watcher};
use sparkwright_tests::cluster::Fate;
use sparkwright_tests::faults::{Fault, Moment, On};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, advance, pause, resume, sleep, timeout};

use crate::site::{PERIOD, SETTLE, Site, patience, within};

/// So many submissions are at Livy at once.
pub(crate) const AT_ONCE: usize = 16;

/// Begins so many submissions.
pub(crate) fn crowd(
    site: &Site,
    count: usize,
    supervisor: &(impl Supervisor + Clone + 'static),
) -> JoinSet<Run> {
    let mut crowd = JoinSet::new();
    for number in 0..count {
        let (cluster, order) = (site.endpoints.clone(), site.order(&format!("job {number}")));
        let supervisor = supervisor.clone();
        crowd.spawn(async move {
            let submitted = submit(&cluster, &order, &patience(), &supervisor).await;
            submitted.unwrap()
        });
    }
    crowd
}

#[tokio::test]
async fn a_crowd_of_submissions_reads_livys_list_together_and_posts_in_line() {
    let site = Site::new().await;
    let livy = site.cluster.livy();
    let gate = livy.faults().hold(On::post("/batches"), Moment::Before);
    let crowd = crowd(&site, 100, &Unsupervised);
    within(gate.arrived(AT_ONCE)).await;
    // Whoever wants to post as well would have come by now.
    sleep(PERIOD * 5).await;
    assert_eq!(gate.arrivals(), AT_ONCE);
    let yarn = site.cluster.resource_manager().journal();
    assert_eq!(yarn.count("GET apps"), AT_ONCE);
    assert!(livy.journal().count("GET /batches") <= 2);
    gate.open();
    let mut names: Vec<_> = within(crowd.join_all())
        .await
        .into_iter()
        .map(|run| run.name)
        .collect();
    names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    names.dedup();
    assert_eq!((names.len(), site.posts()), (100, 100));
    assert!(livy.journal().count("GET /batches") <= 2);
    assert_eq!(yarn.count("GET apps"), 100);
}

/// Counts the submissions that wait.
#[derive(Clone, Default)]
pub(crate) struct Counting(Arc<watch::Sender<usize>>);

impl Counting {
    pub(crate) async fn reached(&self, count: usize) {
        let mut waits = self.0.subscribe();
        within(waits.wait_for(|waiting| *waiting >= count)).await.unwrap();
    }
}

impl Supervisor for Counting {
    fn waiting(&self, _: &str) {
        self.0.send_modify(|count| *count += 1);
    }
}

#[tokio::test]
async fn a_silent_yarn_is_not_asked_by_each_of_a_crowd_in_turn() {
    let site = Site::new().await;
    let yarn = site.cluster.resource_manager();
    let refusal = yarn
        .faults()
        .inject(On::get("/ws/v1/cluster/apps"), Fault::reset());
    let waiting = Counting::default();
    let crowd = crowd(&site, 100, &waiting);
    waiting.reached(100).await;
    // Each was told why, though few have asked.
    assert!(refusal.hits() <= 3 * AT_ONCE, "{}", refusal.hits());
    refusal.remove();
    assert_eq!(within(crowd.join_all()).await.len(), 100);
    assert_eq!(site.posts(), 100);
}

/// Never says whether its jobs are still wanted; counts how often it was asked.
#[derive(Clone)]
struct Undecided(Arc<watch::Sender<usize>>);

impl Supervisor for Undecided {
    async fn gate(&self, _: Gate) -> Result<(), String> {
        self.0.send_modify(|count| *count += 1);
        std::future::pending().await
    }
}

#[tokio::test]
async fn whoever_does_not_say_in_time_whether_its_job_is_wanted_gives_its_place_to_the_next() {
    let site = Site::new().await;
    let undecided = Undecided(Arc::new(watch::Sender::new(0)));
    let mut asked = undecided.0.subscribe();
    let _undecided = crowd(&site, AT_ONCE, &undecided);
    within(asked.wait_for(|count| *count == AT_ONCE)).await.unwrap();
    let (order, patience) = (site.order("the next"), patience());
    let mut next = pin!(submit(&site.endpoints, &order, &patience, &Unsupervised));
    let in_line = timeout(PERIOD * 10, &mut next).await;
    assert!(in_line.is_err() && site.posts() == 0);
    pause();
    advance(Duration::from_secs(30)).await;
    resume();
    let run = within(next).await.unwrap();
    assert_eq!((run.adopted, site.posts()), (false, 1));
}

#[tokio::test]
async fn a_submission_that_waits_is_small() {
    let site = Site::new().await;
    let (order, patience) = (site.order("a"), patience());
    let submission = submit(&site.endpoints, &order, &patience, &Unsupervised);
    let size = std::mem::size_of_val(&submission);
    // Ten thousand may be in line.
    assert!(size <= 3000, "{size} bytes");
}

#[tokio::test]
async fn lone_looks_that_are_not_answered_do_not_hold_up_the_end_of_another_job() {
    let site = Site::new().await;
    let runs = within(crowd(&site, 40, &Unsupervised).join_all()).await;
    let (ends, others) = runs.split_first().unwrap();
    let application = site.cluster.world().appeared(ends.name.as_str()).await;
    let yarn = site.cluster.resource_manager();
    let alone = On::get("/ws/v1/cluster/apps").containing("sparkwright-run-");
    let unanswered = yarn.faults().inject(alone, Fault::reset());
    let settings = WatchSettings {
        poll_period: PERIOD,
        settle: SETTLE,
    };
    let watcher = Watcher::start(site.endpoints.clone(), settings);
    let began = Instant::now();
    // Each of these is asked for alone, since it may have ended long ago.
    for run in others {
        site.cluster.world().end(
            site.cluster.world().appeared(run.name.as_str()).await.id,
            Fate::Succeeds,
        );
    }
    let _taken_up: Vec<_> = others
        .iter()
        .map(|run| {
            watcher.follow(&Run {
                adopted: true,
                ..run.clone()
            })
        })
        .collect();
    let mut reports = watcher.follow(ends);
    within(unanswered.struck(1)).await;
    site.cluster.world().end(application.id, Fate::Succeeds);
    let told = reports.wait_for(|report| matches!(report.standing, Standing::Ended(_)));
    assert_eq!(
        within(told).await.unwrap().standing,
        Standing::Ended(Ending::Succeeded)
    );
    // Not each of them in each round: after a failure YARN is left alone for 5 s.
    let rounds = usize::try_from(began.elapsed().as_secs() / 5).unwrap() + 1;
    let tries = 3;
    assert!(unanswered.hits() <= rounds * others.len() * tries);
}
