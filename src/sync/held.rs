//! Operations that wait for what they name. They are done when it comes, by whatever way; after a time they are tried
//! all the same, so that nothing waits unseen for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use diesel::prelude::*;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::sync::Notify;

use super::apply;
use super::device::{self, Device};
use super::judge::{Judge, kept};
use super::ledger::{self, OpRow, OpStatus, Outcome};
use super::op::{self, Operation};
use crate::access::caller::of_user;
use crate::access::{Permission, Rights};
use crate::platform::clock::Clock;
use crate::platform::db::schema::sync_ops;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Commit, Conn, Db, Tx, Work};
use crate::platform::error::{Code, Problem};
use crate::platform::http::problem::Language;
use crate::platform::journal::{Event, Stream};

/// After this long an operation is tried whether or not what it names has come.
pub const PATIENCE: TimeDelta = TimeDelta::days(7);

/// The operation of a row, read anew.
///
/// # Errors
/// 500 where the ledger holds what it never took.
pub fn reread(row: &OpRow) -> Result<Operation, Problem> {
    let raw = RawValue::from_string(row.body.clone()).map_err(Problem::internal)?;
    op::read(0, &raw, row.schema_no, row.skew_s, row.created_at)
}

fn waiting(conn: &mut Conn, device: Id) -> Result<Vec<OpRow>, Problem> {
    Ok(sync_ops::table
        .filter(sync_ops::device_id.eq(device))
        .filter(sync_ops::status.eq(OpStatus::Held))
        .order(sync_ops::seq)
        .select(OpRow::as_select())
        .load(conn)?)
}

/// Does what can be done of what a locked device has waiting; gives the rows that changed.
///
/// # Errors
/// Failures on this side alone.
pub fn ripen(tx: &mut Tx<'_>, judge: &Judge<'_>, device: &Device) -> Result<Vec<OpRow>, Problem> {
    let mut changed = Vec::new();
    loop {
        let rows = waiting(tx.conn, device.id)?;
        let ready = ready(tx.conn, judge.rights, &rows, tx.now)?;
        if ready.is_empty() {
            return Ok(changed);
        }
        for mut unit in units(ready) {
            let ops = unit.iter().map(reread).collect::<Result<Vec<_>, _>>()?;
            let refs: Vec<&Operation> = ops.iter().collect();
            let outcomes = together(tx, judge, &refs)?;
            for (row, outcome) in unit.iter_mut().zip(outcomes) {
                row.take(outcome);
                ledger::update(tx.conn, row, tx.now)?;
            }
            changed.extend(unit);
        }
    }
}

/// Those of what a device has waiting that can be done now; of a group all or none.
fn ready(conn: &mut Conn, rights: &Rights, rows: &[OpRow], now: Timestamp) -> Result<Vec<OpRow>, Problem> {
    let mut needs: Vec<Id> = rows.iter().flat_map(|row| row.needs.read::<Vec<Id>>()).collect();
    needs.sort_unstable();
    needs.dedup();
    let there = apply::present(conn, rights, &needs)?;
    let ripe = |row: &OpRow| {
        // What one of a group makes, another of it may need.
        let own: Vec<Id> = rows
            .iter()
            .filter(|one| same_group(one, row))
            .flat_map(|one| one.record_id.into_iter().chain([one.op_id]))
            .collect();
        let come = |id: &Id| there.contains(id) || own.contains(id);
        row.needs.read::<Vec<Id>>().iter().all(come) || row.created_at + PATIENCE <= now
    };
    let whole = |row: &&OpRow| ripe(row) && rows.iter().filter(|one| same_group(one, row)).all(ripe);
    Ok(rows.iter().filter(whole).cloned().collect())
}

