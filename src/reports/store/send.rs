//! Hints of a school's staff and suggestions of external inspectors.

use diesel::dsl::exists;
use diesel::prelude::*;

use super::row::{self, Row};
use crate::access::scope::org_ref;
use crate::access::{Limit, OrgRef, Permission, Reach, Rights};
use crate::hazards::status::Level;
use crate::hazards::store::report::site;
use crate::inspections::rules::InspectionStatus;
use crate::platform::db::schema::{inspection_team, inspections};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Faults, FieldError};
use crate::reports::words::ReportKind;

/// What somebody points out; its shape is checked already.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The client's own id.
    pub id: Option<Id>,
    /// Hash of the body it came in.
    pub body_hash: Option<Vec<u8>>,
    /// One of the ten.
    pub category: Option<String>,
    /// The second axis.
    pub domain: Option<String>,
    /// What is wrong, in a line.
    pub title: String,
    /// What is wrong, at length.
    pub description: String,
    /// The place in the school.
    pub site_id: Option<Id>,
    /// A proposal.
    pub level: Option<Level>,
    /// The clause.
    pub basis: Option<String>,
    /// When it was found; now when absent.
    pub found_at: Option<Timestamp>,
    /// Claims of evidence.
    pub evidence_ids: Vec<Id>,
    /// The inspection it was seen at, for a suggestion.
    pub inspection_id: Option<Id>,
}

/// The school, with what the caller's words about it are: a hint of its own staff, or a suggestion of an external
/// inspector to whom an inspection there was given.
///
/// # Errors
/// 404 where it is absent or out of scope; 422 where the caller reports hazards there.
pub fn school(conn: &mut Conn, rights: &Rights, org_id: Id) -> Result<(OrgRef, ReportKind), Problem> {
    let org = org_ref(conn, org_id)?;
    let scope = rights.of(Permission::HazardReport);
    let reaches = scope.reaches_to(conn, &org)?;
    let has = |limit| reaches.iter().any(|reach: &&Reach| reach.limit == limit);
    if has(Limit::Full) {
        return Err(Problem::invalid(FieldError::new(
            "/org_id",
            "report_the_hazard",
            "您可直接登记该校隐患（POST /hazards）",
            "is yours to report hazards of: use POST /hazards",
        )));
    }
    if has(Limit::AsHint) {
        return Ok((org, ReportKind::Hint));
    }
    if has(Limit::AsSuggestion) && given(conn, rights.user_id(), org_id)? {
        return Ok((org, ReportKind::Suggestion));
    }
    Err(Problem::not_found())
}

/// Whether an inspection of this school was given to somebody.
fn given(conn: &mut Conn, user_id: Id, org_id: Id) -> Result<bool, Problem> {
    let mine = inspection_team::table.filter(inspection_team::user_id.eq(user_id));
    let there = inspections::table
        .filter(inspections::org_id.eq(org_id))
        .filter(inspections::status.ne(InspectionStatus::Void))
        .filter(inspections::id.eq_any(mine.select(inspection_team::inspection_id)));
    Ok(diesel::select(exists(there)).get_result(conn)?)
}

/// A report stored under the client's id before.
///
/// # Errors
/// 409 where another body, or somebody else, has used the id.
pub fn repeated(conn: &mut Conn, rights: &Rights, id: Option<Id>, body_hash: &[u8]) -> Result<Option<Row>, Problem> {
    let Some(id) = id else { return Ok(None) };
    let Some(row) = row::stored(conn, id)? else { return Ok(None) };
    let same = row.reported_by == Some(rights.user_id()) && row.body_hash.as_deref() == Some(body_hash);
    if same { Ok(Some(row)) } else { Err(Problem::new(Code::IdReused)) }
}

/// Files what somebody points out about a school that [`school`] gave.
///
/// # Errors
/// 404 for a site or an inspection that is not the school's; 422 for what does not fit.
pub fn send(
    tx: &mut Tx<'_>,
    rights: &Rights,
    (org, kind): &(OrgRef, ReportKind),
    draft: Draft,
) -> Result<(Row, Receipt), Problem> {
    if let Some(id) = draft.site_id {
        site(tx.conn, org.id, id)?;
    }
    if let Some(id) = draft.inspection_id {
        let seen = crate::inspections::store::seen(tx.conn, rights, id)?;
        if seen.row.org_id != org.id {
            return Err(Problem::not_found());
        }
    }
    let scope = rights.of(Permission::HazardReport);
    let mut faults = Faults::default();
    if let Some(domain) = &draft.domain
        && scope.reaches_to_domain(tx.conn, org, domain)?.is_empty()
    {
        faults.say("/domain", "out_of_scope", "不在您负责的领域内", "is none of your domains");
    }
    if *kind == ReportKind::Hint && draft.inspection_id.is_some() {
        faults.say("/inspection_id", "not_for_hints", "线索不属于检查", "does not go with a hint");
    }
    let found_at = draft.found_at.unwrap_or(tx.now);
    if found_at > tx.now {
        faults.say("/found_at", "in_the_future", "不得晚于现在", "must not lie in the future");
    }
    faults.finish()?;
    let id = draft.id.unwrap_or_else(|| tx.new_id());
    let row = Row {
        body_hash: draft.body_hash,
        category: draft.category,
        domain: draft.domain,
        title: Some(draft.title),
        site_id: draft.site_id,
        level: draft.level,
        basis: draft.basis,
        found_at,
        reported_by: Some(rights.user_id()),
        inspection_id: draft.inspection_id,
        evidence_ids: Doc::of(&draft.evidence_ids),
        ..Row::waiting(id, *kind, (org.bureau_id, org.id), &draft.description, tx.now)
    };
    let receipt = row::file(tx, &row)?;
    Ok((row, receipt))
}
