//! Everything beside the row that a page of a ledger tells, found for the whole page at once: the number of queries is
//! the same for one hazard and for a thousand.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use crate::access::{Rights, Role};
use crate::hazards::store::{Powers, Round, Row, walk};
use crate::inspections::rules::InspectionKind;
use crate::look_backs::rules::LookBackOutcome;
use crate::platform::db::Conn;
use crate::platform::db::schema::{
    events, hazard_extensions, hazard_listings, hazard_progress_reports, hazard_referrals, hazard_rounds,
    hazard_suspensions, inspections, look_back_hazards, memberships, org_closure, orgs, sites, users,
};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::error::Problem;

/// A school.
#[derive(Debug)]
pub struct School {
    /// Its name.
    pub name: String,
    /// 学校标识码
    pub identifier: Option<String>,
}

/// Somebody, as named in a ledger.
#[derive(Debug)]
pub struct Person {
    /// The name shown.
    pub name: String,
    /// In full: whoever writes it down masks it.
    pub phone: Option<String>,
}

/// An inspection, as named in a ledger.
#[derive(Debug)]
pub struct Visit {
    /// Its kind.
    pub kind: InspectionKind,
    /// Its title.
    pub title: String,
}

/// A responsible supervisor of a school.
#[derive(Debug)]
struct Supervisor {
    user_id: Id,
    domains: Option<Vec<String>>,
}

/// A granted extension.
#[derive(Debug, Clone, Queryable)]
pub struct Extension {
    /// The deadline it moved.
    pub due_before: Timestamp,
    /// When it was granted.
    pub decided_at: Option<Timestamp>,
    /// What keeps people safe meanwhile.
    pub interim_controls: String,
}

/// A supervised listing.
#[derive(Debug, Clone, Queryable)]
pub struct Listing {
    /// The level of authority.
    pub authority: String,
    /// The document.
    pub number: String,
    /// When it was taken off.
    pub delisted_at: Option<Timestamp>,
}

/// A stop of use.
#[derive(Debug, Clone, Queryable)]
pub struct Suspension {
    /// From when.
    pub since: Timestamp,
    /// Until when.
    pub lifted_at: Option<Timestamp>,
}

/// A referral.
#[derive(Debug, Clone, Queryable)]
pub struct Referral {
    /// To whom.
    pub authority_name: String,
    /// When.
    pub referred_at: Timestamp,
    /// When the reply came.
    pub replied_at: Option<Timestamp>,
    /// The reply.
    pub reply: Option<String>,
}

/// The latest word on how far it is.
#[derive(Debug, Clone, Queryable)]
pub struct Progress {
    /// Of a hundred.
    pub percent: i32,
    /// What stands in the way.
    pub difficulties: Option<String>,
}

/// What a page of hazards needs; every map by the hazard's id unless it says otherwise.
#[derive(Debug)]
pub struct Facts {
    powers: Powers,
    schools: HashMap<Id, School>,
    sites: HashMap<Id, (Option<Id>, String)>,
    people: HashMap<Id, Person>,
    visits: HashMap<Id, Visit>,
    supervisors: HashMap<Id, Vec<Supervisor>>,
    rounds: HashMap<Id, Vec<Round>>,
    extensions: HashMap<Id, Vec<Extension>>,
    listings: HashMap<Id, Vec<Listing>>,
    suspensions: HashMap<Id, Vec<Suspension>>,
    referrals: HashMap<Id, Vec<Referral>>,
    progress: HashMap<Id, Vec<Progress>>,
    reopened: HashMap<Id, Vec<Timestamp>>,
    held: HashMap<Id, Vec<Timestamp>>,
    earlier: HashMap<Id, String>,
    later: HashMap<Id, Vec<String>>,
}

fn grouped<T>(rows: Vec<(Id, T)>) -> HashMap<Id, Vec<T>> {
    let mut all: HashMap<Id, Vec<T>> = HashMap::new();
    for (id, row) in rows {
        all.entry(id).or_default().push(row);
    }
    all
}

