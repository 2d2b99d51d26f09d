//! SQLite files, each opened for one query or one row, so that nobody waits long for us.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, Params, Row};

use crate::error::{Error, Result};

/// The rows that `sql` finds in the file at `path`. Waits at most `wait` for other processes.
pub(crate) fn rows<T>(
    path: &Path,
    wait: Duration,
    sql: &str,
    given: impl Params,
    row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>> {
    let read = || -> rusqlite::Result<Vec<T>> {
        let file = open(path, wait, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        file.prepare(sql)?.query_map(given, row)?.collect()
    };
    read().map_err(|e| Error::system(path.display(), e))
}

/// Inserts a row into the existing file at `path`, after `tables` has made the tables that it
/// lacks.
pub(crate) fn insert(
    path: &Path,
    wait: Duration,
    tables: &str,
    sql: &str,
    given: impl Params,
) -> Result<()> {
    let write = || {
        let file = open(path, wait, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        file.execute_batch(tables)?;
        file.execute(sql, given)
    };
    write().map(drop).map_err(|e| Error::system(path.display(), e))
}

fn open(path: &Path, wait: Duration, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let file = Connection::open_with_flags(path, flags)?;
    file.busy_timeout(wait)?;
    Ok(file)
}
