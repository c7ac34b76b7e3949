//! The command line.

mod admin;
mod backup;
mod demo;
mod doctor;
mod draw;
mod media;
mod one_file;
mod restore;
mod serve;
mod warn;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, Parser, Subcommand};

use crate::config::{Config, Given, refuse_unknown_environment};
use crate::platform::clock::SystemClock;
use crate::platform::db::{Db, DbOptions, migrations};
use crate::platform::durable;
use crate::platform::ids::SystemIds;

/// 安校 anxiao: campus safety for an education bureau and its schools.
///
/// `anxiao serve` starts the server; without any setting it keeps everything in ./data.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    /// Settings in TOML; see anxiao.sample.toml
    #[arg(long, global = true, env = "ANXIAO_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the settings in force, without secrets, and stop
    #[arg(long, global = true)]
    print_config: bool,
    #[command(flatten)]
    given: Given,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server
    Serve(serve::Args),
    /// Bring the database's schema up to this program
    Migrate,
    /// Load the fictional demo district into an empty database
    Demo(demo::Args),
    /// Make the first people and bureaus
    #[command(subcommand)]
    Admin(admin::Command),
    /// Print the OpenAPI document as YAML
    Openapi,
    /// Print the permission table as Markdown
    Permissions,
    /// Look at every deadline once and tell whom it concerns
    Warn(warn::Args),
    /// Print the states of a hazard, and who moves it from which to which, as Markdown
    States,
    /// Look after the store of photos and files
    #[command(subcommand)]
    Media(media::Command),
    /// Copy a running SQLite database into one file, with a list of the photos and files that belong to it
    ///
    /// Photos and files themselves are not in it: copy the evidence store after the database, never before. FILE.evidence
    /// names each as `sha256sum --check` reads it in the folder of the store; `anxiao media check` compares as well.
    Backup(backup::Args),
    /// Put a backup in the place of the database and begin a new epoch, so that phones hand in again what it lacks
    Restore(restore::Args),
    /// Verify the proof of a double-random draw, or make a seed for one; needs no database
    #[command(subcommand)]
    Draw(draw::Command),
    /// Check settings, keys and database, and say what is wrong
    Doctor,
}

/// Runs the command line and ends the process: 0 when all is well, 1 with one sentence when not, 2 for usage.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match go(cli) {
        Ok(code) => code,
        Err(sentence) => {
            say_error(&sentence);
            ExitCode::FAILURE
        }
    }
}

/// For the operator. That nobody reads it is no reason to end: `println!` would panic when the pipe is closed.
fn say_error(sentence: &str) {
    drop(writeln!(std::io::stderr(), "anxiao: {sentence}"));
}

/// As [`say_error`], on standard output.
pub(crate) fn say(line: &str) {
    drop(writeln!(std::io::stdout(), "{line}"));
}

fn go(cli: Cli) -> Result<ExitCode, String> {
    let known: Vec<String> = Cli::command()
        .get_arguments()
        .filter_map(|argument| argument.get_env())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    let names = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    refuse_unknown_environment(&known, names)?;
    let file = cli.config.as_deref().map(Given::from_file).transpose()?.unwrap_or_default();
    let config = cli.given.over(file).settle()?;
    if cli.print_config {
        say(config.print().trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    let Some(command) = cli.command else {
        say(&Cli::command().render_help().to_string());
        return Ok(ExitCode::from(2));
    };
    match command {
        Command::Serve(args) => serve::run(&config, &args)?,
        Command::Migrate => {
            prepare_folder(&config)?;
            let applied = migrations::run(&config.database)?;
            say(&match applied.len() {
                0 => format!("{} is up to date", config.database),
                number => format!("{}: {number} migrations applied", config.database),
            });
        }
        Command::Demo(args) => demo::run(&config, &args)?,
        Command::Admin(command) => admin::run(&config, command)?,
        Command::Openapi => {
            say(crate::openapi::document().to_yaml().map_err(|error| error.to_string())?.trim_end());
        }
        Command::Permissions => say(crate::access::matrix::document().trim_end()),
        Command::Warn(args) => warn::run(&config, &args)?,
        Command::States => say(crate::hazards::diagram::document().trim_end()),
        Command::Media(command) => return media::run(&config, &command),
        Command::Backup(args) => backup::run(&config, &args)?,
        Command::Restore(args) => restore::run(&config, &args)?,
        Command::Draw(command) => draw::run(&command)?,
        Command::Doctor => return doctor::run(&config),
    }
    Ok(ExitCode::SUCCESS)
}

/// The folder of the server's own files, made if it is not there.
pub(crate) fn prepare_folder(config: &Config) -> Result<(), String> {
    let say = |error| format!("the data folder {} cannot be made: {error}", config.data_dir.display());
    durable::make_folder(&config.data_dir, false).map_err(say)?;
    if let crate::platform::db::DatabaseUrl::Sqlite(path) = &config.database
        && let Some(folder) = std::path::Path::new(path).parent()
    {
        durable::make_folder(folder, false)
            .map_err(|error| format!("the folder {} cannot be made: {error}", folder.display()))?;
    }
    Ok(())
}

/// As [`open`], for a command that has nothing to do without what is there: a mistyped folder is told, and no empty
/// database made.
pub(crate) fn open_existing(config: &Config) -> Result<(Db, tokio::runtime::Runtime), String> {
    if let crate::platform::db::DatabaseUrl::Sqlite(path) = &config.database
        && !std::path::Path::new(path).exists()
    {
        return Err(format!("there is no database {}; `anxiao migrate` makes one", config.database));
    }
    open(config)
}

/// The number under which this program writes events.
pub(crate) fn epoch(config: &Config) -> Result<i32, String> {
    let mut conn = migrations::open(&config.database)?;
    crate::platform::journal::epoch::number(&mut conn).map_err(|problem| problem.to_string())
}

/// A migrated database for a command, and a runtime to use it on.
pub(crate) fn open(config: &Config) -> Result<(Db, tokio::runtime::Runtime), String> {
    prepare_folder(config)?;
    migrations::run(&config.database)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no runtime: {error}"))?;
    let options = DbOptions { read_lanes: 1, write_lanes: 1, ..config.db.clone() };
    let db = Db::start(&config.database, &options, Arc::new(SystemClock), Arc::new(SystemIds), epoch(config)?)
        .map_err(|error| format!("no threads for the database: {error}"))?;
    runtime.block_on(crate::built_in::install(&db)).map_err(|problem| problem.to_string())?;
    Ok((db, runtime))
}
