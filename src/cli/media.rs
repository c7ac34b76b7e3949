//! `anxiao media`.

use std::process::ExitCode;

use super::{open, say};
use crate::config::Config;
use crate::evidence::media::{self, Care};
use crate::platform::clock::{Clock, SystemClock};
use crate::platform::files::Files;

/// What may be asked of the store of photos and files.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Compare what the database says was received with what the store holds; ends with 1 when something is missing
    ///
    /// A line for each file that is missing, damaged (another length, or with --deep another hash) or an orphan: held by
    /// the store, known to no row, older than a day. May run beside the server.
    Check(Args),
}

/// Flags of `media check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Read every original and compare its SHA-256
    #[arg(long)]
    deep: bool,
    /// Remove orphans older than a day
    #[arg(long)]
    delete_orphans: bool,
}

/// Looks, tells, and says by its end whether all is there.
pub fn run(config: &Config, command: &Command) -> Result<ExitCode, String> {
    let Command::Check(args) = command;
    let (db, runtime) = open(config)?;
    let files = Files::open(&config.files)?;
    let care = Care { deep: args.deep, delete_orphans: args.delete_orphans };
    let check = media::check(&db, &files, care, SystemClock.now(), |finding| say(&finding.to_string()));
    let count = runtime.block_on(check).map_err(|problem| problem.to_string())?;
    let (wanted, bad, orphans) = (count.wanted, count.bad, count.orphans);
    let place = files.place();
    say(&format!("{wanted} files in the database, {bad} of them missing or damaged in {place}; {orphans} orphans"));
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
