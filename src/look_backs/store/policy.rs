//! Which closed hazards a bureau looks at again.

use diesel::prelude::*;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::look_backs::bodies::PolicyToPut;
use crate::platform::db::schema::{look_back_policies as p, orgs};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::Problem;
use crate::platform::http::Record;
use crate::platform::journal::{Event, Stream};

/// A fifth of what was closed 30 to 90 days ago (domain reference §3, step 9), and every major one.
const BUILT_IN: PolicyToPut = PolicyToPut { share_percent: 20, min_days: 30, max_days: 90, all_majors: true };

/// The policy in force.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = LookBackPolicy)]
pub struct PolicyView {
    /// How many of a hundred, rounded up; of general and of major ones apart.
    pub share_percent: i32,
    /// Closed at least so many days ago.
    pub min_days: i32,
    /// And at most so many.
    pub max_days: i32,
    /// Every major one, whatever the share.
    pub all_majors: bool,
    /// Counts the changes; 0 for the built-in one.
    pub version: i64,
    /// When the bureau first said something.
    #[schema(required)]
    pub created_at: Option<Timestamp>,
    /// When it last did.
    #[schema(required)]
    pub updated_at: Option<Timestamp>,
}

impl Record for PolicyView {
    fn version(&self) -> i64 {
        self.version
    }
}

/// The policy of a bureau.
///
/// # Errors
/// Whatever the engine says.
pub fn policy(conn: &mut Conn, bureau_id: Id) -> Result<PolicyView, Problem> {
    let found: Option<((i32, i32, i32, bool), i64, Timestamp, Timestamp)> = p::table
        .find(bureau_id)
        .select(((p::share_percent, p::min_days, p::max_days, p::all_majors), p::version, p::created_at, p::updated_at))
        .first(conn)
        .optional()?;
    let PolicyToPut { share_percent, min_days, max_days, all_majors } = BUILT_IN;
    let built_in =
        PolicyView { share_percent, min_days, max_days, all_majors, version: 0, created_at: None, updated_at: None };
    Ok(found.map_or(built_in, |((share_percent, min_days, max_days, all_majors), version, created, updated)| {
        PolicyView {
            share_percent,
            min_days,
            max_days,
            all_majors,
            version,
            created_at: Some(created),
            updated_at: Some(updated),
        }
    }))
}

/// The same, and on PostgreSQL nobody else changes it, or draws, until this transaction ends; the bureau's row stands for
/// one that is not there yet.
///
/// # Errors
/// Whatever the engine says.
pub fn policy_to_change(conn: &mut Conn, bureau_id: Id) -> Result<PolicyView, Problem> {
    if let Conn::Postgres(postgres) = conn {
        let _: Option<Id> =
            orgs::table.find(bureau_id).select(orgs::id).for_no_key_update().first(postgres).optional()?;
    }
    policy(conn, bureau_id)
}

/// Puts another in its place.
///
/// # Errors
/// Whatever the engine says.
pub fn put_policy(
    tx: &mut Tx<'_>,
    bureau_id: Id,
    before: &PolicyView,
    put: PolicyToPut,
) -> Result<(PolicyView, Receipt), Problem> {
    let version = before.version + 1;
    let moved = (
        (p::version.eq(version), p::updated_at.eq(tx.now)),
        (p::share_percent.eq(put.share_percent), p::min_days.eq(put.min_days)),
        (p::max_days.eq(put.max_days), p::all_majors.eq(put.all_majors)),
    );
    if before.version > 0 {
        diesel::update(p::table.find(bureau_id)).set(moved).execute(tx.conn)?;
    } else {
        diesel::insert_into(p::table)
            .values((p::bureau_id.eq(bureau_id), p::created_at.eq(tx.now), moved))
            .execute(tx.conn)?;
    }
    // What a bureau looks for is nothing a school learns.
    let event = Event::of("look_back_policy", bureau_id, "put").stream(Stream::Bureau).at(bureau_id, bureau_id);
    let receipt = tx.record(event.with(json!({"set": put})))?;
    Ok((policy(tx.conn, bureau_id)?, receipt))
}
