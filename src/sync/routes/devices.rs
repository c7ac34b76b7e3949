//! The phones: when they last came, how wrong their clocks are, what of theirs still waits.

use std::collections::HashMap;

use actix_web::get;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::kept::bureau_reaches;
use crate::access::{Allowed, Permission, Rights, actions::sync};
use crate::openapi::{ListOf, PageQuery};
use crate::platform::db::schema::{sync_devices, sync_ops, users};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Conn, MultiBackend};
use crate::platform::error::Problem;
use crate::platform::http::list::COUNT_LIMIT;
use crate::platform::http::{List, Page, Reply};
use crate::sync::device::Device;
use crate::sync::ledger::OpStatus;
use crate::{in_reach, keyset};

/// Which devices.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeviceFilter {
    /// Of this person.
    pub user_id: Option<Id>,
}

/// An operation that waits.
#[derive(Debug, Serialize, ToSchema)]
pub struct Holding {
    /// Of the operation.
    pub op_id: Id,
    /// The device's how-manieth.
    pub seq: i64,
    /// What it does.
    pub kind: String,
    /// The record it makes or changes.
    #[schema(required)]
    pub record_id: Option<Id>,
    /// What had not come when it was last looked at.
    pub waiting_for: Vec<Id>,
    /// When it was handed in.
    pub received_at: Timestamp,
}

/// A device.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeviceView {
    /// Of the device's row.
    pub id: Id,
    /// Counts its changes.
    pub version: i64,
    /// When it first came.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The device's own name for itself.
    pub device_id: String,
    /// Whose.
    pub user_id: Id,
    /// The person's name.
    pub user_name: String,
    /// When it last handed something in.
    pub last_seen_at: Timestamp,
    /// Everything up to this operation is stored.
    pub acked_seq: i64,
    /// Seconds by which its clock was ahead; behind where negative.
    #[schema(required)]
    pub clock_skew_s: Option<i64>,
    /// Operations that wait.
    pub held: i64,
    /// Operations kept for people and not decided.
    pub quarantined: i64,
    /// Conflicts that are not resolved.
    pub conflicts: i64,
    /// What waits, at most 50.
    pub holding: Vec<Holding>,
}

const SHOWN: usize = 50;

type Condition = Box<dyn BoxableExpression<sync_devices::table, MultiBackend, SqlType = diesel::sql_types::Bool>>;

fn sight(rights: &Rights) -> Condition {
    let mut all: Condition = Box::new(sync_devices::user_id.eq(rights.user_id()));
    // Whoever also belongs to a school does not see by what waits where others are at work.
    let own = rights.of(Permission::InspectionRead).own_schools;
    for reach in bureau_reaches(rights).iter().filter(|_| own.is_empty()) {
        all = Box::new(all.or(in_reach!(sync_devices, reach)));
    }
    all
}

/// List devices
///
/// One's own; the bureau's officers those of its people.
#[utoipa::path(
    tag = "sync",
    params(DeviceFilter, PageQuery),
    responses((status = 200, description = "A page of devices, newest first", body = ListOf<DeviceView>)),
    extensions(("x-permission" = json!("sync")))
)]
#[get("/sync/devices")]
pub async fn devices(allowed: Allowed<sync::Use>, list: List<DeviceFilter>) -> Result<Reply, Problem> {
    allowed.read(move |conn, rights| page(conn, rights, &list)?.reply()).await
}

fn page(conn: &mut Conn, rights: &Rights, list: &List<DeviceFilter>) -> Result<Page<DeviceView>, Problem> {
    if let Some(person) = list.filter.user_id.filter(|person| *person != rights.user_id()) {
        crate::hazards::store::people::must_be_known(conn, rights, person)?;
    }
    let filtered = || {
        let mut query = sync_devices::table.filter(sight(rights)).into_boxed::<MultiBackend>();
        if let Some(person) = list.filter.user_id {
            query = query.filter(sync_devices::user_id.eq(person));
        }
        query
    };
    let rows: Vec<Device> = keyset!(filtered(), sync_devices, list).select(Device::as_select()).load(conn)?;
    let counted = if list.count {
        let some: Vec<Id> = filtered().select(sync_devices::id).limit(COUNT_LIMIT + 1).load(conn)?;
        i64::try_from(some.len()).ok()
    } else {
        None
    };
    let page = list.page(rows, |row| (row.created_at, row.id))?;
    let ids: Vec<Id> = page.data.iter().map(|row| row.id).collect();
    let people: Vec<Id> = page.data.iter().map(|row| row.user_id).collect();
    let names: HashMap<Id, String> = users::table
        .filter(users::id.eq_any(people))
        .select((users::id, users::display_name))
        .load::<(Id, String)>(conn)?
        .into_iter()
        .collect();
    let counts: Vec<(Id, OpStatus, i64)> = sync_ops::table
        .filter(sync_ops::device_id.eq_any(ids.clone()))
        .filter(sync_ops::decision.is_null())
        .group_by((sync_ops::device_id, sync_ops::status))
        .select((sync_ops::device_id, sync_ops::status, diesel::dsl::count_star()))
        .load(conn)?;
    let held: Vec<HeldRow> = sync_ops::table
        .filter(sync_ops::device_id.eq_any(ids))
        .filter(sync_ops::status.eq(OpStatus::Held))
        .order((sync_ops::device_id, sync_ops::seq))
        .select(HeldRow::as_select())
        .load(conn)?;
    Ok(page
        .map(|row| {
            let id = row.id;
            let count = |status| counts.iter().find(|one| one.0 == id && one.1 == status).map_or(0, |one| one.2);
            let name = names.get(&row.user_id).cloned().unwrap_or_default();
            let holding = held.iter().filter(|one| one.device_id == row.id).take(SHOWN).map(holding).collect();
            let (held, quarantined) = (count(OpStatus::Held), count(OpStatus::Quarantined));
            shown(row, name, (held, quarantined, count(OpStatus::Conflict)), holding)
        })
        .counted(counted))
}

/// What is told of an operation that waits; its body, which may be large, stays where it is.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = sync_ops)]
struct HeldRow {
    device_id: Id,
    op_id: Id,
    seq: i64,
    kind: String,
    record_id: Option<Id>,
    result: Doc,
    created_at: Timestamp,
}

fn holding(row: &HeldRow) -> Holding {
    let waiting = row.result.0.get("waiting_for").and_then(Value::as_array);
    let waiting = waiting.map(|all| all.iter().filter_map(|id| id.as_str()?.parse().ok()).collect());
    Holding {
        op_id: row.op_id,
        seq: row.seq,
        kind: row.kind.clone(),
        record_id: row.record_id,
        waiting_for: waiting.unwrap_or_default(),
        received_at: row.created_at,
    }
}

fn shown(row: Device, user_name: String, counts: (i64, i64, i64), holding: Vec<Holding>) -> DeviceView {
    let (held, quarantined, conflicts) = counts;
    DeviceView {
        id: row.id,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
        device_id: row.device_id,
        user_id: row.user_id,
        user_name,
        last_seen_at: row.last_seen_at,
        acked_seq: row.acked_seq,
        clock_skew_s: row.skew_s,
        held,
        quarantined,
        conflicts,
        holding,
    }
}
