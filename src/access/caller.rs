//! A signed-in person with all memberships, as the database has them.

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use super::policy::{self, Permission};
use super::role::Role;
use super::scope::{Reach, Scope};
use crate::orgs::rules::OrgKind;
use crate::platform::db::Conn;
use crate::platform::db::schema::{memberships, orgs, sessions, users};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::error::Problem;

/// Somebody who has signed in.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The user.
    pub user_id: Id,
    /// The session of the token.
    pub session_id: Id,
    /// The device's own name for itself.
    pub device: Option<String>,
    /// For signing in.
    pub username: String,
    /// For people to read.
    pub display_name: String,
    /// Until then, only the own account is open.
    pub must_change_password: bool,
    /// Moves with every change of rights.
    pub rights_version: i64,
    /// What the person is, where; ended ones left out, future and expired ones not.
    pub memberships: Vec<Membership>,
}

/// A role in an organisation.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Membership {
    /// Of the membership.
    pub id: Id,
    /// Where.
    pub org: MemberOrg,
    /// What.
    pub role: Role,
    /// Narrowed to these domains; all where null.
    #[schema(required)]
    pub domains: Option<Vec<String>>,
    /// From when.
    pub valid_from: Timestamp,
    /// Until when; for good where null.
    #[schema(required)]
    pub valid_to: Option<Timestamp>,
    /// The bureau of the organisation.
    #[serde(skip)]
    pub bureau_id: Id,
}

/// The organisation of a membership.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct MemberOrg {
    /// Of the organisation.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: OrgKind,
}

impl Membership {
    /// Whether the membership counts at `now`.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.valid_from <= now && self.valid_to.is_none_or(|end| now < end)
    }
}

impl Caller {
    /// How far `permission` reaches for this caller at `now`.
    #[must_use]
    pub fn scope(&self, permission: Permission, now: Timestamp) -> Scope {
        let business = !(permission.as_str().starts_with("org.") || permission.as_str().starts_with("user."));
        let reaches = self
            .memberships
            .iter()
            .filter(|membership| membership.is_valid(now))
            .filter_map(|membership| {
                let limit = policy::cell(membership.role, permission)?;
                Some(Reach {
                    role: membership.role,
                    org_id: membership.org.id,
                    org_kind: membership.org.kind,
                    bureau_id: membership.bureau_id,
                    domains: if business { membership.domains.clone() } else { None },
                    limit,
                })
            })
            .collect();
        Scope { user_id: self.user_id, reaches, own_schools: self.own_schools(now) }
    }

    /// The schools the caller is somebody of. A membership that is still to begin counts: who comes to a school next
    /// week keeps no secrets from it. A supervisor (责任督学) follows schools on behalf of the bureau and belongs to none.
    fn own_schools(&self, now: Timestamp) -> Vec<Id> {
        self.memberships
            .iter()
            .filter(|membership| membership.role.is_school_side() && membership.valid_to.is_none_or(|end| now < end))
            .map(|membership| membership.org.id)
            .collect()
    }

    /// Whether the caller has `permission` anywhere at `now`.
    #[must_use]
    pub fn may(&self, permission: Permission, now: Timestamp) -> bool {
        self.memberships
            .iter()
            .any(|membership| membership.is_valid(now) && policy::cell(membership.role, permission).is_some())
    }
}

/// The version of a session's rights; nothing where the session or the account has ended.
///
/// # Errors
/// Whatever the engine says.
pub fn rights_version(conn: &mut Conn, session_id: Id) -> Result<Option<i64>, Problem> {
    Ok(sessions::table
        .inner_join(users::table.on(users::id.eq(sessions::user_id)))
        .filter(sessions::id.eq(session_id))
        .filter(sessions::ended_at.is_null())
        .filter(users::disabled_at.is_null())
        .select(users::rights_version)
        .first(conn)
        .optional()?)
}

