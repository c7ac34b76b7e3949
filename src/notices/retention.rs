//! What was read long ago is deleted; what nobody has read stays. When it was read stays in the journal.
//!
//! The key by which something is told once is kept as long as a clock could tell it again: the notice of a deadline goes
//! only when its hazard is closed or void.

use std::sync::Arc;

use chrono::TimeDelta;
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use serde_json::json;

use super::kind::Kind;
use crate::hazards::status::Status;
use crate::platform::clock::Clock;
use crate::platform::db::schema::{hazards, notice_recipients, notices};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Commit, Db, Tx, Work};
use crate::platform::error::Problem;
use crate::platform::journal::{Event, Stream};

/// Rows of one write: it holds up nobody for long.
const SOME: i64 = 500;

/// What the timer of deadlines makes, by the state of a hazard and not by a change of it.
const OF_CLOCKS: [Kind; 5] =
    [Kind::Warning, Kind::RecheckOverdue, Kind::PlanOverdue, Kind::ReferralOverdue, Kind::ProgressOverdue];

/// The work of deleting on one node; two at once do it no harm.
pub struct Retention {
    /// Where it works.
    pub db: Db,
    /// The hour.
    pub clock: Arc<dyn Clock>,
    /// Days that a notice stays after it was read; for ever where nothing is said.
    pub days: Option<u32>,
}

impl std::fmt::Debug for Retention {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Retention").field("days", &self.days).finish_non_exhaustive()
    }
}

impl Retention {
    /// Deletes what was read so long ago, in small writes; gives how many notices left inboxes. `go_on` is asked before
    /// each.
    ///
    /// # Errors
    /// Whatever the engine says; what was deleted until then is.
    pub async fn run(&self, go_on: &(dyn Fn() -> bool + Sync)) -> Result<usize, Problem> {
        let Some(days) = self.days else { return Ok(0) };
        let before = self.clock.now() - TimeDelta::days(i64::from(days));
        let mut all = 0;
        while go_on() {
            let done = self.db.write(Work::default(), move |tx| some(tx, before)).await?;
            all += done;
            if done == 0 {
                break;
            }
        }
        Ok(all)
    }
}

fn some(tx: &mut Tx<'_>, before: Timestamp) -> Result<Commit<usize>, Problem> {
    use notice_recipients as r;
    let read: Vec<(Id, Id)> = r::table
        .filter(r::read_at.lt(before))
        .order((r::read_at, r::notice_id, r::user_id))
        .limit(SOME)
        .select((r::notice_id, r::user_id))
        .load(tx.conn)?;
    if read.is_empty() {
        return Ok(Commit::unchanged(0));
    }
    for place in &read {
        diesel::delete(r::table.find(*place)).execute(tx.conn)?;
    }
    let mut ids: Vec<Id> = read.iter().map(|(notice, _)| *notice).collect();
    ids.sort_unstable();
    ids.dedup();
    let told = r::table.filter(r::notice_id.eq(notices::id));
    let running = hazards::table
        .filter(hazards::id.eq(notices::entity_id))
        .filter(hazards::status.ne_all([Status::Closed, Status::Void]));
    let gone: Vec<Id> = notices::table
        .filter(notices::id.eq_any(&ids))
        .filter(not(exists(told)))
        .filter(notices::kind.ne_all(OF_CLOCKS).or(not(exists(running))))
        .select(notices::id)
        .load(tx.conn)?;
    diesel::delete(notices::table.filter(notices::id.eq_any(&gone))).execute(tx.conn)?;
    let event = Event::of("notice", tx.new_id(), "deleted").stream(Stream::Accounts);
    let payload = json!({"read_before": before, "inboxes": read.len(), "notices": gone.len()});
    Ok(tx.record(event.with(payload))?.with(read.len()))
}
