//! The provider's template grants what the function asks for, and gives it the time that it counts on.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use custom_resource::Settings;
use regex_lite::Regex;

use crate::{read, root};

/// The text of every source file below a folder, without its tests.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            text += &sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).expect("a source file");
            text += source.split("#[cfg(test)]").next().unwrap_or_default();
        }
    }
    text
}

fn actions(text: &str) -> BTreeSet<String> {
    let action = Regex::new(r"\b(cloudformation|elasticmapreduce|lambda|secretsmanager):[A-Z][A-Za-z]+")
        .expect("a pattern");
    action
        .find_iter(text)
        .map(|found| found.as_str().to_owned())
        .collect()
}

#[test]
fn the_template_grants_every_action_that_the_function_names() {
    let text = sources(&root().join("functions/spark-job/src"))
        + &sources(&root().join("crates/custom-resource/src"));
    let named = actions(&text);
    assert!(named.contains("lambda:InvokeFunction"), "{named:?}");
    assert!(
        named.contains("cloudformation:DescribeStackResource"),
        "{named:?}"
    );
    assert_eq!(actions(&read("cloudformation/spark-job-provider.yaml")), named);
}

#[test]
fn hand_overs_end_before_lambda_ends_them_and_one_invocation_is_as_long_as_can_be() {
    let template = read("cloudformation/spark-job-provider.yaml");
    let hops = Settings::default().max_hops;
    assert!(
        template.contains(&format!("At most {hops} follow each other")),
        "{hops}"
    );
    assert!(hops < 16);
    assert!(template.contains("Timeout: 900\n"));
    assert!(template.contains("MaximumEventAgeInSeconds: 3600\n"));
}
