//! A look at a journal from beside it: nothing is made, changed or left behind, and a worker that has it is not disturbed.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags, ffi};
use url::Url;

use super::{Failure, OpenError, SCHEMA_VERSION, Store};

/// What a journal's file is like that a worker could use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inspection {
    /// The id of the user to whom it belongs.
    pub(crate) owner: u32,
    /// What its owner, its group and everybody may.
    pub(crate) mode: u32,
    /// None when the file is empty.
    pub(crate) schema: Option<i64>,
    /// The tasks that an earlier process has left in it.
    pub(crate) open_tasks: usize,
}

impl Inspection {
    /// Looks at a file that is there; the error is the one with which a worker would not start.
    pub(crate) fn of(path: &Path) -> Result<Self, OpenError> {
        let file = |source| OpenError::File {
            path: path.to_owned(),
            source,
        };
        let metadata = std::fs::metadata(path).map_err(file)?;
        let was_alone = !has_steps_beside(path);
        let content = content(path, was_alone);
        if was_alone && has_steps_beside(path) {
            // A worker has begun meanwhile, and was not waited for.
            return Err(OpenError::InUse {
                path: path.to_owned(),
            });
        }
        let (schema, open_tasks) = content.map_err(|failure| match failure {
            Failure::Sqlite(error) if is_forbidden(&error) => {
                file(io::Error::new(io::ErrorKind::PermissionDenied, error))
            }
            failure => failure.at(path),
        })?;
        Ok(Self {
            owner: metadata.uid(),
            mode: metadata.mode() & 0o777,
            schema,
            open_tasks,
        })
    }
}

/// The schema, and how many tasks are open.
fn content(path: &Path, is_alone: bool) -> Result<(Option<i64>, usize), Failure> {
    let connection = if is_alone {
        alone(path)?
    } else {
        with_steps_beside(path)?
    };
    let store = Store { connection };
    store.check()?;
    if !store.has_tables()? {
        return Ok((None, 0));
    }
    Ok((Some(SCHEMA_VERSION), store.backlog()?.rows.len()))
}

/// The latest steps stand beside the file while a process has it, and after one that was killed.
fn has_steps_beside(path: &Path) -> bool {
    let mut wal = OsString::from(path);
    wal.push("-wal");
    PathBuf::from(wal).exists()
}

/// Read by the rules of a file that nobody changes. SQLite would otherwise make files beside it even to read.
fn alone(path: &Path) -> Result<Connection, Failure> {
    let absolute = std::path::absolute(path).map_err(|error| Failure::Broken(error.to_string()))?;
    let mut address =
        Url::from_file_path(&absolute).map_err(|()| Failure::Broken("its name is no path".to_owned()))?;
    address.set_query(Some("immutable=1"));
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(address.as_str(), flags)?)
}

/// Read with what stands beside it, which stays there. The file is locked meanwhile, for moments that a worker which
/// starts just now waits for, and by nobody else: where a worker has it, that is the error.
fn with_steps_beside(path: &Path) -> Result<Connection, Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "query_only", true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    if connection.is_readonly(MAIN_DB)? {
        let forbidden = ffi::Error::new(ffi::SQLITE_READONLY);
        return Err(rusqlite::Error::SqliteFailure(forbidden, None).into());
    }
    Ok(connection)
}

fn is_forbidden(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly)
    )
}
