//! Rows of monthly reports.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Condition, reached};
use crate::access::Scope;
use crate::keyset;
use crate::months::rules::{Month, MonthStatus};
use crate::platform::db::schema::{aggregate_entries, hazard_counters, monthly_reports};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Conn, MultiBackend};
use crate::platform::error::{Code, Problem};
use crate::platform::http::list::COUNT_LIMIT;
use crate::platform::http::{FieldError, List};
use crate::statistics::counters::FULL;

/// A row.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = monthly_reports)]
#[expect(missing_docs, reason = "the columns are explained where they are shown")]
pub struct Row {
    pub id: Id,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub created_by: Id,
    pub body_hash: Option<Vec<u8>>,
    pub bureau_id: Id,
    pub org_id: Id,
    pub month: String,
    pub nothing_found: bool,
    pub note: Option<String>,
    /// What the school stated; nothing where the ledger was asked.
    pub stated_spent_fen: Option<i64>,
    /// What counts.
    pub spent_fen: i64,
    pub late: bool,
    pub corrected_late: bool,
    pub submitted_at: Timestamp,
    pub submitted_by: Id,
    pub figures: Doc,
}

/// Mass general hazards of one domain, entered as counts without a row each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AggregateEntry {
    /// The domain.
    #[schema(example = "fire")]
    pub domain: String,
    /// Found in the month.
    #[schema(minimum = 1, maximum = 100_000, example = 12)]
    pub found: i64,
    /// Of those, put right.
    #[schema(minimum = 0, maximum = 100_000, example = 12)]
    pub rectified: i64,
}

/// The query of the list of reports.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReportFilter {
    /// Only of this month.
    pub month: Option<Month>,
    /// Only of this school.
    pub org_id: Option<Id>,
    /// Only of schools below this organisation.
    pub under: Option<Id>,
    /// `reported` or `late`; who has not reported is told by `/monthly-reports/missing`.
    pub status: Option<MonthStatus>,
    /// Only zero reports, or only others.
    pub nothing_found: Option<bool>,
    /// Only zero reports of months in which the ledger now has hazards; or all others.
    pub contradicted: Option<bool>,
}

type Boxed<'a> = monthly_reports::BoxedQuery<'a, MultiBackend>;

/// Zero reports of months in which the ledger now has hazards of these domains (all where nothing is said).
pub(super) fn contradicted(domains: Option<Vec<String>>) -> Condition<monthly_reports::table> {
    use {hazard_counters as c, monthly_reports as r};
    let counted = || {
        c::table
            .filter(c::scope_id.eq(r::org_id))
            .filter(c::rollup.eq(FULL))
            .filter(c::month.eq(r::month))
            .filter(c::found.gt(0))
    };
    match domains {
        Some(domains) => {
            Box::new(r::nothing_found.eq(true).and(diesel::dsl::exists(counted().filter(c::domain.eq_any(domains)))))
        }
        None => Box::new(r::nothing_found.eq(true).and(diesel::dsl::exists(counted()))),
    }
}

/// The domains a scope is narrowed to, where every part of it is.
pub(super) fn narrowed(scope: &Scope) -> Option<Vec<String>> {
    let parts: Option<Vec<&Vec<String>>> = scope.reaches.iter().map(|reach| reach.domains.as_ref()).collect();
    parts.map(|parts| parts.into_iter().flatten().cloned().collect())
}

fn filtered<'a>(scope: &Scope, filter: &ReportFilter) -> Result<Option<Boxed<'a>>, Problem> {
    use monthly_reports as r;
    let Some(sight) = reached!(monthly_reports, scope, filter.under) else { return Ok(None) };
    let mut query = r::table.filter(sight).into_boxed::<MultiBackend>();
    if let Some(month) = filter.month {
        query = query.filter(r::month.eq(month.to_string()));
    }
    if let Some(org_id) = filter.org_id {
        query = query.filter(r::org_id.eq(org_id));
    }
    match filter.status {
        None => {}
        Some(MonthStatus::Reported) => query = query.filter(r::late.eq(false)),
        Some(MonthStatus::Late) => query = query.filter(r::late.eq(true)),
        Some(MonthStatus::Missing | MonthStatus::Pending) => {
            return Err(Problem::new(Code::InvalidParameter).errors(vec![FieldError::new(
                "status",
                "unknown_value",
                "此处可用：reported、late；未报送的学校见 /monthly-reports/missing",
                "must be reported or late here; who has not reported is told by /monthly-reports/missing",
            )]));
        }
    }
    if let Some(nothing_found) = filter.nothing_found {
        query = query.filter(r::nothing_found.eq(nothing_found));
    }
    match filter.contradicted {
        Some(true) => query = query.filter(contradicted(narrowed(scope))),
        Some(false) => query = query.filter(diesel::dsl::not(contradicted(narrowed(scope)))),
        None => {}
    }
    Ok(Some(query))
}

