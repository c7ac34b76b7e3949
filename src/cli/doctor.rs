//! `anxiao doctor`.

use std::process::ExitCode;

use super::say;
use crate::accounts::tokens::Tokens;
use crate::config::Config;
use crate::platform::db::{Conn, DatabaseUrl, migrations, word};
use crate::platform::files::Files;
use crate::platform::files::settings::Where;
use crate::platform::ids::SystemIds;
use crate::reports::{self, Compartment};

/// Says of each thing whether it is well; fails when one is not. Changes nothing.
pub fn run(config: &Config) -> Result<ExitCode, String> {
    let mut well = true;
    let mut tell = |what: &str, verdict: Result<String, String>| {
        let (mark, words) = match verdict {
            Ok(words) => ("ok  ", words),
            Err(words) => {
                well = false;
                ("FAIL", words)
            }
        };
        say(&format!("{mark} {what}: {words}"));
    };
    tell("data folder", folder(config));
    tell("signing key", key(config));
    tell("contact key", contact_key(config));
    tell("evidence store", evidence_store(config));
    let missing = match &config.database {
        DatabaseUrl::Sqlite(path) => !std::path::Path::new(path).exists(),
        DatabaseUrl::Postgres(_) => false,
    };
    if missing {
        tell("database", Err(format!("{} does not exist yet; `anxiao migrate` makes it", config.database)));
    } else {
        match migrations::open(&config.database) {
            Err(sentence) => tell("database", Err(sentence)),
            Ok(mut conn) => {
                tell("database", Ok(config.database.to_string()));
                tell("engine", migrations::check_engine(&mut conn).map(|()| engine(&mut conn)));
                tell("schema", migrations::pending(&mut conn));
                tell("content", content(&mut conn));
                tell("contacts", contacts(config, &mut conn));
            }
        }
    }
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn folder(config: &Config) -> Result<String, String> {
    let shown = config.data_dir.display();
    let probe = config.data_dir.join(".anxiao-doctor");
    let written = std::fs::write(&probe, b"?").and_then(|()| std::fs::remove_file(&probe));
    written.map(|()| format!("{shown} can be written")).map_err(|error| format!("{shown} cannot be written: {error}"))
}

fn key(config: &Config) -> Result<String, String> {
    let shown = config.signing_key_file.display();
    if !config.signing_key_file.exists() {
        return Ok(format!("{shown} does not exist yet; `anxiao serve` makes it"));
    }
    Tokens::open(&config.signing_key_file, &SystemIds).map(|_| format!("{shown} signs and verifies"))
}

fn contact_key(config: &Config) -> Result<String, String> {
    let shown = config.contact_key_file.display();
    if !config.contact_key_file.exists() {
        return Ok(format!("{shown} does not exist yet; `anxiao serve` makes it"));
    }
    Compartment::open(&config.contact_key_file, &SystemIds).map(|_| format!("{shown} seals and opens"))
}

/// Writes, reads and removes a small file where photos are kept. A folder that is not there yet is not made.
fn evidence_store(config: &Config) -> Result<String, String> {
    if let Where::Folder(path) = &config.files.place
        && !path.exists()
    {
        return Ok(format!("{} does not exist yet; `anxiao serve` makes it", path.display()));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let files = Files::open(&config.files)?;
    runtime.block_on(files.check()).map(|place| format!("{place} keeps and gives back"))
}

/// Whether every sealed contact can be opened with the keys at hand.
fn contacts(config: &Config, conn: &mut Conn) -> Result<String, String> {
    let keys = if config.contact_key_file.exists() {
        Compartment::open(&config.contact_key_file, &SystemIds)?.key_ids()
    } else {
        Vec::new()
    };
    match reports::unopened_in(conn, &keys) {
        Ok(None) => Ok("every sealed contact has its key".to_owned()),
        Ok(Some(sentence)) => Err(format!("{}: {sentence}", config.contact_key_file.display())),
        Err(problem) => Err(format!("cannot be read: {problem}")),
    }
}

fn engine(conn: &mut Conn) -> String {
    let sql = if conn.is_sqlite() {
        "SELECT 'SQLite ' || sqlite_version() AS word"
    } else {
        "SELECT 'PostgreSQL ' || current_setting('server_version') AS word"
    };
    word(conn, sql).unwrap_or_else(|error| error.to_string())
}

fn content(conn: &mut Conn) -> Result<String, String> {
    if conn.is_sqlite() {
        let verdict = word(conn, "SELECT quick_check AS word FROM pragma_quick_check").map_err(|e| e.to_string())?;
        if verdict != "ok" {
            return Err(format!("the file is damaged: {verdict}"));
        }
    }
    let sql = "SELECT CAST((SELECT count(*) FROM users) AS text) || ' users, ' || CAST((SELECT count(*) FROM hazards) \
               AS text) || ' hazards' AS word";
    word(conn, sql).map_err(|error| format!("cannot be read: {error}"))
}
