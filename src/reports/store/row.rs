//! The row of a report.

use diesel::prelude::*;

use crate::access::Role;
use crate::hazards::status::Level;
use crate::notices::occasions::{OFFICE, SCHOOL};
use crate::notices::{Audience, Kind, Notice, tell, tell_first};
use crate::platform::db::Receipt;
use crate::platform::db::Tx;
use crate::platform::db::schema::reports;
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::error::Problem;
use crate::platform::journal::{Event, Stream};
use crate::reports::rules;
use crate::reports::words::{ReportKind, ReportStatus};

/// A report as it is stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = reports)]
#[expect(missing_docs, reason = "the columns are explained in the migration")]
pub struct Row {
    pub id: Id,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub body_hash: Option<Vec<u8>>,
    pub bureau_id: Id,
    pub org_id: Id,
    pub kind: ReportKind,
    pub status: ReportStatus,
    pub category: Option<String>,
    pub domain: Option<String>,
    pub title: Option<String>,
    pub description: String,
    pub site_id: Option<Id>,
    pub level: Option<Level>,
    pub basis: Option<String>,
    pub found_at: Timestamp,
    pub reported_by: Option<Id>,
    pub inspection_id: Option<Id>,
    pub item_code: Option<String>,
    pub evidence_ids: Doc,
    pub tracking_hash: Option<Vec<u8>>,
    pub has_contact: bool,
    pub reviewed_at: Option<Timestamp>,
    pub triaged_by: Option<Id>,
    pub triaged_at: Option<Timestamp>,
    pub reason: Option<String>,
    pub transferred_to: Option<String>,
    pub hazard_id: Option<Id>,
    pub duplicate_of: Option<Id>,
}

impl Row {
    /// A report that waits, with nothing but what it must have.
    #[must_use]
    pub fn waiting(id: Id, kind: ReportKind, (bureau_id, org_id): (Id, Id), description: &str, now: Timestamp) -> Self {
        Self {
            id,
            version: 1,
            created_at: now,
            updated_at: now,
            body_hash: None,
            bureau_id,
            org_id,
            kind,
            status: ReportStatus::Waiting,
            category: None,
            domain: None,
            title: None,
            description: description.to_owned(),
            site_id: None,
            level: None,
            basis: None,
            found_at: now,
            reported_by: None,
            inspection_id: None,
            item_code: None,
            evidence_ids: Doc::of(&Vec::<Id>::new()),
            tracking_hash: None,
            has_contact: false,
            reviewed_at: None,
            triaged_by: None,
            triaged_at: None,
            reason: None,
            transferred_to: None,
            hazard_id: None,
            duplicate_of: None,
        }
    }

    /// What people are told of it as it now is; told once for each version of it.
    #[must_use]
    pub fn notice(&self, kind: Kind) -> Notice {
        Notice::about(kind, "report", self.id, self.version)
            .at(self.bureau_id, self.org_id)
            .with(serde_json::json!({"kind": self.kind, "status": self.status}))
    }

    /// Something that happened to it. A school must not learn of suggestions and public reports, not even by a gap.
    #[must_use]
    pub fn event(&self, action: &'static str) -> Event {
        let stream = if rules::of_school(self.kind) { Stream::Open } else { Stream::Bureau };
        Event::of("report", self.id, action).at(self.bureau_id, self.org_id).stream(stream)
    }
}

/// Stores a new report. Its words stay out of the journal: they may tell who wrote them.
///
/// # Errors
/// Whatever the engine says.
pub(super) fn file(tx: &mut Tx<'_>, row: &Row) -> Result<Receipt, Problem> {
    diesel::insert_into(reports::table).values(row).execute(tx.conn)?;
    tell_triagers(tx, row)?;
    let facts = serde_json::json!({
        "kind": row.kind, "status": row.status, "category": row.category, "domain": row.domain,
        "site_id": row.site_id, "inspection_id": row.inspection_id, "item_code": row.item_code,
        "evidence_ids": row.evidence_ids, "has_contact": row.has_contact,
    });
    tx.record(row.event("filed").with(facts))
}

/// Those who triage it are told: the school of its own staff's hints, the office of the bureau of all else (and of hints
/// where the school has nobody), and the sections where it is known to be theirs.
fn tell_triagers(tx: &mut Tx<'_>, row: &Row) -> Result<(), Problem> {
    let office: &[Role] = if row.domain.is_some() { OFFICE } else { &[Role::SafetyOffice] };
    let bureau = [Audience::BureauRole(row.bureau_id, office, row.domain.clone())];
    let school = [Audience::SchoolRole(row.org_id, SCHOOL)];
    if rules::of_school(row.kind) {
        tell_first(tx, &row.notice(Kind::ReportFiled), &[&school, &bureau])
    } else {
        tell(tx, &row.notice(Kind::ReportFiled), &bureau)
    }
}

/// A report of this id, whosever, for telling a repeat from a reused id.
///
/// # Errors
/// Whatever the engine says.
pub(super) fn stored(conn: &mut crate::platform::db::Conn, id: Id) -> Result<Option<Row>, Problem> {
    Ok(reports::table.find(id).select(Row::as_select()).first(conn).optional()?)
}
