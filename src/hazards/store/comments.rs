//! Remarks on a hazard; once written they stay.

use diesel::prelude::*;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::row::Row;
use crate::keyset;
use crate::platform::db::schema::{comments, users};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, MultiBackend, Receipt, Tx};
use crate::platform::error::Problem;
use crate::platform::http::{List, Page, Record};
use crate::platform::journal::Event;

/// A remark.
#[derive(Debug, Clone, Queryable, Serialize, ToSchema)]
#[schema(as = Comment)]
pub struct Comment {
    /// Of the remark.
    pub id: Id,
    /// Always 1: remarks do not change.
    pub version: i64,
    /// When it was written.
    pub created_at: Timestamp,
    /// The same.
    pub updated_at: Timestamp,
    /// On which hazard.
    pub hazard_id: Id,
    /// Who wrote it.
    pub author_id: Id,
    /// The author's name.
    pub author_name: String,
    /// What was written.
    pub text: String,
}

impl Record for Comment {
    fn version(&self) -> i64 {
        self.version
    }
}

const COLUMNS: (
    comments::id,
    comments::version,
    comments::created_at,
    comments::updated_at,
    comments::hazard_id,
    comments::created_by,
    users::display_name,
    comments::text,
) = (
    comments::id,
    comments::version,
    comments::created_at,
    comments::updated_at,
    comments::hazard_id,
    comments::created_by,
    users::display_name,
    comments::text,
);

/// A page of the remarks on a hazard that the caller sees.
///
/// # Errors
/// Whatever the engine says.
pub fn list<F>(conn: &mut Conn, hazard_id: Id, list: &List<F>) -> Result<Page<Comment>, Problem> {
    let query = comments::table
        .inner_join(users::table.on(users::id.eq(comments::created_by)))
        .filter(comments::hazard_id.eq(hazard_id))
        .select(COLUMNS)
        .into_boxed::<MultiBackend>();
    let rows: Vec<Comment> = keyset!(query, comments, list).load(conn)?;
    let counted = if list.count {
        Some(comments::table.filter(comments::hazard_id.eq(hazard_id)).count().get_result(conn)?)
    } else {
        None
    };
    Ok(list.page(rows, |row| (row.created_at, row.id))?.counted(counted))
}

/// The remarks on these hazards: hazard, remark, version.
///
/// # Errors
/// Whatever the engine says.
pub fn on(conn: &mut Conn, hazard_ids: &[Id]) -> Result<Vec<(Id, Id, i64)>, Problem> {
    let mut found = Vec::new();
    for some in hazard_ids.chunks(1000) {
        let rows: Vec<(Id, Id, i64)> = comments::table
            .filter(comments::hazard_id.eq_any(some.to_vec()))
            .order(comments::id)
            .select((comments::hazard_id, comments::id, comments::version))
            .load(conn)?;
        found.extend(rows);
    }
    Ok(found)
}

/// Remarks by their ids, whose hazards the caller is known to see.
///
/// # Errors
/// Whatever the engine says.
pub fn some(conn: &mut Conn, ids: &[Id]) -> Result<Vec<Comment>, Problem> {
    Ok(comments::table
        .inner_join(users::table.on(users::id.eq(comments::created_by)))
        .filter(comments::id.eq_any(ids.to_vec()))
        .select(COLUMNS)
        .load(conn)?)
}

/// A remark with the hash of the body it came in.
pub type Stored = (Comment, Option<Vec<u8>>);

/// A remark of this id, whoever wrote it.
///
/// # Errors
/// Whatever the engine says.
pub fn stored(conn: &mut Conn, id: Id) -> Result<Option<Stored>, Problem> {
    Ok(comments::table
        .inner_join(users::table.on(users::id.eq(comments::created_by)))
        .filter(comments::id.eq(id))
        .select((COLUMNS, comments::body_hash))
        .first(conn)
        .optional()?)
}

/// Writes a remark.
///
/// # Errors
/// Whatever the engine says.
pub fn add(
    tx: &mut Tx<'_>,
    row: &Row,
    id: Id,
    author: (Id, &str),
    text: &str,
    body_hash: &[u8],
) -> Result<(Comment, Receipt), Problem> {
    diesel::insert_into(comments::table)
        .values((
            comments::id.eq(id),
            comments::version.eq(1_i64),
            comments::created_at.eq(tx.now),
            comments::updated_at.eq(tx.now),
            comments::created_by.eq(author.0),
            comments::body_hash.eq(body_hash.to_vec()),
            comments::hazard_id.eq(row.id),
            comments::text.eq(text),
        ))
        .execute(tx.conn)?;
    let event = Event::of("hazard", row.id, "comment").at(row.bureau_id, row.org_id);
    let receipt = tx.record(event.with(json!({ "comment_id": id, "text": text })))?;
    let comment = Comment {
        id,
        version: 1,
        created_at: tx.now,
        updated_at: tx.now,
        hazard_id: row.id,
        author_id: author.0,
        author_name: author.1.to_owned(),
        text: text.to_owned(),
    };
    Ok((comment, receipt))
}
