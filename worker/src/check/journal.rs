//! Can the journal be used?

use std::io;
use std::path::Path;

use sparkwright_spark_job::chain;

use super::finding::Finding;
use crate::journal::{Journal, OpenError, unprobed};

/// What is to be said about `--journal`. A file that is not there yet is not made: it would belong to whoever checks.
pub(super) fn finding(path: &Path) -> Finding {
    let thing = format!("--journal {}", path.display());
    match path.try_exists() {
        Ok(true) => opened(thing, path),
        Ok(false) => match try_folder(path) {
            Ok(()) => Finding::ok(thing, "is not there yet, and can be made"),
            Err(error) => Finding::failed(thing, error, folder_advice(path)),
        },
        Err(error) => Finding::failed(thing, error, folder_advice(path)),
    }
}

fn opened(thing: String, path: &Path) -> Finding {
    match Journal::open(path, unprobed()) {
        Ok((_, backlog)) if backlog.lines.is_empty() => {
            Finding::ok(thing, "can be used, and holds no open task")
        }
        Ok((_, backlog)) => {
            let open = backlog.lines.len();
            Finding::ok(
                thing,
                format!("can be used; {open} open tasks of an earlier process are in it"),
            )
        }
        Err(OpenError::InUse { .. }) => Finding::note(
            thing,
            "a worker that runs has it; a second one would need another",
        ),
        Err(error) => Finding::failed(thing, chain(&error), "do as is said there"),
    }
}

/// Whether a file can be made beside it.
fn try_folder(path: &Path) -> io::Result<()> {
    let trial = path.with_extension(format!("trial-{}", std::process::id()));
    std::fs::write(&trial, "")?;
    std::fs::remove_file(&trial)
}

fn folder_advice(path: &Path) -> String {
    let folder = path.parent().unwrap_or(path).display();
    format!(
        "make the folder `{folder}` and give it to the worker's user, or name another file with --journal"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(path: &Path) -> String {
        finding(path).to_string()
    }

    #[test]
    fn a_journal_that_is_not_there_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("worker.db");
        assert!(said(&path).contains("can be made"), "{}", said(&path));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let nowhere = said(&folder.path().join("nowhere/worker.db"));
        assert!(nowhere.contains("make the folder"), "{nowhere}");
    }

    #[test]
    fn a_journal_that_is_taken_or_broken_is_said_to_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("worker.db");
        let held = Journal::open(&path, unprobed()).unwrap();
        assert!(
            said(&path).contains("a worker that runs has it"),
            "{}",
            said(&path)
        );
        drop(held);
        assert!(said(&path).contains("holds no open task"), "{}", said(&path));
        std::fs::write(&path, "no journal ".repeat(1000)).unwrap();
        assert!(said(&path).contains("FAILED"), "{}", said(&path));
    }
}
