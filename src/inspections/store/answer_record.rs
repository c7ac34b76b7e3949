//! The row of an answer, and what is shown of it.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::catalogue::rules::{Item, Requirement, Severity};
use crate::evidence::rules::Claims;
use crate::inspections::rules::{self, Carried, Outcome, Photo, PhotoGap, Photos};
use crate::platform::db::Conn;
use crate::platform::db::schema::{answers, checklist_items};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::error::Problem;
use crate::platform::http::Record;

/// An answer as stored.
#[derive(Debug, Clone, Queryable, Selectable, Serialize, Deserialize)]
#[diesel(table_name = answers)]
#[expect(missing_docs, reason = "the columns are explained in the migrations")]
pub struct AnswerRow {
    pub id: Id,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub org_id: Id,
    pub inspection_id: Id,
    pub checklist_id: Id,
    pub item_code: String,
    pub category: String,
    pub domain: String,
    pub result: Option<Outcome>,
    pub value: Option<Doc>,
    pub note: Option<String>,
    pub reason: Option<String>,
    pub site_id: Option<Id>,
    pub severity: Option<Severity>,
    pub on_the_spot: bool,
    pub evidence_ids: Doc,
    pub before_evidence_ids: Doc,
    pub after_evidence_ids: Doc,
    pub measures_taken: Option<String>,
    pub fixed_by: Option<Id>,
    pub answered_by: Option<Id>,
    pub answered_at: Option<Timestamp>,
    pub device_time: Option<Timestamp>,
    pub hazard_id: Option<Id>,
    pub photos_received: i32,
    pub evidence_gaps: i32,
    pub touched: Option<Doc>,
}

impl AnswerRow {
    /// What it claims and demands.
    #[must_use]
    pub fn claims(&self, item: &Item) -> Claims {
        let mut found: Vec<Uuid> = self.evidence_ids.read();
        found.extend(self.before_evidence_ids.read::<Vec<Uuid>>());
        let demanded = rules::photo(item, self.result, 0) == Photo::Awaited;
        Claims { demanded, found, others: self.after_evidence_ids.read() }
    }
}

impl AnswerRow {
    /// What the answer carries. Photos count as claimed; the photos of a fix on the spot are those from before it.
    #[must_use]
    pub fn carried(&self) -> Carried<'_> {
        let claims = if self.on_the_spot { &self.before_evidence_ids } else { &self.evidence_ids };
        let claimed = claims.0.as_array().map_or(0, Vec::len);
        let received = usize::try_from(self.photos_received).unwrap_or(0);
        Carried { result: self.result, note: self.note.as_deref(), photos: Photos { claimed, received } }
    }
}

/// An answer as it is shown, with its item.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Answer)]
pub struct AnswerView {
    /// Of the answer.
    pub id: Id,
    /// Counts its changes.
    pub version: i64,
    /// When the inspection was planned.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The inspection.
    pub inspection_id: Id,
    /// The school.
    pub org_id: Id,
    /// The checklist of the item, in the revision used.
    pub checklist_id: Id,
    /// Which item.
    pub item_code: String,
    /// The category it counts for.
    pub category: String,
    /// The domain it counts for.
    pub domain: String,
    /// The item itself.
    pub item: Item,
    /// Null until answered.
    #[schema(required)]
    pub result: Option<Outcome>,
    /// The number, the option or the text.
    #[schema(required, value_type = Option<Value>)]
    pub value: Option<Value>,
    /// A remark.
    #[schema(required)]
    pub note: Option<String>,
    /// Why it does not apply.
    #[schema(required)]
    pub reason: Option<String>,
    /// Where in the school.
    #[schema(required)]
    pub site_id: Option<Id>,
    /// Level proposed for the hazard.
    #[schema(required)]
    pub severity: Option<Severity>,
    /// Whether it was put right during the visit.
    pub on_the_spot: bool,
    /// Claims of photos.
    #[schema(value_type = Vec<Id>)]
    pub evidence_ids: Value,
    /// Photos before the fix.
    #[schema(value_type = Vec<Id>)]
    pub before_evidence_ids: Value,
    /// Photos after the fix.
    #[schema(value_type = Vec<Id>)]
    pub after_evidence_ids: Value,
    /// How it was put right.
    #[schema(required)]
    pub measures_taken: Option<String>,
    /// Who put it right.
    #[schema(required)]
    pub fixed_by: Option<Id>,
    /// Whether the photo a failed item demands is there.
    pub photo: Photo,
    /// What the answer still needs before the inspection is handed in.
    pub lacks: Vec<Requirement>,
    /// How many photos are missing: claimed and not received, or demanded and not claimed.
    pub evidence_gaps: i32,
    /// Who answered.
    #[schema(required)]
    pub answered_by: Option<Id>,
    /// When, by the server.
    #[schema(required)]
    pub answered_at: Option<Timestamp>,
    /// When, by the device; proves nothing.
    #[schema(required)]
    pub device_time: Option<Timestamp>,
    /// The hazard it became.
    #[schema(required)]
    pub hazard_id: Option<Id>,
}

