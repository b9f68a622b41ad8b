//! Many at once: the simulators must not be the bottleneck of what is measured with them.

use std::time::{Duration, Instant};

use serde_json::json;
use sparkwright_tests::cluster::{Cluster, Latencies};

const BATCHES: usize = 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_batches_live_side_by_side() {
    let quick = Latencies {
        post: Duration::ZERO,
        run: Duration::from_millis(200),
        ..Latencies::default()
    };
    let cluster = Cluster::builder()
        .latencies(quick)
        .max_creation(BATCHES)
        .start()
        .await;
    let client = reqwest::Client::new();
    let url = cluster.livy_url().join("batches").unwrap();
    let begun = Instant::now();
    let mut posts = tokio::task::JoinSet::new();
    for number in 0..BATCHES {
        let batch = json!({ "file": "s3://b/pi.py", "name": format!("n-{number}"), "conf": { "spark.yarn.tags": "load" } });
        let (client, url) = (client.clone(), url.clone());
        posts.spawn(async move { client.post(url).json(&batch).send().await.unwrap().status() });
        if number % 100 == 99 {
            while let Some(status) = posts.join_next().await {
                assert_eq!(status.unwrap(), 201);
            }
        }
    }
    cluster
        .world()
        .until(|world| world.batches().iter().all(|batch| batch.state.is_terminal()))
        .await;
    assert_eq!(cluster.world().applications_tagged("load").len(), BATCHES);
    assert_eq!(cluster.livy().journal().count("POST /batches"), BATCHES);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}
