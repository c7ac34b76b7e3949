//! What operators do wrong: one sentence, a code that is not 0, and nothing changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anxiao::platform::db::{Conn, DatabaseUrl, Purpose, word};

use super::{ran, well};
use crate::power::recording::library;
use crate::support::Engine;
use crate::support::program::{Program, SERVE, command};

/// Every file with its content, but for lock files and for SQLite's own memory.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let passing = |path: &PathBuf| ["lock", "in-use", "db-shm"].iter().any(|end| path.to_string_lossy().ends_with(end));
    files.filter(|path| !passing(path)).map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

fn refused(mut command: std::process::Command, saying: &str) {
    let shown = format!("{command:?}");
    command.stdin(std::process::Stdio::null());
    let ended = ran(command);
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{shown}: {said}");
    assert!(said.contains(saying) && said.lines().count() == 1, "{shown}: {said}");
}

fn epochs(url: &DatabaseUrl) -> String {
    let mut conn = Conn::open(url, Purpose::Read).unwrap();
    word(&mut conn, "SELECT CAST(count(*) AS text) AS word FROM journal_epochs").unwrap()
}

#[test]
fn mistakes_with_a_file_change_nothing() {
    let (url, folder) = Engine::Sqlite.database();
    let here = folder.path();
    let beside = tempfile::tempdir().unwrap();
    let at = |name: &str| beside.path().join(name).display().to_string();
    well(command(here, &url, &["backup", "--to", &at("good")]));
    let restore = |from: &str| command(here, &url, &["restore", "--from", from]);

    // A plain copy of a database in use, as it lies there. Nothing happens by the clock meanwhile.
    let quiet = [SERVE, &["--warn-every-minutes", "0"]].concat();
    let mut server = Program::of(command(here, &url, &quiet));
    std::fs::copy(here.join("anxiao.db"), at("plain")).unwrap();
    let before = content(here);
    refused(restore(&at("good")), "is in use: stop the server first; nothing was changed");
    assert!(content(here) == before);
    let answers = std::net::TcpStream::connect(server.base.strip_prefix("http://").unwrap());
    assert!(answers.is_ok(), "the server goes on");
    server.terminate();
    assert!(server.ended().success());

    std::fs::write(at("letter"), "尊敬的老师：".repeat(2000)).unwrap();
    std::fs::write(at("empty"), "").unwrap();
    let good = std::fs::read(at("good")).unwrap();
    std::fs::write(at("half"), &good[..good.len() / 2]).unwrap();
    let mut torn = good.clone();
    let middle = torn.len() / 2;
    torn[middle..middle + 8192].fill(0x55);
    std::fs::write(at("torn"), torn).unwrap();
    anothers(&at("other"));
    std::fs::create_dir(at("folder")).unwrap();
    let before = content(here);
    let cases = [
        ("none", "there is no backup"),
        ("letter", "is no SQLite database"),
        ("empty", "is no SQLite database"),
        ("plain", "is a plain copy of a database in use"),
        ("half", "nothing was changed"),
        ("torn", "nothing was changed"),
        ("other", "no database of anxiao"),
        ("folder", "cannot be read"),
    ];
    for (name, saying) in cases {
        refused(restore(&at(name)), saying);
        assert!(content(here) == before, "{name}");
    }
    refused(restore(&here.join("anxiao.db").display().to_string()), "is the database itself");
    refused(command(here, &url, &["restore"]), "say which backup");
    refused(command(here, &url, &["backup", "--to", &at("good")]), "exists already");
    refused(command(here, &url, &["backup", "--to", &at("nowhere/copy")]), "does not exist");
    assert!(std::fs::read(at("good")).unwrap() == good, "the backup itself was changed");
    assert!(content(here) == before);

    // Somebody else than a server.
    let mut other = Conn::open(&url, Purpose::Write).unwrap();
    word(&mut other, "SELECT CAST(count(*) AS text) AS word FROM users").unwrap();
    refused(restore(&at("good")), "is in use");
    drop(other);
    assert!(content(here) == before);

    // A disk that is full in the middle of it.
    let full = |mut command: std::process::Command, room: usize, watched: &Path| {
        command.env("LD_PRELOAD", library()).env("POWER_ROOT", watched.canonicalize().unwrap());
        command.env("POWER_LOG", beside.path().join("log")).env("POWER_ROOM", room.to_string());
        command
    };
    for room in [0, good.len() / 2, good.len() + 4096] {
        refused(full(restore(&at("good")), room, here), "nothing was changed");
        assert!(content(here) == before, "with room for {room} bytes");
    }
    let shelf = tempfile::tempdir().unwrap();
    let copy = shelf.path().join("copy").display().to_string();
    refused(full(command(here, &url, &["backup", "--to", &copy]), good.len() / 2, shelf.path()), "cannot be made");
    assert_eq!(std::fs::read_dir(shelf.path()).unwrap().count(), 0, "half a backup was left");

    // With room enough it works, over a damaged database too, and what was there is kept.
    assert_eq!(epochs(&url), "1");
    well(restore(&at("good")));
    assert_eq!(epochs(&url), "2");
    std::fs::write(here.join("anxiao.db"), b"what a broken disk left").unwrap();
    well(restore(&at("good")));
    assert_eq!(epochs(&url), "2");
    let kept = super::kept_aside(here);
    assert!(kept.iter().any(|path| std::fs::read(path).unwrap() == b"what a broken disk left"), "{kept:?}");
    let mut server = Program::start(here, &url);
    server.terminate();
    assert!(server.ended().success());
}

/// Makes a sound database that was never anxiao's.
fn anothers(path: &str) {
    use diesel::connection::SimpleConnection;
    let mut conn = <diesel::SqliteConnection as diesel::Connection>::establish(path).unwrap();
    conn.batch_execute("CREATE TABLE dishes (name TEXT); INSERT INTO dishes VALUES ('宫保鸡丁')").unwrap();
}

#[test]
fn mistakes_with_postgres_change_nothing() {
    let (url, folder) = Engine::Postgres.database();
    let here = folder.path();
    let mut server = Program::start(here, &url);
    assert_eq!(epochs(&url), "1");
    refused(command(here, &url, &["restore"]), "stop every server first");
    assert_eq!(epochs(&url), "1");
    server.terminate();
    assert!(server.ended().success());
    refused(command(here, &url, &["restore", "--from", "dump"]), "pg_restore --clean --if-exists");
    refused(command(here, &url, &["backup", "--to", "dump"]), "pg_dump --format=custom");
    let (empty, _folder) = Engine::Postgres.empty_database();
    refused(command(here, &empty, &["restore"]), "run pg_restore first");
    refused(command(here, &empty, &["restore"]), "run pg_restore first");
    well(command(here, &url, &["restore"]));
    assert_eq!(epochs(&url), "2");
}
