//! Plays a plan: a stack, the real function, a cluster, and what goes wrong.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use sparkwright_tests::clock::run_virtual;
use sparkwright_tests::cloudformation::{
    Answer, Held, Queue, Request, Run, Sink, Stack, StackResource, StackStatus,
};
use sparkwright_tests::cluster::{Application, Cluster, Latencies};
use sparkwright_tests::faults::{Fault as Strike, On};
use tokio::time::{sleep, timeout};

use crate::defects::Variation;
use crate::function::SparkJobFunction;
use crate::mischief::{Mischief, Struck, now_ms};
use crate::plan::{Operation, Plan, seconds};

/// Livy's look-up time of two minutes, in proportion to a settling of 30 s instead of 150 s.
const APP_LOOKUP: Duration = Duration::from_secs(24);

/// After the last step: whatever is still to come has come by then.
const AFTERWARDS: Duration = Duration::from_secs(300);

/// No history takes longer.
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// What has happened in a history.
#[derive(Debug)]
pub(crate) struct Record {
    /// How each step ended, and then how what was left unfinished was ended.
    pub(crate) steps: Vec<StackStatus>,
    pub(crate) repairs: Vec<Repair>,
    pub(crate) requests: Vec<Request>,
    pub(crate) answers: HashMap<String, Vec<Answer>>,
    pub(crate) invocations: Vec<Run>,
    /// Every application that there ever was, others' included.
    pub(crate) applications: Vec<Application>,
    pub(crate) strangers: Vec<String>,
    pub(crate) struck: Vec<Struck>,
    pub(crate) held: Option<Held>,
    pub(crate) dropped: Vec<String>,
    pub(crate) retained: Vec<String>,
    pub(crate) began_ms: i64,
    pub(crate) ended_ms: i64,
    /// Whether it came to its end by itself.
    pub(crate) has_ended: bool,
}

/// What a person did about a stack that was stuck, or had kept a failure.
#[derive(Clone, Debug)]
pub(crate) struct Repair {
    pub(crate) status: StackStatus,
    /// The requests that the stack sent for it.
    pub(crate) requests: Range<usize>,
}

/// Plays a plan.
pub(crate) fn play(plan: &Plan, variation: &Variation) -> Record {
    fastrand::seed(plan.seed);
    run_virtual(plan.seed, async {
        let stage = Stage::set(plan, variation).await;
        let has_ended = timeout(LONGEST, stage.run(plan, variation)).await.is_ok();
        stage.record(has_ended)
    })
}

/// A stack, its function, and the cluster.
struct Stage {
    mischief: Mischief,
    sink: Sink,
    queue: Queue,
    stack: Stack,
    steps: Mutex<Vec<StackStatus>>,
    repairs: Mutex<Vec<Repair>>,
    began_ms: i64,
}

impl Stage {
    async fn set(plan: &Plan, variation: &Variation) -> Stage {
        let began_ms = now_ms();
        let cluster = cluster_of(plan).await;
        for (number, job) in plan.jobs.iter().enumerate() {
            let file = format!("*/v{number}.py");
            cluster.world().script_file(&file, job.to_simulate());
        }
        let sink = Sink::start().await;
        let queue = Queue::new(seconds(plan.site.invocation));
        let deliveries = plan.ways.iter().map(|way| way.delivery()).collect();
        let resource = StackResource::new("Job");
        let pause = seconds(plan.site.pause);
        let stack = Stack::new(sink.clone(), queue.clone(), resource, pause, deliveries);
        queue.serve(SparkJobFunction::new(
            stack.clone(),
            queue.clone(),
            &plan.site,
            variation,
        ));
        lose_puts(plan, &sink);
        Stage {
            mischief: Mischief::on(cluster).await,
            sink,
            queue,
            stack,
            steps: Mutex::default(),
            repairs: Mutex::default(),
            began_ms,
        }
    }