/// The person behind a session; nothing where the session or the account has ended.
///
/// # Errors
/// Whatever the engine says.
pub fn load(conn: &mut Conn, session_id: Id) -> Result<Option<Caller>, Problem> {
    type Row = (Id, Option<String>, String, String, bool, i64);
    let found: Option<Row> = sessions::table
        .inner_join(users::table.on(users::id.eq(sessions::user_id)))
        .filter(sessions::id.eq(session_id))
        .filter(sessions::ended_at.is_null())
        .filter(users::disabled_at.is_null())
        .select((
            users::id,
            sessions::device_id,
            users::username,
            users::display_name,
            users::must_change_password,
            users::rights_version,
        ))
        .first(conn)
        .optional()?;
    let Some((user_id, device, username, display_name, must_change_password, rights_version)) = found else {
        return Ok(None);
    };
    let memberships = memberships_of(conn, user_id)?;
    Ok(Some(Caller {
        user_id,
        session_id,
        device,
        username,
        display_name,
        must_change_password,
        rights_version,
        memberships,
    }))
}

/// The memberships of a user that have not been ended, oldest first.
///
/// # Errors
/// Whatever the engine says.
pub fn memberships_of(conn: &mut Conn, user_id: Id) -> Result<Vec<Membership>, Problem> {
    all_memberships(conn, user_id, false)
}

fn all_memberships(conn: &mut Conn, user_id: Id, ended: bool) -> Result<Vec<Membership>, Problem> {
    type Row = (Id, Id, Id, Role, Option<Doc>, Timestamp, Option<Timestamp>, String, OrgKind);
    let rows: Vec<Row> = memberships::table
        .inner_join(orgs::table.on(orgs::id.eq(memberships::org_id)))
        .filter(memberships::user_id.eq(user_id))
        .filter(memberships::ended_at.is_null().or(diesel::dsl::sql::<diesel::sql_types::Bool>(if ended {
            "1 = 1"
        } else {
            "1 = 0"
        })))
        .order((memberships::created_at, memberships::id))
        .select((
            memberships::id,
            memberships::org_id,
            memberships::bureau_id,
            memberships::role,
            memberships::domains,
            memberships::valid_from,
            memberships::valid_to,
            orgs::name,
            orgs::kind,
        ))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(id, org_id, bureau_id, role, domains, valid_from, valid_to, name, kind)| Membership {
            id,
            org: MemberOrg { id: org_id, name, kind },
            role,
            domains: domains.map(|doc| doc.read()),
            valid_from,
            valid_to,
            bureau_id,
        })
        .collect())
}

/// A person with all memberships, signed in or not, and whether the account is disabled. For work that is done for
/// somebody later: what a phone handed in and what waited.
///
/// # Errors
/// 404 where there is no such person.
pub fn of_user(conn: &mut Conn, user_id: Id) -> Result<(Caller, bool), Problem> {
    type Row = (String, String, bool, i64, Option<Timestamp>);
    let (username, display_name, must_change_password, rights_version, disabled_at): Row = users::table
        .find(user_id)
        .select((
            users::username,
            users::display_name,
            users::must_change_password,
            users::rights_version,
            users::disabled_at,
        ))
        .first(conn)?;
    let memberships = memberships_of(conn, user_id)?;
    let caller = Caller {
        user_id,
        session_id: user_id,
        device: None,
        username,
        display_name,
        must_change_password,
        rights_version,
        memberships,
    };
    Ok((caller, disabled_at.is_some()))
}

/// The memberships a user held at an instant, those since ended among them.
///
/// # Errors
/// Whatever the engine says.
pub fn memberships_at(conn: &mut Conn, user_id: Id, at: Timestamp) -> Result<Vec<Membership>, Problem> {
    let held = memberships::ended_at.is_null().or(memberships::ended_at.gt(at));
    let ids: Vec<Id> = memberships::table
        .filter(memberships::user_id.eq(user_id))
        .filter(memberships::created_at.le(at))
        .filter(held)
        .select(memberships::id)
        .load(conn)?;
    let mut found = all_memberships(conn, user_id, true)?;
    found.retain(|one| ids.contains(&one.id) && one.is_valid(at));
    Ok(found)
}
