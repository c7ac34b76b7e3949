//! The content of a checklist in the database.

use diesel::prelude::*;

use crate::catalogue::rules::{Content, Item, category_of};
use crate::on_conn;
use crate::platform::db::Conn;
use crate::platform::db::schema::{checklist_items, checklists};
use crate::platform::db::types::{Doc, Id};
use crate::platform::error::Problem;

#[derive(Insertable)]
#[diesel(table_name = checklist_items)]
pub(super) struct ItemRow {
    checklist_id: Id,
    position: i32,
    code: String,
    category: String,
    domain: String,
    item: Doc,
}

/// The rows of a checklist's items. An item whose category comes from the checklist alone is written with it, so that
/// what is read back says the same.
pub(super) fn item_rows(checklist_id: Id, items: &[Item], category: Option<&str>) -> Vec<ItemRow> {
    let rows = items.iter().enumerate().map(|(place, item)| {
        let counts_for = category_of(item, category).unwrap_or_default().to_owned();
        let mut item = item.clone();
        if category_of(&item, None) != Some(counts_for.as_str()) {
            item.category = Some(counts_for.clone());
        }
        ItemRow {
            checklist_id,
            position: i32::try_from(place).unwrap_or(i32::MAX),
            code: item.code.clone(),
            category: counts_for,
            domain: item.domain.clone(),
            item: Doc::of(&item),
        }
    });
    rows.collect()
}

/// Puts the content of a checklist in the place of what it had.
///
/// # Errors
/// Whatever the engine says.
pub(super) fn put(conn: &mut Conn, id: Id, content: &Content, category: Option<&str>) -> Result<(), Problem> {
    diesel::update(checklists::table.find(id))
        .set((
            checklists::sections.eq(Doc::of(&content.sections)),
            checklists::scoring.eq(content.scoring.as_ref().map(Doc::of)),
        ))
        .execute(conn)?;
    diesel::delete(checklist_items::table.filter(checklist_items::checklist_id.eq(id))).execute(conn)?;
    // At most a hundred rows a statement: engines limit the number of parameters.
    for rows in item_rows(id, &content.items, category).chunks(100) {
        on_conn!(&mut *conn, c => diesel::insert_into(checklist_items::table).values(rows).execute(c)?);
    }
    Ok(())
}
