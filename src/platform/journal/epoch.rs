//! Epochs: a restore from a backup begins a new one. Positions of the journal and what phones have handed in since are
//! another history then, and everybody who follows must be able to tell.

use diesel::prelude::*;

use crate::platform::db::schema::journal_epochs;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Commit, Conn, Tx};
use crate::platform::error::Problem;

/// An epoch of this database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch {
    /// Counts restores, from 1.
    pub number: i32,
    /// What readers compare.
    pub id: Id,
}

fn last(conn: &mut Conn) -> Result<Option<Epoch>, Problem> {
    let row: Option<(i32, Id)> = journal_epochs::table
        .order(journal_epochs::number.desc())
        .select((journal_epochs::number, journal_epochs::id))
        .first(conn)
        .optional()?;
    Ok(row.map(|(number, id)| Epoch { number, id }))
}

/// The epoch in force.
///
/// # Errors
/// 500 where the database was never started; whatever the engine says.
pub fn current(conn: &mut Conn) -> Result<Epoch, Problem> {
    last(conn)?.ok_or_else(|| Problem::internal("a database without an epoch"))
}

/// The number under which events are written; 1 for a database that was never started.
///
/// # Errors
/// Whatever the engine says.
pub fn number(conn: &mut Conn) -> Result<i32, Problem> {
    Ok(last(conn)?.map_or(1, |epoch| epoch.number))
}

/// The first epoch of a new database; nothing where there is one.
///
/// # Errors
/// Whatever the engine says.
pub fn install(tx: &mut Tx<'_>) -> Result<Commit<()>, Problem> {
    if last(tx.conn)?.is_some() {
        return Ok(Commit::unchanged(()));
    }
    let (id, now) = (tx.new_id(), tx.now);
    begin(tx.conn, id, now, "installed")?;
    Ok(Commit::upkeep(()))
}

/// Begins the next epoch; `reason` is for operators.
///
/// # Errors
/// Whatever the engine says.
pub fn begin(conn: &mut Conn, id: Id, at: Timestamp, reason: &str) -> Result<Epoch, Problem> {
    let number = last(conn)?.map_or(1, |epoch| epoch.number + 1);
    diesel::insert_into(journal_epochs::table)
        .values((
            journal_epochs::number.eq(number),
            journal_epochs::id.eq(id),
            journal_epochs::started_at.eq(at),
            journal_epochs::reason.eq(reason),
        ))
        .execute(conn)?;
    Ok(Epoch { number, id })
}
