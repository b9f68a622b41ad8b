//! Requests that Livy refuses, and what a refusal leaves behind.

use anyhow::{Context, Result};
use reqwest::Method;
use sparkwright_livy::{BatchRequest, BatchState, Error};

use super::Trial;
use super::trial::expect_that;

pub(super) async fn an_unknown_field_is_refused(trial: &Trial) -> Result<()> {
    let name = trial.name("field");
    let body = serde_json::json!({"file": trial.site.job("pi.py"), "name": &name, "nosuch": 1});
    let response = trial.raw(Method::POST, "batches", &body.to_string()).await?;
    expect_that!(response.status() == 400, response.status());
    // A bare JSON string, without an object around it.
    let message: String = response.json().await?;
    expect_that!(message.starts_with("Unrecognized field \"nosuch\""), message);
    left_nothing(trial, &name).await
}

pub(super) async fn a_torn_body_is_refused(trial: &Trial) -> Result<()> {
    let name = trial.name("torn");
    let body = serde_json::json!({"name": &name, "file": trial.site.job("pi.py")}).to_string();
    let response = trial
        .raw(Method::POST, "batches", &body[..body.len() - 1])
        .await?;
    expect_that!(response.status() == 400, response.status());
    let message: String = response.json().await?;
    expect_that!(message.starts_with("Unexpected end-of-input"), message);
    left_nothing(trial, &name).await
}

pub(super) async fn a_relative_file_is_refused_and_leaves_a_shell(trial: &Trial) -> Result<()> {
    let name = trial.name("relative");
    let error = trial.create_shell(&name).await?;
    expect_that!(
        matches!(
            &error,
            Error::Api {
                status: 400,
                from_livy: true,
                ..
            }
        ),
        error
    );
    expect_that!(
        error
            .to_string()
            .contains("requirement failed: Path 'relative.py' is not absolute."),
        error
    );
    left_a_shell(trial, &name).await
}

pub(super) async fn a_request_without_a_file_is_refused(trial: &Trial) -> Result<()> {
    let name = trial.name("nofile");
    let response = trial
        .raw(
            Method::POST,
            "batches",
            &serde_json::json!({"name": &name}).to_string(),
        )
        .await?;
    expect_that!(response.status() == 400, response.status());
    let text = response.text().await?;
    expect_that!(text.contains("requirement failed: File is required."), text);
    left_a_shell(trial, &name).await
}

pub(super) async fn a_file_outside_the_allowed_folders_is_refused(trial: &Trial) -> Result<()> {
    let name = trial.name("outside");
    let request = BatchRequest {
        file: "file:///etc/passwd".into(),
        ..trial.request("pi.py", &name)
    };
    let error = trial
        .livy
        .create_batch(&request)
        .await
        .err()
        .context("it was accepted")?;
    expect_that!(error.status() == Some(400) && !error.is_transient(), error);
    let reason = "requirement failed: Local path /etc/passwd cannot be added to user sessions.";
    expect_that!(error.to_string().contains(reason), error);
    left_a_shell(trial, &name).await
}

async fn left_nothing(trial: &Trial, name: &str) -> Result<()> {
    let error = trial
        .livy
        .batch(name)
        .await
        .err()
        .context("the refusal left a batch")?;
    expect_that!(error.is_not_found(), error);
    Ok(())
}

/// The refusal keeps the name, the look of a batch that never starts, and goes when it is deleted.
async fn left_a_shell(trial: &Trial, name: &str) -> Result<()> {
    let shell = trial.livy.batch(name).await?;
    expect_that!(
        shell.state == BatchState::Starting && shell.is_zombie_shaped(),
        shell
    );
    let again = trial
        .livy
        .create_batch(&trial.request("pi.py", name))
        .await
        .err()
        .context("the name was free")?;
    expect_that!(again.is_duplicate_name(), again);
    trial.livy.delete_batch(name).await?;
    left_nothing(trial, name).await
}
