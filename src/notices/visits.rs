//! Inspections, documents and recusals, told. Of a hidden visit only its team hears before the check-in; the inbox asks
//! the sight of inspections again when it is read.

use serde_json::json;

use super::audience::Audience;
use super::kind::Kind;
use super::occasions::{LEADERS, OFFICE, SCHOOL};
use super::store::{Notice, tell};
use crate::access::Role;
use crate::documents::store::Row as Document;
use crate::inspections::rules::{AcknowledgementOutcome, ObjectionDecision};
use crate::inspections::store::Seen;
use crate::platform::db::Tx;
use crate::platform::db::types::Id;
use crate::platform::error::Problem;

fn about(kind: Kind, seen: &Seen) -> Notice {
    Notice::about(kind, "inspection", seen.row.id, seen.row.version + 1).at(seen.row.bureau_id, seen.row.org_id)
}

fn school(seen: &Seen) -> Audience {
    Audience::SchoolRole(seen.row.org_id, SCHOOL)
}

fn office(seen: &Seen) -> Audience {
    Audience::BureauRole(seen.row.bureau_id, OFFICE, None)
}

/// The team has checked in: its school is told, of the bureau's visits. That of a hidden one learns it here first.
///
/// # Errors
/// Whatever the engine says.
pub fn started(tx: &mut Tx<'_>, seen: &Seen) -> Result<(), Problem> {
    if seen.row.kind.of_school() {
        return Ok(());
    }
    tell(tx, &about(Kind::InspectionStarted, seen), &[school(seen)])
}

/// It was handed in: the school owes its signature, the office may confirm it. A school's own checks owe neither.
///
/// # Errors
/// Whatever the engine says.
pub fn submitted(tx: &mut Tx<'_>, seen: &Seen) -> Result<(), Problem> {
    if seen.row.kind.of_school() {
        return Ok(());
    }
    tell(tx, &about(Kind::SignatureDue, seen), &[school(seen)])?;
    tell(tx, &about(Kind::InspectionSubmitted, seen), &[office(seen)])
}

/// The school has signed or objected, or its refusal was recorded: the lead and the office are told, and of a refusal
/// the school itself.
///
/// # Errors
/// Whatever the engine says.
pub fn acknowledged(tx: &mut Tx<'_>, seen: &Seen, outcome: AcknowledgementOutcome) -> Result<(), Problem> {
    let lead = Audience::Person(seen.row.lead_id);
    let (kind, audiences) = match outcome {
        AcknowledgementOutcome::Signed => (Kind::InspectionSigned, vec![lead, office(seen)]),
        AcknowledgementOutcome::Objected => (Kind::InspectionObjected, vec![lead, office(seen)]),
        AcknowledgementOutcome::Refused => (Kind::SignatureRefused, vec![office(seen), school(seen)]),
    };
    tell(tx, &about(kind, seen), &audiences)
}

/// The bureau has answered the school's objection: the school is told, and the lead, who has to amend the record where
/// it was upheld.
///
/// # Errors
/// Whatever the engine says.
pub fn objection_answered(tx: &mut Tx<'_>, seen: &Seen, decision: ObjectionDecision) -> Result<(), Problem> {
    let notice = about(Kind::ObjectionAnswered, seen).with(json!({"decision": decision}));
    tell(tx, &notice, &[school(seen), Audience::Person(seen.row.lead_id)])
}

/// The bureau has confirmed it: the school and the lead are told.
///
/// # Errors
/// Whatever the engine says.
pub fn confirmed(tx: &mut Tx<'_>, seen: &Seen) -> Result<(), Problem> {
    tell(tx, &about(Kind::InspectionConfirmed, seen), &[school(seen), Audience::Person(seen.row.lead_id)])
}

/// It is void: the team is told, and the school unless it must not know that it ever was.
///
/// # Errors
/// Whatever the engine says.
pub fn voided(tx: &mut Tx<'_>, seen: &Seen) -> Result<(), Problem> {
    let mut audiences: Vec<Audience> = seen.team.iter().map(|person| Audience::Person(*person)).collect();
    if !seen.is_hidden() && !seen.row.kind.of_school() {
        audiences.push(school(seen));
    }
    tell(tx, &about(Kind::InspectionVoided, seen), &audiences)
}

/// A document was issued or declared void: its school is told.
///
/// # Errors
/// Whatever the engine says.
pub fn document(tx: &mut Tx<'_>, kind: Kind, row: &Document) -> Result<(), Problem> {
    let notice = Notice::about(kind, "document", row.id, row.version)
        .at(row.bureau_id, row.org_id)
        .with(json!({"number": row.number, "type": row.kind}));
    tell(tx, &notice, &[Audience::SchoolRole(row.org_id, SCHOOL)])
}

/// An exception of a recusal was asked for: whoever else may approve it is told. Says neither who nor which school.
///
/// # Errors
/// Whatever the engine says.
pub fn override_asked(tx: &mut Tx<'_>, (bureau_id, recusal_id): (Id, Id), override_id: Id) -> Result<(), Problem> {
    let notice = Notice::about(Kind::OverrideAsked, "recusal", recusal_id, override_id).at(bureau_id, bureau_id);
    let others =
        [Audience::BureauRole(bureau_id, LEADERS, None), Audience::BureauRole(bureau_id, &[Role::SafetyOffice], None)];
    tell(tx, &notice, &others)
}

/// An exception was approved: who asked is told.
///
/// # Errors
/// Whatever the engine says.
pub fn override_approved(
    tx: &mut Tx<'_>,
    (bureau_id, recusal_id): (Id, Id),
    override_id: Id,
    asked_by: Id,
) -> Result<(), Problem> {
    let notice = Notice::about(Kind::OverrideApproved, "recusal", recusal_id, override_id).at(bureau_id, bureau_id);
    tell(tx, &notice, &[Audience::Person(asked_by)])
}
