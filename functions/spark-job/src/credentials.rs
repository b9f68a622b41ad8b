//! Livy's credentials, from a Secrets Manager secret.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use serde_json::Value;
use sparkwright_livy::Credentials;

use crate::aws::{Aws, explain, may_pass};

/// A warm function sees a rotated secret after this.
const KEPT: Duration = Duration::from_secs(300);

/// Why there are no credentials. No message holds anything of the secret's text.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// Secrets Manager has no such secret, or it is about to be deleted.
    #[error("there is no secret `{arn}` to read Livy's credentials from: {said}")]
    Missing {
        /// The secret.
        arn: String,
        /// Secrets Manager's words.
        said: String,
    },
    /// It is there, and does not hold credentials.
    #[error("the secret `{arn}` must be a JSON object with `username` and `password`: {why}")]
    Malformed {
        /// The secret.
        arn: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// It could not be read.
    #[error("could not read the secret `{arn}`: {why}")]
    Unavailable {
        /// The secret.
        arn: String,
        /// What stood in the way, and what to do about it.
        why: String,
        /// Whether that may pass by itself.
        passing: bool,
    },
}

impl CredentialsError {
    /// Whether a later call may say more.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable { passing: true, .. })
    }
}

/// Secrets that were read lately.
#[derive(Default)]
pub struct CredentialsCache(Mutex<HashMap<String, (Instant, Credentials)>>);

impl CredentialsCache {
    /// The credentials in this secret.
    pub async fn get(&self, aws: &Aws, arn: &str) -> Result<Credentials, CredentialsError> {
        if let Some(kept) = self.kept(arn) {
            return Ok(kept);
        }
        let credentials = read(aws, arn).await?;
        let mut secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.insert(arn.to_owned(), (Instant::now(), credentials.clone()));
        Ok(credentials)
    }

    fn kept(&self, arn: &str) -> Option<Credentials> {
        let secrets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        secrets
            .get(arn)
            .filter(|(read, _)| read.elapsed() < KEPT)
            .map(|(_, credentials)| credentials.clone())
    }
}

impl fmt::Debug for CredentialsCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialsCache(..)")
    }
}

async fn read(aws: &Aws, arn: &str) -> Result<Credentials, CredentialsError> {
    let region = arn.split(':').nth(3);
    let answer = aws
        .secrets(region)
        .await
        .get_secret_value()
        .secret_id(arn)
        .send()
        .await;
    let secret = answer.map_err(|error| match error.as_service_error() {
        Some(GetSecretValueError::ResourceNotFoundException(missing)) => CredentialsError::Missing {
            arn: arn.to_owned(),
            said: missing
                .message()
                .unwrap_or("ResourceNotFoundException")
                .to_owned(),
        },
        // That is how a secret answers that is marked for deletion.
        Some(GetSecretValueError::InvalidRequestException(refusal)) => CredentialsError::Missing {
            arn: arn.to_owned(),
            said: refusal.message().unwrap_or("InvalidRequestException").to_owned(),
        },
        _ => CredentialsError::Unavailable {
            arn: arn.to_owned(),
            why: explain(&error, "Secrets Manager", "secretsmanager:GetSecretValue"),
            passing: may_pass(&error),
        },
    })?;
    parse(secret.secret_string()).map_err(|why| CredentialsError::Malformed {
        arn: arn.to_owned(),
        why,
    })
}

fn parse(secret: Option<&str>) -> Result<Credentials, &'static str> {
    let text = secret.ok_or("it is binary")?;
    let object: Value = serde_json::from_str(text).map_err(|_| "it is not JSON")?;
    let field = |name: &str| {
        object
            .get(name)
            .and_then(Value::as_str)
            .filter(|value| !value.is_empty())
    };
    let username = field("username").ok_or("`username` is missing")?;
    let password = field("password").ok_or("`password` is missing")?;
    Ok(Credentials::new(username, password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_an_object_with_two_texts() {
        assert!(parse(Some(r#"{"username": "livy", "password": "x", "engine": "none"}"#)).is_ok());
        assert_eq!(parse(None).err(), Some("it is binary"));
        assert_eq!(parse(Some("hunter22")).err(), Some("it is not JSON"));
        assert_eq!(
            parse(Some(r#"["livy", "x"]"#)).err(),
            Some("`username` is missing")
        );
        assert_eq!(
            parse(Some(r#"{"username": "livy", "password": ""}"#)).err(),
            Some("`password` is missing")
        );
    }
}
