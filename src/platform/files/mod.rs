//! Files by their content: what somebody photographed is kept under its SHA-256, in a local folder or in an
//! S3-compatible store.
//!
//! The way in is always the same. Bytes come into a temporary file on this machine while they are hashed
//! ([`Incoming`]), that file is synced ([`Staged`]), and [`Files::put`] hands it to the store: rename and sync of the
//! folder, or an upload that the store has acknowledged and whose checksum agrees. Only then does the caller write its
//! row, and only then answer. A file is never changed: the same content under the same key is the same file.
//!
//! Nothing here blocks the threads that answer requests: every touch of disk or network has one of a few places, and
//! who gets none in time is told 503.

mod folder;
mod key;
mod pool;
mod reading;
mod s3;
pub mod settings;
mod staged;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::StreamExt;

pub use key::{ContentHash, Key, Rendition};
pub use reading::Reading;
pub use staged::{Incoming, Staged};

use crate::platform::db::types::{Id, Timestamp};
use crate::platform::durable;
use crate::platform::error::{Code, Problem};
use folder::Folder;
use pool::Pool;
use s3::S3;
use settings::{Settings, Where};

/// Where files are kept. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Files(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    parts: PathBuf,
    disk: Pool,
    remote: Pool,
}

#[derive(Debug)]
enum Store {
    Folder(Folder),
    S3(Box<S3>),
}

/// A file in the store, as a listing tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Under which key.
    pub key: Key,
    /// Its size.
    pub bytes: u64,
    /// When it came there.
    pub modified: Timestamp,
}

impl Files {
    /// Opens the store: folders are made with owner-only rights. An S3 store is not asked anything yet, so that a
    /// server starts while its store is away; see [`Files::check`].
    ///
    /// # Errors
    /// One sentence for the operator.
    pub fn open(settings: &Settings) -> Result<Self, String> {
        let store = match &settings.place {
            Where::Folder(path) => Store::Folder(Folder::open(path)?),
            Where::S3(place) => Store::S3(Box::new(S3::open(place)?)),
        };
        durable::make_folder(&settings.parts, true)
            .map_err(|error| format!("the folder {} of uploads cannot be made: {error}", settings.parts.display()))?;
        let (disk, remote) = (Pool::new(DISK_AT_ONCE), Pool::new(REMOTE_AT_ONCE));
        Ok(Self(Arc::new(Inner { store, parts: settings.parts.clone(), disk, remote })))
    }

    /// The folder, on this machine, of what is still arriving.
    #[must_use]
    pub fn parts(&self) -> &Path {
        &self.0.parts
    }

    /// Begins a temporary file that takes at most `most` bytes.
    ///
    /// # Errors
    /// 503, 507.
    pub async fn incoming(&self, most: u64) -> Result<Incoming, Problem> {
        Incoming::begin(self.clone(), most).await
    }

    /// Makes a whole, hashed and synced temporary file of these bytes.
    ///
    /// # Errors
    /// 503, 507.
    pub async fn stage(&self, bytes: Vec<u8>) -> Result<Staged, Problem> {
        let parts = self.0.parts.clone();
        self.disk(move || staged::of_bytes(&parts, &bytes)).await
    }

    /// Keeps a staged file under its key; durable when this returns. What is there already under the same key is
    /// replaced by the same bytes.
    ///
    /// # Errors
    /// 503 when the store is away or contradicts, 507 when it is full. Nothing is half-stored.
    pub async fn put(&self, key: Key, staged: Staged) -> Result<(), Problem> {
        if key.rendition == Rendition::Original && key.hash != staged.hash() {
            return Err(Problem::internal("a file was to be kept under a hash that is not its own"));
        }
        let files = Arc::clone(&self.0);
        let pool = match &self.0.store {
            Store::Folder(_) => &self.0.disk,
            Store::S3(_) => &self.0.remote,
        };
        pool.run(move || match &files.store {
            Store::Folder(folder) => folder.put(&key, staged),
            Store::S3(s3) => s3.put(&key, &staged),
        })
        .await
    }

    /// The size of a file; nothing where it is not there.
    ///
    /// # Errors
    /// 503.
    pub async fn size(&self, key: Key) -> Result<Option<u64>, Problem> {
        self.on_store(move |store| match store {
            Store::Folder(folder) => folder.size(&key),
            Store::S3(s3) => s3.size(&key),
        })
        .await
    }

    /// Opens a file to be read piece by piece; with a range, from `first` to `last` inclusive. Nothing where the file
    /// is not there; a range beyond its end is cut, one that begins there is empty.
    ///
    /// # Errors
    /// 503.
    pub async fn read(&self, key: Key, range: Option<(u64, u64)>) -> Result<Option<Reading>, Problem> {
        let opened = self.on_store(move |store| match store {
            Store::Folder(folder) => folder.read(&key, range),
            Store::S3(s3) => s3.read(&key, range),
        });
        Ok(opened.await?.map(|opened| Reading::new(self.clone(), opened)))
    }

