//! The timer that looks at deadlines: one notice for each hazard, colour and effective deadline, however often and on
//! however many nodes it runs.
//!
//! It walks each bureau's running clocks in pages by keyset. A page is looked at on a read lane; only where it holds
//! something new it is looked at again inside one small write, which also renews the lease. What is told once rests on
//! the unique key of notices, never on the lease.

use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use diesel::prelude::*;
use serde_json::json;

use super::look::{Page, Walk, look};
use super::store::{Notice, tell_all};
use crate::hazards::store::read::zone;
use crate::orgs::rules::OrgKind;
use crate::platform::clock::Clock;
use crate::platform::db::schema::orgs;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Commit, Db, Work};
use crate::platform::error::{Code, Problem};
use crate::platform::jobs::{Lease, Standing};
use crate::platform::journal::{Event, Stream};

/// How long the lease stands without being renewed.
pub const LEASE: chrono::TimeDelta = chrono::TimeDelta::seconds(60);

/// The lease of this timer for a node.
#[must_use]
pub const fn lease(holder: Id) -> Lease {
    Lease::new("warnings", holder, LEASE)
}

/// What one run came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Notices that nobody had made before.
    pub made: usize,
    /// Another node had the lease, from the start or from somewhere in the middle.
    pub elsewhere: bool,
}

/// The timer's work on one node.
pub struct Warnings {
    /// Where it works.
    pub db: Db,
    /// The hour.
    pub clock: Arc<dyn Clock>,
    /// Nothing to work whoever else does: the notices are the same.
    pub lease: Option<Lease>,
}

impl std::fmt::Debug for Warnings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Warnings").field("lease", &self.lease).finish_non_exhaustive()
    }
}

/// What became of one page.
enum Written {
    Made(usize),
    Elsewhere,
}

impl Warnings {
    /// Looks at every running clock once. `go_on` is asked before each page.
    ///
    /// # Errors
    /// What the engine says, 503 after a few tries; what was made until then stays.
    pub async fn run(&self, go_on: &(dyn Fn() -> bool + Sync)) -> Result<Outcome, Problem> {
        let mut outcome = Outcome::default();
        let mut renew_at = self.clock.now();
        let ended = self.walk_all(go_on, &mut renew_at, &mut outcome).await;
        if let Some(lease) = &self.lease
            && !outcome.elsewhere
            && let Err(problem) = lease.release(&self.db).await
        {
            // It runs out by itself.
            tracing::warn!(%problem, "the lease could not be given back");
        }
        ended.map(|()| outcome)
    }

    async fn walk_all(
        &self,
        go_on: &(dyn Fn() -> bool + Sync),
        renew_at: &mut Timestamp,
        outcome: &mut Outcome,
    ) -> Result<(), Problem> {
        for (bureau_id, zone) in bureaus(&self.db).await? {
            for walk in Walk::ALL {
                let mut after = None;
                while go_on() {
                    if !self.may_go_on(renew_at).await? {
                        outcome.elsewhere = true;
                        return Ok(());
                    }
                    let place = (bureau_id, zone, *walk, after);
                    let page = self.page(place).await?;
                    if !page.fresh.is_empty() {
                        match self.write(place).await? {
                            Written::Made(made) => outcome.made += made,
                            Written::Elsewhere => {
                                outcome.elsewhere = true;
                                return Ok(());
                            }
                        }
                    }
                    match page.next {
                        Some(next) => after = Some(next),
                        None => break,
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether this node has the lease, taking or renewing it where that is due.
    async fn may_go_on(&self, renew_at: &mut Timestamp) -> Result<bool, Problem> {
        let Some(lease) = &self.lease else { return Ok(true) };
        let now = self.clock.now();
        if now < *renew_at {
            return Ok(true);
        }
        *renew_at = lease.renew_at(now);
        patiently(async || lease.take(&self.db).await).await.map(|standing| standing != Standing::Elsewhere)
    }

    async fn page(&self, (bureau_id, zone, walk, after): Place) -> Result<Page, Problem> {
        let now = self.clock.now();
        patiently(async || self.db.read(move |conn| look(conn, walk, (bureau_id, zone), after, now)).await).await
    }

    async fn write(&self, (bureau_id, zone, walk, after): Place) -> Result<Written, Problem> {
        patiently(async || {
            let lease = self.lease.clone();
            self.db
                .write(Work::default(), move |tx| {
                    if let Some(lease) = &lease
                        && lease.renew(tx)? == Standing::Elsewhere
                    {
                        return Ok(Commit::unchanged(Written::Elsewhere));
                    }
                    let now = tx.now;
                    let page = look(tx.conn, walk, (bureau_id, zone), after, now)?;
                    let made = tell_all(tx, page.fresh)?;
                    if made.is_empty() {
                        return Ok(Commit::unchanged(Written::Made(0)));
                    }
                    let keys: Vec<&str> = made.iter().map(|Notice { dedupe, .. }| dedupe.as_str()).collect();
                    let event = Event::of("warning", tx.new_id(), "made").at(bureau_id, bureau_id);
                    let event = event.stream(Stream::Bureau).with(json!({ "notices": keys }));
                    Ok(tx.record(event)?.with(Written::Made(made.len())))
                })
                .await
        })
        .await
    }
}

/// A bureau with its zone, a walk through its clocks, and where in it.
type Place = (Id, Tz, Walk, Option<(Timestamp, Id)>);

/// How often a page is asked for again while the database is busy or away.
const TRIES: u32 = 4;

/// Waits out a full queue, a lock of another process, a short absence of the engine.
async fn patiently<T>(mut work: impl AsyncFnMut() -> Result<T, Problem>) -> Result<T, Problem> {
    let mut tried = 0;
    loop {
        match work().await {
            Err(problem) if tried < TRIES && matches!(problem.code, Code::Overloaded | Code::Unavailable) => {
                tried += 1;
                tokio::time::sleep(Duration::from_millis(250 * u64::from(tried))).await;
            }
            other => return other,
        }
    }
}

async fn bureaus(db: &Db) -> Result<Vec<(Id, Tz)>, Problem> {
    patiently(async || {
        db.read(|conn| {
            let rows: Vec<(Id, String)> = orgs::table
                .filter(orgs::kind.eq(OrgKind::Bureau))
                .order(orgs::id)
                .select((orgs::id, orgs::time_zone))
                .load(conn)?;
            Ok(rows.into_iter().map(|(id, name)| (id, zone(&name))).collect())
        })
        .await
    })
    .await
}
