//! Reading reports through the scope of the caller: who triages sees what there is to triage, each reporter the own.

use std::collections::HashSet;

use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Row;
use crate::access::{Limit, Permission, Reach, Rights, Role};
use crate::hazards::deadline::{end_of_day, start_of_day};
use crate::hazards::store::read::zones;
use crate::platform::db::schema::reports;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, MultiBackend};
use crate::platform::error::{Code, Problem};
use crate::platform::http::list::COUNT_LIMIT;
use crate::platform::http::{FieldError, List, Page};
use crate::reports::words::{ReportKind, ReportStatus};
use crate::{in_reach, keyset};

type Condition = Box<dyn BoxableExpression<reports::table, MultiBackend, SqlType = Nullable<Bool>>>;

/// What one reach of `report.triage` shows. What nobody has put into a domain yet is shown to those who answer for all
/// of them.
fn triaged_through(reach: &Reach) -> Option<Condition> {
    let inside: Condition = Box::new(in_reach!(reports, reach).nullable());
    let inside: Condition = match &reach.domains {
        Some(domains) => Box::new(inside.and(reports::domain.eq_any(domains.clone()))),
        None if reach.role == Role::SectionOfficer => Box::new(inside.and(reports::domain.is_not_null().nullable())),
        None => inside,
    };
    match reach.limit {
        Limit::Full => Some(inside),
        Limit::Hints => Some(Box::new(inside.and(reports::kind.eq(ReportKind::Hint).nullable()))),
        _ => None,
    }
}

fn either(conditions: impl Iterator<Item = Condition>) -> Option<Condition> {
    conditions.reduce(|one, other| Box::new(one.or(other)))
}

/// What the caller triages. Who belongs to a school, whatever else they are, neither judges nor learns of what others
/// point out about it: a reporter never reaches the school.
fn to_triage(rights: &Rights) -> Option<Condition> {
    let scope = rights.of(Permission::ReportTriage);
    let all = either(scope.reaches.iter().filter_map(triaged_through))?;
    if scope.own_schools.is_empty() {
        return Some(all);
    }
    let elsewhere = reports::kind.eq(ReportKind::Hint).or(reports::org_id.ne_all(scope.own_schools));
    Some(Box::new(all.and(elsewhere.nullable())))
}

/// What the caller triages, and what the caller reported.
fn sight(rights: &Rights) -> Option<Condition> {
    let me = rights.user_id();
    let own = |reach: &Reach| -> Condition {
        Box::new(in_reach!(reports, reach).nullable().and(reports::reported_by.eq(me)))
    };
    let scope = rights.of(Permission::HazardReport);
    either(to_triage(rights).into_iter().chain(scope.reaches.iter().map(own)))
}

/// One report, if the caller sees it.
///
/// # Errors
/// 404 where it is absent or out of sight.
pub fn one(conn: &mut Conn, rights: &Rights, id: Id) -> Result<Row, Problem> {
    let sight = sight(rights).ok_or_else(Problem::not_found)?;
    Ok(reports::table.filter(reports::id.eq(id)).filter(sight).select(Row::as_select()).first(conn)?)
}

/// Which of these reports the caller sees; no statement where there are none.
///
/// # Errors
/// Whatever the engine says.
pub fn among(conn: &mut Conn, rights: &Rights, ids: &[Id]) -> Result<HashSet<Id>, Problem> {
    let Some(sight) = sight(rights).filter(|_| !ids.is_empty()) else { return Ok(HashSet::new()) };
    let found: Vec<Id> =
        reports::table.filter(reports::id.eq_any(ids.to_vec())).filter(sight).select(reports::id).load(conn)?;
    Ok(found.into_iter().collect())
}

/// One report, if the caller triages it.
///
/// # Errors
/// 404 where it is absent or out of sight.
pub fn one_to_triage(conn: &mut Conn, rights: &Rights, id: Id) -> Result<Row, Problem> {
    let sight = to_triage(rights).ok_or_else(Problem::not_found)?;
    Ok(reports::table.filter(reports::id.eq(id)).filter(sight).select(Row::as_select()).first(conn)?)
}

/// As [`one_to_triage`], and on PostgreSQL nobody else changes it until this transaction ends.
///
/// # Errors
/// As [`one_to_triage`].
pub fn one_to_change(conn: &mut Conn, rights: &Rights, id: Id) -> Result<Row, Problem> {
    if let Conn::Postgres(postgres) = conn {
        let _: Option<Id> = reports::table.find(id).select(reports::id).for_update().first(postgres).optional()?;
    }
    one_to_triage(conn, rights, id)
}

/// Filters of the list of reports; days are those of the bureau's zone, both ends belong to the range.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReportFilter {
    /// Where it stands.
    status: Option<ReportStatus>,
    /// Who pointed it out.
    kind: Option<ReportKind>,
    /// Of this school.
    org_id: Option<Id>,
    /// Received on this day or later.
    from: Option<NaiveDate>,
    /// Received on this day or earlier.
    to: Option<NaiveDate>,
}

/// A page of what the caller sees, newest first.
///
/// # Errors
/// 404 for an organisation out of sight, 400 for a day that no calendar of ours holds.
pub fn list(conn: &mut Conn, rights: &Rights, list: &List<ReportFilter>) -> Result<Page<Row>, Problem> {
    let filter = &list.filter;
    for (name, day) in [("from", filter.from), ("to", filter.to)] {
        if day.is_some_and(|day| !(2000..=2100).contains(&day.year())) {
            let error =
                FieldError::new(name, "out_of_range", "须在 2000 年与 2100 年之间", "must be between 2000 and 2100");
            return Err(Problem::new(Code::InvalidParameter).errors(vec![error]));
        }
    }
    if let Some(org) = filter.org_id {
        crate::orgs::store::visible(conn, &rights.of(Permission::OrgRead), org)?;
    }
    let bureaus = rights.of(Permission::HazardReport).bureaus();
    let zone = zones(conn, &bureaus)?.into_values().next().unwrap_or(chrono_tz::Asia::Shanghai);
    let Some(condition) = filtered(rights, filter, zone) else {
        return list.page(Vec::new(), |row: &Row| (row.created_at, row.id));
    };
    let query = reports::table.filter(condition).select(Row::as_select()).into_boxed::<MultiBackend>();
    let rows: Vec<Row> = keyset!(query, reports, list).load(conn)?;
    let counted = match (list.count, filtered(rights, filter, zone)) {
        (true, Some(condition)) => {
            let some: Vec<Id> =
                reports::table.filter(condition).select(reports::id).limit(COUNT_LIMIT + 1).load(conn)?;
            i64::try_from(some.len()).ok()
        }
        _ => None,
    };
    Ok(list.page(rows, |row| (row.created_at, row.id))?.counted(counted))
}

fn filtered(rights: &Rights, filter: &ReportFilter, zone: Tz) -> Option<Condition> {
    let mut all = sight(rights)?;
    macro_rules! and {
        ($condition:expr) => {
            all = Box::new(all.and($condition.nullable()))
        };
    }
    if let Some(status) = filter.status {
        and!(reports::status.eq(status));
    }
    if let Some(kind) = filter.kind {
        and!(reports::kind.eq(kind));
    }
    if let Some(org) = filter.org_id {
        and!(reports::org_id.eq(org));
    }
    if let Some(from) = filter.from {
        and!(reports::created_at.ge(Timestamp::from(start_of_day(from, zone))));
    }
    if let Some(to) = filter.to {
        and!(reports::created_at.le(Timestamp::from(end_of_day(to, zone))));
    }
    Some(all)
}
