//! Issuing a document: what it says is gathered under the locks of what it is about, the number comes last.

use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use diesel::prelude::*;
use serde::Deserialize;
use serde_json::json;

use super::code;
use super::gather::{Names, Places, unit};
use super::record::{DocumentView, Row, view};
use super::select::{self, Asked, Ended};
use super::standing::{record_of, refused, replaced};
use crate::access::scope::org_ref;
use crate::access::{OrgRef, Permission, Rights};
use crate::documents::bodies::NewDocument;
use crate::documents::content::{Content, Demand, Finding, Head, Inspector, ItemLine, NoticePaper, Opinion, Record};
use crate::documents::content::{Rechecked, Signed, Visit};
use crate::documents::number;
use crate::documents::words::{DocumentRefusal, DocumentType, RecheckResult};
use crate::hazards::deadline::local_date;
use crate::hazards::store::Row as Hazard;
use crate::hazards::store::read::zone_of;
use crate::hazards::store::register::take_numbers;
use crate::inspections::rules::{AcknowledgementOutcome, InspectionStatus, Outcome};
use crate::inspections::store::{InspectionRow, Seen, Signature, answers_of};
use crate::notices::visits as told;
use crate::platform::db::schema::{checklists, document_domains, document_hazards, documents, hazards};
use crate::platform::db::schema::{inspection_checklists, inspections, orgs};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::FieldError;
use crate::platform::journal::Event;

/// What follows where a notice says nothing else.
const CONSEQUENCES: &str = "逾期未整改或者整改不到位的，将依照有关规定予以督办、通报、约谈，并追究有关人员责任。";
const COPIES: u32 = 2;

/// A document on the way: what it is about and what is known before it has a number.
struct Draft<'a> {
    new: &'a NewDocument,
    hash: &'a [u8],
    org: OrgRef,
    zone: Tz,
    inspection_id: Option<Id>,
    hazard_id: Option<Id>,
    replaced: Option<Row>,
    /// Each with the round it is told of.
    hazards: Vec<(Id, i32)>,
    domains: Vec<String>,
}