    async fn run(&self, plan: &Plan, variation: &Variation) {
        let mut last = None;
        for (number, step) in plan.steps.iter().enumerate() {
            self.mischief.begin_step(number, &plan.faults);
            sleep(seconds(step.idle)).await;
            let properties = |spec| properties(plan, self.mischief.cluster(), spec, number, variation);
            let status = match step.operation.deployment(properties) {
                Some(deployment) => self.stack.deploy(&deployment).await,
                None if step.operation == Operation::Retain => self.stack.retain().await,
                None => self.stack.delete().await,
            };
            self.steps.lock().unwrap().push(status);
            last = Some(status);
            if status.is_stuck() {
                // A person looks after it once everything is well again.
                self.mischief.quiet().await;
                sleep(AFTERWARDS).await;
                self.repair(async {
                    match status {
                        StackStatus::UpdateRollbackFailed => self.stack.continue_rollback().await,
                        _ => self.stack.delete().await,
                    }
                })
                .await;
            }
        }
        // A failure that was kept is given up in the end.
        if matches!(last, Some(StackStatus::CreateFailed | StackStatus::UpdateFailed)) {
            self.mischief.quiet().await;
            self.repair(self.stack.delete()).await;
        }
        self.mischief.quiet().await;
        self.queue.idle().await;
        sleep(AFTERWARDS).await;
    }

    async fn repair(&self, work: impl Future<Output = StackStatus>) {
        let first = self.stack.requests().len();
        let status = work.await;
        let requests = first..self.stack.requests().len();
        self.repairs.lock().unwrap().push(Repair { status, requests });
    }

    fn record(&self, has_ended: bool) -> Record {
        let requests = self.stack.requests();
        let answers = |request: &Request| (request.key.clone(), self.sink.answers(&request.key));
        Record {
            steps: self.steps.lock().unwrap().clone(),
            repairs: self.repairs.lock().unwrap().clone(),
            answers: requests.iter().map(answers).collect(),
            requests,
            invocations: self.queue.runs(),
            applications: self.mischief.cluster().world().applications(),
            strangers: self.mischief.strangers(),
            struck: self.mischief.struck(),
            held: self.stack.held(),
            dropped: self.stack.dropped(),
            retained: self.stack.retained(),
            began_ms: self.began_ms,
            ended_ms: now_ms(),
            has_ended,
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.queue.retire();
    }
}

async fn cluster_of(plan: &Plan) -> Cluster {
    let mut builder = Cluster::builder()
        .livy_version(plan.site.version())
        .latencies(Latencies {
            app_lookup: APP_LOOKUP,
            leak_check: Duration::from_secs(120),
            livy_yarn_patience: Duration::from_secs(180),
            retention: Duration::from_secs(300),
            ..Latencies::real()
        });
    if plan.site.recovery {
        builder = builder.recovery();
    }
    builder.start().await
}

/// What the template says. A number that changes with each step makes CloudFormation ask every time; it is no part of
/// the job.
fn properties(plan: &Plan, cluster: &Cluster, spec: u8, step: usize, variation: &Variation) -> Value {
    let mut properties = json!({
        "LivyUrl": cluster.livy_url(),
        "ResourceManagerUrl": cluster.resource_manager_url(),
        "UpdatePolicy": plan.policy.word(),
        "WaitFor": plan.wait_for.word(),
        "HealthySeconds": 5,
        "SubmitTimeoutSeconds": 20,
        "WaitTimeoutSeconds": usize::from(plan.site.wait) + step,
        "StopTimeoutSeconds": 60,
        "Parameters": {"File": cluster.job_file(&format!("v{spec}.py")), "Name": format!("v{spec}")},
    });
    if variation.without_resource_manager {
        let members = properties.as_object_mut().expect("an object");
        members.remove("ResourceManagerUrl");
        members.insert("ResourceManager".to_owned(), json!("None"));
    }
    properties
}

/// The first answers to some requests do not arrive. The n-th request has the n-th way.
fn lose_puts(plan: &Plan, sink: &Sink) {
    let mut before = 0;
    for way in &plan.ways {
        for _ in 0..way.puts_lost {
            before += 1;
            sink.server()
                .faults()
                .inject(On::put("*").nth(before), Strike::status(503));
        }
        before += 1;
    }
}
