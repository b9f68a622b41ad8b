//! Submitting once, whatever is lost on the way.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::json;
use sparkwright_spark_job::standing::{Ending, Phase};
use sparkwright_spark_job::submission::{
    Gate, Order, Patience, SubmitError, Supervisor, Unsupervised, submit,
};
use sparkwright_tests::cluster::{Cluster, Job};
use sparkwright_tests::faults::{Fault, On};
use sparkwright_tests::http::Answer;
use tokio::time::Instant;

use crate::site::{PERIOD, SETTLE, Site, number, patience, within};

#[tokio::test]
async fn a_job_is_posted_once_with_the_tags_by_which_it_is_found() {
    let site = Site::new().await;
    let order = site.order("a");
    let run = site.submit(&order).await.unwrap();
    assert!(!run.adopted);
    assert_eq!((site.posts(), run.batch_id), (1, Some(0)));
    let application = site.cluster.world().appeared(run.name.as_str()).await;
    assert!(application.tags.contains(&run.name.key().tag()));
    assert_eq!(site.live(&order).len(), 1);
}

#[tokio::test]
async fn a_known_run_is_adopted_by_whoever_asks() {
    let site = Site::new().await;
    let order = site.order("a");
    let run = site.submit(&order).await.unwrap();
    let again = site.submit(&order).await.unwrap();
    assert!(again.adopted);
    assert_eq!((again.name, site.posts()), (run.name, 1));
}

#[tokio::test]
async fn a_lost_answer_is_no_second_post() {
    let faults = [
        Fault::lost_answer(),
        Fault::Truncate,
        Fault::Replace(Answer::html(502, "<h1>Bad Gateway</h1>")),
        Fault::Replace(Answer::html(504, "<h1>Gateway Time-out</h1>")),
    ];
    for fault in faults {
        let site = Site::new().await;
        let order = site.order("a");
        let livy = site.cluster.livy().faults();
        let lost = livy.inject(On::post("/batches").first(1), fault.clone());
        let run = site.submit(&order).await.unwrap();
        assert_eq!(
            (lost.hits(), site.posts(), run.adopted),
            (1, 1, true),
            "{fault:?}"
        );
        site.cluster.world().appeared(run.name.as_str()).await;
        assert_eq!(site.peak(&order), 1);
    }
}

#[tokio::test]
async fn a_lost_request_is_repeated_under_its_number_once_it_has_settled() {
    let site = Site::new().await;
    let order = site.order("a");
    let livy = site.cluster.livy().faults();
    livy.inject(On::post("/batches").first(1), Fault::lost_request());
    let begun = Instant::now();
    let run = site.submit(&order).await.unwrap();
    assert!(begun.elapsed() >= SETTLE);
    assert_eq!((site.posts(), number(&order, &run)), (2, 1));
}

#[tokio::test]
async fn a_batch_that_a_restarted_livy_has_forgotten_is_found_in_yarn() {
    let site = Site::new().await;
    let order = site.order("a");
    let slow = Job::until_ended().appearing_after(SETTLE / 2);
    site.cluster.world().script("*", slow.outliving_livy());
    let livy = site.cluster.livy().faults();
    livy.inject(On::post("/batches").first(1), Fault::lost_answer());
    let restart = async {
        let world = site.cluster.world();
        world.until(|world| world.running_spark_submits() == 1).await;
        site.cluster.restart_livy().await;
    };
    let (run, ()) = tokio::join!(site.submit(&order), restart);
    let run = run.unwrap();
    assert_eq!((site.posts(), run.adopted, run.batch_id), (1, true, None));
    assert_eq!(site.peak(&order), 1);
}

#[tokio::test]
async fn two_programs_with_one_intent_have_one_run() {
    let site = Site::on(Cluster::builder().with_latencies(|latencies| latencies.post = PERIOD)).await;
    let order = site.order("a");
    let gate = site.cluster.livy().faults().hold(
        On::post("/batches").first(2),
        sparkwright_tests::faults::Moment::Before,
    );
    let open = async {
        gate.arrived(2).await;
        gate.open();
    };
    let (first, second, ()) = tokio::join!(site.submit(&order), site.submit(&order), open);
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.name, second.name);
    assert_eq!((site.posts(), first.adopted ^ second.adopted), (2, true));
    site.cluster.world().appeared(first.name.as_str()).await;
    assert_eq!(site.peak(&order), 1);
}

#[tokio::test]
async fn what_livy_refuses_is_said_at_once_and_leaves_nothing() {
    let site = Site::new().await;
    let order = site.order_of("a", json!({"File": "file:///etc/passwd"}));
    let begun = Instant::now();
    let error = site.submit(&order).await.unwrap_err();
    assert!(begun.elapsed() < SETTLE);
    assert_eq!(
        error.to_string(),
        "Livy refused the job: requirement failed: Local path /etc/passwd cannot be added to user sessions."
    );
    assert!(site.cluster.world().batches().is_empty());
}

