//! A disk that promises only what POSIX promises: bytes are durable after `fsync` of their file, names after `fsync` of
//! their folder. Whatever was not synced when the power went may be there, in part or not at all, in any order.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::log::Deed;
use crate::support::dice::Dice;

/// What reaches the disk at once.
const SECTOR: u64 = 512;

/// What became of writes that nobody had synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsynced {
    /// All are gone.
    Gone,
    /// They reached the disk in order up to somewhere, the last one torn between sectors; names in order as well.
    Prefix,
    /// Each of them may be there or not, each of its sectors too; of the names some first ones.
    Some,
    /// All are there: the process was killed, the machine lived.
    There,
}

#[derive(Debug, Clone)]
enum Change {
    Write { offset: u64, data: Range<usize> },
    Length(u64),
}

#[derive(Debug, Clone, Default)]
struct File {
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    File(usize),
    Folder,
}

#[derive(Debug, Clone)]
enum Naming {
    Set(PathBuf, Entry),
    Move(PathBuf, PathBuf, Entry),
    Remove(PathBuf),
}

/// The files below one folder: as they are, and as they would be after a power cut.
pub struct Disk<'a> {
    root: PathBuf,
    log: &'a [u8],
    files: Vec<File>,
    by_inode: HashMap<u64, usize>,
    now: BTreeMap<PathBuf, Entry>,
    durable: BTreeMap<PathBuf, Entry>,
    pending: Vec<Naming>,
}

/// SQLite rebuilds it from the log whenever it is absent; it is written through memory and never synced.
pub fn forgotten(path: &Path) -> bool {
    path.to_string_lossy().ends_with("-shm")
}

impl<'a> Disk<'a> {
    /// An empty folder.
    pub fn new(root: &Path, log: &'a [u8]) -> Self {
        Self {
            root: root.to_owned(),
            log,
            files: Vec::new(),
            by_inode: HashMap::new(),
            now: BTreeMap::new(),
            durable: BTreeMap::new(),
            pending: Vec::new(),
        }
    }

    /// Goes on by one deed.
    pub fn apply(&mut self, deed: &Deed) {
        match deed {
            Deed::Opened { inode, path, created, emptied } => {
                if *created || path.is_none() {
                    self.files.push(File::default());
                    self.by_inode.insert(*inode, self.files.len() - 1);
                    if let Some(path) = path {
                        self.name(Naming::Set(path.clone(), Entry::File(self.files.len() - 1)));
                    }
                } else {
                    let path = path.as_ref().unwrap();
                    let Some(Entry::File(file)) = self.now.get(path) else { panic!("{path:?} was there unseen") };
                    self.by_inode.insert(*inode, *file);
                }
                if *emptied {
                    self.file(*inode).pending.push(Change::Length(0));
                }
            }
            Deed::Written { inode, offset, data } => {
                self.file(*inode).pending.push(Change::Write { offset: *offset, data: data.clone() });
            }
            Deed::Truncated { inode, length } => self.file(*inode).pending.push(Change::Length(*length)),
            Deed::Synced { inode } => {
                let log = self.log;
                let file = self.file(*inode);
                for change in std::mem::take(&mut file.pending) {
                    whole(&mut file.durable, &change, log);
                }
            }
            Deed::Renamed { from, to } => {
                let entry = *self.now.get(from).unwrap_or_else(|| panic!("{from:?} was there unseen"));
                assert!(entry != Entry::Folder, "folders are not renamed");
                self.name(Naming::Move(from.clone(), to.clone(), entry));
            }
            Deed::Linked { from, to } => {
                let entry = *self.now.get(from).unwrap_or_else(|| panic!("{from:?} was there unseen"));
                self.name(Naming::Set(to.clone(), entry));
            }
            Deed::Unlinked { path } => self.name(Naming::Remove(path.clone())),
            Deed::MadeFolder { path } => self.name(Naming::Set(path.clone(), Entry::Folder)),
            Deed::FolderSynced { path } => {
                let mut others: Vec<Naming> = Vec::new();
                for naming in std::mem::take(&mut self.pending) {
                    if !naming.is_in(path) {
                        others.push(naming);
                        continue;
                    }
                    // What has moved durably does not appear again under the name it had.
                    if let Naming::Move(from, _, _) = &naming {
                        others.retain(|earlier| !matches!(earlier, Naming::Set(name, _) if name == from));
                    }
                    naming.apply(&mut self.durable);
                }
                self.pending = others;
            }
            Deed::Mapped { inode } => {
                let file = self.by_inode.get(inode).copied().map(Entry::File);
                let name = self.now.iter().find(|(_, entry)| Some(**entry) == file).map(|(path, _)| path.clone());
                assert!(name.as_deref().is_some_and(forgotten), "{name:?} is written through memory");
            }
            Deed::Lost { path } => panic!("{path:?} crossed the edge of the folder"),
        }
    }

