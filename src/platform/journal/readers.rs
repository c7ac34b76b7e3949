//! What readers of the journal have been shown. A reader asks with a mark and gets the next one; what it holds at a mark
//! is what was given at or before it and not taken back. The same mark may be asked again: an answer that was lost cost
//! nothing, since what it gave counts from its own mark on.
//!
//! The state of a mark is kept here and not in the reader's cursor, so that a cursor tells nothing, not even by changing:
//! reading past events that the reader never hears of moves the state alone.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::on_conn;
use crate::platform::db::schema::{reader_holdings, reader_marks, reader_views};
use crate::platform::db::types::{Doc, Id, sql};
use crate::platform::db::{Commit, Conn, Tx};
use crate::platform::error::Problem;

/// Readers that one person may have; the oldest is forgotten and begins anew.
const VIEWS: i64 = 12;
/// Marks that may be asked again.
const MARKS: i64 = 50;
/// Rows of one statement: both engines bind some thousands of values.
const ROWS: usize = 1000;

/// A reader.
#[derive(Debug, Clone, Copy, Queryable)]
pub struct View {
    /// Of the reader.
    pub id: Id,
    /// Whose.
    pub user_id: Id,
    /// Read in this epoch.
    pub epoch_id: Id,
}

/// A record given to a reader, or taken back from it.
pub type Held = (String, Id, i64);

/// What an answer changes.
#[derive(Debug, Clone)]
pub struct Step {
    /// Whose.
    pub user_id: Id,
    /// In this epoch.
    pub epoch_id: Id,
    /// The reader and the mark it asked with; none for one that begins.
    pub from: Option<(Id, i64)>,
    /// Where it stands afterwards.
    pub state: Doc,
    /// Collection, record, version.
    pub given: Vec<Held>,
    /// Collection and record.
    pub taken: Vec<(String, Id)>,
}

/// A reader with the state of one of its marks.
///
/// # Errors
/// 404 where there is none such.
pub fn state(conn: &mut Conn, view: Id, mark: i64) -> Result<(View, Doc), Problem> {
    let found: View = reader_views::table
        .find(view)
        .select((reader_views::id, reader_views::user_id, reader_views::epoch_id))
        .first(conn)?;
    let state: Doc = reader_marks::table.find((view, mark)).select(reader_marks::state).first(conn)?;
    Ok((found, state))
}

/// Which of these records a reader holds at a mark; with the version it was told, where that was not later.
///
/// # Errors
/// Whatever the engine says.
pub fn held(
    conn: &mut Conn,
    view: Id,
    mark: i64,
    collection: &str,
    ids: &[Id],
) -> Result<HashMap<Id, Option<i64>>, Problem> {
    let mut found = HashMap::new();
    for some in ids.chunks(ROWS) {
        let rows: Vec<(Id, i64, i64)> = reader_holdings::table
            .filter(reader_holdings::view_id.eq(view))
            .filter(reader_holdings::collection.eq(collection))
            .filter(reader_holdings::record_id.eq_any(some.to_vec()))
            .filter(reader_holdings::given.le(mark))
            .filter(reader_holdings::taken.is_null().or(reader_holdings::taken.gt(mark)))
            .select((reader_holdings::record_id, reader_holdings::version, reader_holdings::told))
            .load(conn)?;
        found.extend(rows.into_iter().map(|(id, version, told)| (id, (told <= mark).then_some(version))));
    }
    Ok(found)
}

/// All records of a collection that a reader holds at a mark.
///
/// # Errors
/// Whatever the engine says.
pub fn all_held(conn: &mut Conn, view: Id, mark: i64, collection: &str) -> Result<Vec<Id>, Problem> {
    Ok(reader_holdings::table
        .filter(reader_holdings::view_id.eq(view))
        .filter(reader_holdings::collection.eq(collection))
        .filter(reader_holdings::given.le(mark))
        .filter(reader_holdings::taken.is_null().or(reader_holdings::taken.gt(mark)))
        .order(reader_holdings::record_id)
        .select(reader_holdings::record_id)
        .load(conn)?)
}

/// Keeps what an answer gave and took, under a mark of its own.
///
/// # Errors
/// Whatever the engine says.
pub fn advance(tx: &mut Tx<'_>, step: &Step) -> Result<Commit<(Id, i64)>, Problem> {
    let (view, mark) = match step.from {
        Some((view, _)) => (view, next_mark(tx, view)?),
        None => (begin(tx, step)?, 1),
    };
    diesel::insert_into(reader_marks::table)
        .values((reader_marks::view_id.eq(view), reader_marks::mark.eq(mark), reader_marks::state.eq(&step.state)))
        .execute(tx.conn)?;
    diesel::delete(
        reader_marks::table.filter(reader_marks::view_id.eq(view)).filter(reader_marks::mark.le(mark - MARKS)),
    )
    .execute(tx.conn)?;
    let asked = step.from.map_or(0, |(_, mark)| mark);
    for some in step.given.chunks(ROWS) {
        give(tx.conn, view, (asked, mark), some)?;
    }
    let mut taken: BTreeMap<&str, Vec<Id>> = BTreeMap::new();
    for (collection, id) in &step.taken {
        taken.entry(collection).or_default().push(*id);
    }
    for (collection, ids) in taken {
        for some in ids.chunks(ROWS) {
            take(tx.conn, view, mark, collection, some)?;
        }
    }
    Ok(Commit::upkeep((view, mark)))
}

