//! Queries about organisations, and the one place that writes the closure table.

use diesel::prelude::*;
use serde_json::json;

use super::bodies::{NewOrg, OrgPatch, OrgView, add_all, only_bureaus, told};
use super::rules::{self, Datum, Location, OrgKind, Reason, SchoolFields, SchoolKind};
use crate::access::{OrgRef, Rights, Scope};
use crate::platform::db::schema::{memberships, org_closure, orgs, users};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Commit, Conn, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Faults, FieldError, IfMatch, Patch, Reply};
use crate::platform::journal::Event;

mod sight;

pub use sight::{OrgFilter, counted, in_scope, list, literal, lower, visible};

/// A row of `orgs`.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = orgs)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct OrgRow {
    pub id: Id,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub created_by: Option<Id>,
    pub body_hash: Option<Vec<u8>>,
    pub kind: OrgKind,
    pub parent_id: Option<Id>,
    pub bureau_id: Id,
    pub name: String,
    pub region_code: Option<String>,
    pub time_zone: String,
    pub school_kind: Option<SchoolKind>,
    pub identifier: Option<String>,
    pub features: Doc,
    pub students: Option<i32>,
    pub staff: Option<i32>,
    pub max_floor: Option<i32>,
    pub address: Option<String>,
    pub lat: Option<f64>,
    pub lng: Option<f64>,
    pub datum: Option<Datum>,
}

impl OrgRow {
    /// A row without what only schools carry.
    fn bare(id: Id, at: Timestamp, by: Option<Id>, kind: OrgKind, bureau_id: Id, name: String, zone: String) -> Self {
        Self {
            id,
            version: 1,
            created_at: at,
            updated_at: at,
            created_by: by,
            body_hash: None,
            kind,
            parent_id: None,
            bureau_id,
            name,
            region_code: None,
            time_zone: zone,
            school_kind: None,
            identifier: None,
            features: Doc::of(&[(); 0]),
            students: None,
            staff: None,
            max_floor: None,
            address: None,
            lat: None,
            lng: None,
            datum: None,
        }
    }

    /// A new row directly below `parent`.
    #[must_use]
    pub fn below(tx: &Tx<'_>, parent: &OrgRef, id: Id, kind: OrgKind, name: String) -> Self {
        let mut row = Self::bare(id, tx.now, tx.work.actor, kind, parent.bureau_id, name, parent.time_zone.clone());
        row.parent_id = Some(parent.id);
        row
    }

    /// What a school carries; nothing for other kinds.
    #[must_use]
    pub fn school(&self) -> Option<SchoolFields> {
        let location = match (self.lat, self.lng, self.datum) {
            (Some(lat), Some(lng), Some(datum)) => Some(Location { lat, lng, datum }),
            _ => None,
        };
        self.school_kind.map(|school_kind| SchoolFields {
            school_kind,
            identifier: self.identifier.clone(),
            features: self.features.read(),
            students: self.students,
            staff: self.staff,
            max_floor: self.max_floor,
            address: self.address.clone(),
            location,
        })
    }

    /// Puts what a school carries into the columns.
    pub fn put_school(&mut self, school: &SchoolFields) {
        self.school_kind = Some(school.school_kind);
        self.identifier.clone_from(&school.identifier);
        self.features = Doc::of(&school.features);
        self.students = school.students;
        self.staff = school.staff;
        self.max_floor = school.max_floor;
        self.address.clone_from(&school.address);
        self.lat = school.location.map(|place| place.lat);
        self.lng = school.location.map(|place| place.lng);
        self.datum = school.location.map(|place| place.datum);
    }
}

