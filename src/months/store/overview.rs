//! Who has not reported, and the summary of a bureau or of what lies below an organisation.

use std::collections::BTreeMap;

use diesel::dsl::{count_star, exists, not, sql};
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::reports::{contradicted, narrowed};
use super::{Condition, below, reached, reached_in_domains};
use crate::access::{Limit, Scope};
use crate::hazards::marks::Marks;
use crate::hazards::status::{Level, Status};
use crate::keyset;
use crate::months::rules::{self, Month, Periods, Stock, Tally};
use crate::orgs::rules::OrgKind;
use crate::orgs::store::in_scope;
use crate::platform::db::schema::{aggregate_entries, hazard_counters, hazards, monthly_reports, orgs};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Conn, MultiBackend};
use crate::platform::error::Problem;
use crate::platform::http::List;
use crate::platform::http::list::COUNT_LIMIT;
use crate::statistics::counters::FULL;

/// Which schools are asked about: of one bureau, or of its part below an organisation.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// The bureau, whose zone and days of grace hold.
    pub bureau_id: Id,
    /// Only below this organisation.
    pub under: Option<Id>,
}

/// A school's row of the list of those without a report.
pub type Silent = (Id, i64, Timestamp, Timestamp, String);

type Schools<'a> = orgs::BoxedQuery<'a, MultiBackend>;

/// Schools in scope that existed in the month.
fn schools<'a>(scope: &Scope, place: Place, ends: Timestamp) -> Option<Schools<'a>> {
    let query = orgs::table
        .filter(in_scope(scope)?)
        .filter(orgs::bureau_id.eq(place.bureau_id))
        .filter(orgs::kind.eq(OrgKind::School))
        .filter(orgs::created_at.lt(ends))
        .into_boxed::<MultiBackend>();
    Some(match place.under {
        Some(id) => query.filter(orgs::id.eq_any(below(id))),
        None => query,
    })
}

fn silent<'a>(scope: &Scope, place: Place, month: Month, ends: Timestamp) -> Option<Schools<'a>> {
    use monthly_reports as r;
    let reported = r::table.filter(r::org_id.eq(orgs::id)).filter(r::month.eq(month.to_string()));
    Some(schools(scope, place, ends)?.filter(not(exists(reported))))
}

/// A page of the schools that have not reported a month.
///
/// # Errors
/// Whatever the engine says.
pub fn missing<F>(
    conn: &mut Conn,
    scope: &Scope,
    place: Place,
    (month, ends): (Month, Timestamp),
    list: &List<F>,
) -> Result<(Vec<Silent>, Option<i64>), Problem> {
    let Some(query) = silent(scope, place, month, ends) else { return Ok((Vec::new(), Some(0))) };
    let columns = (orgs::id, orgs::version, orgs::created_at, orgs::updated_at, orgs::name);
    let rows: Vec<Silent> = keyset!(query.select(columns), orgs, list).load(conn)?;
    let counted = match silent(scope, place, month, ends) {
        Some(query) if list.count => {
            let ids: Vec<Id> = query.select(orgs::id).limit(COUNT_LIMIT + 1).load(conn)?;
            Some(i64::try_from(ids.len()).unwrap_or(i64::MAX))
        }
        _ => None,
    };
    Ok((rows, counted))
}

/// How many schools reported, and how.
#[derive(Debug, Clone, Copy, Default)]
pub struct Turnout {
    /// Schools that existed in the month.
    pub schools: i64,
    /// Of those, with a report, late ones included.
    pub reported: i64,
    /// Of those, late.
    pub late: i64,
    /// Of those with a report, zero reports.
    pub zero: i64,
    /// Of those, with hazards of the month in the ledger now.
    pub contradicted: i64,
}

