//! Create: the job is started, once, and answered for.

use std::time::{Duration, Instant};

use serde_json::json;
use sparkwright_tests::cluster::{Cluster, Fate, Job};
use sparkwright_tests::faults::{Fault, Moment, On};

use crate::stage::{Stage, aged, attributes, batch_of, failed, is_nothing, succeeded, with};

#[tokio::test]
async fn a_create_submits_once_and_answers_with_every_attribute() {
    let stage = Stage::new().await;
    let answer = stage.create(&stage.properties()).await;
    let id = succeeded(&answer);
    let application = stage.live();
    let attributes = attributes(&answer);
    assert_eq!(attributes["ApplicationId"], application.id.to_string());
    assert_eq!(attributes["State"], "RUNNING");
    assert_eq!(attributes["BatchId"], "0");
    assert_eq!(attributes["Name"], batch_of(&id));
    assert_eq!(attributes["LivyUrl"], stage.cluster.livy_url().as_str());
    for link in ["DriverLogUrl", "SparkUiUrl", "TrackingUrl"] {
        assert!(
            attributes[link].as_str().unwrap().starts_with("http://"),
            "{link}: {}",
            attributes[link]
        );
    }
    assert_eq!(application.name, batch_of(&id));
    assert!(batch_of(&id).starts_with("sparkpi-"), "{id}");
    assert_eq!(stage.posts(), 1);
}

#[tokio::test]
async fn the_same_event_delivered_again_watches_the_same_run() {
    let stage = Stage::new().await;
    let event = stage.sink.create(&stage.resource, stage.properties());
    let first = succeeded(&stage.send(&event).await);
    stage.invoke(&event, crate::stage::LONG).await.unwrap();
    let answers = stage.sink.answers(&event.request_id);
    assert_eq!(
        answers.iter().map(succeeded).collect::<Vec<_>>(),
        [first.clone(), first]
    );
    assert_eq!((stage.posts(), stage.living()), (1, 1));
}

#[tokio::test]
async fn an_event_delivered_twice_at_once_makes_one_application() {
    let stage = Stage::new().await;
    let event = stage.sink.create(&stage.resource, stage.properties());
    let (one, two) = tokio::join!(
        stage.invoke(&event, crate::stage::LONG),
        stage.invoke(&event, crate::stage::LONG)
    );
    assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");
    assert!(
        stage
            .sink
            .answers(&event.request_id)
            .iter()
            .all(|answer| answer.verdict.is_success())
    );
    assert_eq!((stage.living(), stage.peak()), (1, 1));
}

#[tokio::test]
async fn each_goal_is_waited_for() {
    let stage = Stage::new().await;
    stage.cluster.world().bar_queue();
    let answer = stage
        .create(&with(&stage.properties(), json!({"WaitFor": "Submitted"})))
        .await;
    assert_eq!(attributes(&answer)["State"], "SUBMITTED");
    stage.cluster.world().open_queue();

    let stage = Stage::new().await;
    let answer = stage
        .create(&with(&stage.running("pi.py"), json!({"WaitFor": "Success"})))
        .await;
    assert_eq!(attributes(&answer)["State"], "SUCCEEDED");
}

#[tokio::test]
async fn a_job_that_dies_young_is_not_healthy() {
    let stage = Stage::new().await;
    let job = Job::raises("KeyError: 'bucket'").running_for(Duration::from_millis(200));
    stage.cluster.world().script("*", job);
    let answer = stage
        .create(&with(&stage.properties(), json!({"HealthySeconds": 2})))
        .await;
    failed(&answer, "the job failed: KeyError: 'bucket'");
}

#[tokio::test]
async fn a_failed_python_job_is_explained_by_its_traceback() {
    let stage = Stage::new().await;
    stage
        .cluster
        .world()
        .script("*", Job::raises("ValueError: no such table"));
    let answer = stage
        .create(&with(&stage.properties(), json!({"WaitFor": "Success"})))
        .await;
    let application = stage.cluster.world().applications()[0].clone();
    failed(&answer, "the job failed: ValueError: no such table");
    failed(&answer, &application.id.to_string());
    failed(&answer, "Traceback (most recent call last):\n");
    failed(&answer, "YARN: User application exited with status 1");
    failed(&answer, "\nSee http://");
    assert!(answer.raw.len() <= 4096);
    succeeded(&stage.delete(answer.physical_id(), &stage.properties()).await);
}

