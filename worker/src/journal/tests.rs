mod hanging;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::json;
use tempfile::TempDir;

use super::store::{SCHEMA, SCHEMA_VERSION};
use super::*;
use crate::completion::Completion;
use crate::errors::ErrorName;

const ARN: &str = "arn:aws:states:eu-west-1:123456789012:activity:etl";

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("worker.db");
    (folder, path)
}

fn task(token: &str) -> ActivityTask {
    ActivityTask {
        activity: ARN.parse().unwrap(),
        token: TaskToken::new(token),
        input: json!({"File": "s3://jobs/pi.py"}).to_string(),
    }
}

async fn received(journal: &Journal, token: &str) -> Entry {
    journal.receive(&task(token)).await.unwrap();
    journal.entry(TaskToken::new(token))
}

fn run() -> RunRecord {
    RunRecord {
        name: "etl-0a1b2c3d4e5f".into(),
        batch_id: Some(7),
        application: Some("application_1795225753640_0004".into()),
    }
}

fn checkpoints() -> Vec<Checkpoint> {
    let failure = Completion::Failure {
        name: ErrorName::Failed,
        cause: "{}".into(),
    };
    vec![
        Checkpoint::Received,
        Checkpoint::Posting { number: 2 },
        Checkpoint::Following {
            run: run(),
            running: false,
        },
        Checkpoint::Following {
            run: run(),
            running: true,
        },
        Checkpoint::Stopping {
            run: Some(run()),
            telling: Some(Telling {
                error: ErrorName::StartTimeout,
                message: "not running".into(),
            }),
        },
        Checkpoint::Stopping {
            run: None,
            telling: None,
        },
        Checkpoint::Orphaned { run: Some(run()) },
        Checkpoint::Concluded {
            completion: failure,
            stop: Some(run()),
            unsearched: false,
        },
        Checkpoint::Concluded {
            completion: Completion::Success { output: "{}".into() },
            stop: None,
            unsearched: true,
        },
    ]
}

#[tokio::test]
async fn every_stage_is_there_again_after_the_process() {
    let (_folder, path) = folder();
    {
        let (journal, backlog) = Journal::open(&path, unprobed()).unwrap();
        assert!(backlog.rows.is_empty() && backlog.accepted.is_none());
        for (number, stage) in checkpoints().iter().enumerate() {
            let entry = received(&journal, &number.to_string()).await;
            entry.reach(stage).await.unwrap();
        }
        received(&journal, "over").await.close().await;
        journal
            .accepted("2026-11-21T04:00:00Z".parse().unwrap())
            .await
            .unwrap();
    }
    let (_journal, backlog) = Journal::open(&path, unprobed()).unwrap();
    let read: Vec<_> = backlog.rows.iter().map(|row| row.checkpoint.clone()).collect();
    assert_eq!(read, checkpoints());
    let tokens: Vec<_> = backlog
        .rows
        .iter()
        .map(|row| row.task.token.as_str().to_owned())
        .collect();
    assert_eq!(tokens, ["0", "1", "2", "3", "4", "5", "6", "7", "8"]);
    assert_eq!(backlog.rows[0].task.input, task("0").input);
    assert_eq!(backlog.accepted.unwrap().to_string(), "2026-11-21T04:00:00Z");
}

#[tokio::test]
async fn nobody_else_can_read_it_not_even_if_it_was_open_to_all() {
    let (folder, path) = folder();
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (journal, _) = Journal::open(&path, unprobed()).unwrap();
    journal.receive(&task("1")).await.unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap())
        .collect();
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{file:?}");
    }
}

#[tokio::test]
async fn a_second_worker_is_refused_and_told_what_to_do() {
    let (_folder, path) = folder();
    let _first = Journal::open(&path, unprobed()).unwrap();
    let second = tokio::task::spawn_blocking(move || Journal::open(&path, unprobed()).map(drop));
    let error = second.await.unwrap().unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }), "{error:?}");
    assert!(error.to_string().contains("another worker uses it"), "{error}");
}

