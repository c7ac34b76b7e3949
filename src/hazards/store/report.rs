//! Reporting a hazard without an inspection: by a bureau role, or by a school of what it found itself.

use diesel::prelude::*;

use super::recurrence;
use super::register::{NewHazard, register};
use super::row::Row;
use crate::access::scope::org_ref;
use crate::access::{Limit, OrgRef, Permission, Reach, Rights};
use crate::hazards::rules;
use crate::hazards::status::{Level, Source};
use crate::orgs::rules::OrgKind;
use crate::platform::db::schema::{hazards, sites};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Faults, FieldError};

/// A finding to report; its shape is checked already.
#[derive(Debug, Clone)]
pub struct Report {
    /// The client's own id.
    pub id: Option<Id>,
    /// Hash of the body it came in.
    pub body_hash: Option<Vec<u8>>,
    /// One of the ten.
    pub category: String,
    /// The second axis.
    pub domain: String,
    /// What is wrong, in a line.
    pub title: String,
    /// What is wrong, at length.
    pub description: String,
    /// The place in the school.
    pub site_id: Option<Id>,
    /// The finder's proposal.
    pub level: Option<Level>,
    /// The clause.
    pub basis: Option<String>,
    /// Where it came from.
    pub source: Source,
    /// When it was found; now when absent.
    pub found_at: Option<Timestamp>,
    /// Claims of evidence.
    pub evidence_ids: Vec<Id>,
    /// The closed hazard of the same school that has come back.
    pub recurrence_of: Option<Id>,
}

/// The school, if the caller may report hazards of it.
///
/// # Errors
/// 404 where it is absent or out of scope; 422 where it is no school.
pub fn school(conn: &mut Conn, rights: &Rights, org_id: Id) -> Result<OrgRef, Problem> {
    let org = org_ref(conn, org_id)?;
    let scope = rights.of(Permission::HazardReport);
    if !scope.reaches_to(conn, &org)?.iter().any(|reach| reach.limit == Limit::Full) {
        return Err(Problem::not_found());
    }
    if org.kind == OrgKind::School {
        return Ok(org);
    }
    Err(Problem::invalid(FieldError::new("/org_id", "not_a_school", "须为学校", "must be a school")))
}

/// A hazard of this id, whosever, for telling a repeat from a reused id.
///
/// # Errors
/// Whatever the engine says.
pub fn stored(conn: &mut Conn, id: Id) -> Result<Option<Row>, Problem> {
    Ok(hazards::table.find(id).select(Row::as_select()).first(conn).optional()?)
}

/// Whether a place lies in this school.
///
/// # Errors
/// 404 where it does not.
pub fn site(conn: &mut Conn, org_id: Id, site_id: Id) -> Result<(), Problem> {
    let _: Id =
        sites::table.filter(sites::id.eq(site_id)).filter(sites::org_id.eq(org_id)).select(sites::id).first(conn)?;
    Ok(())
}

/// Registers what somebody reports of a school that [`school`] gave.
///
/// # Errors
/// 404 for ids that are not the school's, 422 for a source or domain that is not the caller's to use.
pub fn report(tx: &mut Tx<'_>, rights: &Rights, org: &OrgRef, report: Report) -> Result<(Row, Receipt), Problem> {
    if let Some(id) = report.site_id {
        site(tx.conn, org.id, id)?;
    }
    let earlier = match report.recurrence_of {
        Some(id) => Some(recurrence::earlier(tx.conn, rights, org.id, id)?),
        None => None,
    };
    let scope = rights.of(Permission::HazardReport);
    let mut reaches: Vec<&Reach> = scope.reaches_to_domain(tx.conn, org, &report.domain)?;
    reaches.retain(|reach| reach.limit == Limit::Full);
    let (school, bureau): (Vec<&Reach>, Vec<&Reach>) =
        reaches.into_iter().partition(|reach| reach.role.is_school_side());
    let mut faults = Faults::default();
    if school.is_empty() && bureau.is_empty() {
        faults.say("/domain", "out_of_scope", "不在您负责的领域内", "is none of your domains");
    } else if !rules::source_allowed(report.source, !school.is_empty(), !bureau.is_empty()) {
        faults.say(
            "/source",
            "not_yours",
            "学校只能登记自查来源，教育局只能登记其他来源",
            "a school reports its own findings, a bureau role the others",
        );
    }
    let found_at = report.found_at.unwrap_or(tx.now);
    if found_at > tx.now {
        faults.say("/found_at", "in_the_future", "不得晚于现在", "must not lie in the future");
    }
    if let Some(earlier) = &earlier {
        recurrence::check(earlier, None, &mut faults);
    }
    faults.finish()?;
    let id = report.id.unwrap_or_else(|| tx.new_id());
    let new = NewHazard {
        id,
        body_hash: report.body_hash,
        category: report.category,
        domain: report.domain,
        title: report.title,
        description: report.description,
        site_id: report.site_id,
        basis: report.basis,
        source: report.source,
        default_level: Level::General,
        proposed_level: report.level,
        by_school: bureau.is_empty(),
        escalate: false,
        found_at,
        reported_by: rights.user_id(),
        inspection_id: None,
        item_code: None,
        evidence_ids: Doc::of(&report.evidence_ids),
        recurrence_of: report.recurrence_of,
        on_spot: None,
    };
    let (rows, receipt) = register(tx, org, vec![new])?;
    match (rows.into_iter().next(), receipt) {
        (Some(row), Some(receipt)) => Ok((row, receipt)),
        _ => Err(Problem::new(Code::Internal).cause("a report without a row")),
    }
}