    /// A whole file in memory, for what is known to be small.
    ///
    /// # Errors
    /// 503; 500 where it is larger than `most`.
    pub async fn read_all(&self, key: Key, most: u64) -> Result<Option<Vec<u8>>, Problem> {
        let Some(reading) = self.read(key, None).await? else { return Ok(None) };
        if reading.total > most {
            return Err(Problem::internal(format!("{key} has {} bytes, more than {most}", reading.total)));
        }
        let mut bytes = Vec::new();
        let mut pieces = std::pin::pin!(reading.pieces());
        while let Some(piece) = pieces.next().await {
            bytes.extend_from_slice(&piece?);
        }
        Ok(Some(bytes))
    }

    /// Reads a whole file and tells its hash.
    ///
    /// # Errors
    /// 503.
    pub async fn hash(&self, key: Key) -> Result<Option<ContentHash>, Problem> {
        let Some(reading) = self.read(key, None).await? else { return Ok(None) };
        let mut hasher = key::Hasher::default();
        let mut pieces = std::pin::pin!(reading.pieces());
        while let Some(piece) = pieces.next().await {
            hasher.update(&piece?);
        }
        Ok(Some(hasher.finish()))
    }

    /// Removes a file; that it is not there is no error.
    ///
    /// # Errors
    /// 503.
    pub async fn delete(&self, key: Key) -> Result<(), Problem> {
        self.on_store(move |store| match store {
            Store::Folder(folder) => folder.delete(&key),
            Store::S3(s3) => s3.delete(&key),
        })
        .await
    }

    /// The namespaces that hold files, sorted.
    ///
    /// # Errors
    /// 503.
    pub async fn namespaces(&self) -> Result<Vec<Id>, Problem> {
        self.on_store(|store| match store {
            Store::Folder(folder) => folder.namespaces(),
            Store::S3(s3) => s3.namespaces(),
        })
        .await
    }

    /// The files of a namespace whose hash begins with this byte, sorted by key: a 256th of them.
    ///
    /// # Errors
    /// 503.
    pub async fn list(&self, namespace: Id, first: u8) -> Result<Vec<Entry>, Problem> {
        self.on_store(move |store| match store {
            Store::Folder(folder) => folder.list(namespace, first),
            Store::S3(s3) => s3.list(namespace, first),
        })
        .await
    }

    /// Writes, reads and removes a small file, and says where the store is: for the operator.
    ///
    /// # Errors
    /// One sentence that names what is wrong.
    pub async fn check(&self) -> Result<String, String> {
        let probe = async {
            let staged = self.stage(b"anxiao\n".to_vec()).await?;
            let key = Key { namespace: Id(uuid::Uuid::nil()), hash: staged.hash(), rendition: Rendition::Original };
            self.put(key, staged).await?;
            let read = self.hash(key).await?;
            self.delete(key).await?;
            if read == Some(key.hash) {
                Ok(())
            } else {
                Err(Problem::new(Code::Unavailable).cause("what was written cannot be read again"))
            }
        };
        match probe.await {
            Ok(()) => Ok(self.place()),
            Err(problem) => Err(format!("{}: {}", self.place(), problem.cause.unwrap_or_default())),
        }
    }

    /// Where the store is, without secrets.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.0.store {
            Store::Folder(folder) => folder.root().display().to_string(),
            Store::S3(s3) => s3.place(),
        }
    }

    /// The folder of the files, where they are in one.
    #[must_use]
    pub fn local(&self) -> Option<&Path> {
        match &self.0.store {
            Store::Folder(folder) => Some(folder.root()),
            Store::S3(_) => None,
        }
    }

    /// Runs disk work off the threads that answer requests.
    ///
    /// # Errors
    /// 503 when all places are taken for too long; whatever `work` says.
    pub async fn disk<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        self.0.disk.run(work).await
    }

    async fn on_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let inner = Arc::clone(&self.0);
        let pool = match &self.0.store {
            Store::Folder(_) => &self.0.disk,
            Store::S3(_) => &self.0.remote,
        };
        pool.run(move || work(&inner.store)).await
    }
}

/// Touches of the local disk at once.
const DISK_AT_ONCE: usize = 16;
/// Calls to a remote store at once.
const REMOTE_AT_ONCE: usize = 16;

/// What the operating system says of a file: a full disk is 507, all else 503.
pub(crate) fn trouble(what: &str, error: &std::io::Error) -> Problem {
    use std::io::ErrorKind;
    let full = matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge);
    Problem::new(if full { Code::NoSpace } else { Code::Unavailable }).cause(format!("{what}: {error}"))
}
