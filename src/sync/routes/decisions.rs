//! What people make of what was kept: done after all, left undone, one of two values.

use std::sync::Arc;

use actix_web::post;
use diesel::prelude::*;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::kept::{KeptOperation, sight, views};
use crate::access::actions::{hazard, sync};
use crate::access::{Allowed, Rights};
use crate::hazards;
use crate::platform::db::schema::{sync_devices, sync_ops};
use crate::platform::db::types::Id;
use crate::platform::db::{Conn, Receipt, Tx, Work};
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Body, Check, Faults, PathId, Reply};
use crate::platform::journal::{Event, Stream};
use crate::sync::answers::{Given, Verdict, run as run_answers};
use crate::sync::ledger::{self, Decision, OpRow, OpStatus};
use crate::sync::op::{Act, Operation};
use crate::sync::{apply, held, stand_in};

fn find(tx: &mut Tx<'_>, rights: &Rights, id: Id, status: OpStatus) -> Result<OpRow, Problem> {
    let load = |conn: &mut Conn| -> Result<OpRow, Problem> {
        Ok(sync_ops::table
            .filter(sync_ops::id.eq(id))
            .filter(sync_ops::status.eq(status))
            .filter(sight(rights))
            .select(OpRow::as_select())
            .first(conn)?)
    };
    load(tx.conn)?;
    if let Conn::Postgres(pg) = &mut *tx.conn {
        sync_ops::table.find(id).select(sync_ops::id).for_update().first::<Id>(pg)?;
    }
    load(tx.conn)
}

fn undecided(row: &OpRow) -> Result<(), Problem> {
    if row.decision.is_none() { Ok(()) } else { Err(Problem::new(Code::StateConflict)) }
}

/// Does the operation by the caller's right in its author's name. Duties that are to be apart are apart from both: nobody
/// approves by another's name what the own work bars from approving.
fn do_it(tx: &mut Tx<'_>, rights: &Rights, row: &OpRow, op: &Operation) -> Result<(), Problem> {
    if let (Ok(Act::Move(body)), Some(hazard)) = (&op.act, op.record) {
        hazards::acts::not_barred(tx, &apply::asking::<hazard::Transition>(rights)?, hazard, body)?;
    }
    let by = stand_in::for_author(tx.conn, rights, row.user_id)?;
    let device: String = sync_devices::table.find(row.device_id).select(sync_devices::device_id).first(tx.conn)?;
    let work = Work { actor: Some(row.user_id), device: Some(device), ..Work::default() };
    let now = tx.now;
    let mut tx = tx.acting(&work, now);
    let (Ok(Act::Answer(code, set)), Some(inspection)) = (&op.act, op.record) else {
        return apply::run(&mut tx, &by, op).map(drop);
    };
    match run_answers(&mut tx, &by, inspection, &[Given { op, code, set }], row.device_id)?.pop() {
        Some(Verdict::Refused(problem)) => Err(problem),
        Some(Verdict::Clash(_, current)) => Err(Problem::new(Code::StateConflict).current(current)),
        _ => Ok(()),
    }
}

/// Writes the decision on the row and into the journal, beside what the operation itself wrote there in its author's
/// name. What a school must not know stays in the bureau's stream.
fn decide(
    tx: &mut Tx<'_>,
    rights: &Rights,
    row: &mut OpRow,
    decision: Decision,
    reason: Option<&str>,
) -> Result<Receipt, Problem> {
    row.decision = Some(decision);
    (row.decided_at, row.decided_by) = (Some(tx.now), Some(rights.user_id()));
    row.decision_reason = reason.map(|reason| reason.trim().to_owned());
    ledger::update(tx.conn, row, tx.now)?;
    row.version += 1;
    row.updated_at = tx.now;
    let payload = json!({
        "op_id": row.op_id, "kind": row.kind, "record_id": row.record_id, "author": row.user_id, "reason": row.decision_reason,
    });
    let event = Event::of("sync_op", row.id, decision.as_str()).at(row.bureau_id, row.org_id).stream(Stream::Bureau);
    tx.record(event.with(payload))
}

/// Nothing needs to be said.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// Why, at most 500 characters.
    #[serde(default)]
    pub reason: Option<String>,
}

impl Check for Acceptance {
    fn check(&self, faults: &mut Faults) {
        faults.optional_text("/reason", self.reason.as_deref(), 500);
    }
}

