//! `anxiao restore`.

use std::path::{Path, PathBuf};

use super::say;
use crate::config::Config;
use crate::platform::clock::{Clock, SystemClock};
use crate::platform::db::{Conn, DatabaseUrl, migrations, word};
use crate::platform::ids::{Ids, SystemIds};
use crate::platform::journal::epoch;

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
    super::prepare_folder(config)?;
    match (&config.database, &args.from) {
        (DatabaseUrl::Sqlite(path), Some(from)) => put(Path::new(path), from)?,
        (DatabaseUrl::Sqlite(_), None) => return Err("say which backup: --from FILE".into()),
        (DatabaseUrl::Postgres(_), Some(from)) => {
            return Err(format!(
                "for PostgreSQL run: pg_restore --clean --if-exists --dbname=DATABASE {}; then anxiao restore without --from",
                from.display()
            ));
        }
        (DatabaseUrl::Postgres(_), None) => {}
    }
    migrations::run(&config.database)?;
    let mut conn = migrations::open(&config.database)?;
    let id = SystemIds.next(SystemClock.now());
    let begun = epoch::begin(&mut conn, id, SystemClock.now(), "restored").map_err(|problem| problem.to_string())?;
    say(&format!("epoch {} begins: phones hand in again what this backup does not hold", begun.number));
    Ok(())
}

fn put(database: &Path, from: &Path) -> Result<(), String> {
    let shown = from.display();
    if !from.exists() {
        return Err(format!("there is no backup {shown}"));
    }
    let mut copy: Conn = migrations::open(&DatabaseUrl::Sqlite(from.to_string_lossy().into_owned()))?;
    let verdict = word(&mut copy, "SELECT integrity_check AS word FROM pragma_integrity_check")
        .map_err(|error| format!("{shown} cannot be read: {error}"))?;
    if verdict != "ok" {
        return Err(format!("{shown} is damaged: {verdict}"));
    }
    drop(copy);
    let name = database.to_string_lossy().into_owned();
    if database.exists() {
        // What is in the write-ahead log belongs to the database that is put aside.
        let mut old = migrations::open(&DatabaseUrl::Sqlite(name.clone()))?;
        let busy = word(&mut old, "SELECT CAST(busy AS TEXT) AS word FROM pragma_wal_checkpoint('TRUNCATE')")
            .map_err(|error| format!("{name} cannot be put aside: {error}"))?;
        if busy != "0" {
            return Err(format!("{name} is in use: stop the server first"));
        }
        drop(old);
        let aside = format!("{name}.before-{}", SystemClock.now().utc().format("%Y%m%dT%H%M%S"));
        let moved = std::fs::rename(database, &aside);
        moved.map_err(|error| format!("{name} cannot be put aside as {aside}: {error}"))?;
        say(&format!("what was there is kept as {aside}"));
    }
    for end in ["-wal", "-shm"] {
        let rest = format!("{name}{end}");
        if Path::new(&rest).exists() {
            std::fs::remove_file(&rest).map_err(|error| format!("{rest} cannot be removed: {error}"))?;
        }
    }
    let say_no = |error: std::io::Error| format!("{name} cannot be written: {error}");
    let partial = format!("{name}.restoring");
    std::fs::copy(from, &partial).map_err(say_no)?;
    std::fs::File::open(&partial).and_then(|file| file.sync_all()).map_err(say_no)?;
    std::fs::rename(&partial, database).map_err(say_no)?;
    if let Some(folder) = database.parent().filter(|folder| folder.is_dir()) {
        std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(say_no)?;
    }
    say(&format!("{shown} is restored as {name}"));
    Ok(())
}
