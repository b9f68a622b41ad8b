//! The gate: the seam at which somebody who knows that a request was overtaken calls it off.

use serde_json::json;
use spark_job_function::gate::Moment;

use crate::stage::{Stage, Strike, failed, is_nothing, other, succeeded, with};

const OVERTAKEN: &str = "the stack has rolled back meanwhile";

#[tokio::test]
async fn closed_before_the_post_it_keeps_the_batch_from_being_made() {
    let stage = Stage::new().await;
    stage.gate.strike(Moment::BeforePost, Strike::Close);
    let answer = stage.create(&stage.properties()).await;
    failed(&answer, OVERTAKEN);
    is_nothing(answer.physical_id());
    assert_eq!(stage.posts(), 0);
}

#[tokio::test]
async fn closed_between_post_and_answer_it_has_the_run_stopped() {
    for moment in [Moment::AfterPost, Moment::BeforeAnswer] {
        let stage = Stage::new().await;
        stage.gate.strike(moment, Strike::Close);
        let answer = stage.create(&stage.properties()).await;
        failed(&answer, OVERTAKEN);
        assert_eq!((stage.posts(), stage.living()), (1, 0));
        succeeded(&stage.delete(answer.physical_id(), &stage.properties()).await);
    }
}

#[tokio::test]
async fn closed_before_a_stop_it_saves_the_old_job() {
    let stage = Stage::new().await;
    let old = stage.properties();
    let id = stage.created(&old).await;
    let job = stage.live().id;
    stage.gate.strike(Moment::BeforeStopping, Strike::Close);
    let answer = stage.update(&id, &old, &other(&old)).await;
    failed(&answer, OVERTAKEN);
    assert_eq!((answer.physical_id(), stage.live().id), (&*id, job));
}

#[tokio::test]
async fn closed_before_an_updates_answer_it_has_the_new_run_stopped_only() {
    let stage = Stage::new().await;
    let old = with(&stage.properties(), json!({"UpdatePolicy": "StartThenStop"}));
    let id = stage.created(&old).await;
    let job = stage.live().id;
    stage.gate.strike(Moment::BeforeAnswer, Strike::Close);
    let answer = stage.update(&id, &old, &other(&old)).await;
    failed(&answer, OVERTAKEN);
    assert_eq!((answer.physical_id(), stage.live().id), (&*id, job));
}

#[tokio::test]
async fn a_wait_that_takes_too_long_leaves_the_job_that_another_delivery_has_answered_for() {
    let stage = Stage::new().await;
    stage.gate.strike(Moment::Waiting, Strike::Accept);
    let properties = with(
        &stage.properties(),
        json!({"HealthySeconds": 60, "WaitTimeoutSeconds": 1}),
    );
    succeeded(&stage.create(&properties).await);
    assert_eq!((stage.posts(), stage.living()), (1, 1));
}
