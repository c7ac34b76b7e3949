//! From what was named to schools with their teams: everything checked that can be checked before the day.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use diesel::prelude::*;

use super::record::Named;
use super::sight::{Kept, covers};
use crate::access::scope::{ORG_REF, OrgRef, org_ref};
use crate::access::{Permission, Rights};
use crate::catalogue::rules::ChecklistStatus;
use crate::catalogue::store::{items_of, readable};
use crate::inspections::rules::InspectionKind;
use crate::inspections::store::check_people;
use crate::orgs::rules::OrgKind;
use crate::orgs::store::in_scope;
use crate::plans::bodies::{MAX_SCHOOLS, PlanInspectors, PlanSchools, SchoolTeam};
use crate::plans::rules::{Short, round_robin};
use crate::platform::db::schema::{org_closure, orgs};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Conn, MultiBackend};
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Faults, FieldError};
use crate::recusals::store::check_team;

/// What a plan is to be.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The kinds of its inspections.
    pub kinds: &'a [InspectionKind],
    /// Whether the schools know beforehand.
    pub announced: bool,
    /// With which checklists.
    pub checklist_ids: &'a [Id],
    /// Which schools and people.
    pub named: &'a Named,
}

impl Kept for Asked<'_> {
    fn kept(&self) -> (&[InspectionKind], bool) {
        (self.kinds, self.announced)
    }
}

/// A plan that can be kept.
#[derive(Debug)]
pub struct Prepared {
    /// Who keeps it.
    pub owner: OrgRef,
    /// Its schools in their order, with their teams.
    pub schools: Vec<(OrgRef, Vec<Id>)>,
    /// The domains of all items of its checklists.
    pub domains: BTreeSet<String>,
}

/// Checks everything named. What is out of sight comes before what is forbidden, and that before what is wrong.
///
/// # Errors
/// 404 for schools, people and checklists out of sight; 403 for a school or a domain that is not the caller's to plan
/// for; 422 naming what is wrong.
pub fn prepare(conn: &mut Conn, rights: &Rights, asked: &Asked<'_>, now: Timestamp) -> Result<Prepared, Problem> {
    let mut faults = Faults::default();
    let schools = gather(conn, rights, &asked.named.schools, &mut faults)?;
    let domains = domains(conn, rights, asked.checklist_ids, &mut faults)?;
    known_schools(conn, rights, &asked.named.inspectors)?;
    let of_schools: Vec<OrgRef> = schools.iter().filter(|one| one.kind == OrgKind::School).cloned().collect();
    let bureau = rights.of(Permission::InspectionPlan).own_bureau().ok_or_else(Problem::not_found)?;
    let bureau_id = of_schools.first().map_or(bureau, |school| school.bureau_id);
    if let Some(strange) = of_schools.iter().find(|school| school.bureau_id != bureau_id) {
        let words = (format!("{}属于另一教育局", strange.name), format!("{} is of another bureau", strange.name));
        faults.add(FieldError::new("/schools", "other_bureau", words.0, words.1));
    }
    let planning = rights.of(Permission::InspectionPlan);
    if !asked.announced && of_schools.iter().any(|school| planning.is_of_school(school.id)) {
        // The people of a school plan no secret visit to it, whatever else they are.
        return Err(Problem::new(Code::Forbidden));
    }
    let by_school = by_school(rights, bureau_id);
    let teams = teams(conn, asked, &of_schools, by_school, now, &mut faults)?;
    if !covers(conn, rights, asked, &of_schools, domains.iter().map(String::as_str))? {
        return Err(Problem::new(Code::Forbidden)
            .detail("有学校或检查项不在本人可计划的范围内", "a school or an item is not yours to plan for"));
    }
    if by_school && of_schools.len() > 1 {
        faults.say("/schools", "own_school_only", "学校的计划只含本校", "must be the one own school");
    }
    faults.finish()?;
    let owner = match of_schools.first() {
        Some(school) if by_school => school.clone(),
        _ => org_ref(conn, bureau_id)?,
    };
    Ok(Prepared { owner, schools: of_schools.into_iter().zip(teams).collect(), domains })
}

/// Whether the caller plans as somebody of a school, and so for it alone.
fn by_school(rights: &Rights, bureau_id: Id) -> bool {
    let scope = rights.of(Permission::InspectionPlan);
    !scope.reaches.iter().any(|reach| reach.bureau_id == bureau_id && !reach.role.is_school_side())
}

