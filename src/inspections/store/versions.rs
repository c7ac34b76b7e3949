//! The versions of a record of inspection. The one that stands is the inspection itself with its answers; when an
//! amendment takes its place it is kept whole, and never changes again.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::answer_record::{AnswerRow, AnswerView, rows_of, shown, with_items};
use super::scores::InspectionScores;
use super::sight::{Seen, domains_in_sight};
use crate::access::Rights;
use crate::platform::db::schema::{inspection_amendments, inspection_versions};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Conn, Tx};
use crate::platform::error::Problem;

/// What of the inspection's row belongs to one version.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Kept {
    conclusion: Option<String>,
    signatures: Option<Value>,
    acknowledgement: Option<Value>,
    objection_reply: Option<Value>,
    confirmed_at: Option<Timestamp>,
    confirmed_by: Option<Id>,
    score: Option<Value>,
}

impl Kept {
    fn of(seen: &Seen) -> Self {
        let row = seen.row.clone();
        Self {
            conclusion: row.conclusion,
            signatures: row.signatures.map(|doc| doc.0),
            acknowledgement: row.acknowledgement.map(|doc| doc.0),
            objection_reply: row.objection_reply.map(|doc| doc.0),
            confirmed_at: row.confirmed_at,
            confirmed_by: row.confirmed_by,
            score: row.score.map(|doc| doc.0),
        }
    }
}

/// One version of a record, whole.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InspectionVersion)]
pub struct VersionView {
    /// Of the inspection.
    pub inspection_id: Id,
    /// From 1.
    pub number: i32,
    /// Whether it is the one that stands.
    pub current: bool,
    /// When it was handed in, or amended.
    #[schema(required)]
    pub made_at: Option<Timestamp>,
    /// By whom.
    #[schema(required)]
    pub made_by: Option<Id>,
    /// Why it took the place of the version before; null for the first.
    #[schema(required)]
    pub reason: Option<String>,
    /// When the next one took its place.
    #[schema(required)]
    pub superseded_at: Option<Timestamp>,
    /// What the team concluded.
    #[schema(required)]
    pub conclusion: Option<String>,
    /// Who signed on the spot.
    #[schema(required, value_type = Option<Object>)]
    pub signatures: Option<Value>,
    /// What became of it at the school.
    #[schema(required, value_type = Option<Object>)]
    pub acknowledgement: Option<Value>,
    /// The bureau's answer to the school's objection.
    #[schema(required, value_type = Option<Object>)]
    pub objection_reply: Option<Value>,
    /// When the bureau confirmed it.
    #[schema(required)]
    pub confirmed_at: Option<Timestamp>,
    /// Who confirmed it.
    #[schema(required)]
    pub confirmed_by: Option<Id>,
    /// What its answers came to; null for one that was kept before scores were.
    #[schema(required, value_type = Option<InspectionScores>)]
    pub score: Option<Value>,
    /// Every answer as it stood, of the domains in sight.
    pub answers: Vec<AnswerView>,
}

impl Seen {
    /// Which version of the record stands; 0 before there is one.
    #[must_use]
    pub fn version_number(&self) -> i32 {
        if self.row.submitted_at.is_some() { self.row.revision.max(1) } else { self.row.revision }
    }
}

/// Keeps the version that stands, as something else takes its place. `rows` are its answers.
///
/// # Errors
/// Whatever the engine says.
pub fn keep(tx: &mut Tx<'_>, seen: &Seen, number: i32, rows: &[AnswerRow]) -> Result<(), Problem> {
    diesel::insert_into(inspection_versions::table)
        .values((
            inspection_versions::inspection_id.eq(seen.row.id),
            inspection_versions::number.eq(number),
            inspection_versions::superseded_at.eq(tx.now),
            inspection_versions::record.eq(Doc::of(&Kept::of(seen))),
            inspection_versions::answers.eq(Doc::of(&rows)),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// A version of an inspection in sight.
///
/// # Errors
/// 404 where there is no such version.
pub fn version(conn: &mut Conn, rights: &Rights, seen: &Seen, number: i32) -> Result<VersionView, Problem> {
    let current = number == seen.version_number();
    if number < 1 || seen.row.submitted_at.is_none() {
        return Err(Problem::not_found());
    }
    let (superseded_at, kept, mut rows) = if current {
        (None, Kept::of(seen), rows_of(conn, seen.row.id)?)
    } else {
        let (at, record, answers): (Timestamp, Doc, Doc) = inspection_versions::table
            .find((seen.row.id, number))
            .select((inspection_versions::superseded_at, inspection_versions::record, inspection_versions::answers))
            .first(conn)?;
        let rows = Vec::<AnswerRow>::deserialize(&answers.0).map_err(Problem::internal)?;
        (Some(at), record.read(), rows)
    };
    if let Some(domains) = domains_in_sight(conn, rights, seen)? {
        rows.retain(|row| domains.contains(&row.domain));
    }
    let made: Option<(Timestamp, Id, String)> = inspection_amendments::table
        .filter(inspection_amendments::inspection_id.eq(seen.row.id))
        .filter(inspection_amendments::number.eq(number))
        .select((inspection_amendments::created_at, inspection_amendments::created_by, inspection_amendments::reason))
        .first(conn)
        .optional()?;
    let (made_at, made_by, reason) = match made {
        Some((at, by, reason)) => (Some(at), Some(by), Some(reason)),
        None => (seen.row.submitted_at, seen.row.submitted_by, None),
    };
    let answers = with_items(conn, rows)?.into_iter().map(|(row, item)| shown(row, item)).collect();
    Ok(VersionView {
        inspection_id: seen.row.id,
        number,
        current,
        made_at,
        made_by,
        reason,
        superseded_at,
        conclusion: kept.conclusion,
        signatures: kept.signatures,
        acknowledgement: kept.acknowledgement,
        objection_reply: kept.objection_reply,
        confirmed_at: kept.confirmed_at,
        confirmed_by: kept.confirmed_by,
        score: kept.score,
        answers,
    })
}
