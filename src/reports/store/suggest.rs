//! What external inspectors and a school's staff find during an inspection: suggested, until the bureau or the school
//! confirms.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use diesel::prelude::*;

use super::row::{self, Row};
use crate::access::caller::{self, Caller};
use crate::access::{Limit, OrgRef, Permission};
use crate::hazards::store::NewHazard;
use crate::platform::db::schema::{reports, users};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, Tx};
use crate::platform::error::Problem;
use crate::reports::words::{ReportKind, ReportStatus};
use serde_json::json;

/// People whose findings are judged, each loaded once however many there are.
#[derive(Debug, Default)]
pub struct Finders(HashMap<Id, Caller>);

impl Finders {
    fn of(&mut self, conn: &mut Conn, user_id: Id) -> Result<&Caller, Problem> {
        Ok(match self.0.entry(user_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(finder(conn, user_id)?),
        })
    }
}

fn finder(conn: &mut Conn, user_id: Id) -> Result<Caller, Problem> {
    let username: String = users::table.find(user_id).select(users::username).first(conn)?;
    Ok(Caller {
        user_id,
        session_id: user_id,
        device: None,
        username,
        display_name: String::new(),
        must_change_password: false,
        rights_version: 0,
        memberships: caller::memberships_of(conn, user_id)?,
    })
}

/// As what this person's findings at this school in this domain at that instant wait for somebody's word: an external
/// inspector's as a suggestion until the bureau confirms, those of a member of staff in the school's own checks as a
/// hint until the school does. Nothing where the right to report is whole: then a finding is a hazard at once.
///
/// # Errors
/// Whatever the engine says.
pub fn suggests(
    conn: &mut Conn,
    (finders, user_id): (&mut Finders, Id),
    org: &OrgRef,
    domain: &str,
    (own_check, at): (bool, Timestamp),
) -> Result<Option<ReportKind>, Problem> {
    let scope = finders.of(conn, user_id)?.scope(Permission::HazardReport, at);
    let reaches = scope.reaches_to(conn, org)?;
    let (limit, kind) =
        if own_check { (Limit::AsHint, ReportKind::Hint) } else { (Limit::AsSuggestion, ReportKind::Suggestion) };
    let suggests = reaches.iter().any(|reach| reach.limit == limit);
    let reports = |reach: &crate::access::Reach| {
        reach.limit == Limit::Full && reach.role.is_school_side() == own_check && reach.has_domain(domain)
    };
    Ok((suggests && !reaches.into_iter().any(reports)).then_some(kind))
}

/// Files a finding of an inspection as a suggestion or a hint. What it says of being fixed on the spot stays with the answer,
/// from which the hazard is made when the suggestion is accepted.
///
/// # Errors
/// Whatever the engine says.
pub fn suggest(tx: &mut Tx<'_>, org: &OrgRef, found: NewHazard, kind: ReportKind) -> Result<Row, Problem> {
    let row = Row {
        category: Some(found.category),
        domain: Some(found.domain),
        title: Some(found.title),
        site_id: found.site_id,
        level: Some(found.proposed_level.unwrap_or(found.default_level)),
        basis: found.basis,
        found_at: found.found_at,
        reported_by: Some(found.reported_by),
        inspection_id: found.inspection_id,
        item_code: found.item_code,
        evidence_ids: found.evidence_ids,
        ..Row::waiting(found.id, kind, (org.bureau_id, org.id), &found.description, tx.now)
    };
    // The inspection's own entry ends the job; this one stands before it.
    let _ = row::file(tx, &row)?;
    Ok(row)
}

/// Holds what waits of an inspection until the end of the transaction: nobody triages it while its record is amended,
/// and what was triaged before is known as such.
///
/// # Errors
/// Whatever the engine says.
pub fn hold(conn: &mut Conn, inspection_id: Id) -> Result<(), Problem> {
    if let Conn::Postgres(postgres) = conn {
        let _: Vec<Id> = reports::table
            .filter(reports::inspection_id.eq(inspection_id))
            .filter(reports::status.eq(ReportStatus::Waiting))
            .order(reports::id)
            .select(reports::id)
            .for_update()
            .load(postgres)?;
    }
    Ok(())
}

/// Takes back what waits of an item of an inspection: its record was amended and does not find it any more.
///
/// # Errors
/// Whatever the engine says.
pub fn take_back(tx: &mut Tx<'_>, inspection_id: Id, item_code: &str, reason: &str) -> Result<(), Problem> {
    let waiting: Vec<Row> = reports::table
        .filter(reports::inspection_id.eq(inspection_id))
        .filter(reports::item_code.eq(item_code))
        .filter(reports::status.eq(ReportStatus::Waiting))
        .order(reports::id)
        .select(Row::as_select())
        .load(tx.conn)?;
    for row in waiting {
        let row = Row {
            version: row.version + 1,
            updated_at: tx.now,
            status: ReportStatus::OutOfScope,
            triaged_at: Some(tx.now),
            reason: Some(reason.to_owned()),
            ..row
        };
        super::triage::save(tx, &row)?;
        let facts = json!({"outcome": "taken_back", "status": row.status, "reason": reason});
        let _ = tx.record(row.event("taken_back").with(facts))?;
    }
    Ok(())
}

/// The reports of an inspection that wait, oldest first.
///
/// # Errors
/// Whatever the engine says.
pub fn waiting(conn: &mut Conn, inspection_id: Id) -> Result<Vec<Id>, Problem> {
    Ok(reports::table
        .filter(reports::inspection_id.eq(inspection_id))
        .filter(reports::status.eq(ReportStatus::Waiting))
        .order((reports::created_at, reports::id))
        .select(reports::id)
        .load(conn)?)
}

/// All reports of an inspection, oldest first.
///
/// # Errors
/// Whatever the engine says.
pub fn of_inspection(conn: &mut Conn, inspection_id: Id) -> Result<Vec<Row>, Problem> {
    Ok(reports::table
        .filter(reports::inspection_id.eq(inspection_id))
        .order((reports::created_at, reports::id))
        .select(Row::as_select())
        .load(conn)?)
}