/// Moves the state of a mark past what its reader never hears of.
///
/// # Errors
/// Whatever the engine says.
pub fn skip(tx: &mut Tx<'_>, view: Id, mark: i64, state: &Doc) -> Result<Commit<()>, Problem> {
    diesel::update(reader_marks::table.find((view, mark))).set(reader_marks::state.eq(state)).execute(tx.conn)?;
    Ok(Commit::upkeep(()))
}

fn begin(tx: &mut Tx<'_>, step: &Step) -> Result<Id, Problem> {
    let old: Vec<Id> = reader_views::table
        .filter(reader_views::user_id.eq(step.user_id))
        .order((reader_views::created_at.desc(), reader_views::id.desc()))
        .offset(VIEWS - 1)
        .limit(VIEWS)
        .select(reader_views::id)
        .load(tx.conn)?;
    diesel::delete(reader_views::table.filter(reader_views::id.eq_any(old))).execute(tx.conn)?;
    let id = tx.new_id();
    diesel::insert_into(reader_views::table)
        .values((
            reader_views::id.eq(id),
            reader_views::user_id.eq(step.user_id),
            reader_views::epoch_id.eq(step.epoch_id),
            reader_views::created_at.eq(tx.now),
            reader_views::last_mark.eq(1_i64),
        ))
        .execute(tx.conn)?;
    Ok(id)
}

/// Two answers to the same question have two marks; the row of the reader is locked by the update.
fn next_mark(tx: &mut Tx<'_>, view: Id) -> Result<i64, Problem> {
    Ok(on_conn!(&mut *tx.conn, conn => diesel::update(reader_views::table.find(view))
        .set(reader_views::last_mark.eq(reader_views::last_mark + 1))
        .returning(reader_views::last_mark)
        .get_result(conn)?))
}

fn take(conn: &mut Conn, view: Id, mark: i64, collection: &str, ids: &[Id]) -> Result<(), Problem> {
    let rows = reader_holdings::table
        .filter(reader_holdings::view_id.eq(view))
        .filter(reader_holdings::collection.eq(collection))
        .filter(reader_holdings::record_id.eq_any(ids.to_vec()))
        .filter(reader_holdings::taken.is_null().or(reader_holdings::taken.gt(mark)));
    diesel::update(rows).set(reader_holdings::taken.eq(mark)).execute(conn)?;
    Ok(())
}

/// One statement, however many the rows. A record that was held at the mark asked with stays given as it was; any other
/// counts from the new mark on, or from that of another answer to the same question which gave it already: the reader may
/// go on from either.
#[expect(clippy::disallowed_methods, reason = "many rows with a conflict, which Diesel does not say on SQLite")]
fn give(conn: &mut Conn, view: Id, (asked, mark): (i64, i64), rows: &[Held]) -> Result<(), Problem> {
    let rows: Vec<(&str, String, i64)> = rows
        .iter()
        .map(|(collection, id, version)| (collection.as_str(), id.0.simple().to_string(), *version))
        .collect();
    let rows = serde_json::to_string(&rows).map_err(Problem::internal)?;
    diesel::sql_query(if conn.is_sqlite() { GIVE_SQLITE } else { GIVE_POSTGRES })
        .bind::<sql::Id, _>(view)
        .bind::<BigInt, _>(mark)
        .bind::<Text, _>(rows)
        .bind::<BigInt, _>(asked)
        .execute(conn)?;
    Ok(())
}

macro_rules! give {
    ($columns:literal, $rows:literal) => {
        concat!(
            "INSERT INTO reader_holdings (view_id, collection, record_id, version, told, given) SELECT $1, ",
            $columns,
            ", $2, $2 FROM ",
            $rows,
            " WHERE true ON CONFLICT (view_id, collection, record_id) DO UPDATE SET version = excluded.version, \
             told = excluded.told, taken = NULL, given = CASE WHEN reader_holdings.taken IS NULL OR \
             (reader_holdings.given <= $4 AND reader_holdings.taken > $4) THEN reader_holdings.given \
             ELSE excluded.given END"
        )
    };
}

const GIVE_SQLITE: &str = give!("value ->> 0, unhex(value ->> 1), value ->> 2", "json_each($3)");
const GIVE_POSTGRES: &str = give!(
    "value ->> 0, (value ->> 1)::uuid, (value ->> 2)::bigint",
    "jsonb_array_elements($3::jsonb) AS given (value)"
);
