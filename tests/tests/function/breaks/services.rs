//! Breaks of what a request asks: Secrets Manager, EMR, Livy, YARN.

use serde_json::{Value, json};
use sparkwright_tests::aws;
use sparkwright_tests::cluster::Job;
use sparkwright_tests::faults::{Fault, Moment, On};
use sparkwright_tests::http::Answer;

use super::Expected::{Failed, Success};
use super::{Break, SHORT};
use crate::stage::{Stage, with};

const CLUSTER: &str = "j-2AXXXXXXGAPLF";
const NO_SECRET: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:none-a1b2c3";

fn page(status: u16) -> Fault {
    Fault::Answer(Answer::html(status, "<h1>no</h1>"))
}

fn with_secret(stage: &Stage, properties: Value) -> Value {
    let secret = stage
        .aws
        .secret("livy", r#"{"username": "etl", "password": "hunter22"}"#);
    with(&properties, json!({"LivyCredentials": secret}))
}

fn at_aws(stage: &Stage, fault: Fault) {
    stage.aws.server().faults().inject(On::any(), fault);
}

pub(super) fn secret() -> Vec<Break> {
    let broken = |name, reason| Break::new("secret", name, Failed(reason)).properties(with_secret);
    vec![
        broken("missing", "there is no secret")
            .properties(|_, p| with(&p, json!({"LivyCredentials": NO_SECRET}))),
        broken("not JSON", "it is not JSON").properties(|stage, p| {
            with(
                &p,
                json!({"LivyCredentials": stage.aws.secret("word", "hunter22")}),
            )
        }),
        broken(
            "denied",
            "the function's role needs secretsmanager:GetSecretValue",
        )
        .given(|stage| at_aws(stage, Fault::Answer(aws::error("AccessDeniedException", "no")))),
        broken("throttled", "Rate exceeded").given(|stage| at_aws(stage, Fault::Answer(aws::throttled()))),
        broken("out of order", "could not read the secret").given(|stage| at_aws(stage, Fault::status(500))),
        broken("gibberish", "could not read the secret").given(|stage| at_aws(stage, page(200))),
        broken("down", "NAT gateway").down(|stage| stage.aws.server()),
        broken("silent", "")
            .given(|stage| stage.aws.server().silence())
            .within(SHORT),
    ]
}

fn on_cluster(stage: &Stage, properties: Value) -> Value {
    let port = stage.cluster.livy_url().port();
    with(
        &properties,
        json!({"LivyUrl": null, "ClusterId": CLUSTER, "LivyPort": port}),
    )
}

pub(super) fn cluster() -> Vec<Break> {
    let broken = |name, reason| Break::new("cluster look-up", name, Failed(reason)).properties(on_cluster);
    vec![
        broken("unknown", "EMR does not know the cluster"),
        broken("terminated", "is TERMINATED").given(|stage| stage.aws.cluster(CLUSTER, "TERMINATED", None)),
        broken("starting", "is STARTING").given(|stage| stage.aws.cluster(CLUSTER, "STARTING", None)),
        broken("without a primary node", "is RUNNING, and no jobs can run")
            .given(|stage| stage.aws.cluster(CLUSTER, "RUNNING", None)),
        broken("with a strange node", "has a strange name")
            .given(|stage| stage.aws.cluster(CLUSTER, "RUNNING", Some("no host"))),
        broken(
            "denied",
            "the function's role needs elasticmapreduce:DescribeCluster",
        )
        .given(|stage| at_aws(stage, Fault::Answer(aws::error("AccessDeniedException", "no")))),
        broken("throttled", "Rate exceeded").given(|stage| at_aws(stage, Fault::Answer(aws::throttled()))),
        broken("gibberish", "could not look up the cluster").given(|stage| at_aws(stage, page(200))),
        broken("down", "NAT gateway").down(|stage| stage.aws.server()),
        broken("silent", "")
            .given(|stage| stage.aws.server().silence())
            .within(SHORT),
    ]
}

fn at_livy(stage: &Stage, on: On, fault: Fault) {
    stage.cluster.livy().faults().inject(on, fault);
}

fn posts() -> On {
    On::post("/batches")
}

pub(super) fn livy() -> Vec<Break> {
    let unavailable = |name| Break::new("Livy", name, Failed("nothing was submitted within ")).within(SHORT);
    let harmless = |name| Break::new("Livy", name, Success);
    let broken = |name, reason| Break::new("Livy", name, Failed(reason));
    vec![
        unavailable("down").down(|stage| stage.cluster.livy()),
        unavailable("silent").given(|stage| stage.cluster.livy().silence()),
        unavailable("500 to all").given(|stage| at_livy(stage, On::any(), Fault::status(500))),
        unavailable("a proxy's page").given(|stage| at_livy(stage, On::any(), page(502))),
        unavailable("gibberish").given(|stage| at_livy(stage, On::any(), page(200))),
        unavailable("resets").given(|stage| at_livy(stage, On::any(), Fault::reset())),
        unavailable("half of the list").given(|stage| at_livy(stage, On::get("/batches"), Fault::Truncate)),
        broken("401", "check the Livy credentials")
            .given(|stage| at_livy(stage, On::any(), Fault::status(401)))
            .within(SHORT),
        broken("refuses the job", "Livy refused the job").properties(|_, mut p| {
            p["Parameters"]["File"] = json!("file:///etc/passwd");
            p
        }),
        broken("every POST is a 500", "Livy refused the job")
            .given(|stage| at_livy(stage, posts(), Fault::status(500))),
        broken("the POST hangs once it was heard", "")
            .given(|stage| at_livy(stage, posts().first(1), Fault::Hang(Moment::After)))
            .within(SHORT),
        harmless("one hiccup").given(|stage| at_livy(stage, On::any().first(2), Fault::status(503))),
        harmless("the POST is lost").given(|stage| at_livy(stage, posts().first(1), Fault::lost_request())),
        harmless("the POST's answer is lost")
            .given(|stage| at_livy(stage, posts().first(1), Fault::lost_answer())),
        harmless("every POST's answer is lost").given(|stage| at_livy(stage, posts(), Fault::lost_answer())),
        harmless("a proxy gave the POST up").given(|stage| {
            at_livy(stage, posts().first(1), Fault::Replace(Answer::html(504, "late")));
        }),
        harmless("DELETE fails").given(|stage| at_livy(stage, On::delete("/batches/*"), Fault::status(500))),
    ]
}

fn at_yarn(stage: &Stage, on: On, fault: Fault) {
    stage.cluster.resource_manager().faults().inject(on, fault);
}

pub(super) fn yarn() -> Vec<Break> {
    let unavailable = |name| Break::new("YARN", name, Failed("nothing was submitted within ")).within(SHORT);
    vec![
        unavailable("down").down(|stage| stage.cluster.resource_manager()),
        unavailable("silent").given(|stage| stage.cluster.resource_manager().silence()),
        unavailable("500 to all").given(|stage| at_yarn(stage, On::any(), Fault::status(500))),
        unavailable("403 to all").given(|stage| at_yarn(stage, On::any(), Fault::status(403))),
        unavailable("gibberish").given(|stage| at_yarn(stage, On::any(), page(200))),
        unavailable("half of the list").given(|stage| at_yarn(stage, On::any(), Fault::Truncate)),
        Break::new("YARN", "one hiccup", Success)
            .given(|stage| at_yarn(stage, On::any().first(2), Fault::status(503))),
        Break::new("YARN", "the driver's node is gone", Failed("the job failed"))
            .down(|stage| stage.cluster.node_manager())
            .given(|stage| stage.cluster.world().script("*", Job::raises("ValueError: boom")))
            .properties(|_, p| with(&p, json!({"WaitFor": "Success"}))),
    ]
}
