//! The journal: append-only events, written in the transaction of the change they tell of, read in commit order.
//!
//! The payload is text, kept exactly as hashed, and holds references, never personal data. On SQLite the single
//! writer makes commit order equal to `seq`. On PostgreSQL a plain sequence skips rows when transactions commit out of
//! order, so readers are served only rows whose transaction is older than every transaction still running.

pub mod epoch;
mod read;
pub mod readers;

use diesel::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::platform::db::Tx;
use crate::platform::db::schema::events;
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::Problem;

pub use read::{Entry, Position, feed, head, history, history_in, is_behind};

crate::text_enum! {
    /// Who may ever learn of an event.
    pub enum Stream {
        /// Everybody whose scope reaches the record.
        Open = "open",
        /// The bureau's side alone: what a school must not learn of, not even by a gap.
        Bureau = "bureau",
        /// Accounts and sessions.
        Accounts = "accounts",
    }
}

/// Something that happened, ready to be appended.
#[derive(Debug, Clone)]
pub struct Event {
    stream: Stream,
    bureau_id: Option<Id>,
    org_id: Option<Id>,
    entity: &'static str,
    entity_id: Id,
    action: &'static str,
    payload: Value,
}

impl Event {
    /// `entity` is the noun (`hazard`), `action` what happened to it (`issued`).
    #[must_use]
    pub const fn of(entity: &'static str, entity_id: Id, action: &'static str) -> Self {
        Self { stream: Stream::Open, bureau_id: None, org_id: None, entity, entity_id, action, payload: Value::Null }
    }

    /// Where it happened.
    #[must_use]
    pub const fn at(mut self, bureau_id: Id, org_id: Id) -> Self {
        self.bureau_id = Some(bureau_id);
        self.org_id = Some(org_id);
        self
    }

    /// Who may ever learn of it.
    #[must_use]
    pub const fn stream(mut self, stream: Stream) -> Self {
        self.stream = stream;
        self
    }

    /// The facts, as a JSON object of references and values; no personal data.
    #[must_use]
    pub fn with(mut self, payload: Value) -> Self {
        self.payload = payload;
        self
    }
}

#[derive(Insertable)]
#[diesel(table_name = events)]
struct NewEvent<'a> {
    epoch: i32,
    stream: Stream,
    bureau_id: Option<Id>,
    org_id: Option<Id>,
    entity: &'a str,
    entity_id: Id,
    action: &'a str,
    actor: Option<Id>,
    device: Option<&'a str>,
    at: Timestamp,
    payload: String,
    content_hash: Vec<u8>,
}

/// Appends one event.
///
/// # Errors
/// Whatever the engine says.
pub fn append(tx: &mut Tx<'_>, event: Event) -> Result<(), Problem> {
    let payload = if event.payload.is_null() { "{}".to_owned() } else { event.payload.to_string() };
    let (actor, device) = (tx.work.actor, tx.work.device.as_deref());
    let mut hash = Sha256::new();
    for part in [event.stream.as_str(), event.entity, event.action, device.unwrap_or(""), &payload] {
        hash.update(u64::try_from(part.len()).unwrap_or(0).to_be_bytes());
        hash.update(part.as_bytes());
    }
    for id in [event.bureau_id, event.org_id, Some(event.entity_id), actor] {
        hash.update(id.map_or([0; 16], |id| id.0.into_bytes()));
    }
    hash.update(tx.now.micros().to_be_bytes());
    let row = NewEvent {
        epoch: tx.epoch,
        stream: event.stream,
        bureau_id: event.bureau_id,
        org_id: event.org_id,
        entity: event.entity,
        entity_id: event.entity_id,
        action: event.action,
        actor,
        device,
        at: tx.now,
        payload,
        content_hash: hash.finalize().to_vec(),
    };
    diesel::insert_into(events::table).values(&row).execute(tx.conn)?;
    Ok(())
}
