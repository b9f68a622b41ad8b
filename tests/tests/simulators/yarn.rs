//! The ResourceManager's and the NodeManager's behaviours.

use std::time::Duration;

use serde_json::{Value, json};
use sparkwright_tests::cluster::{ApplicationState, BatchState, Cluster, Fate, Job};

use crate::livy::submit;
use crate::raw;

pub(crate) async fn running(
    cluster: &Cluster,
    name: &str,
    tags: &str,
) -> sparkwright_tests::cluster::Application {
    submit(
        cluster,
        name,
        "forever.py",
        json!({ "conf": { "spark.yarn.tags": tags } }),
    )
    .await;
    cluster
        .world()
        .until(|world| {
            world
                .application_named(name)
                .is_some_and(|one| one.state == ApplicationState::Running)
        })
        .await;
    cluster.world().application_named(name).unwrap()
}

async fn found(cluster: &Cluster, query: &str) -> Vec<String> {
    let path = format!("/ws/v1/cluster/apps?{query}");
    let answer = raw::get(cluster.resource_manager().address(), &path).await.json();
    let none = Vec::new();
    let applications = answer["apps"]["app"].as_array().unwrap_or(&none);
    applications
        .iter()
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn applications_are_found_by_tag_state_and_end() {
    let cluster = Cluster::start().await;
    let first = running(&cluster, "first", "sparkwright,one").await;
    running(&cluster, "second", "sparkwright,two").await;
    cluster.world().end(first.id, Fate::Succeeds);
    cluster
        .world()
        .until(|world| world.live_applications().len() == 1)
        .await;
    let ended = cluster.world().application(first.id).unwrap().finished_at;

    assert_eq!(
        found(&cluster, "applicationTags=SPARKWRIGHT").await,
        ["first", "second"]
    );
    assert_eq!(
        found(&cluster, "applicationTags=one,two").await,
        ["first", "second"]
    );
    let live = "states=NEW,NEW_SAVING,SUBMITTED,ACCEPTED,RUNNING";
    assert_eq!(
        found(&cluster, &format!("applicationTags=sparkwright&{live}")).await,
        ["second"]
    );
    let over = "states=FINISHED&states=FAILED&states=KILLED";
    assert_eq!(
        found(&cluster, &format!("{over}&finishedTimeBegin={ended}")).await,
        ["first"]
    );
    assert!(
        found(&cluster, &format!("finishedTimeBegin={}", ended + 1))
            .await
            .is_empty()
    );
    assert_eq!(found(&cluster, "limit=1").await, ["first"]);
    assert!(found(&cluster, "user=nobody").await.is_empty());
}

#[tokio::test]
async fn deselected_requests_are_left_out() {
    let cluster = Cluster::start().await;
    let application = running(&cluster, "big", "t").await;
    let path = format!("/ws/v1/cluster/apps/{}", application.id);
    let get = async |query: &str| {
        raw::get(cluster.resource_manager().address(), &format!("{path}{query}"))
            .await
            .body
    };
    assert!(get("").await.contains("resourceRequests"));
    let small = get("?deSelects=resourceRequests").await;
    assert!(!small.contains("resourceRequests"), "{small}");
    assert!(
        small.contains(r#""resourceSecondsMap":{"entry":{"key":"memory-mb""#),
        "{small}"
    );
    assert_eq!(small.matches("\"entry\":").count(), 2);
}

#[tokio::test]
async fn a_kill_is_accepted_then_done() {
    let cluster = Cluster::builder()
        .with_latencies(|latencies| latencies.kill = Duration::from_millis(100))
        .start()
        .await;
    let application = running(&cluster, "victim", "t").await;
    let path = format!("/ws/v1/cluster/apps/{}/state", application.id);
    let kill = async || {
        raw::put(
            cluster.resource_manager().address(),
            &path,
            &json!({ "state": "KILLED" }),
        )
        .await
    };
    for _ in 0..2 {
        let accepted = kill().await;
        assert_eq!(
            (accepted.status, accepted.body.as_str()),
            (202, r#"{"state":"RUNNING"}"#)
        );
        assert!(accepted.header("location").unwrap().ends_with(&path));
    }
    cluster.world().batch_is("victim", BatchState::Killed).await;
    let done = kill().await;
    assert_eq!((done.status, done.body.as_str()), (200, r#"{"state":"KILLED"}"#));
    let wrong = raw::put(
        cluster.resource_manager().address(),
        &path,
        &json!({ "state": "PAUSED" }),
    )
    .await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test]
async fn a_kill_names_who_did_it() {
    let cluster = Cluster::start().await;
    for (query, user) in [("", "dr.who"), ("?user.name=hadoop", "hadoop")] {
        let application = running(&cluster, user, "t").await;
        let path = format!("/ws/v1/cluster/apps/{}/state{query}", application.id);
        raw::put(
            cluster.resource_manager().address(),
            &path,
            &json!({ "state": "KILLED" }),
        )
        .await;
        cluster
            .world()
            .until(|world| world.live_applications().is_empty())
            .await;
        let killed = cluster.world().application(application.id).unwrap();
        assert_eq!(
            killed.diagnostics,
            format!("Application {} was killed by user {user}", application.id)
        );
    }
}

#[tokio::test]
async fn an_unkillable_application_goes_on() {
    let cluster = Cluster::start().await;
    cluster.world().script("tough", Job::until_ended().unkillable());
    let application = running(&cluster, "tough", "t").await;
    cluster.world().kill(application.id, "hadoop");
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(cluster.world().application(application.id).unwrap().is_live());
}

#[tokio::test]
async fn a_tag_may_show_late() {
    let cluster = Cluster::start().await;
    cluster.world().script(
        "late",
        Job::until_ended().tag_showing_after(Duration::from_millis(200)),
    );
    submit(
        &cluster,
        "late",
        "x.py",
        json!({ "conf": { "spark.yarn.tags": "mine" } }),
    )
    .await;
    let application = cluster.world().appeared("late").await;
    assert!(found(&cluster, "applicationTags=mine").await.is_empty());
    let by_id = format!("/ws/v1/cluster/apps/{}", application.id);
    assert_eq!(
        raw::get(cluster.resource_manager().address(), &by_id)
            .await
            .status,
        200
    );
    cluster
        .world()
        .until(|world| world.application(application.id).unwrap().tag_shows)
        .await;
    assert_eq!(found(&cluster, "applicationTags=mine").await, ["late"]);
}

#[tokio::test]
async fn metrics_count_nodes_and_applications() {
    let cluster = Cluster::start().await;
    running(&cluster, "one", "t").await;
    let metrics = raw::get(cluster.resource_manager().address(), "/ws/v1/cluster/metrics")
        .await
        .json();
    let metrics: &Value = &metrics["clusterMetrics"];
    assert_eq!(
        (metrics["activeNodes"].as_i64(), metrics["appsRunning"].as_i64()),
        (Some(1), Some(1))
    );
    assert_eq!(cluster.resource_manager().journal().count("GET metrics"), 1);
}

#[tokio::test]
async fn the_peak_of_a_tag_is_what_lived_at_one_time() {
    let cluster = Cluster::start().await;
    let first = running(&cluster, "a", "intent").await;
    running(&cluster, "b", "intent").await;
    cluster.world().kill(first.id, "x");
    cluster
        .world()
        .until(|world| world.live_applications().len() == 1)
        .await;
    running(&cluster, "c", "intent").await;
    assert_eq!(cluster.world().peak_live("intent"), 2);
}
