//! What could not be done and is kept for people: the quarantine and the conflicts. What people make of it is in
//! `decisions`.

use actix_web::get;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::access::{Allowed, Limit, Permission, Reach, Rights, actions::sync};
use crate::openapi::{ListOf, PageQuery};
use crate::orgs::rules::OrgKind;
use crate::platform::db::schema::{inspections, sync_devices, sync_ops, users};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, MultiBackend};
use crate::platform::error::Problem;
use crate::platform::http::list::COUNT_LIMIT;
use crate::platform::http::{List, Page, Record, Reply};
use crate::sync::ledger::{Decision, OpRow, OpStatus};
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
    /// The operation as it came; as text where it cannot be read.
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

/// What says of itself where it belongs: its place was looked up before it was kept, and no hidden visit has any.
const OF_HAZARDS: [&str; 2] = ["hazard.transition", "comment.add"];

/// One's own, those of inspections one leads, and the bureau's; of a school that must not know, nothing to its people.
/// The operation is shown as it came: where it is not known what school it concerns, it may be theirs.
pub(super) fn sight(rights: &Rights) -> Condition {
    let me = rights.user_id();
    let own = rights.of(Permission::InspectionRead).own_schools;
    let released = inspections::announced.or(inspections::started_at.is_not_null());
    let led = inspections::table
        .filter(inspections::lead_id.eq(me))
        .filter(inspections::org_id.ne_all(own.clone()).or(released))
        .select(inspections::id.nullable());
    let mut all: Condition = Box::new(sync_ops::user_id.eq(me).nullable().or(sync_ops::inspection_id.eq_any(led)));
    for reach in &bureau_reaches(rights) {
        let inside = in_reach!(sync_ops, reach).and(sync_ops::org_id.ne_all(own.clone()));
        let placed = sync_ops::inspection_id.is_not_null().or(sync_ops::kind.eq_any(OF_HAZARDS));
        all = if own.is_empty() {
            Box::new(all.or(inside.nullable()))
        } else {
            Box::new(all.or(inside.and(placed).nullable()))
        };
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

pub(super) fn views(conn: &mut Conn, rows: Vec<OpRow>) -> Result<Vec<KeptOperation>, Problem> {
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
            op: serde_json::from_str(&row.body).unwrap_or_else(|_unreadable| Value::from(row.body.as_str())),
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