fn gather(conn: &mut Conn, rights: &Rights, asked: &PlanSchools, faults: &mut Faults) -> Result<Vec<OrgRef>, Problem> {
    let scope = rights.of(Permission::InspectionPlan);
    let inside = in_scope(&scope).ok_or_else(Problem::not_found)?;
    let found = match &asked.org_ids {
        Some(ids) => {
            let rows: Vec<OrgRef> =
                orgs::table.filter(orgs::id.eq_any(ids.clone())).filter(inside).select(ORG_REF).load(conn)?;
            let mut rows: HashMap<Id, OrgRef> = rows.into_iter().map(|row| (row.id, row)).collect();
            let found: Option<Vec<OrgRef>> = ids.iter().map(|id| rows.remove(id)).collect();
            let found = found.ok_or_else(Problem::not_found)?;
            for (place, _) in found.iter().enumerate().filter(|(_, org)| org.kind != OrgKind::School) {
                let at = format!("/schools/org_ids/{place}");
                faults.say(&at, "not_a_school", "只能检查学校", "must be a school");
            }
            found
        }
        None => filtered(conn, rights, asked, inside)?,
    };
    if found.is_empty() {
        faults.say("/schools", "no_schools", "没有符合条件的学校", "no school fits");
    }
    faults.at_most("/schools", found.len(), MAX_SCHOOLS);
    Ok(found)
}

type Inside = Box<dyn diesel::BoxableExpression<orgs::table, MultiBackend, SqlType = diesel::sql_types::Bool>>;

/// The schools of a filter, by name.
fn filtered(conn: &mut Conn, rights: &Rights, asked: &PlanSchools, inside: Inside) -> Result<Vec<OrgRef>, Problem> {
    let mut query = orgs::table.filter(inside).filter(orgs::kind.eq(OrgKind::School)).into_boxed();
    if let Some(under) = asked.under {
        rights.of(Permission::InspectionPlan).org(conn, under)?;
        let below = org_closure::table.filter(org_closure::ancestor_id.eq(under));
        query = query.filter(orgs::id.eq_any(below.select(org_closure::descendant_id)));
    }
    if let Some(kind) = asked.school_kind {
        query = query.filter(orgs::school_kind.eq(kind));
    }
    let rows: Vec<(OrgRef, Doc)> = query.order((orgs::name, orgs::id)).select((ORG_REF, orgs::features)).load(conn)?;
    let wanted = asked.features.as_deref().unwrap_or(&[]);
    let has_all = |features: &Doc| {
        let has: Vec<String> = features.read();
        wanted.iter().all(|feature| has.iter().any(|one| one == feature.as_str()))
    };
    Ok(rows.into_iter().filter(|(_, features)| has_all(features)).map(|(org, _)| org).collect())
}

fn domains(
    conn: &mut Conn,
    rights: &Rights,
    checklist_ids: &[Id],
    faults: &mut Faults,
) -> Result<BTreeSet<String>, Problem> {
    let mut domains = BTreeSet::new();
    for (place, id) in checklist_ids.iter().enumerate() {
        let row = readable(conn, rights, *id)?;
        if row.status != ChecklistStatus::Published {
            let at = format!("/checklist_ids/{place}");
            faults.say(&at, "not_published", "检查清单未发布或已停用", "is not published");
        }
        domains.extend(items_of(conn, *id)?.into_iter().map(|(_, _, domain)| domain));
    }
    Ok(domains)
}

