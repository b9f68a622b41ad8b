//! The ResourceManager's and the NodeManager's behaviours.

use std::time::Duration;

use serde_json::{Value, json};
use sparkwright_tests::cluster::{
    ApplicationState, BatchState, Cluster, Fate, FinalStatus, Job, Memory, Standby,
};

use crate::livy::submit;
use crate::raw;

async fn running(cluster: &Cluster, name: &str, tags: &str) -> sparkwright_tests::cluster::Application {
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
async fn a_traceback_stands_in_the_containers_stdout() {
    let cluster = Cluster::start().await;
    submit(&cluster, "raises", "raise.py", json!({})).await;
    cluster.world().batch_is("raises", BatchState::Dead).await;
    let id = cluster.world().application_named("raises").unwrap().id;
    let attempts = raw::get(
        cluster.resource_manager().address(),
        &format!("/ws/v1/cluster/apps/{id}/appattempts"),
    )
    .await;
    let attempt = attempts.json()["appAttempts"]["appAttempt"][0].clone();
    assert_eq!(
        attempt["nodeHttpAddress"],
        cluster.node_manager().address().to_string()
    );
    let container = attempt["containerId"].as_str().unwrap();

    let logs = format!("/ws/v1/node/containers/{container}/logs");
    let files = raw::get(cluster.node_manager().address(), &logs).await.json();
    assert_eq!(
        files["containerLogsInfo"][0]["containerLogInfo"][0]["fileName"],
        "stdout"
    );
    let stdout = raw::get(cluster.node_manager().address(), &format!("{logs}/stdout"))
        .await
        .body;
    let (framing, rest) = stdout.split_once("LogContents:\n").unwrap();
    assert!(framing.starts_with(&format!(
        "Container: {container} on 127.0.0.1:8041\nLogAggregationType: LOCAL\n===="
    )));
    let (contents, end) = rest.split_once("End of LogType:stdout.").unwrap();
    assert!(
        contents.starts_with("about to raise\nTraceback (most recent call last):\n"),
        "{contents}"
    );
    assert!(
        contents.ends_with("\nRuntimeError: boom from the fixture\n"),
        "{contents}"
    );
    assert!(end.starts_with("\n****"), "{end}");

    let tail = raw::get(
        cluster.node_manager().address(),
        &format!("{logs}/stdout?size=-8"),
    )
    .await
    .body;
    assert!(tail.contains("LogContents:\nfixture\nEnd of LogType"), "{tail}");
    let head = raw::get(cluster.node_manager().address(), &format!("{logs}/stdout?size=5"))
        .await
        .body;
    assert!(head.contains("LogContents:\naboutEnd of LogType"), "{head}");
    cluster.world().forget_logs(id);
    assert_eq!(
        raw::get(cluster.node_manager().address(), &format!("{logs}/stdout"))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_running_containers_log_says_that_it_may_not_be_complete() {
    let cluster = Cluster::start().await;
    let application = running(&cluster, "prints", "t").await;
    cluster.world().print(application.id, "so far\n", "");
    let path = format!(
        "/ws/v1/node/containers/{}/logs/stdout",
        application.attempts[0].container
    );
    let log = raw::get(cluster.node_manager().address(), &path).await.body;
    assert!(
        log.contains("so far\nEnd of LogType:stdout.This log file belongs to a running container"),
        "{log}"
    );
}

#[tokio::test]
async fn a_jvm_exception_stands_in_the_diagnostics_and_an_early_exit_in_the_containers_end() {
    let cluster = Cluster::start().await;
    submit(&cluster, "throws", "boom.jar", json!({})).await;
    submit(&cluster, "exits", "exit3.py", json!({})).await;
    for name in ["throws", "exits"] {
        cluster.world().batch_is(name, BatchState::Dead).await;
    }
    let throws = cluster.world().application_named("throws").unwrap();
    assert_eq!(
        (throws.state, throws.final_status),
        (ApplicationState::Finished, FinalStatus::Failed)
    );
    assert!(throws.diagnostics.starts_with(
        "User class threw exception: java.lang.IllegalStateException: boom from the jar\n\tat "
    ));
    assert!(throws.attempts[0].stderr.contains("boom from the jar"));
    let exits = cluster.world().application_named("exits").unwrap();
    assert_eq!(
        (exits.state, exits.final_status),
        (ApplicationState::Failed, FinalStatus::Failed)
    );
    assert!(
        exits.diagnostics.contains("failed 1 times due to AM Container"),
        "{}",
        exits.diagnostics
    );
    assert!(
        exits.diagnostics.contains("exited with  exitCode: 13\n"),
        "{}",
        exits.diagnostics
    );
    assert!(
        exits
            .diagnostics
            .contains("User application exited with status 3"),
        "{}",
        exits.diagnostics
    );
}

#[tokio::test]
async fn a_failing_driver_is_started_again_as_often_as_yarn_allows() {
    let cluster = Cluster::builder().max_attempts(2).start().await;
    submit(&cluster, "twice", "raise.py", json!({})).await;
    submit(
        &cluster,
        "once",
        "raise.py",
        json!({ "conf": { "spark.yarn.maxAppAttempts": "1" } }),
    )
    .await;
    for (name, attempts) in [("twice", 2), ("once", 1)] {
        cluster.world().batch_is(name, BatchState::Dead).await;
        let application = cluster.world().application_named(name).unwrap();
        assert_eq!(application.attempts.len(), attempts, "{name}");
        assert!(
            application
                .attempts
                .iter()
                .all(|attempt| attempt.stdout.contains("RuntimeError") && attempt.finished_at > 0)
        );
    }
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
async fn a_standby_points_to_the_active_one() {
    for (standby, status) in [
        (Standby::Location, 307),
        (Standby::Refresh, 200),
        (Standby::NoneActive, 307),
    ] {
        let cluster = Cluster::builder().standby(standby).start().await;
        let path = "/ws/v1/cluster/apps?applicationTags=x";
        let active = format!(
            "{}{}",
            cluster.resource_manager_url().as_str().trim_end_matches('/'),
            path
        );
        let answer = raw::get(cluster.standby().address(), path).await;
        assert_eq!(answer.status, status, "{standby:?}");
        match standby {
            Standby::Location => assert_eq!(answer.header("Location"), Some(active.as_str())),
            Standby::Refresh => assert_eq!(
                answer.header("Refresh"),
                Some(format!("3; url={active}").as_str())
            ),
            Standby::NoneActive => assert!(answer.body.starts_with("Can not find any active RM.")),
        }
        cluster.fail_over();
        assert_eq!(
            raw::get(cluster.standby().address(), path).await.body,
            "{\"apps\":{}}"
        );
        assert_ne!(
            raw::get(cluster.resource_manager().address(), path).await.body,
            "{\"apps\":{}}"
        );
    }
}

#[tokio::test]
async fn nothing_changes_its_state_while_the_resource_manager_is_down() {
    let cluster = Cluster::start().await;
    let application = running(&cluster, "goes-on", "t").await;
    cluster.world().batch_is("goes-on", BatchState::Running).await;
    cluster.crash_resource_manager().await;
    assert!(
        tokio::net::TcpStream::connect(cluster.resource_manager().address())
            .await
            .is_err()
    );
    cluster.world().end(application.id, Fate::Succeeds);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(cluster.world().application(application.id).unwrap().is_live());
    assert_eq!(
        cluster.world().batch("goes-on").unwrap().state,
        BatchState::Running
    );
    cluster.start_resource_manager(Memory::Keeps);
    cluster.world().batch_is("goes-on", BatchState::Success).await;
}

#[tokio::test]
async fn livy_calls_a_batch_dead_when_the_resource_manager_is_away_for_too_long() {
    let impatient = |latencies: &mut sparkwright_tests::cluster::Latencies| {
        latencies.livy_yarn_patience = Duration::from_millis(50);
    };
    let cluster = Cluster::builder().with_latencies(impatient).start().await;
    let application = running(&cluster, "lost", "t").await;
    cluster.world().batch_is("lost", BatchState::Running).await;
    cluster.crash_resource_manager().await;
    cluster.world().batch_is("lost", BatchState::Dead).await;
    cluster.start_resource_manager(Memory::Keeps);
    assert!(cluster.world().application(application.id).unwrap().is_live());
}

#[tokio::test]
async fn a_resource_manager_that_forgets_knows_no_application() {
    let cluster = Cluster::start().await;
    let application = running(&cluster, "gone", "t").await;
    cluster.crash_resource_manager().await;
    cluster.start_resource_manager(Memory::Forgets);
    let by_id = format!("/ws/v1/cluster/apps/{}", application.id);
    assert_eq!(
        raw::get(cluster.resource_manager().address(), &by_id)
            .await
            .status,
        404
    );
    cluster.world().batch_is("gone", BatchState::Dead).await;
    let next = running(&cluster, "next", "t").await;
    assert!(next.id.cluster > application.id.cluster);
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
