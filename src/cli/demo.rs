//! `anxiao demo`.

use std::sync::Arc;

use chrono::NaiveDate;

use super::{open, say};
use crate::config::Config;
use crate::platform::clock::SystemClock;
use crate::platform::ids::SystemIds;
use crate::reports::Compartment;

/// Flags of `demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The day that is today in the demo district [default: today in Shanghai]
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<NaiveDate>,
}

/// Loads the demo district into an empty database.
pub fn run(config: &Config, args: &Args) -> Result<(), String> {
    let (db, runtime) = open(config)?;
    drop(db);
    let as_of = args.as_of.unwrap_or_else(|| crate::demo::today(&SystemClock));
    let compartment = Arc::new(Compartment::open(&config.contact_key_file, &SystemIds)?);
    runtime.block_on(crate::demo::load(&config.database, &compartment, as_of))?;
    say(&format!("the demo district, fictional, as of {as_of}, is loaded into {}", config.database));
    say(&format!("sign-ins: {}", crate::demo::SIGN_INS.join(", ")));
    say(&format!("all with the password {}", crate::demo::PASSWORD));
    Ok(())
}