/// The schools that teams are named for are in sight.
fn known_schools(conn: &mut Conn, rights: &Rights, asked: &PlanInspectors) -> Result<(), Problem> {
    let ids: Vec<Id> = asked.teams.iter().flatten().map(|one| one.org_id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let inside = in_scope(&rights.of(Permission::InspectionPlan)).ok_or_else(Problem::not_found)?;
    let found: Vec<Id> = orgs::table.filter(orgs::id.eq_any(ids.clone())).filter(inside).select(orgs::id).load(conn)?;
    let found: HashSet<Id> = found.into_iter().collect();
    if ids.iter().all(|id| found.contains(id)) { Ok(()) } else { Err(Problem::not_found()) }
}

/// Which of these people may not go to this school, by their place: not eligible, or recused. What is wrong for several
/// kinds is said once.
///
/// # Errors
/// 404 for people out of sight.
pub fn unfit(
    conn: &mut Conn,
    school: &OrgRef,
    kinds: &[InspectionKind],
    people: &[Id],
    by_school: bool,
    now: Timestamp,
) -> Result<Vec<FieldError>, Problem> {
    let mut faults: Vec<FieldError> = Vec::new();
    for kind in kinds {
        let fit = check_people(conn, school, *kind, people, by_school, now);
        let known = fit.as_ref().err().is_none_or(|problem| problem.code == Code::ValidationFailed);
        let free = known.then(|| check_team(conn, school, *kind, people, None, now).map(drop));
        for outcome in [Some(fit), free].into_iter().flatten() {
            match outcome {
                Ok(()) => {}
                Err(problem) if problem.code == Code::ValidationFailed => {
                    for fault in problem.errors {
                        if !faults.iter().any(|one| one.pointer == fault.pointer && one.code == fault.code) {
                            faults.push(fault);
                        }
                    }
                }
                Err(problem) => return Err(problem),
            }
        }
    }
    Ok(faults)
}

/// The place in the list of people that a fault speaks of.
#[must_use]
pub fn place_of(fault: &FieldError) -> Option<usize> {
    fault.pointer.rsplit('/').next().and_then(|place| place.parse().ok())
}

/// The team of each school, in the order of the schools.
fn teams(
    conn: &mut Conn,
    asked: &Asked<'_>,
    schools: &[OrgRef],
    by_school: bool,
    now: Timestamp,
    faults: &mut Faults,
) -> Result<Vec<Vec<Id>>, Problem> {
    let inspectors = &asked.named.inspectors;
    let least = asked.kinds.iter().map(|kind| kind.rule().min_team).max().unwrap_or(1);
    let small = |faults: &mut Faults, at: &str| {
        let (zh, en) = (format!("此类检查每组至少 {least} 人"), format!("must name at least {least} for this kind"));
        faults.add(FieldError::new(at, "team_too_small", zh, en));
    };
    if inspectors.pool.is_some() && inspectors.per_school.is_some_and(|size| size < least) {
        small(faults, "/inspectors/per_school");
    }
    if let Some(pool) = &inspectors.pool {
        let mut barred: HashSet<(Id, Id)> = HashSet::new();
        for school in schools {
            let unfit = unfit(conn, school, asked.kinds, pool, by_school, now)?;
            let people = unfit.iter().filter_map(|fault| pool.get(place_of(fault)?));
            barred.extend(people.map(|person| (school.id, *person)));
        }
        let ids: Vec<Id> = schools.iter().map(|school| school.id).collect();
        let size = inspectors.per_school.unwrap_or(1);
        let taken = round_robin(&ids, pool, size, |school, person| barred.contains(&(school, person)));
        return match taken {
            Ok(teams) => Ok(teams),
            Err(Short(short)) => {
                for school in schools.iter().filter(|school| short.contains(&school.id)).take(100) {
                    let zh = format!("可派往{}的人员不足 {size} 人", school.name);
                    let en = format!("fewer than {size} of it may go to {}", school.name);
                    faults.add(FieldError::new("/inspectors/pool", "too_few_people", zh, en));
                }
                Ok(Vec::new())
            }
        };
    }
    let named = inspectors.teams.as_deref().unwrap_or(&[]);
    let places: BTreeMap<Id, usize> = named.iter().enumerate().map(|(place, one)| (one.org_id, place)).collect();
    let mut teams = Vec::with_capacity(schools.len());
    for school in schools {
        let Some((place, one)) = places.get(&school.id).and_then(|place| Some((place, named.get(*place)?))) else {
            let words = (format!("缺少{}的检查组", school.name), format!("has no team for {}", school.name));
            faults.add(FieldError::new("/inspectors/teams", "team_missing", words.0, words.1));
            continue;
        };
        for fault in unfit(conn, school, asked.kinds, &one.team, by_school, now)? {
            faults.add(FieldError { pointer: format!("/inspectors/teams/{place}{}", fault.pointer), ..fault });
        }
        if one.team.len() < least {
            small(faults, &format!("/inspectors/teams/{place}/team"));
        }
        teams.push(one.team.clone());
    }
    let strange = |one: &SchoolTeam| !schools.iter().any(|org| org.id == one.org_id);
    for (place, _) in named.iter().enumerate().filter(|(_, one)| strange(one)) {
        let at = format!("/inspectors/teams/{place}/org_id");
        faults.say(&at, "not_in_plan", "不在本计划的学校之内", "is not a school of this plan");
    }
    Ok(teams)
}
