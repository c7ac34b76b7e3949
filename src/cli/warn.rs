//! `anxiao warn`: the work of the deadline timer, once, for cron and for operators.

use std::sync::Arc;

use super::{open_existing, say};
use crate::config::Config;
use crate::notices::retention::Retention;
use crate::notices::warning::{self, Warnings};
use crate::platform::clock::{Clock, SystemClock};
use crate::platform::ids::{Ids, SystemIds};

/// Flags of `warn`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Work even while another node does; no notice is made twice
    #[arg(long)]
    anyway: bool,
}

/// Looks at every deadline once and says how many notices came of it; then deletes those read long ago.
pub fn run(config: &Config, args: &Args) -> Result<(), String> {
    let (db, runtime) = open_existing(config)?;
    let lease = (!args.anyway).then(|| warning::lease(SystemIds.next(SystemClock.now())));
    let days = config.keep_read_notices_days;
    let retention = Retention { db: db.clone(), clock: Arc::new(SystemClock), days };
    let work = Warnings { db, clock: Arc::new(SystemClock), lease };
    let outcome = runtime.block_on(work.run(&|| true)).map_err(|problem| problem.to_string())?;
    let deleted = runtime.block_on(retention.run(&|| !outcome.elsewhere)).map_err(|problem| problem.to_string())?;
    let notices = match outcome.made {
        1 => "1 notice made".to_owned(),
        many => format!("{many} notices made"),
    };
    if deleted > 0 {
        say(&format!("{deleted} notices read long ago deleted"));
    }
    say(&if outcome.elsewhere { format!("{notices}; another node is at work") } else { notices });
    Ok(())
}
