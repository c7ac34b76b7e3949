//! Reading what `tests/power/record.c` wrote down.

use std::ops::Range;
use std::path::PathBuf;

/// One change or one sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// A file was opened; `created` when it was not there before, `emptied` when what it held was dropped.
    Opened { inode: u64, path: Option<PathBuf>, created: bool, emptied: bool },
    /// Bytes of the log at `data` were written to a file.
    Written { inode: u64, offset: u64, data: Range<usize> },
    /// A file was cut or lengthened.
    Truncated { inode: u64, length: u64 },
    /// `fsync` or `fdatasync` returned.
    Synced { inode: u64 },
    /// A name moved.
    Renamed { from: PathBuf, to: PathBuf },
    /// A name or an empty folder went.
    Unlinked { path: PathBuf },
    /// A folder came.
    MadeFolder { path: PathBuf },
    /// `fsync` of a folder returned: its names are durable.
    FolderSynced { path: PathBuf },
    /// A second name.
    Linked { from: PathBuf, to: PathBuf },
    /// A file is written through memory, unseen.
    Mapped { inode: u64 },
    /// Something came from outside the folder or left it, unseen.
    Lost { path: PathBuf },
}

/// A deed, and where in the log its record ends.
#[derive(Debug, Clone)]
pub struct Record {
    /// Bytes of the log up to and with this record.
    pub end: u64,
    /// What was done.
    pub deed: Deed,
}

/// Every record of a log, in order.
pub fn read(log: &[u8]) -> Vec<Record> {
    let mut records = Vec::new();
    let mut at = 0;
    while at < log.len() {
        let number = |index: usize| u64::from_le_bytes(log[at + index * 8..at + index * 8 + 8].try_into().unwrap());
        let (inode, a, b) = (number(1), number(2), number(3));
        let data = at + 40..at + 40 + usize::try_from(number(4)).unwrap();
        let text = || String::from_utf8(log[data.clone()].to_vec()).unwrap();
        let path = || PathBuf::from(text());
        let two = || {
            let both = text();
            let (from, to) = both.split_once('\0').unwrap();
            (PathBuf::from(from), PathBuf::from(to))
        };
        let deed = match number(0) {
            1 => Deed::Opened { inode, path: (!data.is_empty()).then(path), created: a == 1, emptied: b == 1 },
            2 => Deed::Written { inode, offset: a, data: data.clone() },
            3 => Deed::Truncated { inode, length: a },
            4 => Deed::Synced { inode },
            5 => Deed::Renamed { from: two().0, to: two().1 },
            6 => Deed::Unlinked { path: path() },
            7 => Deed::MadeFolder { path: path() },
            8 => Deed::FolderSynced { path: path() },
            9 => Deed::Linked { from: two().0, to: two().1 },
            10 => Deed::Mapped { inode },
            11 => Deed::Lost { path: path() },
            other => panic!("record {other} at {at}"),
        };
        at = data.end;
        records.push(Record { end: u64::try_from(at).unwrap(), deed });
    }
    records
}
