//! `anxiao backup`.

use std::path::PathBuf;

use diesel::RunQueryDsl;
use diesel::sql_types::Text;

use super::say;
use crate::config::Config;
use crate::evidence::media;
use crate::platform::db::{Conn, DatabaseUrl, migrations, word};

/// Flags of `backup`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file to make; it must not exist
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

/// Copies a database that may be in use. A plain copy of the file would miss what is in its write-ahead log.
#[expect(clippy::disallowed_methods, reason = "VACUUM INTO is SQLite's own")]
pub fn run(config: &Config, args: &Args) -> Result<(), String> {
    let DatabaseUrl::Sqlite(path) = &config.database else {
        return Err(format!(
            "backup copies SQLite only; for PostgreSQL run: pg_dump --format=custom --file={} DATABASE",
            args.to.display()
        ));
    };
    if !std::path::Path::new(path).exists() {
        return Err(format!("there is no database {path}"));
    }
    if args.to.exists() {
        return Err(format!("{} exists already", args.to.display()));
    }
    let mut conn = migrations::open(&config.database)?;
    let to = args.to.to_string_lossy().into_owned();
    diesel::sql_query("VACUUM INTO $1")
        .bind::<Text, _>(&to)
        .execute(&mut conn)
        .map_err(|error| format!("the copy {to} cannot be written: {error}"))?;
    let synced = std::fs::File::open(&args.to).and_then(|file| file.sync_all());
    synced.map_err(|error| format!("the copy {to} cannot be written: {error}"))?;
    let mut copy: Conn = migrations::open(&DatabaseUrl::Sqlite(to.clone()))?;
    let verdict = word(&mut copy, "SELECT integrity_check AS word FROM pragma_integrity_check")
        .map_err(|error| format!("the copy {to} cannot be read: {error}"))?;
    if verdict != "ok" {
        return Err(format!("the copy {to} is damaged: {verdict}"));
    }
    let list = format!("{to}.evidence");
    let mut write = || -> Result<u64, String> {
        let file = std::fs::File::create_new(&list).map_err(|error| error.to_string())?;
        let mut out = std::io::BufWriter::new(file);
        let lines = media::manifest(&mut copy, &mut out)?;
        let file = out.into_inner().map_err(|error| error.to_string())?;
        file.sync_all().map_err(|error| error.to_string())?;
        Ok(lines)
    };
    let files = write().map_err(|error| format!("the list {list} cannot be written: {error}"))?;
    say(&format!("{path} is copied to {to} and checked; keep the signing key file beside it"));
    say(&format!("{files} photos and files belong to it: copy {} now; {list} names them", config.files.place.print()));
    Ok(())
}
