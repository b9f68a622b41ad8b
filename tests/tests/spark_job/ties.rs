//! Two live applications of one intent: one stays, whoever looks.

use sparkwright_spark_job::standing::Phase;
use sparkwright_spark_job::submission::Order;
use sparkwright_spark_job::watcher::{WatchSettings, Watcher};
use sparkwright_tests::cluster::Job;

use crate::site::{PERIOD, SETTLE, Site, within};

/// A spark-submit outlives its Livy, and nobody who saw it posted is left: the next program posts again, and both
/// applications appear.
async fn two_live_applications(site: &Site, order: &Order) {
    let slow = Job::until_ended().appearing_after(SETTLE);
    site.cluster.world().script_next("*", slow.outliving_livy());
    site.submit(order).await.unwrap();
    site.cluster.restart_livy().await;
    site.submit(order).await.unwrap();
    site.cluster
        .world()
        .until(|world| world.live_applications().len() == 2)
        .await;
}

async fn one_is_left(site: &Site, order: &Order, stays: &str) {
    site.cluster
        .world()
        .until(|world| world.live_applications().len() == 1)
        .await;
    assert_eq!(site.live(order), [stays]);
}

#[tokio::test]
async fn a_program_that_submits_again_ends_the_surplus_and_adopts_what_stays() {
    let site = Site::new().await;
    let order = site.order("a");
    two_live_applications(&site, &order).await;
    let lowest = site.live(&order)[0].clone();
    let run = site.submit(&order).await.unwrap();
    one_is_left(&site, &order, &lowest).await;
    let report = site.watch(&run).next().await;
    assert_eq!(report.application.unwrap().id.to_string(), lowest);
    assert_eq!(site.posts(), 2);
}

#[tokio::test]
async fn a_program_that_watches_ends_the_surplus() {
    let site = Site::new().await;
    let order = site.order("a");
    two_live_applications(&site, &order).await;
    let lowest = site.live(&order)[0].clone();
    // As one that submitted long ago would.
    let run = sparkwright_spark_job::submission::Run {
        name: order.batch_name(1),
        batch_id: None,
        last_post: tokio::time::Instant::now(),
        adopted: true,
    };
    let mut watch = site.watch(&run);
    let report = watch.next().await;
    assert_eq!(report.application.unwrap().id.to_string(), lowest);
    one_is_left(&site, &order, &lowest).await;
}

#[tokio::test]
async fn a_watcher_ends_the_surplus_of_an_intent_under_two_numbers() {
    let site = Site::new().await;
    let order = site.order("a");
    let (first, _) = site.run_to(&order, Phase::Running).await;
    let lowest = site.live(&order)[0].clone();
    // Another program that saw neither.
    let tags = format!(
        "sparkwright,{},{}",
        order.batch_name(2).key().tag(),
        sparkwright_spark_job::names::intent_tag(order.intent)
    );
    let batch = serde_json::json!({
        "file": site.cluster.job_file("forever.py"),
        "name": order.batch_name(2).as_str(),
        "conf": {"spark.yarn.tags": tags},
    });
    let url = site.cluster.livy_url().join("batches").unwrap();
    reqwest::Client::new()
        .post(url)
        .json(&batch)
        .send()
        .await
        .unwrap();
    site.cluster
        .world()
        .until(|world| world.live_applications().len() == 2)
        .await;
    let settings = WatchSettings {
        poll_period: PERIOD,
        settle: SETTLE,
    };
    let watcher = Watcher::start(site.endpoints.clone(), settings);
    let _reports = watcher.follow(&first);
    within(one_is_left(&site, &order, &lowest)).await;
}