/// Counts the reports of a month.
///
/// # Errors
/// Whatever the engine says.
pub fn turnout(
    conn: &mut Conn,
    scope: &Scope,
    place: Place,
    (month, ends): (Month, Timestamp),
) -> Result<Turnout, Problem> {
    use monthly_reports as r;
    let mut turnout = Turnout::default();
    let Some(all) = schools(scope, place, ends) else { return Ok(turnout) };
    turnout.schools = all.count().get_result(conn)?;
    let here = || reached!(monthly_reports, scope, Some(place.under.unwrap_or(place.bureau_id)));
    let (Some(sight), Some(again)) = (here(), here()) else { return Ok(turnout) };
    // As above: a school that was opened a month from before it existed is not among those due.
    let existed = || orgs::table.filter(orgs::created_at.lt(ends)).select(orgs::id);
    let groups: Vec<(bool, bool, i64)> = r::table
        .filter(sight)
        .filter(r::org_id.eq_any(existed()))
        .filter(r::month.eq(month.to_string()))
        .group_by((r::nothing_found, r::late))
        .select((r::nothing_found, r::late, count_star()))
        .load(conn)?;
    for (zero, late, count) in groups {
        turnout.reported += count;
        turnout.late += if late { count } else { 0 };
        turnout.zero += if zero { count } else { 0 };
    }
    if turnout.zero > 0 {
        turnout.contradicted = r::table
            .filter(again)
            .filter(r::org_id.eq_any(existed()))
            .filter(r::month.eq(month.to_string()))
            .filter(contradicted(narrowed(scope)))
            .count()
            .get_result(conn)?;
    }
    Ok(turnout)
}

/// The rows of the counters that a scope reaches: the bureau's own where all of it is seen, else those of the schools.
fn counters(scope: &Scope, place: Place) -> Option<Condition<hazard_counters::table>> {
    use hazard_counters as c;
    let whole = |reach: &&crate::access::Reach| {
        reach.org_id == place.bureau_id && reach.limit == Limit::Full && reach.domains.is_none()
    };
    if place.under.is_none() && scope.reaches.iter().any(|reach| whole(&reach)) {
        return Some(Box::new(c::scope_id.eq(place.bureau_id)));
    }
    let reaches = scope.reaches.iter().filter(|reach| reach.limit == Limit::Full);
    let all = reaches
        .map(|reach| -> Condition<c::table> {
            let inside: Condition<c::table> = match reach.org_kind {
                OrgKind::Bureau => Box::new(c::bureau_id.eq(reach.org_id)),
                OrgKind::Cluster => Box::new(c::scope_id.eq_any(below(reach.org_id))),
                OrgKind::School | OrgKind::Agency => Box::new(c::scope_id.eq(reach.org_id)),
            };
            match &reach.domains {
                Some(domains) => Box::new(inside.and(c::domain.eq_any(domains.clone()))),
                None => inside,
            }
        })
        .reduce(|one, other| Box::new(one.or(other)))?;
    // Rows of the bureau are sums of those of the schools.
    let schools: Condition<c::table> =
        Box::new(all.and(c::bureau_id.eq(place.bureau_id)).and(c::scope_id.ne(place.bureau_id)));
    Some(match place.under {
        Some(id) => Box::new(schools.and(c::scope_id.eq_any(below(id)))),
        None => schools,
    })
}

/// Figures of a whole scope, as the ledger stands now.
#[derive(Debug, Clone, Copy, Default)]
pub struct Whole {
    /// From the counters of the ledger; counts without rows from the reports there are.
    pub periods: Periods,
    /// Reports from January to the month.
    pub reports: i64,
    /// What those say was spent from January, in fen.
    pub spent_cumulative: i64,
    /// What those of the month say was spent.
    pub spent_month: i64,
    /// Open majors over the month.
    pub stock: Stock,
    /// Open majors from January to the end of the month.
    pub stock_of_year: Stock,
}