#[test]
fn what_is_no_journal_is_refused_and_left_as_it_is() {
    let (_folder, path) = folder();
    let text = "this is not a database, however long it may be ".repeat(100);
    std::fs::write(&path, &text).unwrap();
    let error = Journal::open(&path, unprobed()).unwrap_err();
    assert!(
        matches!(error, OpenError::Broken { .. }) && error.to_string().contains("mv "),
        "{error}"
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let (_folder, path) = folder();
    {
        let (journal, _) = Journal::open(&path, unprobed()).unwrap();
        for number in 0..200 {
            journal.receive(&task(&number.to_string())).await.unwrap();
        }
    }
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 3000].fill(0xA5);
    std::fs::write(&path, bytes).unwrap();
    let error = Journal::open(&path, unprobed()).unwrap_err();
    assert!(matches!(error, OpenError::Broken { .. }), "{error}");
}

#[tokio::test]
async fn a_newer_workers_file_is_refused() {
    let (_folder, path) = folder();
    drop(Journal::open(&path, unprobed()).unwrap());
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let error = Journal::open(&path, unprobed()).unwrap_err();
    assert!(matches!(error, OpenError::Newer { .. }), "{error:?}");
    assert!(error.to_string().contains("it has schema 99"), "{error}");
}

/// What is said of a journal in which a task's stage is this text.
async fn refusal_of(stage: &str) -> OpenError {
    let (_folder, path) = folder();
    {
        let (journal, _) = Journal::open(&path, unprobed()).unwrap();
        received(&journal, "1").await;
    }
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute("UPDATE task SET stage = ?", [stage]).unwrap();
    drop(connection);
    Journal::open(&path, unprobed()).unwrap_err()
}

#[tokio::test]
async fn words_that_this_release_does_not_know_are_a_later_ones_and_no_damage() {
    let later = [
        r#""parked""#,
        r#"{"parked":{"until":"noon"}}"#,
        r#"{"stopping":{"run":{"name":"etl-1"},"telling":{"error":"SparkJob.Parked","message":""}}}"#,
        r#"{"concluded":{"completion":{"handedOver":{}},"stop":null}}"#,
    ];
    for stage in later {
        let error = refusal_of(stage).await;
        assert!(matches!(error, OpenError::Newer { .. }), "{stage}: {error:?}");
        assert!(error.to_string().contains("a later release"), "{error}");
    }
    for stage in ["", "{", "received", r#"{"posting":{"number":"#] {
        let error = refusal_of(stage).await;
        assert!(matches!(error, OpenError::Broken { .. }), "{stage}: {error:?}");
    }
}

/// Does not compile once there is a stage, or a way to end, that `checkpoints` may not have.
fn word(stage: &Checkpoint) -> &'static str {
    match stage {
        Checkpoint::Received => "received",
        Checkpoint::Posting { .. } => "posting",
        Checkpoint::Following { .. } => "following",
        Checkpoint::Stopping { .. } => "stopping",
        Checkpoint::Orphaned { .. } => "orphaned",
        Checkpoint::Concluded { completion, .. } => match completion {
            Completion::Success { .. } => "concluded well",
            Completion::Failure { .. } => "concluded badly",
        },
    }
}

/// An earlier worker knows a later one's journal by the version. So what a version holds stays as it is in its snapshot:
/// whoever changes it raises `SCHEMA_VERSION`, lets `migrate` read the earlier ones, and keeps their snapshots.
#[test]
fn what_a_schema_version_holds_does_not_change() {
    let checkpoints = checkpoints();
    let words: BTreeSet<_> = checkpoints.iter().map(word).collect();
    assert_eq!(words.len(), 7, "a stage is missing in `checkpoints`");
    let lines: Vec<_> = checkpoints.iter().map(Checkpoint::to_json).collect();
    let errors = ErrorName::ALL.map(ErrorName::as_str);
    let held = format!("{SCHEMA}\n{}\n\n{}\n", lines.join("\n"), errors.join("\n"));
    insta::with_settings!({
        description => "Never accept a change of this file: raise SCHEMA_VERSION, and a new one is made.",
        omit_expression => true,
    }, {
        insta::assert_snapshot!(format!("schema_{SCHEMA_VERSION}"), held);
    });
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let error = Journal::open(Path::new("/nonexistent/worker.db"), unprobed()).unwrap_err();
    assert!(error.to_string().contains("`/nonexistent/worker.db`"), "{error}");
}

