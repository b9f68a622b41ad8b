//! What can break, stage by stage.

use std::time::Duration;

use serde_json::{Value, json};
use spark_job_function::gate::Moment;
use sparkwright_tests::aws;
use sparkwright_tests::cluster::{Fate, Job};
use sparkwright_tests::faults::{Fault, Moment as When, On};
use sparkwright_tests::http::Answer;

use super::Expected::{Failed, Success};
use super::{Break, Hand};
use crate::stage::{Stage, Strike, with};

/// A function with so little time that a service which hangs outlasts it.
const SHORT: Duration = Duration::from_secs(4);

pub(super) fn all() -> Vec<Break> {
    [
        envelope(),
        properties(),
        secret(),
        cluster(),
        livy(),
        yarn(),
        wait(),
        panic(),
        deadline(),
        put(),
    ]
    .concat()
}

fn envelope() -> Vec<Break> {
    let broken = |name, reason| Break::new("envelope", name, Failed(reason)).create_only();
    vec![
        broken("no request type", "`` is not a request type")
            .event(|event| event["RequestType"] = json!(null)),
        broken("another request type", "`Destroy` is not a request type")
            .event(|event| event["RequestType"] = json!("Destroy")),
        broken("no properties", "`Parameters` is missing")
            .event(|event| event["ResourceProperties"] = json!(null)),
        broken("properties are a text", "`Parameters` is missing")
            .event(|event| event["ResourceProperties"] = json!("none")),
        Break::new("envelope", "no service token", Success)
            .event(|event| event["ServiceToken"] = json!(null)),
    ]
}

fn properties() -> Vec<Break> {
    let broken = |name, reason| Break::new("properties", name, Failed(reason));
    vec![
        broken("a misspelt property", "did you mean `LivyScheme`?")
            .properties(|_, p| with(&p, json!({"LivyScema": "http"}))),
        broken("no file", "`File` is missing")
            .properties(|_, p| with(&p, json!({"Parameters": {"Args": []}}))),
        broken("parameters are a list", "`Parameters` must be an object")
            .properties(|_, p| with(&p, json!({"Parameters": []}))),
        broken("two Livys", "give only one of").properties(|_, p| with(&p, json!({"LivyHost": "h"}))),
        broken("an unresolved secret", "{{resolve:…}}")
            .properties(|_, p| with(&p, json!({"Revision": "{{resolve:secretsmanager:x}}"}))),
        broken("an endless address", "the resource's id would have").properties(|stage, p| {
            with(
                &p,
                json!({"LivyUrl": format!("{}{}", stage.cluster.livy_url(), "x".repeat(1100))}),
            )
        }),
        broken("a certificate that is none", "could not set up a client of Livy").properties(|_, p| {
            let pem = "-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----";
            with(
                &p,
                json!({"LivyUrl": "https://127.0.0.1:9", "LivyCaCertificate": pem}),
            )
        }),
    ]
}

