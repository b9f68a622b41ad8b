//! The schema of `Custom::SparkJob` against what the function accepts, and the README's tables against the schema.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use spark_job_function::answer::ATTRIBUTES;
use spark_job_function::properties::Properties;
use sparkwright_spark_job::endpoint::DeclaredEndpoint;
use sparkwright_spark_job::parameters::Parameters;

use crate::{owned, read, section};

mod values;

pub(crate) fn schema() -> Value {
    serde_json::from_str(&read("cloudformation/schemas/custom-sparkjob.json")).expect("JSON")
}

fn names(object: &Value) -> BTreeSet<String> {
    object.as_object().expect("an object").keys().cloned().collect()
}

fn texts(list: &Value) -> BTreeSet<String> {
    let texts = list.as_array().expect("a list").iter();
    texts
        .map(|text| text.as_str().expect("a text").to_owned())
        .collect()
}

/// Where in the schema and in a resource a declaration stands.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Level {
    Property,
    Parameter,
}

/// Everything that a template may declare, with what the schema says of it.
pub(crate) fn declared() -> Vec<(Level, String, Value)> {
    let schema = schema();
    let attributes = owned(ATTRIBUTES.into_iter().filter(|name| *name != "LivyUrl"));
    let properties = schema["properties"].as_object().expect("an object").clone();
    let parameters = schema["definitions"]["Parameters"]["properties"].clone();
    let parameters = parameters.as_object().expect("an object").clone();
    let properties = properties
        .into_iter()
        .filter(|(name, _)| !attributes.contains(name));
    properties
        .map(|(name, says)| (Level::Property, name, says))
        .chain(
            parameters
                .into_iter()
                .map(|(name, says)| (Level::Parameter, name, says)),
        )
        .collect()
}

/// A job with nothing but what it needs, and one thing more.
pub(crate) fn resource(level: Level, name: &str, value: Value) -> Map<String, Value> {
    let mut resource = json!({"LivyHost": "livy", "Parameters": {"File": "/job.py"}});
    match level {
        Level::Property => {
            if matches!(name, "LivyUrl" | "ClusterId") {
                resource = json!({"Parameters": {"File": "/job.py"}});
            }
            resource[name] = value;
        }
        Level::Parameter => resource["Parameters"][name] = value,
    }
    resource.as_object().expect("an object").clone()
}

fn is_accepted(level: Level, name: &str, value: Value) -> bool {
    Properties::parse(&resource(level, name, value)).is_ok()
}

#[test]
fn the_schema_names_what_the_function_reads_and_nothing_else() {
    let schema = schema();
    let read_only = texts(&schema["readOnlyProperties"]);
    let attributes = owned(ATTRIBUTES);
    assert_eq!(
        names(&schema["definitions"]["Attributes"]["properties"]),
        attributes
    );
    // It is a property too, which may be set.
    let pointers: BTreeSet<_> = attributes
        .iter()
        .filter(|name| *name != "LivyUrl")
        .map(|name| format!("/properties/{name}"))
        .collect();
    assert_eq!(read_only, pointers);
    let settable = names(&schema["properties"])
        .into_iter()
        .filter(|name| !read_only.contains(&format!("/properties/{name}")));
    assert_eq!(
        settable.collect::<BTreeSet<_>>(),
        owned(Properties::NAMES.into_iter().chain(DeclaredEndpoint::NAMES))
    );
    assert_eq!(
        names(&schema["definitions"]["Parameters"]["properties"]),
        owned(Parameters::NAMES)
    );
}

#[test]
fn the_schema_requires_what_the_function_requires() {
    let schema = schema();
    assert_eq!(texts(&schema["required"]), owned(["ServiceToken", "Parameters"]));
    assert_eq!(
        texts(&schema["requiredXor"]),
        owned(["LivyUrl", "LivyHost", "ClusterId"])
    );
    assert_eq!(
        texts(&schema["definitions"]["Parameters"]["required"]),
        owned(["File"])
    );
    let mistakes = |resource: Value| {
        let resource = resource.as_object().expect("an object").clone();
        Properties::parse(&resource).map_err(|mistakes| mistakes.to_string())
    };
    for (resource, words) in [
        (json!({"LivyHost": "livy"}), "`Parameters` is missing"),
        (json!({"LivyHost": "livy", "Parameters": {}}), "`File` is missing"),
        (json!({"Parameters": {"File": "/job.py"}}), "no Livy is named"),
        (
            json!({"LivyHost": "livy", "ClusterId": "j-1", "Parameters": {"File": "/job.py"}}),
            "give only one of",
        ),
        (
            json!({"LivyUrl": "http://livy", "LivyPort": 1, "Parameters": {"File": "/job.py"}}),
            "leave `LivyPort` and `LivyScheme` out",
        ),
    ] {
        let said = mistakes(resource.clone()).expect_err("a mistake");
        assert!(said.contains(words), "{resource}: {said}");
    }
}

#[test]
fn the_readmes_tables_say_what_the_schema_says() {
    let table = section("### Properties");
    for (level, name, says) in declared() {
        if !matches!(level, Level::Property) {
            continue;
        }
        let first = |line: &str| line.split(" | ").next().unwrap_or_default().to_owned();
        let is_its = |line: &&str| line.starts_with("| `") && first(line).contains(&format!("`{name}`"));
        let row = table.lines().find(is_its).expect("a row");
        let default = match &says["default"] {
            Value::Null => None,
            Value::String(word) => Some(format!("`{word}`)")),
            number => Some(format!("({number})")),
        };
        assert!(
            default.is_none_or(|default| row.contains(&default)),
            "{name}: {row}"
        );
        for word in says["enum"].as_array().into_iter().flatten() {
            let word = format!("`{}`", word.as_str().expect("a word"));
            assert!(row.contains(&word), "{name}, {word}: {row}");
        }
        if name != "LivyPort" && !says["minimum"].is_null() {
            let range = format!("{} to {}", says["minimum"], says["maximum"]);
            assert!(row.contains(&range), "{name}, {range}: {row}");
            // The linter's messages quote it.
            let described = says["description"].as_str().expect("a description");
            assert!(described.contains(&range), "{described}");
            if let Some(default) = says["default"].as_u64() {
                assert!(described.ends_with(&format!("({default})")), "{described}");
            }
        }
    }
}
