//! How far each upload is. An upload is a means of transport: the journal hears of the file once it is whole.

use diesel::prelude::*;

use super::Limits;
use crate::platform::db::schema::{orgs, uploads};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Commit, Conn, Tx};
use crate::platform::error::{Code, Problem};

/// An upload.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = uploads)]
pub struct Upload {
    /// Its own.
    pub id: Id,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When something of it came last.
    pub updated_at: Timestamp,
    /// Until when more is awaited.
    pub expires_at: Timestamp,
    /// What it is the content of.
    pub evidence_id: Id,
    /// Whose.
    pub user_id: Id,
    /// On which bureau's account.
    pub bureau_id: Id,
    /// How long it will be.
    pub length: i64,
    /// How much of it is durable.
    pub received: i64,
    /// The whole has been handed over.
    pub done: bool,
    /// What the client said of it.
    pub metadata: String,
}

impl Upload {
    /// How much of it is durable.
    #[must_use]
    pub fn at(&self) -> u64 {
        u64::try_from(self.received).unwrap_or(0)
    }

    /// How long it will be.
    #[must_use]
    pub fn end(&self) -> u64 {
        u64::try_from(self.length).unwrap_or(0)
    }

    /// The answer to a piece for another place.
    #[must_use]
    pub fn elsewhere(&self) -> Problem {
        Problem::new(Code::OffsetConflict).current(serde_json::json!({"offset": self.received, "length": self.length}))
    }

    /// Every byte is here, and nothing has come of it yet.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.received == self.length && !self.done
    }
}

/// What an upload is begun with.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What it is the content of.
    pub evidence_id: Id,
    /// Whose.
    pub user_id: Id,
    /// On which bureau's account.
    pub bureau_id: Id,
    /// How long it will be.
    pub length: i64,
    /// What the client said of it.
    pub metadata: String,
}

/// A person's upload; nobody else's is found.
///
/// # Errors
/// 404; 410 for one that has expired.
pub fn find(conn: &mut Conn, id: Id, user: Id, now: Timestamp) -> Result<Upload, Problem> {
    let found = uploads::table.find(id).filter(uploads::user_id.eq(user)).select(Upload::as_select());
    let upload = found.first(conn).optional()?.ok_or_else(Problem::not_found)?;
    if upload.expires_at <= now { Err(Problem::new(Code::UploadGone)) } else { Ok(upload) }
}

/// Begins an upload. One that was begun for the same by the same person takes its place: the same where nothing of it had
/// come, else a new one, and the id of the old is returned beside it.
///
/// # Errors
/// 429 when too much is under way.
pub fn begin(tx: &mut Tx<'_>, plan: &Plan, limits: &Limits) -> Result<Commit<(Upload, Option<Id>)>, Problem> {
    // Counting and adding must be one: others of the same bureau wait here.
    if let Conn::Postgres(postgres) = &mut *tx.conn {
        orgs::table.find(plan.bureau_id).select(orgs::id).for_no_key_update().first::<Id>(postgres)?;
    }
    let expires_at = tx.now + limits.keep;
    let earlier = uploads::table
        .filter(uploads::user_id.eq(plan.user_id))
        .filter(uploads::evidence_id.eq(plan.evidence_id))
        .select(Upload::as_select())
        .first(tx.conn)
        .optional()?;
    if let Some(earlier) = &earlier {
        if earlier.received == 0 && earlier.length == plan.length && earlier.expires_at > tx.now {
            let row = uploads::table.find(earlier.id);
            let again = (uploads::expires_at.eq(expires_at), uploads::metadata.eq(&plan.metadata));
            diesel::update(row).set(again).execute(tx.conn)?;
            let again = Upload { expires_at, metadata: plan.metadata.clone(), ..earlier.clone() };
            return Ok(Commit::upkeep((again, None)));
        }
        diesel::delete(uploads::table.find(earlier.id)).execute(tx.conn)?;
    }
    room(tx, plan, limits)?;
    let upload = Upload {
        id: tx.ids.hidden(),
        created_at: tx.now,
        updated_at: tx.now,
        expires_at,
        evidence_id: plan.evidence_id,
        user_id: plan.user_id,
        bureau_id: plan.bureau_id,
        length: plan.length,
        received: 0,
        done: false,
        metadata: plan.metadata.clone(),
    };
    diesel::insert_into(uploads::table).values(&upload).execute(tx.conn)?;
    Ok(Commit::upkeep((upload, earlier.map(|earlier| earlier.id))))
}

