//! Who is meant, found over the memberships that count now.

use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::prelude::*;

use crate::access::Role;
use crate::platform::db::Conn;
use crate::platform::db::schema::{memberships, org_closure, users};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::error::Problem;

/// Whom a notice is for. Disabled accounts and memberships that have ended or not begun are nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// This person, while anything at all.
    Person(Id),
    /// This person, while anything in this organisation or above it: whoever has left it no longer sees what is told, so
    /// that others have to hear it.
    PersonOf(Id, Id),
    /// The owner of this account, whatever has become of it: for what happens to the account itself.
    Account(Id),
    /// Whoever holds one of the roles in this school.
    SchoolRole(Id, &'static [Role]),
    /// Whoever holds one of the roles in this bureau; where a domain is named, only those it is not narrowed away from.
    BureauRole(Id, &'static [Role], Option<String>),
    /// The supervisors (责任督学) of this school, by itself or by a cluster above it; domains as before.
    SupervisorsOf(Id, Option<String>),
}

/// A membership, as far as it matters for telling.
#[derive(Debug)]
struct Seat {
    user_id: Id,
    role: Role,
    domains: Option<Vec<String>>,
}

/// Everybody whom some audiences may mean, loaded at once: at most three queries however many audiences there are.
#[derive(Debug, Default)]
pub struct Directory {
    seats: HashMap<Id, Vec<Seat>>,
    /// With the organisations in which they are anything.
    people: HashMap<Id, HashSet<Id>>,
    above: HashMap<Id, Vec<Id>>,
}

type SeatRow = (Id, Id, Role, Option<Doc>);

impl Directory {
    /// Loads whoever these audiences may mean at `now`.
    ///
    /// # Errors
    /// Whatever the engine says.
    pub fn load<'a>(
        conn: &mut Conn,
        audiences: impl IntoIterator<Item = &'a Audience>,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let (mut people, mut places, mut roles, mut followed) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut supervised = false;
        for audience in audiences {
            match audience {
                Audience::Person(id) => drop(people.insert(*id)),
                Audience::PersonOf(id, org) => {
                    people.insert(*id);
                    followed.insert(*org);
                }
                Audience::Account(_) => {}
                Audience::SchoolRole(org, held) | Audience::BureauRole(org, held, _) => {
                    places.insert(*org);
                    roles.extend(held.iter().map(|role| role.as_str()));
                }
                Audience::SupervisorsOf(school, _) => {
                    followed.insert(*school);
                    supervised = true;
                    roles.insert(Role::Supervisor.as_str());
                }
            }
        }
        let mut directory = Self::default();
        if !followed.is_empty() {
            let pairs: Vec<(Id, Id)> = org_closure::table
                .filter(org_closure::descendant_id.eq_any(followed))
                .select((org_closure::descendant_id, org_closure::ancestor_id))
                .load(conn)?;
            for (school, above) in pairs {
                if supervised {
                    places.insert(above);
                }
                directory.above.entry(school).or_default().push(above);
            }
        }
        if !places.is_empty() {
            directory.seat(conn, places, roles, now)?;
        }
        if !people.is_empty() {
            let held: Vec<(Id, Id)> = memberships::table
                .inner_join(users::table.on(users::id.eq(memberships::user_id)))
                .filter(users::disabled_at.is_null())
                .filter(memberships::ended_at.is_null())
                .filter(memberships::valid_from.le(now))
                .filter(memberships::valid_to.is_null().or(memberships::valid_to.gt(now)))
                .filter(memberships::user_id.eq_any(people))
                .select((memberships::user_id, memberships::org_id))
                .load(conn)?;
            for (person, org) in held {
                directory.people.entry(person).or_default().insert(org);
            }
        }
        Ok(directory)
    }

    fn seat(
        &mut self,
        conn: &mut Conn,
        places: BTreeSet<Id>,
        roles: BTreeSet<&'static str>,
        now: Timestamp,
    ) -> Result<(), Problem> {
        let rows: Vec<SeatRow> = memberships::table
            .inner_join(users::table.on(users::id.eq(memberships::user_id)))
            .filter(users::disabled_at.is_null())
            .filter(memberships::ended_at.is_null())
            .filter(memberships::valid_from.le(now))
            .filter(memberships::valid_to.is_null().or(memberships::valid_to.gt(now)))
            .filter(memberships::org_id.eq_any(places))
            .filter(memberships::role.eq_any(roles))
            .select((memberships::user_id, memberships::org_id, memberships::role, memberships::domains))
            .load(conn)?;
        for (user_id, org_id, role, domains) in rows {
            let seat = Seat { user_id, role, domains: domains.map(|doc| doc.read()) };
            self.seats.entry(org_id).or_default().push(seat);
        }
        Ok(())
    }

    /// Everybody these audiences mean, each once. Only audiences that were loaded mean anybody.
    #[must_use]
    pub fn find(&self, audiences: &[Audience]) -> BTreeSet<Id> {
        let mut found = BTreeSet::new();
        for audience in audiences {
            match audience {
                Audience::Person(id) => found.extend(self.people.contains_key(id).then_some(*id)),
                Audience::PersonOf(id, org) => {
                    let here = self.above.get(org).into_iter().flatten();
                    let held = self.people.get(id);
                    let there = held.is_some_and(|held| here.into_iter().any(|place| held.contains(place)));
                    found.extend(there.then_some(*id));
                }
                Audience::Account(id) => drop(found.insert(*id)),
                Audience::SchoolRole(org, roles) => found.extend(self.holders(*org, roles, None)),
                Audience::BureauRole(org, roles, domain) => found.extend(self.holders(*org, roles, domain.as_deref())),
                Audience::SupervisorsOf(school, domain) => {
                    for place in self.above.get(school).into_iter().flatten() {
                        found.extend(self.holders(*place, &[Role::Supervisor], domain.as_deref()));
                    }
                }
            }
        }
        found
    }

    fn holders<'a>(&'a self, org: Id, roles: &'a [Role], domain: Option<&'a str>) -> impl Iterator<Item = Id> + 'a {
        let fits = move |seat: &&Seat| {
            let within = |domains: &Vec<String>| domain.is_none_or(|domain| domains.iter().any(|one| one == domain));
            roles.contains(&seat.role) && seat.domains.as_ref().is_none_or(within)
        };
        self.seats.get(&org).into_iter().flatten().filter(fits).map(|seat| seat.user_id)
    }
}
