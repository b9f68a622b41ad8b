//! Breaks of what follows a submission: the wait, the function itself, its time, and the answer's way.

use std::time::Duration;

use serde_json::{Value, json};
use spark_job_function::gate::Moment;
use sparkwright_tests::cluster::{ApplicationId, ApplicationState, Fate, Job};
use sparkwright_tests::faults::{Fault, On};

use super::Expected::{Failed, Success};
use super::{Break, SHORT};
use crate::stage::{Stage, Strike, with};

/// The job is to succeed, in a second.
fn to_succeed(_: &Stage, properties: Value) -> Value {
    with(
        &properties,
        json!({"WaitFor": "Success", "WaitTimeoutSeconds": 1}),
    )
}

/// The job is to succeed.
fn to_succeed_sometime(_: &Stage, properties: Value) -> Value {
    with(&properties, json!({"WaitFor": "Success"}))
}

fn script(stage: &Stage, job: Job) {
    stage.cluster.world().script("*", job);
}

pub(super) fn wait() -> Vec<Break> {
    let broken = |name, reason| Break::new("wait", name, Failed(reason)).properties(to_succeed);
    let fails = |name, reason| Break::new("wait", name, Failed(reason)).properties(to_succeed_sometime);
    vec![
        fails("the job raises", "ValueError: boom")
            .given(|stage| script(stage, Job::raises("ValueError: boom"))),
        fails("the job throws", "java.io.IOException: boom")
            .given(|stage| script(stage, Job::throws("java.io.IOException: boom"))),
        fails("the job exits early", "the job failed").given(|stage| script(stage, Job::exits(3))),
        fails("the jar is not there", "the job could not be started")
            .given(|stage| script(stage, Job::start_fails("java.io.FileNotFoundException: /x.jar"))),
        fails("the driver says nothing", "the job failed").given(|stage| {
            let silent = Fate::Fails {
                diagnostics: String::new(),
            };
            script(stage, Job::ending(silent));
        }),
        fails("somebody kills it", "the application was killed").meanwhile(|stage| {
            Box::pin(async {
                if let Some(application) = newest(stage).await {
                    stage.cluster.world().kill(application, "dr.who");
                }
            })
        }),
        broken("the queue is full", "the job was SUBMITTED").given(|stage| stage.cluster.world().bar_queue()),
        broken("it takes too long", "not finished within 1 s"),
        broken("spark-submit hangs", "the job was SUBMITTED")
            .on(|builder| builder.with_latencies(|l| l.app_lookup = Duration::from_millis(1500)))
            .given(|stage| script(stage, Job::never_appears())),
        broken("the ResourceManager goes", "It could not be seen lately")
            .within(Duration::from_secs(6))
            .meanwhile(|stage| {
                Box::pin(async {
                    newest(stage).await;
                    stage.cluster.resource_manager().down().await;
                })
            }),
        broken("Livy goes", "not finished within 1 s").meanwhile(|stage| {
            Box::pin(async {
                newest(stage).await;
                stage.cluster.livy().down().await;
            })
        }),
        broken("Livy starts anew", "not finished within 1 s").meanwhile(|stage| {
            Box::pin(async {
                newest(stage).await;
                stage.cluster.restart_livy().await;
            })
        }),
    ]
}

/// The request's own application, as soon as it runs; none when the request starts none.
async fn newest(stage: &Stage) -> Option<ApplicationId> {
    let before = stage.cluster.world().applications().len();
    let runs = stage.cluster.world().until(move |world| {
        let applications = world.applications();
        let newest = applications.get(before..).and_then(<[_]>::last);
        newest.is_some_and(|application| application.state == ApplicationState::Running)
    });
    tokio::time::timeout(Duration::from_secs(2), runs).await.ok()?;
    let applications = stage.cluster.world().applications();
    applications.last().map(|application| application.id)
}

pub(super) fn panic() -> Vec<Break> {
    let broken = |name, expected| Break::new("panic", name, expected);
    let struck = Failed("the provider panicked: struck at");
    vec![
        broken("before the POST", struck).given(|stage| stage.gate.strike(Moment::BeforePost, Strike::Panic)),
        broken("after the POST", struck).given(|stage| stage.gate.strike(Moment::AfterPost, Strike::Panic)),
        broken("before the answer", struck)
            .given(|stage| stage.gate.strike(Moment::BeforeAnswer, Strike::Panic)),
        broken("before a stop", Success)
            .given(|stage| stage.gate.strike(Moment::BeforeStopping, Strike::Panic)),
    ]
}

pub(super) fn deadline() -> Vec<Break> {
    let broken = |name, reason| Break::new("deadline", name, Failed(reason)).within(SHORT);
    vec![
        broken("during the wait", "before the function had to answer").properties(to_succeed_sometime),
        broken("with very little time", "")
            .properties(to_succeed_sometime)
            .within(Duration::from_secs(2)),
        broken("by ServiceTimeout", "before the function had to answer")
            .properties(|_, p| with(&p, json!({"WaitFor": "Success", "ServiceTimeout": 5})))
            .within(crate::stage::LONG),
        broken("a job that will not stop", "has stopped could not be confirmed")
            .properties(to_succeed_sometime)
            .given(Stage::lose_kills),
        broken("everybody silent", "nothing was submitted within ").given(|stage| {
            stage.cluster.livy().silence();
            stage.cluster.resource_manager().silence();
        }),
    ]
}

pub(super) fn put() -> Vec<Break> {
    let broken = |name| Break::new("PUT", name, Success);
    vec![
        broken("500 once").given(|stage| at_bucket(stage, 1, Fault::status(500))),
        broken("503 three times").given(|stage| at_bucket(stage, 3, Fault::status(503))),
        broken("resets").given(|stage| at_bucket(stage, 2, Fault::reset())),
        broken("lost on its way").given(|stage| at_bucket(stage, 1, Fault::lost_request())),
        broken("its answer lost").given(|stage| at_bucket(stage, 1, Fault::lost_answer())),
        broken("hangs once").given(|stage| at_bucket(stage, 1, Fault::hang())),
        broken("slow").given(|stage| at_bucket(stage, 1, Fault::slow(Duration::from_millis(500)))),
    ]
}

fn at_bucket(stage: &Stage, times: usize, fault: Fault) {
    stage.sink.server().faults().inject(On::any().first(times), fault);
}
