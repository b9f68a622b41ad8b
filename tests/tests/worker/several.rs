//! Several workers on one activity.

use std::collections::BTreeMap;

use sparkwright_tests::cluster::Fate;
use sparkwright_tests::step_functions::TaskHandle;

use crate::site::Site;

/// How many of these tasks each worker has been given.
fn by_worker(tasks: &[TaskHandle]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for name in tasks.iter().filter_map(TaskHandle::worker_name) {
        *counts.entry(name).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn two_workers_share_the_tasks_of_one_activity_by_their_slots() {
    let site = Site::new().await;
    let options = |name: &'static str| ["--slots=4", "--pollers-per-activity=4", name];
    let workers = [
        site.worker(&options("--worker-name=one")).await,
        site.worker(&options("--worker-name=two")).await,
    ];
    let tasks: Vec<_> = (0..10).map(|_| site.run("forever.py")).collect();
    site.running(8).await;
    // All slots are taken, and what is beyond them waits.
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
    // Whoever has a free slot gets what waits.
    for application in site.cluster.world().live_applications() {
        site.cluster.world().end(application.id, Fate::Succeeds);
    }
    site.cluster
        .world()
        .until(|world| world.applications().len() == 10 && world.live_applications().len() == 2)
        .await;
    for application in site.cluster.world().live_applications() {
        site.cluster.world().end(application.id, Fate::Succeeds);
    }
    for task in &tasks {
        assert_eq!(task.outcome().await.output()["state"], "SUCCEEDED");
    }
    assert_eq!(by_worker(&tasks).values().sum::<usize>(), 10);
    assert_eq!(site.cluster.world().applications().len(), 10);
}
