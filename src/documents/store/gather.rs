//! What a document takes from the rows around it: names, addresses, places.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;

use crate::access::Role;
use crate::accounts::people::rules::masked;
use crate::documents::content::Unit;
use crate::platform::db::Conn;
use crate::platform::db::schema::{memberships, orgs, sites, users};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::Problem;

/// The school as it is named on paper. Of several principals the one appointed first.
///
/// # Errors
/// Whatever the engine says.
pub fn unit(conn: &mut Conn, org_id: Id, credit_code: Option<String>, now: Timestamp) -> Result<Unit, Problem> {
    let (name, identifier, address): (String, Option<String>, Option<String>) =
        orgs::table.find(org_id).select((orgs::name, orgs::identifier, orgs::address)).first(conn)?;
    let principal: Option<(String, Option<String>)> = memberships::table
        .inner_join(users::table.on(users::id.eq(memberships::user_id)))
        .filter(memberships::org_id.eq(org_id))
        .filter(memberships::role.eq(Role::Principal.as_str()))
        .filter(memberships::ended_at.is_null())
        .filter(memberships::valid_from.le(now))
        .filter(memberships::valid_to.is_null().or(memberships::valid_to.gt(now)))
        .filter(users::disabled_at.is_null())
        .order((memberships::valid_from, memberships::id))
        .select((users::display_name, users::phone))
        .first(conn)
        .optional()?;
    let (principal, phone) = principal.map_or((None, None), |(name, phone)| (Some(name), phone));
    Ok(Unit { name, identifier, credit_code, address, principal, principal_phone: phone.as_deref().map(masked) })
}

/// Display names of people.
#[derive(Debug, Default)]
pub struct Names(BTreeMap<Id, String>);

impl Names {
    /// Those of these people.
    ///
    /// # Errors
    /// Whatever the engine says.
    pub fn of(conn: &mut Conn, people: impl IntoIterator<Item = Id>) -> Result<Self, Problem> {
        let ids: BTreeSet<Id> = people.into_iter().collect();
        let found: Vec<(Id, String)> =
            users::table.filter(users::id.eq_any(ids)).select((users::id, users::display_name)).load(conn)?;
        Ok(Self(found.into_iter().collect()))
    }

    /// Somebody's.
    #[must_use]
    pub fn get(&self, id: Id) -> String {
        self.0.get(&id).cloned().unwrap_or_default()
    }
}

/// Places in a school, from the campus inwards.
#[derive(Debug, Default)]
pub struct Places(BTreeMap<Id, (Option<Id>, String)>);

/// Campus, building, floor, room, point: a path has at most five.
const DEEPEST: usize = 5;

impl Places {
    /// Those of these ids with all that they lie in.
    ///
    /// # Errors
    /// Whatever the engine says.
    pub fn of(conn: &mut Conn, ids: impl IntoIterator<Item = Id>) -> Result<Self, Problem> {
        let mut known = BTreeMap::new();
        let mut wanted: BTreeSet<Id> = ids.into_iter().collect();
        for _ in 0..DEEPEST {
            if wanted.is_empty() {
                break;
            }
            let found: Vec<(Id, (Option<Id>, String))> = sites::table
                .filter(sites::id.eq_any(&wanted))
                .select((sites::id, (sites::parent_id, sites::name)))
                .load(conn)?;
            wanted = found.iter().filter_map(|(_, (parent, _))| *parent).collect();
            known.extend(found);
            wanted.retain(|id| !known.contains_key(id));
        }
        Ok(Self(known))
    }

    /// The path to a place.
    #[must_use]
    pub fn path(&self, site: Option<Id>) -> Option<String> {
        let mut names = Vec::new();
        let mut at = site;
        while let Some((parent, name)) = at.and_then(|id| self.0.get(&id)) {
            names.push(name.as_str());
            at = parent.filter(|_| names.len() < DEEPEST);
        }
        names.reverse();
        if names.is_empty() { None } else { Some(names.join("/")) }
    }
}
