use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::SystemTime;

use tempfile::TempDir;

use super::*;
use crate::activity::ActivityTask;
use crate::journal::{Journal, unprobed};
use crate::token::TaskToken;

fn said(path: &Path) -> String {
    finding(path).to_string()
}

#[track_caller]
fn says(path: &Path, verdict: &str, words: &[&str]) {
    let said = said(path);
    assert!(said.starts_with(verdict), "{said}");
    for words in words {
        assert!(said.contains(words), "`{words}` is not in {said}");
    }
}

/// Every file of a folder, with what is in it and when it was changed.
fn files(folder: &TempDir) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .map(|path| {
            let changed = path.metadata().unwrap().modified().unwrap();
            (path.clone(), (std::fs::read(&path).unwrap(), changed))
        })
        .collect()
}

fn task(token: &str) -> ActivityTask {
    ActivityTask {
        activity: "arn:aws:states:eu-west-1:1:activity:etl".parse().unwrap(),
        token: TaskToken::new(token.to_owned()),
        input: "{}".into(),
    }
}

/// A journal with two open tasks as a worker leaves it that is killed: its latest steps stand beside it.
async fn of_killed_worker() -> (TempDir, PathBuf) {
    let (lives, dead) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (journal, _) = Journal::open(&lives.path().join("worker.db"), unprobed()).unwrap();
    for token in ["a", "b"] {
        journal.receive(&task(token)).await.unwrap();
    }
    for name in ["worker.db", "worker.db-wal"] {
        std::fs::copy(lives.path().join(name), dead.path().join(name)).unwrap();
    }
    let path = dead.path().join("worker.db");
    (dead, path)
}

#[test]
fn a_journal_that_is_not_there_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    says(&folder.path().join("worker.db"), "ok ", &["can be made"]);
    assert_eq!(files(&folder).len(), 0);
    let nowhere = folder.path().join("nowhere/worker.db");
    says(&nowhere, "FAILED", &["make the folder"]);
}

#[tokio::test]
async fn a_journal_that_a_worker_has_is_left_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("worker.db");
    let (held, _) = Journal::open(&path, unprobed()).unwrap();
    let before = files(&folder);
    says(&path, "note ", &["a worker that runs has it"]);
    assert!(files(&folder) == before, "the check has changed something");
    held.receive(&task("a")).await.unwrap();
    says(&path, "note ", &["a worker that runs has it"]);
    drop(held);
    says(&path, "ok ", &["schema 1", "mode 600", "1 open task of"]);
}

#[tokio::test]
async fn a_journal_is_only_read_whether_its_worker_ended_or_was_killed() {
    let (folder, path) = of_killed_worker().await;
    for _ in 0..2 {
        let before = files(&folder);
        says(&path, "ok ", &["schema 1", "2 open tasks"]);
        assert!(files(&folder) == before, "the check has changed something");
    }
    let (journal, backlog) = Journal::open(&path, unprobed()).unwrap();
    assert_eq!(backlog.rows.len(), 2);
    drop(journal);
    let before = files(&folder);
    assert_eq!(before.len(), 1);
    says(&path, "ok ", &["schema 1", "2 open tasks"]);
    assert!(files(&folder) == before, "the check has changed something");
}

#[test]
fn a_journal_that_is_empty_broken_newer_or_open_to_others_is_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("what 100% is #1?.db");
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    says(&path, "note ", &["empty", "mode 640", "others may read"]);
    drop(Journal::open(&path, unprobed()).unwrap());
    says(&path, "ok ", &["schema 1", "mode 600", "no open task"]);
    let sqlite = rusqlite::Connection::open(&path).unwrap();
    sqlite.pragma_update(None, "user_version", 2).unwrap();
    drop(sqlite);
    says(&path, "FAILED", &["a later release"]);
    std::fs::write(&path, "no journal ".repeat(1000)).unwrap();
    let before = files(&folder);
    says(&path, "FAILED", &["could not read the journal"]);
    assert!(files(&folder) == before, "the check has changed something");
}
