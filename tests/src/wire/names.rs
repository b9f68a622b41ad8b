//! Names: unique while they are held, and addresses.

use anyhow::{Context, Result};
use sparkwright_livy::{BatchRequest, Error};

use super::Trial;
use super::trial::expect_that;

pub(super) async fn a_name_is_unique(trial: &Trial) -> Result<()> {
    let name = trial.name("twice");
    let request = trial.request("missing.py", &name);
    let first = trial.livy.create_batch(&request).await?;
    let error = trial
        .livy
        .create_batch(&request)
        .await
        .err()
        .context("the name was taken twice")?;
    expect_that!(
        error.is_duplicate_name() && !error.was_not_sent() && !error.is_transient(),
        error
    );
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
    expect_that!(trial.livy.batch(&name).await?.id == first.id, first);
    Ok(())
}

pub(super) async fn a_name_of_digits_or_of_nothing_is_refused(trial: &Trial) -> Result<()> {
    for name in ["12345", ""] {
        let request = BatchRequest {
            name: Some(name.to_owned()),
            ..trial.request("pi.py", name)
        };
        let error = trial
            .livy
            .create_batch(&request)
            .await
            .err()
            .context("the name was accepted")?;
        expect_that!(error.status() == Some(400), error);
        expect_that!(error.to_string().contains("Invalid session name:"), error);
        expect_that!(!error.is_duplicate_name() && !error.is_transient(), error);
    }
    Ok(())
}

pub(super) async fn a_name_with_a_slash_and_a_space_can_be_addressed(trial: &Trial) -> Result<()> {
    let name = trial.name("a b/cé%?#");
    trial.create_shell(&name).await?;
    let batch = trial.livy.batch(&name).await?;
    expect_that!(batch.name.as_deref() == Some(name.as_str()), batch);
    trial.livy.delete_batch(&name).await?;
    Ok(())
}

pub(super) async fn a_deleted_batch_is_gone_and_its_name_is_free(trial: &Trial) -> Result<()> {
    let name = trial.name("gone");
    let first = trial
        .livy
        .create_batch(&trial.request("missing.py", &name))
        .await?;
    // A batch that has ended still holds its name.
    trial
        .batch_until(&name, "over", |batch| batch.state.is_terminal())
        .await?;
    expect_that!(trial.create_shell(&name).await?.is_duplicate_name(), name);
    trial.livy.delete_batch(&name).await?;
    let error = trial.livy.batch(&name).await.err().context("it is still there")?;
    expect_that!(error.is_not_found(), error);
    let error = trial
        .livy
        .delete_batch(&name)
        .await
        .err()
        .context("it was deleted twice")?;
    expect_that!(error.is_not_found(), error);
    let second = trial
        .livy
        .create_batch(&trial.request("missing.py", &name))
        .await?;
    expect_that!(second.id > first.id, (first, second));
    Ok(())
}
