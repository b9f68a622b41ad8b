//! Errors of Python programs: tracebacks, and files that Python cannot read.

use super::jvm;
use super::text::{is_log_line, shortened};

const TRACEBACK: &str = "Traceback (most recent call last):";

/// What stands between the traceback of an error and that of the error which it led to.
const LEADS_ON: [&str; 2] = [
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
];

/// Errors that come without a traceback: the program was never begun.
const UNREADABLE: [&str; 3] = ["SyntaxError: ", "IndentationError: ", "TabError: "];

/// The last error of a Python program with its traceback, and with the errors that led to it.
pub(super) fn error(log: &str) -> Option<String> {
    let lines: Vec<_> = log.lines().collect();
    traceback(&lines).or_else(|| unreadable(&lines))
}

fn traceback(lines: &[&str]) -> Option<String> {
    let begins = |line: &&str| line.trim_start().starts_with(TRACEBACK);
    let last = lines.iter().rposition(begins)?;
    let mut start = last;
    while let Some(earlier) = lines[..start].iter().rposition(begins)
        && leads_on(&lines[earlier + 1..start])
    {
        start = earlier;
    }
    let mut end = last + 1;
    while lines.get(end).is_some_and(|line| is_indented(line)) {
        end += 1;
    }
    // The error's own lines follow its frames, until the log goes on with something else.
    while lines
        .get(end)
        .is_some_and(|line| !line.trim().is_empty() && !is_log_line(line))
    {
        end += 1;
    }
    Some(shortened(&lines[start..end]))
}

/// Whether an error whose lines these are led to the traceback that follows them.
fn leads_on(lines: &[&str]) -> bool {
    let said = lines.iter().rev().find(|line| !line.trim().is_empty());
    let quoted = lines.last().is_some_and(|line| is_indented(line));
    quoted || said.is_some_and(|line| LEADS_ON.contains(line))
}

fn unreadable(lines: &[&str]) -> Option<String> {
    let end = lines
        .iter()
        .rposition(|line| UNREADABLE.iter().any(|error| line.starts_with(error)))?;
    let start = lines[..end]
        .iter()
        .rposition(|line| line.trim_start().starts_with("File \""))?;
    Some(shortened(&lines[start..=end]))
}

/// The one line of a Python error that says most, if it is one.
pub(super) fn headline(error: &str) -> Option<String> {
    let lines: Vec<_> = error.lines().collect();
    let Some(traceback) = lines.iter().rposition(|line| line.contains(TRACEBACK)) else {
        let last = lines.last()?;
        return UNREADABLE
            .iter()
            .any(|error| last.starts_with(error))
            .then(|| (*last).to_owned());
    };
    let after = &lines[traceback + 1..];
    let at = after
        .iter()
        .position(|line| !line.is_empty() && !is_indented(line))?;
    let said = after[at].trim();
    let next = after.get(at + 1).map_or("", |line| line.trim());
    if let Some(java) = next.strip_prefix(": ") {
        // Py4J says only what it called; the error is Java's.
        return Some(jvm::headline(&[java, &after[at + 2..].join("\n")].join("\n")));
    }
    Some(match said.ends_with(':') {
        true => format!("{said} {next}").trim_end().to_owned(),
        false => said.to_owned(),
    })
}

fn is_indented(line: &str) -> bool {
    line.starts_with([' ', '\t'])
}
