//! Triage: a report becomes a hazard, or what else comes of it.

use diesel::prelude::*;
use serde_json::json;

use super::contacts;
use super::row::Row;
use crate::access::scope::org_ref;
use crate::access::{OrgRef, Permission, Reach, Rights};
use crate::hazards;
use crate::hazards::status::Level;
use crate::hazards::store::report::site;
use crate::hazards::store::{NewHazard, register};
use crate::notices::{Audience, Kind, tell};
use crate::platform::db::schema::reports;
use crate::platform::db::types::Id;
use crate::platform::db::{Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Faults, FieldError};
use crate::reports::compartment::{Compartment, Contact};
use crate::reports::rules::{self, Facts};
use crate::reports::words::{ReportKind, ReportStatus, TriageOutcome, TriageRefusal};

/// A judgement; its shape is checked already.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// What it comes to.
    pub outcome: TriageOutcome,
    /// Of the hazard, where the report says none or another.
    pub category: Option<String>,
    /// As `category`.
    pub domain: Option<String>,
    /// As `category`.
    pub title: Option<String>,
    /// As `category`.
    pub description: Option<String>,
    /// As `category`.
    pub site_id: Option<Id>,
    /// As `category`.
    pub level: Option<Level>,
    /// The clause.
    pub basis: Option<String>,
    /// The hazard it tells of.
    pub duplicate_of: Option<Id>,
    /// Why it becomes none.
    pub reason: Option<String>,
    /// To whom it is handed.
    pub transferred_to: Option<String>,
}

impl Judgement {
    /// The outcome alone, with why where it becomes no hazard: all else as the report has it.
    #[must_use]
    pub const fn of(outcome: TriageOutcome, reason: Option<String>) -> Self {
        Self {
            outcome,
            category: None,
            domain: None,
            title: None,
            description: None,
            site_id: None,
            level: None,
            basis: None,
            duplicate_of: None,
            reason,
            transferred_to: None,
        }
    }
}

const fn words(refusal: TriageRefusal) -> (&'static str, &'static str) {
    match refusal {
        TriageRefusal::AlreadyTriaged => ("已作出处理", "has been triaged already"),
        TriageRefusal::SamePerson => ("不得处理本人提交的线索", "nobody triages what they reported themselves"),
        TriageRefusal::FixedIt => ("当场整改人不得认定其已整改", "who put it right does not accept it as put right"),
    }
}

/// 409 with every rule in the way.
fn allowed(row: &Row, rights: &Rights, fixed_by: Option<Id>) -> Result<(), Problem> {
    let facts =
        Facts { status: row.status, reported_by: row.reported_by.map(|id| id.0), fixed_by: fixed_by.map(|id| id.0) };
    let refusals = rules::refusals(facts, rights.user_id().0);
    if refusals.is_empty() {
        return Ok(());
    }
    let errors = refusals.into_iter().map(|refusal| {
        let (zh, en) = words(refusal);
        FieldError::new("", refusal.as_str(), zh, en)
    });
    let current = json!({"id": row.id, "status": row.status, "version": row.version});
    Err(Problem::new(Code::TransitionNotAllowed).errors(errors.collect()).current(current))
}

/// Judges a report that [`super::read::one_to_change`] gave. Nothing is recorded where somebody looks into it already.
///
/// # Errors
/// 404 for a site or hazard that is not the school's or out of sight, 409 by the rules, 422 for what is missing.
pub fn triage(
    tx: &mut Tx<'_>,
    rights: &Rights,
    row: Row,
    judgement: &Judgement,
) -> Result<(Option<Receipt>, Row, Option<hazards::store::Row>), Problem> {
    let org = org_ref(tx.conn, row.org_id)?;
    if let Some(id) = judgement.duplicate_of {
        let hazard = hazards::store::read::one(tx.conn, rights, id)?;
        if hazard.org_id != row.org_id {
            return Err(Problem::not_found());
        }
    }
    if let Some(id) = judgement.site_id {
        site(tx.conn, org.id, id)?;
    }
    let found = match judgement.outcome {
        TriageOutcome::Accept => Some(hazard_of(tx, rights, &org, &row, judgement)?),
        _ => None,
    };
    let fixed_by = found.as_ref().and_then(|found| found.on_spot.as_ref()).map(|spot| spot.fixed_by);
    allowed(&row, rights, fixed_by)?;
    if judgement.outcome == TriageOutcome::Review {
        return review(tx, row).map(|(receipt, row)| (receipt, row, None));
    }
    let hazard = match found {
        Some(found) => {
            let (rows, _) = register(tx, &org, vec![found])?;
            rows.into_iter().next()
        }
        None => None,
    };
    if let (Some(hazard), Some(inspection), Some(code)) = (&hazard, row.inspection_id, &row.item_code) {
        crate::inspections::store::link(tx.conn, inspection, code, hazard.id)?;
    }
    let text = |text: &Option<String>| text.as_deref().map(|text| text.trim().to_owned());
    let row = Row {
        version: row.version + 1,
        updated_at: tx.now,
        status: rules::after(judgement.outcome),
        triaged_by: Some(rights.user_id()),
        triaged_at: Some(tx.now),
        reason: text(&judgement.reason),
        transferred_to: text(&judgement.transferred_to),
        hazard_id: hazard.as_ref().map(|hazard| hazard.id),
        duplicate_of: judgement.duplicate_of,
        ..row
    };
    save(tx, &row)?;
    let facts = json!({
        "outcome": judgement.outcome, "status": row.status, "hazard_id": row.hazard_id,
        "duplicate_of": row.duplicate_of, "reason": row.reason, "transferred_to": row.transferred_to,
    });
    if let Some(reporter) = row.reported_by {
        tell(tx, &row.notice(Kind::ReportTriaged), &[Audience::Person(reporter)])?;
    }
    let receipt = tx.record(row.event("triaged").with(facts))?;
    Ok((Some(receipt), row, hazard))
}