fn with_secret(stage: &Stage, properties: &Value) -> Value {
    let secret = stage
        .aws
        .secret("livy", r#"{"username": "etl", "password": "hunter22"}"#);
    with(properties, json!({"LivyCredentials": secret}))
}

fn secret() -> Vec<Break> {
    let broken = |name, reason| {
        Break::new("secret", name, Failed(reason)).properties(|stage, p| with_secret(stage, &p))
    };
    let missing = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:none-a1b2c3";
    let _ = missing;
    vec![
        broken("missing", "there is no secret").properties(|_, p| {
            with(&p, json!({"LivyCredentials": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:none-a1b2c3"}))
        }),
        broken("not JSON", "it is not JSON")
            .properties(|stage, p| with(&p, json!({"LivyCredentials": stage.aws.secret("word", "hunter22")}))),
        broken("denied", "the function's role needs secretsmanager:GetSecretValue").before(|stage| Box::pin(async {
            let denied = aws::error("AccessDeniedException", "not authorized");
            stage.aws.server().faults().inject(On::any(), Fault::Answer(denied));
        })),
        broken("throttled", "Rate exceeded").before(|stage| aws_answers(stage, aws::throttled())),
        broken("out of order", "could not read the secret").before(|stage| aws_answers(stage, Answer::empty(500))),
        broken("gibberish", "could not read the secret").before(|stage| aws_answers(stage, Answer::html(200, "<h1>no</h1>"))),
        broken("not reachable", "NAT gateway").before(|stage| Box::pin(stage.aws.server().down())),
        broken("hangs", "").before(|stage| Box::pin(async { stage.aws.server().silence() })).within(SHORT),
    ]
}

fn aws_answers<'a>(
    stage: &'a Stage,
    answer: Answer,
) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
    stage
        .aws
        .server()
        .faults()
        .inject(On::any(), Fault::Answer(answer));
    Box::pin(async {})
}

fn on_cluster(stage: &Stage, properties: &Value) -> Value {
    let port = stage.cluster.livy_url().port();
    with(
        properties,
        json!({"LivyUrl": null, "ClusterId": "j-2AXXXXXXGAPLF", "LivyPort": port}),
    )
}

fn cluster() -> Vec<Break> {
    let broken = |name, reason| {
        Break::new("cluster look-up", name, Failed(reason)).properties(|stage, p| on_cluster(stage, &p))
    };
    vec![
        broken("unknown", "EMR does not know the cluster"),
        broken("terminated", "is TERMINATED").before(|stage| is_in(stage, "TERMINATED", None)),
        broken("starting", "is STARTING").before(|stage| is_in(stage, "STARTING", None)),
        broken("without a primary node", "is RUNNING, and no jobs can run")
            .before(|stage| is_in(stage, "RUNNING", None)),
        broken("with a strange node", "").before(|stage| is_in(stage, "RUNNING", Some("no host/at all"))),
        broken(
            "denied",
            "the function's role needs elasticmapreduce:DescribeCluster",
        )
        .before(|stage| aws_answers(stage, aws::error("AccessDeniedException", "not authorized"))),
        broken("throttled", "Rate exceeded").before(|stage| aws_answers(stage, aws::throttled())),
        broken("gibberish", "could not look up the cluster")
            .before(|stage| aws_answers(stage, Answer::html(200, "<h1>no</h1>"))),
        broken("not reachable", "NAT gateway").before(|stage| Box::pin(stage.aws.server().down())),
        broken("hangs", "")
            .before(|stage| Box::pin(async { stage.aws.server().silence() }))
            .within(SHORT),
    ]
}

fn is_in<'a>(
    stage: &'a Stage,
    state: &str,
    node: Option<&str>,
) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
    stage.aws.cluster("j-2AXXXXXXGAPLF", state, node);
    Box::pin(async {})
}

fn livy() -> Vec<Break> {
    let broken = |name, expected| Break::new("Livy", name, expected);
    let unavailable = Failed("nothing was submitted within ");
    vec![
        broken("down", unavailable)
            .before(|stage| Box::pin(stage.cluster.livy().down()))
            .within(SHORT),
        broken("silent", unavailable)
            .before(|stage| Box::pin(async { stage.cluster.livy().silence() }))
            .within(SHORT),
        broken("500 to all", unavailable)
            .before(|stage| livy_faults(stage, On::any(), Fault::status(500)))
            .within(SHORT),
        broken("a proxy's page", unavailable)
            .before(|stage| livy_faults(stage, On::any(), Fault::Answer(Answer::html(502, "<h1>no</h1>"))))
            .within(SHORT),
        broken("gibberish", unavailable)
            .before(|stage| livy_faults(stage, On::any(), Fault::Answer(Answer::html(200, "<h1>no</h1>"))))
            .within(SHORT),
        broken("401", Failed("check the Livy credentials"))
            .before(|stage| livy_faults(stage, On::any(), Fault::status(401)))
            .within(SHORT),
        broken("resets", unavailable)
            .before(|stage| livy_faults(stage, On::any(), Fault::reset()))
            .within(SHORT),
        broken("cut answers to the list", unavailable)
            .before(|stage| livy_faults(stage, On::get("/batches"), Fault::Truncate))
            .within(SHORT),
        broken("one hiccup", Success)
            .before(|stage| livy_faults(stage, On::any().first(2), Fault::status(503))),
        broken("refuses the job", Failed("Livy refused the job")).properties(|_, mut p| {
            p["Parameters"]["File"] = json!("file:///etc/passwd");
            p
        }),
        broken("the POST is lost", Success)
            .before(|stage| livy_faults(stage, On::post("/batches").first(1), Fault::lost_request())),
        broken("the POST's answer is lost", Success)
            .before(|stage| livy_faults(stage, On::post("/batches").first(1), Fault::lost_answer())),
        broken("the POST is answered by a proxy that gave up", Success).before(|stage| {
            livy_faults(
                stage,
                On::post("/batches").first(1),
                Fault::Replace(Answer::html(504, "late")),
            )
        }),
        broken("every POST's answer is lost", Success)
            .before(|stage| livy_faults(stage, On::post("/batches"), Fault::lost_answer())),
        broken("the POST hangs once it was heard", Failed(""))
            .before(|stage| livy_faults(stage, On::post("/batches"), Fault::Hang(When::After)))
            .within(SHORT),
        broken("every POST is a 500", Failed("Livy refused the job"))
            .before(|stage| livy_faults(stage, On::post("/batches"), Fault::status(500))),
        broken("DELETE fails", Success)
            .before(|stage| livy_faults(stage, On::delete("/batches/*"), Fault::status(500))),
    ]
}

