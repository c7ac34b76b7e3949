//! Which plans a caller sees, and which of their schools.
//!
//! Plans are the bureau's: whoever reads the inspections of its schools without limit sees them, within domains those
//! with an item inside. A school sees its own plans alone. One that was not announced does not exist for anybody who
//! belongs to a school in it, whatever else that person is.

use diesel::BoxableExpression;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::record::{PlanRow, kinds_of};
use crate::access::scope::{ORG_REF, OrgRef};
use crate::access::{Limit, Permission, Reach, Rights};
use crate::inspections::rules::InspectionKind;
use crate::orgs::rules::OrgKind;
use crate::plans::rules::may_keep;
use crate::platform::db::schema::{org_closure, orgs, plan_domains, plan_schools, plans};
use crate::platform::db::types::Id;
use crate::platform::db::{Conn, MultiBackend};
use crate::platform::error::{Code, Problem};

/// A condition on plans.
pub type Condition = Box<dyn BoxableExpression<plans::table, MultiBackend, SqlType = Bool>>;
/// A condition on the schools of plans.
pub type SchoolCondition = Box<dyn BoxableExpression<plan_schools::table, MultiBackend, SqlType = Bool>>;

/// The reaches through which plans are read at all.
fn reaches(rights: &Rights) -> Vec<Reach> {
    let scope = rights.of(Permission::InspectionRead);
    scope.reaches.into_iter().filter(|reach| reach.limit == Limit::Full).collect()
}

fn through(reach: &Reach) -> Condition {
    let one: Condition = match reach.org_kind {
        _ if reach.role.is_school_side() => Box::new(plans::org_id.eq(reach.org_id)),
        OrgKind::Bureau => Box::new(plans::bureau_id.eq(reach.org_id)),
        OrgKind::Cluster => {
            let below = org_closure::table.filter(org_closure::ancestor_id.eq(reach.org_id));
            let schools = plan_schools::table
                .filter(plan_schools::org_id.eq_any(below.select(org_closure::descendant_id)))
                .select(plan_schools::plan_id);
            Box::new(plans::id.eq_any(schools))
        }
        OrgKind::School | OrgKind::Agency => {
            let schools =
                plan_schools::table.filter(plan_schools::org_id.eq(reach.org_id)).select(plan_schools::plan_id);
            Box::new(plans::id.eq_any(schools))
        }
    };
    match &reach.domains {
        None => one,
        Some(domains) => {
            let inside = plan_domains::table.filter(plan_domains::domain.eq_any(domains.clone()));
            Box::new(one.and(plans::id.eq_any(inside.select(plan_domains::plan_id))))
        }
    }
}

/// The plans in sight.
#[must_use]
pub fn plans_in(rights: &Rights) -> Condition {
    let mut all: Option<Condition> = None;
    for reach in reaches(rights) {
        let one = through(&reach);
        all = Some(match all {
            None => one,
            Some(all) => Box::new(all.or(one)),
        });
    }
    let Some(all) = all else { return Box::new(plans::id.ne(plans::id)) };
    let own = rights.of(Permission::InspectionRead).own_schools;
    if own.is_empty() {
        return all;
    }
    let secret = plan_schools::table.filter(plan_schools::org_id.eq_any(own)).select(plan_schools::plan_id);
    Box::new(all.and(plans::announced.eq(true).or(plans::id.ne_all(secret))))
}

/// The schools in sight of plans in sight: a supervisor sees the own ones of a plan for the whole bureau.
#[must_use]
pub fn schools_in(rights: &Rights) -> SchoolCondition {
    let mut all: Option<SchoolCondition> = None;
    for reach in reaches(rights) {
        let one: SchoolCondition = crate::in_reach!(plan_schools, &reach);
        all = Some(match all {
            None => one,
            Some(all) => Box::new(all.or(one)),
        });
    }
    all.unwrap_or_else(|| Box::new(plan_schools::org_id.ne(plan_schools::org_id)))
}

/// The plan, if the caller may see it.
///
/// # Errors
/// 404 where it is absent or out of sight.
pub fn seen(conn: &mut Conn, rights: &Rights, id: Id) -> Result<PlanRow, Problem> {
    Ok(plans::table.find(id).filter(plans_in(rights)).select(PlanRow::as_select()).first(conn)?)
}

/// The same, held against other writers until the end of the transaction, for who may change it.
///
/// # Errors
/// As [`seen`]; 403 where a school or a domain of it is not the caller's to plan for.
pub fn seen_to_change(conn: &mut Conn, rights: &Rights, id: Id) -> Result<PlanRow, Problem> {
    seen(conn, rights, id)?;
    lock(conn, id)?;
    let row = seen(conn, rights, id)?;
    let schools: Vec<OrgRef> = orgs::table
        .filter(orgs::id.eq_any(plan_schools::table.filter(plan_schools::plan_id.eq(id)).select(plan_schools::org_id)))
        .select(ORG_REF)
        .load(conn)?;
    let domains: Vec<String> =
        plan_domains::table.filter(plan_domains::plan_id.eq(id)).select(plan_domains::domain).load(conn)?;
    let kept = (kinds_of(conn, id)?, row.announced);
    let all = covers(conn, rights, &kept, &schools, domains.iter().map(String::as_str))?;
    if all { Ok(row) } else { Err(Problem::new(Code::Forbidden)) }
}

/// Holds a plan against other writers. SQLite has one writer; there the transaction itself holds.
///
/// # Errors
/// 404 where there is none.
pub fn lock(conn: &mut Conn, id: Id) -> Result<(), Problem> {
    if let Conn::Postgres(pg) = conn {
        plans::table.find(id).select(plans::id).for_update().first::<Id>(pg)?;
    }
    Ok(())
}

/// What of a plan a right depends on.
pub trait Kept {
    /// The kinds, and whether schools know beforehand.
    fn kept(&self) -> (&[InspectionKind], bool);
}

impl Kept for (Vec<InspectionKind>, bool) {
    fn kept(&self) -> (&[InspectionKind], bool) {
        (&self.0, self.1)
    }
}

/// Whether the caller may plan this for all of these schools and domains.
///
/// # Errors
/// Whatever the engine says.
pub fn covers<'a>(
    conn: &mut Conn,
    rights: &Rights,
    plan: &impl Kept,
    schools: &[OrgRef],
    domains: impl Iterator<Item = &'a str> + Clone,
) -> Result<bool, Problem> {
    let (kinds, announced) = plan.kept();
    let scope = rights.of(Permission::InspectionPlan);
    let fits = |reach: &Reach| {
        may_keep(reach.limit, kinds, announced) && domains.clone().all(|domain| reach.has_domain(domain))
    };
    let fitting =
        crate::access::Scope { reaches: scope.reaches.iter().filter(|one| fits(one)).cloned().collect(), ..scope };
    for school in schools {
        if fitting.reaches_to(conn, school)?.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}
