//! The figures of the product: fills a database, starts the real binary on it, drives it over loopback, and prints
//! what it measured beside each goal. `cargo bench --bench load`; the table is also written to `target/bench.md`.
//!
//! Absolute figures move with the machine. What counts is the ratio to a floor measured in the same run: the same SQL
//! through the same lanes without sign-in and scope, the same binary without group commit, pgbench.
//!
//! | environment | default | what |
//! |---|---|---|
//! | `BENCH_HAZARDS` | 200000 | hazards to fill in, over 24 months |
//! | `BENCH_SCHOOLS` | 500 | schools they lie in |
//! | `BENCH_SECONDS` | 5 | seconds each row is driven |
//! | `BENCH_ENGINE` | both | `sqlite`, `postgres` or `both` |

mod client;
mod district;
mod fill;
mod floor;
mod machine;
mod pgbench;
mod rows;
mod server;
mod table;

#[path = "../../tests/it/support/cluster.rs"]
#[expect(dead_code, reason = "the settings for tests are not for figures")]
#[expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "written for tests: without a cluster there is nothing to go on with"
)]
mod cluster;

use std::path::{Path, PathBuf};

use anxiao::platform::db::{Conn, DatabaseUrl, Purpose};
use anyhow::{Context, Result, bail};
use diesel::connection::SimpleConnection;

use district::District;
use table::Table;

/// As in the server, so that the floor has the same.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What the environment asks for.
#[derive(Debug, Clone)]
pub struct Options {
    hazards: u64,
    schools: u64,
    seconds: f64,
    engine: String,
}

impl Options {
    #[expect(clippy::disallowed_methods, reason = "`cargo bench` passes no flags of its own through")]
    fn from_environment() -> Result<Self> {
        let number = |name: &str, default: u64| match std::env::var(name) {
            Ok(text) => text.parse().with_context(|| format!("{name} must be a number")),
            Err(_) => Ok(default),
        };
        let engine = std::env::var("BENCH_ENGINE").unwrap_or_else(|_| "both".to_owned());
        if !["sqlite", "postgres", "both"].contains(&engine.as_str()) {
            bail!("BENCH_ENGINE must be sqlite, postgres or both");
        }
        let seconds = u32::try_from(number("BENCH_SECONDS", 5)?.max(1))?;
        Ok(Self {
            hazards: number("BENCH_HAZARDS", 200_000)?.max(100),
            schools: number("BENCH_SCHOOLS", 500)?.max(1),
            seconds: f64::from(seconds),
            engine,
        })
    }
}

#[expect(clippy::print_stdout, reason = "the table is the product of this program")]
fn say(line: &str) {
    println!("{line}");
}

#[expect(clippy::print_stderr, reason = "progress, beside the table")]
fn progress(line: &str) {
    eprintln!("{line}");
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, url] = arguments.as_slice()
        && word == "floor"
    {
        return floor::serve(url);
    }
    if !arguments.iter().any(|argument| argument == "--bench") {
        say("the figures are measured by `cargo bench --bench load`");
        return Ok(());
    }
    let options = Options::from_environment()?;
    let mut table = Table::default();
    if options.engine != "postgres" {
        sqlite(&options, &mut table)?;
    }
    if options.engine != "sqlite" {
        postgres(&options, &mut table)?;
    }
    let text = table.markdown(&options);
    let path = target().join("bench.md");
    std::fs::write(&path, &text)?;
    say(&text);
    progress(&format!("written to {}", path.display()));
    Ok(())
}

/// Cargo's target folder.
fn target() -> PathBuf {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    scratch.parent().unwrap_or(scratch).to_path_buf()
}

/// A folder on the disk that the build lies on: a memory file system would make commits look free.
fn folder() -> Result<tempfile::TempDir> {
    Ok(tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?)
}

fn sqlite(options: &Options, table: &mut Table) -> Result<()> {
    let folder = folder()?;
    let url = format!("sqlite:{}", folder.path().join("anxiao.db").display());
    let district = prepared(&url, options)?;
    let mut conn = open(&url)?;
    conn.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)")?;
    table.engine("SQLite", machine::engine_version(&mut conn)?);
    drop(conn);
    rows::measure("SQLite", &url, folder.path(), &district, options, table)
}

/// PostgreSQL as it comes, but for memory: commits reach the disk, autovacuum is on.
const HONEST: &str = "-c fsync=on -c synchronous_commit=on -c full_page_writes=on -c max_connections=100 \
                      -c shared_buffers=256MB";

fn postgres(options: &Options, table: &mut Table) -> Result<()> {
    let folder = folder()?;
    let cluster = cluster::start(HONEST);
    open(&cluster.url("postgres"))?.batch_execute("CREATE DATABASE bench TEMPLATE template0")?;
    let url = cluster.url("bench");
    let district = prepared(&url, options)?;
    let mut conn = open(&url)?;
    // What autovacuum would have done by the time anybody looks at a database of this age.
    conn.batch_execute("VACUUM ANALYZE")?;
    conn.batch_execute("CHECKPOINT")?;
    table.engine("PostgreSQL", machine::engine_version(&mut conn)?);
    drop(conn);
    rows::measure("PostgreSQL", &url, folder.path(), &district, options, table)
}

fn open(url: &str) -> Result<Conn> {
    let url = DatabaseUrl::parse(url).map_err(anyhow::Error::msg)?;
    Ok(Conn::open(&url, Purpose::Write)?)
}

fn prepared(url: &str, options: &Options) -> Result<District> {
    let started = std::time::Instant::now();
    let parsed = DatabaseUrl::parse(url).map_err(anyhow::Error::msg)?;
    let district = fill::fill(&parsed, options.hazards, options.schools)?;
    progress(&format!("{}: {} hazards in {:.1} s", parsed.engine(), options.hazards, started.elapsed().as_secs_f64()));
    Ok(district)
}
