//! The journal's file.

mod inspection;

use std::fs::{OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
use serde_json::error::Category;

use super::checkpoint::Checkpoint;
use super::writer::Write;
use crate::activity::{ActivityArn, ActivityTask};
use crate::token::TaskToken;

pub(crate) use inspection::Inspection;

/// The schema that this program reads and writes (`PRAGMA user_version`): the tables, and the JSON of every stage. A test
/// holds what belongs to each version.
pub(super) const SCHEMA_VERSION: i64 = 1;

pub(super) const SCHEMA: &str = "
    CREATE TABLE task (
        -- In the order of their coming.
        line INTEGER PRIMARY KEY,
        token TEXT NOT NULL UNIQUE,
        activity TEXT NOT NULL,
        input TEXT NOT NULL,
        received_ms INTEGER NOT NULL,
        stage TEXT NOT NULL
    ) STRICT;
    -- At most one row: since when, at the least, the tokens of all open tasks were good.
    CREATE TABLE accepted (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        at_ms INTEGER NOT NULL
    ) STRICT;
    -- At most one row: when it was last tried whether anything can be written.
    CREATE TABLE checked (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        at_ms INTEGER NOT NULL
    ) STRICT;
";

/// An earlier process that is about to end gets this long to let go.
const BUSY_TIMEOUT: Duration = Duration::from_secs(3);

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be made or read.
    #[error(
        "could not open the journal `{}`: make its folder writable for the worker, or name another with --journal",
        path.display()
    )]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process has it.
    #[error(
        "could not lock the journal `{}`: another worker uses it. Stop that one, or give this one a --journal of its own",
        path.display()
    )]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// It is no journal, or a broken one.
    #[error(
        "could not read the journal `{path}` ({why}). Open tasks stand in it, so nothing is done without a word: move it \
         away with its -wal file (`mv {path} {path}.broken`) and start again. Its tasks then time out, and a Retry \
         with a ClientToken finds their jobs; the others are to be seen in YARN under names that begin like their own",
        path = path.display()
    )]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A later release has written it.
    #[error(
        "could not read the journal `{}`: a later release of the worker has written it ({why}). Start that release \
         again, let it drain with --drain wait, and then use another --journal",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// By what that is seen.
        why: String,
    },
    /// The disk is full, or fails.
    #[error("could not use the journal `{}`: see that its disk has room and works", path.display())]
    Storage {
        /// The file.
        path: PathBuf,
        /// SQLite's words.
        source: rusqlite::Error,
    },
}

/// What an earlier process has left.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    /// The open tasks, in the order of their coming.
    pub(crate) rows: Vec<Row>,
    /// When, at the least, all their tokens were good.
    pub(crate) accepted: Option<Timestamp>,
}

/// An open task.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) task: ActivityTask,
    pub(crate) received: Timestamp,
    pub(crate) checkpoint: Checkpoint,
}

/// The open file.
#[derive(Debug)]
pub(super) struct Store {
    connection: Connection,
}

impl Store {
    pub(super) fn open(path: &Path) -> Result<(Self, Backlog), OpenError> {
        create(path).map_err(|source| OpenError::File {
            path: path.to_owned(),
            source,
        })?;
        Self::open_file(path).map_err(|failure| failure.at(path))
    }

