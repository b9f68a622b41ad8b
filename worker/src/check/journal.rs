//! Can the journal be used?

use std::io;
use std::path::Path;

use sparkwright_spark_job::chain;

use super::finding::Finding;
use crate::journal::{Inspection, OpenError};

/// What is to be said about `--journal`. A file that is there is only read, and one that is not there yet is not made:
/// it would belong to whoever checks.
pub(super) fn finding(path: &Path) -> Finding {
    let thing = format!("--journal {}", path.display());
    match path.try_exists() {
        Ok(true) => inspected(thing, path),
        Ok(false) => match try_folder(path) {
            Ok(()) => Finding::ok(thing, "is not there yet, and can be made"),
            Err(error) => Finding::failed(thing, error, folder_advice(path)),
        },
        Err(error) => Finding::failed(thing, error, folder_advice(path)),
    }
}

fn inspected(thing: String, path: &Path) -> Finding {
    match Inspection::of(path) {
        Ok(inspection) if inspection.mode & 0o077 != 0 => {
            let seen = format!(
                "{}; others may read its task tokens until a worker starts",
                shown(inspection)
            );
            Finding::note(thing, seen)
        }
        Ok(inspection) => Finding::ok(thing, shown(inspection)),
        Err(OpenError::InUse { .. }) => Finding::note(
            thing,
            "a worker that runs has it; a second one would need another",
        ),
        Err(error @ OpenError::File { .. }) => {
            let advice = "check as the worker's user (sudo -u USER), or do as is said there";
            Finding::failed(thing, chain(&error), advice)
        }
        Err(error) => Finding::failed(thing, chain(&error), "do as is said there"),
    }
}

fn shown(inspection: Inspection) -> String {
    let Inspection {
        owner,
        mode,
        schema,
        open_tasks,
    } = inspection;
    let schema = schema.map_or_else(|| "empty".to_owned(), |schema| format!("schema {schema}"));
    let tasks = match open_tasks {
        0 => "no open task is in it".to_owned(),
        1 => "1 open task of an earlier process is in it".to_owned(),
        more => format!("{more} open tasks of an earlier process are in it"),
    };
    format!("can be used: {schema}, of user {owner}, mode {mode:o}; {tasks}")
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
mod tests;
