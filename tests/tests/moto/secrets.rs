//! From a secret's ARN to Livy's credentials.

use aws_sdk_secretsmanager::primitives::Blob;
use spark_job_function::credentials::{CredentialsCache, CredentialsError};
use sparkwright_livy::Credentials;

use crate::site::{Moto, unique};

const TEXT: &str = r#"{"username": "etl", "password": "hunter22", "engine": "none"}"#;

async fn error(moto: &Moto, arn: &str) -> CredentialsError {
    let error = CredentialsCache::default()
        .get(&moto.aws(), arn)
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(text.contains(arn) && !text.contains("hunter22"), "{text}");
    assert!(!error.may_pass(), "{text}");
    error
}

#[tokio::test]
async fn a_secret_gives_name_and_password() {
    let Some(moto) = Moto::find() else { return };
    let arn = moto.secret("found", TEXT).await;
    let found = CredentialsCache::default().get(&moto.aws(), &arn).await.unwrap();
    assert_eq!(found, Credentials::new("etl", "hunter22"));
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_missing() {
    let Some(moto) = Moto::find() else { return };
    let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:never-made-a1b2c3";
    assert!(matches!(
        error(&moto, arn).await,
        CredentialsError::Missing { .. }
    ));
}

#[tokio::test]
async fn a_secret_that_is_marked_for_deletion_is_missing() {
    let Some(moto) = Moto::find() else { return };
    let arn = moto.secret("deleted", TEXT).await;
    moto.delete_secret(&arn).await;
    assert!(matches!(
        error(&moto, &arn).await,
        CredentialsError::Missing { .. }
    ));
}

#[tokio::test]
async fn a_binary_secret_holds_no_credentials() {
    let Some(moto) = Moto::find() else { return };
    let created = moto
        .secrets
        .create_secret()
        .name(unique("binary"))
        .secret_binary(Blob::new(TEXT));
    let arn = created.send().await.unwrap().arn().unwrap().to_owned();
    let error = error(&moto, &arn).await;
    assert!(error.to_string().ends_with("it is binary"), "{error}");
}

#[tokio::test]
async fn a_secret_of_another_form_holds_no_credentials() {
    let Some(moto) = Moto::find() else { return };
    for (name, text) in [("plain", "etl:hunter22"), ("half", r#"{"username": "etl"}"#)] {
        let arn = moto.secret(name, text).await;
        let error = error(&moto, &arn).await;
        assert!(matches!(error, CredentialsError::Malformed { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_rotated_secret_is_kept_for_a_while_and_new_to_others() {
    let Some(moto) = Moto::find() else { return };
    let arn = moto.secret("rotated", TEXT).await;
    let (warm, cold) = (CredentialsCache::default(), CredentialsCache::default());
    let old = warm.get(&moto.aws(), &arn).await.unwrap();
    moto.rotate(&arn, r#"{"username": "etl", "password": "hunter23"}"#)
        .await;
    // Until Livy refuses it: that it is then read again is a job's test.
    assert_eq!(warm.get(&moto.aws(), &arn).await.unwrap(), old);
    assert_eq!(
        cold.get(&moto.aws(), &arn).await.unwrap(),
        Credentials::new("etl", "hunter23")
    );
}
