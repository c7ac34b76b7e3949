//! Whether anybody serves an embedded database. Its own locks say so only while its file is sound; a restore is asked for
//! when it is not. A lock file beside it ends with the process that holds it, however that ends.

use std::fs::{File, OpenOptions, TryLockError};

use super::url::DatabaseUrl;

/// Held by whoever serves a database, or by whoever puts another in its place.
#[derive(Debug)]
pub struct Held(#[expect(dead_code, reason = "the lock ends with the file")] File);

fn file(path: &str) -> Result<File, String> {
    let path = format!("{path}.in-use");
    let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    opened.map_err(|error| format!("the database folder cannot be written ({path}): {error}"))
}

/// For a server: several may share it. Nothing to hold on PostgreSQL, which knows who is connected.
///
/// # Errors
/// One sentence for the operator while the database is being restored.
pub fn serve(url: &DatabaseUrl) -> Result<Option<Held>, String> {
    let DatabaseUrl::Sqlite(path) = url else { return Ok(None) };
    let file = file(path)?;
    match file.try_lock_shared() {
        Ok(()) => Ok(Some(Held(file))),
        Err(TryLockError::WouldBlock) => Err(format!("{path} is being restored: start again when that is done")),
        Err(TryLockError::Error(error)) => Err(format!("{path}.in-use cannot be locked: {error}")),
    }
}

/// For a restore: nobody else may hold it.
///
/// # Errors
/// One sentence for the operator while somebody serves it.
pub fn alone(path: &str) -> Result<Held, String> {
    let file = file(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Held(file)),
        Err(TryLockError::WouldBlock) => Err(in_use(path)),
        Err(TryLockError::Error(error)) => Err(format!("{path}.in-use cannot be locked: {error}")),
    }
}

/// The sentence for the operator.
#[must_use]
pub fn in_use(path: &str) -> String {
    format!("{path} is in use: stop the server first; nothing was changed")
}
