//! Readings of the journal: the history of one record, and everything in commit order.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::Stream;
use crate::platform::db::Conn;
use crate::platform::db::schema::{events, users};
use crate::platform::db::types::{Id, Timestamp, sql};
use crate::platform::error::Problem;

/// One entry of a record's history.
#[derive(Debug, Serialize, ToSchema)]
pub struct Entry {
    /// What happened.
    pub action: String,
    /// When, by the server.
    pub at: Timestamp,
    /// Who; nobody for the server itself.
    pub actor: Option<Id>,
    /// The person's name as it is now.
    pub actor_name: Option<String>,
    /// The facts as they were written.
    #[schema(value_type = Object)]
    pub payload: Box<RawValue>,
}

/// The history of one record, oldest first, current to the last write.
///
/// # Errors
/// Whatever the engine says.
pub fn history(conn: &mut Conn, entity: &str, entity_id: Id) -> Result<Vec<Entry>, Problem> {
    history_in(conn, entity, entity_id, Stream::ALL)
}

/// The part of a record's history that is in these streams, oldest first.
///
/// # Errors
/// Whatever the engine says.
pub fn history_in(conn: &mut Conn, entity: &str, entity_id: Id, streams: &[Stream]) -> Result<Vec<Entry>, Problem> {
    type Row = (String, Timestamp, Option<Id>, Option<String>, String);
    let rows: Vec<Row> = events::table
        .left_join(users::table.on(events::actor.eq(users::id.nullable())))
        .filter(events::entity_id.eq(entity_id))
        // Clients choose ids: somebody may give a record of one noun the id of another, and must not read its history.
        .filter(events::entity.eq(entity))
        .filter(events::stream.eq_any(streams.to_vec()))
        .order(events::seq)
        .select((events::action, events::at, events::actor, users::display_name.nullable(), events::payload))
        .load(conn)?;
    rows.into_iter()
        .map(|(action, at, actor, actor_name, payload)| {
            let payload = RawValue::from_string(payload).map_err(Problem::internal)?;
            Ok(Entry { action, at, actor, actor_name, payload })
        })
        .collect()
}

/// A place in the journal: everything up to it has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, serde::Deserialize)]
pub struct Position {
    /// Counts restores.
    pub epoch: i32,
    /// The transaction; 0 on SQLite.
    pub tx: i64,
    /// The row.
    pub seq: i64,
}

/// An event as feeds get it.
#[derive(Debug, QueryableByName)]
pub struct FeedRow {
    #[diesel(sql_type = Integer)]
    epoch: i32,
    #[diesel(sql_type = BigInt)]
    tx: i64,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    /// The noun.
    #[diesel(sql_type = Text)]
    pub entity: String,
    /// Which record.
    #[diesel(sql_type = sql::Id)]
    pub entity_id: Id,
    /// What happened.
    #[diesel(sql_type = Text)]
    pub action: String,
    /// Who may ever learn of it. A reader for a school passes on [`Stream::Open`] alone, and counts only what it passes
    /// on: the numbers of the journal itself would tell by their gaps.
    #[diesel(sql_type = Text)]
    pub stream: Stream,
}

impl FeedRow {
    /// The place behind this row.
    #[must_use]
    pub const fn position(&self) -> Position {
        Position { epoch: self.epoch, tx: self.tx, seq: self.seq }
    }
}

/// The place behind everything that a reader would be served now.
///
/// # Errors
/// Whatever the engine says.
#[expect(clippy::disallowed_methods, reason = "snapshots of transactions are PostgreSQL's own; the text is fixed")]
pub fn head(conn: &mut Conn) -> Result<Position, Problem> {
    let text = if conn.is_sqlite() {
        "SELECT epoch, tx, seq, entity, entity_id, action, stream FROM events \
         ORDER BY epoch DESC, tx DESC, seq DESC LIMIT 1"
    } else {
        "SELECT epoch, tx, seq, entity, entity_id, action, stream FROM events \
         WHERE tx < (SELECT coalesce(min(x.id::text::bigint), pg_snapshot_xmax(pg_current_snapshot())::text::bigint) \
           FROM pg_snapshot_xip(pg_current_snapshot()) AS x(id) WHERE NOT EXISTS (SELECT 1 FROM pg_stat_activity AS a \
           WHERE a.backend_xid = x.id::xid \
           AND a.datid <> (SELECT oid FROM pg_database WHERE datname = current_database()))) \
         ORDER BY epoch DESC, tx DESC, seq DESC LIMIT 1"
    };
    let last: Option<FeedRow> = diesel::sql_query(text).get_result(conn).optional()?;
    Ok(last.map_or_else(Position::default, |row| row.position()))
}

/// Whether there are events behind `place`, those included that no reader is served yet.
///
/// # Errors
/// Whatever the engine says.
#[expect(clippy::disallowed_methods, reason = "a comparison of rows, which Diesel does not say; the text is fixed")]
pub fn is_behind(conn: &mut Conn, place: Position) -> Result<bool, Problem> {
    let text = "SELECT epoch, tx, seq, entity, entity_id, action, stream FROM events \
         WHERE (epoch, tx, seq) > ($1, $2, $3) LIMIT 1";
    let found: Option<FeedRow> = diesel::sql_query(text)
        .bind::<Integer, _>(place.epoch)
        .bind::<BigInt, _>(place.tx)
        .bind::<BigInt, _>(place.seq)
        .get_result(conn)
        .optional()?;
    Ok(found.is_some())
}

/// At most `limit` events after `after`, in commit order. No event is ever skipped, however late it commits: on
/// PostgreSQL only those are served whose transaction is older than every one still running. A transaction that is known
/// to run in another database of the cluster does not write here and is not waited for.
///
/// # Errors
/// Whatever the engine says.
#[expect(clippy::disallowed_methods, reason = "snapshots of transactions are PostgreSQL's own; the text is fixed")]
pub fn feed(conn: &mut Conn, after: Position, limit: i64) -> Result<Vec<FeedRow>, Problem> {
    let text = if conn.is_sqlite() {
        "SELECT epoch, tx, seq, entity, entity_id, action, stream FROM events \
         WHERE (epoch, tx, seq) > ($1, $2, $3) ORDER BY epoch, tx, seq LIMIT $4"
    } else {
        "SELECT epoch, tx, seq, entity, entity_id, action, stream FROM events \
         WHERE (epoch, tx, seq) > ($1, $2, $3) AND \
         tx < (SELECT coalesce(min(x.id::text::bigint), pg_snapshot_xmax(pg_current_snapshot())::text::bigint) \
           FROM pg_snapshot_xip(pg_current_snapshot()) AS x(id) WHERE NOT EXISTS (SELECT 1 FROM pg_stat_activity AS a \
           WHERE a.backend_xid = x.id::xid \
           AND a.datid <> (SELECT oid FROM pg_database WHERE datname = current_database()))) \
         ORDER BY epoch, tx, seq LIMIT $4"
    };
    Ok(diesel::sql_query(text)
        .bind::<Integer, _>(after.epoch)
        .bind::<BigInt, _>(after.tx)
        .bind::<BigInt, _>(after.seq)
        .bind::<BigInt, _>(limit)
        .load(conn)?)
}