#[tokio::test]
async fn a_shell_whose_refusal_was_lost_is_removed_once_it_has_stood() {
    let site = Site::new().await;
    let order = site.order_of("a", json!({"File": "file:///etc/passwd"}));
    let livy = site.cluster.livy().faults();
    livy.inject(On::post("/batches").first(1), Fault::lost_answer());
    let begun = Instant::now();
    let error = site.submit(&order).await.unwrap_err();
    assert!(matches!(error, SubmitError::Rejected { .. }), "{error}");
    assert!(begun.elapsed() >= SETTLE);
    assert!(site.cluster.world().batches().is_empty());
}

#[tokio::test]
async fn nothing_is_posted_without_yarn_and_the_message_says_what_to_check() {
    let site = Site::new().await;
    site.cluster.resource_manager().down().await;
    let patience = Patience {
        submit_timeout: Duration::from_millis(300),
        ..patience()
    };
    let said = Said::default();
    let error = refused(&site, &site.order("a"), patience, &said)
        .await
        .to_string();
    assert!(
        error.starts_with("nothing was submitted within 300ms: could not list"),
        "{error}"
    );
    assert!(error.contains("security group"), "{error}");
    assert_eq!(site.posts(), 0);
    // It was said when it began, and only once.
    assert_eq!(said.0.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_livy_that_comes_back_in_time_is_waited_for() {
    let site = Site::new().await;
    site.cluster.livy().down().await;
    let order = site.order("a");
    let back = async {
        tokio::time::sleep(PERIOD * 5).await;
        site.cluster.livy().up();
    };
    let (run, ()) = tokio::join!(site.submit(&order), back);
    assert!(!run.unwrap().adopted);
    assert_eq!(site.posts(), 1);
}

#[tokio::test]
async fn too_many_sessions_are_waited_for() {
    let site = Site::on(Cluster::builder().max_creation(1)).await;
    let hanging = site.order("hangs");
    site.cluster.world().script_next("*", Job::never_appears());
    let first = site.submit(&hanging).await.unwrap();
    let order = site.order("a");
    let room = async {
        site.cluster.livy().journal().reached("POST /batches", 3).await;
        site.cluster.world().kill_spark_submit(first.name.as_str());
    };
    let (run, ()) = tokio::join!(site.submit(&order), room);
    assert!(!run.unwrap().adopted);
}

#[tokio::test]
async fn a_run_that_failed_is_followed_by_the_next_number() {
    let site = Site::new().await;
    let order = site.order_of("a", json!({"File": site.cluster.job_file("raise.py")}));
    for expected in 1..=3 {
        let run = site.submit(&order).await.unwrap();
        assert_eq!((number(&order, &run), run.adopted), (expected, false));
        assert_eq!(site.outcome(&order, &run).await.ending, Ending::Failed);
    }
    assert_eq!((site.posts(), site.peak(&order)), (3, 1));
}

#[tokio::test]
async fn a_run_that_livy_lost_sight_of_is_adopted_while_it_lives() {
    let site = Site::new().await;
    let order = site.order("a");
    let (run, _) = site.run_to(&order, Phase::Running).await;
    site.cluster.world().lose_sight(run.name.as_str());
    assert_eq!(site.submit(&order).await.unwrap().name, run.name);
    site.cluster.world().forget_batch(run.name.as_str());
    assert_eq!(site.submit(&order).await.unwrap().name, run.name);
    assert_eq!(site.posts(), 1);
}

#[tokio::test]
async fn a_deadline_ends_the_waiting_and_names_what_may_be_left() {
    let site = Site::new().await;
    let order = site.order("a");
    let livy = site.cluster.livy().faults();
    livy.inject(On::post("/batches").first(1), Fault::lost_request());
    let patience = Patience {
        deadline: Some(Instant::now() + SETTLE / 2),
        ..patience()
    };
    match refused(&site, &order, patience, &Unsupervised).await {
        SubmitError::Deadline { left_behind, .. } => assert_eq!(left_behind, Some(order.batch_name(1))),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_submission_that_is_called_off_says_what_it_left() {
    let site = Site::new().await;
    let order = site.order("a");
    for (at, left, posts) in [
        (Gate::BeforePost { number: 1 }, false, 0),
        (Gate::AfterPost, true, 1),
    ] {
        match refused(&site, &order, patience(), &ClosedAt(at)).await {
            SubmitError::Superseded { left_behind, .. } => assert_eq!(left_behind.is_some(), left),
            other => panic!("{other}"),
        }
        assert_eq!(site.posts(), posts);
    }
}

/// A submission that comes to nothing.
async fn refused(
    site: &Site,
    order: &Order,
    patience: Patience,
    supervisor: &impl Supervisor,
) -> SubmitError {
    within(submit(&site.endpoints, order, &patience, supervisor))
        .await
        .unwrap_err()
}

#[derive(Default)]
struct Said(Mutex<Vec<String>>);

impl Supervisor for Said {
    fn waiting(&self, why: &str) {
        self.0.lock().unwrap().push(why.to_owned());
    }
}

struct ClosedAt(Gate);

impl Supervisor for ClosedAt {
    async fn gate(&self, gate: Gate) -> Result<(), String> {
        if gate == self.0 {
            Err("not wanted".into())
        } else {
            Ok(())
        }
    }
}
