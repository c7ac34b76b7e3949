//! What each type of document says, gathered from the rows it is about.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::gather::{Names, Places};
use super::issue::{Draft, finish, handed_in, head, visit};
use super::later::Acknowledged;
use super::record::DocumentView;
use super::select::Ended;
use super::standing::{record_of, refused, telling_of};
use crate::access::Rights;
use crate::documents::content::{Content, Demand, Finding, Head, Inspector, ItemLine, NoticePaper, Opinion, Record};
use crate::documents::content::{Rechecked, Visit};
use crate::documents::words::{DocumentRefusal, DocumentType, RecheckResult};
use crate::hazards::deadline::local_date;
use crate::hazards::store::Row as Hazard;
use crate::inspections::rules::Outcome;
use crate::inspections::store::{Seen, Signature, actor, answers_of};
use crate::platform::db::schema::{checklists, hazards, inspection_checklists};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Receipt, Tx};
use crate::platform::error::Problem;

/// What follows where a notice says nothing else.
const CONSEQUENCES: &str = "逾期未整改或者整改不到位的，将依照有关规定予以督办、通报、约谈，并追究有关人员责任。";
const COPIES: u32 = 2;

/// Gathers and issues a record.
///
/// # Errors
/// 404 for certificates of others than the team; 409 naming every rule in the way.
pub(super) fn record(
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
        (!actor(tx.conn, rights, seen)?.is_lead, DocumentRefusal::NotLead, None),
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
    let acknowledged = row.acknowledgement.as_ref().and_then(|doc| Acknowledged::read(&doc.0));
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
        revision: seen.version_number(),
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
        signed: acknowledged.map(|one| one.signed(&names)),
        head,
    };
    let head = head(tx, rights, &draft)?;
    finish(tx, rights, &draft, head, |head| Content::OnSiteRecord(Box::new(record(head))))
}

/// Issues a notice about these.
///
/// # Errors
/// Whatever the engine says.
pub(super) fn notice(
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
            ordered_on: row.issued_at.map(day),
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

/// Issues an opinion about these.
///
/// # Errors
/// Whatever the engine says.
pub(super) fn opinion(
    tx: &mut Tx<'_>,
    rights: &Rights,
    draft: &mut Draft<'_>,
    visit: Option<Visit>,
    ended: &[Ended],
) -> Result<(Receipt, DocumentView), Problem> {
    draft.hazards = ended.iter().map(|one| (one.row.id, one.round.round)).collect();
    draft.domains = ended.iter().map(|one| one.row.domain.clone()).collect();
    let ids: Vec<Id> = ended.iter().map(|one| one.row.id).collect();
    let ordered = telling_of(tx.conn, DocumentType::RectificationNotice, &ids, None)?;
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
