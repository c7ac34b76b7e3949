//! The row of a plan and what is shown of it.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::sight::{plans_in, schools_in};
use crate::access::Rights;
use crate::inspections::rules::InspectionKind;
use crate::keyset;
use crate::plans::bodies::{Period, PlanInspectors, PlanSchools};
use crate::plans::rules::{PlanStatus, Recurrence};
use crate::platform::db::schema::{plan_kinds, plan_schedules, plan_schools, plans};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::Problem;
use crate::platform::http::list::COUNT_LIMIT;
use crate::platform::http::{List, Page, Record};
use crate::platform::journal::{Event, Stream};

/// A plan as stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = plans)]
#[expect(missing_docs, reason = "the columns are explained in the migrations")]
pub struct PlanRow {
    pub id: Id,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub created_by: Id,
    pub body_hash: Option<Vec<u8>>,
    pub bureau_id: Id,
    pub org_id: Id,
    pub title: String,
    pub announced: bool,
    pub campaign: bool,
    pub recurring: bool,
    pub status: PlanStatus,
    pub checklist_ids: Doc,
    pub asked: Doc,
    pub from_on: NaiveDate,
    pub to_on: Option<NaiveDate>,
    pub activated_at: Option<Timestamp>,
    pub activated_by: Option<Id>,
    pub ended_at: Option<Timestamp>,
    pub ended_by: Option<Id>,
    pub end_reason: Option<String>,
}

/// The schools and people of a plan as they were named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Which schools.
    pub schools: PlanSchools,
    /// Who goes there.
    pub inspectors: PlanInspectors,
}

/// A plan.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Plan)]
pub struct PlanView {
    /// Of the plan.
    pub id: Id,
    /// Counts its changes.
    pub version: i64,
    /// When it was drawn up.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Who drew it up.
    pub created_by: Id,
    /// The bureau.
    pub bureau_id: Id,
    /// Who keeps it: the bureau, or a school its own.
    pub org_id: Id,
    /// Its name.
    pub title: String,
    /// The kinds of its inspections: one of each at every school and occurrence.
    pub kinds: Vec<InspectionKind>,
    /// Whether the schools know beforehand.
    pub announced: bool,
    /// Part of a campaign.
    pub campaign: bool,
    /// Where it stands.
    pub status: PlanStatus,
    /// With which checklists.
    pub checklist_ids: Vec<Id>,
    /// From when until when.
    pub period: Period,
    /// How often; null for once.
    #[schema(required)]
    pub recurrence: Option<Recurrence>,
    /// How many of its schools the reader sees; the matrix names them with their teams.
    pub school_count: i64,
    /// When it came into force.
    #[schema(required)]
    pub activated_at: Option<Timestamp>,
    /// Who brought it into force; inspections of a recurring plan are made with that person's rights.
    #[schema(required)]
    pub activated_by: Option<Id>,
    /// When it ended.
    #[schema(required)]
    pub ended_at: Option<Timestamp>,
    /// Who ended it.
    #[schema(required)]
    pub ended_by: Option<Id>,
    /// Why it ended.
    #[schema(required)]
    pub end_reason: Option<String>,
}

impl Record for PlanView {
    fn version(&self) -> i64 {
        self.version
    }
}

/// Rows as they are shown: three more statements, however many rows.
///
/// # Errors
/// Whatever the engine says.
fn views(conn: &mut Conn, rights: &Rights, rows: Vec<PlanRow>) -> Result<Vec<PlanView>, Problem> {
    let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
    let counts: Vec<(Id, i64)> = plan_schools::table
        .filter(plan_schools::plan_id.eq_any(ids.clone()))
        .filter(schools_in(rights))
        .group_by(plan_schools::plan_id)
        .select((plan_schools::plan_id, diesel::dsl::count_star()))
        .load(conn)?;
    let counts: HashMap<Id, i64> = counts.into_iter().collect();
    let schedules: Vec<(Id, Doc)> = plan_schedules::table
        .filter(plan_schedules::plan_id.eq_any(ids.clone()))
        .order((plan_schedules::plan_id, plan_schedules::from_on))
        .select((plan_schedules::plan_id, plan_schedules::recurrence))
        .load(conn)?;
    let kinds = kinds_by_plan(conn, ids)?;
    // The last one stands.
    let schedules: HashMap<Id, Doc> = schedules.into_iter().collect();
    rows.into_iter()
        .map(|row| {
            let recurrence = schedules.get(&row.id).map(|doc| Recurrence::deserialize(&doc.0));
            Ok(PlanView {
                id: row.id,
                version: row.version,
                created_at: row.created_at,
                updated_at: row.updated_at,
                created_by: row.created_by,
                bureau_id: row.bureau_id,
                org_id: row.org_id,
                title: row.title,
                kinds: kinds.get(&row.id).cloned().unwrap_or_default(),
                announced: row.announced,
                campaign: row.campaign,
                status: row.status,
                checklist_ids: row.checklist_ids.read(),
                period: Period { from: row.from_on, to: row.to_on },
                recurrence: recurrence.transpose().map_err(Problem::internal)?,
                school_count: counts.get(&row.id).copied().unwrap_or(0),
                activated_at: row.activated_at,
                activated_by: row.activated_by,
                ended_at: row.ended_at,
                ended_by: row.ended_by,
                end_reason: row.end_reason,
            })
        })
        .collect()
}

