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

/// How long the file of an upload is; nothing where it is not on this machine. Blocks.
///
/// # Errors
/// 503.
pub fn length(folder: &Path, id: Id) -> Result<Option<u64>, Problem> {
    match std::fs::metadata(path(folder, id)) {
        Ok(found) => Ok(Some(found.len())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(trouble("a part", &error)),
    }
}

/// Takes the file of an upload, as it is; makes it where nothing of the upload has come yet. Whoever takes it must ask
/// again how far the upload is, and then [`Part::go_on`]: until it was taken, others could write. Blocks.
///
/// # Errors
/// 503, 507.
pub fn take(folder: &Path, id: Id, new: bool) -> Result<Taken, Problem> {
    let path = path(folder, id);
    let say = |error| trouble("a part", &error);
    loop {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(new).truncate(false).mode(0o600);
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
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(say(error)),
        }
        if new {
            // Its name must survive a power loss as well as its bytes.
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(say)?;
        }
        return Ok(Taken::Here(Part { file, path }));
    }
}

impl Part {
    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Stands at a place, and cuts off what lies beyond: it was never acknowledged. False where the file is shorter: what
    /// was acknowledged is not on this machine. Blocks.
    ///
    /// # Errors
    /// 503.
    pub fn go_on(&mut self, at: u64) -> Result<bool, Problem> {
        let say = |error| trouble("a part", &error);
        let held = self.file.metadata().map_err(say)?;
        if held.len() < at {
            return Ok(false);
        }
        // Handed over to the store by a second name: that is the stored file itself, which never changes. Only a row
        // older than the file, of a restored backup, can ask for another place in it.
        if held.nlink() > 1 && held.len() != at {
            return Ok(false);
        }
        self.file.set_len(at).map_err(say)?;
        self.file.seek(SeekFrom::Start(at)).map_err(say)?;
        Ok(true)
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
        let take = |new| take(folder.path(), id, new).unwrap();
        assert!(matches!(take(false), Taken::Missing));
        assert_eq!(length(folder.path(), id).unwrap(), None);
        let mut first = here(take(true));
        first.add(b"0123456789").unwrap();
        first.sync().unwrap();
        assert_eq!(length(folder.path(), id).unwrap(), Some(10));
        assert!(matches!(take(true), Taken::Busy));
        drop(first);
        let mut second = here(take(true));
        let content = || std::fs::read(path(folder.path(), id)).unwrap();
        assert_eq!(content(), b"0123456789", "taking alone changes nothing");
        assert!(!second.go_on(11).unwrap(), "shorter than acknowledged");
        let kept = folder.path().join("kept");
        std::fs::hard_link(second.path(), &kept).unwrap();
        assert!(!second.go_on(5).unwrap() && second.go_on(10).unwrap(), "what is stored is not cut");
        std::fs::remove_file(kept).unwrap();
        assert!(second.go_on(5).unwrap());
        second.add(b"x").unwrap();
        assert_eq!(content(), b"01234x");
        second.remove();
        assert!(matches!(take(false), Taken::Missing));
    }
}
