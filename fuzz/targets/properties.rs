//! Any properties: read without a panic, equal in every form that means the same, and an id of theirs leads back.

#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use serde_json::{Map, Value};
use spark_job_function::physical_id::{PhysicalId, RunId};
use spark_job_function::properties::{
    Properties, Stopping, lenient_ca_certificate, lenient_credentials, lenient_place,
};
use sparkwright_spark_job::identity::{Intent, Resource};
use sparkwright_spark_job::names::{BatchName, RunKey, Slug};

sparkwright_fuzz::mutate_json!();

fuzz_target!(|input: &[u8]| -> Corpus {
    let Ok(Value::Object(object)) = serde_json::from_slice(input) else {
        return Corpus::Reject;
    };
    let stopping = Stopping::lenient(&object);
    let (place, credentials) = (lenient_place(&object), lenient_credentials(&object));
    let certificate = lenient_ca_certificate(&object);
    match Properties::parse(&object) {
        Ok(properties) => {
            assert_eq!(stopping, properties.stopping);
            assert_eq!(place.as_ref(), Some(&properties.place));
            assert_eq!(credentials, properties.place.credentials);
            assert_eq!(certificate, properties.ca_certificate);
            check_forms(&object, &properties);
            check_id(&properties);
        }
        Err(mistakes) => {
            assert!(!mistakes.is_empty() && !mistakes.to_string().trim().is_empty());
            assert_eq!(
                Properties::parse(&object).expect_err("the same properties"),
                mistakes
            );
        }
    }
    Corpus::Keep
});

/// CloudFormation makes every scalar a string; a template's author, an emulator or a test may not.
fn check_forms(object: &Map<String, Value>, properties: &Properties) {
    for form in [
        in_every_scalar(object, as_string),
        in_every_scalar(object, as_scalar),
    ] {
        let read = match Properties::parse(&form) {
            Ok(read) => read,
            Err(mistakes) => panic!("accepted, but not in the form {form:?}: {mistakes}"),
        };
        assert_eq!(
            read.spec(),
            properties.spec(),
            "the spec depends on the form {form:?}"
        );
        assert_eq!(format!("{read:?}"), format!("{properties:?}"));
    }
}

fn check_id(properties: &Properties) {
    let endpoint = properties
        .place
        .endpoint(Some("primary.example"), properties.ca_certificate.clone());
    assert!(endpoint.is_ok(), "the place leads nowhere: {endpoint:?}");
    let slug = Slug::of(properties.parameters.name().unwrap_or_default());
    let key = RunKey::of(Intent::of_token("fuzz"), Some(Resource::of("stack", "Job")), 1);
    let id = RunId::new(
        BatchName::of(&slug, key),
        properties.spec(),
        properties.place.clone(),
    );
    let parsed = PhysicalId::parse(&id.to_string(), "stack", "Job");
    assert_eq!(parsed.run(), Some(&id), "the id does not lead back: {id}");
}

fn in_every_scalar(object: &Map<String, Value>, change: fn(&Value) -> Value) -> Map<String, Value> {
    fn within(value: &Value, change: fn(&Value) -> Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| within(item, change)).collect(),
            Value::Object(fields) => in_every_scalar(fields, change).into(),
            scalar => change(scalar),
        }
    }
    object
        .iter()
        .map(|(name, value)| (name.clone(), within(value, change)))
        .collect()
}

fn as_string(scalar: &Value) -> Value {
    match scalar {
        Value::Number(_) | Value::Bool(_) => scalar.to_string().into(),
        other => other.clone(),
    }
}

/// What is the exact text of a number or a boolean becomes one.
fn as_scalar(scalar: &Value) -> Value {
    let read = scalar
        .as_str()
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    read.filter(|value| value.is_number() || value.is_boolean())
        .filter(|value| Some(&*value.to_string()) == scalar.as_str())
        .unwrap_or_else(|| scalar.clone())
}
