//! What the documents say is what the programs do: names of properties, fields, options, errors and attributes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use spark_job_function::answer::ATTRIBUTES;
use spark_job_function::properties::Properties;
use sparkwright_spark_job::endpoint::DeclaredEndpoint;
use sparkwright_spark_job::parameters::Parameters;
use sparkwright_worker::config::Config;
use sparkwright_worker::errors::ErrorName;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
        .to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The README's part under a heading, up to the next heading.
fn section(heading: &str) -> String {
    let readme = read("README.md");
    let start = readme
        .find(&format!("{heading}\n"))
        .unwrap_or_else(|| panic!("no heading {heading}"));
    let rest = &readme[start + heading.len()..];
    rest[..rest.find("\n#").unwrap_or(rest.len())].to_owned()
}

/// What stands in code type in the first cells of a section's tables.
fn first_cells(text: &str) -> BTreeSet<String> {
    let cells = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let words = cells.flat_map(|cell| {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    words
        .map(|word| word.split(' ').next().unwrap_or_default().to_owned())
        .collect()
}

fn owned<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

#[test]
fn the_readme_names_every_property_and_no_other() {
    assert_eq!(
        first_cells(&section("### Properties")),
        owned(Properties::NAMES.into_iter().chain(DeclaredEndpoint::NAMES))
    );
}

#[test]
fn the_readme_names_every_parameter_and_no_other() {
    assert_eq!(
        first_cells(&section("### The job: `Parameters`")),
        owned(Parameters::NAMES)
    );
}

#[test]
fn the_readme_names_every_attribute() {
    let text = section("### Properties");
    for attribute in ATTRIBUTES {
        assert!(text.contains(&format!("`{attribute}`")), "{attribute}");
    }
}

#[test]
fn the_readme_names_every_error_and_no_other() {
    let names: Vec<_> = ErrorName::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(
        first_cells(&section("## A job in a state machine")),
        owned(names.iter().map(String::as_str))
    );
}

#[test]
fn the_readme_names_every_option_of_the_worker_with_its_default() {
    let table = section("### Options of the worker");
    let command = Config::command();
    let options: Vec<_> = command
        .get_arguments()
        .filter(|argument| !argument.is_positional())
        .collect();
    let names: Vec<_> = options
        .iter()
        .filter_map(|option| option.get_long().map(|long| format!("--{long}")))
        .collect();
    assert_eq!(
        first_cells(&table),
        owned(
            names
                .iter()
                .map(String::as_str)
                .filter(|name| !matches!(*name, "--help" | "--version"))
        )
    );
    for option in options {
        let long = format!("`--{}", option.get_long().expect("an option"));
        let Some(default) = option.get_default_values().first() else {
            continue;
        };
        let is_its = |line: &&str| {
            line.starts_with('|')
                && (line.contains(&format!("{long}`")) || line.contains(&format!("{long} ")))
        };
        let row = table.lines().find(is_its).expect("a row");
        assert!(
            row.contains(&format!("`{}`", default.to_string_lossy())),
            "{long}: {row}"
        );
    }
}