    fn open_file(path: &Path) -> Result<(Self, Backlog), Failure> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // Before the first access, so that the file is held by one process, and needs no shared memory.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch("BEGIN EXCLUSIVE; COMMIT")?;
        let mut store = Self { connection };
        store.check()?;
        store.migrate()?;
        let backlog = store.backlog()?;
        Ok((store, backlog))
    }

    fn check(&self) -> Result<(), Failure> {
        let said: String = self
            .connection
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if said == "ok" {
            Ok(())
        } else {
            Err(Failure::Broken(said))
        }
    }

    fn migrate(&mut self) -> Result<(), Failure> {
        if self.has_tables()? {
            return Ok(());
        }
        let transaction = self.connection.transaction()?;
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        transaction.commit()?;
        Ok(())
    }

    /// Whether it is a journal already, of the schema that is known here.
    fn has_tables(&self) -> Result<bool, Failure> {
        let found: i64 = self
            .connection
            .query_row("PRAGMA user_version", [], |row| row.get(0))?;
        match found {
            0 => Ok(false),
            SCHEMA_VERSION => Ok(true),
            newer => Err(Failure::Newer(format!(
                "it has schema {newer}, and this worker knows {SCHEMA_VERSION}"
            ))),
        }
    }

    fn backlog(&self) -> Result<Backlog, Failure> {
        let mut rows = self
            .connection
            .prepare("SELECT token, activity, input, received_ms, stage FROM task ORDER BY line")?;
        let rows = rows.query_map([], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })?;
        let rows = rows.map(|columns| row(columns?)).collect::<Result<_, _>>()?;
        let accepted: Option<i64> = self
            .connection
            .query_row("SELECT at_ms FROM accepted", [], |row| row.get(0))
            .optional()?;
        Ok(Backlog {
            rows,
            accepted: accepted.map(timestamp).transpose()?,
        })
    }

    /// Applies steps in one transaction: all of them, or none.
    pub(super) fn apply<'a>(
        &mut self,
        writes: impl Iterator<Item = &'a Write>,
    ) -> Result<(), rusqlite::Error> {
        let transaction = self.connection.transaction()?;
        for write in writes {
            match write {
                Write::Receive {
                    token,
                    activity,
                    input,
                    received,
                } => {
                    let mut insert = transaction.prepare_cached(
                        "INSERT INTO task (token, activity, input, received_ms, stage) VALUES (?, ?, ?, ?, ?)
                         ON CONFLICT (token) DO NOTHING",
                    )?;
                    insert.execute(params![
                        token.as_str(),
                        activity.as_str(),
                        input,
                        received.as_millisecond(),
                        Checkpoint::Received.to_json()
                    ])?;
                }
                Write::Reach { token, checkpoint } => {
                    let mut update =
                        transaction.prepare_cached("UPDATE task SET stage = ? WHERE token = ?")?;
                    update.execute(params![checkpoint, token.as_str()])?;
                }
                Write::Close { token, .. } => {
                    let mut delete = transaction.prepare_cached("DELETE FROM task WHERE token = ?")?;
                    delete.execute([token.as_str()])?;
                }
                Write::Accepted { at } => {
                    let mut replace = transaction
                        .prepare_cached("INSERT OR REPLACE INTO accepted (one, at_ms) VALUES (1, ?)")?;
                    replace.execute([at.as_millisecond()])?;
                }
                Write::Check { at } => {
                    transaction.execute(
                        "INSERT OR REPLACE INTO checked (one, at_ms) VALUES (1, ?)",
                        [at.as_millisecond()],
                    )?;
                }
            }
        }
        transaction.commit()
    }

    /// Lets the file grow to so many pages, as a full disk would.
    #[cfg(test)]
    pub(super) fn limit(&self, pages: u32) {
        self.connection
            .pragma_update(None, "max_page_count", pages)
            .unwrap();
    }
}

/// Makes the file if there is none, and keeps others from reading it. SQLite gives its side files the same mode.
fn create(path: &Path) -> io::Result<()> {
    const OWNER_ONLY: u32 = 0o600;
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(OWNER_ONLY)
        .open(path)?;
    if file.metadata()?.permissions().mode() & 0o777 != OWNER_ONLY {
        file.set_permissions(Permissions::from_mode(OWNER_ONLY))?;
    }
    Ok(())
}

fn row(columns: (String, String, String, i64, String)) -> Result<Row, Failure> {
    let (token, activity, input, received_ms, stage) = columns;
    let broken = |why: String| Failure::Broken(why);
    let activity: ActivityArn = activity.parse().map_err(broken)?;
    Ok(Row {
        task: ActivityTask {
            activity,
            token: TaskToken::new(token),
            input,
        },
        received: timestamp(received_ms)?,
        checkpoint: Checkpoint::from_json(&stage).map_err(unread)?,
    })
}

/// A stage cannot be read. Well-formed words that are not known are no damage: SQLite has checked the pages, and this
/// program writes none.
fn unread(error: serde_json::Error) -> Failure {
    match error.classify() {
        Category::Data => Failure::Newer(format!("a task is at a stage that is not known here: {error}")),
        Category::Io | Category::Syntax | Category::Eof => Failure::Broken(error.to_string()),
    }
}

fn timestamp(milliseconds: i64) -> Result<Timestamp, Failure> {
    Timestamp::from_millisecond(milliseconds).map_err(|error| Failure::Broken(error.to_string()))
}

/// Why a file cannot be used, without its name.
#[derive(Debug)]
enum Failure {
    Broken(String),
    Newer(String),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Failure {
    fn at(self, path: &Path) -> OpenError {
        let path = path.to_owned();
        match self {
            Self::Broken(why) => OpenError::Broken { path, why },
            Self::Newer(why) => OpenError::Newer { path, why },
            Self::Sqlite(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::InUse { path },
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => OpenError::Broken {
                    path,
                    why: error.to_string(),
                },
                _ => OpenError::Storage { path, source: error },
            },
        }
    }
}
