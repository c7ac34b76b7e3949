//! The timer of recurring plans: makes the inspections whose day has come, however often and on however many nodes it
//! runs. What is made once rests on the key of plan, school and day, never on the lease.

use std::collections::HashSet;
use std::sync::Arc;

use super::store::{make, wanted};
use crate::platform::clock::Clock;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Db, Work};
use crate::platform::error::Problem;
use crate::platform::jobs::{Lease, Standing};

/// How long the lease stands without being renewed.
const LEASE: chrono::TimeDelta = chrono::TimeDelta::seconds(60);
/// Inspections of one commit: others write in between.
const STEP: usize = 25;

/// The lease of this timer for a node.
#[must_use]
pub const fn lease(holder: Id) -> Lease {
    Lease::new("plans", holder, LEASE)
}

/// The timer's work on one node.
pub struct Due {
    /// Where it works.
    pub db: Db,
    /// The hour.
    pub clock: Arc<dyn Clock>,
    /// Nothing to work whoever else does: the inspections are the same.
    pub lease: Option<Lease>,
}

impl std::fmt::Debug for Due {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Due").field("lease", &self.lease).finish_non_exhaustive()
    }
}

impl Due {
    /// Looks at every recurring plan in force once; gives how many inspections were made. `go_on` is asked before each
    /// step.
    ///
    /// # Errors
    /// What the engine says; what was made until then stays.
    pub async fn run(&self, go_on: &(dyn Fn() -> bool + Sync)) -> Result<usize, Problem> {
        let mut renew_at = self.clock.now();
        let (mut after, mut made) = (None, 0);
        while go_on() && self.may_go_on(&mut renew_at).await? {
            let now = self.clock.now();
            let Some((plan_id, wants)) = self.db.read(move |conn| wanted(conn, after, now)).await? else { break };
            after = Some(plan_id);
            let mut tried = HashSet::new();
            while tried.len() < wants.len() && go_on() && self.may_go_on(&mut renew_at).await? {
                let known = tried.clone();
                let step = self.db.write(Work::default(), move |tx| make(tx, plan_id, &known, STEP)).await?;
                if step.tried.is_empty() {
                    break;
                }
                made += step.made;
                tried.extend(step.tried);
            }
        }
        if let Some(lease) = &self.lease
            && let Err(problem) = lease.release(&self.db).await
        {
            // It runs out by itself.
            tracing::warn!(%problem, "the lease could not be given back");
        }
        Ok(made)
    }

    /// Whether this node has the lease, taking or renewing it where that is due.
    async fn may_go_on(&self, renew_at: &mut Timestamp) -> Result<bool, Problem> {
        let Some(lease) = &self.lease else { return Ok(true) };
        let now = self.clock.now();
        if now < *renew_at {
            return Ok(true);
        }
        *renew_at = lease.renew_at(now);
        Ok(lease.take(&self.db).await? != Standing::Elsewhere)
    }
}
