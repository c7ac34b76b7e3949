//! What a bureau wants to come of missing photos.

use diesel::prelude::*;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::evidence::words::GapPolicy;
use crate::platform::db::schema::{evidence_policies as p, orgs};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::Problem;
use crate::platform::http::Record;
use crate::platform::journal::Event;

/// The policy in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What comes of gaps.
    pub gaps: GapPolicy,
    /// Counts the changes; 0 while the bureau has not said anything.
    pub version: i64,
    /// When the bureau first said something.
    pub created_at: Option<Timestamp>,
    /// When it last did.
    pub updated_at: Option<Timestamp>,
}

/// The policy as it is shown.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = EvidencePolicy)]
pub struct PolicyView {
    /// What comes of missing photos.
    pub gaps: GapPolicy,
    /// Counts the changes; 0 for the default.
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

impl From<&Policy> for PolicyView {
    fn from(policy: &Policy) -> Self {
        let Policy { gaps, version, created_at, updated_at } = *policy;
        Self { gaps, version, created_at, updated_at }
    }
}

/// The policy of a bureau: shown only, unless it said otherwise.
///
/// # Errors
/// Whatever the engine says.
pub fn policy(conn: &mut Conn, bureau_id: Id) -> Result<Policy, Problem> {
    let found: Option<(GapPolicy, i64, Timestamp, Timestamp)> =
        p::table.find(bureau_id).select((p::gaps, p::version, p::created_at, p::updated_at)).first(conn).optional()?;
    Ok(found.map_or(
        Policy { gaps: GapPolicy::Show, version: 0, created_at: None, updated_at: None },
        |(gaps, version, created, updated)| Policy {
            gaps,
            version,
            created_at: Some(created),
            updated_at: Some(updated),
        },
    ))
}

/// The same, and on PostgreSQL nobody else changes it until this transaction ends; the bureau's row stands for one that is
/// not there yet.
///
/// # Errors
/// Whatever the engine says.
pub fn policy_to_change(conn: &mut Conn, bureau_id: Id) -> Result<Policy, Problem> {
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
    before: &Policy,
    gaps: GapPolicy,
) -> Result<(Policy, Receipt), Problem> {
    let after = Policy {
        gaps,
        version: before.version + 1,
        created_at: before.created_at.or(Some(tx.now)),
        updated_at: Some(tx.now),
    };
    let moved = (p::version.eq(after.version), p::updated_at.eq(tx.now), p::gaps.eq(gaps));
    if before.version > 0 {
        diesel::update(p::table.find(bureau_id)).set(moved).execute(tx.conn)?;
    } else {
        diesel::insert_into(p::table)
            .values((p::bureau_id.eq(bureau_id), p::created_at.eq(tx.now), moved))
            .execute(tx.conn)?;
    }
    let event = Event::of("evidence_policy", bureau_id, "put").at(bureau_id, bureau_id);
    let receipt = tx.record(event.with(json!({"set": {"gaps": gaps}})))?;
    Ok((after, receipt))
}
