//! Batches and applications for tests, as Livy and YARN send them.

use serde_json::json;
use sparkwright_livy::Batch;
use sparkwright_yarn::{Application, ApplicationId};

use crate::identity::Intent;
use crate::names::{BatchName, RunKey, Slug, intent_tag};

/// What Livy's log holds from the start.
pub(crate) const BORN: [&str; 3] = ["stdout: ", "\nstderr: ", "\nYARN Diagnostics: "];

/// The end of Livy's log when spark-submit ended before there was an application.
pub(crate) const START_FAILED: [&str; 4] = [
    "stdout: ",
    "\nstderr: ",
    "\nYARN Diagnostics: ",
    "spark-submit start failed",
];

/// spark-submit of cluster mode, when it has handed application 1 over.
pub(crate) const HANDED_OVER: [&str; 10] = [
    "\t queue: default",
    "\t start time: 1795225785104",
    "\t final status: UNDEFINED",
    "\t tracking URL: http://ip-10-0-0-1.ec2.internal:20888/proxy/application_1795225753640_0001/",
    "\t user: hadoop",
    "26/11/21 01:49:46 INFO ShutdownHookManager: Shutdown hook called",
    "26/11/21 01:49:46 INFO ShutdownHookManager: Deleting directory /mnt/tmp/spark-f5b8e96b",
    "26/11/21 01:49:46 INFO ShutdownHookManager: Deleting directory /mnt/tmp/spark-2a44d329",
    "\nstderr: ",
    "\nYARN Diagnostics: ",
];

/// A driver in Livy's own process tree, at work and at its end.
pub(crate) const DRIVER_AT_WORK: [&str; 3] = [
    "26/11/21 04:45:05 INFO TaskSetManager: Finished task 0.0 in stage 0.0 (TID 0) in 5 ms",
    "\nstderr: ",
    "\nYARN Diagnostics: ",
];

pub(crate) fn batch(state: &str, application: Option<u64>, log: &[&str]) -> Batch {
    named_batch("etl-0123456789ab", state, application, log)
}

pub(crate) fn named_batch(name: &str, state: &str, application: Option<u64>, log: &[&str]) -> Batch {
    let app_id = application.map(|number| application_id(number).to_string());
    serde_json::from_value(json!({"id": 7, "name": name, "state": state, "appId": app_id, "log": log}))
        .expect("a batch")
}

pub(crate) fn application_id(number: u64) -> ApplicationId {
    format!("application_1795225753640_{number:04}")
        .parse()
        .expect("an id")
}

pub(crate) fn application(number: u64, state: &str, final_status: &str) -> Application {
    tagged(number, state, final_status, "")
}

pub(crate) fn application_of(
    intent: Intent,
    run: u32,
    number: u64,
    state: &str,
    final_status: &str,
) -> Application {
    let run_tag = RunKey::of(intent, None, run).tag();
    tagged(
        number,
        state,
        final_status,
        &format!("sparkwright,{run_tag},{}", intent_tag(intent)),
    )
}

pub(crate) fn batch_of(
    intent: Intent,
    run: u32,
    state: &str,
    application: Option<u64>,
    log: &[&str],
) -> Batch {
    let name = BatchName::of(&Slug::of("etl"), RunKey::of(intent, None, run));
    named_batch(name.as_str(), state, application, log)
}

fn tagged(number: u64, state: &str, final_status: &str, tags: &str) -> Application {
    serde_json::from_value(json!({
        "id": application_id(number).to_string(), "state": state, "finalStatus": final_status,
        "applicationTags": tags, "startedTime": 1_795_225_818_404_i64,
    }))
    .expect("an application")
}
