//! Which change is told to whom: the one table of it.

use serde_json::json;

use super::audience::{Audience, Directory};
use super::kind::Kind;
use super::store::{Notice, tell, tell_all, tell_first};
use crate::access::Role;
use crate::hazards::status::{Action, Level, Status};
use crate::hazards::store::Row;
use crate::platform::db::Tx;
use crate::platform::db::types::Id;
use crate::platform::error::Problem;

/// Who answers for a school.
pub const SCHOOL: &[Role] = &[Role::Principal, Role::SchoolSafetyOfficer];
/// Who runs remediation in a bureau: the office, and the sections whose domain it is.
pub const OFFICE: &[Role] = &[Role::SafetyOffice, Role::SectionOfficer];
/// Who answers for a bureau.
pub const LEADERS: &[Role] = &[Role::BureauLeader];

/// Everybody who answers for the school of a hazard.
#[must_use]
pub fn school_of(row: &Row) -> Audience {
    Audience::SchoolRole(row.org_id, SCHOOL)
}

/// The office of the bureau of a hazard, and the sections of its domain.
#[must_use]
pub fn office_of(row: &Row) -> Audience {
    Audience::BureauRole(row.bureau_id, OFFICE, Some(row.domain.clone()))
}

/// The leaders of the bureau of a hazard.
#[must_use]
pub fn leaders_of(row: &Row) -> Audience {
    Audience::BureauRole(row.bureau_id, LEADERS, None)
}

/// A notice about a hazard as it now is; told once for each version of it.
#[must_use]
pub fn about(kind: Kind, row: &Row) -> Notice {
    let due_on = row.due_on.filter(|_| row.status.clock_runs());
    Notice::about(kind, "hazard", row.id, row.version)
        .at(row.bureau_id, row.org_id)
        .due(row.due_at.filter(|_| row.status.clock_runs()))
        .with(json!({"number": row.number, "level": row.level, "due_on": due_on}))
}

/// Something to tell: the first group in which there is anybody hears it.
type Told = (Kind, Vec<Vec<Audience>>);

/// What a change of state is told as, and to whom.
fn occasions(action: Action, before: &Row, after: &Row) -> Vec<Told> {
    let school = || vec![school_of(after)];
    let school_and_responsible = || {
        let mut all = school();
        all.extend(after.responsible_user_id.map(Audience::Person));
        all
    };
    let bureau_rechecks = after.bureau_side || !after.source.is_schools_own() || after.level == Level::Major;
    let to = |kind: Kind, audiences: Vec<Audience>| vec![(kind, vec![audiences])];
    match action {
        Action::Issue => to(Kind::HazardIssued, school()),
        Action::Assign => {
            to(Kind::HazardAssigned, after.responsible_user_id.map(Audience::Person).into_iter().collect())
        }
        Action::RejectAssignment => {
            let issuer = before.issued_by.map(|id| Audience::PersonOf(id, before.org_id)).into_iter().collect();
            let instead = if before.bureau_side { office_of(after) } else { school_of(after) };
            vec![(Kind::HazardRejected, vec![issuer, vec![instead]])]
        }
        Action::ReportDone => {
            let mut all: Vec<Audience> = after.issued_by.map(Audience::Person).into_iter().collect();
            if bureau_rechecks {
                all.push(office_of(after));
                all.push(Audience::SupervisorsOf(after.org_id, Some(after.domain.clone())));
            } else {
                all.push(school_of(after));
            }
            to(Kind::HazardReportedDone, all)
        }
        Action::Pass => {
            let (old, new): (Vec<Id>, Vec<Id>) = (before.recheckers.read(), after.recheckers.read());
            let named = new.into_iter().filter(|id| !old.contains(id)).map(Audience::Person).collect();
            let mut all = to(Kind::RecheckNamed, named);
            all.extend(if after.status == Status::AwaitingApproval {
                to(Kind::HazardAwaitingApproval, vec![leaders_of(after)])
            } else {
                to(Kind::HazardClosed, school_and_responsible())
            });
            all
        }
        Action::Approve => to(Kind::HazardClosed, school_and_responsible()),
        Action::Return => to(Kind::HazardReturned, school_and_responsible()),
        Action::Reopen => to(Kind::HazardReopened, school_and_responsible()),
        Action::Regrade => to(Kind::HazardRegraded, school_and_responsible()),
        Action::ReassignDue => to(Kind::HazardDueReassigned, school_and_responsible()),
        Action::Void => to(Kind::HazardVoided, school_and_responsible()),
        Action::Acknowledge | Action::FilePlan => Vec::new(),
    }
}

/// A hazard moved: tells whom it concerns, in the same transaction as the journal entry.
///
/// # Errors
/// Whatever the engine says.
pub fn hazard_moved(tx: &mut Tx<'_>, action: Action, before: &Row, after: &Row) -> Result<(), Problem> {
    for (kind, groups) in occasions(action, before, after) {
        let groups: Vec<&[Audience]> = groups.iter().map(Vec::as_slice).collect();
        tell_first(tx, &about(kind, after), &groups)?;
    }
    Ok(())
}

/// The record that found a hazard was amended: those who work on it are told that it finds it no more, or after all,
/// and those who may declare it void.
///
/// # Errors
/// Whatever the engine says.
pub fn finding_marked(tx: &mut Tx<'_>, withdrawn: bool, row: &Row) -> Result<(), Problem> {
    let mut audiences = vec![school_of(row)];
    audiences.extend(row.responsible_user_id.map(Audience::Person));
    if row.bureau_side || !row.source.is_schools_own() || row.level == Level::Major {
        audiences.push(office_of(row));
    }
    let kind = if withdrawn { Kind::FindingWithdrawn } else { Kind::FindingRestored };
    tell(tx, &about(kind, row), &audiences)
}

/// Hazards were registered: the bureau is told at once of majors, of what may be one, and of what asks for it.
///
/// # Errors
/// Whatever the engine says.
pub fn hazards_registered(tx: &mut Tx<'_>, rows: &[Row]) -> Result<(), Problem> {
    let mut told = Vec::new();
    for row in rows.iter().filter(|row| row.status.is_open()) {
        let major = row.level == Level::Major || row.proposed_level == Level::Major;
        if major {
            told.push((about(Kind::HazardEscalated, row), vec![office_of(row), leaders_of(row)]));
        } else if row.escalate {
            told.push((about(Kind::HazardEscalated, row), vec![office_of(row)]));
        }
    }
    if told.is_empty() {
        return Ok(());
    }
    let directory = Directory::load(tx.conn, told.iter().flat_map(|(_, audiences)| audiences), tx.now)?;
    let told = told.into_iter().map(|(notice, audiences)| (notice, directory.find(&audiences))).collect();
    tell_all(tx, told).map(drop)
}

/// Something was done to an account: its owner is told, seen after the next sign-in. `version` is that of the account
/// after it.
///
/// # Errors
/// Whatever the engine says.
pub fn account_changed(tx: &mut Tx<'_>, kind: Kind, user_id: Id, version: i64) -> Result<(), Problem> {
    tell(tx, &Notice::about(kind, "user", user_id, version), &[Audience::Account(user_id)])
}
