//! `anxiao warn`: the work of the timers of deadlines and recurring plans, once, for cron and for operators.

use std::sync::Arc;

use super::{open_existing, say};
use crate::config::Config;
use crate::notices::retention::Retention;
use crate::notices::warning::{self, Warnings};
use crate::plans::due::{self, Due};
use crate::platform::clock::{Clock, SystemClock};
use crate::platform::ids::{Ids, SystemIds};

/// Flags of `warn`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Work even while another node does; no notice is made twice
    #[arg(long)]
    anyway: bool,
}

/// Looks at every deadline and recurring plan once, says what came of it, and deletes notices read long ago.
pub fn run(config: &Config, args: &Args) -> Result<(), String> {
    let (db, runtime) = open_existing(config)?;
    let holder = SystemIds.next(SystemClock.now());
    let plans = Due { db: db.clone(), clock: Arc::new(SystemClock), lease: (!args.anyway).then(|| due::lease(holder)) };
    let lease = (!args.anyway).then(|| warning::lease(holder));
    let days = config.keep_read_notices_days;
    let retention = Retention { db: db.clone(), clock: Arc::new(SystemClock), days };
    let work = Warnings { db, clock: Arc::new(SystemClock), lease };
    let outcome = runtime.block_on(work.run(&|| true)).map_err(|problem| problem.to_string())?;
    let deleted = runtime.block_on(retention.run(&|| !outcome.elsewhere)).map_err(|problem| problem.to_string())?;
    let notices = match outcome.made {
        1 => "1 notice made".to_owned(),
        many => format!("{many} notices made"),
    };
    let inspections = runtime.block_on(plans.run(&|| true)).map_err(|problem| problem.to_string())?;
    if inspections > 0 {
        say(&format!("{inspections} inspections of recurring plans made"));
    }
    if deleted > 0 {
        say(&format!("{deleted} notices read long ago deleted"));
    }
    say(&if outcome.elsewhere { format!("{notices}; another node is at work") } else { notices });
    Ok(())
}
