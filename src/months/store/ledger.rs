//! What the ledger says of one school and month, and the copy that a report keeps of it.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use diesel::prelude::*;

use crate::hazards::marks::Marks;
use crate::hazards::status::{Level, Status};
use crate::months::rules::{self, Amounts, Finding, Frozen, Month};
use crate::platform::db::Conn;
use crate::platform::db::schema::{aggregate_entries, hazard_rounds, hazards, monthly_reports};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::error::Problem;

use super::reports::AggregateEntry;

type Line = (Timestamp, String, Level, Option<Timestamp>, Option<Timestamp>, Doc);

/// The hazards of a school registered from January to the end of the month, void ones left out.
fn findings(conn: &mut Conn, org_id: Id, month: Month, zone: Tz) -> Result<Vec<Finding>, Problem> {
    let (from, until) = (Timestamp::from(month.january().begins(zone)), Timestamp::from(month.ends(zone)));
    // A hazard's row is made when it is registered: the index of the school is in that order.
    let rows: Vec<Line> = hazards::table
        .filter(hazards::org_id.eq(org_id))
        .filter(hazards::created_at.ge(from).and(hazards::created_at.lt(until)))
        .filter(hazards::status.ne(Status::Void))
        .select((
            hazards::registered_at,
            hazards::domain,
            hazards::level,
            hazards::closed_at,
            hazards::plan_filed_at,
            hazards::marks,
        ))
        .load(conn)?;
    let finding = |(registered_at, domain, level, closed_at, plan, marks): Line| Finding {
        registered_at: registered_at.utc(),
        domain,
        level,
        closed_at: closed_at.map(Timestamp::utc),
        planned: plan.is_some(),
        listed: marks.read::<Marks>().listed,
    };
    Ok(rows.into_iter().map(finding).collect())
}

/// What rectification cost, by the month in which it was reported done.
fn costs(conn: &mut Conn, org_id: Id, month: Month, zone: Tz) -> Result<BTreeMap<Month, i64>, Problem> {
    let (from, until) = (Timestamp::from(month.january().begins(zone)), Timestamp::from(month.ends(zone)));
    let rows: Vec<(Option<Timestamp>, Option<i64>)> = hazard_rounds::table
        .inner_join(hazards::table.on(hazards::id.eq(hazard_rounds::hazard_id)))
        .filter(hazards::org_id.eq(org_id))
        .filter(hazards::status.ne(Status::Void))
        .filter(hazard_rounds::reported_at.ge(from).and(hazard_rounds::reported_at.lt(until)))
        .filter(hazard_rounds::cost_fen.is_not_null())
        .select((hazard_rounds::reported_at, hazard_rounds::cost_fen))
        .load(conn)?;
    let mut months: BTreeMap<Month, i64> = BTreeMap::new();
    for (at, cost) in rows.into_iter().filter_map(|(at, cost)| at.zip(cost)) {
        let sum = months.entry(Month::of(at.utc(), zone)).or_default();
        *sum = sum.saturating_add(cost);
    }
    Ok(months)
}

/// The figures of a school and month as they stand now.
#[derive(Debug)]
pub struct Standing {
    /// Hazards of the month itself, of both levels.
    pub in_ledger: i64,
    /// The copy to keep.
    pub frozen: Frozen,
}

/// Takes the copy. `entries` and `stated_spent_fen` are those of the report that is being written; of the other months
/// of the year their reports are asked.
///
/// # Errors
/// Whatever the engine says.
pub fn standing(
    conn: &mut Conn,
    (org_id, month, zone): (Id, Month, Tz),
    entries: &[AggregateEntry],
    stated_spent_fen: Option<i64>,
    now: Timestamp,
) -> Result<Standing, Problem> {
    let mut domains = rules::count(&findings(conn, org_id, month, zone)?, month, zone);
    let in_ledger = domains.values().map(|one| one.month.general_found + one.month.major_found).sum();
    for entry in entries {
        let periods = domains.entry(entry.domain.clone()).or_default();
        for tally in [&mut periods.cumulative, &mut periods.month] {
            tally.aggregate_found += entry.found;
            tally.aggregate_rectified += entry.rectified;
        }
    }
    for (domain, found, rectified) in earlier_entries(conn, org_id, month)? {
        let tally = &mut domains.entry(domain).or_default().cumulative;
        tally.aggregate_found += found;
        tally.aggregate_rectified += rectified;
    }
    let ledger = costs(conn, org_id, month, zone)?;
    let of_month = stated_spent_fen.or_else(|| ledger.get(&month).copied()).unwrap_or(0);
    let mut reported = earlier_spending(conn, org_id, month)?;
    reported.insert(month, of_month);
    let spent_fen = Amounts { cumulative: rules::spent_to_date(month, &reported, &ledger), month: of_month };
    let as_of = month.as_of(now.utc(), zone).into();
    Ok(Standing { in_ledger, frozen: Frozen { as_of, domains, spent_fen } })
}

/// Counts that the school's reports of the earlier months of the year entered.
fn earlier_entries(conn: &mut Conn, org_id: Id, month: Month) -> Result<Vec<(String, i64, i64)>, Problem> {
    use aggregate_entries as e;
    Ok(e::table
        .filter(e::org_id.eq(org_id))
        .filter(e::month.ge(month.january().to_string()).and(e::month.lt(month.to_string())))
        .select((e::domain, e::found, e::rectified))
        .load(conn)?)
}

fn earlier_spending(conn: &mut Conn, org_id: Id, month: Month) -> Result<BTreeMap<Month, i64>, Problem> {
    use monthly_reports as r;
    let rows: Vec<(String, i64)> = r::table
        .filter(r::org_id.eq(org_id))
        .filter(r::month.ge(month.january().to_string()).and(r::month.lt(month.to_string())))
        .select((r::month, r::spent_fen))
        .load(conn)?;
    Ok(rows.into_iter().filter_map(|(month, spent)| Some((month.parse().ok()?, spent))).collect())
}