/// Whether there is anything to do for a device: asked without keeping others from writing.
fn stirs(conn: &mut Conn, device: Id, user: Id, now: Timestamp) -> Result<bool, Problem> {
    let (caller, disabled) = of_user(conn, user)?;
    let rights = Rights::of_caller(caller, now).asking(&[Permission::Sync]);
    let rows = waiting(conn, device)?;
    Ok(disabled || !ready(conn, &rights, &rows, now)?.is_empty())
}

/// Of one group of one request: another that uses the same word has another key.
fn same_group(one: &OpRow, other: &OpRow) -> bool {
    one.group_key.is_some() && one.group_key == other.group_key
}

/// Groups together, all others alone.
fn units(rows: Vec<OpRow>) -> Vec<Vec<OpRow>> {
    let mut units: Vec<Vec<OpRow>> = Vec::new();
    for row in rows {
        let with = |unit: &&mut Vec<OpRow>| unit.first().is_some_and(|first| same_group(first, &row));
        match units.iter_mut().find(with) {
            Some(unit) => unit.push(row),
            None => units.push(vec![row]),
        }
    }
    units
}

/// Does operations together: one by itself, several all or none.
///
/// # Errors
/// Failures on this side alone.
pub fn together(tx: &mut Tx<'_>, judge: &Judge<'_>, ops: &[&Operation]) -> Result<Vec<Outcome>, Problem> {
    if let [one] = ops {
        return Ok(vec![judge.one(tx, one)?]);
    }
    let mut stopped: Option<(usize, Outcome)> = None;
    let tried = tx.attempt(|tx| {
        let mut outcomes = Vec::with_capacity(ops.len());
        for (place, op) in ops.iter().enumerate() {
            let outcome = judge.one(tx, op)?;
            if !outcome.is_done() {
                stopped = Some((place, outcome));
                return Err(Problem::new(Code::GroupRefused));
            }
            outcomes.push(outcome);
        }
        Ok(outcomes)
    });
    match (tried, stopped) {
        (Ok(outcomes), _) => Ok(outcomes),
        (Err(_), Some((culprit, outcome))) => {
            let name = ops.get(culprit).map(|op| op.op_id.to_string()).unwrap_or_default();
            let problem = Problem::new(Code::GroupRefused)
                .detail(format!("操作 {name} 未能执行"), format!("operation {name} was not done"));
            let others = judge.kept(&problem, None, outcome.place);
            Ok((0..ops.len()).map(|place| if place == culprit { outcome.clone() } else { others.clone() }).collect())
        }
        (Err(problem), None) => Err(problem),
    }
}

/// Does what has become possible on all devices: what a request of anybody brought, and what has waited long enough.
/// Gives how many devices had something waiting. What fails on one device keeps no other waiting.
///
/// # Errors
/// The last failure, when all devices have been looked at.
pub async fn ripen_all(db: &Db, now: Timestamp) -> Result<usize, Problem> {
    let devices = db
        .read(|conn| {
            Ok(sync_ops::table
                .filter(sync_ops::status.eq(OpStatus::Held))
                .select((sync_ops::device_id, sync_ops::user_id))
                .distinct()
                .order(sync_ops::device_id)
                .load::<(Id, Id)>(conn)?)
        })
        .await?;
    let count = devices.len();
    let mut failed = None;
    let mut ripe = stirring(db, &devices, now, &mut failed).await;
    if !ripe.is_empty() {
        // What came may have come after some of them were looked at: now all for whom it came are found, and done in one
        // order.
        ripe = stirring(db, &devices, now, &mut failed).await;
    }
    for (device, user) in ripe {
        let work = Work { actor: Some(user), ..Work::default() };
        if let Err(problem) = db.write(work, move |tx| one_device(tx, device)).await {
            tracing::error!(%problem, %device, "what a device has waiting could not be done");
            failed = Some(problem);
        }
    }
    failed.map_or(Ok(count), Err)
}

