//! What could not be done and is kept for people: the quarantine and the conflicts.

use std::sync::Arc;

use actix_web::{get, post};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::access::{Allowed, Limit, Permission, Reach, Rights, actions::sync};
use crate::openapi::{ListOf, PageQuery};
use crate::orgs::rules::OrgKind;
use crate::platform::db::schema::{inspections, sync_devices, sync_ops, users};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, MultiBackend, Tx, Work};
use crate::platform::error::{Code, Problem};
use crate::platform::http::list::COUNT_LIMIT;
use crate::platform::http::{Body, Check, Faults, List, Page, PathId, Record, Reply};
use crate::platform::journal::{Event, Stream};
use crate::sync::answers::{Given, Verdict, run as run_answers};
use crate::sync::ledger::{self, Decision, OpRow, OpStatus};
use crate::sync::op::{Act, Operation};
use crate::sync::{apply, held, stand_in};
use crate::{in_reach, keyset};

crate::text_enum! {
    /// Where a kept operation stands.
    pub enum Standing {
        /// Nobody has decided.
        Open = "open",
        /// It was done after all.
        Accepted = "accepted",
        /// It stays undone.
        Dismissed = "dismissed",
        /// One or the other.
        Resolved = "resolved",
    }
}

/// Which kept operations.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct KeptFilter {
    /// Where it stands.
    pub status: Option<Standing>,
}

/// What somebody made of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Decided {
    /// Who.
    pub by: Id,
    /// When.
    pub at: Timestamp,
    /// Why.
    #[schema(required)]
    pub reason: Option<String>,
}

/// An operation that is kept for people.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeptOperation {
    /// Of what is kept.
    pub id: Id,
    /// Counts its changes.
    pub version: i64,
    /// When it was handed in.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Of the operation.
    pub op_id: Id,
    /// The device's how-manieth.
    pub seq: i64,
    /// The device's own name.
    pub device_id: String,
    /// What it does.
    pub kind: String,
    /// Who did it.
    pub user_id: Id,
    /// The person's name.
    pub user_name: String,
    /// The organisation it concerns, as far as its author sees; else the author's own.
    pub org_id: Id,
    /// The record it makes or changes.
    #[schema(required)]
    pub record_id: Option<Id>,
    /// The inspection it is part of.
    #[schema(required)]
    pub inspection_id: Option<Id>,
    /// When it was done, by the device's clock.
    #[schema(required)]
    pub occurred_at: Option<Timestamp>,
    /// Seconds by which that clock was ahead when it was handed in.
    #[schema(required)]
    pub clock_skew_s: Option<i64>,
    /// Why it was not done.
    #[schema(required, value_type = Option<crate::openapi::Problem>)]
    pub problem: Option<Value>,
    /// Whether its author might have done it when it was done; null where rights have nothing to do with it.
    #[schema(required)]
    pub allowed_then: Option<bool>,
    /// The operation as it came.
    #[schema(value_type = Object)]
    pub op: Value,
    /// Both values of a conflict: `{field, server, device}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    pub fields: Option<Value>,
    /// Where it stands.
    pub status: Standing,
    /// What somebody made of it.
    #[schema(required)]
    pub decision: Option<Decided>,
}

impl Record for KeptOperation {
    fn version(&self) -> i64 {
        self.version
    }
}

/// Where the caller acts for a bureau as a whole: who confirms inspections there, of all domains.
pub(super) fn bureau_reaches(rights: &Rights) -> Vec<Reach> {
    let mut reaches = rights.of(Permission::InspectionConfirm).reaches;
    reaches.retain(|one| one.limit == Limit::Full && one.domains.is_none() && one.org_kind == OrgKind::Bureau);
    reaches
}

type Condition = Box<dyn BoxableExpression<sync_ops::table, MultiBackend, SqlType = Nullable<Bool>>>;

/// One's own, those of inspections one leads, and the bureau's; of a school that must not know, nothing to its people.
fn sight(rights: &Rights) -> Condition {
    let me = rights.user_id();
    let led = inspections::table.filter(inspections::lead_id.eq(me)).select(inspections::id.nullable());
    let mut all: Condition = Box::new(sync_ops::user_id.eq(me).nullable().or(sync_ops::inspection_id.eq_any(led)));
    let own = rights.of(Permission::InspectionRead).own_schools;
    for reach in &bureau_reaches(rights) {
        let inside = in_reach!(sync_ops, reach).and(sync_ops::org_id.ne_all(own.clone()));
        all = Box::new(all.or(inside.nullable()));
    }
    all
}

fn standing(row: &OpRow) -> Standing {
    match row.decision {
        None => Standing::Open,
        Some(Decision::Accepted) => Standing::Accepted,
        Some(Decision::Dismissed) => Standing::Dismissed,
    }
}

