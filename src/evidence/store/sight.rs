//! Who sees a piece of evidence, and who may add to its record. It goes with the record it belongs to: a photo of an item
//! is seen by whoever sees the answer, or the hazard that it became.

use diesel::prelude::*;

use super::row::Row;
use crate::access::{Permission, Rights};
use crate::evidence::body::Aim;
use crate::hazards::store::{Powers, documented, read};
use crate::inspections;
use crate::platform::db::Conn;
use crate::platform::db::schema::{answers, evidence};
use crate::platform::db::types::Id;
use crate::platform::error::{Code, Problem};

/// Whoever asks.
pub(super) fn stored(conn: &mut Conn, id: Id) -> Result<Option<Row>, Problem> {
    Ok(evidence::table.find(id).select(Row::as_select()).first(conn).optional()?)
}

/// The evidence, if the caller may see it.
///
/// # Errors
/// 404 where it is absent or out of sight.
pub fn seen(conn: &mut Conn, rights: &Rights, id: Id) -> Result<Row, Problem> {
    let row = stored(conn, id)?.ok_or_else(Problem::not_found)?;
    let visible = match row.aim() {
        Some(Aim::Item(inspection, code)) => {
            answer_in_sight(conn, rights, inspection, code)?
                || documented::of_item(conn, rights, row.bureau_id, inspection, code)?.is_some()
        }
        Some(Aim::Hazard(hazard, ..)) => {
            read::one(conn, rights, hazard).map(drop).map_or_else(absent, |()| Ok(true))?
        }
        None => false,
    };
    if visible { Ok(row) } else { Err(Problem::not_found()) }
}

/// A 404 is a no, all else stays what it is.
fn absent(problem: Problem) -> Result<bool, Problem> {
    if problem.code == Code::NotFound { Ok(false) } else { Err(problem) }
}

fn answer_in_sight(conn: &mut Conn, rights: &Rights, inspection: Id, code: &str) -> Result<bool, Problem> {
    let sight = inspections::store::answers_in(conn, &rights.of(Permission::InspectionRead))?;
    let found: Option<Id> = answers::table
        .filter(answers::inspection_id.eq(inspection))
        .filter(answers::item_code.eq(code))
        .filter(sight)
        .select(answers::id)
        .first(conn)
        .optional()?;
    Ok(found.is_some())
}

/// The same, held against other writers until the end of the transaction. What it belongs to is locked first, in the
/// order in which answers and transitions lock.
///
/// # Errors
/// As [`seen`].
pub fn seen_to_change(conn: &mut Conn, rights: &Rights, id: Id) -> Result<Row, Problem> {
    let row = seen(conn, rights, id)?;
    if let Conn::Postgres(postgres) = conn {
        use crate::platform::db::schema::{hazards, inspections};
        match row.aim() {
            Some(Aim::Item(inspection, _)) => {
                inspections::table.find(inspection).select(inspections::id).for_update().first::<Id>(postgres)?;
            }
            Some(Aim::Hazard(hazard, ..)) => {
                hazards::table.find(hazard).select(hazards::id).for_update().first::<Id>(postgres)?;
            }
            None => {}
        }
        evidence::table.find(id).select(evidence::id).for_update().first::<Id>(postgres)?;
    }
    stored(conn, id)?.ok_or_else(Problem::not_found)
}

/// Whether the caller may hand in the content of what is in sight: who declared it, and who may declare for the same.
///
/// # Errors
/// 403 where not.
pub fn may_write(conn: &mut Conn, rights: &Rights, row: &Row) -> Result<(), Problem> {
    let may = row.created_by == rights.user_id()
        || match row.aim() {
            Some(Aim::Item(inspection, _)) => match inspections::store::seen(conn, rights, inspection) {
                Ok(visit) => inspections::store::actor(conn, rights, &visit)?.on_team,
                Err(problem) => absent(problem)?,
            },
            Some(Aim::Hazard(hazard, ..)) => {
                let hazard = read::one(conn, rights, hazard)?;
                Powers::over(conn, rights, [&hazard])?.may_document(&hazard)
            }
            None => false,
        };
    if may { Ok(()) } else { Err(Problem::new(Code::Forbidden)) }
}
