//! The power goes: the real program on SQLite works under a library that writes down each change and each sync of its
//! folder; at many moments the folder is rebuilt from what was synced by then (and, by chance, some of what was not),
//! opened, and asked for everything that had been acknowledged.
//!
//! * [`log`]: what the library wrote. [`disk`]: what POSIX promises of it after a cut. [`recording`]: the work.
//! * The record is complete, or the test fails: all of it put together must be the folder as the program left it.
//! * The control: the same executable with `synchronous` NORMAL or OFF in place of FULL must lose something in the same
//!   test. The product offers no such setting: the text of the statement is changed in a copy of the executable, which
//!   then refuses to start until its check is changed as well.
//!
//! `POWER_POINTS=1000 POWER_WORK=1500` asks for more (`make power`).

mod disk;
mod log;
pub mod recording;
mod stored;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anxiao::platform::db::DatabaseUrl;
use tempfile::TempDir;

use self::disk::{Disk, Unsynced};
use self::recording::{DATA, Fact, PHOTOS, Recording, record};
use self::stored::Stored;
use crate::support::dice::Dice;
use crate::support::program::{Program, SERVE, command_of};

const SYNCHRONOUS: &[u8] = b"PRAGMA synchronous = FULL";
const CHECK: &[u8] = b"SELECT CAST(synchronous AS TEXT) AS word FROM pragma_synchronous";

fn asked(name: &str, usual: usize) -> usize {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

#[test]
fn no_power_cut_loses_what_was_acknowledged() {
    let recording = record(Path::new(env!("CARGO_BIN_EXE_anxiao")), asked("POWER_WORK", 260));
    the_record_is_complete(&recording);
    let outcome = cut(&recording, asked("POWER_POINTS", 120), asked("POWER_SEED", 2026));
    eprintln!("FULL: {outcome}");
    assert!(outcome.checkpoints >= 2, "too little work: the write-ahead log was not once written back");
    assert_eq!(outcome.first, None, "{outcome}");
}

/// The control: were this test blind, these would pass it.
#[test]
fn a_weaker_setting_is_caught_by_the_same_test() {
    let reference = Path::new(env!("CARGO_BIN_EXE_anxiao"));
    for (name, letter) in [("NORMAL", b'1'), ("OFF", b'0')] {
        let folder = TempDir::new().unwrap();
        let program = folder.path().join("anxiao");
        let mut weak = SYNCHRONOUS.to_vec();
        weak.truncate(SYNCHRONOUS.len() - 4);
        weak.extend([letter, b' ', b' ', b' ']);
        alter(reference, &program, SYNCHRONOUS, &weak);
        refuses_to_start(&program, folder.path());
        let mut answer = b"SELECT '2' AS word".to_vec();
        answer.resize(CHECK.len(), b' ');
        let unchecked = folder.path().join("unchecked");
        alter(&program, &unchecked, CHECK, &answer);
        std::fs::remove_file(&program).unwrap();
        let recording = record(&unchecked, asked("POWER_WORK", 260) / 2);
        the_record_is_complete(&recording);
        let outcome = cut(&recording, asked("POWER_POINTS", 120) / 4, 2026);
        eprintln!("{name}: {outcome}");
        assert!(outcome.lost > 10, "synchronous={name} went unnoticed: {outcome}");
    }
}

/// A copy of an executable with one text in it replaced by another of the same length, wherever it stands.
fn alter(from: &Path, to: &Path, text: &[u8], by: &[u8]) {
    use std::os::unix::fs::FileExt;
    assert_eq!(text.len(), by.len());
    std::fs::copy(from, to).unwrap();
    let text = std::str::from_utf8(text).unwrap();
    let mut search = Command::new("grep");
    search.args(["--only-matching", "--byte-offset", "--text", "--fixed-strings", text]).env("LC_ALL", "C");
    let found = String::from_utf8_lossy(&search.arg(from).output().unwrap().stdout).into_owned();
    let file = std::fs::OpenOptions::new().write(true).open(to).unwrap();
    assert!(!found.is_empty(), "the executable does not hold {text}");
    for line in found.lines() {
        file.write_all_at(by, line.split_once(':').unwrap().0.parse().unwrap()).unwrap();
    }
}

fn refuses_to_start(program: &Path, folder: &Path) {
    let data = folder.join("refused");
    std::fs::create_dir(&data).unwrap();
    let url = DatabaseUrl::Sqlite(data.join("anxiao.db").display().to_string());
    let ended = command_of(program, &data, &url, &["migrate"]).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(!ended.status.success() && said.contains("synchronous is not FULL"), "{said}");
}

/// Everything the library wrote down, put together, is the folder as it is.
fn the_record_is_complete(recording: &Recording) {
    let mut disk = Disk::new(&recording.root, &recording.log);
    for record in log::read(&recording.log) {
        disk.apply(&record.deed);
    }
    let known = disk.after_a_cut(Unsynced::There, &mut Dice::new(0));
    let mut found = BTreeMap::new();
    walk(&recording.root, &mut |path| {
        if disk::forgotten(path) {
            return;
        }
        found.insert(path.strip_prefix(&recording.root).unwrap().to_owned(), std::fs::read(path).unwrap());
    });
    let names = |folder: &BTreeMap<PathBuf, Vec<u8>>| folder.keys().cloned().collect::<BTreeSet<_>>();
    let unlike: Vec<_> = names(&known).symmetric_difference(&names(&found)).cloned().collect();
    assert!(unlike.is_empty(), "made or removed unseen: {unlike:?}");
    for (path, bytes) in &found {
        assert!(known.get(path) == Some(bytes), "{} was written unseen", path.display());
    }
}

fn walk(folder: &Path, each: &mut dyn FnMut(&Path)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, each) } else { each(&path) }
    }
}

