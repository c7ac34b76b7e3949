//! What is arriving: a temporary file that is hashed while it is written, and the whole file that waits to be kept.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use actix_web::web::Bytes;
use tempfile::{NamedTempFile, TempPath};

use super::key::{ContentHash, Hasher};
use super::{Files, trouble};
use crate::platform::error::{Code, Problem};

/// Bytes gathered before they are written.
const GATHER: usize = 256 * 1024;

/// A temporary file that is being written. It is removed when it is dropped.
#[derive(Debug)]
pub struct Incoming {
    files: Files,
    state: Option<State>,
    gathered: Vec<u8>,
    bytes: u64,
    most: u64,
}

#[derive(Debug)]
struct State {
    file: NamedTempFile,
    hasher: Hasher,
}

impl Incoming {
    pub(super) async fn begin(files: Files, most: u64) -> Result<Self, Problem> {
        let parts = files.parts().to_owned();
        let file = files.disk(move || temporary(&parts)).await?;
        let state = Some(State { file, hasher: Hasher::default() });
        Ok(Self { files, state, gathered: Vec::new(), bytes: 0, most })
    }

    /// Adds what has come.
    ///
    /// # Errors
    /// 413 as soon as there is more than allowed; 503, 507.
    pub async fn write(&mut self, piece: &Bytes) -> Result<(), Problem> {
        self.bytes = self.bytes.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        if self.bytes > self.most {
            let most = self.most;
            return Err(Problem::new(Code::BodyTooLarge)
                .detail(format!("文件不得超过 {most} 字节"), format!("the file must not exceed {most} bytes")));
        }
        self.gathered.extend_from_slice(piece);
        if self.gathered.len() >= GATHER { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), Problem> {
        let gathered = std::mem::take(&mut self.gathered);
        let mut state = self.state.take().ok_or_else(lost)?;
        let written = self.files.disk(move || {
            state.hasher.update(&gathered);
            state.file.write_all(&gathered).map_err(|error| trouble("a temporary file", &error))?;
            Ok(state)
        });
        self.state = Some(written.await?);
        Ok(())
    }

    /// All has come: the file is synced.
    ///
    /// # Errors
    /// 503, 507.
    pub async fn finish(mut self) -> Result<Staged, Problem> {
        self.flush().await?;
        let State { file, hasher } = self.state.take().ok_or_else(lost)?;
        let bytes = self.bytes;
        self.files
            .disk(move || {
                file.as_file().sync_all().map_err(|error| trouble("a temporary file", &error))?;
                Ok(Staged { path: Place::Temporary(file.into_temp_path()), hash: hasher.finish(), bytes })
            })
            .await
    }
}

fn lost() -> Problem {
    Problem::new(Code::Unavailable).cause("a temporary file was given up after a failed write")
}

fn temporary(parts: &Path) -> Result<NamedTempFile, Problem> {
    tempfile::Builder::new()
        .prefix(TEMPORARY)
        .tempfile_in(parts)
        .map_err(|error| trouble("a temporary file cannot be made", &error))
}

/// The beginning of the names of temporary files: what a power loss left of them is removed at the next start.
pub(super) const TEMPORARY: &str = "incoming-";

pub(super) fn of_bytes(parts: &Path, bytes: &[u8]) -> Result<Staged, Problem> {
    let mut file = temporary(parts)?;
    let say = |error| trouble("a temporary file", &error);
    file.write_all(bytes).map_err(say)?;
    file.as_file().sync_all().map_err(say)?;
    let bytes_long = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    Ok(Staged { path: Place::Temporary(file.into_temp_path()), hash: ContentHash::of(bytes), bytes: bytes_long })
}

/// Where a staged file lies.
#[derive(Debug)]
enum Place {
    /// Removed when it is dropped.
    Temporary(TempPath),
    /// Somebody else's, who removes it.
    Theirs(PathBuf),
}

/// A whole, hashed and synced file on this machine that is not kept yet. It is removed when it is dropped, unless it is
/// that of an upload, which stays until the upload is closed.
#[derive(Debug)]
pub struct Staged {
    path: Place,
    hash: ContentHash,
    bytes: u64,
}

impl Staged {
    /// A file that lies there already: hashed and synced, and left where it is. Blocks; call it within
    /// [`Files::disk`].
    ///
    /// # Errors
    /// 503.
    pub fn of_file(path: PathBuf) -> Result<Self, Problem> {
        let say = |error| trouble("a part", &error);
        let mut file = File::open(&path).map_err(say)?;
        let (mut hasher, mut bytes, mut piece) = (Hasher::default(), 0_u64, vec![0; 256 * 1024]);
        loop {
            let length = file.read(&mut piece).map_err(say)?;
            if length == 0 {
                break;
            }
            hasher.update(piece.get(..length).unwrap_or_default());
            bytes = bytes.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        }
        file.sync_all().map_err(say)?;
        Ok(Self { path: Place::Theirs(path), hash: hasher.finish(), bytes })
    }

