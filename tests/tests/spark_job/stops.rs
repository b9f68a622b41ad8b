//! Stopping, and knowing that it has stopped.

use std::time::Duration;

use sparkwright_spark_job::standing::Phase;
use sparkwright_spark_job::stop::Stopped;
use sparkwright_tests::cluster::Job;
use sparkwright_tests::faults::{Fault, On};
use tokio::time::Instant;

use crate::site::{SETTLE, Site};

const LONG: Duration = Duration::from_secs(20);

#[track_caller]
fn confirmed(stopped: Stopped) -> Option<String> {
    match stopped {
        Stopped::Confirmed { application, .. } => {
            application.map(|application| application.state.to_string())
        }
        Stopped::Unconfirmed { why } => panic!("unconfirmed: {why}"),
    }
}

#[track_caller]
fn unconfirmed(stopped: Stopped) -> String {
    match stopped {
        Stopped::Confirmed { application, .. } => panic!("confirmed: {application:?}"),
        Stopped::Unconfirmed { why } => why,
    }
}

#[tokio::test]
async fn a_running_job_is_killed_and_its_batch_deleted() {
    let site = Site::new().await;
    let order = site.order("a");
    let (run, _) = site.run_to(&order, Phase::Running).await;
    assert_eq!(confirmed(site.stop(&run, LONG).await).as_deref(), Some("KILLED"));
    assert!(site.live(&order).is_empty() && site.cluster.world().batches().is_empty());
}

#[tokio::test]
async fn what_has_stopped_stops_again() {
    let site = Site::new().await;
    let (run, _) = site.run_to(&site.order("a"), Phase::Running).await;
    site.stop(&run, LONG).await;
    assert_eq!(confirmed(site.stop(&run, LONG).await).as_deref(), Some("KILLED"));
}

#[tokio::test]
async fn a_job_that_is_being_born_does_not_appear_after_its_stop() {
    let site = Site::new().await;
    let order = site.order("a");
    let slow = Job::until_ended().appearing_after(SETTLE / 2);
    site.cluster.world().script("*", slow.outliving_livy());
    let run = site.submit(&order).await.unwrap();
    assert_eq!(confirmed(site.stop(&run, LONG).await).as_deref(), Some("KILLED"));
    assert!(site.live(&order).is_empty());
}

#[tokio::test]
async fn a_spark_submit_that_outlived_its_livy_is_waited_for() {
    let site = Site::new().await;
    let order = site.order("a");
    let slow = Job::until_ended().appearing_after(SETTLE / 2);
    site.cluster.world().script("*", slow.outliving_livy());
    let run = site.submit(&order).await.unwrap();
    site.cluster.restart_livy().await;
    assert_eq!(confirmed(site.stop(&run, LONG).await).as_deref(), Some("KILLED"));
    assert!(site.live(&order).is_empty());
}

#[tokio::test]
async fn nothing_to_be_seen_is_nothing_once_it_has_settled() {
    let site = Site::new().await;
    site.cluster.world().script("*", Job::never_appears());
    let run = site.submit(&site.order("a")).await.unwrap();
    site.cluster.restart_livy().await;
    let stopped = site.stop(&run, LONG).await;
    assert!(run.last_post.elapsed() >= SETTLE);
    assert_eq!(confirmed(stopped), None);
}

#[tokio::test]
async fn a_kill_that_livy_only_claims_is_done_through_yarn() {
    let site = Site::new().await;
    let order = site.order("a");
    let (run, _) = site.run_to(&order, Phase::Running).await;
    site.cluster.world().lose_kills(true);
    assert_eq!(confirmed(site.stop(&run, LONG).await).as_deref(), Some("KILLED"));
    assert!(site.live(&order).is_empty());
    assert!(site.cluster.resource_manager().journal().count("PUT app/state") >= 1);
}

#[tokio::test]
async fn a_job_stops_while_livy_is_down() {
    let site = Site::new().await;
    let order = site.order("a");
    let (run, _) = site.run_to(&order, Phase::Running).await;
    site.cluster.crash_livy().await;
    assert_eq!(confirmed(site.stop(&run, LONG).await).as_deref(), Some("KILLED"));
}

#[tokio::test]
async fn a_job_stops_though_livy_will_not_delete_it() {
    let site = Site::new().await;
    let order = site.order("a");
    let (run, _) = site.run_to(&order, Phase::Running).await;
    let livy = site.cluster.livy().faults();
    livy.inject(On::delete("/batches/*"), Fault::status(403));
    assert_eq!(confirmed(site.stop(&run, LONG).await).as_deref(), Some("KILLED"));
}

#[tokio::test]
async fn a_batch_that_livy_will_not_delete_before_it_has_an_application_is_not_stopped() {
    let site = Site::new().await;
    site.cluster.world().script("*", Job::never_appears());
    let run = site.submit(&site.order("a")).await.unwrap();
    let livy = site.cluster.livy().faults();
    livy.inject(On::delete("/batches/*"), Fault::status(403));
    let why = unconfirmed(site.stop(&run, SETTLE * 2).await);
    assert!(why.contains("check the Livy credentials"), "{why}");
}

#[tokio::test]
async fn a_job_that_will_not_die_is_not_stopped() {
    let site = Site::new().await;
    let order = site.order("a");
    site.cluster.world().script("*", Job::until_ended().unkillable());
    let (run, report) = site.run_to(&order, Phase::Running).await;
    let why = unconfirmed(site.stop(&run, SETTLE).await);
    let id = report.application.unwrap().id;
    assert_eq!(why, format!("`{id}` has not ended yet"));
}

#[tokio::test]
async fn while_yarn_is_silent_nothing_is_stopped_for_certain() {
    let site = Site::new().await;
    let (run, _) = site.run_to(&site.order("a"), Phase::Running).await;
    site.cluster.resource_manager().down().await;
    let why = unconfirmed(site.stop(&run, SETTLE * 2).await);
    assert!(why.contains("is the ResourceManager running there"), "{why}");
}

#[tokio::test]
async fn a_deletion_that_hangs_is_not_waited_for_once_yarn_has_killed_the_job() {
    let site = Site::new().await;
    let order = site.order("a");
    let (run, _) = site.run_to(&order, Phase::Running).await;
    let livy = site.cluster.livy().faults();
    let hanging = livy.inject(On::delete("/batches/*"), Fault::hang());
    let begun = Instant::now();
    assert_eq!(confirmed(site.stop(&run, LONG).await).as_deref(), Some("KILLED"));
    assert!(begun.elapsed() < LONG / 2);
    assert_eq!(hanging.hits(), 1);
}

#[tokio::test]
async fn a_deletion_that_hangs_before_there_is_an_application_stops_nothing_for_certain() {
    let site = Site::new().await;
    site.cluster.world().script("*", Job::never_appears());
    let run = site.submit(&site.order("a")).await.unwrap();
    let livy = site.cluster.livy().faults();
    livy.inject(On::delete("/batches/*"), Fault::hang());
    assert_eq!(
        unconfirmed(site.stop(&run, SETTLE * 2).await),
        "Livy had not deleted the batch in time"
    );
}

#[tokio::test]
async fn a_stop_whose_time_is_over_looks_no_more() {
    let site = Site::new().await;
    let run = site.submit(&site.order("a")).await.unwrap();
    assert_eq!(
        unconfirmed(site.stop(&run, Duration::ZERO).await),
        "it was not looked at yet"
    );
}
