//! An SQLite database as one file: what a backup is, and what a restore begins with.
//!
//! A database in use is two files, the second holding what was committed last; whoever copies the first alone loses that.
//! A backup therefore is a file without write-ahead log, and says so in its head: this is how the two are told apart.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;

use crate::platform::db::{Conn, word};
use crate::platform::durable;

/// A file that is being made. Unless [`Partial::finish`]ed it is removed with everything SQLite puts beside it.
#[derive(Debug)]
pub struct Partial {
    path: PathBuf,
    finished: bool,
}

/// What SQLite and this program put beside a database.
const BESIDE: [&str; 4] = ["-wal", "-shm", "-journal", ".lock"];

/// The name with something behind it.
pub fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

impl Partial {
    /// `TARGET.partial`; what an interrupted attempt left there goes.
    pub fn of(target: &Path) -> Self {
        let partial = Self { path: beside(target, ".partial"), finished: false };
        partial.remove();
        partial
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn remove(&self) {
        drop(std::fs::remove_file(&self.path));
        self.remove_beside();
    }

    fn remove_beside(&self) {
        for end in BESIDE {
            drop(std::fs::remove_file(beside(&self.path, end)));
        }
    }

    /// Gives the whole, synced file its name, durably, in place of what has it.
    pub fn finish(mut self, target: &Path) -> std::io::Result<()> {
        self.remove_beside();
        File::open(&self.path)?.sync_all()?;
        std::fs::rename(&self.path, target)?;
        self.finished = true;
        durable::sync_name(target)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.finished {
            self.remove();
        }
    }
}

/// Takes what is in the write-ahead log into the file, and the log away. False while anybody else is connected.
pub fn fold(conn: &mut Conn) -> Result<bool, String> {
    match conn.batch_execute("PRAGMA journal_mode = DELETE") {
        Ok(()) => {}
        Err(error) if error.to_string().contains("locked") => return Ok(false),
        Err(error) => return Err(error.to_string()),
    }
    let mode = word(conn, "SELECT journal_mode AS word FROM pragma_journal_mode").map_err(|e| e.to_string())?;
    Ok(mode == "delete")
}

/// Reads the whole database through; fails with what is wrong with it.
pub fn check(conn: &mut Conn) -> Result<(), String> {
    let verdict =
        word(conn, "SELECT integrity_check AS word FROM pragma_integrity_check").map_err(|e| e.to_string())?;
    if verdict != "ok" {
        return Err(verdict.lines().collect::<Vec<_>>().join("; "));
    }
    let orphans = word(conn, "SELECT CAST(count(*) AS TEXT) AS word FROM pragma_foreign_key_check");
    match orphans.map_err(|e| e.to_string())?.as_str() {
        "0" => Ok(()),
        number => Err(format!("{number} rows refer to nothing")),
    }
}

/// Whether anxiao ever made its tables in it.
pub fn is_ours(conn: &mut Conn) -> bool {
    word(conn, "SELECT CAST(count(*) AS text) AS word FROM __diesel_schema_migrations").is_ok_and(|count| count != "0")
}

/// What the head of a file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// A database whole in itself.
    OneFile,
    /// A database with a write-ahead log somewhere.
    InUse,
    /// Something else, or nothing at all.
    NoDatabase,
}

/// Looks at the first bytes of a file; <https://www.sqlite.org/fileformat2.html>, 1.3.
pub fn head(path: &Path) -> std::io::Result<Head> {
    let mut head = Vec::new();
    File::open(path)?.take(100).read_to_end(&mut head)?;
    Ok(match (head.starts_with(b"SQLite format 3\0"), head.get(18..20)) {
        (true, Some([1, 1])) if head.len() == 100 => Head::OneFile,
        (true, Some([2, 2])) => Head::InUse,
        _ => Head::NoDatabase,
    })
}