    fn file(&mut self, inode: u64) -> &mut File {
        let index = *self.by_inode.get(&inode).unwrap_or_else(|| panic!("inode {inode} was never opened"));
        &mut self.files[index]
    }

    fn name(&mut self, naming: Naming) {
        naming.clone().apply(&mut self.now);
        self.pending.push(naming);
    }

    /// What the folder holds when the power goes now.
    pub fn after_a_cut(&self, unsynced: Unsynced, dice: &mut Dice) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut names = if unsynced == Unsynced::There { self.now.clone() } else { self.durable.clone() };
        let kept = match unsynced {
            Unsynced::Gone | Unsynced::There => 0,
            Unsynced::Prefix | Unsynced::Some => dice.below(self.pending.len() + 1),
        };
        for naming in &self.pending[..kept] {
            naming.clone().apply(&mut names);
        }
        let mut content: HashMap<usize, Vec<u8>> = HashMap::new();
        let mut folder = BTreeMap::new();
        for (path, entry) in &names {
            let Entry::File(index) = entry else { continue };
            let reachable = path.ancestors().skip(1).take_while(|above| **above != self.root);
            if forgotten(path) || !reachable.into_iter().all(|above| names.get(above) == Some(&Entry::Folder)) {
                continue;
            }
            let bytes =
                content.entry(*index).or_insert_with(|| self.files[*index].after_a_cut(unsynced, dice, self.log));
            folder.insert(path.strip_prefix(&self.root).unwrap().to_owned(), bytes.clone());
        }
        folder
    }
}

impl Naming {
    fn apply(self, names: &mut BTreeMap<PathBuf, Entry>) {
        match self {
            Self::Set(path, entry) => {
                names.insert(path, entry);
            }
            Self::Move(from, to, entry) => {
                names.remove(&from);
                names.insert(to, entry);
            }
            Self::Remove(path) => {
                names.remove(&path);
            }
        }
    }

    /// Whether `fsync` of this folder makes it durable; a move is one step of the file system's journal.
    fn is_in(&self, folder: &Path) -> bool {
        match self {
            Self::Set(path, _) | Self::Remove(path) => path.parent() == Some(folder),
            Self::Move(from, to, _) => from.parent() == Some(folder) || to.parent() == Some(folder),
        }
    }
}

impl File {
    fn after_a_cut(&self, unsynced: Unsynced, dice: &mut Dice, log: &[u8]) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        match unsynced {
            Unsynced::Gone => {}
            Unsynced::There => self.pending.iter().for_each(|change| whole(&mut bytes, change, log)),
            Unsynced::Prefix => {
                let kept = dice.below(self.pending.len() + 1);
                self.pending[..kept].iter().for_each(|change| whole(&mut bytes, change, log));
                if let Some(torn) = self.pending.get(kept) {
                    let sectors = dice.below(10);
                    in_sectors(&mut bytes, torn, log, &mut |sector| sector < sectors);
                }
            }
            Unsynced::Some => {
                for change in &self.pending {
                    if dice.once_in(2) {
                        let torn = dice.once_in(3);
                        in_sectors(&mut bytes, change, log, &mut |_| !torn || dice.once_in(2));
                    }
                }
            }
        }
        bytes
    }
}

fn whole(bytes: &mut Vec<u8>, change: &Change, log: &[u8]) {
    match change {
        Change::Length(length) => bytes.resize(usize::try_from(*length).unwrap(), 0),
        Change::Write { offset, data } => put(bytes, *offset, &log[data.clone()]),
    }
}

/// The sectors of a write that `keep` says, numbered from its beginning.
fn in_sectors(bytes: &mut Vec<u8>, change: &Change, log: &[u8], keep: &mut dyn FnMut(usize) -> bool) {
    let Change::Write { offset, data } = change else {
        if keep(0) {
            whole(bytes, change, log);
        }
        return;
    };
    let mut rest = &log[data.clone()];
    let (mut at, mut number) = (*offset, 0);
    while !rest.is_empty() {
        let (sector, after) = rest.split_at(rest.len().min(usize::try_from(SECTOR - at % SECTOR).unwrap()));
        if keep(number) {
            put(bytes, at, sector);
        }
        (at, rest, number) = (at + u64::try_from(sector.len()).unwrap(), after, number + 1);
    }
}

fn put(bytes: &mut Vec<u8>, offset: u64, data: &[u8]) {
    let start = usize::try_from(offset).unwrap();
    let end = start + data.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[start..end].copy_from_slice(data);
}
