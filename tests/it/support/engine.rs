//! A fresh, migrated database with the district for each test, copied from a template made once for each engine.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use anxiao::platform::db::{Conn, DatabaseUrl, Purpose, migrations};
use diesel::connection::SimpleConnection;
use tempfile::TempDir;

use super::cluster::cluster;
use super::district;

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file.
    Sqlite,
    /// A database in the cluster of this run.
    Postgres,
}

static SQLITE_TEMPLATE: OnceLock<(TempDir, String)> = OnceLock::new();
static POSTGRES_TEMPLATE: OnceLock<()> = OnceLock::new();
static NEXT: AtomicU32 = AtomicU32::new(0);
/// PostgreSQL copies a template only while nobody else uses it.
static COPYING: Mutex<()> = Mutex::new(());

impl Engine {
    /// A database of one's own with the district in it; the folder must be kept as long as it is used.
    pub fn database(self) -> (DatabaseUrl, TempDir) {
        let folder = TempDir::new().unwrap();
        let url = match self {
            Self::Sqlite => {
                let (_, template) = SQLITE_TEMPLATE.get_or_init(sqlite_template);
                let path = folder.path().join("anxiao.db");
                std::fs::copy(template, &path).unwrap();
                DatabaseUrl::parse(&format!("sqlite:{}", path.display())).unwrap()
            }
            Self::Postgres => {
                POSTGRES_TEMPLATE.get_or_init(postgres_template);
                postgres_database("template_district")
            }
        };
        (url, folder)
    }

    /// An empty database: no table in it.
    pub fn empty_database(self) -> (DatabaseUrl, TempDir) {
        let folder = TempDir::new().unwrap();
        let url = match self {
            Self::Sqlite => {
                DatabaseUrl::parse(&format!("sqlite:{}", folder.path().join("anxiao.db").display())).unwrap()
            }
            Self::Postgres => postgres_database("template0"),
        };
        (url, folder)
    }
}

fn sqlite_template() -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("template.db").to_string_lossy().into_owned();
    let url = DatabaseUrl::parse(&format!("sqlite:{path}")).unwrap();
    migrations::run(&url).unwrap();
    let mut conn = Conn::open(&url, Purpose::Write).unwrap();
    district::install(&url, &mut conn);
    conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(conn);
    (folder, path)
}

fn postgres_database(template: &str) -> DatabaseUrl {
    let name = format!("t{}", NEXT.fetch_add(1, Ordering::SeqCst));
    let _one = COPYING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut admin = Conn::open(&DatabaseUrl::parse(&cluster().url("postgres")).unwrap(), Purpose::Write).unwrap();
    admin.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).unwrap();
    DatabaseUrl::parse(&cluster().url(&name)).unwrap()
}

fn postgres_template() {
    let mut admin = Conn::open(&DatabaseUrl::parse(&cluster().url("postgres")).unwrap(), Purpose::Write).unwrap();
    admin.batch_execute("CREATE DATABASE template_district TEMPLATE template0").unwrap();
    let url = DatabaseUrl::parse(&cluster().url("template_district")).unwrap();
    migrations::run(&url).unwrap();
    let mut conn = Conn::open(&url, Purpose::Write).unwrap();
    district::install(&url, &mut conn);
}
