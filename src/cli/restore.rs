//! `anxiao restore`.
//!
//! Everything that can fail is done beside the database first, in a file of its own: the copy, the check, migrations, the
//! new epoch. Only then, and in one step, does it take the database's name; until then nothing is changed.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::one_file::{self, Head, Partial, beside};
use super::say;
use crate::config::Config;
use crate::platform::clock::{Clock, SystemClock};
use crate::platform::db::{Conn, DatabaseUrl, in_use, migrations, word};
use crate::platform::ids::{Ids, SystemIds};
use crate::platform::journal::epoch::{self, Epoch};

/// Flags of `restore`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// SQLite: the file that `anxiao backup` made. PostgreSQL: leave it out, run pg_restore first
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

/// Puts a backup in the place of the database, which must not be in use, and begins a new epoch: phones then offer again
/// what the backup does not hold. What was there before is kept beside it.
pub fn run(config: &Config, args: &Args) -> Result<(), String> {
    let begun = match (&config.database, &args.from) {
        (DatabaseUrl::Sqlite(path), Some(from)) => from_file(config, path, from)?,
        (DatabaseUrl::Sqlite(_), None) => return Err("say which backup: --from FILE".into()),
        (DatabaseUrl::Postgres(_), Some(from)) => {
            return Err(format!(
                "for PostgreSQL run: pg_restore --clean --if-exists --dbname=DATABASE {}; then anxiao restore without --from",
                from.display()
            ));
        }
        (DatabaseUrl::Postgres(_), None) => as_it_is(&config.database)?,
    };
    say(&format!("epoch {} begins: phones hand in again what this backup does not hold", begun.number));
    Ok(())
}

fn begin(url: &DatabaseUrl) -> Result<Epoch, String> {
    migrations::run(url)?;
    let mut conn = migrations::open(url)?;
    let id = SystemIds.next(SystemClock.now());
    epoch::begin(&mut conn, id, SystemClock.now(), "restored").map_err(|problem| problem.to_string())
}

/// PostgreSQL: `pg_restore` has put the backup there.
fn as_it_is(url: &DatabaseUrl) -> Result<Epoch, String> {
    let mut conn = migrations::open(url)?;
    let others = others(&mut conn).map_err(|error| format!("{url} does not answer: {error}"))?;
    if others != "0" {
        return Err(format!(
            "{url} is in use by {others} other connections: stop every server first (an open psql counts too); nothing \
             was changed"
        ));
    }
    if !one_file::is_ours(&mut conn) {
        return Err(format!("{url} holds nothing of anxiao: run pg_restore first; nothing was changed"));
    }
    drop(conn);
    begin(url)
}

/// How many others are connected, after a moment in which those of a server that has just ended go away.
fn others(conn: &mut Conn) -> Result<String, diesel::result::Error> {
    const OTHERS: &str = "SELECT CAST(count(*) AS text) AS word FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'";
    if word(conn, OTHERS)? != "0" {
        word(conn, "SELECT CAST(pg_sleep(1) AS text) AS word")?;
    }
    word(conn, OTHERS)
}

fn from_file(config: &Config, path: &str, from: &Path) -> Result<Epoch, String> {
    let database = Path::new(path);
    is_a_backup(database, from)?;
    super::prepare_folder(config)?;
    let _alone = in_use::alone(path)?;
    let partial = Partial::of(database);
    let no = |error: String| format!("{} cannot be restored: {error}; nothing was changed", from.display());
    copy(from, partial.path()).map_err(|error| no(error.to_string()))?;
    let url = DatabaseUrl::Sqlite(partial.path().to_string_lossy().into_owned());
    let mut copied = migrations::open(&url).map_err(no)?;
    one_file::check(&mut copied).map_err(|reason| no(format!("it is damaged: {reason}")))?;
    if !one_file::is_ours(&mut copied) {
        return Err(no("it is no database of anxiao".into()));
    }
    drop(copied);
    let begun = begin(&url).map_err(no)?;
    let folded = migrations::open(&url).and_then(|mut conn| one_file::fold(&mut conn)).map_err(no)?;
    if !folded {
        return Err(no("somebody else has opened its copy".into()));
    }
    let aside = if database.exists() { Some(set_aside(database)?) } else { None };
    partial.finish(database).map_err(|error| match &aside {
        Some(aside) => format!("{path} cannot be written: {error}; what was there is {}", aside.display()),
        None => no(error.to_string()),
    })?;
    if let Some(aside) = aside {
        say(&format!("what was there is kept as {}", aside.display()));
    }
    say(&format!(
        "{} is restored as {path}; put the evidence of the same backup, or later, in {}",
        from.display(),
        config.files.place.print()
    ));
    Ok(begun)
}

/// Looks at the file alone: nothing has been touched yet.
fn is_a_backup(database: &Path, from: &Path) -> Result<(), String> {
    let shown = from.display();
    if !from.exists() {
        return Err(format!("there is no backup {shown}"));
    }
    let same = |path: &Path| std::fs::canonicalize(path).ok();
    if same(from) == same(database) {
        return Err(format!("{shown} is the database itself"));
    }
    match one_file::head(from).map_err(|error| format!("the backup {shown} cannot be read: {error}"))? {
        Head::OneFile => Ok(()),
        Head::NoDatabase => Err(format!("{shown} is no SQLite database")),
        Head::InUse => Err(format!(
            "{shown} is a plain copy of a database in use: what was committed last may be missing; \
             `anxiao backup --database-url sqlite:{shown} --to FILE` makes a backup of it with its -wal file"
        )),
    }
}

/// A new file, without the rights of the one it came from.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut copy = options.open(to)?;
    std::io::copy(&mut File::open(from)?, &mut copy)?;
    copy.sync_all()
}

/// Gives what is there a second name; it keeps the first until the restored one takes it.
fn set_aside(database: &Path) -> Result<PathBuf, String> {
    let name = database.display();
    let no = |error: String| format!("{name} cannot be put aside: {error}; nothing was changed");
    let time = SystemClock.now().utc().format("%Y%m%dT%H%M%S").to_string();
    let mut aside = beside(database, &format!(".before-{time}"));
    for number in 2.. {
        if !aside.exists() {
            break;
        }
        aside = beside(database, &format!(".before-{time}-{number}"));
    }
    // What is in the write-ahead log belongs to the database that is put aside.
    let folded = migrations::open(&DatabaseUrl::Sqlite(database.to_string_lossy().into_owned()))
        .and_then(|mut old| one_file::fold(&mut old));
    match folded {
        Ok(true) => {}
        Ok(false) => return Err(in_use::in_use(&name.to_string())),
        Err(reason) if reason.contains("locked") => return Err(in_use::in_use(&name.to_string())),
        // It is damaged, which may be why there is a restore: it is kept as it is, with its log.
        Err(_) => {
            let log = beside(database, "-wal");
            if log.exists() {
                std::fs::rename(&log, beside(&aside, "-wal")).map_err(|error| no(error.to_string()))?;
            }
            drop(std::fs::remove_file(beside(database, "-shm")));
        }
    }
    // Where a file system knows no second names there is a moment without a database.
    let named = std::fs::hard_link(database, &aside).or_else(|_| std::fs::rename(database, &aside));
    named.map_err(|error| no(error.to_string()))?;
    Ok(aside)
}