    /// SHA-256 of the content.
    #[must_use]
    pub const fn hash(&self) -> ContentHash {
        self.hash
    }

    /// Its size.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Where it lies: to look at its type, to decode it. Blocks; read it within [`Files::disk`].
    #[must_use]
    pub fn path(&self) -> &Path {
        match &self.path {
            Place::Temporary(path) => path,
            Place::Theirs(path) => path,
        }
    }

    /// The whole content. Blocks; call it within [`Files::disk`].
    ///
    /// # Errors
    /// 503.
    pub fn read(&self) -> Result<Vec<u8>, Problem> {
        std::fs::read(self.path()).map_err(|error| trouble("a temporary file", &error))
    }

    /// Its first `most` bytes: enough to tell its type. Blocks; call it within [`Files::disk`].
    ///
    /// # Errors
    /// 503.
    pub fn head(&self, most: u64) -> Result<Vec<u8>, Problem> {
        let say = |error| trouble("a temporary file", &error);
        let mut bytes = Vec::new();
        File::open(self.path()).map_err(say)?.take(most).read_to_end(&mut bytes).map_err(say)?;
        Ok(bytes)
    }

    /// Brings the file to its place, also on another file system: moves it, or gives it a second name where the first
    /// is somebody else's. `beside` is a folder on the file system of `to`.
    pub(super) fn move_to(self, to: &Path, beside: &Path) -> Result<(), Problem> {
        let say = |error| trouble("a file cannot be kept", &error);
        match self.path {
            Place::Temporary(path) => match std::fs::rename(&path, to) {
                Ok(()) => {
                    // It has gone from the temporary place: nothing is left to remove there.
                    drop(path.keep());
                    Ok(())
                }
                Err(error) if error.kind() == ErrorKind::CrossesDevices => copy(&path, to, beside),
                Err(error) => Err(say(error)),
            },
            Place::Theirs(path) => {
                let named = tempfile::Builder::new()
                    .prefix(TEMPORARY)
                    .make_in(beside, |second| std::fs::hard_link(&path, second));
                match named {
                    Ok(second) => std::fs::rename(second.path(), to).map_err(say),
                    Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::NotFound) => {
                        Err(say(error))
                    }
                    // Another file system, or one without second names.
                    Err(_) => copy(&path, to, beside),
                }
            }
        }
    }

    /// The file, from this place on.
    pub(super) fn open_at(&self, from: u64) -> std::io::Result<File> {
        let mut file = File::open(self.path())?;
        file.seek(SeekFrom::Start(from))?;
        Ok(file)
    }
}

fn copy(from: &Path, to: &Path, beside: &Path) -> Result<(), Problem> {
    let say = |error| trouble("a file cannot be kept", &error);
    let mut copy = temporary(beside)?;
    let mut file = File::open(from).map_err(say)?;
    std::io::copy(&mut file, copy.as_file_mut()).map_err(say)?;
    copy.as_file().sync_all().map_err(say)?;
    copy.persist(to).map_err(|error| say(error.error))?;
    Ok(())
}