/// Makes a bureau: a tree and a tenant of its own. For the command line and the demo district; no route leads here.
///
/// # Errors
/// 422 for a bad name, region code or zone; 409 where the region code is taken.
pub fn create_bureau(tx: &mut Tx<'_>, name: &str, region_code: &str, zone: &str) -> Result<(OrgRow, Receipt), Problem> {
    let mut faults = Faults::default();
    let mut keep = |pointer, outcome: Result<String, Reason>| {
        outcome.map_err(|reason| faults.add(told(pointer, &reason))).unwrap_or_default()
    };
    let name = keep("/name", rules::name(name));
    let region_code = keep("/region_code", rules::region_code(region_code));
    let zone = keep("/time_zone", rules::time_zone(zone).map(|zone| zone.name().to_owned()));
    faults.finish()?;
    let id = tx.new_id();
    let mut row = OrgRow::bare(id, tx.now, tx.work.actor, OrgKind::Bureau, id, name, zone);
    row.region_code = Some(region_code);
    insert_many(tx.conn, std::slice::from_ref(&row), None)?;
    let receipt = tx.record(created(&row))?;
    Ok((row, receipt))
}

/// Makes an organisation below one that the caller manages.
///
/// # Errors
/// 404 for a parent out of sight, 409 for a taken id, name or identifier, 422 for a parent of the wrong kind.
pub fn create(tx: &mut Tx<'_>, rights: &Rights, body: &NewOrg, hash: &[u8]) -> Result<Commit<Reply>, Problem> {
    let parent_id = body.parent_id.ok_or_else(|| Problem::invalid(FieldError::required("/parent_id")))?;
    let parent = rights.scope().org(tx.conn, parent_id)?;
    if let Some(again) = tx.replay() {
        return Ok(again);
    }
    if let Some(id) = body.id
        && let Some(row) = orgs::table.find(id).select(OrgRow::as_select()).first(tx.conn).optional()?
    {
        let same = row.created_by == tx.work.actor && row.body_hash.as_deref() == Some(hash);
        let known = same && rights.scope().org(tx.conn, id).is_ok();
        return if known {
            Ok(Commit::unchanged(Reply::record(&OrgView::from(row))?))
        } else {
            Err(Problem::new(Code::IdReused))
        };
    }
    if !body.kind.may_sit_under(parent.kind) {
        return Err(Problem::invalid(wrong_parent()));
    }
    let name = rules::name(&body.name).map_err(|reason| Problem::invalid(told("/name", &reason)))?;
    let id = body.id.unwrap_or_else(|| tx.new_id());
    let mut row = OrgRow::below(tx, &parent, id, body.kind, name);
    row.body_hash = Some(hash.to_vec());
    if let Some(zone) = &body.time_zone {
        row.time_zone.clone_from(zone);
    }
    if let Some(school) = &body.school {
        row.put_school(&checked(rules::check_school(school))?);
    }
    insert_many(tx.conn, std::slice::from_ref(&row), Some(parent.id))?;
    let receipt = tx.record(created(&row))?;
    Ok(receipt.with(Reply::created(&format!("/orgs/{id}"), &OrgView::from(row))?))
}

/// Changes an organisation, and moves it where the parent changes.
///
/// # Errors
/// 404 out of sight, 428 and 412, 422, 409 for a taken name, identifier or region code.
pub fn change(
    tx: &mut Tx<'_>,
    rights: &Rights,
    id: Id,
    if_match: &IfMatch,
    body: impl FnOnce() -> Result<OrgPatch, Problem>,
) -> Result<Commit<Reply>, Problem> {
    let scope = rights.scope();
    let org = scope.org(tx.conn, id)?;
    let old: OrgRow = orgs::table.find(id).select(OrgRow::as_select()).first(tx.conn)?;
    if_match.check(old.version, || json!(OrgView::from(old.clone())))?;
    let patch = body()?;
    let parent = match patch.parent_id.set() {
        Some(parent_id) => Some(scope.org(tx.conn, *parent_id)?),
        None => None,
    };
    let mut new = patched(&old, &patch, parent.as_ref())?;
    if new == old {
        return Ok(Commit::unchanged(Reply::record(&OrgView::from(old))?));
    }
    new.version = old.version.saturating_add(1);
    new.updated_at = tx.now;
    store(tx.conn, &old, &new)?;
    if new.parent_id != old.parent_id {
        move_below(tx.conn, org.id, new.parent_id)?;
    }
    if new.name != old.name {
        rename_in_rights(tx, id)?;
    }
    let receipt = tx.record(Event::of("org", id, "changed").at(new.bureau_id, id).with(changes(&old, &new)))?;
    Ok(receipt.with(Reply::record(&OrgView::from(new))?))
}

