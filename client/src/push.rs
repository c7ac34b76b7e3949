//! Handing in: one batch of the outbox for one receipt.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{Request, Response, Transport, Trouble};
use crate::operation::{Operation, Outcome};
use crate::outbox::{MOST_BYTES, MOST_OPS, Outbox};
use crate::receipt::Keys;

/// The newest meaning of operations that this client writes.
pub const SCHEMA: i64 = 1;

/// Most of one push; less after the server said it was too much.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Operations.
    pub ops: usize,
    /// Bytes of operations.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { ops: MOST_OPS, bytes: MOST_BYTES }
    }
}

/// What one push brought.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// What became of each operation of the batch.
    pub outcomes: Vec<Outcome>,
    /// The server's clock.
    pub server_time: DateTime<Utc>,
    /// What this device may hand in with when its user no longer can; keep it.
    pub device_credential: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    epoch: String,
    server_time: DateTime<Utc>,
    results: Vec<Outcome>,
    receipt: String,
    #[serde(default)]
    device_credential: Option<String>,
}

/// Who hands in.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A signed-in user's access token.
    Token(String),
    /// The device's own, where the user cannot sign in any more: everything goes to quarantine, nothing is lost.
    Device(String),
}

/// Sends the next batch and settles what its receipt covers; nothing where nothing waits.
///
/// After [`Trouble::EpochChanged`] the outbox has entered the new epoch: push again, and pull from the beginning.
///
/// # Errors
/// Whatever stood in the way. The outbox is as it was then, whoever answered.
pub fn push(
    outbox: &mut Outbox,
    transport: &mut dyn Transport,
    keys: &Keys,
    credential: &Credential,
    limits: Limits,
    now: DateTime<Utc>,
) -> Result<Option<Pushed>, Trouble> {
    let batch = outbox.batch(limits.ops, limits.bytes);
    if batch.is_empty() {
        return Ok(None);
    }
    hand_over(outbox, transport, keys, credential, &batch, now).map(Some)
}

/// Sends these operations of the outbox, in whatever order and whether or not they were sent before, and settles what
/// the receipt covers.
///
/// # Errors
/// As [`push`].
pub fn hand_over(
    outbox: &mut Outbox,
    transport: &mut dyn Transport,
    keys: &Keys,
    credential: &Credential,
    batch: &[Operation],
    now: DateTime<Utc>,
) -> Result<Pushed, Trouble> {
    let body = json!({
        "device_id": outbox.device_id(), "epoch": outbox.epoch(), "sent_at": now, "schema": SCHEMA, "ops": batch,
    });
    let request = match credential {
        Credential::Token(token) => Request::json("POST", "/api/v1/sync/push", token, &body),
        Credential::Device(credential) => {
            let mut request = Request::json("POST", "/api/v1/sync/hand-in", "", &body).by_nobody();
            request.headers.push(("authorization", format!("Device {credential}")));
            request
        }
    };
    let response = transport.send(&request)?;
    if response.status != 200 {
        return Err(not_taken(outbox, &response));
    }
    let answer: Answer = response.parse()?;
    let receipt = keys.verify(&answer.receipt, outbox.device_id())?;
    if receipt.epoch != answer.epoch || outbox.epoch().is_some_and(|known| known != receipt.epoch) {
        return Err(Trouble::Forged("it is of another epoch".into()));
    }
    outbox.enter_epoch(&receipt.epoch)?;
    let mut outcomes = answer.results;
    outcomes.retain(|outcome| {
        receipt.op_ids.contains(&outcome.op_id)
            && batch.iter().any(|op| op.op_id == outcome.op_id && op.seq == outcome.seq)
    });
    outbox.settle(outcomes.clone(), now)?;
    Ok(Pushed { outcomes, server_time: answer.server_time, device_credential: answer.device_credential })
}

/// The trouble, with the new epoch entered where there is one.
pub(crate) fn not_taken(outbox: &mut Outbox, response: &Response) -> Trouble {
    let trouble = response.trouble();
    if trouble == Trouble::EpochChanged {
        let problem: Value = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
        let Some(epoch) = problem.pointer("/current/epoch").and_then(Value::as_str) else {
            return Trouble::Stranger("a new epoch without its name".into());
        };
        if let Err(error) = outbox.enter_epoch(epoch) {
            return error.into();
        }
    }
    trouble
}

/// Sends batch after batch until nothing waits.
///
/// # Errors
/// The first trouble that sending less, or again in the new epoch, does not cure. What was settled until then is.
pub fn push_all(
    outbox: &mut Outbox,
    transport: &mut dyn Transport,
    keys: &Keys,
    credential: &Credential,
    now: DateTime<Utc>,
) -> Result<Vec<Pushed>, Trouble> {
    let mut all = Vec::new();
    push_all_within(outbox, transport, keys, credential, &mut Limits::default(), now, &mut all)?;
    Ok(all)
}

/// The same with limits that it adapts to the line, telling what was settled even where trouble came.
///
/// # Errors
/// As [`push_all`].
pub fn push_all_within(
    outbox: &mut Outbox,
    transport: &mut dyn Transport,
    keys: &Keys,
    credential: &Credential,
    limits: &mut Limits,
    now: DateTime<Utc>,
    all: &mut Vec<Pushed>,
) -> Result<(), Trouble> {
    let mut epochs = 0;
    loop {
        match push(outbox, transport, keys, credential, *limits, now) {
            Ok(None) => return Ok(()),
            Ok(Some(pushed)) if pushed.outcomes.is_empty() => {
                return Err(Trouble::Forged("it covers nothing that was sent".into()));
            }
            Ok(Some(pushed)) => {
                limits.widen();
                all.push(pushed);
            }
            Err(Trouble::TooLarge) if limits.ops > 1 => limits.halve(1),
            Err(Trouble::EpochChanged) if epochs == 0 => epochs += 1,
            Err(trouble) => {
                if matches!(trouble, Trouble::NoAnswer(_)) {
                    limits.halve(LEAST);
                }
                return Err(trouble);
            }
        }
    }
}

/// A line over which not even so many operations go at once would take all night over the rest.
const LEAST: usize = 10;

impl Limits {
    /// Less of it, down to this.
    fn halve(&mut self, least: usize) {
        if self.ops > least {
            *self = Self { ops: (self.ops / 2).max(least), bytes: self.bytes / 2 };
        }
    }

    /// More of it again.
    fn widen(&mut self) {
        let most = Self::default();
        *self = Self { ops: (self.ops * 2).min(most.ops), bytes: (self.bytes * 2).min(most.bytes) };
    }
}