#[tokio::test]
async fn a_failed_jvm_job_is_explained_by_its_exception() {
    let stage = Stage::new().await;
    let answer = stage
        .create(&with(&stage.running("boom.jar"), json!({"WaitFor": "Success"})))
        .await;
    failed(
        &answer,
        "the job failed: java.lang.IllegalStateException: boom from the jar",
    );
}

#[tokio::test]
async fn what_stands_in_the_way_of_starting_is_said_in_seconds_whatever_the_time_to_settle() {
    let not_there = "java.io.FileNotFoundException: File file:/jobs/missing.py does not exist";
    let no_queue =
        "org.apache.hadoop.yarn.exceptions.YarnException: Application rejected by queue placement policy";
    let too_large = "java.lang.IllegalArgumentException: Required AM memory is above the max threshold";
    for complaint in [not_there, no_queue, too_large] {
        let stage = Stage::settling(Cluster::builder(), Duration::from_secs(150)).await;
        stage.cluster.world().script("*", Job::start_fails(complaint));
        let began = Instant::now();
        let answer = stage.create(&stage.properties()).await;
        failed(&answer, "the job could not be started");
        failed(&answer, complaint);
        succeeded(&stage.delete(answer.physical_id(), &stage.properties()).await);
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn a_mistake_in_the_template_is_said_before_livy_is_asked() {
    let stage = Stage::new().await;
    let mut properties = with(
        &stage.properties(),
        json!({"WaitFr": "Running", "HealthySeconds": "soon"}),
    );
    properties["Parameters"] = json!({"File": "pi.py", "NumExecutor": 2, "DriverMemory": "4 gigs"});
    let answer = stage.create(&properties).await;
    failed(&answer, "`WaitFr` is not a property; did you mean `WaitFor`?");
    failed(
        &answer,
        "`NumExecutor` is not a parameter; did you mean `NumExecutors`?",
    );
    failed(&answer, "`File` must be a URI with a scheme");
    failed(
        &answer,
        "`DriverMemory` must be a size such as `512m` or `4g`, not `4 gigs`",
    );
    is_nothing(answer.physical_id());
    succeeded(&stage.delete(answer.physical_id(), &properties).await);
    assert!(stage.cluster.livy().journal().counts().is_empty());
}

#[tokio::test]
async fn a_refused_job_leaves_nothing_that_holds_its_name() {
    let stage = Stage::new().await;
    let mut properties = stage.properties();
    properties["Parameters"]["File"] = json!("file:///etc/passwd");
    let answer = stage.create(&properties).await;
    failed(&answer, "Livy refused the job: ");
    failed(&answer, "Local path /etc/passwd cannot be added to user sessions");
    is_nothing(answer.physical_id());
    assert!(stage.cluster.world().batches().is_empty());
}

#[tokio::test]
async fn a_lost_answer_is_looked_for_and_never_submitted_again() {
    let stage = Stage::new().await;
    stage
        .cluster
        .livy()
        .faults()
        .inject(On::post("/batches").first(1), Fault::lost_answer());
    succeeded(&stage.create(&stage.properties()).await);
    assert_eq!((stage.posts(), stage.living()), (1, 1));
}

#[tokio::test]
async fn a_job_that_deletion_policy_retained_is_named() {
    let stage = Stage::new().await;
    stage.created(&stage.properties()).await;
    let retained = stage.live();
    let answer = stage.create(&stage.properties()).await;
    failed(&answer, &format!("`{}` (batch `{}`)", retained.id, retained.name));
    failed(&answer, "DeletionPolicy: Retain");
    succeeded(&stage.delete(answer.physical_id(), &stage.properties()).await);
    assert_eq!(stage.live().id, retained.id);
    stage.cluster.world().end(retained.id, Fate::Succeeds);
    stage
        .cluster
        .world()
        .until(|world| world.live_applications().is_empty())
        .await;
    stage.created(&stage.properties()).await;
}

#[tokio::test]
async fn an_event_whose_url_has_expired_submits_nothing() {
    let stage = Stage::new().await;
    let event = aged(
        stage.sink.create(&stage.resource, stage.properties()),
        Duration::from_secs(7201),
    );
    assert!(stage.invoke(&event, crate::stage::LONG).await.is_err());
    assert_eq!(stage.posts(), 0);
}

#[tokio::test]
async fn a_repeated_create_that_finds_nobody_leads_to_what_the_first_may_have_left() {
    let stage = Stage::new().await;
    stage.cluster.livy().down().await;
    let event = stage.sink.create(&stage.resource, stage.properties());
    is_nothing(stage.send(&event).await.physical_id());
    let event = aged(
        stage.sink.create(&stage.resource, stage.properties()),
        Duration::from_secs(70),
    );
    let answer = stage.send(&event).await;
    failed(&answer, "nothing was submitted within ");
    batch_of(answer.physical_id());
    stage.cluster.livy().up();
    succeeded(&stage.delete(answer.physical_id(), &stage.properties()).await);
}

#[tokio::test]
async fn a_wait_that_takes_too_long_stops_the_job_and_says_how_it_stood() {
    let stage = Stage::new().await;
    stage.cluster.world().bar_queue();
    let answer = stage
        .create(&with(&stage.properties(), json!({"WaitTimeoutSeconds": 1})))
        .await;
    failed(&answer, "the job was SUBMITTED (application_");
    failed(
        &answer,
        "not running within 1 s (`WaitTimeoutSeconds`); it was stopped",
    );
    assert_eq!(stage.living(), 0);
    succeeded(&stage.delete(answer.physical_id(), &stage.properties()).await);
}

#[tokio::test]
async fn the_end_of_the_invocation_cuts_the_wait() {
    let stage = Stage::new().await;
    let properties = with(&stage.properties(), json!({"WaitFor": "Success"}));
    let event = stage.sink.create(&stage.resource, properties);
    let answer = stage.send_within(&event, Duration::from_secs(5)).await;
    failed(&answer, "the job was RUNNING (application_");
    failed(&answer, "not finished before the function had to answer");
    assert_eq!(stage.living(), 0);
}

#[tokio::test]
async fn a_job_that_succeeds_while_it_is_being_stopped_has_succeeded() {
    let stage = Stage::new().await;
    let properties = with(
        &stage.properties(),
        json!({"WaitFor": "Success", "WaitTimeoutSeconds": 1}),
    );
    let gate = stage
        .cluster
        .livy()
        .faults()
        .hold(On::delete("/batches/*"), Moment::Before);
    let event = stage.sink.create(&stage.resource, properties);
    stage.cluster.world().script("*", Job::until_ended().unkillable());
    let ending = async {
        gate.arrived(1).await;
        stage.cluster.world().end(stage.live().id, Fate::Succeeds);
        stage
            .cluster
            .world()
            .until(|world| world.live_applications().is_empty())
            .await;
        gate.open();
    };
    let (answer, ()) = tokio::join!(stage.send(&event), ending);
    assert_eq!(attributes(&answer)["State"], "SUCCEEDED");
}

#[tokio::test]
async fn what_is_secret_in_a_job_is_not_shown_in_its_failure() {
    let stage = Stage::new().await;
    let error = "ConnectionError: jdbc:pg://db as etl with hunter22";
    stage.cluster.world().script("*", Job::raises(error));
    let mut properties = with(
        &stage.properties(),
        json!({"WaitFor": "Success", "Redact": ["jdbc:*"]}),
    );
    properties["Parameters"]["Args"] = json!(["--password", "hunter22", "jdbc:pg://db"]);
    let answer = stage.create(&properties).await;
    failed(&answer, "ConnectionError: **** as etl with ****");
    assert!(!String::from_utf8_lossy(&answer.raw).contains("hunter22"));
}
