//! The first step: what will come, and for what.

use diesel::prelude::*;
use serde_json::json;

use super::row::{EvidenceView, Row, view};
use super::sight::stored;
use crate::access::{Permission, Rights};
use crate::evidence::body::{Aim, Declaration};
use crate::hazards::status::Status as HazardStatus;
use crate::hazards::store::{Powers, Row as Hazard, documented, read};
use crate::inspections;
use crate::inspections::rules::{InspectionAction, InspectionStatus};
use crate::inspections::store::Seen;
use crate::platform::db::schema::{answers, evidence};
use crate::platform::db::types::{Doc, Id};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::files::ContentHash;
use crate::platform::http::FieldError;
use crate::platform::journal::Event;

/// Most declarations for one item or one hazard.
const MOST: i64 = 200;

/// How a declaration ended.
#[derive(Debug)]
pub enum Declared {
    /// It is new.
    New(Receipt, EvidenceView),
    /// The same had been declared before.
    Again(EvidenceView),
}

/// What evidence is for, in sight and locked.
#[derive(Debug)]
pub struct Place(Kind);

#[derive(Debug)]
enum Kind {
    Item(Box<Seen>, String),
    Hazard(Box<Hazard>),
}

/// Declares a piece of evidence; the declaration has been checked ([`crate::platform::http::Check`]).
///
/// # Errors
/// 404 for a target out of sight; 403 where it is not the caller's to document; 409 `id_reused`, and where the record's
/// state takes no more; 422 for a round that has not begun, and for too many.
pub fn declare(tx: &mut Tx<'_>, rights: &Rights, new: &Declaration) -> Result<Declared, Problem> {
    let place = place(tx, rights, new)?;
    declare_at(tx, rights, new, &place)
}

/// What a declaration is for, if the caller sees it.
///
/// # Errors
/// 404 where not.
pub fn place(tx: &mut Tx<'_>, rights: &Rights, new: &Declaration) -> Result<Place, Problem> {
    Ok(Place(match new.target.aim().ok_or_else(Problem::not_found)? {
        Aim::Item(inspection, code) => {
            let visit = inspections::store::seen_to_change(tx.conn, rights, inspection)?;
            inspections::store::has_item(tx.conn, rights, &visit, code)?;
            Kind::Item(Box::new(visit), code.to_owned())
        }
        Aim::Hazard(hazard, ..) => Kind::Hazard(Box::new(read::one_to_change(tx.conn, rights, hazard)?)),
    }))
}

/// Declares it for what [`place`] found.
///
/// # Errors
/// As [`declare`], its 404 apart.
pub fn declare_at(tx: &mut Tx<'_>, rights: &Rights, new: &Declaration, place: &Place) -> Result<Declared, Problem> {
    let aim = new.target.aim().ok_or_else(Problem::not_found)?;
    if let Some(again) = repeated(tx.conn, rights, new)? {
        return Ok(Declared::Again(again));
    }
    let id = new.id.unwrap_or_else(|| tx.new_id());
    let (bureau_id, org_id) = match &place.0 {
        Kind::Item(visit, code) => {
            open_item(tx, rights, visit, code, id)?;
            (visit.row.bureau_id, visit.row.org_id)
        }
        Kind::Hazard(hazard) => {
            open_hazard(tx.conn, rights, hazard, aim, id)?;
            (hazard.bureau_id, hazard.org_id)
        }
    };
    within_bounds(tx.conn, aim)?;
    let sha256: ContentHash = new.sha256.parse().map_err(Problem::internal)?;
    let target = new.target.clone();
    let row = Row {
        id,
        version: 1,
        created_at: tx.now,
        updated_at: tx.now,
        created_by: rights.user_id(),
        bureau_id,
        org_id,
        by_school: rights.of(Permission::InspectionRead).is_of_school(org_id),
        inspection_id: target.inspection_id,
        item_code: target.item_code,
        hazard_id: target.hazard_id,
        round: target.round,
        role: target.role,
        sha256: sha256.as_bytes().to_vec(),
        bytes: new.bytes,
        media_type: new.media_type,
        captured_at: new.captured_at,
        device_time: new.device_time,
        clock_skew_s: new.device_time.map(|device| (device - tx.now).num_seconds()),
        location: new.location.as_ref().map(Doc::of),
        received_at: None,
        received_by: None,
        content_type: None,
        width: None,
        height: None,
        picture: None,
        reuse: None,
    };
    diesel::insert_into(evidence::table).values(&row).execute(tx.conn)?;
    // Where a person was is no matter for the journal; the row keeps it.
    let payload = json!({
        "target": row.target(), "sha256": sha256.to_string(), "bytes": row.bytes, "media_type": row.media_type,
        "clock_skew_s": row.clock_skew_s, "located": row.location.is_some(),
    });
    let receipt = tx.record(Event::of("evidence", id, "declared").at(bureau_id, org_id).with(payload))?;
    let view = view(tx.conn, rights, row)?;
    Ok(Declared::New(receipt, view))
}

