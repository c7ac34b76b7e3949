//! One answer of a pull: what is taken back, what is given, and where the reader stands then.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::TimeDelta;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::collections::{Collection, Part, Sight};
use super::sums;
use crate::access::{Limit, Permission, Rights};
use crate::inspections::rules::InspectionStatus;
use crate::orgs::rules::OrgKind;
use crate::platform::db::Conn;
use crate::platform::db::schema::{inspection_team, inspections, org_closure};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::Problem;
use crate::platform::journal::readers::{self, Held};
use crate::platform::journal::{Position, feed, head};

/// How long ago what is closed may have changed to be part of the first load.
const WINDOW: TimeDelta = TimeDelta::days(180);
/// Events of one step.
const EVENTS: i64 = 200;

/// Where a reader stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// What it reads.
    pub collections: Vec<Collection>,
    /// What was closed and has not changed since is not read; microseconds.
    since: i64,
    /// Fingerprint of the scope for which it was filled.
    scope: String,
    /// Everything in the journal up to here is taken into account.
    pub(super) place: Position,
    /// The phase of a load that is not finished, and the last id of it.
    load: Option<(usize, Option<Id>)>,
    /// What is no longer in sight is to be looked for.
    sweep: bool,
    /// The sums when the reader was last told something: they hold until it is told something again.
    #[serde(default)]
    pub(super) sums: Option<BTreeMap<Collection, Value>>,
}

/// What to load, in the order in which a phone needs it.
const PHASES: [(Collection, Part); 7] = [
    (Collection::Inspections, Part::Open),
    (Collection::Checklists, Part::All),
    (Collection::Orgs, Part::All),
    (Collection::Sites, Part::All),
    (Collection::Hazards, Part::Open),
    (Collection::Inspections, Part::All),
    (Collection::Hazards, Part::All),
];

const fn child_of(collection: Collection) -> Option<Collection> {
    match collection {
        Collection::Inspections => Some(Collection::Answers),
        Collection::Hazards => Some(Collection::Comments),
        _ => None,
    }
}

/// What an answer holds.
#[derive(Debug, Default)]
pub struct Page {
    /// Rows that are new or changed: collection, record, version, row.
    pub changes: Vec<(Collection, Id, i64, Value)>,
    /// What no longer exists.
    pub tombstones: Vec<(Collection, Id)>,
    /// What is no longer in sight.
    pub revoked: Vec<(Collection, Id)>,
    /// Of each collection, once all is told and nothing is under way.
    pub checksums: BTreeMap<&'static str, Value>,
    /// Whether there is more to tell at once.
    pub has_more: bool,
    /// Where the reader stands.
    pub state: State,
}

impl Page {
    /// Whether the reader hears of nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.tombstones.is_empty() && self.revoked.is_empty()
    }

    /// What is given, for the readers of the journal.
    #[must_use]
    pub fn given(&self) -> Vec<Held> {
        self.changes.iter().map(|(c, id, version, _)| (c.as_str().to_owned(), *id, *version)).collect()
    }

    /// What is taken back.
    #[must_use]
    pub fn taken(&self) -> Vec<(String, Id)> {
        self.tombstones.iter().chain(&self.revoked).map(|(c, id)| (c.as_str().to_owned(), *id)).collect()
    }
}

/// A reader that begins.
///
/// # Errors
/// Whatever the engine says.
pub fn begin(conn: &mut Conn, now: Timestamp, collections: Vec<Collection>) -> Result<State, Problem> {
    let place = head(conn)?;
    Ok(State { collections, since: (now - WINDOW).micros(), place, load: Some((0, None)), ..State::default() })
}

