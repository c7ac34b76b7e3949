//! Progress reports of a major.

use diesel::prelude::*;
use serde_json::json;

use super::{Sent, hand, kept, marked, page_of, refused, save};
use crate::access::Rights;
use crate::hazards::marks::Marks;
use crate::hazards::measures::rules;
use crate::hazards::store::Row;
use crate::platform::db::schema::{hazard_listings, hazard_progress_reports};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::Problem;
use crate::platform::http::{List, Page};

/// A progress report as it is stored.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = hazard_progress_reports)]
#[expect(missing_docs, reason = "the columns are named in the migration")]
pub struct Progress {
    pub id: Id,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub created_by: Id,
    pub body_hash: Option<Vec<u8>>,
    pub bureau_id: Id,
    pub org_id: Id,
    pub hazard_id: Id,
    pub listing_id: Option<Id>,
    pub progress: String,
    pub percent: i32,
    pub difficulties: Option<String>,
    pub evidence_ids: Doc,
}

kept!(Progress, hazard_progress_reports);

/// A report of the school; its shape is checked already.
#[derive(Debug, Clone)]
pub struct Request {
    /// What was done so far.
    pub progress: String,
    /// How far it has come.
    pub percent: i32,
    /// What stands in the way.
    pub difficulties: Option<String>,
    /// Claims of evidence.
    pub evidence_ids: Vec<Id>,
}

/// Reports progress.
///
/// # Errors
/// 409 with every rule that stood in the way; whatever the engine says.
pub fn report(
    tx: &mut Tx<'_>,
    rights: &Rights,
    row: &Row,
    sent: Sent,
    request: Request,
) -> Result<(Row, Progress, Receipt), Problem> {
    let hand = hand(tx.conn, rights, row)?;
    let standing = row.standing();
    rules::report_progress(&standing, &hand).map_err(refused)?;
    let listing_id: Option<Id> = hazard_listings::table
        .filter(hazard_listings::hazard_id.eq(row.id))
        .filter(hazard_listings::delisted_at.is_null())
        .select(hazard_listings::id)
        .first(tx.conn)
        .optional()?;
    let made = Progress {
        id: sent.id,
        version: 1,
        created_at: tx.now,
        updated_at: tx.now,
        created_by: rights.user_id(),
        body_hash: sent.body_hash,
        bureau_id: row.bureau_id,
        org_id: row.org_id,
        hazard_id: row.id,
        listing_id,
        progress: request.progress,
        percent: request.percent,
        difficulties: request.difficulties,
        evidence_ids: Doc::of(&request.evidence_ids),
    };
    diesel::insert_into(hazard_progress_reports::table).values(&made).execute(tx.conn)?;
    let after = marked(tx, row, Marks { progress_at: Some(tx.now), ..standing.marks });
    let words = json!({
        "progress_report_id": made.id, "listing_id": made.listing_id, "progress": made.progress,
        "percent": made.percent, "difficulties": made.difficulties, "evidence_ids": made.evidence_ids,
    });
    let receipt = save(tx, row, &after, "progress_reported", words)?;
    Ok((after, made, receipt))
}

/// A page of the reports of a hazard that the caller sees.
///
/// # Errors
/// Whatever the engine says.
pub fn list<F>(conn: &mut Conn, hazard_id: Id, list: &List<F>) -> Result<Page<Progress>, Problem> {
    page_of!(conn, hazard_progress_reports, Progress, hazard_id, list)
}
