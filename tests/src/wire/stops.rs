//! Ending what runs, from either side.

use anyhow::{Context, Result};
use sparkwright_livy::{BatchRequest, BatchState};
use sparkwright_yarn::{ApplicationId, ApplicationState, FinalStatus};

use super::Trial;
use super::trial::expect_that;

pub(super) async fn a_kill_in_yarn_makes_the_batch_killed(trial: &Trial) -> Result<()> {
    let name = trial.name("kill");
    let id = running(trial, &name).await?;
    trial.yarn.kill(&id).await?;
    let application = killed(trial, &id).await?;
    expect_that!(
        application.diagnostics.contains("was killed by user"),
        application
    );
    let batch = trial.ends_as(&name, BatchState::Killed).await?;
    expect_that!(batch.app_id == Some(id.to_string()), batch);
    // It has ended: asking again is fine, and changes nothing.
    trial.yarn.kill(&id).await?;
    expect_that!(trial.yarn.application(&id).await? == application, application);
    Ok(())
}

pub(super) async fn a_deleted_running_batch_is_killed_in_yarn(trial: &Trial) -> Result<()> {
    let name = trial.name("delete");
    let id = running(trial, &name).await?;
    trial.livy.delete_batch(&name).await?;
    let error = trial.livy.batch(&name).await.err().context("it is still there")?;
    expect_that!(error.is_not_found(), error);
    killed(trial, &id).await?;
    Ok(())
}

pub(super) async fn a_batch_deleted_at_once_leaves_nothing_alive(trial: &Trial) -> Result<()> {
    let name = trial.name("at-once");
    trial.livy.create_batch(&sleeping(trial, &name)).await?;
    // Livy answers when the application has appeared and was told to end.
    trial.livy.delete_batch(&name).await?;
    let found = trial.tagged(&name).await?;
    expect_that!(found.len() == 1, found);
    killed(trial, &found[0].id).await?;
    Ok(())
}

fn sleeping(trial: &Trial, name: &str) -> BatchRequest {
    let mut request = BatchRequest {
        args: vec!["600".into()],
        ..trial.request("sleep.py", name)
    };
    request.conf.insert("spark.yarn.tags".into(), name.to_owned());
    request
}

/// Starts a job that runs for ten minutes and waits until YARN and Livy call it running.
async fn running(trial: &Trial, name: &str) -> Result<ApplicationId> {
    trial.livy.create_batch(&sleeping(trial, name)).await?;
    let id = trial.application_of(name).await?;
    let application = trial
        .application_until(&id, "running", |seen| seen.state != ApplicationState::Accepted)
        .await?;
    expect_that!(
        application.state == ApplicationState::Running && application.is_live(),
        application
    );
    expect_that!(application.final_status == FinalStatus::Undefined, application);
    expect_that!(application.finished_at_ms == 0, application);
    trial
        .batch_until(name, "running", |batch| batch.state == BatchState::Running)
        .await?;
    Ok(id)
}

async fn killed(trial: &Trial, id: &ApplicationId) -> Result<sparkwright_yarn::Application> {
    let application = trial
        .application_until(id, "over", |seen| seen.has_ended())
        .await?;
    expect_that!(application.state == ApplicationState::Killed, application);
    expect_that!(application.final_status == FinalStatus::Killed, application);
    Ok(application)
}
