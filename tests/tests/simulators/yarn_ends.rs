//! How applications end, and where the reason stands.

use serde_json::json;
use sparkwright_tests::cluster::{ApplicationState, BatchState, Cluster, FinalStatus};

use crate::livy::submit;
use crate::raw;
use crate::yarn::running;

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
