//! The simulators of a worker's world as a process, for tests that are not written in Rust: it prints where they are, one
//! JSON object in a line, does what each line of its input says, and ends with its input.
//!
//! | a line | what it does |
//! |---|---|
//! | `{"schedule": INPUT}` | an execution asks the activity for a task |
//! | `{"end": NAME}` | the live jobs whose name begins so succeed |
//! | `{"raise": FILE, "error": ERROR}` | from now on jobs of this file raise this error |

use std::io::stdin;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use sparkwright_tests::cluster::{Cluster, Fate, Job};
use sparkwright_tests::step_functions::{StepFunctions, Task};

/// How long a poll without a task is held: shorter than Step Functions does, so that a worker that stops is soon gone.
const POLL_TIME: Duration = Duration::from_secs(2);

/// The heartbeat time-out of tasks.
const HEARTBEAT: Duration = Duration::from_secs(30);

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the test reads it")]
async fn main() -> anyhow::Result<()> {
    let cluster = Cluster::builder().start().await;
    let step_functions = StepFunctions::builder().poll_time(POLL_TIME).start().await;
    let resource_managers = cluster.resource_manager_urls();
    let site = json!({
        "livy": cluster.livy_url(),
        "resourceManager": resource_managers[0],
        "stepFunctions": step_functions.url(),
        "activity": step_functions.activity_arn(),
    });
    println!("{site}");
    // This thread has nothing else to do: the simulators run on others.
    for line in stdin().lines() {
        let line = line?;
        let order: Value = serde_json::from_str(&line).context(line)?;
        obey(&cluster, &step_functions, &order)?;
    }
    Ok(())
}

fn obey(cluster: &Cluster, step_functions: &StepFunctions, order: &Value) -> anyhow::Result<()> {
    let text = |name: &str| order[name].as_str().context("a text is wanted");
    if order["schedule"].is_object() {
        // Nobody asks the handle: the task is followed by its worker.
        let _task = step_functions.schedule_task(Task::new(order["schedule"].clone()).heartbeat(HEARTBEAT));
    } else if order["end"].is_string() {
        let name = text("end")?;
        for application in cluster.world().live_applications() {
            if application.name.starts_with(name) {
                cluster.world().end(application.id, Fate::Succeeds);
            }
        }
    } else if order["raise"].is_string() {
        cluster
            .world()
            .script_file(&cluster.job_file(text("raise")?), Job::raises(text("error")?));
    } else {
        bail!("nothing is known of `{order}`");
    }
    Ok(())
}