/// Whether one more may be under way. Uploads that have expired count no more.
fn room(tx: &mut Tx<'_>, plan: &Plan, limits: &Limits) -> Result<(), Problem> {
    let open = uploads::done.eq(false).and(uploads::expires_at.gt(tx.now));
    let own = uploads::table.filter(uploads::user_id.eq(plan.user_id)).filter(open).count();
    if own.get_result::<i64>(tx.conn)? >= i64::from(limits.per_user) {
        let most = limits.per_user;
        return Err(busy(&format!("您有 {most} 个未完成的上传"), &format!("you have {most} uploads under way")));
    }
    let bureau = uploads::table.filter(uploads::bureau_id.eq(plan.bureau_id)).filter(open);
    let lengths: Vec<i64> = bureau.select(uploads::length).load(tx.conn)?;
    let all = lengths.iter().fold(plan.length, |sum, one| sum.saturating_add(*one));
    if u64::try_from(all).unwrap_or(u64::MAX) > limits.per_bureau {
        return Err(busy("未完成的上传已占满空间", "uploads under way take all the room there is"));
    }
    Ok(())
}

fn busy(zh: &str, en: &str) -> Problem {
    Problem { retry_after: Some(60), ..Problem::new(Code::TooManyUploads).detail(zh, en) }
}

/// Makes known that an upload is durable from one place to another. Of two machines that do not share the folder of parts
/// only the first is believed: the other has bytes of its own that nobody was told of.
///
/// # Errors
/// 410 where it is closed; 409 where it is elsewhere already.
pub fn advance(tx: &mut Tx<'_>, id: Id, (from, to): (u64, u64), limits: &Limits) -> Result<Commit<Timestamp>, Problem> {
    let expires_at = tx.now + limits.keep;
    let place = |at: u64| i64::try_from(at).map_err(Problem::internal);
    // `to` as well: the answer of an earlier try may have been lost behind its commit.
    let here = uploads::received.eq_any([place(from)?, place(to)?]);
    let changed = diesel::update(uploads::table.find(id).filter(here))
        .set((uploads::received.eq(place(to)?), uploads::updated_at.eq(tx.now), uploads::expires_at.eq(expires_at)))
        .execute(tx.conn)?;
    if changed > 0 {
        return Ok(Commit::upkeep(expires_at));
    }
    let found: Option<Upload> = uploads::table.find(id).select(Upload::as_select()).first(tx.conn).optional()?;
    Err(found.map_or_else(|| Problem::new(Code::UploadGone), |upload| upload.elsewhere()))
}

/// Bytes that a person's open uploads will have when they are whole, that for this evidence apart.
///
/// # Errors
/// Whatever the engine says.
pub fn under_way(conn: &mut Conn, user: Id, apart: Id, now: Timestamp) -> Result<i64, Problem> {
    let lengths: Vec<i64> = uploads::table
        .filter(uploads::user_id.eq(user))
        .filter(uploads::evidence_id.ne(apart))
        .filter(uploads::done.eq(false).and(uploads::expires_at.gt(now)))
        .select(uploads::length)
        .load(conn)?;
    Ok(lengths.into_iter().fold(0, i64::saturating_add))
}

/// The whole has been handed over.
///
/// # Errors
/// Whatever the engine says.
pub fn done(tx: &mut Tx<'_>, id: Id) -> Result<Commit<()>, Problem> {
    let row = uploads::table.find(id);
    diesel::update(row).set((uploads::done.eq(true), uploads::updated_at.eq(tx.now))).execute(tx.conn)?;
    Ok(Commit::upkeep(()))
}

/// Ends an upload.
///
/// # Errors
/// Whatever the engine says.
pub fn close(tx: &mut Tx<'_>, id: Id) -> Result<Commit<()>, Problem> {
    diesel::delete(uploads::table.find(id)).execute(tx.conn)?;
    Ok(Commit::upkeep(()))
}

/// Most uploads ended in one write.
const SWEPT: i64 = 200;

/// Ends uploads that have expired, some at a time; returns which.
///
/// # Errors
/// Whatever the engine says.
pub fn expire(tx: &mut Tx<'_>) -> Result<Commit<Vec<Id>>, Problem> {
    let late = uploads::table.filter(uploads::expires_at.le(tx.now)).select(uploads::id).limit(SWEPT);
    let ids: Vec<Id> = late.load(tx.conn)?;
    if ids.is_empty() {
        return Ok(Commit::unchanged(ids));
    }
    // One that somebody goes on with at this moment is left alone.
    let still = uploads::table.filter(uploads::id.eq_any(ids)).filter(uploads::expires_at.le(tx.now));
    let gone: Vec<Id> = diesel::delete(still).returning(uploads::id).get_results(tx.conn)?;
    Ok(Commit::upkeep(gone))
}

/// Which of these uploads there are.
///
/// # Errors
/// Whatever the engine says.
pub fn known(conn: &mut Conn, ids: &[Id]) -> Result<Vec<Id>, Problem> {
    Ok(uploads::table.filter(uploads::id.eq_any(ids)).select(uploads::id).load(conn)?)
}