fn patched(old: &OrgRow, patch: &OrgPatch, parent: Option<&OrgRef>) -> Result<OrgRow, Problem> {
    let mut new = old.clone();
    let mut faults = Faults::default();
    if let Some(name) = patch.name.set().and_then(|name| rules::name(name).ok()) {
        new.name = name;
    }
    if let Some(zone) = patch.time_zone.set() {
        new.time_zone.clone_from(zone);
    }
    if let Patch::Set(code) = &patch.region_code {
        if old.kind == OrgKind::Bureau {
            new.region_code = Some(code.clone());
        } else {
            faults.add(only_bureaus("/region_code"));
        }
    }
    if let Some(parent) = parent {
        if old.parent_id != Some(parent.id)
            && (parent.bureau_id != old.bureau_id || !old.kind.may_sit_under(parent.kind))
        {
            faults.add(wrong_parent());
        }
        new.parent_id = Some(parent.id);
    }
    match (&patch.school, old.school()) {
        (Some(change), Some(school)) => match change.apply(school) {
            Ok(school) => new.put_school(&school),
            Err(found) => add_all(&mut faults, Some(found)),
        },
        (Some(_), None) => faults.add(told("/school", &Reason::OnlyForSchools)),
        (None, _) => {}
    }
    faults.finish()?;
    Ok(new)
}

/// The names of the fields that changed, with the ids of a move; values stay in the row.
fn changes(old: &OrgRow, new: &OrgRow) -> serde_json::Value {
    let mut fields = Vec::new();
    let mut note = |name: &str, differs: bool| {
        if differs {
            fields.push(name.to_owned());
        }
    };
    note("name", old.name != new.name);
    note("region_code", old.region_code != new.region_code);
    note("time_zone", old.time_zone != new.time_zone);
    note("school", old.school() != new.school());
    note("parent_id", old.parent_id != new.parent_id);
    if old.parent_id == new.parent_id {
        json!({"version": new.version, "fields": fields})
    } else {
        json!({"version": new.version, "fields": fields, "from_parent_id": old.parent_id, "parent_id": new.parent_id})
    }
}

fn store(conn: &mut Conn, old: &OrgRow, new: &OrgRow) -> Result<(), Problem> {
    let changed = diesel::update(orgs::table.find(old.id).filter(orgs::version.eq(old.version)))
        .set((
            orgs::version.eq(new.version),
            orgs::updated_at.eq(new.updated_at),
            orgs::parent_id.eq(new.parent_id),
            orgs::name.eq(&new.name),
            orgs::region_code.eq(&new.region_code),
            orgs::time_zone.eq(&new.time_zone),
            orgs::school_kind.eq(new.school_kind),
            orgs::identifier.eq(&new.identifier),
            orgs::features.eq(&new.features),
            orgs::students.eq(new.students),
            orgs::staff.eq(new.staff),
            orgs::max_floor.eq(new.max_floor),
            orgs::address.eq(&new.address),
            orgs::lat.eq(new.lat),
            orgs::lng.eq(new.lng),
            orgs::datum.eq(new.datum),
        ))
        .execute(conn)?;
    // Somebody else was quicker: run again and tell the caller by the version.
    if changed == 1 { Ok(()) } else { Err(Problem { retry: true, ..Problem::new(Code::VersionConflict) }) }
}