fn livy_faults<'a>(
    stage: &'a Stage,
    on: On,
    fault: Fault,
) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
    stage.cluster.livy().faults().inject(on, fault);
    Box::pin(async {})
}

fn yarn() -> Vec<Break> {
    let broken = |name| Break::new("YARN", name, Failed("nothing was submitted within ")).within(SHORT);
    let faults: Hand = |stage| {
        stage
            .cluster
            .resource_manager()
            .faults()
            .inject(On::any(), Fault::status(500));
        Box::pin(async {})
    };
    vec![
        broken("down").before(|stage| Box::pin(stage.cluster.resource_manager().down())),
        broken("silent").before(|stage| Box::pin(async { stage.cluster.resource_manager().silence() })),
        broken("500 to all").before(faults),
        broken("403 to all").before(|stage| {
            stage
                .cluster
                .resource_manager()
                .faults()
                .inject(On::any(), Fault::status(403));
            Box::pin(async {})
        }),
        broken("gibberish").before(|stage| {
            let page = Fault::Answer(Answer::html(200, "<h1>no</h1>"));
            stage.cluster.resource_manager().faults().inject(On::any(), page);
            Box::pin(async {})
        }),
        Break::new("YARN", "one hiccup", Success).before(|stage| {
            stage
                .cluster
                .resource_manager()
                .faults()
                .inject(On::any().first(2), Fault::status(503));
            Box::pin(async {})
        }),
        Break::new("YARN", "the logs are gone", Failed("the job failed"))
            .before(|stage| {
                Box::pin(async {
                    stage.cluster.node_manager().down().await;
                    stage.cluster.world().script("*", Job::raises("ValueError: boom"));
                })
            })
            .properties(|_, p| with(&p, json!({"WaitFor": "Success"}))),
    ]
}

fn wait() -> Vec<Break> {
    let broken = |name, expected| Break::new("wait", name, expected);
    let scripted: fn(&'static str, &'static str, Hand) -> Break =
        |name, reason, before| Break::new("wait", name, Failed(reason)).before(before);
    vec![
        scripted("the job raises", "ValueError: boom", |stage| {
            script(stage, Job::raises("ValueError: boom"))
        })
        .properties(|_, p| with(&p, json!({"WaitFor": "Success"}))),
        scripted("the job throws", "java.io.IOException: boom", |stage| {
            script(stage, Job::throws("java.io.IOException: boom"))
        })
        .properties(|_, p| with(&p, json!({"WaitFor": "Success"}))),
        scripted("the job exits early", "the job failed", |stage| {
            script(stage, Job::exits(3))
        })
        .properties(|_, p| with(&p, json!({"WaitFor": "Success"}))),
        scripted("the jar is not there", "the job could not be started", |stage| {
            script(
                stage,
                Job::start_fails("java.io.FileNotFoundException: /jobs/none.jar"),
            )
        }),
        scripted("the driver says nothing", "the job failed", |stage| {
            script(
                stage,
                Job::ending(Fate::Fails {
                    diagnostics: String::new(),
                }),
            )
        })
        .properties(|_, p| with(&p, json!({"WaitFor": "Success"}))),
        scripted("the queue is full", "the job was SUBMITTED", |stage| {
            stage.cluster.world().bar_queue();
            Box::pin(async {})
        })
        .properties(|_, p| with(&p, json!({"WaitTimeoutSeconds": 1}))),
        broken("it takes too long", Failed("not finished within 1 s"))
            .properties(|_, p| with(&p, json!({"WaitFor": "Success", "WaitTimeoutSeconds": 1}))),
        broken("spark-submit hangs", Failed("the job was SUBMITTED"))
            .on(|builder| {
                builder.with_latencies(|latencies| latencies.app_lookup = Duration::from_millis(1500))
            })
            .before(|stage| script(stage, Job::never_appears()))
            .properties(|_, p| with(&p, json!({"WaitTimeoutSeconds": 1}))),
        broken("somebody kills it", Failed("the application was killed"))
            .properties(|_, p| with(&p, json!({"WaitFor": "Success"})))
            .meanwhile(|stage| {
                Box::pin(async {
                    if let Some(application) = newest(stage).await {
                        stage.cluster.world().kill(application, "dr.who");
                    }
                })
            }),
        broken("the ResourceManager goes", Failed("It could not be seen lately"))
            .properties(|_, p| with(&p, json!({"WaitFor": "Success", "WaitTimeoutSeconds": 1})))
            .within(Duration::from_secs(6))
            .meanwhile(|stage| {
                Box::pin(async {
                    newest(stage).await;
                    stage.cluster.resource_manager().down().await;
                })
            }),
        broken("Livy goes", Failed("not finished within 1 s"))
            .properties(|_, p| with(&p, json!({"WaitFor": "Success", "WaitTimeoutSeconds": 1})))
            .meanwhile(|stage| {
                Box::pin(async {
                    newest(stage).await;
                    stage.cluster.livy().down().await;
                })
            }),
        broken("Livy starts anew", Failed("not finished within 1 s"))
            .properties(|_, p| with(&p, json!({"WaitFor": "Success", "WaitTimeoutSeconds": 1})))
            .meanwhile(|stage| {
                Box::pin(async {
                    newest(stage).await;
                    stage.cluster.restart_livy().await;
                })
            }),
    ]
}

