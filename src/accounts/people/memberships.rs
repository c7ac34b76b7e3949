//! Giving and taking roles.

use diesel::prelude::*;
use serde_json::json;

use super::bodies::{MembershipView, NewMembership, incompatible};
use super::rules;
use super::sight::{Places, memberships_of, visible};
use crate::access::caller::{MemberOrg, Membership};
use crate::access::{OrgRef, Permission, Rights, Role};
use crate::accounts::sessions::rights_changed;
use crate::platform::db::schema::{memberships, users};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Commit, Conn, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::{FieldError, Reply};
use crate::platform::journal::{Event, Stream};

/// The organisation of a membership to be given, once the caller may give that role there.
///
/// # Errors
/// 404 for an organisation out of sight, 403 for a role that is not the caller's to give, 422 for a role that does not
/// stand on such an organisation.
pub fn grantable(conn: &mut Conn, rights: &Rights, new: &NewMembership, at: &str) -> Result<OrgRef, Problem> {
    let org = rights.of(Permission::UserManage).org(conn, new.org_id)?;
    if !may_grant(conn, rights, &org, new.role)? {
        return Err(not_yours(&format!("{at}/role")));
    }
    stands(new.role, &org, at)?;
    Ok(org)
}

/// Whether a role stands on such an organisation.
///
/// # Errors
/// 422 where it does not.
pub fn stands(role: Role, org: &OrgRef, at: &str) -> Result<(), Problem> {
    if role.stands_on().contains(&org.kind) {
        return Ok(());
    }
    Err(Problem::invalid(FieldError::new(
        format!("{at}/role"),
        "wrong_org_kind",
        "该角色不能设在此类机构",
        "does not stand on this kind of organisation",
    )))
}

fn may_grant(conn: &mut Conn, rights: &Rights, org: &OrgRef, role: Role) -> Result<bool, Problem> {
    let scope = rights.of(Permission::UserManage);
    Ok(scope.reaches_to(conn, org)?.iter().any(|reach| reach.role.grants().contains(&role)))
}

fn not_yours(pointer: &str) -> Problem {
    Problem::new(Code::Forbidden).errors(vec![FieldError::new(
        pointer,
        "role_not_grantable",
        "无权授予或收回该角色",
        "is not yours to give or take",
    )])
}

/// Whoever manages accounts does not manage the own one.
///
/// # Errors
/// 403 for oneself.
pub fn not_self(rights: &Rights, user_id: Id) -> Result<(), Problem> {
    if rights.user_id() == user_id {
        let problem = Problem::new(Code::Forbidden);
        return Err(problem.detail("不能对自己的账号这样做", "not on the own account"));
    }
    Ok(())
}

/// Whether the caller may disable this person or reset the password: every role that has not run out must be one the
/// caller may give where it is held, other bureaus included.
///
/// # Errors
/// 403 where not.
pub fn looks_after(conn: &mut Conn, rights: &Rights, now: Timestamp, user_id: Id) -> Result<(), Problem> {
    let scope = rights.of(Permission::UserManage);
    let granters: Vec<Role> = scope.reaches.iter().map(|reach| reach.role).collect();
    let mut held = Vec::new();
    for membership in memberships_of(conn, &[user_id])?.remove(&user_id).unwrap_or_default() {
        if membership.valid_to.is_some_and(|end| end <= now) {
            continue;
        }
        let org = crate::access::scope::org_ref(conn, membership.org.id)?;
        let over = scope.reaches_to(conn, &org)?.iter().map(|reach| reach.role).collect();
        held.push((membership.role, over));
    }
    if rules::may_look_after(&granters, &held) {
        Ok(())
    } else {
        let problem = Problem::new(Code::Forbidden);
        Err(problem.detail("此人的角色不由您授予", "this person holds a role that is not yours to give"))
    }
}

/// Stores a membership.
///
/// # Errors
/// Whatever the engine says.
pub fn insert(tx: &mut Tx<'_>, user_id: Id, org: &OrgRef, new: &NewMembership) -> Result<Membership, Problem> {
    let id = tx.new_id();
    let valid_from = new.valid_from.unwrap_or(tx.now);
    let domains = new.domains.clone().map(|mut domains| {
        domains.sort_unstable();
        domains.dedup();
        domains
    });
    diesel::insert_into(memberships::table)
        .values((
            memberships::id.eq(id),
            memberships::created_at.eq(tx.now),
            memberships::created_by.eq(tx.work.actor),
            memberships::user_id.eq(user_id),
            memberships::bureau_id.eq(org.bureau_id),
            memberships::org_id.eq(org.id),
            memberships::role.eq(new.role),
            memberships::domains.eq(domains.as_ref().map(Doc::of)),
            memberships::valid_from.eq(valid_from),
            memberships::valid_to.eq(new.valid_to),
        ))
        .execute(tx.conn)?;
    Ok(Membership {
        id,
        org: MemberOrg { id: org.id, name: org.name.clone(), kind: org.kind },
        role: new.role,
        domains,
        valid_from,
        valid_to: new.valid_to,
        bureau_id: org.bureau_id,
    })
}