/// Do after all what was kept
///
/// The same function runs again: judged by the rights of whoever accepts, done in the name of whoever did it.
#[utoipa::path(
    tag = "sync",
    params(("id" = Id, Path, description = "Of what is kept")),
    request_body = Acceptance,
    responses((status = 200, description = "What was kept, with the decision", body = KeptOperation)),
    extensions(("x-permission" = json!("sync")))
)]
#[post("/sync/quarantine/{id}/accept")]
pub async fn accept(allowed: Allowed<sync::Use>, id: PathId, body: Body<Acceptance>) -> Result<Reply, Problem> {
    allowed
        .write(&Arc::clone(&body.hash), move |tx, rights| {
            let mut row = find(tx, rights, id.0, OpStatus::Quarantined)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let reason = body.get()?.reason.as_deref();
            undecided(&row)?;
            do_it(tx, rights, &row, &held::reread(&row)?)?;
            let receipt = decide(tx, rights, &mut row, Decision::Accepted, reason)?;
            Ok(receipt.with(reply(tx, row)?))
        })
        .await
}

fn reply(tx: &mut Tx<'_>, row: OpRow) -> Result<Reply, Problem> {
    Reply::record(&views(tx.conn, vec![row])?.pop().ok_or_else(Problem::not_found)?)
}

/// Why something stays undone.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Dismissal {
    /// In words, at most 500 characters.
    #[schema(example = "重复上报")]
    pub reason: String,
}

impl Check for Dismissal {
    fn check(&self, faults: &mut Faults) {
        faults.text("/reason", &self.reason, 1, 500);
    }
}

/// Leave undone what was kept
///
/// It stays in the ledger.
#[utoipa::path(
    tag = "sync",
    params(("id" = Id, Path, description = "Of what is kept")),
    request_body = Dismissal,
    responses((status = 200, description = "What was kept, with the decision", body = KeptOperation)),
    extensions(("x-permission" = json!("sync")))
)]
#[post("/sync/quarantine/{id}/dismiss")]
pub async fn dismiss(allowed: Allowed<sync::Use>, id: PathId, body: Body<Dismissal>) -> Result<Reply, Problem> {
    allowed
        .write(&Arc::clone(&body.hash), move |tx, rights| {
            let mut row = find(tx, rights, id.0, OpStatus::Quarantined)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let reason = body.get()?.reason.as_str();
            undecided(&row)?;
            let receipt = decide(tx, rights, &mut row, Decision::Dismissed, Some(reason))?;
            Ok(receipt.with(reply(tx, row)?))
        })
        .await
}

crate::text_enum! {
    /// Which of two values holds.
    pub enum Keep {
        /// What the server has.
        Server = "server",
        /// What the device says.
        Device = "device",
    }
}

/// Which of two values holds.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resolution {
    /// The server's value or the device's.
    pub keep: Keep,
    /// Why, at most 500 characters.
    #[serde(default)]
    pub reason: Option<String>,
}

impl Check for Resolution {
    fn check(&self, faults: &mut Faults) {
        faults.optional_text("/reason", self.reason.as_deref(), 500);
    }
}

/// Resolve a conflict
///
/// With `device` the operation is done over what the server has, by the rights of whoever resolves.
#[utoipa::path(
    tag = "sync",
    params(("id" = Id, Path, description = "Of the conflict")),
    request_body = Resolution,
    responses((status = 200, description = "The conflict, with the decision", body = KeptOperation)),
    extensions(("x-permission" = json!("sync")))
)]
#[post("/sync/conflicts/{id}/resolve")]
pub async fn resolve(allowed: Allowed<sync::Use>, id: PathId, body: Body<Resolution>) -> Result<Reply, Problem> {
    allowed
        .write(&Arc::clone(&body.hash), move |tx, rights| {
            let mut row = find(tx, rights, id.0, OpStatus::Conflict)?;
            if let Some(again) = tx.replay() {
                return Ok(again);
            }
            let resolution = body.get()?;
            undecided(&row)?;
            let decision = match resolution.keep {
                Keep::Server => Decision::Dismissed,
                Keep::Device => {
                    // Whoever resolves has seen both values, whatever the version is by now.
                    let op = Operation { base_version: Some(i64::MAX), ..held::reread(&row)? };
                    do_it(tx, rights, &row, &op)?;
                    Decision::Accepted
                }
            };
            let receipt = decide(tx, rights, &mut row, decision, resolution.reason.as_deref())?;
            Ok(receipt.with(reply(tx, row)?))
        })
        .await
}