/// What hangs on hazards in a table of its own, oldest first.
macro_rules! of_hazards {
    ($conn:ident, $table:ident, $ids:ident, ($($column:ident),+) $(, $only:expr)?) => {
        grouped($table::table
            .filter($table::hazard_id.eq_any($ids))
            $(.filter($only))?
            .order(($table::created_at.asc(), $table::id.asc()))
            .select(($table::hazard_id, ($($table::$column),+)))
            .load($conn)?)
    };
}

impl Facts {
    /// The facts of a page.
    ///
    /// # Errors
    /// Whatever the engine says.
    pub fn of(conn: &mut Conn, rights: &Rights, rows: &[Row]) -> Result<Self, Problem> {
        let powers = Powers::over(conn, rights, rows)?;
        let mut facts = Self {
            powers,
            schools: HashMap::new(),
            sites: HashMap::new(),
            people: HashMap::new(),
            visits: HashMap::new(),
            supervisors: HashMap::new(),
            rounds: HashMap::new(),
            extensions: HashMap::new(),
            listings: HashMap::new(),
            suspensions: HashMap::new(),
            referrals: HashMap::new(),
            progress: HashMap::new(),
            reopened: HashMap::new(),
            held: HashMap::new(),
            earlier: HashMap::new(),
            later: HashMap::new(),
        };
        if rows.is_empty() {
            return Ok(facts);
        }
        facts.places(conn, rows, rights.now)?;
        facts.course(conn, rights, rows)?;
        facts.names(conn, rows)?;
        Ok(facts)
    }

    /// Schools with their supervisors, sites, inspections.
    fn places(&mut self, conn: &mut Conn, rows: &[Row], now: Timestamp) -> Result<(), Problem> {
        let schools: HashSet<Id> = rows.iter().map(|row| row.org_id).collect();
        let found: Vec<(Id, String, Option<String>)> = orgs::table
            .filter(orgs::id.eq_any(&schools))
            .select((orgs::id, orgs::name, orgs::identifier))
            .load(conn)?;
        self.schools = found.into_iter().map(|(id, name, identifier)| (id, School { name, identifier })).collect();
        let found: Vec<(Id, (Id, Option<Doc>))> = memberships::table
            .inner_join(org_closure::table.on(org_closure::ancestor_id.eq(memberships::org_id)))
            .inner_join(users::table.on(users::id.eq(memberships::user_id)))
            .filter(users::disabled_at.is_null())
            .filter(org_closure::descendant_id.eq_any(&schools))
            .filter(memberships::role.eq(Role::Supervisor.as_str()))
            .filter(memberships::ended_at.is_null())
            .filter(memberships::valid_from.le(now))
            .filter(memberships::valid_to.is_null().or(memberships::valid_to.gt(now)))
            .order((memberships::created_at.asc(), memberships::id.asc()))
            .select((org_closure::descendant_id, (memberships::user_id, memberships::domains)))
            .load(conn)?;
        let found = found.into_iter().map(|(school, (user_id, domains))| {
            (school, Supervisor { user_id, domains: domains.map(|domains| domains.read()) })
        });
        self.supervisors = grouped(found.collect());
        let mut wanted: HashSet<Id> = rows.iter().filter_map(|row| row.site_id).collect();
        // Campus, building, floor, room, point: a path has at most five.
        for _ in 0..5 {
            if wanted.is_empty() {
                break;
            }
            let found: Vec<(Id, (Option<Id>, String))> = sites::table
                .filter(sites::id.eq_any(&wanted))
                .select((sites::id, (sites::parent_id, sites::name)))
                .load(conn)?;
            wanted = found.iter().filter_map(|(_, (parent, _))| *parent).collect();
            self.sites.extend(found);
            wanted.retain(|id| !self.sites.contains_key(id));
        }
        let visits: HashSet<Id> = rows.iter().filter_map(|row| row.inspection_id).collect();
        if !visits.is_empty() {
            let found: Vec<(Id, InspectionKind, String)> = inspections::table
                .filter(inspections::id.eq_any(visits))
                .select((inspections::id, inspections::kind, inspections::title))
                .load(conn)?;
            self.visits = found.into_iter().map(|(id, kind, title)| (id, Visit { kind, title })).collect();
        }
        Ok(())
    }

