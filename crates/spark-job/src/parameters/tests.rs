//! What is accepted as a job, and what is said of the rest.

use super::*;

fn parse(value: Value) -> Result<Parameters, Mistakes> {
    Parameters::parse(value.as_object().expect("an object"))
}

#[track_caller]
fn check_refused(value: Value, expected: &str) {
    assert_eq!(parse(value).expect_err("refused").to_string(), expected);
}

#[test]
fn numbers_and_their_texts_declare_the_same_job() {
    let typed = parse(
        json!({"File": "s3://b/j.jar", "NumExecutors": 2, "Args": [10, true], "Configuration": {"a": 1}}),
    );
    let texts = parse(
        json!({"File": "s3://b/j.jar", "NumExecutors": "2", "Args": ["10", "true"], "Configuration": {"a": "1"}}),
    );
    assert_eq!(typed, texts);
    assert_eq!(
        typed.expect("valid").to_canonical(),
        json!({"File": "s3://b/j.jar", "NumExecutors": "2", "Args": ["10", "true"], "Configuration": {"a": "1"}})
    );
}

#[test]
fn every_mistake_of_a_job_is_in_one_message() {
    check_refused(
        json!({"NumExecutor": 1, "DriverMemory": "1.5g", "ExecutorCores": 0}),
        "`File` is missing: the URI of the jar or Python file to run, such as `s3://bucket/job.py`; \
         `DriverMemory` must be a size such as `512m` or `4g`, not `1.5g`; \
         `ExecutorCores` must be a whole number from 1 to 2147483647, not `0`; \
         `NumExecutor` is not a parameter; did you mean `NumExecutors`?",
    );
}

#[test]
fn a_relative_path_is_refused_before_livy_makes_a_zombie_of_it() {
    check_refused(
        json!({"File": "jobs/etl.py"}),
        "`File` must be a URI with a scheme (`s3://…`, `hdfs://…`, `local:…`, `file:…`) or an absolute path, \
         not `jobs/etl.py`",
    );
    check_refused(
        json!({"File": "s3://b/my job.py"}),
        "`File` holds a character that a URI may not have: `s3://b/my job.py`",
    );
}

#[test]
fn memory_takes_sparks_forms_and_no_others() {
    for good in ["512m", "4g", "4G", "1024k", "1t", "2gb", "2GB"] {
        assert!(
            parse(json!({"File": "/a", "DriverMemory": good})).is_ok(),
            "{good}"
        );
    }
    for bad in ["512", "1.5g", "g", "0g", "-1g", "4 g", "4gbb", "four"] {
        assert!(
            parse(json!({"File": "/a", "DriverMemory": bad})).is_err(),
            "{bad}"
        );
    }
}

#[test]
fn client_mode_is_refused() {
    check_refused(
        json!({"File": "/a", "Configuration": {"spark.submit.deployMode": "client"}}),
        "`Configuration.spark.submit.deployMode` must not be `client`: YARN would call a failed driver SUCCEEDED",
    );
    assert!(parse(json!({"File": "/a", "Configuration": {"spark.submit.deployMode": "cluster"}})).is_ok());
}

#[test]
fn own_tags_are_few_and_not_ours() {
    let tags = |tags: &str| parse(json!({"File": "/a", "Configuration": {"spark.yarn.tags": tags}}));
    assert!(tags("a,b,c").is_ok());
    assert!(tags("a,b,c,d").is_err());
    assert!(tags("sparkwright-run-x").is_err());
    assert!(tags("a,,b").is_err());
}

#[test]
fn nested_configuration_and_lists_of_lists_are_refused() {
    check_refused(
        json!({"File": "/a", "Configuration": {"a": {"b": 1}}, "Args": [["x"]]}),
        "`Args` must be a single value, not a list; `Configuration.a` must be a single value, not an object",
    );
}

#[test]
fn the_names_are_the_ones_that_are_read() {
    let mut all = Map::new();
    for name in Parameters::NAMES {
        all.insert(name.into(), Value::Null);
    }
    all.insert("File".into(), json!("/a"));
    assert!(Parameters::parse(&all).is_ok(), "a documented name is not read");
}
