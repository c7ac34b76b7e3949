//! What the record of an inspection does to hazards by itself: a team notes what it saw of an open one, an amendment
//! takes a finding back, a look-back opens again what has not held. Each goes through the same deciding table as a transition by
//! hand; the person it stands for is who handed the record in.

use chrono_tz::Tz;
use diesel::prelude::*;
use serde_json::{Map, Value, json};

use super::days::Days;
use super::row::Row;
use super::transition::{carry_out, difference, save};
use crate::hazards::policy::Case;
use crate::hazards::rules::{self, Actor, Request, VoidReach};
use crate::hazards::status::{Remedy, Status};
use crate::notices::occasions::finding_marked;
use crate::platform::db::schema::hazards;
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Conn, Tx};
use crate::platform::error::Problem;
use crate::platform::journal::Event;

/// These hazards, in the order of their ids; on PostgreSQL nobody else changes them until this transaction ends. For
/// what the record itself is about: sight is the caller's business.
///
/// # Errors
/// Whatever the engine says.
pub fn held(conn: &mut Conn, ids: &[Id]) -> Result<Vec<Row>, Problem> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    if let Conn::Postgres(postgres) = conn {
        let _: Vec<Id> = hazards::table
            .filter(hazards::id.eq_any(ids))
            .order(hazards::id)
            .select(hazards::id)
            .for_update()
            .load(postgres)?;
    }
    Ok(hazards::table
        .filter(hazards::id.eq_any(ids.to_vec()))
        .order(hazards::id)
        .select(Row::as_select())
        .load(conn)?)
}

/// The hazards an inspection found, void ones too, oldest first: by item.
///
/// # Errors
/// Whatever the engine says.
pub fn found_by(conn: &mut Conn, inspection_id: Id) -> Result<Vec<(Option<String>, Id)>, Problem> {
    Ok(hazards::table
        .filter(hazards::inspection_id.eq(inspection_id))
        .order((hazards::created_at, hazards::id))
        .select((hazards::item_code, hazards::id))
        .load(conn)?)
}

/// Puts into a hazard's history what a team saw of it. The hazard itself does not move.
///
/// # Errors
/// Whatever the engine says.
pub fn observed(tx: &mut Tx<'_>, row: (Id, Id, Id), facts: Map<String, Value>) -> Result<(), Problem> {
    let (id, bureau_id, org_id) = row;
    let mut payload = facts;
    payload.insert("set".to_owned(), json!({}));
    let _ = tx.record(Event::of("hazard", id, "observed").at(bureau_id, org_id).with(Value::Object(payload)))?;
    Ok(())
}

/// What an amendment did to the hazard of a finding that it took back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withdrawn {
    /// Nobody had issued it: it is void now.
    Voided,
    /// It had been issued: it stays, marked for the bureau.
    Marked,
}

/// Takes a finding back. Only what nobody has issued becomes void, and only by somebody whose word founds a hazard
/// (`may_void`); all else stays as it is and is marked.
///
/// # Errors
/// Whatever the engine says.
pub fn withdraw(
    tx: &mut Tx<'_>,
    by: Id,
    row: &Row,
    (reason, link): (&str, &Map<String, Value>),
    may_void: Option<VoidReach>,
    zone: Tz,
) -> Result<Withdrawn, Problem> {
    if row.status == Status::Registered && may_void.is_some() {
        let request = Request::Void { reason: reason.to_owned() };
        let actor = Actor { void: may_void, ..Actor::nobody(by.0) };
        if let Ok(change) = rules::decide(&row.facts(), &actor, &request) {
            let _ = carry_out(tx, by, row, (&request, &change), zone, link.clone())?;
            return Ok(Withdrawn::Voided);
        }
    }
    mark(tx, row, true, ("finding_withdrawn", reason, link), zone)?;
    Ok(Withdrawn::Marked)
}

/// What a look-back found of a closed hazard: it has not held.
#[derive(Debug, Clone)]
pub struct Relapse {
    /// Who found it.
    pub by: Id,
    /// What was found, in words.
    pub reason: String,
    /// The new deadline; the policy's where nobody gave one.
    pub due_at: Option<Timestamp>,
    /// Goes into the journal beside it: which inspection.
    pub link: Map<String, Value>,
}

/// Opens a hazard again whose look-back failed; from then on the bureau rechecks it. False, and nothing happens, where
/// somebody opened it meanwhile.
///
/// # Errors
/// Whatever the engine says.
pub fn relapsed(tx: &mut Tx<'_>, row: &Row, relapse: Relapse, zone: Tz) -> Result<bool, Problem> {
    let due_at = match relapse.due_at {
        Some(at) => at.utc(),
        None => {
            let remedy = row.remedy.unwrap_or(Remedy::Simple);
            let case = Case { level: row.level, domain: &row.domain, source: row.source, remedy };
            Days::of(tx.conn, row.bureau_id, zone)?.due(case, tx.now)?.0.at
        }
    };
    let request = Request::Reopen { reason: relapse.reason, due_at };
    let actor = Actor { reopen: true, ..Actor::nobody(relapse.by.0) };
    let Ok(change) = rules::decide(&row.facts(), &actor, &request) else { return Ok(false) };
    let _ = carry_out(tx, relapse.by, row, (&request, &change), zone, relapse.link)?;
    Ok(true)
}

/// The finding stands after all: the mark goes.
///
/// # Errors
/// Whatever the engine says.
pub fn restore(
    tx: &mut Tx<'_>,
    row: &Row,
    (reason, link): (&str, &Map<String, Value>),
    zone: Tz,
) -> Result<(), Problem> {
    mark(tx, row, false, ("finding_restored", reason, link), zone)
}

fn mark(
    tx: &mut Tx<'_>,
    row: &Row,
    withdrawn: bool,
    (action, reason, link): (&'static str, &str, &Map<String, Value>),
    zone: Tz,
) -> Result<(), Problem> {
    let mut marks = row.marks();
    if marks.finding_withdrawn == withdrawn || row.status == Status::Void {
        return Ok(());
    }
    marks.finding_withdrawn = withdrawn;
    let after = Row { version: row.version + 1, updated_at: tx.now, marks: Doc::of(&marks), ..row.clone() };
    save(tx, row, &after, zone)?;
    finding_marked(tx, withdrawn, &after)?;
    let mut payload = difference(row, &after)?;
    payload.insert("reason".to_owned(), json!(reason));
    payload.extend(link.clone());
    let event = Event::of("hazard", row.id, action).at(row.bureau_id, row.org_id);
    let _ = tx.record(event.with(Value::Object(payload)))?;
    Ok(())
}
