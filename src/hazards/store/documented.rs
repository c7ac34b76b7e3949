//! Hazards as what a photo shows.

use diesel::prelude::*;

use super::row::Row;
use crate::access::Rights;
use crate::platform::db::Conn;
use crate::platform::db::schema::{hazard_progress_reports, hazards};
use crate::platform::db::types::{Doc, Id};
use crate::platform::error::Problem;

/// The hazard that a failed item of an inspection became, if the caller sees it.
///
/// # Errors
/// Whatever the engine says.
pub fn of_item(
    conn: &mut Conn,
    rights: &Rights,
    bureau_id: Id,
    inspection_id: Id,
    item_code: &str,
) -> Result<Option<Row>, Problem> {
    let Some(sight) = super::read::sight(rights) else { return Ok(None) };
    Ok(hazards::table
        .filter(hazards::bureau_id.eq(bureau_id))
        .filter(hazards::inspection_id.eq(inspection_id))
        .filter(hazards::item_code.eq(item_code))
        .filter(sight)
        .select(Row::as_select())
        .first(conn)
        .optional()?)
}

/// The claims of all progress reports of a hazard.
///
/// # Errors
/// Whatever the engine says.
pub fn progress_claims(conn: &mut Conn, hazard_id: Id) -> Result<Vec<Id>, Problem> {
    let rows: Vec<Doc> = hazard_progress_reports::table
        .filter(hazard_progress_reports::hazard_id.eq(hazard_id))
        .order(hazard_progress_reports::created_at)
        .select(hazard_progress_reports::evidence_ids)
        .load(conn)?;
    Ok(rows.iter().flat_map(|ids| ids.read::<Vec<Id>>()).collect())
}
