//! Whether what the rows say is in the store, and what the store holds that no row knows.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use diesel::prelude::*;

use crate::platform::db::schema::{evidence, orgs};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, Db};
use crate::platform::error::Problem;
use crate::platform::files::{ContentHash, Entry, Files, Key, Rendition};

/// What no row knows is left alone so long: its row may be about to be written.
pub const YOUNG: TimeDelta = TimeDelta::days(1);

/// What is done beside looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Care {
    /// Read every original and compare its hash.
    pub deep: bool,
    /// Remove what no row knows and is older than [`YOUNG`].
    pub delete_orphans: bool,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// A row says it was received; the store does not have it.
    Missing(Key, Vec<Id>),
    /// The store has other bytes: fewer, more, or different ones.
    Damaged(Key, Vec<Id>),
    /// No row knows it.
    Orphan(Key, u64),
    /// No row knew it, and it was removed.
    Removed(Key, u64),
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (what, key, ids) = match self {
            Self::Missing(key, ids) => ("missing", key, ids.as_slice()),
            Self::Damaged(key, ids) => ("damaged", key, ids.as_slice()),
            Self::Orphan(key, bytes) => return write!(f, "orphan {key} ({bytes} bytes)"),
            Self::Removed(key, bytes) => return write!(f, "removed {key} ({bytes} bytes)"),
        };
        write!(f, "{what} {key} of evidence")?;
        ids.iter().try_for_each(|id| write!(f, " {id}"))
    }
}

/// What was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Files that rows ask for, originals and what was made of them.
    pub wanted: u64,
    /// Of these, such as are not there or hold other bytes.
    pub bad: u64,
    /// Files that no row knows, removed or not; young ones apart.
    pub orphans: u64,
}

/// A file that a row asks for.
struct Wanted {
    bytes: Option<u64>,
    ids: Vec<Id>,
}

/// Compares rows and store, a 256th of a bureau at a time. Rows are read first, since files come before their rows.
///
/// # Errors
/// 503 where database or store is away.
pub async fn check(
    db: &Db,
    files: &Files,
    care: Care,
    now: Timestamp,
    mut tell: impl FnMut(&Finding),
) -> Result<Count, Problem> {
    let bureaus = db.read(|conn| Ok(orgs::table.select(orgs::bureau_id).distinct().load::<Id>(conn)?)).await?;
    let mut namespaces: BTreeSet<Id> = bureaus.into_iter().collect();
    namespaces.extend(files.namespaces().await?);
    let mut count = Count::default();
    for namespace in namespaces {
        for first in 0..=u8::MAX {
            let wanted = db.read(move |conn| wanted(conn, namespace, first)).await?;
            let there: BTreeMap<Key, Entry> =
                files.list(namespace, first).await?.into_iter().map(|entry| (entry.key, entry)).collect();
            for (key, wanted) in &wanted {
                count.wanted += 1;
                if let Some(finding) = compare(files, *key, wanted, there.get(key), care.deep).await? {
                    count.bad += 1;
                    tell(&finding);
                }
            }
            for (key, entry) in there {
                if wanted.contains_key(&key) || entry.modified + YOUNG > now {
                    continue;
                }
                count.orphans += 1;
                tell(&orphan(db, files, &entry, care.delete_orphans).await?);
            }
        }
    }
    Ok(count)
}

async fn compare(
    files: &Files,
    key: Key,
    wanted: &Wanted,
    entry: Option<&Entry>,
    deep: bool,
) -> Result<Option<Finding>, Problem> {
    let ids = || wanted.ids.clone();
    let Some(entry) = entry else { return Ok(Some(Finding::Missing(key, ids()))) };
    if wanted.bytes.is_some_and(|bytes| bytes != entry.bytes) {
        return Ok(Some(Finding::Damaged(key, ids())));
    }
    if deep && key.rendition == Rendition::Original {
        return Ok(match files.hash(key).await? {
            None => Some(Finding::Missing(key, ids())),
            Some(hash) if hash != key.hash => Some(Finding::Damaged(key, ids())),
            Some(_) => None,
        });
    }
    Ok(None)
}

async fn orphan(db: &Db, files: &Files, entry: &Entry, delete: bool) -> Result<Finding, Problem> {
    let key = entry.key;
    if delete {
        // Asked once more: somebody may have handed in the same content while this was looking, or be about to: then the
        // file is a new one, and its row is still to come.
        let there = files.list(key.namespace, key.hash.first()).await?;
        let as_old = there.iter().any(|other| other.key == key && other.modified == entry.modified);
        let known = db.read(move |conn| wanted(conn, key.namespace, key.hash.first())).await?;
        if as_old && !known.contains_key(&key) {
            files.delete(key).await?;
            return Ok(Finding::Removed(key, entry.bytes));
        }
    }
    Ok(Finding::Orphan(key, entry.bytes))
}

type Asked = (Id, Vec<u8>, i64, Option<Vec<u8>>);

/// The files of a bureau that rows ask for and whose hash begins with this byte.
fn wanted(conn: &mut Conn, bureau: Id, first: u8) -> Result<BTreeMap<Key, Wanted>, Problem> {
    let mut query = evidence::table
        .filter(evidence::bureau_id.eq(bureau))
        .filter(evidence::received_at.is_not_null())
        .filter(evidence::sha256.ge(vec![first]))
        .select((evidence::id, evidence::sha256, evidence::bytes, evidence::picture))
        .into_boxed();
    if let Some(next) = first.checked_add(1) {
        query = query.filter(evidence::sha256.lt(vec![next]));
    }
    let mut all: BTreeMap<Key, Wanted> = BTreeMap::new();
    for (id, hash, bytes, picture) in query.load::<Asked>(conn)? {
        let hash = ContentHash::from_bytes(&hash).ok_or_else(|| Problem::internal("evidence without a hash"))?;
        let original = Key::original(bureau, hash);
        let mut want = |rendition, bytes| {
            let wanted = all.entry(original.as_rendition(rendition)).or_insert(Wanted { bytes, ids: Vec::new() });
            wanted.ids.push(id);
        };
        want(Rendition::Original, u64::try_from(bytes).ok());
        if picture.is_some() {
            want(Rendition::Display, None);
            want(Rendition::Thumbnail, None);
        }
    }
    Ok(all)
}

/// The originals that rows ask for, as `sha256sum --check` reads them; a line each, in pages.
///
/// # Errors
/// Whatever the engine says, or the file.
pub fn manifest(conn: &mut Conn, out: &mut impl std::io::Write) -> Result<u64, String> {
    const PAGE: i64 = 10_000;
    let (mut after, mut lines) = (Id(uuid::Uuid::nil()), 0);
    loop {
        let page: Vec<(Id, Id, Vec<u8>)> = evidence::table
            .filter(evidence::received_at.is_not_null())
            .filter(evidence::id.gt(after))
            .order(evidence::id)
            .limit(PAGE)
            .select((evidence::id, evidence::bureau_id, evidence::sha256))
            .load(conn)
            .map_err(|error| error.to_string())?;
        let Some((last, ..)) = page.last() else { return Ok(lines) };
        after = *last;
        for (id, bureau, hash) in page {
            let hash = ContentHash::from_bytes(&hash).ok_or_else(|| format!("evidence {id} has no hash"))?;
            writeln!(out, "{hash}  {}", Key::original(bureau, hash)).map_err(|error| error.to_string())?;
            lines += 1;
        }
    }
}
