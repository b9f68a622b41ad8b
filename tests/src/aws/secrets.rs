//! Secrets Manager: `GetSecretValue`.

use std::collections::HashMap;
use std::sync::Mutex;

use serde_json::{Value, json};

use super::protocol::{answer, error};
use crate::http::Answer;
use crate::sync::lock;
use crate::{clock, random};

#[derive(Debug, Default)]
pub(super) struct Secrets(Mutex<HashMap<String, Secret>>);

#[derive(Debug)]
struct Secret {
    name: String,
    value: SecretValue,
}

#[derive(Debug)]
pub(super) enum SecretValue {
    Text(String),
    /// Bytes, which a program that wants a user's name cannot read.
    Binary(String),
}

impl Secrets {
    /// A new secret; its ARN.
    pub(super) fn add(&self, name: &str, value: SecretValue) -> String {
        let suffix = random::alphanumeric(6);
        let arn = format!("arn:aws:secretsmanager:eu-west-1:123456789012:secret:{name}-{suffix}");
        let secret = Secret {
            name: name.to_owned(),
            value,
        };
        lock(&self.0).insert(arn.clone(), secret);
        arn
    }

    /// Another value of a secret that is there.
    pub(super) fn change(&self, arn: &str, value: SecretValue) {
        if let Some(secret) = lock(&self.0).get_mut(arn) {
            secret.value = value;
        }
    }

    pub(super) fn delete(&self, arn: &str) {
        lock(&self.0).remove(arn);
    }

    /// By ARN, by an ARN without its last six characters, or by name.
    pub(super) fn get_secret_value(&self, id: &str) -> Answer {
        let secrets = lock(&self.0);
        let found = secrets.iter().find(|(arn, secret)| {
            arn.as_str() == id
                || secret.name == id
                || arn.rsplit_once('-').is_some_and(|(partial, _)| partial == id)
        });
        let Some((arn, secret)) = found else {
            return error(
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret.",
            );
        };
        let mut given = json!({
            "ARN": arn, "Name": secret.name, "VersionId": random::uuid(), "VersionStages": ["AWSCURRENT"],
            "CreatedDate": clock::now_ms() / 1000
        });
        let (member, value) = match &secret.value {
            SecretValue::Text(text) => ("SecretString", text),
            SecretValue::Binary(base64) => ("SecretBinary", base64),
        };
        given[member] = Value::String(value.clone());
        answer(&given)
    }
}
