//! Livy's credentials, from a Secrets Manager secret.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use serde_json::Value;
use sparkwright_livy::{Credentials, CredentialsSource, ReadingAgain};
use tokio::sync::Mutex as Turn;
use tokio::time::Instant;
use tracing::info;

use crate::aws::{Aws, explain, may_pass};

/// A warm function reads a secret anew after this, also when Livy still takes what it held.
const KEPT: Duration = Duration::from_secs(300);
/// A secret that was read again in vain is not read again for every look at Livy that follows.
const STILL_THE_SAME: Duration = Duration::from_secs(5);

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

/// Secrets that were read lately. A clone is the same cache.
#[derive(Clone, Default)]
pub struct CredentialsCache(Arc<Cache>);

#[derive(Default)]
struct Cache {
    secrets: Mutex<HashMap<String, Kept>>,
    /// Held by whoever reads a secret that Livy's refusal has put in doubt.
    turn: Turn<()>,
}

#[derive(Clone)]
struct Kept {
    credentials: Credentials,
    read: Instant,
    /// When it was last read again in vain.
    confirmed: Option<Instant>,
}

impl CredentialsCache {
    /// The credentials in this secret. A client of Livy that uses them reads the secret again when Livy refuses them.
    pub async fn get(&self, aws: &Aws, arn: &str) -> Result<Credentials, CredentialsError> {
        let kept = self.kept(arn).filter(|kept| kept.read.elapsed() < KEPT);
        let credentials = match kept {
            Some(kept) => kept.credentials,
            None => {
                let credentials = read(aws, arn).await?;
                self.keep(arn, &credentials, None);
                credentials
            }
        };
        Ok(credentials.from_source(Arc::new(Secret {
            arn: arn.to_owned(),
            aws: aws.clone(),
            cache: self.clone(),
        })))
    }

    /// The credentials in this secret, of which Livy has refused these.
    async fn get_again(
        &self,
        aws: &Aws,
        arn: &str,
        refused: &Credentials,
    ) -> Result<Credentials, CredentialsError> {
        let _turn = self.0.turn.lock().await;
        if let Some(kept) = self.kept(arn) {
            let is_known = |confirmed: Instant| confirmed.elapsed() < STILL_THE_SAME;
            if kept.credentials != *refused || kept.confirmed.is_some_and(is_known) {
                return Ok(kept.credentials);
            }
        }
        let read = read(aws, arn).await;
        match &read {
            Ok(credentials) => {
                let is_new = credentials != refused;
                info!(
                    secret = arn,
                    is_new, "Livy refused the credentials, and the secret was read again"
                );
                self.keep(arn, credentials, (!is_new).then(Instant::now));
            }
            // What Livy refuses is of no use to the next request either.
            Err(_) => drop(self.secrets().remove(arn)),
        }
        read
    }

    fn kept(&self, arn: &str) -> Option<Kept> {
        self.secrets().get(arn).cloned()
    }

    fn keep(&self, arn: &str, credentials: &Credentials, confirmed: Option<Instant>) {
        let kept = Kept {
            credentials: credentials.clone(),
            read: Instant::now(),
            confirmed,
        };
        self.secrets().insert(arn.to_owned(), kept);
    }

    fn secrets(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        self.0.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for CredentialsCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialsCache(..)")
    }
}

/// Where a client of Livy reads its credentials again.
struct Secret {
    arn: String,
    aws: Aws,
    cache: CredentialsCache,
}

impl CredentialsSource for Secret {
    fn name(&self) -> String {
        format!("the secret `{}`", self.arn)
    }

    fn read_again<'a>(&'a self, refused: &'a Credentials) -> ReadingAgain<'a> {
        Box::pin(async move {
            let read = self.cache.get_again(&self.aws, &self.arn, refused).await;
            read.map_err(|error| error.to_string())
        })
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