fn script<'a>(stage: &'a Stage, job: Job) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
    stage.cluster.world().script("*", job);
    Box::pin(async {})
}

/// The latest application, as soon as it runs; none when the request starts none.
async fn newest(stage: &Stage) -> Option<sparkwright_tests::cluster::ApplicationId> {
    use sparkwright_tests::cluster::ApplicationState::Running;
    let before = stage.cluster.world().applications().len();
    let appeared = stage.cluster.world().until(move |world| {
        world.applications().len() > before && world.applications().last().is_some_and(|a| a.state == Running)
    });
    tokio::time::timeout(Duration::from_secs(2), appeared)
        .await
        .ok()?;
    stage
        .cluster
        .world()
        .applications()
        .last()
        .map(|application| application.id)
}

fn panic() -> Vec<Break> {
    let broken = |name, before: Hand| {
        Break::new("panic", name, Failed("the provider panicked: struck at")).before(before)
    };
    vec![
        broken("before the POST", |stage| strikes(stage, Moment::BeforePost)),
        broken("after the POST", |stage| strikes(stage, Moment::AfterPost)),
        broken("before the answer", |stage| strikes(stage, Moment::BeforeAnswer)),
        Break::new("panic", "before a stop", Success).before(|stage| strikes(stage, Moment::BeforeStopping)),
    ]
}

fn strikes<'a>(stage: &'a Stage, moment: Moment) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
    stage.gate.strike(moment, Strike::Panic);
    Box::pin(async {})
}

fn deadline() -> Vec<Break> {
    let unkillable = |p: Value| {
        let mut p = with(&p, json!({"WaitFor": "Success"}));
        p["Parameters"]["Configuration"] = json!({"spark.yarn.tags": "unkillable"});
        p
    };
    let _ = unkillable;
    vec![
        Break::new(
            "deadline",
            "during the wait",
            Failed("before the function had to answer"),
        )
        .properties(|_, p| with(&p, json!({"WaitFor": "Success"})))
        .within(SHORT),
        Break::new("deadline", "with very little time", Failed(""))
            .properties(|_, p| with(&p, json!({"WaitFor": "Success"})))
            .within(Duration::from_secs(2)),
        Break::new(
            "deadline",
            "ServiceTimeout",
            Failed("before the function had to answer"),
        )
        .properties(|_, p| with(&p, json!({"WaitFor": "Success", "ServiceTimeout": 5}))),
        Break::new(
            "deadline",
            "a job that will not stop",
            Failed("has stopped could not be confirmed"),
        )
        .before(|stage| script(stage, Job::until_ended().unkillable()))
        .properties(|_, mut p| {
            p["WaitFor"] = json!("Success");
            p["Parameters"]["Configuration"] = json!({"spark.yarn.tags": "unkillable"});
            p
        })
        .within(SHORT),
        Break::new(
            "deadline",
            "everybody silent",
            Failed("nothing was submitted within "),
        )
        .before(|stage| {
            Box::pin(async {
                stage.cluster.livy().silence();
                stage.cluster.resource_manager().silence();
            })
        })
        .within(SHORT),
    ]
}

fn put() -> Vec<Break> {
    let broken = |name, before: Hand| Break::new("PUT", name, Success).before(before);
    vec![
        broken("500 once", |stage| {
            put_faults(stage, On::any().first(1), Fault::status(500))
        }),
        broken("503 three times", |stage| {
            put_faults(stage, On::any().first(3), Fault::status(503))
        }),
        broken("reset", |stage| {
            put_faults(stage, On::any().first(2), Fault::reset())
        }),
        broken("lost on its way", |stage| {
            put_faults(stage, On::any().first(1), Fault::lost_request())
        }),
        broken("its answer lost", |stage| {
            put_faults(stage, On::any().first(1), Fault::lost_answer())
        }),
        broken("hangs once", |stage| {
            put_faults(stage, On::any().first(1), Fault::hang())
        }),
        broken("slow", |stage| {
            put_faults(stage, On::any().first(1), Fault::slow(Duration::from_millis(500)))
        }),
    ]
}

fn put_faults<'a>(
    stage: &'a Stage,
    on: On,
    fault: Fault,
) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
    stage.sink.server().faults().inject(on, fault);
    Box::pin(async {})
}
