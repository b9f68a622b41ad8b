use serde_json::json;

use super::*;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn rules() -> InputRules {
    let resource_manager = ResourceManager::Required {
        urls: vec![url("http://primary:8088")],
        user: "hadoop".into(),
    };
    let own = Endpoint {
        livy: url("http://localhost:8998"),
        ca_certificate: None,
        resource_manager,
    };
    InputRules {
        own: vec![own.into()],
        allowed_hosts: BTreeSet::from(["ip-10-0-0-7.ec2.internal".to_owned()]),
        on_cancel: OnCancel::Stop,
    }
}

fn read(input: Value) -> Result<TaskInput, Mistakes> {
    rules().read(&input.to_string(), &TaskToken::new("token"))
}

#[track_caller]
fn refused(input: Value, expected: &str) {
    let message = read(input).unwrap_err().to_string();
    assert!(message.contains(expected), "{message}");
}

#[test]
fn both_forms_say_the_same() {
    let nested =
        read(json!({"Parameters": {"File": "s3://b/pi.py", "Args": [10], "Name": "Spark Pi"}})).unwrap();
    let flat = read(json!({"File": "s3://b/pi.py", "Args": [10], "Name": "Spark Pi"})).unwrap();
    assert_eq!(nested.parameters, flat.parameters);
    assert_eq!(
        (nested.spec, nested.slug.to_string()),
        (flat.spec, "spark-pi".to_owned())
    );
    assert_eq!(nested.endpoint, rules().own[0]);
    assert_eq!(nested.start_timeout, Duration::from_secs(3600));
    assert!(!nested.has_client_token && nested.heartbeat_timeout.is_none());
}

#[test]
fn the_mixed_form_is_refused() {
    refused(
        json!({"Parameters": {"File": "/a"}, "Args": ["x"], "Name": "n"}),
        "there is a `Parameters` object: move `Args`, `Name` into it",
    );
    refused(
        json!({"Parameters": {"File": "/a"}, "File": "/b"}),
        "move `File` into it",
    );
    refused(
        json!({"Parameters": "s3://b/pi.py"}),
        "`Parameters` must be an object",
    );
}

#[test]
fn every_mistake_is_in_one_message() {
    let message = read(json!({
        "Parameters": {"NumExecutor": 1, "DriverMemory": "lots"},
        "HeartbeatSecond": 60,
        "StartTimeoutSeconds": "soon",
        "OnCancel": "Kill",
        "EnteredTime": "today",
    }))
    .unwrap_err()
    .to_string();
    for part in [
        "`File` is missing",
        "did you mean `NumExecutors`?",
        "`DriverMemory` must be a size",
        "did you mean `HeartbeatSeconds`?",
        "`StartTimeoutSeconds` must be a whole number",
        "`OnCancel` must be `Stop` or `Leave`",
        "`EnteredTime` must be a time",
    ] {
        assert!(message.contains(part), "{part} is missing in {message}");
    }
}

#[test]
fn a_misspelt_field_at_the_top_level_finds_its_nearest_of_both_kinds() {
    refused(json!({"File": "/a", "LivyHots": "h"}), "did you mean `LivyHost`?");
    refused(
        json!({"File": "/a", "ExecutorMemroy": "1g"}),
        "did you mean `ExecutorMemory`?",
    );
    refused(
        json!({"File": "/a", "ClusterId": "j-1"}),
        "`ClusterId` is not a field",
    );
}

#[test]
fn what_is_no_object_is_refused() {
    let token = TaskToken::new("t");
    for input in ["", "[]", "\"x\"", "null", "{"] {
        assert!(rules().read(input, &token).is_err(), "{input}");
    }
}

