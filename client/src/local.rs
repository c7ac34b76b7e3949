//! The rows this user may see, as the server last told them, in one file.
//!
//! A page of a pull is one line: rows, what went, and the cursor behind it are durable together or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Result;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::lines::Lines;

/// A row with its address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The collection.
    pub c: String,
    /// The id.
    pub id: String,
    /// The version.
    pub v: i64,
    /// All of it.
    pub row: Value,
}

/// The address of a row that is to go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gone {
    /// The collection.
    pub c: String,
    /// The id.
    pub id: String,
}

/// How many rows of a collection the server counts for this user, and their sum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// Rows.
    pub n: usize,
    /// The first eight bytes of SHA-256 of `collection:id:version`, over all rows by exclusive or, in hexadecimal.
    pub x: String,
}

/// A page as it came.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Page {
    /// What the next pull asks with.
    pub cursor: String,
    /// Whether there is more at once.
    pub has_more: bool,
    /// New and changed rows.
    pub changes: Vec<Change>,
    /// Rows that were removed for everybody.
    pub tombstones: Vec<Gone>,
    /// Rows that this user may not see any more.
    pub revoked: Vec<Gone>,
    /// By collection; empty while something is in flight.
    #[serde(default)]
    pub checksums: BTreeMap<String, Checksum>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
enum Line {
    /// The next page is the first of a whole load.
    Anew,
    Page {
        page: Page,
    },
    /// A collection as a whole, when the file is written anew.
    Whole {
        rows: Vec<Change>,
        cursor: Option<String>,
    },
}

/// The local store.
#[derive(Debug)]
pub struct Local {
    lines: Lines,
    written: usize,
    rows: BTreeMap<(String, String), Change>,
    cursor: Option<String>,
    /// While everything is loaded anew: what has come so far. The rest of what was here goes at the end.
    seen: Option<BTreeSet<(String, String)>>,
}

impl Local {
    /// Opens the store of a folder.
    ///
    /// # Errors
    /// When the file cannot be read or written, or is damaged.
    pub fn open(folder: &Path) -> Result<Self> {
        let (lines, found) = Lines::open::<Line>(&folder.join("rows"))?;
        let seen = Some(BTreeSet::new());
        let mut local = Self { lines, written: found.len(), rows: BTreeMap::new(), cursor: None, seen };
        found.into_iter().for_each(|line| local.take(line));
        Ok(local)
    }

    fn take(&mut self, line: Line) {
        match line {
            Line::Anew => {
                self.cursor = None;
                self.seen = Some(BTreeSet::new());
            }
            Line::Page { page } => {
                for gone in page.revoked.into_iter().chain(page.tombstones) {
                    self.rows.remove(&(gone.c, gone.id));
                }
                for change in page.changes {
                    let key = (change.c.clone(), change.id.clone());
                    if let Some(seen) = &mut self.seen {
                        seen.insert(key.clone());
                    }
                    self.rows.insert(key, change);
                }
                self.cursor = Some(page.cursor);
                if !page.has_more
                    && let Some(seen) = self.seen.take()
                {
                    self.rows.retain(|key, _| seen.contains(key));
                }
            }
            Line::Whole { rows, cursor } => {
                self.rows = rows.into_iter().map(|row| ((row.c.clone(), row.id.clone()), row)).collect();
                self.cursor = cursor;
                self.seen = None;
            }
        }
    }

    /// What the next pull asks with; none for everything.
    #[must_use]
    pub fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// Loads everything anew with the next pull; what is here stays readable until it is complete.
    ///
    /// # Errors
    /// When the phone cannot store it.
    pub fn begin_anew(&mut self) -> Result<()> {
        self.lines.append(&[Line::Anew])?;
        self.take(Line::Anew);
        Ok(())
    }

    /// Stores a page; it is durable with its cursor when this returns.
    ///
    /// # Errors
    /// When the phone cannot store it: the same cursor is asked again.
    pub fn apply(&mut self, page: Page) -> Result<()> {
        let line = Line::Page { page };
        self.lines.append(std::slice::from_ref(&line))?;
        self.take(line);
        self.written += 1;
        if self.written > 200 && self.seen.is_none() {
            let rows = self.rows.values().cloned().collect();
            self.lines.rewrite(&[Line::Whole { rows, cursor: self.cursor.clone() }])?;
            self.written = 1;
        }
        Ok(())
    }

    /// All rows of a collection, by id.
    pub fn rows(&self, collection: &str) -> impl Iterator<Item = &Change> {
        self.rows.values().filter(move |row| row.c == collection)
    }

    /// One row.
    #[must_use]
    pub fn row(&self, collection: &str, id: &str) -> Option<&Change> {
        self.rows.get(&(collection.to_owned(), id.to_owned()))
    }

