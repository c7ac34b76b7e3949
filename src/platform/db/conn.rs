//! One connection type for both engines, opened by the scheme of the URL.
#![expect(missing_docs, reason = "the derive of the joint type makes items without documents")]

use diesel::pg::PgConnection;
use diesel::sqlite::SqliteConnection;
use diesel::{Connection, ConnectionError, RunQueryDsl};

use super::url::DatabaseUrl;

/// A connection to either engine. Queries written once run on both.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    /// The embedded file.
    Sqlite(SqliteConnection),
    /// The server.
    Postgres(PgConnection),
}

/// Runs one body on the concrete connection, for what the joint type cannot say: `on_conflict`, inserts of many
/// rows, unions, row locks.
#[macro_export]
macro_rules! on_conn {
    ($conn:expr, $c:ident => $body:expr) => {
        match $conn {
            $crate::platform::db::Conn::Sqlite($c) => $body,
            $crate::platform::db::Conn::Postgres($c) => $body,
        }
    };
}

/// What a connection is for; decides its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Never changes anything.
    Read,
    /// Inside a write lane or a command.
    Write,
}

impl Conn {
    /// Opens by scheme. Diesel's own `establish` would turn a mistyped PostgreSQL URL into a new SQLite file.
    ///
    /// # Errors
    /// When the engine cannot be reached or refuses the settings.
    pub fn open(url: &DatabaseUrl, purpose: Purpose) -> Result<Self, ConnectionError> {
        match url {
            DatabaseUrl::Sqlite(path) => {
                let mut conn = SqliteConnection::establish(path)?;
                for pragma in sqlite_settings(purpose) {
                    run(&mut conn, pragma)?;
                }
                Ok(Self::Sqlite(conn))
            }
            DatabaseUrl::Postgres(url) => {
                let mut conn = PgConnection::establish(url)?;
                run(&mut conn, "SET TIME ZONE 'UTC'")?;
                run(&mut conn, "SET statement_timeout = '30s'; SET idle_in_transaction_session_timeout = '60s'")?;
                if purpose == Purpose::Read {
                    run(&mut conn, "SET default_transaction_read_only = on")?;
                }
                Ok(Self::Postgres(conn))
            }
        }
    }

    /// Whether this is the embedded engine.
    #[must_use]
    pub const fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }
}

/// `synchronous=FULL` on every connection: with NORMAL acknowledged commits are lost at power failure.
fn sqlite_settings(purpose: Purpose) -> &'static [&'static str] {
    match purpose {
        Purpose::Write => &[
            "PRAGMA busy_timeout = 5000",
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "PRAGMA foreign_keys = ON",
            "PRAGMA cache_size = -16000",
            "PRAGMA journal_size_limit = 67108864",
            "PRAGMA temp_store = MEMORY",
        ],
        Purpose::Read => &[
            "PRAGMA busy_timeout = 5000",
            "PRAGMA synchronous = FULL",
            "PRAGMA foreign_keys = ON",
            "PRAGMA cache_size = -8000",
            "PRAGMA temp_store = MEMORY",
            "PRAGMA query_only = ON",
        ],
    }
}

fn run<C: diesel::connection::SimpleConnection>(conn: &mut C, sql: &str) -> Result<(), ConnectionError> {
    conn.batch_execute(sql).map_err(ConnectionError::CouldntSetupConfiguration)
}

#[derive(diesel::QueryableByName)]
struct Word {
    #[diesel(sql_type = diesel::sql_types::Text)]
    word: String,
}

/// One text answer of a fixed statement that names its column `word`.
///
/// # Errors
/// Whatever the engine says.
#[expect(clippy::disallowed_methods, reason = "fixed statements about the engine itself")]
pub fn word(conn: &mut Conn, sql: &'static str) -> Result<String, diesel::result::Error> {
    diesel::sql_query(sql).get_result::<Word>(conn).map(|row| row.word)
}
