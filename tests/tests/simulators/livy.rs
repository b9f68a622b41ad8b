//! Livy's behaviours that one exchange does not show.

use std::time::Duration;

use serde_json::{Value, json};
use sparkwright_tests::cluster::{
    ApplicationState, BatchState, Cluster, Fate, FinalStatus, Job, LivyVersion, Master,
};

use crate::raw::{self, Reply};

/// POSTs a batch of this name and file, with further members.
pub(crate) async fn submit(cluster: &Cluster, name: &str, file: &str, more: Value) -> Reply {
    let mut batch = json!({ "file": cluster.job_file(file), "name": name });
    batch
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    raw::post(cluster.livy().address(), "/batches", &batch).await
}

pub(crate) async fn show(cluster: &Cluster, name: &str) -> Value {
    raw::get(cluster.livy().address(), &format!("/batches/{name}"))
        .await
        .json()
}

pub(crate) async fn whole_log(cluster: &Cluster, name: &str) -> Vec<String> {
    let log = raw::get(cluster.livy().address(), &format!("/batches/{name}/log?size=-1"))
        .await
        .json();
    serde_json::from_value(log["log"].clone()).unwrap()
}

#[tokio::test]
async fn a_batch_of_0_6_has_no_owner() {
    let cluster = Cluster::builder().livy_version(LivyVersion::V0_6).start().await;
    let created = submit(&cluster, "old", "pi.py", json!({})).await.json();
    let members: Vec<&String> = created.as_object().unwrap().keys().collect();
    assert_eq!(members, ["appId", "appInfo", "id", "log", "name", "state"]);
}

#[tokio::test]
async fn the_duplicate_text_of_0_6_is_shorter() {
    let cluster = Cluster::builder().livy_version(LivyVersion::V0_6).start().await;
    submit(&cluster, "old", "pi.py", json!({})).await;
    let refused = submit(&cluster, "old", "pi.py", json!({})).await;
    assert_eq!(
        (refused.status, refused.message().as_str()),
        (400, "Duplicate session name: Some(old)")
    );
}

