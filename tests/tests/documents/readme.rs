//! The README against the programs.

use clap::CommandFactory;
use spark_job_function::answer::ATTRIBUTES;
use spark_job_function::properties::Properties;
use sparkwright_spark_job::endpoint::DeclaredEndpoint;
use sparkwright_spark_job::parameters::Parameters;
use sparkwright_worker::config::Config;
use sparkwright_worker::errors::ErrorName;

use crate::{first_cells, owned, section};

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
