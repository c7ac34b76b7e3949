//! Photos that have come: what their arrival changes of rows that phones hold. The versions of these stay, since nobody has
//! answered anything else.

use std::collections::BTreeSet;

use diesel::prelude::*;

use crate::platform::db::Conn;
use crate::platform::db::schema::{answers, evidence};
use crate::platform::db::types::Id;
use crate::platform::error::Problem;

/// The inspections and the answers that say of these photos whether they are there.
///
/// # Errors
/// Whatever the engine says.
pub fn concerned(conn: &mut Conn, photos: &[Id]) -> Result<(Vec<Id>, Vec<Id>), Problem> {
    let of: Vec<(Option<Id>, Option<String>)> = evidence::table
        .filter(evidence::id.eq_any(photos.to_vec()))
        .select((evidence::inspection_id, evidence::item_code))
        .load(conn)?;
    let (mut visits, mut items) = (BTreeSet::new(), Vec::new());
    for (visit, code) in of.into_iter().filter_map(|(visit, code)| visit.zip(code)) {
        visits.insert(visit);
        let row: Option<Id> = answers::table
            .filter(answers::inspection_id.eq(visit))
            .filter(answers::item_code.eq(code))
            .select(answers::id)
            .first(conn)
            .optional()?;
        items.extend(row);
    }
    Ok((visits.into_iter().collect(), items))
}