#[tokio::test]
async fn the_log_is_a_ring_of_two_hundred_lines() {
    let cluster = Cluster::builder().master(Master::Local).start().await;
    let lines: String = (0..500).map(|number| format!("line {number}\n")).collect();
    cluster.world().script("ring", Job::succeeds().printing(&lines));
    submit(&cluster, "ring", "lines.py", json!({})).await;
    cluster.world().batch_is("ring", BatchState::Success).await;

    let log = whole_log(&cluster, "ring").await;
    assert_eq!(
        (log.len(), log[0].as_str(), log[1].as_str()),
        (202, "stdout: ", "line 303")
    );
    assert_eq!(log[201], "\nstderr: ");
    for (query, from, lines) in [
        ("", 102, 100),
        ("?from=-5&size=2", 200, 2),
        ("?from=1000", 1000, 0),
        ("?from=200", 200, 2),
    ] {
        let page = raw::get(cluster.livy().address(), &format!("/batches/ring/log{query}"))
            .await
            .json();
        assert_eq!(
            (page["from"].as_i64(), page["total"].as_i64()),
            (Some(from), Some(202)),
            "{query}"
        );
        assert_eq!(page["log"].as_array().unwrap().len(), lines, "{query}");
    }
    assert_eq!(show(&cluster, "ring").await["log"].as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn the_urls_come_one_look_after_the_application_id() {
    let slow = |latencies: &mut sparkwright_tests::cluster::Latencies| {
        latencies.livy_poll = Duration::from_millis(500)
    };
    let cluster = Cluster::builder().with_latencies(slow).start().await;
    submit(&cluster, "urls", "forever.py", json!({})).await;
    cluster
        .world()
        .until(|world| world.batch("urls").unwrap().application.is_some())
        .await;
    let first = show(&cluster, "urls").await;
    assert_eq!(
        (first["state"].as_str(), &first["appInfo"]["sparkUiUrl"]),
        (Some("starting"), &Value::Null)
    );
    cluster.world().batch_is("urls", BatchState::Running).await;
    let then = show(&cluster, "urls").await;
    let application = then["appId"].as_str().unwrap();
    let proxy = format!("{}proxy/{application}/", cluster.resource_manager_url());
    assert_eq!(then["appInfo"]["sparkUiUrl"], proxy);
    assert!(
        then["appInfo"]["driverLogUrl"]
            .as_str()
            .unwrap()
            .ends_with("_01_000001/livy")
    );
}

#[tokio::test]
async fn a_batch_being_born_looks_like_a_zombie() {
    let cluster = Cluster::builder()
        .with_latencies(|latencies| latencies.post = Duration::from_millis(200))
        .start()
        .await;
    let birth = submit(&cluster, "newborn", "pi.py", json!({}));
    let look = async {
        cluster
            .world()
            .until(|world| world.batch("newborn").is_some())
            .await;
        show(&cluster, "newborn").await
    };
    let (born, seen) = tokio::join!(birth, look);
    assert_eq!(
        (seen["state"].as_str(), &seen["log"]),
        (Some("starting"), &json!([]))
    );
    assert_eq!(born.json()["log"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_full_queue_keeps_a_batch_starting() {
    let cluster = Cluster::start().await;
    cluster.world().bar_queue();
    submit(&cluster, "waits", "pi.py", json!({})).await;
    cluster
        .world()
        .until(|world| world.batch("waits").unwrap().application.is_some())
        .await;
    assert_eq!(
        cluster.world().applications()[0].state,
        ApplicationState::Accepted
    );
    assert_eq!(
        cluster.world().batch("waits").unwrap().state,
        BatchState::Starting
    );
    cluster.world().open_queue();
    cluster.world().batch_is("waits", BatchState::Success).await;
}

#[tokio::test]
async fn client_mode_shows_no_state_since_0_8() {
    for (version, while_running) in [
        (LivyVersion::V0_7, BatchState::Running),
        (LivyVersion::V0_8, BatchState::Starting),
    ] {
        let cluster = Cluster::builder()
            .livy_version(version)
            .master(Master::YarnClient)
            .start()
            .await;
        submit(&cluster, "client", "forever.py", json!({})).await;
        cluster
            .world()
            .until(|world| world.batch("client").unwrap().application.is_some())
            .await;
        let application = cluster.world().application_named("client").unwrap().id;
        cluster
            .world()
            .until(|world| world.application(application).unwrap().state == ApplicationState::Running)
            .await;
        if while_running == BatchState::Starting {
            // A few looks later Livy would have seen it, if it looked at all.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        cluster.world().batch_is("client", while_running).await;
        cluster.world().end(
            application,
            Fate::Raises {
                error: "ValueError: x".to_owned(),
            },
        );
        cluster
            .world()
            .until(|world| world.batch("client").unwrap().state.is_terminal())
            .await;
        let application = cluster.world().application(application).unwrap();
        assert_eq!(
            application.final_status,
            FinalStatus::Succeeded,
            "YARN's word for every client's end"
        );
    }
}

#[tokio::test]
async fn livy_forgets_and_loses_sight_as_it_is_told() {
    let cluster = Cluster::start().await;
    for name in ["forgotten", "lost"] {
        submit(&cluster, name, "forever.py", json!({})).await;
        cluster.world().batch_is(name, BatchState::Running).await;
    }
    cluster.world().forget_batch("forgotten");
    cluster.world().lose_sight("lost");
    assert_eq!(
        raw::get(cluster.livy().address(), "/batches/forgotten")
            .await
            .status,
        404
    );
    assert_eq!(show(&cluster, "lost").await["state"], "dead");
    assert_eq!(cluster.world().live_applications().len(), 2);
}

#[tokio::test]
async fn credentials_are_asked_for() {
    let cluster = Cluster::builder()
        .credentials("hadoop", "s3cret")
        .impersonation()
        .start()
        .await;
    let livy = cluster.livy().address();
    let without = raw::get(livy, "/batches").await;
    assert_eq!(
        (without.status, without.header("WWW-Authenticate")),
        (401, Some("Basic"))
    );
    let with = async |credentials: &str, method: &str, path: &str, body: &str| {
        raw::send(
            livy,
            method,
            path,
            &[format!("Authorization: Basic {credentials}")],
            body,
        )
        .await
    };
    assert_eq!(with("aGFkb29wOndyb25n", "GET", "/batches", "").await.status, 403);
    let body = r#"{"file": "s3://b/pi.py", "proxyUser": "eve"}"#;
    let created = with("aGFkb29wOnMzY3JldA==", "POST", "/batches?doAs=bob", body).await;
    assert_eq!(created.status, 201);
    assert_eq!(
        (&created.json()["owner"], &created.json()["proxyUser"]),
        (&json!("hadoop"), &json!("bob"))
    );
}

#[tokio::test]
async fn a_page_is_cut_out_of_the_list() {
    let cluster = Cluster::start().await;
    for number in 0..5 {
        submit(&cluster, &format!("n-{number}"), "forever.py", json!({})).await;
    }
    let page = raw::get(cluster.livy().address(), "/batches?from=3&size=10")
        .await
        .json();
    assert_eq!(
        (page["from"].as_i64(), page["total"].as_i64()),
        (Some(3), Some(5))
    );
    let names: Vec<&str> = page["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["n-3", "n-4"]);
    assert_eq!(
        raw::get(cluster.livy().address(), "/batches?from=x").await.status,
        400
    );
}
