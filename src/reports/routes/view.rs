//! A report as it is shown.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::hazards::status::Level;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::http::Record;
use crate::reports::store::Row;
use crate::reports::words::{ReportKind, ReportStatus};

/// Something pointed out that is not yet a hazard.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Report)]
pub struct ReportView {
    /// Of the report.
    pub id: Id,
    /// Counts its changes.
    pub version: i64,
    /// When it came in.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The bureau.
    pub bureau_id: Id,
    /// The school.
    pub org_id: Id,
    /// Who points it out.
    pub kind: ReportKind,
    /// Where it stands.
    pub status: ReportStatus,
    /// One of the ten.
    #[schema(required)]
    pub category: Option<String>,
    /// The second axis.
    #[schema(required)]
    pub domain: Option<String>,
    /// What is wrong, in a line.
    #[schema(required)]
    pub title: Option<String>,
    /// What is wrong, at length.
    pub description: String,
    /// Where in the school.
    #[schema(required)]
    pub site_id: Option<Id>,
    /// A proposal.
    #[schema(required)]
    pub level: Option<Level>,
    /// The clause.
    #[schema(required)]
    pub basis: Option<String>,
    /// When it was found.
    pub found_at: Timestamp,
    /// Who reported; null for the public.
    #[schema(required)]
    pub reported_by: Option<Id>,
    /// In which inspection.
    #[schema(required)]
    pub inspection_id: Option<Id>,
    /// At which item.
    #[schema(required)]
    pub item_code: Option<String>,
    /// Claims of evidence.
    #[schema(value_type = Vec<Id>)]
    pub evidence_ids: Value,
    /// Whether a contact of the reporter lies in the compartment.
    pub has_contact: bool,
    /// Since when somebody looks into it.
    #[schema(required)]
    pub reviewed_at: Option<Timestamp>,
    /// Who judged it.
    #[schema(required)]
    pub triaged_by: Option<Id>,
    /// When it was judged.
    #[schema(required)]
    pub triaged_at: Option<Timestamp>,
    /// Why it became no hazard.
    #[schema(required)]
    pub reason: Option<String>,
    /// To whom it was handed.
    #[schema(required)]
    pub transferred_to: Option<String>,
    /// The hazard it became.
    #[schema(required)]
    pub hazard_id: Option<Id>,
    /// The hazard it tells of.
    #[schema(required)]
    pub duplicate_of: Option<Id>,
}

impl Record for ReportView {
    fn version(&self) -> i64 {
        self.version
    }
}

impl From<Row> for ReportView {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            bureau_id: row.bureau_id,
            org_id: row.org_id,
            kind: row.kind,
            status: row.status,
            category: row.category,
            domain: row.domain,
            title: row.title,
            description: row.description,
            site_id: row.site_id,
            level: row.level,
            basis: row.basis,
            found_at: row.found_at,
            reported_by: row.reported_by,
            inspection_id: row.inspection_id,
            item_code: row.item_code,
            evidence_ids: row.evidence_ids.0,
            has_contact: row.has_contact,
            reviewed_at: row.reviewed_at,
            triaged_by: row.triaged_by,
            triaged_at: row.triaged_at,
            reason: row.reason,
            transferred_to: row.transferred_to,
            hazard_id: row.hazard_id,
            duplicate_of: row.duplicate_of,
        }
    }
}