impl Draft<'_> {
    fn replaced_id(&self) -> Option<Id> {
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

const fn handed_in(row: &InspectionRow) -> bool {
    matches!(row.status, InspectionStatus::Submitted | InspectionStatus::Confirmed)
}

fn visit(row: &InspectionRow, zone: Tz) -> Visit {
    let on = row.started_at.map(|at| local_date(at.utc(), zone));
    Visit { id: row.id, kind: row.kind, title: row.title.clone(), on }
}

/// What is kept of the school's signature.
#[derive(Debug, Deserialize)]
struct Acknowledged {
    outcome: AcknowledgementOutcome,
    statement: Option<String>,
    reason: Option<String>,
    witness: Option<String>,
    by: Option<Id>,
    at: Option<Timestamp>,
}

fn record(
    tx: &mut Tx<'_>,
    rights: &Rights,
    seen: &Seen,
    mut draft: Draft<'_>,
) -> Result<(Receipt, DocumentView), Problem> {
    let row = &seen.row;
    let new = draft.new;
    let certificates = new.certificates.as_deref().unwrap_or_default();
    if certificates.iter().any(|one| !seen.team.contains(&one.user_id)) {
        return Err(Problem::not_found());
    }
    let already = record_of(tx.conn, row.id, draft.replaced_id())?;
    let rules = [
        (!handed_in(row), DocumentRefusal::NotSubmitted, None),
        (row.kind.of_school(), DocumentRefusal::SchoolsOwn, None),
        (row.lead_id != rights.user_id() || !seen.team.contains(&row.lead_id), DocumentRefusal::NotLead, None),
        (already.is_some(), DocumentRefusal::AlreadyIssued, already),
    ];
    let stands: Vec<_> = rules
        .into_iter()
        .filter(|(stands, ..)| *stands)
        .map(|(_, refusal, about)| (refusal, about.unwrap_or_default()))
        .collect();
    if !stands.is_empty() {
        return Err(refused(stands));
    }
    let answers = answers_of(tx.conn, rights, seen)?;
    draft.domains = answers.iter().map(|answer| answer.domain.clone()).collect();
    let places = Places::of(tx.conn, answers.iter().filter_map(|answer| answer.site_id))?;
    let acknowledged: Option<Acknowledged> =
        row.acknowledgement.as_ref().and_then(|doc| serde_json::from_value(doc.0.clone()).ok());
    let signer = acknowledged.as_ref().and_then(|one| one.by);
    let names = Names::of(tx.conn, seen.team.iter().copied().chain(signer))?;
    let found: Vec<(Id, String, String)> = hazards::table
        .filter(hazards::inspection_id.eq(row.id))
        .select((hazards::id, hazards::number, hazards::description))
        .load(tx.conn)?;
    let titles: Vec<String> = checklists::table
        .inner_join(inspection_checklists::table.on(inspection_checklists::checklist_id.eq(checklists::id)))
        .filter(inspection_checklists::inspection_id.eq(row.id))
        .order(inspection_checklists::position)
        .select(checklists::title)
        .load(tx.conn)?;
    let findings = answers.iter().filter(|answer| answer.result == Some(Outcome::Fail)).map(|answer| {
        let hazard = found.iter().find(|(id, ..)| Some(*id) == answer.hazard_id);
        let said = answer.note.clone().unwrap_or_else(|| answer.item.title_zh.clone());
        Finding {
            hazard_number: hazard.map(|(_, number, _)| number.clone()),
            title: answer.item.title_zh.clone(),
            description: hazard.map_or(said, |(.., description)| description.clone()),
            place: places.path(answer.site_id),
            basis: Some(answer.item.basis_zh.clone()).filter(|basis| !basis.trim().is_empty()),
            handled: answer.measures_taken.clone().filter(|_| answer.on_the_spot),
        }
    });
    let findings: Vec<Finding> = findings.collect();
    let items = answers.iter().map(|answer| ItemLine {
        code: answer.item_code.clone(),
        title: answer.item.title_zh.clone(),
        result: answer.result,
    });
    let items: Vec<ItemLine> = items.collect();
    let inspectors = seen.team.iter().map(|person| Inspector {
        name: names.get(*person),
        certificate: certificates.iter().find(|one| one.user_id == *person).map(|one| one.number.trim().to_owned()),
        lead: *person == row.lead_id,
    });
    let signatures: Vec<Signature> = row.signatures.as_ref().map(Doc::read).unwrap_or_default();
    let record = |head: Head| Record {
        visit: visit(row, draft.zone),
        started_at: row.started_at,
        ended_at: row.submitted_at,
        time_zone: draft.zone.name().to_owned(),
        place: new.place.clone().or_else(|| head.unit.address.clone()),
        inspectors: inspectors.collect(),
        checklists: titles,
        items,
        findings,
        handling: new.handling.clone(),
        conclusion: row.conclusion.clone(),
        signatures: signatures.into_iter().map(|one| one.name).collect(),
        signed: acknowledged.map(|one| Signed {
            outcome: one.outcome,
            statement: one.statement,
            reason: one.reason,
            witness: one.witness,
            by: one.by.map(|id| names.get(id)),
            at: one.at,
        }),
        head,
    };
    let head = head(tx, rights, &draft)?;
    finish(tx, rights, &draft, head, |head| Content::OnSiteRecord(record(head)))
}

fn notice(
    tx: &mut Tx<'_>,
    rights: &Rights,
    draft: &mut Draft<'_>,
    visit: Option<Visit>,
    rows: &[Hazard],
) -> Result<(Receipt, DocumentView), Problem> {
    draft.hazards = rows.iter().map(|row| (row.id, row.round)).collect();
    draft.domains = rows.iter().map(|row| row.domain.clone()).collect();
    let places = Places::of(tx.conn, rows.iter().filter_map(|row| row.site_id))?;
    let zone = draft.zone;
    let day = |at: Timestamp| local_date(at.utc(), zone);
    let problems = rows.iter().map(|row| {
        let due_on = row.due_on.or_else(|| row.due_at.map(day));
        Demand {
            hazard_number: row.number.clone(),
            level: row.level,
            title: row.title.clone(),
            description: row.description.clone(),
            place: places.path(row.site_id),
            basis: row.basis.clone(),
            requirement: row.requirement.clone(),
            due_on,
            plan_due_on: row.plan_due_at.filter(|_| row.plan_filed_at.is_none()).map(day),
        }
    });
    let problems: Vec<Demand> = problems.collect();
    let new = draft.new;
    let head = head(tx, rights, draft)?;
    finish(tx, rights, draft, head, |head| {
        Content::RectificationNotice(NoticePaper {
            head,
            visit,
            problems,
            interim_measures: new.interim_measures.clone(),
            consequences: new.consequences.clone().unwrap_or_else(|| CONSEQUENCES.to_owned()),
            contact: new.contact.clone(),
            copies: new.copies.unwrap_or(COPIES),
        })
    })
}

fn opinion(
    tx: &mut Tx<'_>,
    rights: &Rights,
    draft: &mut Draft<'_>,
    visit: Option<Visit>,
    ended: &[Ended],
) -> Result<(Receipt, DocumentView), Problem> {
    draft.hazards = ended.iter().map(|one| (one.row.id, one.round.round)).collect();
    draft.domains = ended.iter().map(|one| one.row.domain.clone()).collect();
    let ids: Vec<Id> = ended.iter().map(|one| one.row.id).collect();
    let ordered = super::standing::telling_of(tx.conn, DocumentType::RectificationNotice, &ids, None)?;
    let mut notices: Vec<String> = ordered.into_values().collect();
    notices.sort_unstable();
    notices.dedup();
    let people = |one: &Ended| one.round.recheckers.read::<Vec<Id>>();
    let names = Names::of(tx.conn, ended.iter().flat_map(people))?;
    let zone = draft.zone;
    let day = |at: Timestamp| local_date(at.utc(), zone);
    let results = ended.iter().map(|one| {
        let open = one.result != RecheckResult::Done;
        let due_on: Option<NaiveDate> = one.row.due_on.or_else(|| one.row.due_at.map(day));
        Rechecked {
            hazard_number: one.row.number.clone(),
            title: one.row.title.clone(),
            round: one.round.round,
            result: one.result,
            rechecked_on: one.round.rechecked_at.map(day),
            recheckers: people(one).into_iter().map(|id| names.get(id)).collect(),
            opinion: one.round.approval_opinion.clone().filter(|_| open).or_else(|| one.round.opinion.clone()),
            demand: one.demand.clone(),
            due_on: due_on.filter(|_| open && one.row.status.clock_runs()),
        }
    });
    let results: Vec<Rechecked> = results.collect();
    let contact = draft.new.contact.clone();
    let head = head(tx, rights, draft)?;
    finish(tx, rights, draft, head, |head| Content::RecheckOpinion(Opinion { head, visit, notices, results, contact }))
}

/// What every document begins with, but for the number.
fn head(tx: &mut Tx<'_>, rights: &Rights, draft: &Draft<'_>) -> Result<Head, Problem> {
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
fn finish(
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
