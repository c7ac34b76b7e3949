//! The people a transition names: they must exist on this bureau's side of the world and hold what they are named for.

use diesel::prelude::*;

use super::powers::Powers;
use super::row::Row;
use crate::access::caller::{self, Caller, Membership};
use crate::access::{Permission, Rights, Role, policy};
use crate::hazards::rules::{Actor, Rechecker, Request, Side};
use crate::hazards::status::{Refusal, Status};
use crate::on_conn;
use crate::orgs::rules::OrgKind;
use crate::platform::db::schema::{hazard_people, memberships, orgs, users};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Conn, Tx};
use crate::platform::error::Problem;
use crate::platform::http::{Faults, FieldError};

/// A person with all memberships, whoever it is; nothing where absent or disabled.
///
/// # Errors
/// Whatever the engine says.
pub fn person(conn: &mut Conn, id: Id) -> Result<Option<Caller>, Problem> {
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
                // Another school is told as wrong only to whom it exists.
                rights.of(Permission::OrgRead).org(conn, Id(*org))?;
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
                let known = rechecker(conn, row, Id(named.user_id), now)?;
                // Whom a school does not know is absent for it, unless it is somebody who may recheck for the bureau.
                if from_school && known.side.is_none() {
                    must_be_known(conn, rights, Id(named.user_id))?;
                }
                *named = known;
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

/// Who rechecked keeps sight of the hazard: everybody named at a pass, and who returned it.
pub(super) fn remember_recheckers(tx: &mut Tx<'_>, row: &Row, request: &Request, actor: Id) -> Result<(), Problem> {
    let people: Vec<Id> = match request {
        Request::Pass { recheckers, .. } => recheckers.iter().map(|named| Id(named.user_id)).collect(),
        Request::Return { .. } if row.status == Status::AwaitingRecheck => vec![actor],
        _ => return Ok(()),
    };
    for person in people {
        let relation = (
            hazard_people::hazard_id.eq(row.id),
            hazard_people::user_id.eq(person),
            hazard_people::part.eq("rechecker"),
        );
        on_conn!(&mut *tx.conn, conn => diesel::insert_into(hazard_people::table)
            .values(relation)
            .on_conflict_do_nothing()
            .execute(conn)?);
    }
    Ok(())
}

/// Whether a school that may close this one has nobody left to recheck it: everybody entitled has rectified. Asked only
/// once somebody was refused for having rectified.
pub(super) fn school_has_no_second(
    conn: &mut Conn,
    row: &Row,
    actor: &Actor,
    refusals: &[Refusal],
    now: Timestamp,
) -> Result<bool, Problem> {
    let in_the_way = [Refusal::WrongState, Refusal::NeedsBureau, Refusal::NotPermitted];
    let only_the_person =
        refusals.contains(&Refusal::SamePerson) && !refusals.iter().any(|one| in_the_way.contains(one));
    if actor.recheck != Some(Side::School) || !only_the_person {
        return Ok(false);
    }
    let recheckers = |role: &&Role| role.is_school_side() && policy::cell(**role, Permission::HazardRecheck).is_some();
    let roles: Vec<Role> = Role::ALL.iter().filter(recheckers).copied().collect();
    let rectifiers: Vec<Id> = row.rectifiers.read();
    let others: Vec<Option<Doc>> = memberships::table
        .inner_join(users::table.on(users::id.eq(memberships::user_id)))
        .filter(memberships::org_id.eq(row.org_id))
        .filter(memberships::role.eq_any(roles))
        .filter(memberships::ended_at.is_null())
        .filter(memberships::valid_from.le(now))
        .filter(memberships::valid_to.is_null().nullable().or(memberships::valid_to.gt(now)))
        .filter(users::disabled_at.is_null())
        .filter(users::id.ne_all(rectifiers))
        .select(memberships::domains)
        .load(conn)?;
    let covers = |domains: &Option<Doc>| {
        domains.as_ref().is_none_or(|domains| domains.read::<Vec<String>>().contains(&row.domain))
    };
    Ok(!others.iter().any(covers))
}

/// Whether somebody may be named in a question: oneself, or a person of a bureau the caller works in; for a school only
/// its own people exist.
///
/// # Errors
/// 404 where the person is absent or out of sight.
pub fn must_be_known(conn: &mut Conn, rights: &Rights, id: Id) -> Result<(), Problem> {
    if id == rights.user_id() {
        return Ok(());
    }
    // Whoever has left may still be asked about.
    let places: Vec<(Id, Id)> = memberships::table
        .filter(memberships::user_id.eq(id))
        .select((memberships::bureau_id, memberships::org_id))
        .load(conn)?;
    let known = rights.scope().reaches.iter().any(|reach| {
        let school = reach.role.is_school_side();
        places.iter().any(|(bureau, org)| if school { *org == reach.org_id } else { *bureau == reach.bureau_id })
    });
    if known { Ok(()) } else { Err(Problem::not_found()) }
}