#[test]
fn a_host_that_was_not_allowed_is_refused_whoever_it_is_for() {
    refused(
        json!({"File": "/a", "LivyHost": "evil.example"}),
        "may not use `evil.example`",
    );
    refused(
        json!({"File": "/a", "LivyUrl": "http://169.254.169.254/"}),
        "may not use `169.254.169.254`",
    );
    refused(
        json!({"File": "/a", "ResourceManagerUrl": "http://evil.example:8088"}),
        "may not use `evil.example`",
    );
    refused(
        json!({"File": "/a", "LivyHost": "localhost", "ResourceManagerUrl": "http://primary,http://x"}),
        "may not use `x`",
    );
    refused(
        json!({"File": "/a", "LivyHost": "localhost", "LivyUrl": "http://localhost"}),
        "give only one of",
    );
    refused(
        json!({"File": "/a", "LivyPort": 8999}),
        "`LivyHost`, which is missing",
    );
}

#[test]
fn an_allowed_host_is_used_with_the_resource_manager_beside_it() {
    let input = read(json!({"File": "/a", "LivyHost": "IP-10-0-0-7.ec2.internal"})).unwrap();
    assert_eq!(input.endpoint.livy, url("http://ip-10-0-0-7.ec2.internal:8998"));
    assert_eq!(input.endpoint.hosts(), ["ip-10-0-0-7.ec2.internal"; 2]);
}

#[test]
fn naming_the_workers_own_livy_changes_nothing() {
    let input = read(json!({"File": "/a", "LivyHost": "localhost", "LivyPort": "8998"})).unwrap();
    assert_eq!(input.endpoint, rules().own[0]);
}

#[test]
fn an_input_may_say_more_about_the_workers_own_cluster() {
    let input = read(json!({"File": "/a", "LivyHost": "localhost", "ResourceManagerUser": "etl"})).unwrap();
    let ResourceManager::Required { urls, user } = &input.endpoint.resource_manager else {
        panic!("a ResourceManager")
    };
    assert_eq!(
        (urls.as_slice(), user.as_str()),
        ([url("http://primary:8088")].as_slice(), "etl")
    );
    let without = read(json!({"File": "/a", "ResourceManager": "None"})).unwrap();
    assert_eq!(without.endpoint.resource_manager, ResourceManager::None);
}

#[test]
fn the_workers_own_hosts_are_used_only_as_its_options_say() {
    let only_livy = "may use only http://localhost:8998/, not `";
    for input in [
        json!({"File": "/a", "LivyHost": "localhost", "LivyPort": 22}),
        json!({"File": "/a", "LivyHost": "localhost", "LivyScheme": "https"}),
        json!({"File": "/a", "LivyUrl": "http://localhost:8998/admin"}),
    ] {
        refused(input, only_livy);
    }
    refused(
        json!({"File": "/a", "ResourceManagerUrl": "http://primary:9088"}),
        "may use only http://primary:8088/, not `http://primary:9088/`",
    );
    refused(
        json!({"File": "/a", "ResourceManagerUrl": "http://localhost:8998"}),
        "may use only http://primary:8088/, not `http://localhost:8998/`",
    );
    let mut rules = rules();
    rules.allowed_hosts.insert("primary".into());
    let input = json!({"File": "/a", "ResourceManagerUrl": "http://primary:9088"}).to_string();
    assert!(rules.read(&input, &TaskToken::new("token")).is_ok());
}

#[test]
fn the_client_token_is_the_intent() {
    let input = read(
        json!({"File": "/a", "ClientToken": "execution/state/1", "EnteredTime": "2026-11-21T04:00:00.5Z"}),
    );
    let input = input.unwrap();
    assert_eq!(input.intent, Intent::of_token("execution/state/1"));
    assert!(input.has_client_token);
    assert_eq!(input.entered_at_ms, Some(1_795_233_600_500));
    assert_eq!(
        read(json!({"File": "/a"})).unwrap().intent,
        Intent::of_token("token")
    );
}

#[test]
fn tasks_share_the_workers_own_endpoint() {
    let rules = rules();
    let token = TaskToken::new("token");
    let input = rules.read(r#"{"File": "s3://b/etl.py"}"#, &token).unwrap();
    assert!(Arc::ptr_eq(&input.endpoint, &rules.own[0]));
}
