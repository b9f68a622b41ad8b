//! `POST /batches`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio_util::sync::CancellationToken;

use super::body::Body;
use super::process::Stored;
use super::session::{BatchState, Session};
use super::{admission, monitor, rejection, view};
use crate::cluster::options::{LivyVersion, Master};
use crate::cluster::spark_submit::{Launch, SparkSubmit};
use crate::cluster::state::Core;
use crate::http::{Answer, Request};
use crate::random;

pub(crate) async fn create(core: &Arc<Core>, request: &Request, user: Option<String>) -> Answer {
    let Some((number, turn, end, forked)) = core.livy().process.as_ref().map(|process| {
        (
            process.number,
            Arc::clone(&process.turn),
            process.end.clone(),
            Arc::clone(&process.forked),
        )
    }) else {
        return rejection::empty(503);
    };
    let _turn = turn.lock().await;
    if forked.load(Ordering::Relaxed) >= core.options.max_creation {
        return rejection::message(400, "Rejected, too many sessions are being created!");
    }
    // Scalatra reads the parameters of a form, so nothing is left for the JSON library.
    let is_form = request
        .header("content-type")
        .is_some_and(|sent| sent.contains("form-urlencoded"));
    let text = if is_form {
        String::new()
    } else {
        request.text().into_owned()
    };
    let version = core.options.version;
    let body = match Body::read(&text, version) {
        Ok(body) => body,
        Err(complaint) => return rejection::bare(400, &complaint),
    };
    let proxy_user = request.parameter("doAs").or_else(|| body.proxy_user.clone());
    let proxy_user = proxy_user.filter(|_| core.options.impersonation);
    let id = match register(core, number, &body, user, proxy_user.clone()) {
        Ok(id) => id,
        Err(refusal) => return refusal,
    };
    core.raise();
    tokio::select! {
        // Nobody is left to answer.
        () = end.cancelled() => return rejection::empty(503),
        () = tokio::time::sleep(core.options.latencies.post) => {}
    }
    let file = match admission::check(&body, &core.options) {
        Ok(file) => file,
        Err(complaint) => return rejection::rejected(version, &complaint),
    };
    if body.quoted_number {
        return rejection::server_error(
            version,
            "java.lang.ClassCastException: class java.lang.String cannot be cast to class java.lang.Integer \
             (java.lang.String and java.lang.Integer are in module java.base of loader 'bootstrap')",
        );
    }
    if !admission::fits_a_command_line(&body) {
        let exception = "java.io.IOException: Cannot run program \"/usr/lib/spark/bin/spark-submit\": error=7, \
                         Argument list too long";
        return rejection::server_error(version, exception);
    }
    let answer = fork(core, number, id, body, file, proxy_user);
    monitor::follow(core, number, &end, id);
    core.raise();
    answer
}

/// Takes an id and, if it is free, the name. The id is used up in any case.
fn register(
    core: &Core,
    number: u64,
    body: &Body,
    owner: Option<String>,
    proxy_user: Option<String>,
) -> Result<i64, Answer> {
    let version = core.options.version;
    let mut livy = core.livy();
    let Some(process) = livy.process(number) else {
        return Err(rejection::empty(503));
    };
    let id = process.next_id;
    process.next_id += 1;
    let outcome = (|| {
        if let Some(list) = body.null_list {
            let exception = format!(
                "java.lang.NullPointerException: Cannot invoke \"scala.collection.immutable.List.nonEmpty()\" because \
                 the return value of \"org.apache.livy.server.batch.CreateBatchRequest.{list}()\" is null"
            );
            return Err(rejection::server_error(version, &exception));
        }
        if let Some(name) = &body.name {
            if name.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(rejection::rejected(
                    version,
                    &format!("Invalid session name: {name}"),
                ));
            }
            if process.named(name).is_some() {
                let session = if version == LivyVersion::V0_6 {
                    String::new()
                } else {
                    format!(" for session {id}")
                };
                let complaint = format!("Duplicate session name: Some({name}){session}");
                return Err(rejection::rejected(version, &complaint));
            }
        }
        process.register(Session {
            id,
            name: body.name.clone(),
            owner,
            proxy_user,
            state: BatchState::Starting,
            application: None,
            driver_log_url: None,
            spark_ui_url: None,
            tag: format!("livy-batch-{id}-{}", random::alphanumeric(8)),
            started: false,
            spark_submit: None,
            reads_output: true,
            diagnostics: Vec::new(),
            ended_at: None,
            stopping: false,
            removed: CancellationToken::new(),
        });
        Ok(id)
    })();
    livy.store.next_id = id + 1;
    outcome
}

