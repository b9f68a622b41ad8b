//! How jobs end, and where the reason is found.

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use sparkwright_livy::{BatchRequest, BatchState, LogLines};
use sparkwright_yarn::{ApplicationState, ApplicationsQuery, Attempt, FinalStatus, LogFile};

use super::Trial;
use super::trial::expect_that;

pub(super) async fn a_job_that_succeeds_is_told_by_both(trial: &Trial) -> Result<()> {
    let since = SystemTime::now() - Duration::from_secs(60);
    let name = trial.name("pi");
    let tag = name.to_uppercase();
    let request = tagged(trial.request("pi.py", &name), &tag);
    let created = trial.livy.create_batch(&request).await?;
    let id = trial.application_of(&name).await?;
    let batch = trial.ends_as(&name, BatchState::Success).await?;
    expect_that!(
        batch.app_id == Some(id.to_string()) && batch.id == created.id,
        batch
    );

    let application = trial.yarn.application(&id).await?;
    expect_that!(application.succeeded() && application.has_ended(), application);
    expect_that!(
        application.name == name && application.queue == "default",
        application
    );
    let livys = format!("livy-batch-{}-", created.id);
    // YARN writes tags in lower case; Livy adds one of its own.
    expect_that!(application.tags.contains(&name), application);
    expect_that!(
        application.tags.iter().any(|tag| tag.starts_with(&livys)),
        application
    );
    expect_that!(
        application.started_at_ms <= application.launched_at_ms,
        application
    );
    expect_that!(
        application.launched_at_ms < application.finished_at_ms,
        application
    );

    for tag in [&name, &tag] {
        let found = trial.tagged(tag).await?;
        expect_that!(
            found.iter().map(|found| found.id).collect::<Vec<_>>() == [id],
            found
        );
    }
    let tag = Some(name);
    let live = ApplicationsQuery {
        tag: tag.clone(),
        states: ApplicationState::LIVE.to_vec(),
        finished_since: None,
    };
    let live = trial.yarn.applications(&live).await?;
    expect_that!(live.is_empty(), live);
    let states = ApplicationState::ENDED.to_vec();
    let ended = ApplicationsQuery {
        tag,
        states,
        finished_since: Some(since),
    };
    expect_that!(trial.yarn.applications(&ended).await?.len() == 1, application);
    let later = ApplicationsQuery {
        finished_since: Some(since + Duration::from_secs(86_400)),
        ..ended
    };
    expect_that!(trial.yarn.applications(&later).await?.is_empty(), application);
    Ok(())
}

pub(super) async fn a_traceback_stands_in_the_drivers_stdout(trial: &Trial) -> Result<()> {
    let name = trial.name("raise");
    trial.livy.create_batch(&trial.request("raise.py", &name)).await?;
    trial.ends_as(&name, BatchState::Dead).await?;
    let id = trial.application_of(&name).await?;
    let application = trial.yarn.application(&id).await?;
    expect_that!(application.state == ApplicationState::Finished, application);
    expect_that!(
        application.final_status == FinalStatus::Failed && !application.succeeded(),
        application
    );
    // This is all that YARN and Livy know.
    expect_that!(
        application.diagnostics.trim() == "User application exited with status 1",
        application
    );
    let log = trial.livy.batch_log(&name, LogLines::All).await?;
    expect_that!(!log.iter().any(|line| line.contains("Traceback")), log);

    let attempts = trial.yarn.attempts(&id).await?;
    let last = attempts.last().context("no attempt")?;
    expect_that!(last.number as usize == attempts.len(), attempts);
    let stdout = trial.yarn.container_log(last, LogFile::Stdout, 8192).await?;
    expect_that!(stdout.contains("Traceback (most recent call last):\n"), stdout);
    expect_that!(
        stdout
            .trim_end()
            .lines()
            .last()
            .is_some_and(|line| line.contains("Error: ")),
        stdout
    );
    let frame = ["Container: ", "LogContents:", "End of LogType"];
    expect_that!(!frame.iter().any(|words| stdout.contains(words)), stdout);
    let tail = trial.yarn.container_log(last, LogFile::Stdout, 20).await?;
    expect_that!(tail.len() == 20 && stdout.ends_with(&tail), (tail, stdout));
    let stderr = trial.yarn.container_log(last, LogFile::Stderr, 65_536).await?;
    expect_that!(stderr.contains("User application exited with status 1"), stderr);

    let unknown = Attempt {
        container_id: "container_1_0001_01_000001".into(),
        ..last.clone()
    };
    let error = trial
        .yarn
        .container_log(&unknown, LogFile::Stdout, 20)
        .await
        .err()
        .context("it has a log")?;
    expect_that!(error.is_not_found(), error);
    Ok(())
}

