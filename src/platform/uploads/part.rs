//! The file of an upload: bytes in the order in which they came.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::platform::db::types::Id;
use crate::platform::error::Problem;
use crate::platform::files::trouble;

/// The file, while nobody else writes it. The lock is the operating system's: it holds for every process that shares the
/// folder, and ends with the process that held it.
#[derive(Debug)]
pub struct Part {
    file: File,
    path: PathBuf,
}

/// Whether the file could be had.
#[derive(Debug)]
pub enum Taken {
    /// It is this caller's until it is dropped.
    Here(Part),
    /// Somebody else is writing it.
    Busy,
    /// It is not on this machine.
    Missing,
}

/// Where the file of an upload lies.
#[must_use]
pub fn path(folder: &Path, id: Id) -> PathBuf {
    folder.join(id.to_string())
}

/// Takes the file of an upload at a place: what lies beyond was never acknowledged and is cut off. Blocks.
///
/// # Errors
/// 503, 507.
pub fn take(folder: &Path, id: Id, at: u64) -> Result<Taken, Problem> {
    let path = path(folder, id);
    let say = |error| trouble("a part", &error);
    loop {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(at == 0).truncate(false).mode(0o600);
        let file = match options.open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Taken::Missing),
            Err(error) => return Err(say(error)),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Taken::Busy),
            Err(TryLockError::Error(error)) => return Err(say(error)),
        }
        // Whoever had it may have removed it meanwhile: then this is the lock of a file without a name.
        let held = file.metadata().map_err(say)?;
        match std::fs::metadata(&path) {
            Ok(named) if named.ino() == held.ino() && named.dev() == held.dev() => {}
            Ok(_) => continue,
            Err(error) if error.kind() == ErrorKind::NotFound && at == 0 => continue,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Taken::Missing),
            Err(error) => return Err(say(error)),
        }
        if held.len() < at {
            return Ok(Taken::Missing);
        }
        let mut part = Part { file, path };
        part.back_to(at)?;
        if at == 0 {
            // Its name must survive a power loss as well as its bytes.
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(say)?;
        }
        return Ok(Taken::Here(part));
    }
}

impl Part {
    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Cuts off what lies beyond. Blocks.
    ///
    /// # Errors
    /// 503.
    pub fn back_to(&mut self, at: u64) -> Result<(), Problem> {
        let say = |error| trouble("a part", &error);
        self.file.set_len(at).map_err(say)?;
        self.file.seek(SeekFrom::Start(at)).map(drop).map_err(say)
    }

    /// Adds bytes. Blocks.
    ///
    /// # Errors
    /// 503, 507.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        self.file.write_all(bytes).map_err(|error| trouble("a part", &error))
    }

    /// Makes what was added survive a power loss. Blocks.
    ///
    /// # Errors
    /// 503, 507.
    pub fn sync(&self) -> Result<(), Problem> {
        self.file.sync_data().map_err(|error| trouble("a part", &error))
    }

    /// Removes it while it is still this caller's. Blocks.
    pub fn remove(self) {
        // What cannot be removed now is found by the next sweep.
        drop(std::fs::remove_file(&self.path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::ids::built_in;

    fn here(taken: Taken) -> Part {
        match taken {
            Taken::Here(part) => part,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_writes_and_what_was_never_acknowledged_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let id = built_in("upload");
        assert!(matches!(take(folder.path(), id, 5).unwrap(), Taken::Missing));
        let mut first = here(take(folder.path(), id, 0).unwrap());
        first.add(b"0123456789").unwrap();
        first.sync().unwrap();
        assert!(matches!(take(folder.path(), id, 0).unwrap(), Taken::Busy));
        drop(first);
        let mut second = here(take(folder.path(), id, 5).unwrap());
        second.add(b"x").unwrap();
        assert_eq!(std::fs::read(path(folder.path(), id)).unwrap(), b"01234x");
        drop(second);
        assert!(matches!(take(folder.path(), id, 7).unwrap(), Taken::Missing), "shorter than acknowledged");
        here(take(folder.path(), id, 6).unwrap()).remove();
        assert!(matches!(take(folder.path(), id, 6).unwrap(), Taken::Missing));
    }
}
