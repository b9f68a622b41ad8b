//! The page on a job's life against the programs, and every link of the documents.

use std::collections::BTreeSet;

use spark_job_function::answer::ATTRIBUTES;
use spark_job_function::properties::Properties;
use sparkwright_spark_job::endpoint::DeclaredEndpoint;
use sparkwright_spark_job::parameters::Parameters;

use serde_json::json;

use crate::schema::{Level, declared, resource, schema};
use crate::{owned, read, root};

const DOCUMENTS: [&str; 7] = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "crates/custom-resource/README.md",
    "docs/lifecycle.md",
    "docs/operations.md",
    "docs/templates.md",
];

/// Words of CloudFormation's templates, and of the provider's.
const TEMPLATE: [&str; 8] = [
    "Settle",
    "LivyCredentialsKeys",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "DependsOn",
    "Ref",
    "Outputs",
    "NoEcho",
];

/// Values of our properties.
const VALUES: [&str; 10] = [
    "Submitted",
    "Running",
    "Success",
    "StopThenStart",
    "StartThenStop",
    "Fail",
    "Succeed",
    "Retain",
    "Required",
    "None",
];

/// What stands in code type, up to a colon.
fn code_words(text: &str) -> BTreeSet<String> {
    let outside = text
        .split("```")
        .step_by(2)
        .flat_map(|part| part.split('`').skip(1).step_by(2));
    outside
        .flat_map(|code| code.split(": "))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_page_names_only_what_there_is() {
    let known: BTreeSet<_> = owned(
        Properties::NAMES
            .into_iter()
            .chain(DeclaredEndpoint::NAMES)
            .chain(Parameters::NAMES)
            .chain(ATTRIBUTES)
            .chain(TEMPLATE)
            .chain(VALUES),
    );
    let is_a_name = |word: &String| {
        word.starts_with(|first: char| first.is_ascii_uppercase())
            && word.contains(|c: char| c.is_ascii_lowercase())
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let named: BTreeSet<_> = code_words(&read("docs/lifecycle.md"))
        .into_iter()
        .filter(is_a_name)
        .collect();
    assert!(named.len() > 20, "{named:?}");
    let unknown: Vec<_> = named.difference(&known).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn the_page_gives_each_time_out_its_range_and_its_default() {
    let page = read("docs/lifecycle.md");
    let schema = schema();
    let properties = schema["properties"].as_object().expect("an object");
    let times: Vec<_> = properties
        .iter()
        .filter(|(name, _)| name.ends_with("Seconds") || *name == "ServiceTimeout")
        .collect();
    assert_eq!(times.len(), 5);
    for (name, says) in times {
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| `{name}` | ")));
        let row = row.unwrap_or_else(|| panic!("no row for {name}"));
        let range = format!("{} to {}", says["minimum"], says["maximum"]);
        assert!(row.contains(&range), "{row}");
        assert!(
            says["default"].is_null() || row.contains(&format!("({})", says["default"])),
            "{row}"
        );
    }
}

#[test]
fn the_page_says_which_properties_make_another_job() {
    let page = read("docs/lifecycle.md");
    let start = page.find("by its **spec**: ").expect("the sentence");
    let sentence = &page[start..start + page[start..].find("and `Revision`.").expect("its end") + 15];
    let spec = |resource| {
        Properties::parse(&resource)
            .expect("a declaration")
            .spec()
            .hex(64)
    };
    let plain = spec(resource(Level::Property, "LivyHost", json!("livy")));
    for (level, name, says) in declared() {
        if !matches!(level, Level::Property) || name == "Parameters" {
            continue;
        }
        let another = match (name.as_str(), says["enum"].as_array()) {
            (_, Some(words)) => words.last().expect("a word").clone(),
            ("LivyUrl" | "ResourceManagerUrl", _) => json!("http://another"),
            ("ClusterId", _) => json!("j-1"),
            ("LivyCaCertificate", _) => json!("-----BEGIN CERTIFICATE-----"),
            ("LivyCredentials", _) => json!("arn:aws:secretsmanager:us-east-1:1:secret:a"),
            ("Redact", _) => json!(["another"]),
            _ if !says["maximum"].is_null() => says["maximum"].clone(),
            _ => json!("another"),
        };
        let is_another = spec(resource(level, &name, another)) != plain;
        assert_eq!(is_another, sentence.contains(&format!("`{name}`")), "{name}");
    }
    assert!(sentence.contains("`Parameters`"));
}

#[test]
fn every_link_leads_somewhere() {
    for document in DOCUMENTS {
        let text = read(document);
        let folder = root().join(document).parent().expect("a folder").to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            if path.starts_with("http") {
                continue;
            }
            let target = if path.is_empty() {
                root().join(document)
            } else {
                folder.join(path)
            };
            assert!(target.exists(), "{document}: {link}");
            if !heading.is_empty() {
                let text = std::fs::read_to_string(&target).expect("a document");
                assert!(headings(&text).contains(heading), "{document}: {link}");
            }
        }
    }
}

/// What a heading is called in a link.
fn headings(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        heading
            .trim_start_matches('#')
            .trim()
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect::<String>()
    };
    headings.map(anchor).collect()
}