pub(super) fn save(tx: &mut Tx<'_>, row: &Row) -> Result<(), Problem> {
    diesel::update(reports::table.find(row.id))
        .set((
            reports::version.eq(row.version),
            reports::updated_at.eq(row.updated_at),
            reports::status.eq(row.status),
            reports::reviewed_at.eq(row.reviewed_at),
            reports::triaged_by.eq(row.triaged_by),
            reports::triaged_at.eq(row.triaged_at),
            reports::reason.eq(&row.reason),
            reports::transferred_to.eq(&row.transferred_to),
            reports::hazard_id.eq(row.hazard_id),
            reports::duplicate_of.eq(row.duplicate_of),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Somebody looks into it.
fn review(tx: &mut Tx<'_>, row: Row) -> Result<(Option<Receipt>, Row), Problem> {
    if row.reviewed_at.is_some() {
        return Ok((None, row));
    }
    let row = Row { version: row.version + 1, updated_at: tx.now, reviewed_at: Some(tx.now), ..row };
    save(tx, &row)?;
    let receipt = tx.record(row.event("reviewed"))?;
    Ok((Some(receipt), row))
}

/// The hazard that a report becomes. It names a reporter only where the school knows that person anyway: its own
/// member of staff, or the team of an inspection; else whoever triages answers for it.
fn hazard_of(
    tx: &mut Tx<'_>,
    rights: &Rights,
    org: &OrgRef,
    row: &Row,
    judgement: &Judgement,
) -> Result<NewHazard, Problem> {
    let given = |name: &str, own: &Option<String>, stored: &Option<String>, faults: &mut Faults| {
        let value = own.as_ref().or(stored.as_ref()).map(|text| text.trim().to_owned());
        if value.is_none() {
            faults.add(FieldError::required(name));
        }
        value.unwrap_or_default()
    };
    let mut faults = Faults::default();
    let category = given("/category", &judgement.category, &row.category, &mut faults);
    let domain = given("/domain", &judgement.domain, &row.domain, &mut faults);
    let title = given("/title", &judgement.title, &row.title, &mut faults);
    let scope = rights.of(Permission::ReportTriage);
    let reaches: Vec<&Reach> = scope.reaches_to(tx.conn, org)?;
    let by_school = reaches.iter().all(|reach| reach.role.is_school_side());
    if !domain.is_empty() && !reaches.iter().any(|reach| reach.has_domain(&domain)) {
        faults.say("/domain", "out_of_scope", "不在您负责的领域内", "is none of your domains");
    }
    faults.finish()?;
    let id = tx.new_id();
    let finding = match (row.inspection_id, &row.item_code) {
        (Some(inspection), Some(code)) => Some(crate::inspections::store::finding_of(tx.conn, inspection, code, id)?),
        _ => None,
    };
    let inspection_source = match row.inspection_id {
        Some(inspection) => crate::inspections::store::source_of(tx.conn, inspection)?,
        None => None,
    };
    let known = row.kind == ReportKind::Hint || row.inspection_id.is_some();
    Ok(NewHazard {
        id,
        body_hash: None,
        category,
        domain,
        title,
        description: judgement.description.clone().unwrap_or_else(|| row.description.clone()),
        site_id: judgement.site_id.or(row.site_id),
        basis: judgement.basis.clone().or_else(|| row.basis.clone()),
        source: inspection_source.unwrap_or_else(|| rules::source(row.kind)),
        default_level: finding.as_ref().map_or(Level::General, |found| found.default_level),
        proposed_level: judgement.level.or(row.level),
        by_school,
        escalate: finding.as_ref().is_some_and(|found| found.escalate),
        found_at: row.found_at,
        reported_by: row.reported_by.filter(|_| known).unwrap_or_else(|| rights.user_id()),
        inspection_id: row.inspection_id,
        item_code: row.item_code.clone(),
        evidence_ids: row.evidence_ids.clone(),
        recurrence_of: None,
        on_spot: finding.and_then(|found| found.on_spot),
    })
}

/// Opens the contact of a report that the caller sees. Each opening is an event with its reason.
///
/// # Errors
/// 403 where the compartment is closed to the caller there, 409 where there is no contact, 503 without its key.
pub fn reveal(
    tx: &mut Tx<'_>,
    rights: &Rights,
    row: &Row,
    keys: &Compartment,
    reason: &str,
) -> Result<(Receipt, Contact), Problem> {
    let org = org_ref(tx.conn, row.org_id)?;
    if rights.of(Permission::ReporterReveal).reaches_to(tx.conn, &org)?.is_empty() {
        return Err(Problem::new(Code::ReporterSealed));
    }
    let sealed = contacts::of(tx.conn, row.id)?.ok_or_else(|| Problem::new(Code::NoContact))?;
    let contact = keys.unseal(row.id, &sealed)?;
    let receipt = tx.record(
        row.event("contact_revealed")
            .stream(crate::platform::journal::Stream::Bureau)
            .with(json!({"reason": reason.trim()})),
    )?;
    // Whoever asks for the reporter looks into the matter.
    if row.status == ReportStatus::Waiting && row.reviewed_at.is_none() {
        let (reviewed, _) = review(tx, row.clone())?;
        return Ok((reviewed.unwrap_or(receipt), contact));
    }
    Ok((receipt, contact))
}
