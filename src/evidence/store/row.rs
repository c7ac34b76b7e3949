//! The row of a piece of evidence, and what is shown of it.

use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::reuse::{ReusedFrom, reused_from};
use crate::access::{Permission, Rights};
use crate::evidence::body::{Aim, Target};
use crate::evidence::rules;
use crate::evidence::words::{EvidenceRole, EvidenceState, MediaType, Reuse};
use crate::inspections::store::Location;
use crate::platform::db::Conn;
use crate::platform::db::schema::evidence;
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::error::Problem;
use crate::platform::files::{ContentHash, Key, Rendition};
use crate::platform::http::Record;

/// A piece of evidence as stored.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = evidence)]
#[expect(missing_docs, reason = "the columns are explained in the migration and in the view")]
pub struct Row {
    pub id: Id,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub created_by: Id,
    pub bureau_id: Id,
    pub org_id: Id,
    pub by_school: bool,
    pub inspection_id: Option<Id>,
    pub item_code: Option<String>,
    pub hazard_id: Option<Id>,
    pub round: Option<i32>,
    pub role: Option<EvidenceRole>,
    pub sha256: Vec<u8>,
    pub bytes: i64,
    pub media_type: MediaType,
    pub captured_at: Option<Timestamp>,
    pub device_time: Option<Timestamp>,
    pub clock_skew_s: Option<i64>,
    pub location: Option<Doc>,
    pub received_at: Option<Timestamp>,
    pub received_by: Option<Id>,
    pub content_type: Option<MediaType>,
    pub width: Option<i32>,
    pub height: Option<i32>,
    pub picture: Option<Vec<u8>>,
    pub reuse: Option<Reuse>,
}

impl Row {
    /// For what it was declared.
    #[must_use]
    pub fn target(&self) -> Target {
        Target {
            inspection_id: self.inspection_id,
            item_code: self.item_code.clone(),
            hazard_id: self.hazard_id,
            round: self.round,
            role: self.role,
        }
    }

    /// The same; nothing for a row that no version of this program wrote.
    #[must_use]
    pub fn aim(&self) -> Option<Aim<'_>> {
        match (self.inspection_id, self.item_code.as_deref(), self.hazard_id, self.round, self.role) {
            (Some(inspection), Some(code), ..) => Some(Aim::Item(inspection, code)),
            (_, _, Some(hazard), Some(round), Some(role)) => Some(Aim::Hazard(hazard, round, role)),
            _ => None,
        }
    }

    /// The hash that was declared.
    ///
    /// # Errors
    /// 500 where it is none.
    pub fn hash(&self) -> Result<ContentHash, Problem> {
        ContentHash::from_bytes(&self.sha256).ok_or_else(|| Problem::internal("evidence without a hash"))
    }

    /// Where one of its forms is kept.
    ///
    /// # Errors
    /// As [`Self::hash`].
    pub fn key(&self, rendition: Rendition) -> Result<Key, Problem> {
        Ok(Key { namespace: self.bureau_id, hash: self.hash()?, rendition })
    }

    /// How far it has come.
    #[must_use]
    pub const fn state(&self) -> EvidenceState {
        rules::state(true, self.received_at.is_some())
    }
}

/// A piece of evidence as it is shown.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Evidence)]
pub struct EvidenceView {
    /// Of the evidence; what answers and transitions claim.
    pub id: Id,
    /// Counts its changes: 1 declared, 2 received.
    pub version: i64,
    /// When it was declared.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Who declared it; null for the school's people where it was not one of them.
    #[schema(required)]
    pub created_by: Option<Id>,
    /// The school.
    pub org_id: Id,
    /// For what.
    pub target: Target,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Its length.
    pub bytes: i64,
    /// What was declared.
    pub media_type: MediaType,
    /// How far it has come.
    pub state: EvidenceState,
    /// When its content arrived.
    #[schema(required)]
    pub received_at: Option<Timestamp>,
    /// What its content is.
    #[schema(required)]
    pub content_type: Option<MediaType>,
    /// Whether there are a display version and a thumbnail; else only the sealed original.
    pub has_display: bool,
    /// Of the picture, upright.
    #[schema(required)]
    pub width: Option<i32>,
    /// Of the picture, upright.
    #[schema(required)]
    pub height: Option<i32>,
    /// When it was taken, by the device; proves nothing.
    #[schema(required)]
    pub captured_at: Option<Timestamp>,
    /// What the device's clock said.
    #[schema(required)]
    pub device_time: Option<Timestamp>,
    /// By how many seconds that clock was ahead of the server's; behind where negative.
    #[schema(required)]
    pub clock_skew_s: Option<i64>,
    /// Where the device was; null for the school's people where it was not one of them.
    #[schema(required, value_type = Option<Location>)]
    pub location: Option<Value>,
    /// For the bureau alone: how the same picture was used before, the gravest way.
    #[schema(required)]
    pub reuse: Option<Reuse>,
    /// For the bureau alone, in answers about one: where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reused_from: Option<Vec<ReusedFrom>>,
}

impl Record for EvidenceView {
    fn version(&self) -> i64 {
        self.version
    }
}

/// Whether the caller is of the evidence's school, whatever else.
pub(super) fn of_school(rights: &Rights, row: &Row) -> bool {
    rights.of(Permission::InspectionRead).is_of_school(row.org_id)
}

fn shown(rights: &Rights, row: Row) -> Result<EvidenceView, Problem> {
    let school = of_school(rights, &row);
    // Who found what is not for the school to know, nor where that person stood.
    let veiled = school && !row.by_school && row.created_by != rights.user_id();
    Ok(EvidenceView {
        target: row.target(),
        sha256: row.hash()?.to_string(),
        state: row.state(),
        id: row.id,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
        created_by: (!veiled).then_some(row.created_by),
        org_id: row.org_id,
        bytes: row.bytes,
        media_type: row.media_type,
        received_at: row.received_at,
        content_type: row.content_type,
        has_display: row.picture.is_some(),
        width: row.width,
        height: row.height,
        captured_at: row.captured_at,
        device_time: row.device_time,
        clock_skew_s: row.clock_skew_s,
        location: row.location.filter(|_| !veiled).map(|doc| doc.0),
        reuse: row.reuse.filter(|_| !school),
        reused_from: None,
    })
}

/// One piece of evidence, for this caller.
///
/// # Errors
/// Whatever the engine says.
pub fn view(conn: &mut Conn, rights: &Rights, row: Row) -> Result<EvidenceView, Problem> {
    let from = match row.reuse {
        Some(_) if !of_school(rights, &row) => Some(reused_from(conn, rights, &row)?),
        _ => None,
    };
    Ok(EvidenceView { reused_from: from, ..shown(rights, row)? })
}

/// Many at once: no query.
///
/// # Errors
/// 500 for a row that cannot be read.
pub fn views(rights: &Rights, rows: Vec<Row>) -> Result<Vec<EvidenceView>, Problem> {
    rows.into_iter().map(|row| shown(rights, row)).collect()
}
