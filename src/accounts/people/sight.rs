//! Who sees whom: people with a membership in a place of the caller's scope.
//!
//! A person whose every membership has ended stays in sight of the places of the past, so that somebody can bring the
//! account back; one who has moved on to other places does not.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::bodies::{LookupFilter, NamedPerson, UserFilter, UserView};
use super::rules::masked;
use crate::access::caller::{MemberOrg, Membership};
use crate::access::{Role, Scope};
use crate::orgs::rules::OrgKind;
use crate::orgs::store::{literal, lower};
use crate::platform::db::schema::{memberships, org_closure, orgs, users};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Conn, MultiBackend};
use crate::platform::error::Problem;
use crate::platform::http::List;
use crate::platform::http::list::COUNT_LIMIT;

/// A user without what is secret; the columns are explained in the migration.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct UserRow {
    pub id: Id,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub created_by: Option<Id>,
    pub body_hash: Option<Vec<u8>>,
    pub username: String,
    pub display_name: String,
    pub phone: Option<String>,
    pub must_change_password: bool,
    pub disabled_at: Option<Timestamp>,
}

/// The organisations of a scope: whole bureaus, and single organisations (those below a cluster one by one).
#[derive(Debug, Clone, Default)]
pub struct Places {
    bureaus: Vec<Id>,
    orgs: Vec<Id>,
}

impl Places {
    /// From a scope.
    ///
    /// # Errors
    /// Whatever the engine says.
    pub fn of(conn: &mut Conn, scope: &Scope) -> Result<Self, Problem> {
        let mut places = Self::default();
        let mut clusters = Vec::new();
        for reach in &scope.reaches {
            match reach.org_kind {
                OrgKind::Bureau => places.bureaus.push(reach.org_id),
                OrgKind::Cluster => clusters.push(reach.org_id),
                OrgKind::School | OrgKind::Agency => places.orgs.push(reach.org_id),
            }
        }
        if !clusters.is_empty() {
            let below: Vec<Id> = org_closure::table
                .filter(org_closure::ancestor_id.eq_any(clusters))
                .select(org_closure::descendant_id)
                .load(conn)?;
            places.orgs.extend(below);
        }
        Ok(places)
    }

    fn hold(&self, membership: &Membership) -> bool {
        self.bureaus.contains(&membership.bureau_id) || self.orgs.contains(&membership.org.id)
    }
}

#[diesel::dsl::auto_type]
fn within(bureaus: Vec<Id>, single: Vec<Id>) -> _ {
    memberships::bureau_id.eq_any(bureaus).or(memberships::org_id.eq_any(single))
}

#[diesel::dsl::auto_type]
fn open_members(bureaus: Vec<Id>, single: Vec<Id>) -> _ {
    let inside: within = within(bureaus, single);
    memberships::table.filter(inside).filter(memberships::ended_at.is_null()).select(memberships::user_id)
}

#[diesel::dsl::auto_type]
fn members_ever(bureaus: Vec<Id>, single: Vec<Id>) -> _ {
    let inside: within = within(bureaus, single);
    memberships::table.filter(inside).select(memberships::user_id)
}

#[diesel::dsl::auto_type]
fn open_anywhere() -> _ {
    memberships::table.filter(memberships::ended_at.is_null()).select(memberships::user_id)
}

type Condition = Box<dyn BoxableExpression<users::table, MultiBackend, SqlType = Bool>>;

fn in_sight(places: &Places) -> Condition {
    let now = users::id.eq_any(open_members(places.bureaus.clone(), places.orgs.clone()));
    let past = users::id
        .eq_any(members_ever(places.bureaus.clone(), places.orgs.clone()))
        .and(users::id.ne_all(open_anywhere()));
    Box::new(now.or(past))
}

/// The user, if in sight.
///
/// # Errors
/// 404 where absent or out of sight.
pub fn visible(conn: &mut Conn, places: &Places, id: Id) -> Result<UserRow, Problem> {
    Ok(users::table.find(id).filter(in_sight(places)).select(UserRow::as_select()).first(conn)?)
}

fn filtered<'a>(places: &Places, filter: &UserFilter) -> users::BoxedQuery<'a, MultiBackend> {
    let mut query = users::table.filter(in_sight(places)).into_boxed();
    if let Some(words) = filter.q.as_deref().map(str::trim).filter(|words| !words.is_empty()) {
        let words = literal(&words.to_lowercase());
        let named = lower(users::display_name).like(format!("%{words}%")).escape('\\');
        query = query.filter(named.or(users::username.like(format!("{words}%")).escape('\\')));
    }
    if let Some(role) = filter.role {
        let holders = open_members(places.bureaus.clone(), places.orgs.clone()).filter(memberships::role.eq(role));
        query = query.filter(users::id.eq_any(holders));
    }
    if let Some(org_id) = filter.org_id {
        let members = memberships::table
            .filter(memberships::org_id.eq(org_id))
            .filter(memberships::ended_at.is_null())
            .select(memberships::user_id);
        query = query.filter(users::id.eq_any(members));
    }
    match filter.disabled {
        Some(true) => query.filter(users::disabled_at.is_not_null()),
        Some(false) => query.filter(users::disabled_at.is_null()),
        None => query,
    }
}

