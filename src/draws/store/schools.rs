//! The pool of schools: which, in which stratum, with which weight.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Months, NaiveDate};
use diesel::prelude::*;

use crate::access::{OrgRef, Rights};
use crate::draws::bodies::{ObjectFilter, Objects};
use crate::draws::pool::{Facts, NEVER, School, Stratum, Weights};
use crate::draws::rules::{DrawStatus, Refusal, StrataBy};
use crate::hazards::deadline::start_of_day;
use crate::hazards::status::{Level, Status};
use crate::hazards::store::read::zone;
use crate::inspections::rules::{InspectionKind, InspectionStatus};
use crate::orgs::rules::{OrgKind, SchoolKind};
use crate::platform::db::schema::{draw_results, draws, hazards, inspections, org_closure, orgs};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Conn, MultiBackend};
use crate::platform::error::{Code, Problem};
use crate::platform::http::FieldError;

type Row = (Id, String, Option<String>, Doc);

/// Most schools of one pool.
const MOST: usize = 5000;

/// The schools of the bureau that the body asks for.
///
/// # Errors
/// 404 for an organisation out of sight; 422 for one that is no school, and for more than a pool takes.
pub fn gather(
    conn: &mut Conn,
    rights: &Rights,
    bureau: &OrgRef,
    objects: &Objects,
    today: NaiveDate,
) -> Result<Vec<Row>, Problem> {
    let mut query = orgs::table
        .filter(orgs::bureau_id.eq(bureau.id))
        .filter(orgs::kind.eq(OrgKind::School))
        .select((orgs::id, orgs::name, orgs::school_kind, orgs::features))
        .into_boxed::<MultiBackend>();
    if let Some(filter) = &objects.filter {
        if let Some(under) = filter.under {
            let top = rights.scope().org(conn, under)?;
            if top.bureau_id != bureau.id {
                return Err(Problem::not_found());
            }
            let below = org_closure::table.filter(org_closure::ancestor_id.eq(under));
            query = query.filter(orgs::id.eq_any(below.select(org_closure::descendant_id)));
        }
        if let Some(kind) = filter.school_kind {
            query = query.filter(orgs::school_kind.eq(kind.as_str()));
        }
    }
    let mut rows: Vec<Row> = query.order(orgs::id).load(conn)?;
    if let Some(ids) = &objects.org_ids {
        let mut faults = Vec::new();
        for (place, id) in ids.iter().enumerate() {
            if rows.iter().any(|row| row.0 == *id) {
                continue;
            }
            if rights.scope().org(conn, *id)?.bureau_id != bureau.id {
                return Err(Problem::not_found());
            }
            let at = format!("/objects/org_ids/{place}");
            faults.push(FieldError::new(at, "not_a_school", "只能抽取学校", "must be a school"));
        }
        if !faults.is_empty() {
            return Err(Problem::new(Code::ValidationFailed).errors(faults));
        }
        rows.retain(|row| ids.contains(&row.0));
    }
    if let Some(ObjectFilter { features, .. }) = &objects.filter {
        rows.retain(|row| {
            let has: Vec<String> = row.3.read();
            features.iter().all(|feature| has.iter().any(|one| one == feature.as_str()))
        });
    }
    if let Some(months) = objects.filter.as_ref().and_then(|filter| filter.untouched_months) {
        // What is left of the pool would tell people of a school that theirs has been drawn.
        if rows.iter().any(|row| rights.scope().is_of_school(row.0)) {
            let (zh, en) = Refusal::BelongsToPool.words();
            let error = FieldError::new("/objects/filter/untouched_months", Refusal::BelongsToPool.as_str(), zh, en);
            return Err(Problem::new(Code::StateConflict).errors(vec![error]));
        }
        let touched = touched(conn, bureau, today, months)?;
        rows.retain(|row| !touched.contains(&row.0));
    }
    if rows.is_empty() {
        let at = if objects.org_ids.is_some() { "/objects/org_ids" } else { "/objects/filter" };
        let fault =
            FieldError::new(at, "empty_pool", "没有符合条件的学校，无法抽取", "no school fits: nothing to draw from");
        return Err(Problem::invalid(fault));
    }
    if rows.len() > MOST {
        let words = (format!("不得超过 {MOST} 所学校"), format!("must have at most {MOST} schools"));
        return Err(Problem::invalid(FieldError::new("/objects", "too_many", words.0, words.1)));
    }
    Ok(rows)
}

/// The schools of a bureau that were drawn or visited within so many months. What was drawn and given up does not count,
/// nor a visit of which the school does not know yet.
fn touched(conn: &mut Conn, bureau: &OrgRef, today: NaiveDate, months: u32) -> Result<BTreeSet<Id>, Problem> {
    let from = today.checked_sub_months(Months::new(months)).unwrap_or(today);
    let from = Timestamp::from(start_of_day(from, zone(&bureau.time_zone)));
    let drawn: Vec<Id> = draw_results::table
        .inner_join(draws::table.on(draws::id.eq(draw_results::draw_id)))
        .filter(draws::bureau_id.eq(bureau.id))
        .filter(draws::status.ne(DrawStatus::Void))
        .filter(draws::drawn_at.ge(from))
        .select(draw_results::org_id)
        .distinct()
        .load(conn)?;
    let visited: Vec<Id> = inspections::table
        .filter(inspections::bureau_id.eq(bureau.id))
        .filter(inspections::kind.ne_all(schools_own()))
        .filter(inspections::status.ne(InspectionStatus::Void))
        .filter(inspections::started_at.ge(from))
        .select(inspections::org_id)
        .distinct()
        .load(conn)?;
    Ok(drawn.into_iter().chain(visited).collect())
}