pub(super) async fn a_job_that_exits_before_spark_is_up_fails_in_yarn(trial: &Trial) -> Result<()> {
    let name = trial.name("exit");
    let mut request = trial.request("exit3.py", &name);
    request
        .conf
        .insert("spark.yarn.maxAppAttempts".into(), "1".into());
    trial.livy.create_batch(&request).await?;
    trial.ends_as(&name, BatchState::Dead).await?;
    let application = trial
        .yarn
        .application(&trial.application_of(&name).await?)
        .await?;
    expect_that!(application.state == ApplicationState::Failed, application);
    expect_that!(application.final_status == FinalStatus::Failed, application);
    expect_that!(application.diagnostics.contains("exitCode: 13"), application);
    Ok(())
}

pub(super) async fn a_missing_file_is_dead_before_there_is_an_application(trial: &Trial) -> Result<()> {
    let name = trial.name("missing");
    let request = tagged(trial.request("missing.py", &name), &name);
    trial.livy.create_batch(&request).await?;
    did_not_start(trial, &name, "missing.py").await?;
    let found = trial.tagged(&name).await?;
    expect_that!(found.is_empty(), found);
    Ok(())
}

pub(super) async fn a_memory_that_spark_cannot_read_is_dead_before_there_is_an_application(
    trial: &Trial,
) -> Result<()> {
    let name = trial.name("memory");
    let request = trial.request("pi.py", &name);
    let request = BatchRequest {
        driver_memory: Some("1 gig".into()),
        ..tagged(request, &name)
    };
    trial.livy.create_batch(&request).await?;
    did_not_start(trial, &name, "Driver memory must be a positive number").await?;
    let found = trial.tagged(&name).await?;
    expect_that!(found.is_empty(), found);
    Ok(())
}

pub(super) async fn an_unknown_queue_leaves_a_failed_application(trial: &Trial) -> Result<()> {
    let name = trial.name("queue");
    let request = BatchRequest {
        queue: Some("nosuch".into()),
        ..trial.request("pi.py", &name)
    };
    trial.livy.create_batch(&tagged(request, &name)).await?;
    let batch = trial.ends_as(&name, BatchState::Dead).await?;
    let found = trial.tagged(&name).await?;
    expect_that!(found.len() == 1, found);
    expect_that!(found[0].state == ApplicationState::Failed, found);
    expect_that!(found[0].final_status == FinalStatus::Failed, found);
    expect_that!(found[0].diagnostics.contains("unknown queue: nosuch"), found);
    let log = trial.livy.batch_log(&name, LogLines::All).await?;
    expect_that!(log.iter().any(|line| line.contains("unknown queue: nosuch")), log);
    // Livy looks for the application until spark-submit has ended: on a slow machine it finds it, else it
    // does not.
    let last = log.last().map(String::as_str);
    match &batch.app_id {
        None => expect_that!(last == Some("spark-submit start failed"), log),
        Some(id) => expect_that!(*id == found[0].id.to_string(), batch),
    }
    Ok(())
}

/// Dead without an application; the log ends with Livy's words and has the reason further up.
async fn did_not_start(trial: &Trial, name: &str, reason: &str) -> Result<()> {
    let batch = trial.ends_as(name, BatchState::Dead).await?;
    expect_that!(batch.app_id.is_none(), batch);
    let log = trial.livy.batch_log(name, LogLines::All).await?;
    expect_that!(
        log.last().is_some_and(|line| line == "spark-submit start failed"),
        log
    );
    expect_that!(log.iter().any(|line| line.contains(reason)), log);
    Ok(())
}

fn tagged(mut request: BatchRequest, tag: &str) -> BatchRequest {
    request.conf.insert("spark.yarn.tags".into(), tag.to_owned());
    request
}