/// One page, one row more to know whether there is a next.
///
/// # Errors
/// 404 for an `org_id` out of sight.
pub fn list(conn: &mut Conn, scope: &Scope, list: &List<UserFilter>) -> Result<(Vec<UserRow>, Option<i64>), Problem> {
    if let Some(org_id) = list.filter.org_id {
        scope.org(conn, org_id)?;
    }
    let places = Places::of(conn, scope)?;
    let query = filtered(&places, &list.filter).select(UserRow::as_select());
    let rows = crate::keyset!(query, users, list).load(conn)?;
    let counted = if list.count {
        let ids: Vec<Id> = filtered(&places, &list.filter).select(users::id).limit(COUNT_LIMIT + 1).load(conn)?;
        i64::try_from(ids.len()).ok()
    } else {
        None
    };
    Ok((rows, counted))
}

/// The memberships of several users that have not ended, by user, oldest first; whoever asks.
///
/// # Errors
/// Whatever the engine says.
pub fn memberships_of(conn: &mut Conn, ids: &[Id]) -> Result<HashMap<Id, Vec<Membership>>, Problem> {
    type Row = (Id, Id, Id, Id, Role, Option<Doc>, Timestamp, Option<Timestamp>, String, OrgKind);
    let rows: Vec<Row> = memberships::table
        .inner_join(orgs::table.on(orgs::id.eq(memberships::org_id)))
        .filter(memberships::user_id.eq_any(ids.to_vec()))
        .filter(memberships::ended_at.is_null())
        .order((memberships::created_at, memberships::id))
        .select((
            memberships::user_id,
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
    let mut by_user: HashMap<Id, Vec<Membership>> = HashMap::new();
    for (user_id, id, org_id, bureau_id, role, domains, valid_from, valid_to, name, kind) in rows {
        by_user.entry(user_id).or_default().push(Membership {
            id,
            org: MemberOrg { id: org_id, name, kind },
            role,
            domains: domains.map(|doc| doc.read()),
            valid_from,
            valid_to,
            bureau_id,
        });
    }
    Ok(by_user)
}

/// Rows as the scope sees them: only memberships in its places; phones masked, and those of the bureau's people not
/// shown to a school at all.
///
/// # Errors
/// Whatever the engine says.
pub fn views(conn: &mut Conn, scope: &Scope, rows: Vec<UserRow>) -> Result<Vec<UserView>, Problem> {
    let places = Places::of(conn, scope)?;
    let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
    let mut all = memberships_of(conn, &ids)?;
    let view = |row: UserRow| {
        let held = all.remove(&row.id).unwrap_or_default();
        let from_bureau = held.iter().any(|one| places.bureaus.contains(&one.bureau_id));
        let of_schools = held.iter().all(|one| one.role.is_school_side());
        let shown = from_bureau || of_schools;
        UserView {
            id: row.id,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            username: row.username,
            display_name: row.display_name,
            phone: row.phone.filter(|_| shown).map(|phone| masked(&phone)),
            disabled: row.disabled_at.is_some(),
            must_change_password: row.must_change_password,
            memberships: held.into_iter().filter(|one| places.hold(one)).collect(),
        }
    };
    Ok(rows.into_iter().map(view).collect())
}

/// One row as the scope sees it.
///
/// # Errors
/// Whatever the engine says.
pub fn view(conn: &mut Conn, scope: &Scope, row: UserRow) -> Result<UserView, Problem> {
    views(conn, scope, vec![row])?.pop().ok_or_else(Problem::not_found)
}

/// A person to name, with the place in the list.
pub type Found = ((Timestamp, Id), NamedPerson);

/// People who can be named now: their memberships count and their accounts are open. One row for each role.
///
/// # Errors
/// 404 for an `org_id` out of sight.
pub fn lookup(
    conn: &mut Conn,
    scope: &Scope,
    now: Timestamp,
    list: &List<LookupFilter>,
) -> Result<Vec<Found>, Problem> {
    let places = Places::of(conn, scope)?;
    let mut query = memberships::table
        .inner_join(users::table.on(users::id.eq(memberships::user_id)))
        .inner_join(orgs::table.on(orgs::id.eq(memberships::org_id)))
        .filter(within(places.bureaus, places.orgs))
        .filter(memberships::ended_at.is_null())
        .filter(memberships::valid_from.le(now))
        .filter(memberships::valid_to.is_null().or(memberships::valid_to.gt(now)))
        .filter(users::disabled_at.is_null())
        .into_boxed();
    if let Some(org_id) = list.filter.org_id {
        scope.org(conn, org_id)?;
        query = query.filter(memberships::org_id.eq(org_id));
    }
    if let Some(role) = list.filter.role {
        query = query.filter(memberships::role.eq(role));
    }
    if let Some(words) = list.filter.q.as_deref().map(str::trim).filter(|words| !words.is_empty()) {
        let words = literal(&words.to_lowercase());
        query = query.filter(lower(users::display_name).like(format!("%{words}%")).escape('\\'));
    }
    type Row = (Timestamp, Id, Id, String, Role, Id, String);
    let rows: Vec<Row> = crate::keyset!(query, memberships, list)
        .select((
            memberships::created_at,
            memberships::id,
            users::id,
            users::display_name,
            memberships::role,
            orgs::id,
            orgs::name,
        ))
        .load(conn)?;
    let person = |(at, membership, id, display_name, role, org_id, org_name): Row| {
        ((at, membership), NamedPerson { id, display_name, role, org_id, org_name })
    };
    Ok(rows.into_iter().map(person).collect())
}
