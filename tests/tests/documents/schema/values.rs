//! Each value that the schema takes the function takes, and the other way round.

use regex_lite::Regex;
use serde_json::{Map, Value, json};
use spark_job_function::properties::Properties;

use super::{Level, declared, is_accepted, resource, schema, texts};
use crate::owned;

fn pattern(says: &Value) -> Option<Regex> {
    says["pattern"]
        .as_str()
        .map(|pattern| Regex::new(pattern).expect("a pattern"))
}

/// Numbers around a range, and some far from it.
fn around(low: u64, high: u64) -> impl Iterator<Item = u64> {
    let edges = (high.saturating_sub(110)..=high + 110).chain([9_999_999_999]);
    (0..=low + 110).chain((0..70_000).step_by(997)).chain(edges)
}

#[test]
fn the_schema_takes_exactly_the_numbers_that_the_function_takes() {
    let mut compared = 0;
    for (level, name, says) in declared() {
        let Some(low) = says["minimum"].as_u64() else {
            continue;
        };
        let high = says["maximum"].as_u64().expect("a maximum");
        let pattern = pattern(&says).expect("a pattern for numbers as texts");
        for number in around(low, high) {
            let in_range = (low..=high).contains(&number);
            assert_eq!(
                is_accepted(level, &name, json!(number)),
                in_range,
                "{name}: {number}"
            );
            let plain = number.to_string();
            // cfn-lint holds a text against the range too; the pattern alone has it where it is short.
            let said = pattern.is_match(&plain) && (in_range || high < 100_000);
            assert_eq!(said, in_range, "{name}: `{plain}`");
            compared += 1;
        }
        for number in [low, high] {
            for text in [format!("00{number}"), format!(" +{number} ")] {
                assert!(is_accepted(level, &name, json!(text)), "{name}: `{text}`");
                assert!(pattern.is_match(&text), "{name}: `{text}`");
            }
        }
        for text in ["", "many", "1e3", "0x10", "-50", "50.0", "5 0"] {
            assert!(!is_accepted(level, &name, json!(text)), "{name}: `{text}`");
            assert!(!pattern.is_match(text), "{name}: `{text}`");
        }
    }
    assert!(compared > 10 * 300, "{compared}");
}

#[test]
fn the_schema_takes_exactly_the_words_that_the_function_takes() {
    let mut compared = 0;
    for (level, name, says) in declared() {
        if says["enum"].is_null() {
            continue;
        }
        let words = texts(&says["enum"]);
        for word in &words {
            assert!(is_accepted(level, &name, json!(word)), "{name}: {word}");
        }
        let mistakes = Properties::parse(&resource(level, &name, json!("nonsense")))
            .expect_err("no such word")
            .to_string();
        let known = mistakes
            .split('`')
            .skip(3)
            .step_by(2)
            .filter(|word| *word != "nonsense");
        assert_eq!(owned(known), words, "{mistakes}");
        compared += 1;
    }
    assert_eq!(compared, 5);
}

#[test]
fn the_defaults_of_the_schema_are_the_functions() {
    let meaning = |resource: &Map<String, Value>| {
        let read = Properties::parse(resource).expect("a good declaration");
        let endpoint = read.endpoint.resolve(None).expect("a host");
        format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {endpoint:?} {}",
            read.wait_for,
            read.healthy,
            read.submit_timeout,
            read.wait_timeout,
            read.update_policy,
            read.stopping,
            read.spec().hex(64)
        )
    };
    let plain = meaning(&resource(Level::Property, "LivyHost", json!("livy")));
    let mut compared = 0;
    for (level, name, says) in declared() {
        if says["default"].is_null() {
            continue;
        }
        let said = meaning(&resource(level, &name, says["default"].clone()));
        assert_eq!(said, plain, "{name}");
        let another = match (&says["enum"], &says["minimum"]) {
            (Value::Array(words), _) => words.iter().find(|word| **word != says["default"]).cloned(),
            (_, Value::Number(low)) => Some(json!(low)),
            _ => Some(json!("another")),
        };
        let said = meaning(&resource(level, &name, another.expect("another value")));
        assert_ne!(said, plain, "{name} makes no difference");
        compared += 1;
    }
    assert_eq!(compared, 11);
}

#[test]
fn the_schema_takes_the_texts_that_the_function_takes() {
    use Level::{Parameter, Property};
    let cases: [(Level, &str, &[&str], &[&str]); 9] = [
        (
            Property,
            "LivyUrl",
            &["http://livy", "https://10.0.0.1:8998/livy/", "http://[::1]:8998"],
            &[
                "livy:8998",
                "ftp://livy",
                "http://a:b@livy",
                "http://livy/?a",
                "http://livy/#a",
                "",
            ],
        ),
        (
            Property,
            "LivyHost",
            &["livy", "ip-10-0-0-1.ec2.internal", "10.0.0.1", "::1"],
            &["livy:8998", "http://livy", "a@livy", "a b", "", " "],
        ),
        (
            Property,
            "ClusterId",
            &["j-2AXXXXXXGAPLF", "j-1"],
            &["2AXXXXXXGAPLF", "j-", "j-1/2", "J-1"],
        ),
        (
            Property,
            "LivyCredentials",
            &[
                "arn:aws:secretsmanager:us-east-1:1:secret:livy-a1",
                "arn:aws-cn:secretsmanager:cn-north-1:1:secret:a:b",
            ],
            &[
                "livy",
                "arn:aws:ssm:us-east-1:1:parameter/livy",
                "arn:aws:secretsmanager::1:secret:livy",
                "",
            ],
        ),
        (
            Property,
            "LivyCaCertificate",
            &["-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"],
            &["/etc/livy.pem", "-----BEGIN PRIVATE KEY-----"],
        ),
        (
            Property,
            "ResourceManagerUrl",
            &[
                "http://rm:8088",
                "http://rm1:8088,http://rm2:8088",
                "https://rm1:8090 , https://rm2:8090/",
            ],
            &["rm:8088", "http://rm1:8088,rm2:8088", "http://rm1:8088,", ""],
        ),
        (
            Parameter,
            "File",
            &["s3://bucket/a.py", "/a.py", "local:/a.py", "s3a+x.y-z://b/k%20k"],
            &[
                "a.py",
                "./a.py",
                "3s://b/k",
                "s3://b/a b",
                "s3://b/{a}",
                "s3://b/a|b",
                "s3://b/\u{1}",
                "",
            ],
        ),
        (
            Parameter,
            "DriverMemory",
            &["512m", "4G", "4gb", "2048KB", "01t"],
            &["4", "4 GB", "4b", "0g", "1.5g", "g", "4gbb", "1234567890k", ""],
        ),
        (Parameter, "ExecutorMemory", &["512m"], &["512"]),
    ];
    let declared = declared();
    for (level, name, good, bad) in cases {
        let says = declared.iter().find(|(_, known, _)| known == name);
        let pattern = pattern(&says.expect("a declaration").2).expect("a pattern");
        for (texts, expected) in [(good, true), (bad, false)] {
            for text in texts {
                assert_eq!(
                    is_accepted(level, name, json!(text)),
                    expected,
                    "{name}: `{text}`"
                );
                assert_eq!(pattern.is_match(text), expected, "{name}: `{text}`");
            }
        }
    }
}

#[test]
fn every_list_of_uris_takes_what_the_file_takes() {
    let parameters = schema()["definitions"]["Parameters"]["properties"].clone();
    for name in ["Jars", "PyFiles", "Files", "Archives"] {
        assert_eq!(
            parameters[name]["items"]["pattern"], parameters["File"]["pattern"],
            "{name}"
        );
    }
}
