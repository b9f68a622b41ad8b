//! What the ResourceManager does not know, and what it refuses.

use anyhow::{Context, Result};
use reqwest::Method;
use sparkwright_yarn::{ApplicationId, ApplicationState, ApplicationsQuery, Error};

use super::Trial;
use super::trial::expect_that;

pub(super) async fn an_unknown_application_is_not_found(trial: &Trial) -> Result<()> {
    // Of a ResourceManager that was started in 1970.
    let id = ApplicationId::new(1, 1);
    let errors = [
        trial.yarn.application(&id).await.err(),
        trial.yarn.kill(&id).await.err(),
        trial.yarn.attempts(&id).await.err(),
    ];
    for error in errors {
        let error = error.context("it was found")?;
        expect_that!(error.is_not_found() && !error.is_transient(), error);
        expect_that!(
            error
                .to_string()
                .ends_with("app with id: application_1_0001 not found"),
            error
        );
    }
    Ok(())
}

pub(super) async fn an_id_that_is_none_is_refused(trial: &Trial) -> Result<()> {
    let response = trial
        .raw_yarn(Method::GET, "ws/v1/cluster/apps/nonsense", "")
        .await?;
    expect_that!(response.status() == 400, response.status());
    let body: serde_json::Value = response.json().await?;
    expect_that!(
        body["RemoteException"]["exception"] == "BadRequestException",
        body
    );
    Ok(())
}

pub(super) async fn an_unknown_state_is_refused(trial: &Trial) -> Result<()> {
    let query = ApplicationsQuery {
        states: vec![ApplicationState::Other("nosuch".into())],
        ..Default::default()
    };
    let error = trial
        .yarn
        .applications(&query)
        .await
        .err()
        .context("it was accepted")?;
    expect_that!(
        error.status() == Some(400) && !error.is_not_found() && !error.is_transient(),
        error
    );
    let exception = match &error {
        Error::Api { exception, .. } => exception.as_deref(),
        _ => None,
    };
    expect_that!(exception == Some("BadRequestException"), error);
    Ok(())
}

pub(super) async fn no_match_is_an_empty_list(trial: &Trial) -> Result<()> {
    let found = trial.tagged(&trial.name("nobody")).await?;
    expect_that!(found.is_empty(), found);
    Ok(())
}

pub(super) async fn the_cluster_has_nodes(trial: &Trial) -> Result<()> {
    let metrics = trial.yarn.metrics().await?;
    expect_that!(metrics.active_nodes >= 1 && metrics.total_mb > 0, metrics);
    Ok(())
}

pub(super) async fn a_resource_manager_says_that_it_is_active(trial: &Trial) -> Result<()> {
    let info = trial.yarn.info().await?;
    expect_that!(info.is_active() && !info.hadoop_version.is_empty(), info);
    Ok(())
}