/// The same declaration by the same person is a repeat; anything else under its id is a reuse.
fn repeated(conn: &mut Conn, rights: &Rights, new: &Declaration) -> Result<Option<EvidenceView>, Problem> {
    let Some(id) = new.id else { return Ok(None) };
    let Some(row) = stored(conn, id)? else { return Ok(None) };
    let same = row.created_by == rights.user_id()
        && row.target() == new.target
        && row.hash()?.to_string() == new.sha256
        && row.bytes == new.bytes
        && row.media_type == new.media_type
        && row.captured_at == new.captured_at
        && row.device_time == new.device_time
        && row.location == new.location.as_ref().map(Doc::of);
    if same { Ok(Some(view(conn, rights, row)?)) } else { Err(Problem::new(Code::IdReused)) }
}

/// While it is being answered, the team adds what it likes; once handed in, only what its answers claim.
fn open_item(tx: &mut Tx<'_>, rights: &Rights, visit: &Seen, code: &str, id: Id) -> Result<(), Problem> {
    let late = matches!(visit.row.status, InspectionStatus::Submitted | InspectionStatus::Confirmed);
    if late && claimed_by_answer(tx.conn, visit.row.id, code, id)? {
        let actor = inspections::store::actor(tx.conn, rights, visit)?;
        return if actor.on_team { Ok(()) } else { Err(Problem::new(Code::Forbidden)) };
    }
    inspections::store::may(tx.conn, rights, visit, InspectionAction::Answer).map(drop)
}

fn claimed_by_answer(conn: &mut Conn, inspection: Id, code: &str, id: Id) -> Result<bool, Problem> {
    let claims: (Doc, Doc, Doc) = answers::table
        .filter(answers::inspection_id.eq(inspection))
        .filter(answers::item_code.eq(code))
        .select((answers::evidence_ids, answers::before_evidence_ids, answers::after_evidence_ids))
        .first(conn)?;
    Ok([claims.0, claims.1, claims.2].iter().any(|ids| ids.read::<Vec<Id>>().contains(&id)))
}

fn open_hazard(conn: &mut Conn, rights: &Rights, hazard: &Hazard, aim: Aim<'_>, id: Id) -> Result<(), Problem> {
    if !Powers::over(conn, rights, [hazard])?.may_document(hazard) {
        return Err(Problem::new(Code::Forbidden));
    }
    if let Aim::Hazard(_, round, _) = aim
        && round > hazard.round
    {
        return Err(Problem::invalid(FieldError::new(
            "/target/round",
            "no_such_round",
            format!("当前为第 {} 轮", hazard.round),
            format!("the hazard is in round {}", hazard.round),
        )));
    }
    let closed = hazard.status == HazardStatus::Closed;
    if hazard.status == HazardStatus::Void || (closed && !claimed_by_hazard(conn, hazard, id)?) {
        return Err(Problem::new(Code::StateConflict).errors(vec![FieldError::new(
            "",
            "wrong_state",
            "当前状态不再接收证据",
            "takes no more evidence in this state",
        )]));
    }
    Ok(())
}

fn claimed_by_hazard(conn: &mut Conn, hazard: &Hazard, id: Id) -> Result<bool, Problem> {
    let mut claims: Vec<Id> = hazard.evidence_ids.read();
    for round in read::rounds(conn, hazard.id)? {
        claims.extend(round.evidence_ids.read::<Vec<Id>>());
        claims.extend(round.recheck_evidence_ids.read::<Vec<Id>>());
    }
    if claims.contains(&id) {
        return Ok(true);
    }
    Ok(documented::progress_claims(conn, hazard.id)?.contains(&id))
}

fn within_bounds(conn: &mut Conn, aim: Aim<'_>) -> Result<(), Problem> {
    let count: i64 = match aim {
        Aim::Item(inspection, code) => evidence::table
            .filter(evidence::inspection_id.eq(inspection))
            .filter(evidence::item_code.eq(code))
            .count()
            .get_result(conn)?,
        Aim::Hazard(hazard, ..) => evidence::table.filter(evidence::hazard_id.eq(hazard)).count().get_result(conn)?,
    };
    if count < MOST {
        return Ok(());
    }
    Err(Problem::invalid(FieldError::new(
        "/target",
        "too_many",
        format!("每项最多 {MOST} 件"),
        format!("has {MOST} pieces of evidence already"),
    )))
}
