//! Finding batches: one, the list, the log, and what is not there.

use std::collections::HashSet;

use anyhow::{Context, Result};
use reqwest::Method;
use sparkwright_livy::{BatchId, BatchState, LogLines};

use super::Trial;
use super::trial::expect_that;

pub(super) async fn livy_tells_its_version(trial: &Trial) -> Result<()> {
    let version = trial.livy.version().await?;
    expect_that!(version.version.starts_with("0."), version);
    Ok(())
}

pub(super) async fn a_new_batch_has_its_name_and_no_application(trial: &Trial) -> Result<()> {
    let name = trial.name("new");
    let body = serde_json::to_string(&trial.request("missing.py", &name))?;
    let response = trial.raw(Method::POST, "batches", &body).await?;
    expect_that!(response.status() == 201, response.status());
    let location = response
        .headers()
        .get("location")
        .context("no Location")?
        .to_str()?
        .to_owned();
    let content_type = response
        .headers()
        .get("content-type")
        .context("no Content-Type")?
        .to_str()?
        .to_owned();
    expect_that!(content_type.starts_with("application/json"), content_type);
    let batch: sparkwright_livy::Batch = response.json().await?;
    expect_that!(location == format!("/batches/{}", batch.id), location);
    expect_that!(batch.name.as_deref() == Some(name.as_str()), batch);
    expect_that!(
        batch.state == BatchState::Starting && batch.app_id.is_none(),
        batch
    );
    expect_that!(
        batch.log == ["stdout: ", "\nstderr: ", "\nYARN Diagnostics: "],
        batch
    );
    expect_that!(!batch.is_zombie_shaped(), batch);
    Ok(())
}

pub(super) async fn a_batch_is_found_by_name_and_by_number(trial: &Trial) -> Result<()> {
    let name = trial.name("found");
    trial.create_shell(&name).await?;
    let by_name = trial.livy.batch(&name).await?;
    let by_number = trial.livy.batch(by_name.id).await?;
    expect_that!(
        by_number == by_name && by_name.name.as_deref() == Some(name.as_str()),
        (by_name, by_number)
    );
    let states = [
        trial.livy.batch_state(&name).await?,
        trial.livy.batch_state(by_name.id).await?,
    ];
    expect_that!(states == [BatchState::Starting, BatchState::Starting], states);
    Ok(())
}

pub(super) async fn the_list_holds_every_batch_once(trial: &Trial) -> Result<()> {
    let names = ["list-a", "list-b", "list-c"].map(|stem| trial.name(stem));
    for name in &names {
        trial.create_shell(name).await?;
    }
    let batches = trial.livy.batches().await?;
    let ids: HashSet<_> = batches.iter().map(|batch| batch.id).collect();
    expect_that!(ids.len() == batches.len(), batches);
    let own: Vec<_> = batches
        .iter()
        .filter_map(|batch| batch.name.as_ref())
        .filter(|name| names.contains(name))
        .collect();
    // Without a restart the order is that of the creation.
    expect_that!(own == names.iter().collect::<Vec<_>>(), own);
    Ok(())
}

pub(super) async fn pages_are_cut_by_position(trial: &Trial) -> Result<()> {
    for stem in ["page-a", "page-b"] {
        trial.create_shell(&trial.name(stem)).await?;
    }
    let first = trial.livy.batches_page(0, 1).await?;
    expect_that!(
        first.from == 0 && first.total >= 2 && first.sessions.len() == 1,
        first
    );
    let second = trial.livy.batches_page(1, 1).await?;
    expect_that!(second.from == 1 && second.sessions.len() == 1, second);
    expect_that!(first.sessions[0].id != second.sessions[0].id, (first, second));
    let beyond = trial.livy.batches_page(1_000_000, 5).await?;
    expect_that!(beyond.sessions.is_empty() && beyond.total >= 2, beyond);
    Ok(())
}

pub(super) async fn a_log_has_livys_headings_and_is_cut_from_its_end(trial: &Trial) -> Result<()> {
    let name = trial.name("log");
    trial
        .livy
        .create_batch(&trial.request("missing.py", &name))
        .await?;
    trial.ends_as(&name, BatchState::Dead).await?;
    let all = trial.livy.batch_log(&name, LogLines::All).await?;
    expect_that!(all.first().is_some_and(|line| line == "stdout: "), all);
    for heading in ["\nstderr: ", "\nYARN Diagnostics: "] {
        expect_that!(all.iter().any(|line| line == heading), all);
    }
    let last = trial.livy.batch_log(&name, LogLines::Last(3)).await?;
    expect_that!(last == all[all.len() - 3..], last);
    let none = trial.livy.batch_log(&name, LogLines::Last(0)).await?;
    expect_that!(none.is_empty(), none);
    Ok(())
}

pub(super) async fn an_unknown_batch_is_not_found(trial: &Trial) -> Result<()> {
    let livy = &trial.livy;
    let name = trial.name("unknown");
    let errors = [
        livy.batch(&name).await.err(),
        livy.batch(BatchId(2_000_000_000)).await.err(),
        livy.batch(BatchId(-1)).await.err(),
        livy.batch_state(&name).await.err(),
        livy.batch_log(&name, LogLines::All).await.err(),
        livy.delete_batch(&name).await.err(),
    ];
    for error in errors {
        let error = error.context("an unknown batch was found")?;
        expect_that!(error.is_not_found() && !error.is_transient(), error);
        expect_that!(error.to_string().ends_with("not found."), error);
    }
    Ok(())
}

pub(super) async fn a_number_beyond_all_ids_is_refused(trial: &Trial) -> Result<()> {
    let error = trial
        .livy
        .batch(BatchId(99_999_999_999))
        .await
        .err()
        .context("it was found")?;
    expect_that!(error.status() == Some(400) && !error.is_not_found(), error);
    Ok(())
}

pub(super) async fn a_method_that_is_not_served_is_refused_without_a_word(trial: &Trial) -> Result<()> {
    let response = trial.raw(Method::PUT, "batches/1", "{}").await?;
    expect_that!(response.status() == 405, response.status());
    expect_that!(response.headers().contains_key("allow"), response.headers());
    expect_that!(response.text().await?.is_empty(), "a body");
    Ok(())
}