/// One page, one row more to know whether there is a next.
///
/// # Errors
/// 404 for an organisation out of sight; 400 for a status that no report has.
pub fn list(conn: &mut Conn, scope: &Scope, list: &List<ReportFilter>) -> Result<Vec<Row>, Problem> {
    for org_id in list.filter.org_id.iter().chain(&list.filter.under) {
        scope.org(conn, *org_id)?;
    }
    let Some(query) = filtered(scope, &list.filter)? else { return Ok(Vec::new()) };
    Ok(keyset!(query.select(Row::as_select()), monthly_reports, list).load(conn)?)
}

/// How many rows the whole list has, counted no further than the limit of counts; nothing where nobody asked.
///
/// # Errors
/// Whatever the engine says.
pub fn counted(conn: &mut Conn, scope: &Scope, list: &List<ReportFilter>) -> Result<Option<i64>, Problem> {
    if !list.count {
        return Ok(None);
    }
    let Some(query) = filtered(scope, &list.filter)? else { return Ok(Some(0)) };
    let ids: Vec<Id> = query.select(monthly_reports::id).limit(COUNT_LIMIT + 1).load(conn)?;
    Ok(Some(i64::try_from(ids.len()).unwrap_or(i64::MAX)))
}

/// One report, if the scope sees it.
///
/// # Errors
/// 404 where it is absent or out of sight.
pub fn one(conn: &mut Conn, scope: &Scope, id: Id) -> Result<Row, Problem> {
    let sight = reached!(monthly_reports, scope, None).ok_or_else(Problem::not_found)?;
    let found = monthly_reports::table.filter(monthly_reports::id.eq(id)).filter(sight);
    Ok(found.select(Row::as_select()).first(conn)?)
}

/// As [`one`], and on PostgreSQL nobody else changes it until this transaction ends.
///
/// # Errors
/// As [`one`].
pub fn one_to_change(conn: &mut Conn, scope: &Scope, id: Id) -> Result<Row, Problem> {
    if let Conn::Postgres(postgres) = conn {
        let row = monthly_reports::table.find(id).select(monthly_reports::id);
        let _: Option<Id> = row.for_update().first(postgres).optional()?;
    }
    one(conn, scope, id)
}

/// A report of this id, whosever.
///
/// # Errors
/// Whatever the engine says.
pub fn stored(conn: &mut Conn, id: Id) -> Result<Option<Row>, Problem> {
    Ok(monthly_reports::table.find(id).select(Row::as_select()).first(conn).optional()?)
}

/// The report of a school for a month.
///
/// # Errors
/// Whatever the engine says.
pub fn of_month(conn: &mut Conn, org_id: Id, month: Month) -> Result<Option<Row>, Problem> {
    use monthly_reports as r;
    let found = r::table.filter(r::org_id.eq(org_id)).filter(r::month.eq(month.to_string()));
    Ok(found.select(Row::as_select()).first(conn).optional()?)
}

/// The counts entered in these reports, with the report of each, in the order of domains.
///
/// # Errors
/// Whatever the engine says.
pub fn entries(conn: &mut Conn, reports: &[Id]) -> Result<Vec<(Id, AggregateEntry)>, Problem> {
    use aggregate_entries as e;
    let rows: Vec<(Id, String, i64, i64)> = e::table
        .filter(e::report_id.eq_any(reports))
        .order(e::domain)
        .select((e::report_id, e::domain, e::found, e::rectified))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(report, domain, found, rectified)| (report, AggregateEntry { domain, found, rectified }))
        .collect())
}