/// Sums a whole scope from January to the month.
///
/// # Errors
/// Whatever the engine says.
pub fn whole(
    conn: &mut Conn,
    scope: &Scope,
    place: Place,
    (month, zone): (Month, chrono_tz::Tz),
) -> Result<Whole, Problem> {
    let mut whole = Whole::default();
    let here = Some(place.under.unwrap_or(place.bureau_id));
    let months = (month.january().to_string(), month.to_string());
    if let Some(sight) = counters(scope, place) {
        use hazard_counters as c;
        let sum = |what: &str| sql::<BigInt>(&format!("CAST(SUM({what}) AS bigint)"));
        let rows: Vec<(String, Level, i64, i64)> = c::table
            .filter(sight)
            .filter(c::rollup.eq(FULL))
            .filter(c::month.between(&months.0, &months.1))
            .group_by((c::month, c::level))
            .select((c::month, c::level, sum("found"), sum("closed")))
            .load(conn)?;
        for (of, level, found, closed) in rows {
            let tally = match level {
                Level::General => Tally { general_found: found, general_closed: closed, ..Tally::default() },
                Level::Major => Tally { major_found: found, major_closed: closed, ..Tally::default() },
            };
            add(&mut whole.periods, of == months.1, &tally);
        }
    }
    if let Some(sight) = reached_in_domains!(aggregate_entries, scope, here) {
        use aggregate_entries as e;
        let sum = |what: &str| sql::<BigInt>(&format!("CAST(SUM({what}) AS bigint)"));
        let rows: Vec<(String, i64, i64)> = e::table
            .filter(sight)
            .filter(e::month.between(&months.0, &months.1))
            .group_by(e::month)
            .select((e::month, sum("found"), sum("rectified")))
            .load(conn)?;
        for (of, aggregate_found, aggregate_rectified) in rows {
            let tally = Tally { aggregate_found, aggregate_rectified, ..Tally::default() };
            add(&mut whole.periods, of == months.1, &tally);
        }
    }
    if let Some(sight) = reached!(monthly_reports, scope, here) {
        use monthly_reports as r;
        let rows: Vec<(String, i64, i64)> = r::table
            .filter(sight)
            .filter(r::month.between(&months.0, &months.1))
            .group_by(r::month)
            .select((r::month, count_star(), sql::<BigInt>("CAST(SUM(spent_fen) AS bigint)")))
            .load(conn)?;
        for (of, reports, spent) in rows {
            whole.reports += reports;
            whole.spent_cumulative = whole.spent_cumulative.saturating_add(spent);
            whole.spent_month += if of == months.1 { spent } else { 0 };
        }
    }
    majors(conn, scope, here, (month, zone), &mut whole)?;
    Ok(whole)
}

fn add(periods: &mut Periods, of_month: bool, tally: &Tally) {
    periods.cumulative.add(tally);
    if of_month {
        periods.month.add(tally);
    }
}

type Major = (Timestamp, Option<Timestamp>, Option<Timestamp>, Doc);

/// Majors are few: those open since January are read row by row, for plans, listings and the stock.
fn majors(
    conn: &mut Conn,
    scope: &Scope,
    here: Option<Id>,
    (month, zone): (Month, chrono_tz::Tz),
    whole: &mut Whole,
) -> Result<(), Problem> {
    let Some(sight) = reached_in_domains!(hazards, scope, here) else { return Ok(()) };
    let (january, begins, ends) = (month.january().begins(zone), month.begins(zone), month.ends(zone));
    let rows: Vec<Major> = hazards::table
        .filter(sight)
        .filter(hazards::level.eq(Level::Major))
        .filter(hazards::status.ne(Status::Void))
        .filter(hazards::registered_at.lt(Timestamp::from(ends)))
        .filter(hazards::closed_at.is_null().nullable().or(hazards::closed_at.ge(Timestamp::from(january))))
        .select((hazards::registered_at, hazards::closed_at, hazards::plan_filed_at, hazards::marks))
        .load(conn)?;
    let mut spans = Vec::with_capacity(rows.len());
    let mut marked: BTreeMap<bool, (i64, i64)> = BTreeMap::new();
    for (registered, closed, plan, marks) in rows {
        spans.push((registered.utc(), closed.map(Timestamp::utc)));
        if registered.utc() >= january {
            let (planned, listed) = marked.entry(registered.utc() >= begins).or_default();
            *planned += i64::from(plan.is_some());
            *listed += i64::from(marks.read::<Marks>().listed);
        }
    }
    for (of_month, (major_planned, major_listed)) in marked {
        add(&mut whole.periods, of_month, &Tally { major_planned, major_listed, ..Tally::default() });
    }
    whole.stock = rules::stock(&spans, begins, ends);
    whole.stock_of_year = rules::stock(&spans, january, ends);
    Ok(())
}
