//! Counting what the caller sees.

use std::collections::{BTreeMap, BTreeSet};

use diesel::dsl::count_star;
use diesel::prelude::*;

use crate::access::{OrgRef, Permission, Rights};
use crate::inspections::rules::{InspectionKind as Kind, InspectionStatus as Status, Outcome};
use crate::inspections::store::{AnswerCondition, Condition, answers_in, inspections_in};
use crate::orgs::rules::OrgKind;
use crate::platform::db::schema::{answers, inspection_team, inspections, org_closure, orgs, users};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, MultiBackend};
use crate::platform::error::Problem;

/// Ids bound to one statement; an engine takes only so many.
const CHUNK: usize = 5000;

/// Which visits: those that began from the first instant on and before the second, below an organisation.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// From this instant.
    pub from: Timestamp,
    /// Before this instant.
    pub until: Timestamp,
    /// Only of this organisation and what is below it, which the caller is known to reach.
    pub org: Option<&'a OrgRef>,
}

/// A school by name.
pub type School = (Id, String);

fn visits(conn: &mut Conn, rights: &Rights, asked: Asked<'_>) -> Result<Condition, Problem> {
    let sight = inspections_in(conn, &rights.of(Permission::InspectionRead))?;
    let began = inspections::started_at.ge(asked.from).and(inspections::started_at.lt(asked.until)).assume_not_null();
    let valid = inspections::status.ne(Status::Void).and(inspections::started_at.is_not_null());
    let visits = sight.and(valid).and(began);
    Ok(match asked.org {
        Some(org) => Box::new(visits.and(inspections::org_id.eq_any(below(org.id)))),
        None => Box::new(visits),
    })
}

/// The visits of the bureau's side: what a school checks by itself is no visit.
fn of_the_bureau(conn: &mut Conn, rights: &Rights, asked: Asked<'_>) -> Result<Condition, Problem> {
    let own = [Kind::Patrol, Kind::SelfCheck];
    Ok(Box::new(visits(conn, rights, asked)?.and(inspections::kind.ne_all(own))))
}

#[diesel::dsl::auto_type(no_type_alias)]
fn below(org: Id) -> _ {
    org_closure::table.filter(org_closure::ancestor_id.eq(org)).select(org_closure::descendant_id)
}

/// The schools the caller reaches with `report.read`, below `org` where one is given.
fn schools(conn: &mut Conn, rights: &Rights, org: Option<&OrgRef>) -> Result<Vec<School>, Problem> {
    let roots: Vec<Id> = rights.of(Permission::ReportRead).reaches.iter().map(|reach| reach.org_id).collect();
    let reached = org_closure::table.filter(org_closure::ancestor_id.eq_any(roots)).select(org_closure::descendant_id);
    let mut query = orgs::table
        .filter(orgs::kind.eq(OrgKind::School))
        .filter(orgs::id.eq_any(reached))
        .select((orgs::id, orgs::name))
        .order((orgs::name, orgs::id))
        .into_boxed::<MultiBackend>();
    if let Some(org) = org {
        query = query.filter(orgs::id.eq_any(below(org.id)));
    }
    Ok(query.load(conn)?)
}

/// How often each school was visited by the bureau's side, never-visited ones with zero, by name.
///
/// # Errors
/// Whatever the engine says.
pub fn coverage(conn: &mut Conn, rights: &Rights, asked: Asked<'_>) -> Result<Vec<(School, i64)>, Problem> {
    let counted: Vec<(Id, i64)> = inspections::table
        .filter(of_the_bureau(conn, rights, asked)?)
        .group_by(inspections::org_id)
        .select((inspections::org_id, count_star()))
        .load(conn)?;
    let counted: BTreeMap<Id, i64> = counted.into_iter().collect();
    let schools = schools(conn, rights, asked.org)?;
    Ok(schools
        .into_iter()
        .map(|school| {
            let visits = counted.get(&school.0).copied().unwrap_or(0);
            (school, visits)
        })
        .collect())
}

/// What one item came to across schools.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemSums {
    /// Answered as passed.
    pub passed: i64,
    /// Answered as failed.
    pub failed: i64,
    /// Not applicable.
    pub not_applicable: i64,
    /// In how many schools it failed.
    pub schools_failed: i64,
}

