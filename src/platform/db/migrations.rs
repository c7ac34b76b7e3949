//! Migrations, and the checks before the first request: the engine's version, its settings, the schema's age.

use diesel::migration::MigrationSource;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::conn::{Conn, Purpose, word};
use super::url::DatabaseUrl;

/// The tree for the embedded engine.
pub const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
/// The tree for the server; same names, same order.
pub const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// WAL code before this can lose commits.
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);
/// What the queries and the journal's order rest on.
const OLDEST_POSTGRES: u32 = 150_000;

/// Brings the schema up to this program, one process at a time.
///
/// # Errors
/// One sentence for the operator.
pub fn run(url: &DatabaseUrl) -> Result<Vec<String>, String> {
    let _guard = match url {
        DatabaseUrl::Sqlite(path) => Some(lock_file(path)?),
        DatabaseUrl::Postgres(_) => None,
    };
    let mut conn = open(url)?;
    check_engine(&mut conn)?;
    refuse_newer(&mut conn)?;
    let applied = match &mut conn {
        Conn::Sqlite(conn) => names(conn.run_pending_migrations(SQLITE)),
        Conn::Postgres(conn) => {
            use diesel::connection::SimpleConnection;
            // Nodes that start together: one migrates, the others wait. The lock ends with the connection.
            conn.batch_execute("SET statement_timeout = 0; SELECT pg_advisory_lock(7202611)")
                .map_err(|error| format!("the migration lock cannot be taken: {error}"))?;
            names(conn.run_pending_migrations(POSTGRES))
        }
    };
    applied.map_err(|error| format!("a migration failed: {error}"))
}

fn names(
    applied: diesel::migration::Result<Vec<diesel::migration::MigrationVersion<'_>>>,
) -> Result<Vec<String>, String> {
    applied.map(|versions| versions.iter().map(ToString::to_string).collect()).map_err(|error| error.to_string())
}

fn lock_file(path: &str) -> Result<std::fs::File, String> {
    let path = format!("{path}.lock");
    let say = |error: std::io::Error| format!("the database folder cannot be written ({path}): {error}");
    let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(say)?;
    file.lock().map_err(say)?;
    Ok(file)
}

/// Opens for a command or a check.
///
/// # Errors
/// One sentence for the operator.
pub fn open(url: &DatabaseUrl) -> Result<Conn, String> {
    Conn::open(url, Purpose::Write).map_err(|error| {
        let reason = error.to_string();
        format!("the database {url} cannot be opened: {}", reason.lines().next().unwrap_or_default())
    })
}

/// Refuses engines too old and settings that lose commits.
///
/// # Errors
/// One sentence for the operator.
pub fn check_engine(conn: &mut Conn) -> Result<(), String> {
    let ask = |conn: &mut Conn, sql| word(conn, sql).map_err(|error| format!("the database does not answer: {error}"));
    if conn.is_sqlite() {
        let version = ask(conn, "SELECT sqlite_version() AS word")?;
        if sqlite_version(&version) < OLDEST_SQLITE {
            return Err(format!("SQLite {version} is too old: 3.51.3 or later is needed"));
        }
        let journal = ask(conn, "SELECT journal_mode AS word FROM pragma_journal_mode")?;
        if journal != "wal" {
            return Err(format!("SQLite's journal_mode is {journal}, not wal: the folder does not support it"));
        }
        let synchronous = ask(conn, "SELECT CAST(synchronous AS TEXT) AS word FROM pragma_synchronous")?;
        if synchronous != "2" {
            return Err("SQLite's synchronous is not FULL: acknowledged records could be lost".into());
        }
    } else {
        let version = ask(conn, "SELECT current_setting('server_version_num') AS word")?;
        if version.parse::<u32>().unwrap_or(0) < OLDEST_POSTGRES {
            return Err(format!("PostgreSQL {version} is too old: 15 or later is needed"));
        }
    }
    Ok(())
}

fn sqlite_version(text: &str) -> (u32, u32, u32) {
    let mut parts = text.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next())
}

/// How many migrations are still to be applied.
///
/// # Errors
/// One sentence where the schema is behind, or newer than this program.
pub fn pending(conn: &mut Conn) -> Result<String, String> {
    refuse_newer(conn)?;
    let applied: Vec<String> = match conn {
        Conn::Sqlite(conn) => names(conn.applied_migrations()),
        Conn::Postgres(conn) => names(conn.applied_migrations()),
    }?;
    let all = known().len();
    if applied.len() == all {
        Ok(format!("all {all} migrations are applied"))
    } else {
        Err(format!("{} of {all} migrations are missing; run `anxiao migrate`", all - applied.len()))
    }
}

/// A schema that a later program has changed is not touched.
fn refuse_newer(conn: &mut Conn) -> Result<(), String> {
    let applied: Vec<String> = match conn {
        Conn::Sqlite(conn) => names(conn.applied_migrations()),
        Conn::Postgres(conn) => names(conn.applied_migrations()),
    }
    .map_err(|error| format!("the list of applied migrations cannot be read: {error}"))?;
    let known = known();
    match applied.iter().find(|version| !known.contains(version)) {
        Some(version) => Err(format!("the database is newer than this program (migration {version}): update anxiao")),
        None => Ok(()),
    }
}

/// The versions this program knows.
#[must_use]
pub fn known() -> Vec<String> {
    let sources: Result<Vec<Box<dyn diesel::migration::Migration<diesel::sqlite::Sqlite>>>, _> = SQLITE.migrations();
    sources.map(|all| all.iter().map(|one| one.name().version().to_string()).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sqlite_older_than_3_51_3_is_told_apart() {
        assert!(sqlite_version("3.51.2") < OLDEST_SQLITE);
        assert!(sqlite_version("3.51.3") >= OLDEST_SQLITE);
        assert!(sqlite_version("3.100.0") >= OLDEST_SQLITE);
    }
}