impl Record for AnswerView {
    fn version(&self) -> i64 {
        self.version
    }
}

/// Answers as they are shown: one statement more, however many.
///
/// # Errors
/// 500 where an item cannot be read.
pub fn with_items(conn: &mut Conn, rows: Vec<AnswerRow>) -> Result<Vec<(AnswerRow, Item)>, Problem> {
    let mut lists: Vec<Id> = rows.iter().map(|row| row.checklist_id).collect();
    lists.sort_unstable();
    lists.dedup();
    let mut codes: Vec<String> = rows.iter().map(|row| row.item_code.clone()).collect();
    codes.sort_unstable();
    codes.dedup();
    let items: Vec<(Id, String, Doc)> = checklist_items::table
        .filter(checklist_items::checklist_id.eq_any(lists))
        .filter(checklist_items::code.eq_any(codes))
        .select((checklist_items::checklist_id, checklist_items::code, checklist_items::item))
        .load(conn)?;
    let items: std::collections::HashMap<(Id, String), Doc> =
        items.into_iter().map(|(list, code, item)| ((list, code), item)).collect();
    rows.into_iter()
        .map(|row| {
            let found = items.get(&(row.checklist_id, row.item_code.clone()));
            let item = found.ok_or_else(|| Problem::internal("an answer without its item"))?;
            let item = Item::deserialize(&item.0).map_err(Problem::internal)?;
            Ok((row, item))
        })
        .collect()
}

/// An answer with its item, as it is shown.
#[must_use]
pub fn shown(row: AnswerRow, item: Item) -> AnswerView {
    let lacks = rules::lacks(&item, row.carried(), PhotoGap::default());
    AnswerView {
        id: row.id,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
        inspection_id: row.inspection_id,
        org_id: row.org_id,
        checklist_id: row.checklist_id,
        item_code: row.item_code,
        category: row.category,
        domain: row.domain,
        photo: rules::photo(&item, row.result, usize::try_from(row.photos_received).unwrap_or(0)),
        evidence_gaps: row.evidence_gaps,
        lacks,
        item,
        result: row.result,
        value: row.value.map(|doc| doc.0),
        note: row.note,
        reason: row.reason,
        site_id: row.site_id,
        severity: row.severity,
        on_the_spot: row.on_the_spot,
        evidence_ids: row.evidence_ids.0,
        before_evidence_ids: row.before_evidence_ids.0,
        after_evidence_ids: row.after_evidence_ids.0,
        measures_taken: row.measures_taken,
        fixed_by: row.fixed_by,
        answered_by: row.answered_by,
        answered_at: row.answered_at,
        device_time: row.device_time,
        hazard_id: row.hazard_id,
    }
}

/// The rows of an inspection, in the order of its checklists.
///
/// # Errors
/// Whatever the engine says.
pub fn rows_of(conn: &mut Conn, inspection_id: Id) -> Result<Vec<AnswerRow>, Problem> {
    Ok(answers::table
        .filter(answers::inspection_id.eq(inspection_id))
        .order(answers::position)
        .select(AnswerRow::as_select())
        .load(conn)?)
}