fn views(conn: &mut Conn, rows: Vec<OpRow>) -> Result<Vec<KeptOperation>, Problem> {
    let people: Vec<Id> = rows.iter().map(|row| row.user_id).collect();
    let names: Vec<(Id, String)> =
        users::table.filter(users::id.eq_any(people)).select((users::id, users::display_name)).load(conn)?;
    let devices: Vec<Id> = rows.iter().map(|row| row.device_id).collect();
    let devices: Vec<(Id, String)> = sync_devices::table
        .filter(sync_devices::id.eq_any(devices))
        .select((sync_devices::id, sync_devices::device_id))
        .load(conn)?;
    let of = |pairs: &[(Id, String)], id| pairs.iter().find(|one| one.0 == id).map(|one| one.1.clone());
    Ok(rows
        .into_iter()
        .map(|row| KeptOperation {
            user_name: of(&names, row.user_id).unwrap_or_default(),
            device_id: of(&devices, row.device_id).unwrap_or_default(),
            status: standing(&row),
            problem: row.result.0.get("problem").cloned(),
            fields: row.result.0.get("fields").cloned(),
            op: serde_json::from_str(&row.body).unwrap_or_default(),
            decision: row.decided_by.zip(row.decided_at).map(|(by, at)| Decided {
                by,
                at,
                reason: row.decision_reason.clone(),
            }),
            id: row.id,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            op_id: row.op_id,
            seq: row.seq,
            kind: row.kind,
            user_id: row.user_id,
            org_id: row.org_id,
            record_id: row.record_id,
            inspection_id: row.inspection_id,
            occurred_at: row.occurred_at,
            clock_skew_s: row.skew_s,
            allowed_then: row.allowed_then,
        })
        .collect())
}

fn page(
    conn: &mut Conn,
    rights: &Rights,
    list: &List<KeptFilter>,
    status: OpStatus,
) -> Result<Page<KeptOperation>, Problem> {
    let filtered = || {
        let mut query =
            sync_ops::table.filter(sight(rights)).filter(sync_ops::status.eq(status)).into_boxed::<MultiBackend>();
        query = match list.filter.status {
            None => query,
            Some(Standing::Open) => query.filter(sync_ops::decision.is_null()),
            Some(Standing::Accepted) => query.filter(sync_ops::decision.eq(Decision::Accepted)),
            Some(Standing::Dismissed) => query.filter(sync_ops::decision.eq(Decision::Dismissed)),
            Some(Standing::Resolved) => query.filter(sync_ops::decision.is_not_null()),
        };
        query
    };
    let rows: Vec<OpRow> = keyset!(filtered(), sync_ops, list).select(OpRow::as_select()).load(conn)?;
    let counted = if list.count {
        let some: Vec<Id> = filtered().select(sync_ops::id).limit(COUNT_LIMIT + 1).load(conn)?;
        i64::try_from(some.len()).ok()
    } else {
        None
    };
    let page = list.page(rows, |row| (row.created_at, row.id))?;
    Ok(Page { data: views(conn, page.data)?, page: page.page }.counted(counted))
}

/// List the quarantine
///
/// What was handed in and not allowed or not valid: one's own, that of inspections one leads, that of the bureau.
#[utoipa::path(
    tag = "sync",
    params(KeptFilter, PageQuery),
    responses((status = 200, description = "A page of operations, newest first", body = ListOf<KeptOperation>)),
    extensions(("x-permission" = json!("sync")))
)]
#[get("/sync/quarantine")]
pub async fn quarantine(allowed: Allowed<sync::Use>, list: List<KeptFilter>) -> Result<Reply, Problem> {
    allowed.read(move |conn, rights| page(conn, rights, &list, OpStatus::Quarantined)?.reply()).await
}

/// List the conflicts
///
/// Where two changed the same, or the record had gone on meanwhile; both values are kept.
#[utoipa::path(
    tag = "sync",
    params(KeptFilter, PageQuery),
    responses((status = 200, description = "A page of conflicts, newest first", body = ListOf<KeptOperation>)),
    extensions(("x-permission" = json!("sync")))
)]
#[get("/sync/conflicts")]
pub async fn conflicts(allowed: Allowed<sync::Use>, list: List<KeptFilter>) -> Result<Reply, Problem> {
    allowed.read(move |conn, rights| page(conn, rights, &list, OpStatus::Conflict)?.reply()).await
}

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

/// Does the operation by the caller's right in its author's name.
fn do_it(tx: &mut Tx<'_>, rights: &Rights, row: &OpRow, op: &Operation) -> Result<(), Problem> {
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
) -> Result<crate::platform::db::Receipt, Problem> {
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
