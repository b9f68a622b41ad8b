//! Several workers on one activity.

use std::collections::BTreeMap;
use std::time::Duration;

use sparkwright_tests::cluster::{Cluster, Fate};
use sparkwright_tests::step_functions::{StepFunctions, TaskHandle};
use tokio::time::timeout;

use crate::site::Site;

/// Longer than anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many of these tasks each worker has been given.
fn by_worker(tasks: &[TaskHandle]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for name in tasks.iter().filter_map(TaskHandle::worker_name) {
        *counts.entry(name).or_default() += 1;
    }
    counts
}

/// All jobs that run end well.
fn end_all(site: &Site) {
    for application in site.cluster.world().live_applications() {
        site.cluster.world().end(application.id, Fate::Succeeds);
    }
}

/// Waits until so many polls are open.
async fn polled(site: &Site, polls: usize) {
    let open = || site.step_functions.open_polls(site.step_functions.activity_arn());
    let waiting = async {
        while open() != polls {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = timeout(PATIENCE, waiting).await;
    assert!(waited.is_ok(), "{} open polls", open());
}

#[tokio::test]
async fn two_workers_with_room_for_all_share_the_tasks_of_one_activity() {
    // No poll is over before its task comes.
    let step_functions = StepFunctions::builder().poll_time(Duration::from_secs(60));
    let site = Site::with(Cluster::builder(), step_functions).await;
    // Each could take all of them, but has no more polls open than it was told.
    let options = |name: &'static str| ["--slots=8", "--pollers-per-activity=2", name];
    let _workers = [
        site.worker(&options("--worker-name=one")).await,
        site.worker(&options("--worker-name=two")).await,
    ];
    polled(&site, 4).await;
    let tasks: Vec<_> = (0..8).map(|_| site.run("forever.py")).collect();
    site.running(8).await;
    let counts = by_worker(&tasks);
    assert!(
        counts.len() == 2 && counts.values().all(|count| *count >= 2),
        "{counts:?}"
    );
    end_all(&site);
    for task in &tasks {
        assert_eq!(task.outcome().await.output()["state"], "SUCCEEDED");
    }
    assert_eq!(site.cluster.world().applications().len(), 8);
}

#[tokio::test]
async fn what_is_beyond_all_slots_goes_to_whoever_has_a_free_one_first() {
    let site = Site::new().await;
    let options = |name: &'static str| ["--slots=4", "--pollers-per-activity=4", name];
    let workers = [
        site.worker(&options("--worker-name=one")).await,
        site.worker(&options("--worker-name=two")).await,
    ];
    let tasks: Vec<_> = (0..10).map(|_| site.run("forever.py")).collect();
    site.running(8).await;
    for worker in &workers {
        worker
            .shows("/metrics", "sparkwright_worker_slots_free 0\n")
            .await;
        worker
            .shows("/metrics", "sparkwright_worker_tasks{state=\"running\"} 4\n")
            .await;
    }
    let four_each = BTreeMap::from([("one".to_owned(), 4), ("two".to_owned(), 4)]);
    assert_eq!(by_worker(&tasks), four_each);
    assert_eq!(site.step_functions.waiting_tasks(), 2);
    end_all(&site);
    site.cluster
        .world()
        .until(|world| world.applications().len() == 10 && world.live_applications().len() == 2)
        .await;
    end_all(&site);
    for task in &tasks {
        assert_eq!(task.outcome().await.output()["state"], "SUCCEEDED");
    }
    assert_eq!(by_worker(&tasks).values().sum::<usize>(), 10);
    assert_eq!(site.cluster.world().applications().len(), 10);
}