    /// Rounds, and what accompanied the hazard beside its state.
    fn course(&mut self, conn: &mut Conn, rights: &Rights, rows: &[Row]) -> Result<(), Problem> {
        let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
        let ids = ids.as_slice();
        let rounds: Vec<Round> = hazard_rounds::table
            .filter(hazard_rounds::hazard_id.eq_any(ids))
            .order((hazard_rounds::hazard_id, hazard_rounds::round))
            .select(Round::as_select())
            .load(conn)?;
        self.rounds = grouped(rounds.into_iter().map(|round| (round.hazard_id, round)).collect());
        self.extensions = of_hazards!(
            conn,
            hazard_extensions,
            ids,
            (due_before, decided_at, interim_controls),
            hazard_extensions::status.eq("granted")
        );
        self.listings = of_hazards!(conn, hazard_listings, ids, (authority, number, delisted_at));
        self.suspensions = of_hazards!(conn, hazard_suspensions, ids, (since, lifted_at));
        self.referrals = of_hazards!(conn, hazard_referrals, ids, (authority_name, referred_at, replied_at, reply));
        self.progress = of_hazards!(conn, hazard_progress_reports, ids, (percent, difficulties));
        let reopened: Vec<Id> = rows.iter().filter(|row| row.reopened > 0).map(|row| row.id).collect();
        if !reopened.is_empty() {
            let found: Vec<(Id, Timestamp)> = events::table
                .filter(events::entity_id.eq_any(reopened))
                .filter(events::entity.eq("hazard"))
                .filter(events::action.eq("reopen"))
                .order(events::seq)
                .select((events::entity_id, events::at))
                .load(conn)?;
            self.reopened = grouped(found);
        }
        // Only what was handed in: before, not even that there is a visit is known to the school.
        let held: Vec<(Id, Option<Timestamp>)> = look_back_hazards::table
            .inner_join(inspections::table.on(inspections::id.eq(look_back_hazards::inspection_id)))
            .filter(look_back_hazards::hazard_id.eq_any(ids.to_vec()))
            .filter(look_back_hazards::outcome.eq(LookBackOutcome::Held))
            .filter(inspections::submitted_at.is_not_null())
            .filter(inspections::voided_at.is_null())
            .order(inspections::submitted_at)
            .select((look_back_hazards::hazard_id, inspections::submitted_at))
            .load(conn)?;
        self.held = grouped(held.into_iter().filter_map(|(id, at)| Some((id, at?))).collect::<Vec<_>>());
        let earlier: Vec<Id> = rows.iter().filter_map(|row| row.recurrence_of).collect();
        self.earlier = walk::numbers(conn, rights, &earlier)?;
        self.later = grouped(walk::recurrences(conn, rights, ids)?);
        Ok(())
    }

    /// Everybody named in any of it.
    fn names(&mut self, conn: &mut Conn, rows: &[Row]) -> Result<(), Problem> {
        let mut ids: HashSet<Id> = HashSet::new();
        for row in rows {
            ids.insert(row.reported_by);
            ids.extend([row.responsible_user_id, row.leader_user_id, row.closed_by].into_iter().flatten());
        }
        for round in self.rounds.values().flatten() {
            ids.extend([round.signed_off_by, round.reported_by, round.approved_by].into_iter().flatten());
            ids.extend(round.recheckers.read::<Vec<Id>>());
        }
        ids.extend(self.supervisors.values().flatten().map(|one| one.user_id));
        let found: Vec<(Id, String, Option<String>)> = users::table
            .filter(users::id.eq_any(ids))
            .select((users::id, users::display_name, users::phone))
            .load(conn)?;
        self.people = found.into_iter().map(|(id, name, phone)| (id, Person { name, phone })).collect();
        Ok(())
    }