/// The kinds by which a school looks after itself: no visits of the bureau.
fn schools_own() -> Vec<InspectionKind> {
    InspectionKind::ALL.iter().copied().filter(|kind| kind.of_school()).collect()
}

/// What is known of every school of a bureau: hazards of now, and the last time the bureau checked in. Visits of which
/// the school does not know yet have not begun, and so do not count.
fn facts(conn: &mut Conn, bureau_id: Id, now: Timestamp) -> Result<BTreeMap<Id, Facts>, Problem> {
    let open: Vec<Status> = Status::ALL.iter().copied().filter(|status| status.is_open()).collect();
    let running: Vec<Status> = open.iter().copied().filter(|status| status.clock_runs()).collect();
    let standing = || {
        hazards::table
            .filter(hazards::bureau_id.eq(bureau_id))
            .group_by(hazards::org_id)
            .select((hazards::org_id, diesel::dsl::count_star()))
    };
    let all: Vec<(Id, i64)> = standing().filter(hazards::status.eq_any(open.clone())).load(conn)?;
    let major: Vec<(Id, i64)> =
        standing().filter(hazards::status.eq_any(open)).filter(hazards::level.eq(Level::Major)).load(conn)?;
    let overdue: Vec<(Id, i64)> =
        standing().filter(hazards::status.eq_any(running)).filter(hazards::due_at.lt(now)).load(conn)?;
    let visits: Vec<(Id, Option<Timestamp>)> = inspections::table
        .filter(inspections::bureau_id.eq(bureau_id))
        .filter(inspections::kind.ne_all(schools_own()))
        .filter(inspections::status.ne(InspectionStatus::Void))
        .filter(inspections::started_at.is_not_null())
        .group_by(inspections::org_id)
        .select((inspections::org_id, diesel::dsl::max(inspections::started_at)))
        .load(conn)?;
    let mut facts: BTreeMap<Id, Facts> = BTreeMap::new();
    let mut of = |id: Id, put: &dyn Fn(&mut Facts)| {
        put(facts.entry(id).or_insert(Facts { open: 0, overdue: 0, major: 0, days_unvisited: NEVER }));
    };
    let small = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    all.into_iter().for_each(|(id, count)| of(id, &|facts| facts.open = small(count)));
    major.into_iter().for_each(|(id, count)| of(id, &|facts| facts.major = small(count)));
    overdue.into_iter().for_each(|(id, count)| of(id, &|facts| facts.overdue = small(count)));
    for (id, at) in visits {
        let days = at.map_or(i64::from(NEVER), |at| (now - at).num_days().max(0));
        of(id, &|facts| facts.days_unvisited = small(days).min(NEVER));
    }
    Ok(facts)
}

/// The schools with stratum and weight.
///
/// # Errors
/// Whatever the engine says.
pub fn weighted(
    conn: &mut Conn,
    bureau_id: Id,
    rows: Vec<Row>,
    by: StrataBy,
    weights: Weights,
    now: Timestamp,
) -> Result<Vec<School>, Problem> {
    let facts = facts(conn, bureau_id, now)?;
    let nothing = Facts { open: 0, overdue: 0, major: 0, days_unvisited: NEVER };
    Ok(rows
        .into_iter()
        .map(|(id, name, kind, _)| {
            let facts = facts.get(&id).copied().unwrap_or(nothing);
            School {
                id: id.to_string(),
                name: name.replace(|c: char| c.is_control(), " "),
                stratum: match by {
                    StrataBy::None => "all".to_owned(),
                    StrataBy::SchoolKind => kind.unwrap_or_else(|| "unknown".to_owned()),
                },
                weight: weights.of(facts),
                open: facts.open,
                overdue: facts.overdue,
                major: facts.major,
                days_unvisited: facts.days_unvisited,
            }
        })
        .collect())
}

/// The strata of these schools, with how many each gives.
///
/// # Errors
/// 422 for a stratum without quota, a quota without stratum, and more wanted than there are.
pub fn strata(schools: &[School], objects: &Objects) -> Result<Vec<Stratum>, Problem> {
    let mut sizes: BTreeMap<&str, u32> = BTreeMap::new();
    for school in schools {
        *sizes.entry(&school.stratum).or_default() += 1;
    }
    let mut faults = Vec::new();
    for (place, quota) in objects.quotas.iter().enumerate() {
        if quota.stratum.is_some_and(|kind| !sizes.contains_key(kind.as_str())) {
            let at = format!("/objects/quotas/{place}/stratum");
            faults.push(FieldError::new(at, "empty_pool", "名单中没有此类学校", "the pool has no school of this kind"));
        }
    }
    let mut strata = Vec::new();
    for (name, size) in &sizes {
        let named = |kind: Option<SchoolKind>| kind.is_some_and(|kind| kind.as_str() == *name);
        let quotas = || objects.quotas.iter().enumerate();
        let found = quotas()
            .find(|(_, quota)| named(quota.stratum))
            .or_else(|| quotas().find(|(_, quota)| quota.stratum.is_none()));
        let Some((place, quota)) = found else {
            let words = (format!("没有给出 {name} 的抽取数量"), format!("says nothing of {name}"));
            faults.push(FieldError::new("/objects/quotas", "no_quota", words.0, words.1));
            continue;
        };
        let take = quota.count.unwrap_or_else(|| (size * quota.rate_percent.unwrap_or(0)).div_ceil(100));
        if take > *size {
            let words = (format!("{name} 只有 {size} 所"), format!("there are only {size} of {name}"));
            let at = format!("/objects/quotas/{place}/count");
            faults.push(FieldError::new(at, "more_than_pool", words.0, words.1));
        }
        strata.push(Stratum { name: (*name).to_owned(), size: *size, take });
    }
    if faults.is_empty() { Ok(strata) } else { Err(Problem::new(Code::ValidationFailed).errors(faults)) }
}
