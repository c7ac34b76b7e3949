//! The second step: the content is here.

use diesel::prelude::*;
use serde_json::json;

use super::claims::arrived;
use super::reuse;
use super::row::{EvidenceView, Row, view};
use super::sight::{may_write, seen, seen_to_change};
use crate::access::Rights;
use crate::evidence::body::Aim;
use crate::evidence::words::MediaType;
use crate::inspections::store::{AnswerRow, weigh, with_items};
use crate::platform::db::schema::{answers, evidence};
use crate::platform::db::types::Id;
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::Problem;
use crate::platform::files::ContentHash;
use crate::platform::journal::{Event, Stream};
use crate::platform::uploads::arrivals::{self, Daily};

/// What was declared, for whoever sends the content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaited {
    /// Of the evidence.
    pub id: Id,
    /// Its bureau: the namespace of its files.
    pub bureau_id: Id,
    /// Its school.
    pub org_id: Id,
    /// The hash that was declared.
    pub sha256: ContentHash,
    /// The length that was declared.
    pub bytes: i64,
    /// What was declared.
    pub media_type: MediaType,
    /// It is here already and never changes.
    pub received: bool,
}

/// What was declared, if the caller may send its content.
///
/// # Errors
/// 404 out of sight, 403 where it is not the caller's to send.
pub fn awaited(conn: &mut Conn, rights: &Rights, id: Id) -> Result<Awaited, Problem> {
    let row = seen(conn, rights, id)?;
    may_write(conn, rights, &row)?;
    Ok(Awaited {
        id,
        bureau_id: row.bureau_id,
        org_id: row.org_id,
        sha256: row.hash()?,
        bytes: row.bytes,
        media_type: row.media_type,
        received: row.received_at.is_some(),
    })
}

/// What the content turned out to be.
#[derive(Debug, Clone)]
pub struct Content {
    /// Its hash.
    pub hash: ContentHash,
    /// Its type, by itself.
    pub kind: MediaType,
    /// Of a picture: its sides, upright, and the hash of its pixels.
    pub picture: Option<(u32, u32, ContentHash)>,
}

/// Links a file that is kept already. No receipt where it was linked before.
///
/// # Errors
/// 404, 403; 429 beyond what may arrive of one person in a day; 500 where the content is not what was declared, which the caller has to check.
pub fn link(
    tx: &mut Tx<'_>,
    rights: &Rights,
    id: Id,
    content: &Content,
    most: Daily,
) -> Result<(Option<Receipt>, EvidenceView), Problem> {
    let row = seen_to_change(tx.conn, rights, id)?;
    may_write(tx.conn, rights, &row)?;
    if row.hash()? != content.hash {
        return Err(Problem::internal("a content was to be linked that is not what was declared"));
    }
    if row.received_at.is_some() {
        return Ok((None, view(tx.conn, rights, row)?));
    }
    arrivals::count(tx, rights.user_id(), row.bytes, most)?;
    let side = |side: u32| i32::try_from(side).ok();
    let picture = content.picture.map(|(_, _, hash)| hash.as_bytes().to_vec());
    let reuse = reuse::found(tx.conn, &row, picture.as_deref())?;
    let after = Row {
        version: row.version + 1,
        updated_at: tx.now,
        received_at: Some(tx.now),
        received_by: Some(rights.user_id()),
        content_type: Some(content.kind),
        width: content.picture.and_then(|(width, ..)| side(width)),
        height: content.picture.and_then(|(_, height, _)| side(height)),
        picture,
        reuse,
        ..row
    };
    diesel::update(evidence::table.find(id))
        .set((
            evidence::version.eq(after.version),
            evidence::updated_at.eq(after.updated_at),
            evidence::received_at.eq(after.received_at),
            evidence::received_by.eq(after.received_by),
            evidence::content_type.eq(after.content_type),
            evidence::width.eq(after.width),
            evidence::height.eq(after.height),
            evidence::picture.eq(&after.picture),
            evidence::reuse.eq(after.reuse),
        ))
        .execute(tx.conn)?;
    if let Some(Aim::Item(inspection, code)) = after.aim() {
        weigh_answer(tx.conn, inspection, code)?;
    }
    let event = |action| Event::of("evidence", id, action).at(after.bureau_id, after.org_id);
    let payload = json!({"target": after.target(), "content_type": content.kind});
    let mut receipt = tx.record(event("received").with(payload))?;
    if let Some(reuse) = after.reuse {
        receipt = tx.record(event("reused").stream(Stream::Bureau).with(json!({"reuse": reuse})))?;
    }
    Ok((Some(receipt), view(tx.conn, rights, after)?))
}

/// The counts of the answer, anew. Its version stays: nobody has answered anything else.
fn weigh_answer(conn: &mut Conn, inspection: Id, code: &str) -> Result<(), Problem> {
    let row: AnswerRow = answers::table
        .filter(answers::inspection_id.eq(inspection))
        .filter(answers::item_code.eq(code))
        .select(AnswerRow::as_select())
        .first(conn)?;
    let there = arrived(conn, inspection, &[code])?;
    let (mut row, item) = with_items(conn, vec![row])?.pop().ok_or_else(Problem::not_found)?;
    weigh(&mut row, &item, there.get(code).unwrap_or(&std::collections::HashSet::new()));
    diesel::update(answers::table.find(row.id))
        .set((answers::photos_received.eq(row.photos_received), answers::evidence_gaps.eq(row.evidence_gaps)))
        .execute(conn)?;
    Ok(())
}