/// The journal entry of a membership given.
///
/// # Errors
/// Whatever the engine says.
pub fn record_given(tx: &mut Tx<'_>, user_id: Id, given: &Membership) -> Result<Receipt, Problem> {
    let payload = json!({
        "user_id": user_id, "role": given.role, "domains": given.domains,
        "valid_from": given.valid_from, "valid_to": given.valid_to
    });
    let event = Event::of("membership", given.id, "given").at(given.bureau_id, given.org.id);
    tx.record(event.stream(Stream::Accounts).with(payload))
}

/// Gives a role to somebody in sight.
///
/// # Errors
/// 404 for a person or organisation out of sight, 403 for a role not the caller's to give and for oneself, 409 where
/// the person holds it already or another role that does not go with it, 422.
pub fn give(
    tx: &mut Tx<'_>,
    rights: &Rights,
    user_id: Id,
    body: impl FnOnce() -> Result<NewMembership, Problem>,
) -> Result<Commit<Reply>, Problem> {
    let places = Places::of(tx.conn, &rights.of(Permission::UserManage))?;
    visible(tx.conn, &places, user_id)?;
    not_self(rights, user_id)?;
    let new = body()?;
    let org = grantable(tx.conn, rights, &new, "")?;
    if let Some(again) = tx.replay() {
        return Ok(again);
    }
    if new.valid_to.is_some_and(|end| end <= tx.now) {
        return Err(Problem::invalid(over("/valid_to")));
    }
    // The person's row is changed first: two grants at once stand in line, so that no two administrators meet in one.
    touch(tx, user_id)?;
    let held = memberships_of(tx.conn, &[user_id])?.remove(&user_id).unwrap_or_default();
    let mut counting = held.iter().filter(|one| one.valid_to.is_none_or(|end| end > tx.now));
    let roles: Vec<Role> = counting.clone().map(|one| one.role).collect();
    if !rules::goes_with_all(&roles, new.role) {
        return Err(Problem::new(Code::StateConflict).errors(vec![incompatible("/role")]));
    }
    if counting.any(|one| one.role == new.role && one.org.id == org.id) {
        return Err(Problem::new(Code::StateConflict).errors(vec![FieldError::new(
            "",
            "already_member",
            "此人在该机构已有该角色",
            "holds this role there already",
        )]));
    }
    let membership = insert(tx, user_id, &org, &new)?;
    let receipt = record_given(tx, user_id, &membership)?;
    let view = MembershipView { user_id, version: 1, created_at: tx.now, updated_at: tx.now, membership };
    Ok(receipt.with(Reply::created(&format!("/users/{user_id}/memberships/{}", view.membership.id), &view)?))
}

/// Takes a role away.
///
/// # Errors
/// 404 out of sight, 403 for a role not the caller's to take and for oneself.
pub fn end(tx: &mut Tx<'_>, rights: &Rights, user_id: Id, membership_id: Id) -> Result<Commit<Reply>, Problem> {
    let scope = rights.of(Permission::UserManage);
    let places = Places::of(tx.conn, &scope)?;
    visible(tx.conn, &places, user_id)?;
    let held = memberships_of(tx.conn, &[user_id])?.remove(&user_id).unwrap_or_default();
    let membership = held.into_iter().find(|one| one.id == membership_id).ok_or_else(Problem::not_found)?;
    let org = scope.org(tx.conn, membership.org.id)?;
    not_self(rights, user_id)?;
    if !may_grant(tx.conn, rights, &org, membership.role)? {
        return Err(not_yours(""));
    }
    touch(tx, user_id)?;
    diesel::update(memberships::table.find(membership_id)).set(memberships::ended_at.eq(tx.now)).execute(tx.conn)?;
    let event = Event::of("membership", membership_id, "ended").at(org.bureau_id, org.id).stream(Stream::Accounts);
    let receipt = tx.record(event.with(json!({"user_id": user_id, "role": membership.role})))?;
    Ok(receipt.with(Reply::no_content()))
}

/// The person's record has changed, and so have the rights.
fn touch(tx: &mut Tx<'_>, user_id: Id) -> Result<(), Problem> {
    diesel::update(users::table.find(user_id))
        .set((users::version.eq(users::version + 1), users::updated_at.eq(tx.now)))
        .execute(tx.conn)?;
    rights_changed(tx, user_id)
}

/// A time that must lie ahead.
#[must_use]
pub fn over(pointer: &str) -> FieldError {
    FieldError::new(pointer, "in_the_past", "须为将来的时间", "must lie in the future")
}
