//! The built-in checklists as rows that every bureau shares.

use diesel::prelude::*;
use serde_json::json;

use super::content::item_rows;
use crate::catalogue::builtin;
use crate::catalogue::rules::ChecklistStatus;
use crate::on_conn;
use crate::platform::db::schema::{checklist_items, checklists};
use crate::platform::db::types::Id;
use crate::platform::db::{Commit, Tx};
use crate::platform::error::Problem;
use crate::platform::journal::{Event, Stream};

/// Installs what ships with this version and is not there yet; answers how many checklists were new. Their ids follow
/// from their codes, so running it again, or on two nodes at once, changes nothing.
///
/// # Errors
/// Whatever the engine says.
pub fn install(tx: &mut Tx<'_>) -> Result<Commit<usize>, Problem> {
    let there: Vec<Id> =
        checklists::table.filter(checklists::bureau_id.is_null()).select(checklists::id).load(tx.conn)?;
    let mut last = None;
    let mut new = 0;
    for category in &builtin::catalogue().categories {
        let id = Id(builtin::checklist_id(&category.code, 1));
        if there.contains(&id) {
            continue;
        }
        diesel::insert_into(checklists::table)
            .values((
                checklists::id.eq(id),
                checklists::version.eq(1_i64),
                checklists::created_at.eq(tx.now),
                checklists::updated_at.eq(tx.now),
                checklists::lineage_id.eq(Id(builtin::checklist_lineage_id(&category.code))),
                checklists::revision.eq(1),
                checklists::title.eq(&category.name_zh),
                checklists::status.eq(ChecklistStatus::Published),
                checklists::published_at.eq(tx.now),
            ))
            .execute(tx.conn)?;
        let rows = item_rows(id, &category.items, Some(&category.code));
        on_conn!(&mut *tx.conn, conn => diesel::insert_into(checklist_items::table).values(&rows).execute(conn)?);
        let event = Event::of("checklist", id, "installed")
            .stream(Stream::Open)
            .with(json!({"code": category.code, "edition": builtin::catalogue().version}));
        last = Some(tx.record(event)?);
        new += 1;
    }
    Ok(match last {
        Some(receipt) => receipt.with(new),
        None => Commit::unchanged(0),
    })
}
