//! What became of a record of inspection after its document was issued. The document never changes; this stands beside
//! it, read anew each time.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::gather::Names;
use super::record::Row;
use crate::documents::content::{Content, Signed};
use crate::inspections::rules::AcknowledgementOutcome;
use crate::platform::db::Conn;
use crate::platform::db::schema::{inspection_amendments, inspection_versions, inspections};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::error::Problem;

/// What is kept of the school's signature.
#[derive(Debug, Deserialize)]
pub(super) struct Acknowledged {
    outcome: AcknowledgementOutcome,
    statement: Option<String>,
    reason: Option<String>,
    witness: Option<String>,
    pub(super) by: Option<Id>,
    at: Option<Timestamp>,
}

impl Acknowledged {
    pub(super) fn read(kept: &Value) -> Option<Self> {
        Self::deserialize(kept).ok()
    }

    pub(super) fn signed(self, names: &Names) -> Signed {
        Signed {
            outcome: self.outcome,
            statement: self.statement,
            reason: self.reason,
            witness: self.witness,
            by: self.by.map(|id| names.get(id)),
            at: self.at,
        }
    }
}

/// What happened after a document was issued.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = DocumentAfterIssue)]
pub struct AfterIssue {
    /// What became, since then, of the version of the record that the document shows: signed, objected or refused.
    #[schema(required)]
    pub signed: Option<Signed>,
    /// When the record was amended: it is another one now, and a document of it takes the place of this one.
    #[schema(required)]
    pub amended_at: Option<Timestamp>,
}

/// What happened to the record of a document since; nothing where nothing did, and for documents of other types.
///
/// # Errors
/// Whatever the engine says.
pub(super) fn after_issue(conn: &mut Conn, row: &Row, content: &Content) -> Result<Option<AfterIssue>, Problem> {
    let (Content::OnSiteRecord(record), Some(id)) = (content, row.inspection_id) else { return Ok(None) };
    if record.revision < 1 {
        return Ok(None);
    }
    let (now, standing): (i32, Option<Doc>) =
        inspections::table.find(id).select((inspections::revision, inspections::acknowledgement)).first(conn)?;
    let amended_at: Option<Timestamp> = inspection_amendments::table
        .filter(inspection_amendments::inspection_id.eq(id))
        .filter(inspection_amendments::number.eq(record.revision + 1))
        .select(inspection_amendments::created_at)
        .first(conn)
        .optional()?;
    let kept = if now.max(1) == record.revision {
        standing.map(|doc| doc.0)
    } else {
        let version = inspection_versions::table.find((id, record.revision)).select(inspection_versions::record);
        version.first::<Doc>(conn).optional()?.and_then(|doc| doc.0.get("acknowledgement").cloned())
    };
    let acknowledged = kept.as_ref().and_then(Acknowledged::read);
    let names = Names::of(conn, acknowledged.iter().filter_map(|one| one.by))?;
    let told = record.signed.as_ref().map(|one| (one.outcome, one.at));
    let signed = acknowledged.map(|one| one.signed(&names)).filter(|one| told != Some((one.outcome, one.at)));
    Ok((signed.is_some() || amended_at.is_some()).then_some(AfterIssue { signed, amended_at }))
}
