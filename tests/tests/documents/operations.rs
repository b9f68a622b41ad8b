//! The operator's page against the worker: every metric, every warning in the log, every state of the page.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sparkwright_worker::{metrics, page};

use crate::{read, root, section_of};

/// Whose lines the worker's log can hold.
const SOURCES: [&str; 2] = ["worker/src", "crates/spark-job/src"];

const PAGE: &str = "docs/operations.md";

#[test]
fn every_metric_is_explained_and_no_other() {
    let there: BTreeSet<_> = metrics::names().into_iter().collect();
    check(&section_of(PAGE, "## Metrics"), &there);
    // Those of expressions, too.
    let named = read(PAGE);
    for word in named.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
        let is_series = |name: &String| {
            word.strip_prefix(name.as_str())
                .is_some_and(|suffix| ["", "_bucket", "_sum", "_count"].contains(&suffix))
        };
        assert!(
            !word.starts_with("sparkwright_worker_") || there.iter().any(is_series),
            "{word}"
        );
    }
}

#[test]
fn every_warning_in_the_log_is_explained_and_no_other() {
    let mut said = BTreeSet::new();
    for folder in SOURCES {
        collect(&root().join(folder), &mut said);
    }
    assert!(said.len() > 30, "{said:#?}");
    check(&section_of(PAGE, "## Log lines"), &said);
}

#[test]
fn every_state_of_the_page_is_explained_and_no_other() {
    check(
        &section_of(PAGE, "## The page"),
        &page::states().into_iter().collect(),
    );
}

/// The tables of a section explain exactly what there is.
#[track_caller]
fn check(section: &str, there: &BTreeSet<String>) {
    let explained = first_codes(section);
    let missing: Vec<_> = there.difference(&explained).collect();
    let stale: Vec<_> = explained.difference(there).collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "{PAGE} does not explain {missing:#?}, and explains what there is not: {stale:#?}"
    );
}

/// What stands in code type at the beginning of each row of the tables.
fn first_codes(text: &str) -> BTreeSet<String> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| Some(row.split_once('`')?.0.to_owned()))
        .collect()
}

/// The messages of a folder's sources.
fn collect(folder: &Path, said: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, said);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            let source = fs::read_to_string(&path).expect("a source");
            let program = source.split("#[cfg(test)]").next().unwrap_or_default();
            let calls = program
                .split("warn!(")
                .skip(1)
                .chain(program.split("error!(").skip(1));
            for call in calls {
                said.insert(message(call).unwrap_or_else(|| panic!("{}: {call:.80}", path.display())));
            }
        }
    }
}

/// The message of a call of `warn!` or `error!`, from after its bracket on: the literal before the bracket that closes it.
fn message(arguments: &str) -> Option<String> {
    let mut depth = 1;
    let mut last = None;
    let mut characters = arguments.chars();
    while let Some(character) = characters.next() {
        match character {
            '(' => depth += 1,
            ')' if depth == 1 => return last,
            ')' => depth -= 1,
            '"' => {
                let mut literal = String::new();
                loop {
                    match characters.next()? {
                        '"' => break,
                        '\\' => match characters.next()? {
                            // The literal goes on at the next line's text.
                            '\n' => {
                                let rest = characters.as_str();
                                characters = rest.trim_start().chars();
                            }
                            escaped => literal.push(escaped),
                        },
                        other => literal.push(other),
                    }
                }
                if depth == 1 {
                    last = Some(literal);
                }
            }
            _ => {}
        }
    }
    None
}

#[test]
fn a_message_is_found_among_fields_and_calls() {
    assert_eq!(message(r#""a line")"#).as_deref(), Some("a line"));
    assert_eq!(
        message(r#"what = call("x", ")"), %id, "a \"line\"", ); warn!("b")"#).as_deref(),
        Some(r#"a "line""#)
    );
    assert_eq!(message("\"one \\\n    line\"\n)").as_deref(), Some("one line"));
    assert_eq!(message("name)"), None);
}
