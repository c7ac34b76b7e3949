//! With what a bureau's document numbers begin (机关代字).

use diesel::prelude::*;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::documents::number::DEFAULT_CODE;
use crate::platform::db::schema::{document_codes, orgs};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::Problem;
use crate::platform::http::Record;
use crate::platform::journal::Event;

/// The code of a bureau.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DocumentCode {
    /// The bureau.
    pub bureau_id: Id,
    /// Counts the changes; 0 while nobody has chosen one.
    pub version: i64,
    /// When one was first chosen.
    #[schema(required)]
    pub created_at: Option<Timestamp>,
    /// When it was last chosen.
    #[schema(required)]
    pub updated_at: Option<Timestamp>,
    /// 机关代字
    #[schema(example = "某教安")]
    pub code: String,
}

impl Record for DocumentCode {
    fn version(&self) -> i64 {
        self.version
    }
}

/// The code of a bureau.
///
/// # Errors
/// Whatever the engine says.
pub fn code(conn: &mut Conn, bureau_id: Id) -> Result<DocumentCode, Problem> {
    use document_codes as c;
    let found: Option<(i64, Timestamp, Timestamp, String)> =
        c::table.find(bureau_id).select((c::version, c::created_at, c::updated_at, c::code)).first(conn).optional()?;
    let none =
        DocumentCode { bureau_id, version: 0, created_at: None, updated_at: None, code: DEFAULT_CODE.to_owned() };
    Ok(found.map_or(none, |(version, created, updated, code)| DocumentCode {
        bureau_id,
        version,
        created_at: Some(created),
        updated_at: Some(updated),
        code,
    }))
}

/// The code alone, for whoever makes a number.
///
/// # Errors
/// Whatever the engine says.
pub fn text(conn: &mut Conn, bureau_id: Id) -> Result<String, Problem> {
    code(conn, bureau_id).map(|code| code.code)
}

/// Chooses the code of a bureau. Numbers given before keep theirs, and the series go on.
///
/// # Errors
/// Whatever the engine says.
pub fn put_code(tx: &mut Tx<'_>, bureau_id: Id, chosen: &str) -> Result<(DocumentCode, Receipt), Problem> {
    use document_codes as c;
    if let Conn::Postgres(postgres) = &mut *tx.conn {
        // Two that choose go one after the other: the second finds the row of the first.
        let held = orgs::table.find(bureau_id).select(orgs::id).for_no_key_update();
        let _: Option<Id> = held.first(postgres).optional()?;
    }
    let before = code(tx.conn, bureau_id)?;
    let set = (c::version.eq(before.version + 1), c::updated_at.eq(tx.now), c::code.eq(chosen));
    if before.version == 0 {
        let new = (c::bureau_id.eq(bureau_id), c::created_at.eq(tx.now), set);
        diesel::insert_into(c::table).values(new).execute(tx.conn)?;
    } else {
        diesel::update(c::table.find(bureau_id)).set(set).execute(tx.conn)?;
    }
    let event = Event::of("document_code", bureau_id, "put").at(bureau_id, bureau_id);
    let receipt = tx.record(event.with(json!({ "set": { "code": chosen } })))?;
    Ok((code(tx.conn, bureau_id)?, receipt))
}
