//! Who may be on a team, and who may be named at all.

use diesel::prelude::*;

use crate::access::scope::{OrgRef, is_below};
use crate::access::{Permission, Role, policy};
use crate::catalogue::rules::Fault;
use crate::catalogue::words::invalid;
use crate::inspections::rules::Kind;
use crate::orgs::rules::OrgKind;
use crate::platform::db::Conn;
use crate::platform::db::schema::{memberships, orgs, users};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::Problem;

struct Standing {
    user_id: Id,
    role: Role,
    org_id: Id,
    org_kind: OrgKind,
}

fn standings(conn: &mut Conn, people: &[Id], bureau_id: Id, now: Timestamp) -> Result<Vec<Standing>, Problem> {
    let rows: Vec<(Id, Role, Id, OrgKind)> = memberships::table
        .inner_join(orgs::table.on(orgs::id.eq(memberships::org_id)))
        .inner_join(users::table.on(users::id.eq(memberships::user_id)))
        .filter(memberships::user_id.eq_any(people.to_vec()))
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

/// Checks a team: each of it may perform this kind at this school. A school's own checks are its people's; all other
/// kinds are performed by people who come from outside.
///
/// # Errors
/// 404 for somebody the bureau (or, for a school's caller, the school) does not know; 422 naming who may not.
pub fn team(
    conn: &mut Conn,
    org: &OrgRef,
    kind: Kind,
    people: &[Id],
    by_school: bool,
    now: Timestamp,
) -> Result<(), Problem> {
    let standings = standings(conn, people, org.bureau_id, now)?;
    let mut faults = Vec::new();
    for (place, person) in people.iter().enumerate() {
        let mut known = false;
        let mut eligible = false;
        for standing in standings.iter().filter(|standing| standing.user_id == *person) {
            known |= !by_school || standing.org_id == org.id;
            let reaches = match standing.org_kind {
                OrgKind::Bureau => standing.org_id == org.bureau_id,
                OrgKind::Cluster => is_below(conn, standing.org_id, org.id)?,
                OrgKind::School | OrgKind::Agency => standing.org_id == org.id,
            };
            eligible |= reaches
                && standing.role.is_school_side() == kind.of_school()
                && policy::cell(standing.role, Permission::InspectionPerform).is_some();
        }
        if !known {
            return Err(Problem::not_found());
        }
        if !eligible {
            faults.push(Fault::at(format!("/team/{place}"), "not_eligible"));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(invalid(faults)) }
}

/// Checks that these people belong to the school or its bureau.
///
/// # Errors
/// 404 for anybody else.
pub fn known(conn: &mut Conn, org: &OrgRef, people: &[Id], now: Timestamp) -> Result<(), Problem> {
    let standings = standings(conn, people, org.bureau_id, now)?;
    let knows = |person: &Id| {
        standings.iter().any(|standing| {
            standing.user_id == *person && (standing.org_id == org.id || standing.org_kind != OrgKind::School)
        })
    };
    if people.iter().all(knows) { Ok(()) } else { Err(Problem::not_found()) }
}
