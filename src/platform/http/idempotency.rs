//! `Idempotency-Key`: the answer of a POST, kept with its effect in one transaction, and given again.

use std::sync::Arc;

use chrono::TimeDelta;
use diesel::prelude::*;

use super::reply::Reply;
use crate::platform::db::schema::idempotency_keys;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Commit, Tx};
use crate::platform::error::{Code, Problem};

/// How long an answer is kept.
pub const KEPT: TimeDelta = TimeDelta::days(30);

/// Which request a key stands for.
#[derive(Debug, Clone)]
pub struct RepeatKey {
    /// Whose.
    pub user_id: Id,
    /// The effective method.
    pub method: String,
    /// The path as asked for.
    pub path: String,
    /// The header.
    pub key: String,
    /// Hash of the body.
    pub body_hash: Arc<[u8]>,
}

/// An answer given before.
#[derive(Debug, Clone)]
pub struct Stored(Reply);

/// Runs `f` once for a key. `f` must call [`Tx::replay`] after it has checked that the caller still sees the record,
/// and end with what that gives.
///
/// # Errors
/// 422 where the key was used with another body; whatever `f` says.
pub fn once(
    tx: &mut Tx<'_>,
    mut f: impl FnMut(&mut Tx<'_>) -> Result<Commit<Reply>, Problem>,
) -> Result<Commit<Reply>, Problem> {
    let Some(key) = tx.work.repeat.clone() else {
        return f(tx);
    };
    let before: Option<(Vec<u8>, String, Timestamp)> = idempotency_keys::table
        .find((key.user_id, &key.method, &key.path, &key.key))
        .select((idempotency_keys::body_hash, idempotency_keys::reply, idempotency_keys::created_at))
        .first(tx.conn)
        .optional()?;
    if let Some((hash, reply, at)) = before {
        if tx.now - at <= KEPT {
            if hash.as_slice() != &*key.body_hash {
                return Err(Problem::new(Code::IdempotencyKeyReused));
            }
            let reply: Reply = serde_json::from_str(&reply).map_err(Problem::internal)?;
            tx.stored = Some(Stored(reply));
            let ending = f(tx)?;
            return if tx.stored.is_none() {
                Ok(ending)
            } else {
                Err(Problem::internal("a repeated request was not recognised by its handler"))
            };
        }
        diesel::delete(idempotency_keys::table.find((key.user_id, &key.method, &key.path, &key.key)))
            .execute(tx.conn)?;
    }
    let ending = match f(tx) {
        Ok(ending) => ending,
        Err(problem) if !problem.retry && !problem.fatal && answered_meanwhile(tx, &key) => {
            return Err(Problem { retry: true, ..Problem::new(Code::IdempotencyInProgress) });
        }
        Err(problem) => return Err(problem),
    };
    if let Some(reply) = ending.recorded() {
        let kept = serde_json::to_string(reply).map_err(Problem::internal)?;
        diesel::insert_into(idempotency_keys::table)
            .values((
                idempotency_keys::user_id.eq(key.user_id),
                idempotency_keys::method.eq(&key.method),
                idempotency_keys::path.eq(&key.path),
                idempotency_keys::key.eq(&key.key),
                idempotency_keys::body_hash.eq(key.body_hash.to_vec()),
                idempotency_keys::status.eq(i32::from(reply.status())),
                idempotency_keys::reply.eq(kept),
                idempotency_keys::created_at.eq(tx.now),
            ))
            .execute(tx.conn)?;
    }
    Ok(ending)
}

/// Whether the same request was answered on another lane while this one waited for a row: the refusal then judged a
/// state that its own twin had made. Run again, it finds the answer. SQLite has one lane.
fn answered_meanwhile(tx: &mut Tx<'_>, key: &RepeatKey) -> bool {
    let known = idempotency_keys::table.find((key.user_id, &key.method, &key.path, &key.key));
    // A transaction that an error has ended answers nothing; then the first problem stands.
    !tx.conn.is_sqlite()
        && known.select(idempotency_keys::created_at).first::<Timestamp>(tx.conn).optional().ok().flatten().is_some()
}

impl Tx<'_> {
    /// The answer given before for this `Idempotency-Key`. Call it once rights and sight are checked and before the
    /// state is judged: `if let Some(again) = tx.replay() { return Ok(again); }`
    pub fn replay(&mut self) -> Option<Commit<Reply>> {
        self.stored.take().map(|stored| Commit::unchanged(stored.0.replayed()))
    }
}
