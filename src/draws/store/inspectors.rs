//! The pool of inspectors, and which of them must not be sent to which school.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use diesel::prelude::*;

use crate::access::{OrgRef, Permission, Rights, Role, policy};
use crate::draws::bodies::Inspectors;
use crate::draws::pool::{Exclusion, School};
use crate::orgs::rules::OrgKind;
use crate::platform::db::Conn;
use crate::platform::db::schema::{memberships, org_closure, orgs, users};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::{Code, Problem};
use crate::platform::http::FieldError;
use crate::recusals;

/// Somebody in a role somewhere.
struct Standing {
    user_id: Id,
    role: Role,
    org_id: Id,
    org_kind: OrgKind,
}

impl Standing {
    /// Whether somebody performs the bureau's inspections in this role.
    fn inspects(&self) -> bool {
        !self.role.is_school_side() && policy::cell(self.role, Permission::InspectionPerform).is_some()
    }
}

/// Everybody who holds a valid membership in the bureau.
fn standings(conn: &mut Conn, bureau_id: Id, now: Timestamp) -> Result<Vec<Standing>, Problem> {
    let rows: Vec<(Id, Role, Id, OrgKind)> = memberships::table
        .inner_join(orgs::table.on(orgs::id.eq(memberships::org_id)))
        .inner_join(users::table.on(users::id.eq(memberships::user_id)))
        .filter(memberships::bureau_id.eq(bureau_id))
        .filter(memberships::ended_at.is_null())
        .filter(memberships::valid_from.le(now))
        .filter(memberships::valid_to.is_null().or(memberships::valid_to.gt(now)))
        .filter(users::disabled_at.is_null())
        .select((memberships::user_id, memberships::role, memberships::org_id, orgs::kind))
        .load(conn)?;
    let standing = |(user_id, role, org_id, org_kind)| Standing { user_id, role, org_id, org_kind };
    Ok(rows.into_iter().map(standing).collect())
}

/// An organisation and everything below it, for each of these.
fn below(conn: &mut Conn, tops: &BTreeSet<Id>) -> Result<BTreeMap<Id, BTreeSet<Id>>, Problem> {
    let mut all: BTreeMap<Id, BTreeSet<Id>> = BTreeMap::new();
    let rows: Vec<(Id, Id)> = org_closure::table
        .filter(org_closure::ancestor_id.eq_any(tops.iter().copied().collect::<Vec<_>>()))
        .select((org_closure::ancestor_id, org_closure::descendant_id))
        .load(conn)?;
    for (top, one) in rows {
        all.entry(top).or_default().insert(one);
    }
    Ok(all)
}

/// The inspectors, and the pairs that must not meet.
pub struct Gathered {
    /// Who may be drawn.
    pub inspectors: Vec<Id>,
    /// Who must not go where.
    pub excluded: Vec<Exclusion>,
}

/// Gathers them.
///
/// # Errors
/// 404 for people and organisations the bureau does not know; 422 for people who perform no inspections, and for fewer
/// than go to one school.
pub fn gather(
    conn: &mut Conn,
    rights: &Rights,
    bureau: &OrgRef,
    wanted: &Inspectors,
    schools: &[School],
    span: (Timestamp, NaiveDate, NaiveDate),
) -> Result<Gathered, Problem> {
    let (now, today, last) = span;
    let mut standings = standings(conn, bureau.id, now)?;
    if let Some(ids) = &wanted.user_ids {
        let mut faults = Vec::new();
        for (place, id) in ids.iter().enumerate() {
            let mut known = standings.iter().filter(|one| one.user_id == *id).peekable();
            if known.peek().is_none() {
                return Err(Problem::not_found());
            }
            if !known.any(Standing::inspects) {
                let at = format!("/inspectors/user_ids/{place}");
                faults.push(FieldError::new(at, "not_eligible", "该人员不执行检查", "performs no inspections"));
            }
        }
        if !faults.is_empty() {
            return Err(Problem::new(Code::ValidationFailed).errors(faults));
        }
        standings.retain(|one| ids.contains(&one.user_id));
    }
    standings.retain(Standing::inspects);
    let mut chosen: BTreeSet<Id> = standings.iter().map(|one| one.user_id).collect();
    if let Some(under) = wanted.under {
        let top = rights.scope().org(conn, under)?;
        if top.bureau_id != bureau.id {
            return Err(Problem::not_found());
        }
        let inside = below(conn, &BTreeSet::from([under]))?.remove(&under).unwrap_or_default();
        chosen.retain(|id| standings.iter().any(|one| one.user_id == *id && inside.contains(&one.org_id)));
    }
    if let Some(roles) = &wanted.roles {
        chosen.retain(|id| standings.iter().any(|one| one.user_id == *id && roles.contains(&one.role)));
    }
    let per_object = usize::try_from(wanted.per_object).unwrap_or(usize::MAX);
    if chosen.len() < per_object {
        let at = if wanted.user_ids.is_some() { "/inspectors/user_ids" } else { "/inspectors/roles" };
        let (has, zh) = (chosen.len(), "检查人员不足");
        let en = format!("there are only {has} inspectors for teams of {per_object}");
        return Err(Problem::invalid(FieldError::new(at, "too_few_inspectors", format!("{zh}：只有 {has} 人"), en)));
    }
    standings.retain(|one| chosen.contains(&one.user_id));
    let inspectors: Vec<Id> = chosen.into_iter().collect();
    let mut excluded: BTreeMap<(Id, Id), &'static str> = out_of_reach(conn, bureau, &standings, schools)?;
    let pairs = recusals::store::excluded_pairs(conn, bureau.id, &inspectors, (now, today), last)?;
    for (inspector, school, staff) in pairs {
        excluded.insert((inspector, school), if staff { "belongs" } else { "recused" });
    }
    let in_pool: BTreeSet<&str> = schools.iter().map(|school| school.id.as_str()).collect();
    let excluded = excluded
        .into_iter()
        .map(|((inspector, school), why)| Exclusion {
            inspector: inspector.to_string(),
            school: school.to_string(),
            why: why.to_owned(),
        })
        .filter(|pair| in_pool.contains(pair.school.as_str()))
        .collect();
    Ok(Gathered { inspectors, excluded })
}

/// Whoever holds no role of the bureau itself goes only to schools below the own cluster.
fn out_of_reach(
    conn: &mut Conn,
    bureau: &OrgRef,
    standings: &[Standing],
    schools: &[School],
) -> Result<BTreeMap<(Id, Id), &'static str>, Problem> {
    let everywhere: BTreeSet<Id> =
        standings.iter().filter(|one| one.org_id == bureau.id).map(|one| one.user_id).collect();
    let narrow: Vec<&Standing> = standings.iter().filter(|one| !everywhere.contains(&one.user_id)).collect();
    let tops: BTreeSet<Id> =
        narrow.iter().filter(|one| one.org_kind != OrgKind::Agency).map(|one| one.org_id).collect();
    let below = below(conn, &tops)?;
    let ids: Vec<Id> = schools.iter().filter_map(|school| school.id.parse().ok()).collect();
    let mut excluded = BTreeMap::new();
    for person in narrow.iter().map(|one| one.user_id).collect::<BTreeSet<_>>() {
        let own: Vec<&BTreeSet<Id>> =
            narrow.iter().filter(|one| one.user_id == person).filter_map(|one| below.get(&one.org_id)).collect();
        for school in ids.iter().filter(|id| !own.iter().any(|inside| inside.contains(*id))) {
            excluded.insert((person, *school), "out_of_reach");
        }
    }
    Ok(excluded)
}
