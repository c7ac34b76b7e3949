//! The ledger: every operation ever handed in, with its body as it came and what became of it.

use std::collections::HashMap;

use diesel::prelude::*;
use serde_json::{Map, Value, json};

use super::device::Device;
use super::op::Operation;
use crate::on_conn;
use crate::platform::db::Conn;
use crate::platform::db::schema::sync_ops;
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::error::Problem;

crate::text_enum! {
    /// What became of an operation.
    pub enum OpStatus {
        /// Done.
        Applied = "applied",
        /// Done; others had changed the record meanwhile.
        Merged = "merged",
        /// Waits for something it names.
        Held = "held",
        /// Somebody else changed the same, or the state has moved on; both are kept.
        Conflict = "conflict",
        /// Not allowed or not valid; kept for people.
        Quarantined = "quarantined",
    }
}

crate::text_enum! {
    /// What people made of an operation that was kept for them.
    pub enum Decision {
        /// It was done after all.
        Accepted = "accepted",
        /// It stays undone.
        Dismissed = "dismissed",
    }
}

/// A row of `sync_ops`.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = sync_ops)]
#[expect(missing_docs, reason = "the columns are explained in the migration and in the operation")]
pub struct OpRow {
    pub id: Id,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub user_id: Id,
    pub device_id: Id,
    pub bureau_id: Id,
    pub org_id: Id,
    pub inspection_id: Option<Id>,
    pub record_id: Option<Id>,
    pub op_id: Id,
    pub reused: bool,
    pub seq: i64,
    pub kind: String,
    pub schema_no: i32,
    pub group_key: Option<String>,
    pub body: String,
    pub body_hash: Vec<u8>,
    pub needs: Doc,
    pub occurred_at: Option<Timestamp>,
    pub skew_s: Option<i64>,
    pub status: OpStatus,
    pub result: Doc,
    pub allowed_then: Option<bool>,
    pub decision: Option<Decision>,
    pub decided_at: Option<Timestamp>,
    pub decided_by: Option<Id>,
    pub decision_reason: Option<String>,
}

/// Where the record of an operation lies, as far as its author sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The bureau.
    pub bureau_id: Id,
    /// The organisation.
    pub org_id: Id,
    /// The inspection it is part of.
    pub inspection_id: Option<Id>,
}

/// What became of an operation.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// In a word.
    pub status: OpStatus,
    /// `version`, `problem`, `row`, `fields`, `waiting_for`: what of them there is.
    pub result: Map<String, Value>,
    /// Refused now; whether it was allowed when it was done, as far as the device's clock tells.
    pub allowed_then: Option<bool>,
    /// Where; that of the device where nothing is known.
    pub place: Option<Place>,
}

impl Outcome {
    /// Waiting for these.
    #[must_use]
    pub fn held(missing: &[Id]) -> Self {
        let result = Map::from_iter([("waiting_for".to_owned(), json!(missing))]);
        Self { status: OpStatus::Held, result, allowed_then: None, place: None }
    }

    /// Whether what it does is there now.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self.status, OpStatus::Applied | OpStatus::Merged)
    }
}

impl OpRow {
    /// The row of an operation.
    #[must_use]
    pub fn of(id: Id, now: Timestamp, device: &Device, op: &Operation, reused: bool, outcome: Outcome) -> Self {
        let mut row = Self {
            id,
            version: 1,
            created_at: now,
            updated_at: now,
            user_id: device.user_id,
            device_id: device.id,
            bureau_id: device.bureau_id,
            org_id: device.org_id,
            inspection_id: None,
            record_id: op.record,
            op_id: op.op_id,
            reused,
            seq: op.seq,
            kind: op.kind.clone(),
            schema_no: op.schema,
            group_key: None,
            body: op.body.clone(),
            body_hash: op.hash.clone(),
            needs: Doc::of(&op.needs),
            occurred_at: op.occurred_at,
            skew_s: op.skew_s,
            status: outcome.status,
            result: Doc(Value::Null),
            allowed_then: None,
            decision: None,
            decided_at: None,
            decided_by: None,
            decision_reason: None,
        };
        row.take(outcome);
        row
    }

    /// Puts an outcome on the row.
    pub fn take(&mut self, outcome: Outcome) {
        self.status = outcome.status;
        self.result = Doc(Value::Object(outcome.result));
        self.allowed_then = outcome.allowed_then;
        if let Some(place) = outcome.place {
            (self.bureau_id, self.org_id, self.inspection_id) = (place.bureau_id, place.org_id, place.inspection_id);
        }
    }

    /// As the answer to a push tells it; one that was there before tells the same again.
    #[must_use]
    pub fn told(&self, again: bool) -> Value {
        let mut told = self.result.0.as_object().cloned().unwrap_or_default();
        told.remove("fields");
        told.insert("seq".into(), json!(self.seq));
        told.insert("op_id".into(), json!(self.op_id));
        told.insert("status".into(), json!(if again { "duplicate" } else { self.status.as_str() }));
        if again {
            let accepted = self.decision == Some(Decision::Accepted);
            told.insert("was".into(), json!(if accepted { OpStatus::Applied } else { self.status }));
        }
        if let Some(then) = self.allowed_then {
            told.insert("allowed_then".into(), json!(then));
        }
        match self.status {
            OpStatus::Conflict => told.insert("conflict_id".into(), json!(self.id)),
            OpStatus::Quarantined => told.insert("quarantine_id".into(), json!(self.id)),
            _ => None,
        };
        Value::Object(told)
    }
}

/// The operations of a person with these ids, first bodies and others.
///
/// # Errors
/// Whatever the engine says.
pub fn known(conn: &mut Conn, user_id: Id, op_ids: &[Id]) -> Result<HashMap<Id, Vec<OpRow>>, Problem> {
    let rows: Vec<OpRow> = sync_ops::table
        .filter(sync_ops::user_id.eq(user_id))
        .filter(sync_ops::op_id.eq_any(op_ids.to_vec()))
        .select(OpRow::as_select())
        .load(conn)?;
    let mut known: HashMap<Id, Vec<OpRow>> = HashMap::new();
    for row in rows {
        known.entry(row.op_id).or_default().push(row);
    }
    Ok(known)
}

/// Writes new rows.
///
/// # Errors
/// Clashes with the same operation handed in elsewhere at the same time are to be run again.
pub fn put(conn: &mut Conn, rows: &[OpRow]) -> Result<(), Problem> {
    if !rows.is_empty() {
        on_conn!(conn, conn => diesel::insert_into(sync_ops::table).values(rows).execute(conn)?);
    }
    Ok(())
}

/// Writes what became of a row later.
///
/// # Errors
/// Whatever the engine says.
pub fn update(conn: &mut Conn, row: &OpRow, now: Timestamp) -> Result<(), Problem> {
    diesel::update(sync_ops::table.find(row.id))
        .set((
            sync_ops::version.eq(sync_ops::version + 1),
            sync_ops::updated_at.eq(now),
            sync_ops::bureau_id.eq(row.bureau_id),
            sync_ops::org_id.eq(row.org_id),
            sync_ops::inspection_id.eq(row.inspection_id),
            sync_ops::status.eq(row.status),
            sync_ops::result.eq(&row.result),
            sync_ops::allowed_then.eq(row.allowed_then),
            sync_ops::decision.eq(row.decision),
            sync_ops::decided_at.eq(row.decided_at),
            sync_ops::decided_by.eq(row.decided_by),
            sync_ops::decision_reason.eq(&row.decision_reason),
        ))
        .execute(conn)?;
    Ok(())
}
