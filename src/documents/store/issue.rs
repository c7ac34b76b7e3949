//! Issuing a document: what it says is gathered under the locks of what it is about, the number comes last.

use chrono::Datelike;
use chrono_tz::Tz;
use diesel::prelude::*;
use serde_json::json;

use super::code;
use super::gather::unit;
use super::papers::{notice, opinion, record};
use super::record::{DocumentView, Row, view};
use super::select::{self, Asked};
use super::standing::{refused, replaced};
use crate::access::scope::org_ref;
use crate::access::{OrgRef, Permission, Rights};
use crate::documents::bodies::NewDocument;
use crate::documents::content::{Content, Head, Visit};
use crate::documents::number;
use crate::documents::words::{DocumentRefusal, DocumentType};
use crate::hazards::deadline::local_date;
use crate::hazards::store::Row as Hazard;
use crate::hazards::store::read::zone_of;
use crate::hazards::store::register::take_numbers;
use crate::inspections::rules::InspectionStatus;
use crate::inspections::store::{InspectionRow, Seen};
use crate::notices::visits as told;
use crate::platform::db::schema::{document_domains, document_hazards, documents, inspections, orgs};
use crate::platform::db::types::Id;
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::FieldError;
use crate::platform::journal::Event;

/// A document on the way: what it is about and what is known before it has a number.
pub(super) struct Draft<'a> {
    pub new: &'a NewDocument,
    pub hash: &'a [u8],
    pub org: OrgRef,
    pub zone: Tz,
    pub inspection_id: Option<Id>,
    pub hazard_id: Option<Id>,
    pub replaced: Option<Row>,
    /// Each with the round it is told of.
    pub hazards: Vec<(Id, i32)>,
    pub domains: Vec<String>,
}

impl Draft<'_> {
    pub fn replaced_id(&self) -> Option<Id> {
        self.replaced.as_ref().map(|row| row.id)
    }
}

fn draft<'a>(
    tx: &mut Tx<'_>,
    rights: &Rights,
    org_id: Id,
    (inspection_id, hazard_id): (Option<Id>, Option<Id>),
    new: &'a NewDocument,
    hash: &'a [u8],
) -> Result<Draft<'a>, Problem> {
    let org = org_ref(tx.conn, org_id)?;
    let zone = zone_of(tx.conn, org.bureau_id)?;
    let scope = rights.of(Permission::DocumentIssue);
    if scope.reaches_to(tx.conn, &org)?.is_empty() {
        return Err(Problem::new(Code::Forbidden));
    }
    let replaced = replaced(tx.conn, rights, new.supersedes, new.kind, (inspection_id, hazard_id))?;
    let (hazards, domains) = (Vec::new(), Vec::new());
    Ok(Draft { new, hash, org, zone, inspection_id, hazard_id, replaced, hazards, domains })
}

/// Issues a document about an inspection in sight, which the caller holds.
///
/// # Errors
/// 403 where it is not the caller's to issue; 404 for ids out of sight; 409 naming every rule in the way.
pub fn of_inspection(
    tx: &mut Tx<'_>,
    rights: &Rights,
    seen: &Seen,
    new: &NewDocument,
    hash: &[u8],
) -> Result<(Receipt, DocumentView), Problem> {
    let mut draft = draft(tx, rights, seen.row.org_id, (Some(seen.row.id), None), new, hash)?;
    match new.kind {
        DocumentType::OnSiteRecord => record(tx, rights, seen, draft),
        kind => {
            let mut refusals = Vec::new();
            if !handed_in(&seen.row) {
                refusals.push((DocumentRefusal::NotSubmitted, String::new()));
            }
            if seen.row.kind.of_school() {
                refusals.push((DocumentRefusal::SchoolsOwn, String::new()));
            }
            if !refusals.is_empty() {
                return Err(refused(refusals));
            }
            let asked = select::of_inspection(tx.conn, rights, seen.row.id, new.hazard_ids.as_deref())?;
            let visit = Some(visit(&seen.row, draft.zone));
            if kind == DocumentType::RectificationNotice {
                let rows = select::to_order(tx.conn, rights, &draft.org, asked, draft.replaced_id())?;
                notice(tx, rights, &mut draft, visit, &rows)
            } else {
                let remarks = new.results.as_deref().unwrap_or_default();
                let ended = select::rechecked(tx.conn, rights, &draft.org, asked, remarks, draft.replaced_id())?;
                opinion(tx, rights, &mut draft, visit, &ended)
            }
        }
    }
}