    /// The answer to an item of an inspection. Its version is the `base_version` of an operation that changes it.
    #[must_use]
    pub fn answer(&self, inspection_id: &str, item_code: &str) -> Option<&Change> {
        let text = |change: &Change, name: &str| change.row.get(name).and_then(Value::as_str).map(str::to_owned);
        self.rows("answers").find(|change| {
            text(change, "inspection_id").as_deref() == Some(inspection_id)
                && text(change, "item_code").as_deref() == Some(item_code)
        })
    }

    /// The collections with their checksums, to be held against the server's.
    #[must_use]
    pub fn checksums(&self) -> BTreeMap<String, Checksum> {
        let mut sums: BTreeMap<String, (usize, u64)> = BTreeMap::new();
        for row in self.rows.values() {
            let digest = Sha256::digest(format!("{}:{}:{}", row.c, row.id, row.v));
            let first = digest.iter().take(8).fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
            let sum = sums.entry(row.c.clone()).or_default();
            *sum = (sum.0 + 1, sum.1 ^ first);
        }
        sums.into_iter().map(|(c, (n, x))| (c, Checksum { n, x: format!("{x:016x}") })).collect()
    }

    /// Whether the server's checksums are those of what is here. None given means nothing to compare.
    #[must_use]
    pub fn agrees(&self, theirs: &BTreeMap<String, Checksum>) -> bool {
        let mine = self.checksums();
        let empty = Checksum { n: 0, x: "0000000000000000".to_owned() };
        theirs.iter().all(|(c, sum)| mine.get(c).unwrap_or(&empty) == sum)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page(cursor: &str, has_more: bool, changes: &[(&str, i64)], gone: &[&str]) -> Page {
        let c = || "hazards".to_owned();
        Page {
            cursor: cursor.into(),
            has_more,
            changes: changes.iter().map(|(id, v)| Change { c: c(), id: (*id).into(), v: *v, row: json!(v) }).collect(),
            tombstones: vec![],
            revoked: gone.iter().map(|id| Gone { c: c(), id: (*id).into() }).collect(),
            checksums: BTreeMap::new(),
        }
    }

    fn ids(local: &Local) -> Vec<(&str, i64)> {
        local.rows("hazards").map(|row| (row.id.as_str(), row.v)).collect()
    }

    #[test]
    fn pages_are_kept_with_their_cursor_and_what_is_revoked_goes() {
        let folder = tempfile::TempDir::new().unwrap();
        let mut local = Local::open(folder.path()).unwrap();
        local.apply(page("1", true, &[("a", 1), ("b", 1)], &[])).unwrap();
        local.apply(page("2", false, &[("b", 2), ("c", 1)], &["a"])).unwrap();
        for _ in 0..250 {
            local.apply(page("3", false, &[("c", 3)], &[])).unwrap();
        }
        drop(local);
        let local = Local::open(folder.path()).unwrap();
        assert_eq!(ids(&local), [("b", 2), ("c", 3)]);
        assert_eq!(local.cursor(), Some("3"));
    }

    #[test]
    fn loading_anew_replaces_everything_only_when_it_is_complete() {
        let folder = tempfile::TempDir::new().unwrap();
        let mut local = Local::open(folder.path()).unwrap();
        local.apply(page("1", false, &[("a", 1), ("b", 1)], &[])).unwrap();
        local.begin_anew().unwrap();
        assert_eq!(local.cursor(), None);
        local.apply(page("2", true, &[("b", 5)], &[])).unwrap();
        assert_eq!(ids(&local), [("a", 1), ("b", 5)]);
        let mut local = Local::open(folder.path()).unwrap();
        local.apply(page("3", false, &[("c", 1)], &[])).unwrap();
        assert_eq!(ids(&local), [("b", 5), ("c", 1)]);
    }

    #[test]
    fn checksums_tell_a_missing_a_stale_and_a_surplus_row() {
        let folder = tempfile::TempDir::new().unwrap();
        let mut local = Local::open(folder.path()).unwrap();
        local.apply(page("1", false, &[("a", 1), ("b", 1)], &[])).unwrap();
        let whole = local.checksums();
        assert!(local.agrees(&whole));
        assert!(local.agrees(&BTreeMap::new()));
        for other in
            [page("2", false, &[], &["a"]), page("2", false, &[("b", 2)], &[]), page("2", false, &[("c", 1)], &[])]
        {
            let folder = tempfile::TempDir::new().unwrap();
            let mut local = Local::open(folder.path()).unwrap();
            local.apply(page("1", false, &[("a", 1), ("b", 1)], &[])).unwrap();
            local.apply(other).unwrap();
            assert!(!local.agrees(&whole));
        }
    }
}