    /// Whether who found it is hidden from the caller, as in the record: the school's side learns it of its own alone.
    #[must_use]
    pub fn hides_finder(&self, row: &Row) -> bool {
        !row.source.is_schools_own() && self.powers.school_side(row)
    }

    /// The school.
    #[must_use]
    pub fn school(&self, row: &Row) -> Option<&School> {
        self.schools.get(&row.org_id)
    }

    /// Where in the school, from the campus inwards.
    #[must_use]
    pub fn site(&self, row: &Row) -> Option<String> {
        let mut names = Vec::new();
        let mut at = row.site_id;
        while let Some((parent, name)) = at.and_then(|id| self.sites.get(&id)) {
            names.push(name.as_str());
            at = parent.filter(|_| names.len() < 5);
        }
        names.reverse();
        if names.is_empty() { None } else { Some(names.join("/")) }
    }

    /// The inspection that found it.
    #[must_use]
    pub fn visit(&self, row: &Row) -> Option<&Visit> {
        row.inspection_id.and_then(|id| self.visits.get(&id))
    }

    /// Somebody.
    #[must_use]
    pub fn person(&self, id: Option<Id>) -> Option<&Person> {
        id.and_then(|id| self.people.get(&id))
    }

    /// Somebody's name.
    #[must_use]
    pub fn name(&self, id: Option<Id>) -> Option<String> {
        self.person(id).map(|person| person.name.clone())
    }

    /// The responsible supervisors of the school for the hazard's domain, each once.
    #[must_use]
    pub fn supervisors(&self, row: &Row) -> Vec<String> {
        let mut seen = HashSet::new();
        let all = self.supervisors.get(&row.org_id).map_or(&[][..], Vec::as_slice);
        all.iter()
            .filter(|one| one.domains.as_ref().is_none_or(|domains| domains.contains(&row.domain)))
            .filter(|one| seen.insert(one.user_id))
            .filter_map(|one| self.name(Some(one.user_id)))
            .collect()
    }

    /// Its rounds, oldest first.
    #[must_use]
    pub fn rounds(&self, row: &Row) -> &[Round] {
        self.rounds.get(&row.id).map_or(&[], Vec::as_slice)
    }

    /// Its granted extensions, oldest first.
    #[must_use]
    pub fn extensions(&self, row: &Row) -> &[Extension] {
        self.extensions.get(&row.id).map_or(&[], Vec::as_slice)
    }

    /// Its latest listing.
    #[must_use]
    pub fn listing(&self, row: &Row) -> Option<&Listing> {
        self.listings.get(&row.id).and_then(|all| all.last())
    }

    /// Its latest stop of use.
    #[must_use]
    pub fn suspension(&self, row: &Row) -> Option<&Suspension> {
        self.suspensions.get(&row.id).and_then(|all| all.last())
    }

    /// Its referrals, oldest first.
    #[must_use]
    pub fn referrals(&self, row: &Row) -> &[Referral] {
        self.referrals.get(&row.id).map_or(&[], Vec::as_slice)
    }

    /// The latest progress report.
    #[must_use]
    pub fn progress(&self, row: &Row) -> Option<&Progress> {
        self.progress.get(&row.id).and_then(|all| all.last())
    }

    /// When a look-back last opened it again.
    #[must_use]
    pub fn reopened_at(&self, row: &Row) -> Option<Timestamp> {
        self.reopened.get(&row.id).and_then(|all| all.last()).copied()
    }

    /// When a look-back last found it as it should be.
    #[must_use]
    pub fn held_at(&self, row: &Row) -> Option<Timestamp> {
        self.held.get(&row.id).and_then(|all| all.last()).copied()
    }

    /// The number of the hazard it is a recurrence of.
    #[must_use]
    pub fn earlier(&self, row: &Row) -> Option<&String> {
        row.recurrence_of.and_then(|id| self.earlier.get(&id))
    }

    /// The numbers of the hazards that came back after it.
    #[must_use]
    pub fn later(&self, row: &Row) -> &[String] {
        self.later.get(&row.id).map_or(&[], Vec::as_slice)
    }
}
