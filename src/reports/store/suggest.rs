//! What external inspectors find during an inspection: suggested, until the bureau confirms.

use diesel::prelude::*;

use super::row::{self, Row};
use crate::access::caller::{self, Caller};
use crate::access::{Limit, OrgRef, Permission};
use crate::hazards::store::NewHazard;
use crate::platform::db::schema::users;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, Tx};
use crate::platform::error::Problem;
use crate::reports::words::ReportKind;

/// Whether what this person found at this school in this domain at that instant is a suggestion: the right to report
/// is there, and only as that.
///
/// # Errors
/// Whatever the engine says.
pub fn suggests(conn: &mut Conn, user_id: Id, org: &OrgRef, domain: &str, at: Timestamp) -> Result<bool, Problem> {
    let username: String = users::table.find(user_id).select(users::username).first(conn)?;
    let finder = Caller {
        user_id,
        session_id: user_id,
        device: None,
        username,
        display_name: String::new(),
        must_change_password: false,
        rights_version: 0,
        memberships: caller::memberships_of(conn, user_id)?,
    };
    let scope = finder.scope(Permission::HazardReport, at);
    let reaches = scope.reaches_to(conn, org)?;
    let suggests = reaches.iter().any(|reach| reach.limit == Limit::AsSuggestion);
    let reports = |reach: &crate::access::Reach| {
        reach.limit == Limit::Full && !reach.role.is_school_side() && reach.has_domain(domain)
    };
    Ok(suggests && !reaches.into_iter().any(reports))
}

/// Files a finding of an inspection as a suggestion. What it says of being fixed on the spot stays with the answer,
/// from which the hazard is made when the suggestion is accepted.
///
/// # Errors
/// Whatever the engine says.
pub fn suggest(tx: &mut Tx<'_>, org: &OrgRef, found: NewHazard) -> Result<Row, Problem> {
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
        ..Row::waiting(found.id, ReportKind::Suggestion, (org.bureau_id, org.id), &found.description, tx.now)
    };
    // The inspection's own entry ends the job; this one stands before it.
    let _ = row::file(tx, &row)?;
    Ok(row)
}
