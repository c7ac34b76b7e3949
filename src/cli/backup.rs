//! `anxiao backup`.

use std::path::{Path, PathBuf};

use diesel::RunQueryDsl;
use diesel::sql_types::Text;

use super::one_file::{self, Partial};
use super::say;
use crate::config::Config;
use crate::evidence::media;
use crate::platform::db::{Conn, DatabaseUrl, migrations};

/// Flags of `backup`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file to make; it must not exist
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

/// Copies a database that may be in use. A plain copy of the file would miss what is in its write-ahead log. Under its
/// name there is a whole, checked copy or nothing.
pub fn run(config: &Config, args: &Args) -> Result<(), String> {
    let shown = args.to.display();
    let DatabaseUrl::Sqlite(path) = &config.database else {
        return Err(format!(
            "backup copies SQLite only; for PostgreSQL run: pg_dump --format=custom --file={shown} DATABASE"
        ));
    };
    if !Path::new(path).exists() {
        return Err(format!("there is no database {path}"));
    }
    if args.to.exists() {
        return Err(format!("{shown} exists already"));
    }
    if args.to.parent().is_some_and(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        return Err(format!("the folder of {shown} does not exist"));
    }
    let list = format!("{shown}.evidence");
    if Path::new(&list).exists() {
        return Err(format!("{list} exists already"));
    }
    let partial = Partial::of(&args.to);
    copy(config, partial.path()).map_err(|reason| format!("the copy {shown} cannot be made: {reason}"))?;
    let mut made = migrations::open(&DatabaseUrl::Sqlite(partial.path().to_string_lossy().into_owned()))?;
    one_file::check(&mut made).map_err(|reason| format!("the database {path} is damaged: {reason}"))?;
    let files = evidence(&mut made, Path::new(&list)).map_err(|reason| {
        drop(std::fs::remove_file(&list));
        format!("the list {list} cannot be written: {reason}")
    })?;
    let folded = one_file::fold(&mut made);
    drop(made);
    match folded {
        Ok(true) => {}
        Ok(false) => return Err(format!("the copy {shown} cannot be made: somebody else has opened it")),
        Err(reason) => return Err(format!("the copy {shown} cannot be made: {reason}")),
    }
    partial.finish(&args.to).map_err(|error| format!("the copy {shown} cannot be made: {error}"))?;
    say(&format!("{path} is copied to {shown} and checked"));
    say(&format!(
        "copy now, after it, what belongs to it: {files} photos and files in {}, which {list} names, {} and {}",
        config.files.place.print(),
        config.signing_key_file.display(),
        config.contact_key_file.display()
    ));
    Ok(())
}

/// Writes which photos and files belong to the copy; gives how many.
fn evidence(made: &mut Conn, list: &Path) -> Result<u64, String> {
    let file = std::fs::File::create_new(list).map_err(|error| error.to_string())?;
    let mut out = std::io::BufWriter::new(file);
    let lines = media::manifest(made, &mut out)?;
    let file = out.into_inner().map_err(|error| error.to_string())?;
    file.sync_all().map_err(|error| error.to_string())?;
    Ok(lines)
}

#[expect(clippy::disallowed_methods, reason = "VACUUM INTO is SQLite's own")]
fn copy(config: &Config, to: &Path) -> Result<(), String> {
    let mut conn = migrations::open(&config.database)?;
    let to = to.to_string_lossy().into_owned();
    let copied = diesel::sql_query("VACUUM INTO $1").bind::<Text, _>(&to).execute(&mut conn);
    copied.map(drop).map_err(|error| error.to_string())
}