/// Forks spark-submit and answers what the batch is then.
fn fork(
    core: &Arc<Core>,
    number: u64,
    id: i64,
    body: Body,
    file: String,
    proxy_user: Option<String>,
) -> Answer {
    let mut livy = core.livy();
    let Some(session) = livy.session(number, id) else {
        return rejection::empty(503);
    };
    let (tag, name, owner) = (session.tag.clone(), session.name.clone(), session.owner.clone());
    let launch = launch(core, body, file, &tag, proxy_user.clone());
    let spark_submit = SparkSubmit::start(core, launch);
    core.remember_spark_submit(&tag, &spark_submit);
    session.started = true;
    session.spark_submit = Some(Arc::clone(&spark_submit));
    if core.options.master == Master::Local {
        session.enter(BatchState::Running);
    }
    let answer = Answer::json(201, &view::batch(session, &core.options))
        .with_header("Location", format!("/batches/{id}"));
    if core.options.recovery {
        livy.store.entries.insert(
            id,
            Stored {
                name,
                application: None,
                tag,
                owner,
                proxy_user,
            },
        );
    }
    if let Some(process) = livy.process(number) {
        count_while_it_runs(Arc::clone(&process.forked), &spark_submit);
    }
    answer
}

fn count_while_it_runs(forked: Arc<std::sync::atomic::AtomicUsize>, spark_submit: &SparkSubmit) {
    forked.fetch_add(1, Ordering::Relaxed);
    let mut progress = spark_submit.progress();
    tokio::spawn(async move {
        // The sender goes with the process, which is an end as well.
        let _ = progress.wait_for(|progress| progress.exit_code.is_some()).await;
        forked.fetch_sub(1, Ordering::Relaxed);
    });
}

fn launch(core: &Core, body: Body, file: String, tag: &str, proxy_user: Option<String>) -> Launch {
    let of_conf = |key: &str| body.conf.get(key).cloned();
    let mut tags = vec![tag.to_owned()];
    let own = of_conf("spark.yarn.tags").unwrap_or_default();
    tags.extend(
        own.split(',')
            .map(str::trim)
            .filter(|tag| !tag.is_empty())
            .map(str::to_owned),
    );
    let file_name = file.rsplit('/').next().unwrap_or(&file).to_owned();
    let name = body
        .name
        .clone()
        .or_else(|| of_conf("spark.app.name"))
        .unwrap_or(file_name);
    let job = core.job_of(&name, &file, &body.args);
    Launch {
        name,
        user: proxy_user.unwrap_or_else(|| USER.to_owned()),
        queue: body
            .queue
            .clone()
            .or_else(|| of_conf("spark.yarn.queue"))
            .unwrap_or_else(|| "default".to_owned()),
        tags,
        driver_memory: body
            .driver_memory
            .clone()
            .or_else(|| of_conf("spark.driver.memory")),
        executor_memory: body
            .executor_memory
            .clone()
            .or_else(|| of_conf("spark.executor.memory")),
        max_attempts: of_conf("spark.yarn.maxAppAttempts").and_then(|attempts| attempts.parse().ok()),
        file,
        job,
    }
}

/// As whom Livy runs batches when nobody is impersonated.
pub(crate) const USER: &str = "livy";
