//! Inputs that cannot be a job, and where a job may run.

use serde_json::{Value, json};
use sparkwright_tests::step_functions::Task;

use crate::site::{Site, cause};

async fn refused(site: &Site, task: Task) -> String {
    let outcome = site.step_functions.schedule_task(task).outcome().await;
    let (error, text) = outcome.failure();
    assert_eq!(error, "SparkJob.InvalidInput", "{text}");
    cause(text)["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_input_that_cannot_be_a_job_is_refused_before_livy_is_asked() {
    let site = Site::new().await;
    let worker = site.worker(&[]).await;
    let long = "x".repeat(200_000);
    let cases: [(Task, &str); 8] = [
        (Task::new(json!({})), "`File` is missing"),
        (Task::new(json!([])), "must be a JSON object"),
        (Task::new(Value::Null).raw_input("{\"File\""), "is not JSON"),
        (
            Task::new(json!({"File": "/a", "NumExecutor": 1})),
            "did you mean `NumExecutors`?",
        ),
        (
            Task::new(json!({"File": "/a", "Parameters": {"File": "/b"}})),
            "there is a `Parameters` object",
        ),
        (
            Task::new(json!({"File": "/a", "DriverMemory": "4 gigs"})),
            "`DriverMemory` must be a size",
        ),
        (
            Task::new(json!({"File": "job.py"})),
            "`File` must be a URI with a scheme",
        ),
        (
            Task::new(json!({"File": "/a", "Args": [long]})),
            "longer than 120 KiB",
        ),
    ];
    for (task, expected) in cases {
        let message = refused(&site, task).await;
        assert!(message.contains(expected), "{expected} is not in {message}");
    }
    assert_eq!(site.cluster.livy().journal().count("POST *"), 0);
    // The worker is none the worse for it.
    assert_eq!(site.run("pi.py").outcome().await.output()["state"], "SUCCEEDED");
    assert_eq!(worker.get("/healthz").await.0, 200);
}

#[tokio::test]
async fn a_host_that_was_not_allowed_is_not_even_looked_at() {
    let site = Site::new().await;
    let stranger = Site::new().await;
    let _worker = site.worker(&[]).await;
    // The simulators all live on one host, which the port does not change.
    let elsewhere = |mut url: url::Url| {
        url.set_host(Some("localhost")).unwrap();
        url.to_string()
    };
    let livy = elsewhere(stranger.cluster.livy_url());
    let resource_manager = elsewhere(stranger.cluster.resource_manager_url());
    for input in [
        json!({"File": "/jobs/pi.py", "LivyUrl": livy}),
        json!({"File": "/jobs/pi.py", "LivyHost": "localhost"}),
        json!({"File": "/jobs/pi.py", "ResourceManagerUrl": resource_manager}),
    ] {
        let message = refused(&site, Task::new(input)).await;
        assert!(message.contains("--allow-livy-host localhost"), "{message}");
    }
    assert_eq!(stranger.cluster.livy().journal().count("*"), 0);
    assert_eq!(stranger.cluster.resource_manager().journal().count("*"), 0);
}

#[tokio::test]
async fn another_port_or_path_of_the_workers_own_host_is_not_even_looked_at() {
    let site = Site::new().await;
    let stranger = Site::new().await;
    let _worker = site.worker(&[]).await;
    let livy = stranger.cluster.livy_url();
    let beneath = site.cluster.livy_url().join("/ui").unwrap();
    for input in [
        json!({"File": "/jobs/pi.py", "LivyUrl": livy}),
        json!({"File": "/jobs/pi.py", "LivyUrl": beneath}),
        json!({"File": "/jobs/pi.py", "LivyHost": "127.0.0.1", "LivyPort": livy.port()}),
        json!({"File": "/jobs/pi.py", "ResourceManagerUrl": stranger.cluster.resource_manager_url()}),
        json!({"File": "/jobs/pi.py", "ResourceManagerUrl": site.cluster.livy_url()}),
    ] {
        let message = refused(&site, Task::new(input)).await;
        assert!(
            message.contains("on its own hosts this worker may use only"),
            "{message}"
        );
        assert!(message.contains("--allow-livy-host 127.0.0.1"), "{message}");
    }
    assert_eq!(stranger.cluster.livy().journal().count("*"), 0);
    assert_eq!(stranger.cluster.resource_manager().journal().count("*"), 0);
}

#[tokio::test]
async fn an_allowed_host_runs_the_job() {
    let site = Site::new().await;
    let other = Site::new().await;
    let _worker = site.worker(&["--allow-livy-host=localhost"]).await;
    let mut livy = other.cluster.livy_url();
    livy.set_host(Some("LOCALHOST")).unwrap();
    let mut resource_manager = other.cluster.resource_manager_url();
    resource_manager.set_host(Some("localhost")).unwrap();
    let input = json!({
        "LivyUrl": livy,
        "ResourceManagerUrl": resource_manager,
        "File": other.cluster.job_file("pi.py"),
    });
    assert_eq!(
        site.schedule(input).outcome().await.output()["state"],
        "SUCCEEDED"
    );
    assert_eq!(site.cluster.livy().journal().count("POST *"), 0);
    assert_eq!(other.cluster.world().applications().len(), 1);
}