/// Those of these devices, with their people, for whom there is something to do.
async fn stirring(db: &Db, devices: &[(Id, Id)], now: Timestamp, failed: &mut Option<Problem>) -> Vec<(Id, Id)> {
    let mut found = Vec::new();
    for (device, user) in devices.iter().copied() {
        match db.read(move |conn| stirs(conn, device, user, now)).await {
            Ok(true) => found.push((device, user)),
            Ok(false) => {}
            Err(problem) => {
                tracing::error!(%problem, %device, "what a device has waiting could not be looked at");
                *failed = Some(problem);
            }
        }
    }
    found
}

fn one_device(tx: &mut Tx<'_>, id: Id) -> Result<Commit<usize>, Problem> {
    let device = device::lock(tx.conn, id)?;
    let (caller, disabled) = of_user(tx.conn, device.user_id)?;
    let now = tx.now;
    let rights = Rights::of_caller(caller, now).asking(&[Permission::Sync]);
    let work = Work { actor: Some(device.user_id), device: Some(device.device_id.clone()), ..Work::default() };
    let mut tx = tx.acting(&work, now);
    let changed = if disabled {
        let mut rows = waiting(tx.conn, device.id)?;
        for row in &mut rows {
            let place = apply::place(tx.conn, &rights, &reread(row)?)?;
            row.take(kept(&Problem::new(Code::AccountDisabled), Language::Zh, None, place));
            ledger::update(tx.conn, row, now)?;
        }
        rows
    } else {
        let judge = Judge { rights: &rights, device: device.id, language: Language::Zh };
        ripen(&mut tx, &judge, &device)?
    };
    if changed.is_empty() {
        return Ok(Commit::unchanged(0));
    }
    let event = Event::of("device", device.id, "ripened").at(device.bureau_id, device.org_id).stream(Stream::Accounts);
    let ops: Vec<Id> = changed.iter().map(|row| row.op_id).collect();
    Ok(tx.record(event.with(json!({"ops": ops})))?.with(changed.len()))
}

/// Wakes the work on what waits: a write that brought something calls [`Self::stir`].
pub struct Ripening {
    db: Db,
    clock: Arc<dyn Clock>,
    call: Notify,
    some: AtomicBool,
    held: AtomicU64,
}

impl std::fmt::Debug for Ripening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ripening").field("some", &self.some).finish_non_exhaustive()
    }
}

/// How often a node looks for what other nodes hold.
const LOOK: Duration = Duration::from_secs(60);

impl Ripening {
    /// Over a database, by this clock.
    #[must_use]
    pub fn new(db: Db, clock: Arc<dyn Clock>) -> Self {
        Self { db, clock, call: Notify::new(), some: AtomicBool::new(true), held: AtomicU64::new(0) }
    }

    /// Something was written that may have been waited for.
    pub fn stir(&self) {
        if self.some.load(Ordering::SeqCst) {
            self.call.notify_one();
        }
    }

    /// Something waits from now on.
    pub fn expect(&self) {
        self.held.fetch_add(1, Ordering::SeqCst);
        self.some.store(true, Ordering::SeqCst);
        self.call.notify_one();
    }

    /// Works until its task is ended; what fails is logged and tried again.
    pub async fn work(&self) {
        loop {
            // Calls go on counting while this look is being taken: what was written behind its back is looked for again.
            let before = self.held.load(Ordering::SeqCst);
            match ripen_all(&self.db, self.clock.now()).await {
                Ok(0) => {
                    self.some.store(false, Ordering::SeqCst);
                    if self.held.load(Ordering::SeqCst) != before {
                        self.some.store(true, Ordering::SeqCst);
                    }
                }
                Ok(_) => {}
                Err(problem) => tracing::error!(%problem, "operations that wait could not be looked at"),
            }
            // SQLite has one process, which is told of everything it holds; time passes on both.
            let look = if self.db.is_sqlite() { LOOK * 60 } else { LOOK };
            drop(tokio::time::timeout(look, self.call.notified()).await);
        }
    }
}
