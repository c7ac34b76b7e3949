//! Files in a folder of this machine: `NAMESPACE/FIRST-BYTE/HASH`.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

use super::key::Key;
use super::reading::{Opened, within};
use super::staged::Staged;
use super::{Entry, trouble};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::durable;
use crate::platform::error::Problem;

/// The folder.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    /// Folders below it that are known to have been made durably.
    made: Mutex<BTreeSet<PathBuf>>,
}

impl Folder {
    pub(super) fn open(root: &Path) -> Result<Self, String> {
        durable::make_folder(root, true)
            .and_then(|()| tempfile::tempfile_in(root).map(drop))
            .map_err(|error| format!("the evidence store {} cannot be written: {error}", root.display()))?;
        Ok(Self { root: root.to_owned(), made: Mutex::default() })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    fn shelf(&self, key: &Key) -> PathBuf {
        self.root.join(Key::shelf(key.namespace, key.hash.first()))
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.shelf(key).join(key.name())
    }

    /// Makes a folder and those above it, up to the root, so that they survive a power loss. Others may make them at
    /// the same time, or have made them without having synced yet: each process syncs once for itself.
    fn make(&self, folder: &Path) -> std::io::Result<()> {
        if folder == self.root || self.made.lock().unwrap_or_else(PoisonError::into_inner).contains(folder) {
            return Ok(());
        }
        if let Some(above) = folder.parent() {
            self.make(above)?;
            durable::make_folder(folder, true)?;
            durable::sync_folder(above)?;
        }
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.to_owned());
        Ok(())
    }

    pub(super) fn put(&self, key: &Key, staged: Staged) -> Result<(), Problem> {
        let shelf = self.shelf(key);
        let say = |error| trouble("a folder of the evidence store", &error);
        self.make(&shelf).map_err(say)?;
        staged.move_to(&self.path(key), &self.root)?;
        durable::sync_folder(&shelf).map_err(say)
    }

    pub(super) fn size(&self, key: &Key) -> Result<Option<u64>, Problem> {
        found(std::fs::metadata(self.path(key))).map(|found| found.map(|metadata| metadata.len()))
    }

    pub(super) fn read(&self, key: &Key, range: Option<(u64, u64)>) -> Result<Option<Opened>, Problem> {
        let Some(mut file) = found(File::open(self.path(key)))? else { return Ok(None) };
        let say = |error| trouble("a file of the evidence store", &error);
        let total = file.metadata().map_err(say)?.len();
        let (first, length) = within(range, total);
        file.seek(SeekFrom::Start(first)).map_err(say)?;
        Ok(Some(Opened { total, first, length, source: Box::new(file.take(length)) }))
    }

    pub(super) fn delete(&self, key: &Key) -> Result<(), Problem> {
        found(std::fs::remove_file(self.path(key)))?;
        match found(durable::sync_folder(&self.shelf(key))) {
            Ok(_) => Ok(()),
            Err(problem) => Err(problem),
        }
    }

    pub(super) fn namespaces(&self) -> Result<Vec<Id>, Problem> {
        let mut all: Vec<Id> = names(&self.root)?.iter().filter_map(|name| name.parse().ok()).collect();
        all.sort_unstable();
        Ok(all)
    }

    pub(super) fn list(&self, namespace: Id, first: u8) -> Result<Vec<Entry>, Problem> {
        let shelf = self.root.join(Key::shelf(namespace, first));
        let mut entries = Vec::new();
        for name in names(&shelf)? {
            let Some(key) = Key::from_name(namespace, &name) else { continue };
            // A file that goes while it is looked at is not listed.
            let Some(metadata) = found(std::fs::metadata(shelf.join(&name)))? else { continue };
            let modified = metadata.modified().map_err(|error| trouble("a file of the evidence store", &error))?;
            // A file may have got its name long after its last byte: the file of an upload that waited for the store.
            let named = metadata.ctime().saturating_mul(1_000_000).saturating_add(metadata.ctime_nsec() / 1000);
            let modified = Timestamp::from(DateTime::<Utc>::from(modified)).max(Timestamp::from_micros(named));
            entries.push(Entry { key, bytes: metadata.len(), modified });
        }
        entries.sort_unstable_by_key(|entry| entry.key);
        Ok(entries)
    }
}

/// What is not there is nothing; all else that goes wrong is a problem.
fn found<T>(result: std::io::Result<T>) -> Result<Option<T>, Problem> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(trouble("a file of the evidence store", &error)),
    }
}

fn names(folder: &Path) -> Result<Vec<String>, Problem> {
    let Some(entries) = found(std::fs::read_dir(folder))? else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| trouble("a folder of the evidence store", &error))?;
        if let Ok(name) = entry.file_name().into_string() {
            names.push(name);
        }
    }
    Ok(names)
}
