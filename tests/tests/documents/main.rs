//! What the documents say is what the programs do: names of properties, fields, options, errors and attributes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

mod architecture;
mod dashboard;
mod installer;
mod lifecycle;
mod operations;
mod readme;
mod schema;
mod templates;
mod unit;

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
    section_of("README.md", heading)
}

/// The same of another document.
fn section_of(document: &str, heading: &str) -> String {
    let text = read(document);
    let start = text
        .find(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("no heading {heading}"));
    let rest = &text[start + 1 + heading.len()..];
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