/// Moves an organisation without organisations below it; only schools ever move, and nothing sits under them.
fn move_below(conn: &mut Conn, id: Id, parent_id: Option<Id>) -> Result<(), Problem> {
    diesel::delete(org_closure::table.filter(org_closure::descendant_id.eq(id)).filter(org_closure::depth.gt(0)))
        .execute(conn)?;
    let links = links(conn, &[id], parent_id)?;
    insert_links(conn, links.into_iter().filter(|(_, _, depth)| *depth > 0).collect())
}

/// Names of organisations stand in remembered rights; who holds a role here is read anew.
fn rename_in_rights(tx: &mut Tx<'_>, org_id: Id) -> Result<(), Problem> {
    let members = memberships::table.filter(memberships::org_id.eq(org_id)).select(memberships::user_id);
    diesel::update(users::table.filter(users::id.eq_any(members)))
        .set(users::rights_version.eq(users::rights_version + 1))
        .execute(tx.conn)?;
    tx.touch_rights();
    Ok(())
}

/// Inserts organisations that all sit directly below `parent_id`, with their rows of the closure table.
///
/// # Errors
/// 409 for taken names, identifiers, ids.
pub fn insert_many(conn: &mut Conn, rows: &[OrgRow], parent_id: Option<Id>) -> Result<(), Problem> {
    for chunk in rows.chunks(500) {
        crate::on_conn!(conn, c => diesel::insert_into(orgs::table).values(chunk).execute(c))?;
    }
    let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
    let links = links(conn, &ids, parent_id)?;
    insert_links(conn, links)
}

type Link = (Id, Id, i32);

fn links(conn: &mut Conn, ids: &[Id], parent_id: Option<Id>) -> Result<Vec<Link>, Problem> {
    let above: Vec<(Id, i32)> = match parent_id {
        None => Vec::new(),
        Some(parent_id) => org_closure::table
            .filter(org_closure::descendant_id.eq(parent_id))
            .select((org_closure::ancestor_id, org_closure::depth))
            .load(conn)?,
    };
    let of = |id: &Id| {
        let own = std::iter::once((*id, *id, 0));
        own.chain(above.iter().map(|(ancestor, depth)| (*ancestor, *id, depth.saturating_add(1)))).collect::<Vec<_>>()
    };
    Ok(ids.iter().flat_map(of).collect())
}

fn insert_links(conn: &mut Conn, links: Vec<Link>) -> Result<(), Problem> {
    for chunk in links.chunks(2_000) {
        let rows: Vec<_> = chunk
            .iter()
            .map(|(ancestor, descendant, depth)| {
                (
                    org_closure::ancestor_id.eq(*ancestor),
                    org_closure::descendant_id.eq(*descendant),
                    org_closure::depth.eq(*depth),
                )
            })
            .collect();
        crate::on_conn!(conn, c => diesel::insert_into(org_closure::table).values(&rows).execute(c))?;
    }
    Ok(())
}

/// The journal entry of a new organisation.
#[must_use]
pub fn created(row: &OrgRow) -> Event {
    let payload = json!({"kind": row.kind, "parent_id": row.parent_id, "name": row.name});
    Event::of("org", row.id, "created").at(row.bureau_id, row.id).with(payload)
}

fn checked(outcome: Result<SchoolFields, Vec<rules::Fault>>) -> Result<SchoolFields, Problem> {
    outcome.map_err(|found| {
        let errors = found.iter().map(|fault| told(fault.pointer, &fault.reason)).collect();
        Problem::new(Code::ValidationFailed).errors(errors)
    })
}

fn wrong_parent() -> FieldError {
    FieldError::new("/parent_id", "wrong_parent", "不能放在该上级之下", "cannot sit under this organisation")
}

/// Whether the scope covers a whole bureau; for what concerns the bureau at large, as an import.
#[must_use]
pub fn whole_bureaus(scope: &Scope) -> Vec<Id> {
    let mut ids: Vec<Id> =
        scope.reaches.iter().filter(|reach| reach.org_kind == OrgKind::Bureau).map(|reach| reach.org_id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}