/// What decides over the view beside the rows themselves: memberships in force, what lies below clusters, and the
/// schools of one's teams. When it moves, the whole view is compared with what the reader holds.
///
/// # Errors
/// Whatever the engine says.
fn fingerprint(conn: &mut Conn, rights: &Rights) -> Result<String, Problem> {
    let valid: Vec<Value> = rights
        .caller
        .memberships
        .iter()
        .filter(|one| one.is_valid(rights.now))
        .map(|one| json!([one.id, one.role, one.org.id, one.domains]))
        .collect();
    let own = rights.of(Permission::InspectionRead).own_schools;
    let mut below: Vec<Id> = Vec::new();
    for reach in rights.of(Permission::InspectionRead).reaches.iter().filter(|one| one.org_kind == OrgKind::Cluster) {
        let found: Vec<Id> = org_closure::table
            .filter(org_closure::ancestor_id.eq(reach.org_id))
            .select(org_closure::descendant_id)
            .load(conn)?;
        below.extend(found);
    }
    below.sort_unstable();
    let by_team = |limit: Limit| matches!(limit, Limit::TeamAndHistory | Limit::Assigned | Limit::Team);
    let dynamic = [Permission::InspectionRead, Permission::OrgRead]
        .iter()
        .any(|one| rights.of(*one).reaches.iter().any(|reach| by_team(reach.limit) && !reach.role.is_school_side()));
    let mut schools: Vec<(Id, bool)> = Vec::new();
    if dynamic {
        let found: Vec<(Id, InspectionStatus)> = inspections::table
            .inner_join(inspection_team::table.on(inspection_team::inspection_id.eq(inspections::id)))
            .filter(inspection_team::user_id.eq(rights.user_id()))
            .select((inspections::org_id, inspections::status))
            .distinct()
            .load(conn)?;
        let under_way = |status| matches!(status, InspectionStatus::Planned | InspectionStatus::InProgress);
        schools = found.into_iter().map(|(org, status)| (org, under_way(status))).collect();
        schools.sort_unstable();
        schools.dedup();
    }
    let text = json!([valid, own, below, schools]).to_string();
    Ok(Sha256::digest(text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}

struct Filler<'a> {
    conn: &'a mut Conn,
    sight: Sight<'a>,
    asked: Option<(Id, i64)>,
    limit: usize,
    page: Page,
    once: HashSet<(Collection, Id)>,
}

/// The next answer of a reader that asks with a mark.
///
/// # Errors
/// Whatever the engine says.
pub fn fill(
    conn: &mut Conn,
    rights: &Rights,
    asked: Option<(Id, i64)>,
    mut state: State,
    limit: usize,
) -> Result<Page, Problem> {
    let scope = fingerprint(conn, rights)?;
    if scope != state.scope {
        // The first load finds nothing to take back.
        state.sweep = asked.is_some();
        state.load = Some((0, None));
        state.scope = scope;
        state.sums = None;
    }
    let sight = Sight { rights, since: Timestamp::from_micros(state.since), now: rights.now };
    let page = Page { state, ..Page::default() };
    let mut filler = Filler { conn, sight, asked, limit, page, once: HashSet::new() };
    filler.sweep()?;
    filler.load()?;
    filler.follow()?;
    sums::check(filler.conn, &filler.sight, &mut filler.page)?;
    Ok(filler.page)
}

impl Filler<'_> {
    fn reads(&self, collection: Collection) -> bool {
        self.page.state.collections.contains(&collection)
    }

    fn held(&mut self, collection: Collection, ids: &[Id]) -> Result<HashMap<Id, Option<i64>>, Problem> {
        match self.asked {
            Some((view, mark)) => readers::held(self.conn, view, mark, collection.as_str(), ids),
            None => Ok(HashMap::new()),
        }
    }

    /// Everything held that is no longer part of the view.
    fn sweep(&mut self) -> Result<(), Problem> {
        if !std::mem::take(&mut self.page.state.sweep) {
            return Ok(());
        }
        let Some((view, mark)) = self.asked else { return Ok(()) };
        for collection in self.page.state.collections.clone() {
            let held = readers::all_held(self.conn, view, mark, collection.as_str())?;
            let seen: HashSet<Id> =
                self.sight.among(self.conn, collection, &held)?.into_iter().map(|(id, _)| id).collect();
            self.take(collection, held.into_iter().filter(|id| !seen.contains(id)).collect())?;
        }
        Ok(())
    }

    fn take(&mut self, collection: Collection, gone: Vec<Id>) -> Result<(), Problem> {
        if gone.is_empty() {
            return Ok(());
        }
        let there = Sight::existing(self.conn, collection, &gone)?;
        for id in gone.into_iter().filter(|id| self.once.insert((collection, *id))) {
            let list = if there.contains(&id) { &mut self.page.revoked } else { &mut self.page.tombstones };
            list.push((collection, id));
        }
        Ok(())
    }

    /// Gives rows; those already in this answer are left out.
    fn give(&mut self, collection: Collection, rows: &[(Id, i64)]) -> Result<(), Problem> {
        let rows: Vec<(Id, i64)> = rows.iter().copied().filter(|(id, _)| self.once.insert((collection, *id))).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let ids: Vec<Id> = rows.iter().map(|(id, _)| *id).collect();
        let mut found = self.sight.rows(self.conn, collection, &ids)?;
        for (id, _) in rows {
            // The version is that of the row given, which may be later than that of the list.
            if let Some(row) = found.remove(&id) {
                let version = row.get("version").and_then(Value::as_i64).unwrap_or(1);
                self.page.changes.push((collection, id, version, row));
            }
        }
        Ok(())
    }

    /// What belongs to these records and is not held as it is.
    fn give_children(&mut self, of: Collection, ids: &[Id]) -> Result<(), Problem> {
        let Some(child) = child_of(of).filter(|child| self.reads(*child)) else { return Ok(()) };
        let children = self.sight.children(self.conn, of, ids)?;
        let known = self.held(child, &children.iter().map(|(id, _)| *id).collect::<Vec<_>>())?;
        let new: Vec<(Id, i64)> =
            children.into_iter().filter(|(id, version)| known.get(id) != Some(&Some(*version))).collect();
        self.give(child, &new)
    }

    /// The first load, or what a scope that grew has added.
    fn load(&mut self) -> Result<(), Problem> {
        while let Some((phase, after)) = self.page.state.load {
            if self.page.changes.len() >= self.limit {
                self.page.has_more = true;
                return Ok(());
            }
            let Some((collection, part)) = PHASES.get(phase).copied() else {
                self.page.state.load = None;
                break;
            };
            let wanted = self.reads(collection) || child_of(collection).is_some_and(|child| self.reads(child));
            let room = self.limit.saturating_sub(self.page.changes.len()).max(1);
            let ids = if wanted {
                self.sight.ids(self.conn, collection, part, after, i64::try_from(room).unwrap_or(1))?
            } else {
                Vec::new()
            };
            self.page.state.load = match ids.last() {
                Some((last, _)) if ids.len() == room => Some((phase, Some(*last))),
                _ => Some((phase + 1, None)),
            };
            let all: Vec<Id> = ids.iter().map(|(id, _)| *id).collect();
            if self.reads(collection) {
                let known = self.held(collection, &all)?;
                let new: Vec<(Id, i64)> = ids.into_iter().filter(|(id, _)| !known.contains_key(id)).collect();
                self.give(collection, &new)?;
            }
            self.give_children(collection, &all)?;
        }
        Ok(())
    }

    /// What happened since, in commit order. Events of what the reader never sees leave no trace.
    fn follow(&mut self) -> Result<(), Problem> {
        if self.page.state.load.is_some() {
            return Ok(());
        }
        loop {
            if self.page.changes.len() >= self.limit {
                self.page.has_more = true;
                return Ok(());
            }
            let events = feed(self.conn, self.page.state.place, EVENTS)?;
            let Some(last) = events.last() else { return Ok(()) };
            let place = last.position();
            let whole = i64::try_from(events.len()).is_ok_and(|count| count == EVENTS);
            let mut touched: BTreeMap<Collection, BTreeSet<Id>> = BTreeMap::new();
            let mut edited = false;
            for event in &events {
                let collection = match event.entity.as_str() {
                    "inspection" => Collection::Inspections,
                    "hazard" => Collection::Hazards,
                    "checklist" => Collection::Checklists,
                    "org" => Collection::Orgs,
                    "site" => Collection::Sites,
                    _ => continue,
                };
                edited |= collection == Collection::Inspections && event.action == "edited";
                touched.entry(collection).or_default().insert(event.entity_id);
            }
            for (collection, ids) in touched {
                self.changed(collection, &ids.into_iter().collect::<Vec<_>>())?;
            }
            if edited && self.reads(Collection::Answers) {
                self.forgotten_answers()?;
            }
            self.page.state.place = place;
            if !whole {
                return Ok(());
            }
        }
    }

    fn changed(&mut self, collection: Collection, ids: &[Id]) -> Result<(), Problem> {
        let rows = self.sight.among(self.conn, collection, ids)?;
        let seen: HashSet<Id> = rows.iter().map(|(id, _)| *id).collect();
        if self.reads(collection) {
            self.give(collection, &rows)?;
            let known = self.held(collection, ids)?;
            self.take(collection, known.into_keys().filter(|id| !seen.contains(id)).collect())?;
        }
        self.give_children(collection, &seen.iter().copied().collect::<Vec<_>>())?;
        let gone: Vec<Id> = ids.iter().copied().filter(|id| !seen.contains(id)).collect();
        self.take_children(collection, &gone)
    }

    /// What belonged to records that are no longer in sight, or of whose team one is no longer.
    fn take_children(&mut self, of: Collection, gone: &[Id]) -> Result<(), Problem> {
        use crate::platform::db::schema::{answers, comments};
        let Some(child) = child_of(of).filter(|child| self.reads(*child) && !gone.is_empty()) else { return Ok(()) };
        let ids: Vec<Id> = match child {
            Collection::Answers => answers::table
                .filter(answers::inspection_id.eq_any(gone.to_vec()))
                .select(answers::id)
                .load(self.conn)?,
            _ => comments::table
                .filter(comments::hazard_id.eq_any(gone.to_vec()))
                .select(comments::id)
                .load(self.conn)?,
        };
        let known = self.held(child, &ids)?;
        self.take(child, known.into_keys().collect())
    }

    /// Other checklists make the answers of a plan anew, and another team is no longer shown them.
    fn forgotten_answers(&mut self) -> Result<(), Problem> {
        let Some((view, mark)) = self.asked else { return Ok(()) };
        let held = readers::all_held(self.conn, view, mark, Collection::Answers.as_str())?;
        let seen: HashSet<Id> =
            self.sight.among(self.conn, Collection::Answers, &held)?.into_iter().map(|(id, _)| id).collect();
        self.take(Collection::Answers, held.into_iter().filter(|id| !seen.contains(id)).collect())
    }
}