/// Issues a document about one hazard in sight, which the caller holds.
///
/// # Errors
/// As [`of_inspection`]; 422 for a record, which is an inspection's.
pub fn of_hazard(
    tx: &mut Tx<'_>,
    rights: &Rights,
    hazard: &Hazard,
    new: &NewDocument,
    hash: &[u8],
) -> Result<(Receipt, DocumentView), Problem> {
    if new.kind == DocumentType::OnSiteRecord {
        let (zh, en) = ("现场检查记录只能针对检查出具", "is issued about an inspection");
        return Err(Problem::invalid(FieldError::new("/type", "not_for_a_hazard", zh, en)));
    }
    if new.hazard_ids.as_ref().is_some_and(|ids| ids.as_slice() != [hazard.id]) {
        return Err(Problem::not_found());
    }
    let mut draft = draft(tx, rights, hazard.org_id, (None, Some(hazard.id)), new, hash)?;
    let asked = Asked { rows: vec![hazard.clone()], named: true };
    let visit = match hazard.inspection_id {
        None => None,
        Some(id) => {
            let row: InspectionRow = inspections::table.find(id).select(InspectionRow::as_select()).first(tx.conn)?;
            Some(visit(&row, draft.zone))
        }
    };
    if new.kind == DocumentType::RectificationNotice {
        let rows = select::to_order(tx.conn, rights, &draft.org, asked, draft.replaced_id())?;
        notice(tx, rights, &mut draft, visit, &rows)
    } else {
        let remarks = new.results.as_deref().unwrap_or_default();
        let ended = select::rechecked(tx.conn, rights, &draft.org, asked, remarks, draft.replaced_id())?;
        opinion(tx, rights, &mut draft, visit, &ended)
    }
}

pub(super) const fn handed_in(row: &InspectionRow) -> bool {
    matches!(row.status, InspectionStatus::Submitted | InspectionStatus::Confirmed)
}

pub(super) fn visit(row: &InspectionRow, zone: Tz) -> Visit {
    let on = row.started_at.map(|at| local_date(at.utc(), zone));
    Visit { id: row.id, kind: row.kind, title: row.title.clone(), on }
}

/// What every document begins with, but for the number.
pub(super) fn head(tx: &mut Tx<'_>, rights: &Rights, draft: &Draft<'_>) -> Result<Head, Problem> {
    let issuer: String = orgs::table.find(draft.org.bureau_id).select(orgs::name).first(tx.conn)?;
    Ok(Head {
        number: String::new(),
        issuer,
        issued_on: local_date(tx.now.utc(), draft.zone),
        issued_by: rights.caller.display_name.clone(),
        supersedes: draft.replaced.as_ref().map(|row| row.number.clone()),
        unit: unit(tx.conn, draft.org.id, draft.new.credit_code.clone(), tx.now)?,
    })
}

/// Takes the number, freezes what the document says, and tells the journal and the school.
pub(super) fn finish(
    tx: &mut Tx<'_>,
    rights: &Rights,
    draft: &Draft<'_>,
    head: Head,
    content: impl FnOnce(Head) -> Content,
) -> Result<(Receipt, DocumentView), Problem> {
    let (kind, bureau_id) = (draft.new.kind, draft.org.bureau_id);
    let code = code::text(tx.conn, bureau_id)?;
    let year = head.issued_on.year();
    // The number is the last lock taken, and a refusal takes none: the series has no gaps.
    let serial = take_numbers(tx, bureau_id, kind.series(), year, 1)?;
    let number = number::format(&code, kind.mark(), year, serial);
    let (text, hash) = content(Head { number: number.clone(), ..head }).freeze()?;
    let row = Row {
        id: draft.new.id.unwrap_or_else(|| tx.new_id()),
        version: 1,
        created_at: tx.now,
        updated_at: tx.now,
        created_by: rights.user_id(),
        body_hash: Some(draft.hash.to_vec()),
        bureau_id,
        org_id: draft.org.id,
        kind,
        number: number.clone(),
        year,
        serial,
        inspection_id: draft.inspection_id,
        hazard_id: draft.hazard_id,
        supersedes: draft.replaced_id(),
        content: text,
        content_sha256: hash.clone(),
        voided_at: None,
        voided_by: None,
        void_reason: None,
    };
    diesel::insert_into(documents::table).values(&row).execute(tx.conn)?;
    put(tx.conn, row.id, draft)?;
    let hazard_ids: Vec<Id> = draft.hazards.iter().map(|(id, _)| *id).collect();
    let event = Event::of("document", row.id, "issued").at(bureau_id, row.org_id).with(json!({
        "type": kind, "number": number, "inspection_id": row.inspection_id, "hazard_ids": hazard_ids,
        "supersedes": row.supersedes, "content_sha256": hash,
    }));
    let receipt = tx.record(event)?;
    told::document(tx, crate::notices::Kind::DocumentIssued, &row)?;
    Ok((receipt, view(tx.conn, row)?))
}

/// What it tells of, beside it.
fn put(conn: &mut Conn, id: Id, draft: &Draft<'_>) -> Result<(), Problem> {
    for (place, (hazard_id, round)) in (0_i32..).zip(&draft.hazards) {
        diesel::insert_into(document_hazards::table)
            .values((
                document_hazards::document_id.eq(id),
                document_hazards::hazard_id.eq(hazard_id),
                document_hazards::round.eq(round),
                document_hazards::position.eq(place),
            ))
            .execute(conn)?;
    }
    let domains: std::collections::BTreeSet<&String> = draft.domains.iter().collect();
    for domain in domains {
        diesel::insert_into(document_domains::table)
            .values((document_domains::document_id.eq(id), document_domains::domain.eq(domain)))
            .execute(conn)?;
    }
    Ok(())
}