/// One plan as it is shown.
///
/// # Errors
/// Whatever the engine says.
pub fn view(conn: &mut Conn, rights: &Rights, row: PlanRow) -> Result<PlanView, Problem> {
    views(conn, rights, vec![row])?.pop().ok_or_else(Problem::not_found)
}

/// The kinds of some plans, each in the order in which they were named.
fn kinds_by_plan(conn: &mut Conn, ids: Vec<Id>) -> Result<HashMap<Id, Vec<InspectionKind>>, Problem> {
    let rows: Vec<(Id, InspectionKind)> = plan_kinds::table
        .filter(plan_kinds::plan_id.eq_any(ids))
        .order((plan_kinds::plan_id, plan_kinds::position))
        .select((plan_kinds::plan_id, plan_kinds::kind))
        .load(conn)?;
    let mut kinds: HashMap<Id, Vec<InspectionKind>> = HashMap::new();
    for (id, kind) in rows {
        kinds.entry(id).or_default().push(kind);
    }
    Ok(kinds)
}

/// The kinds of a plan in the order in which they were named.
///
/// # Errors
/// Whatever the engine says.
pub fn kinds_of(conn: &mut Conn, id: Id) -> Result<Vec<InspectionKind>, Problem> {
    Ok(kinds_by_plan(conn, vec![id])?.remove(&id).unwrap_or_default())
}

/// The row, whoever asks.
///
/// # Errors
/// 404 where there is none.
pub fn row_of(conn: &mut Conn, id: Id) -> Result<PlanRow, Problem> {
    Ok(plans::table.find(id).select(PlanRow::as_select()).first(conn)?)
}

/// Ends a change: the plan as it is now, with its journal entry. Schools learn of the bureau's plans by the inspections
/// that come of them, never by the plan.
///
/// # Errors
/// Whatever the engine says.
pub fn finish(
    tx: &mut Tx<'_>,
    rights: &Rights,
    id: Id,
    action: &'static str,
    payload: Value,
) -> Result<(Receipt, PlanView), Problem> {
    let row = row_of(tx.conn, id)?;
    let event = event(&row, action).with(payload);
    let view = view(tx.conn, rights, row)?;
    Ok((tx.record(event)?, view))
}

/// Something that happened to a plan.
#[must_use]
pub fn event(row: &PlanRow, action: &'static str) -> Event {
    let stream = if row.org_id == row.bureau_id { Stream::Bureau } else { Stream::Open };
    Event::of("plan", row.id, action).stream(stream).at(row.bureau_id, row.org_id)
}

/// Which plans.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PlanFilter {
    /// In this status.
    pub status: Option<PlanStatus>,
    /// With inspections of this kind.
    pub kind: Option<InspectionKind>,
    /// Kept by this organisation: the bureau, or a school.
    pub org_id: Option<Id>,
}

/// A page of the plans in sight, newest first.
///
/// # Errors
/// 404 for an organisation out of sight.
pub fn list(conn: &mut Conn, rights: &Rights, list: &List<PlanFilter>) -> Result<Page<PlanView>, Problem> {
    let filter = &list.filter;
    if let Some(org_id) = filter.org_id {
        rights.scope().org(conn, org_id)?;
    }
    let filtered = || {
        let mut query = plans::table.filter(plans_in(rights)).into_boxed();
        if let Some(status) = filter.status {
            query = query.filter(plans::status.eq(status));
        }
        if let Some(kind) = filter.kind {
            let with = plan_kinds::table.filter(plan_kinds::kind.eq(kind)).select(plan_kinds::plan_id);
            query = query.filter(plans::id.eq_any(with));
        }
        if let Some(org_id) = filter.org_id {
            query = query.filter(plans::org_id.eq(org_id));
        }
        query
    };
    let rows: Vec<PlanRow> = keyset!(filtered(), plans, list).select(PlanRow::as_select()).load(conn)?;
    let counted = if list.count {
        let found: Vec<Id> = filtered().select(plans::id).limit(COUNT_LIMIT + 1).load(conn)?;
        i64::try_from(found.len()).ok()
    } else {
        None
    };
    let page = list.page(rows, |row| (row.created_at, row.id))?;
    Ok(Page { data: views(conn, rights, page.data)?, page: page.page }.counted(counted))
}