/// What many cuts did.
#[derive(Debug, Default)]
struct Outcome {
    points: usize,
    told: usize,
    deeds: usize,
    checkpoints: usize,
    /// Cuts after which something acknowledged was missing, or the database damaged.
    bad: usize,
    /// Acknowledged things missing, over all cuts.
    lost: usize,
    first: Option<String>,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} cuts among {} writes and syncs ({} checkpoints), {} things acknowledged: {} cuts with losses, {} lost",
            self.points, self.deeds, self.checkpoints, self.told, self.bad, self.lost
        )?;
        if let Some(first) = &self.first { write!(f, "; first: {first}") } else { Ok(()) }
    }
}

/// Cuts the power at `points` moments: half of them right after an acknowledgement, half anywhere.
fn cut(recording: &Recording, points: usize, seed: usize) -> Outcome {
    let records = log::read(&recording.log);
    let ends: Vec<u64> = records.iter().map(|record| record.end).collect();
    let mut dice = Dice::new(u64::try_from(seed).unwrap());
    let first = ends.partition_point(|end| *end < recording.told[0].0);
    let mut moments: Vec<usize> = Vec::new();
    for number in 0..points {
        let (at, _) = recording.told[number * recording.told.len() / points];
        let anywhere = first + dice.below(ends.len() - first);
        moments.push(if number % 2 == 0 { ends.partition_point(|end| *end < at) } else { anywhere });
    }
    moments.sort_unstable();
    let mut outcome = Outcome { told: recording.told.len(), deeds: records.len(), ..Outcome::default() };
    let mut disk = Disk::new(&recording.root, &recording.log);
    let mut done = 0;
    for (number, moment) in moments.into_iter().enumerate() {
        while done <= moment {
            disk.apply(&records[done].deed);
            done += 1;
        }
        let unsynced = [Unsynced::Gone, Unsynced::Prefix, Unsynced::Some, Unsynced::There][number % 4];
        let folder = disk.after_a_cut(unsynced, &mut dice);
        let told: Vec<&Fact> =
            recording.told.iter().filter(|(at, _)| *at <= ends[moment]).map(|(_, fact)| fact).collect();
        let missing = missing_after(&folder, &told, number);
        outcome.points += 1;
        if !missing.is_empty() {
            outcome.bad += 1;
            outcome.lost += missing.len();
            let words = format!("after record {moment}, unsynced writes {unsynced:?}, seed {seed}: {}", missing[0]);
            outcome.first.get_or_insert(words);
        }
    }
    outcome.checkpoints = checkpoints(&records);
    outcome
}

/// How often a sync of one file follows writes to it after a sync of another: the log was written back and started anew.
fn checkpoints(records: &[log::Record]) -> usize {
    let starts = records
        .iter()
        .filter(|record| matches!(&record.deed, log::Deed::Written { offset: 0, data, .. } if data.len() == 32));
    starts.count().saturating_sub(1)
}

/// Opens the folder as the program does after a restart and names what was acknowledged and is not there. Every tenth
/// is looked at by the program's own doctor, and on every fortieth it starts and stops.
fn missing_after(content: &BTreeMap<PathBuf, Vec<u8>>, told: &[&Fact], number: usize) -> Vec<String> {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap();
    for (path, bytes) in content {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        if path.extension().is_some_and(|end| end == "json") {
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        }
    }
    let database = folder.path().join(DATA).join("anxiao.db");
    if !database.exists() {
        return vec!["the database".to_owned()];
    }
    let url = DatabaseUrl::Sqlite(database.display().to_string());
    let mut missing = match Stored::read(&url) {
        Err(damage) => return vec![damage],
        Ok(stored) => stored.missing(told, folder.path()),
    };
    if missing.is_empty() && number % 10 == 0 {
        missing.extend(refused_by_the_program(folder.path(), &url, number % 40 == 0));
    }
    missing
}

fn refused_by_the_program(folder: &Path, url: &DatabaseUrl, start: bool) -> Option<String> {
    let of_it = |arguments: &[&str]| {
        let mut command = command_of(Path::new(env!("CARGO_BIN_EXE_anxiao")), &folder.join(DATA), url, arguments);
        command.arg("--evidence-store").arg(folder.join(PHOTOS));
        command
    };
    let doctor = of_it(&["doctor"]).stderr(Stdio::null()).output().unwrap();
    if !doctor.status.success() {
        return Some(format!("the doctor is not content: {}", String::from_utf8_lossy(&doctor.stdout)));
    }
    if start {
        let mut server = Program::of(of_it(SERVE));
        server.terminate();
        assert!(server.ended().success());
    }
    None
}
