//! `anxiao demo`.

use chrono::NaiveDate;

use super::{open, say};
use crate::config::Config;

/// Flags of `demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The day that is today in the demo district [default: today]
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<NaiveDate>,
}

/// Loads the demo district into an empty database.
pub fn run(config: &Config, args: &Args) -> Result<(), String> {
    let (db, runtime) = open(config)?;
    runtime.block_on(async {
        if !crate::demo::is_empty(&db).await.map_err(|problem| problem.to_string())? {
            return Err(format!("{} is not empty: the demo district is loaded into an empty database only", config.database));
        }
        crate::demo::load(config, args.as_of).await
    })?;
    say(&format!("the demo district is loaded into {}", config.database));
    say(&format!("sign-ins: {}", crate::demo::SIGN_INS.join(", ")));
    say(&format!("all with the password {}", crate::demo::PASSWORD));
    Ok(())
}