/// Results per item code of handed-in inspections, within the caller's domains.
///
/// # Errors
/// Whatever the engine says.
pub fn items(
    conn: &mut Conn,
    rights: &Rights,
    asked: Asked<'_>,
    category: Option<&str>,
    domain: Option<&str>,
) -> Result<BTreeMap<String, ItemSums>, Problem> {
    let handed_in = visits(conn, rights, asked)?.and(inspections::submitted_at.is_not_null());
    let ids: Vec<Id> = inspections::table.filter(handed_in).select(inspections::id).load(conn)?;
    let mut rows: Vec<(String, Option<Outcome>, Id, i64)> = Vec::new();
    for some in ids.chunks(CHUNK) {
        let sight = answers_in(conn, &rights.of(Permission::InspectionRead))?;
        let answered = answers::inspection_id.eq_any(some.to_vec()).and(answers::result.is_not_null());
        let mut wanted: AnswerCondition = Box::new(sight.and(answered));
        if let Some(category) = category {
            wanted = Box::new(wanted.and(answers::category.eq(category.to_owned())));
        }
        if let Some(domain) = domain {
            wanted = Box::new(wanted.and(answers::domain.eq(domain.to_owned())));
        }
        rows.extend(
            answers::table
                .filter(wanted)
                .group_by((answers::item_code, answers::result, answers::org_id))
                .select((answers::item_code, answers::result, answers::org_id, count_star()))
                .load::<(String, Option<Outcome>, Id, i64)>(conn)?,
        );
    }
    let mut sums: BTreeMap<String, ItemSums> = BTreeMap::new();
    let mut failed_in: BTreeSet<(String, Id)> = BTreeSet::new();
    for (code, result, org, count) in rows {
        let first_there = result == Some(Outcome::Fail) && failed_in.insert((code.clone(), org));
        let sum = sums.entry(code).or_default();
        match result {
            Some(Outcome::Pass) => sum.passed += count,
            Some(Outcome::Fail) => {
                sum.failed += count;
                sum.schools_failed += i64::from(first_there);
            }
            Some(Outcome::Na) => sum.not_applicable += count,
            None => {}
        }
    }
    Ok(sums)
}

/// What one person carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// The person.
    pub user_id: Id,
    /// By name.
    pub display_name: String,
    /// Visits on whose team the person was.
    pub visits: i64,
    /// Of those, led.
    pub led: i64,
    /// Schools visited.
    pub schools: i64,
    /// Items answered by the person.
    pub answers: i64,
    /// Of those, failed.
    pub failed: i64,
    /// When the last of the visits began.
    pub last_visit_at: Option<Timestamp>,
}

/// What every member of a team carried, most visits first.
///
/// # Errors
/// Whatever the engine says.
pub fn loads(conn: &mut Conn, rights: &Rights, asked: Asked<'_>) -> Result<Vec<Load>, Problem> {
    let found: Vec<(Id, Id, Id, Option<Timestamp>)> = inspections::table
        .filter(of_the_bureau(conn, rights, asked)?)
        .select((inspections::id, inspections::org_id, inspections::lead_id, inspections::started_at))
        .load(conn)?;
    let ids: Vec<Id> = found.iter().map(|(id, ..)| *id).collect();
    let mut team: Vec<(Id, Id)> = Vec::new();
    let mut answered: Vec<(Option<Id>, Option<Outcome>, i64)> = Vec::new();
    for some in ids.chunks(CHUNK) {
        team.extend(
            inspection_team::table
                .filter(inspection_team::inspection_id.eq_any(some))
                .select((inspection_team::inspection_id, inspection_team::user_id))
                .load::<(Id, Id)>(conn)?,
        );
        answered.extend(
            answers::table
                .filter(answers::inspection_id.eq_any(some))
                .filter(answers::answered_by.is_not_null())
                .group_by((answers::answered_by, answers::result))
                .select((answers::answered_by, answers::result, count_star()))
                .load::<(Option<Id>, Option<Outcome>, i64)>(conn)?,
        );
    }
    let visits: BTreeMap<Id, (Id, Id, Option<Timestamp>)> =
        found.into_iter().map(|(id, org, lead, at)| (id, (org, lead, at))).collect();
    let mut loads: BTreeMap<Id, (Load, BTreeSet<Id>)> = BTreeMap::new();
    let people: BTreeSet<Id> = team.iter().map(|(_, user)| *user).collect();
    let names: BTreeMap<Id, String> = users::table
        .filter(users::id.eq_any(&people))
        .select((users::id, users::display_name))
        .load::<(Id, String)>(conn)?
        .into_iter()
        .collect();
    for (inspection, user_id) in team {
        let Some((org, lead, at)) = visits.get(&inspection) else { continue };
        let (load, schools) = loads.entry(user_id).or_insert_with(|| {
            let display_name = names.get(&user_id).cloned().unwrap_or_default();
            let load = Load {
                user_id,
                display_name,
                visits: 0,
                led: 0,
                schools: 0,
                answers: 0,
                failed: 0,
                last_visit_at: None,
            };
            (load, BTreeSet::new())
        });
        load.visits += 1;
        load.led += i64::from(*lead == user_id);
        load.last_visit_at = load.last_visit_at.max(*at);
        schools.insert(*org);
    }
    for (by, result, count) in answered {
        if let Some((load, _)) = by.and_then(|by| loads.get_mut(&by)) {
            load.answers += count;
            load.failed += if result == Some(Outcome::Fail) { count } else { 0 };
        }
    }
    let mut loads: Vec<Load> = loads
        .into_values()
        .map(|(load, schools)| Load { schools: i64::try_from(schools.len()).unwrap_or(i64::MAX), ..load })
        .collect();
    loads.sort_by(|one, other| other.visits.cmp(&one.visits).then_with(|| one.display_name.cmp(&other.display_name)));
    Ok(loads)
}
