//! The people a transition names: they must exist on this bureau's side of the world and hold what they are named for.

use diesel::prelude::*;

use super::powers::Powers;
use super::row::Row;
use crate::access::caller::{self, Caller, Membership};
use crate::access::{Rights, Role};
use crate::hazards::rules::{Rechecker, Request};
use crate::orgs::rules::OrgKind;
use crate::platform::db::Conn;
use crate::platform::db::schema::{orgs, users};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::Problem;
use crate::platform::http::{Faults, FieldError};

/// A person with the memberships that count now, whoever it is; nothing where absent or disabled.
fn person(conn: &mut Conn, id: Id) -> Result<Option<Caller>, Problem> {
    let found: Option<(String, String, i64)> = users::table
        .find(id)
        .filter(users::disabled_at.is_null())
        .select((users::username, users::display_name, users::rights_version))
        .first(conn)
        .optional()?;
    let Some((username, display_name, rights_version)) = found else { return Ok(None) };
    Ok(Some(Caller {
        user_id: id,
        session_id: id,
        device: None,
        username,
        display_name,
        must_change_password: false,
        rights_version,
        memberships: caller::memberships_of(conn, id)?,
    }))
}

/// Somebody of this bureau, or 404: absent and foreign are the same.
fn of_bureau(conn: &mut Conn, bureau_id: Id, id: Id, now: Timestamp) -> Result<Caller, Problem> {
    let person = person(conn, id)?.ok_or_else(Problem::not_found)?;
    let here = |membership: &Membership| membership.bureau_id == bureau_id && membership.is_valid(now);
    if person.memberships.iter().any(here) { Ok(person) } else { Err(Problem::not_found()) }
}

/// Whether somebody may be named for a hazard of this bureau at all.
///
/// # Errors
/// 404 where the person is absent, disabled, or of another bureau.
pub fn must_be_of_bureau(conn: &mut Conn, bureau_id: Id, id: Id, now: Timestamp) -> Result<(), Problem> {
    of_bureau(conn, bureau_id, id, now).map(drop)
}

fn stands_in(person: &Caller, org_id: Id, now: Timestamp, role: Option<Role>) -> bool {
    person.memberships.iter().any(|membership| {
        membership.org.id == org_id
            && membership.is_valid(now)
            && role.map_or_else(|| membership.role.is_school_side(), |role| membership.role == role)
    })
}

/// Checks everybody and every organisation a request names, and finds what rights its recheckers hold.
///
/// # Errors
/// 404 for what is absent or foreign; 422 for people who do not stand where they are named for.
pub fn settle(
    conn: &mut Conn,
    rights: &Rights,
    row: &Row,
    request: &mut Request,
    now: Timestamp,
) -> Result<(), Problem> {
    let mut faults = Faults::default();
    let school = row.responsible_org_id;
    let from_school = Powers::over(conn, rights, [row])?.school_side(row);
    let mut of_school = |conn: &mut Conn, pointer: &str, id: uuid::Uuid, role: Option<Role>| {
        let person = of_bureau(conn, row.bureau_id, Id(id), now)?;
        // Whom a school does not know is absent for it: the people of another school above all.
        if from_school && !stands_in(&person, row.org_id, now, None) && !stands_in(&person, school, now, None) {
            return Err(Problem::not_found());
        }
        if !stands_in(&person, row.org_id, now, role) && !stands_in(&person, school, now, role) {
            faults.add(FieldError::new(
                pointer,
                if role.is_some() { "not_the_principal" } else { "not_of_this_school" },
                "此人在该校不担任所需职务",
                "does not hold the needed role in this school",
            ));
        }
        Ok::<(), Problem>(())
    };
    match request {
        Request::Assign { responsible_user_id } => {
            of_school(conn, "/responsible_user_id", *responsible_user_id, None)?;
        }
        Request::FilePlan(plan) => {
            of_school(conn, "/responsible_user_id", plan.responsible_user_id, None)?;
            of_school(conn, "/leader_user_id", plan.leader_user_id, None)?;
        }
        Request::ReportDone { signed_off_by: Some(principal), .. } => {
            of_school(conn, "/signed_off_by", *principal, Some(Role::Principal))?;
        }
        Request::Issue { responsible_org_id: Some(org), .. } => {
            let found: (Id, OrgKind) = orgs::table.find(Id(*org)).select((orgs::bureau_id, orgs::kind)).first(conn)?;
            if found.0 != row.bureau_id {
                return Err(Problem::not_found());
            }
            if found.1 != OrgKind::Agency && Id(*org) != row.org_id {
                faults.say(
                    "/responsible_org_id",
                    "not_responsible",
                    "须为该校或机构",
                    "must be this school or an agency of the bureau",
                );
            }
        }
        Request::Pass { recheckers, .. } => {
            for named in recheckers {
                *named = rechecker(conn, row, Id(named.user_id), now)?;
            }
        }
        _ => {}
    }
    faults.finish()
}

fn rechecker(conn: &mut Conn, row: &Row, id: Id, now: Timestamp) -> Result<Rechecker, Problem> {
    let person = of_bureau(conn, row.bureau_id, id, now)?;
    let powers = Powers::over(conn, &Rights::of_caller(person, now), [row])?;
    Ok(Rechecker { user_id: id.0, side: powers.actor(row).recheck })
}