#[tokio::test]
async fn a_full_disk_fails_the_step_and_what_was_written_stays() {
    let (_folder, path) = folder();
    let (store, _) = Store::open(&path).unwrap();
    store.limit(12);
    let journal = Journal::of(store, unprobed());
    let mut written = 0;
    let error = loop {
        match journal.receive(&task(&written.to_string())).await {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
    };
    assert!(
        written > 10 && error.to_string().contains("full"),
        "{written}, {error}"
    );
    drop(journal);
    let (_journal, backlog) = Journal::open(&path, unprobed()).unwrap();
    assert_eq!(backlog.rows.len(), written);
}

#[tokio::test]
async fn a_probe_sees_both_sides_of_a_step_and_can_fail_it() {
    let (_folder, path) = folder();
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    let probe: Probe = Arc::new(move |point: Point| {
        noted.lock().unwrap().push(point.to_string());
        if point.to_string() == "before-posting" {
            Err("no space".into())
        } else {
            Ok(())
        }
    });
    let (journal, _) = Journal::open(&path, probe).unwrap();
    let entry = received(&journal, "1").await;
    let error = entry.reach(&Checkpoint::Posting { number: 1 }).await.unwrap_err();
    assert_eq!(error.to_string(), "could not write the journal: no space");
    let seen = seen.lock().unwrap();
    assert_eq!(*seen, ["before-received", "after-received", "before-posting"]);
}

/// Tests of crashes end a process at each step of the list; `word` sees to it that no stage is missing in `checkpoints`.
#[tokio::test]
async fn every_step_that_is_written_is_in_the_list() {
    let (_folder, path) = folder();
    let seen = Arc::new(std::sync::Mutex::new(BTreeSet::new()));
    let noted = Arc::clone(&seen);
    let probe: Probe = Arc::new(move |point: Point| {
        noted.lock().unwrap().insert(point.step);
        // Nothing is checked unless a step has failed.
        match point.step {
            "accepted" => Err("no space".into()),
            _ => Ok(()),
        }
    });
    let (journal, _) = Journal::open(&path, probe).unwrap();
    let entry = received(&journal, "1").await;
    for stage in &checkpoints() {
        entry.reach(stage).await.unwrap();
    }
    entry.close().await;
    journal.accepted(Timestamp::now()).await.unwrap_err();
    journal.check().await.unwrap();
    assert_eq!(*seen.lock().unwrap(), BTreeSet::from(STEPS));
}

#[test]
fn what_an_earlier_release_wrote_is_read() {
    let run_line =
        r#"{"name":"etl-0a1b2c3d4e5f","batchId":7,"application":"application_1795225753640_0004"}"#;
    let stopping = format!(r#"{{"stopping":{{"run":{run_line},"telling":null}}}}"#);
    assert_eq!(
        Checkpoint::from_json(&stopping).unwrap(),
        Checkpoint::Stopping {
            run: Some(run()),
            telling: None
        }
    );
    let concluded =
        format!(r#"{{"concluded":{{"completion":{{"success":{{"output":"{{}}"}}}},"stop":{run_line}}}}}"#);
    assert_eq!(
        Checkpoint::from_json(&concluded).unwrap(),
        Checkpoint::Concluded {
            completion: Completion::Success { output: "{}".into() },
            stop: Some(run()),
            unsearched: false,
        }
    );
}

#[test]
fn a_stage_depends_on_the_token_until_it_is_decided_what_becomes_of_the_run() {
    let decided: Vec<_> = checkpoints().iter().map(Checkpoint::is_decided).collect();
    assert_eq!(
        decided,
        // Received, posting, twice following, a stop that is told, one that is not, orphaned, and two conclusions that leave
        // something.
        [false, false, false, false, false, true, true, false, false]
    );
    let done = Checkpoint::Concluded {
        completion: Completion::Success { output: "{}".into() },
        stop: None,
        unsearched: false,
    };
    assert!(done.is_decided());
}
