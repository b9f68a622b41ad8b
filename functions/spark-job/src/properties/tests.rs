//! Properties as CloudFormation sends them: every scalar a string.

use serde_json::json;

use super::*;
use crate::place::{Livy, Scheme, Truth};

const SECRET: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:livy-a1b2c3";

fn object(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

fn parse(value: Value) -> Result<Properties, Mistakes> {
    Properties::parse(&object(value))
}

#[track_caller]
fn check_mistakes(value: Value, expected: &str) {
    assert_eq!(parse(value).map(|_| ()).unwrap_err().to_string(), expected);
}

#[test]
fn the_least_that_a_template_says_gets_the_documented_defaults() {
    let properties = parse(json!({
        "ServiceToken": "arn:aws:lambda:eu-central-1:123456789012:function:spark-job",
        "LivyHost": "primary.example",
        "Parameters": {"File": "s3://jobs/pi.py"},
    }))
    .expect("valid");
    assert_eq!(properties.wait_for, WaitFor::Running);
    assert_eq!(properties.update_policy, UpdatePolicy::StopThenStart);
    assert_eq!(properties.stopping.if_unconfirmed, IfStopUnconfirmed::Fail);
    let seconds = [
        properties.healthy,
        properties.submit_timeout,
        properties.wait_timeout,
        properties.stopping.timeout,
    ];
    assert_eq!(seconds.map(|time| time.as_secs()), [15, 60, 900, 300]);
    assert_eq!(
        properties.place.livy,
        Livy::At("http://primary.example:8998".parse().expect("a URL"))
    );
    assert_eq!(
        (&properties.place.truth, &*properties.place.user),
        (&Truth::BesideLivy, "hadoop")
    );
}

#[test]
fn everything_that_can_be_said_is_read_from_strings() {
    let properties = parse(json!({
        "ClusterId": "j-2AXXXXXXGAPLF", "LivyPort": "8999", "LivyScheme": "https",
        "LivyCaCertificate": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "ResourceManagerUrl": "https://rm1:8090,https://rm2:8090", "ResourceManagerUser": "livy",
        "LivyCredentials": SECRET, "WaitFor": "success", "HealthySeconds": "0", "SubmitTimeoutSeconds": "900",
        "WaitTimeoutSeconds": "3300", "UpdatePolicy": "StartThenStop", "StopTimeoutSeconds": "30",
        "IfStopUnconfirmed": "Succeed", "Revision": "", "ServiceTimeout": "3600", "Redact": ["s3cret*"],
        "Parameters": {"File": "s3://jobs/pi.py", "NumExecutors": "2"},
    }))
    .expect("valid");
    assert_eq!(properties.wait_for, WaitFor::Success);
    assert_eq!(properties.update_policy, UpdatePolicy::StartThenStop);
    assert_eq!(
        properties.stopping,
        Stopping {
            timeout: Duration::from_secs(30),
            if_unconfirmed: IfStopUnconfirmed::Succeed
        }
    );
    let livy = Livy::OnCluster {
        id: "j-2AXXXXXXGAPLF".into(),
        port: 8999,
        scheme: Scheme::Https,
    };
    assert_eq!(properties.place.livy, livy);
    assert_eq!(properties.place.credentials.as_deref(), Some(SECRET));
    assert!(matches!(&properties.place.truth, Truth::At(urls) if urls.len() == 2));
    assert!(properties.ca_certificate.is_some());
}

#[test]
fn every_mistake_stands_in_one_message() {
    check_mistakes(
        json!({
            "LivyHots": "primary.example", "WaitFor": "Ready", "HealthySeconds": "901",
            "LivyCredentials": "livy", "Parameters": {"Fil": "s3://jobs/pi.py", "DriverMemory": "4 gigs"},
        }),
        "`LivyCredentials` must be the ARN of a Secrets Manager secret \
         (`arn:aws:secretsmanager:<region>:<account>:secret:<name>`), not `livy`; \
         `File` is missing: the URI of the jar or Python file to run, such as `s3://bucket/job.py`; \
         `DriverMemory` must be a size such as `512m` or `4g`, not `4 gigs`; \
         `Fil` is not a parameter; did you mean `File`?; \
         `WaitFor` must be `Submitted` or `Running` or `Success`, not `Ready`; \
         `HealthySeconds` must be a whole number from 0 to 900, not `901`; \
         no Livy is named: give `LivyHost`, `LivyUrl` or `ClusterId`; \
         `LivyHots` is not a property; did you mean `LivyHost`?",
    );
}

#[test]
fn an_empty_object_says_what_is_needed() {
    check_mistakes(
        json!({}),
        "`Parameters` is missing: the job itself, with at least its `File`; \
         no Livy is named: give `LivyHost`, `LivyUrl` or `ClusterId`",
    );
}

#[test]
fn a_wrong_livy_is_named_once() {
    check_mistakes(
        json!({"LivyHost": "http://primary", "Parameters": {"File": "/a"}}),
        "`LivyHost` must be a host name alone, not `http://primary`; an address goes to `LivyUrl`",
    );
    check_mistakes(
        json!({"ClusterId": "2AXXX", "Parameters": {"File": "/a"}}),
        "`ClusterId` must be an EMR cluster id such as `j-2AXXXXXXGAPLF`, not `2AXXX`",
    );
}

#[test]
fn what_a_stop_needs_is_read_from_properties_of_any_form() {
    let properties = object(json!({
        "LivyHost": "h", "StopTimeoutSeconds": "soon", "IfStopUnconfirmed": "Succeed", "Unheard": ["of"], "Parameters": 7,
    }));
    let stopping = Stopping::lenient(&properties);
    assert_eq!(
        stopping,
        Stopping {
            timeout: Duration::from_secs(300),
            if_unconfirmed: IfStopUnconfirmed::Succeed
        }
    );
    let place = lenient_place(&properties).expect("a host is named");
    assert_eq!(place.livy, Livy::At("http://h:8998".parse().expect("a URL")));
    assert_eq!(lenient_place(&Map::new()), None);
    assert_eq!(
        lenient_credentials(&object(json!({"LivyCredentials": SECRET}))).as_deref(),
        Some(SECRET)
    );
    assert_eq!(
        lenient_ca_certificate(&object(json!({"LivyCaCertificate": "none"}))),
        None
    );
}

#[test]
fn what_is_not_part_of_the_job_is_not_part_of_its_spec() {
    let spec = |extra: Value| {
        let mut properties = object(json!({"LivyHost": "h", "Parameters": {"File": "/a"}}));
        properties.extend(object(extra));
        Properties::parse(&properties).expect("valid").spec()
    };
    let plain = spec(json!({}));
    for extra in [
        json!({"WaitFor": "Success"}),
        json!({"StopTimeoutSeconds": 60}),
        json!({"LivyCredentials": SECRET}),
        json!({"LivyPort": "8998"}),
    ] {
        assert_eq!(spec(extra.clone()), plain, "{extra}");
    }
    for extra in [
        json!({"Revision": "2"}),
        json!({"LivyPort": 8999}),
        json!({"ResourceManagerUrl": "http://rm:8088"}),
    ] {
        assert_ne!(spec(extra.clone()), plain, "{extra}");
    }
}
