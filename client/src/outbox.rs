//! The outbox: what this phone did and has to hand in. Nothing leaves it without a receipt that verifies.
//!
//! An operation gets its number (`seq`) and its name (`op_id`) once, is on the disk before the app may say "saved", and
//! is sent again and again, unchanged, until a receipt covers it. After that it is kept for [`KEEP_DAYS`]: a server that
//! was restored from a backup has forgotten what it said since, and is offered it again.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::lines::Lines;
use crate::operation::before;
pub use crate::operation::{Draft, Operation, Outcome};

/// How long an operation is kept after its receipt: longer than any backup a server may be restored from.
pub const KEEP_DAYS: i64 = 60;
/// Most operations in one push.
pub const MOST_OPS: usize = 500;
/// Most bytes of operations in one push; the server takes 1 MiB with everything around them.
pub const MOST_BYTES: usize = 900 * 1024;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
enum Line {
    Device {
        device_id: String,
    },
    /// Numbers up to this one are used, even where the operations are forgotten.
    Used {
        seq: i64,
    },
    Epoch {
        epoch: String,
    },
    Op {
        op: Operation,
    },
    Settled {
        outcome: Outcome,
        at: DateTime<Utc>,
    },
}

#[derive(Debug, Clone)]
struct Kept {
    op: Operation,
    settled: Option<(Outcome, DateTime<Utc>)>,
}

/// The outbox of one device, in one file.
#[derive(Debug)]
pub struct Outbox {
    lines: Lines,
    device_id: String,
    epoch: Option<String>,
    used: i64,
    ops: BTreeMap<i64, Kept>,
}

impl Outbox {
    /// Opens the outbox in a folder; a new one is made for `new_device`.
    ///
    /// # Errors
    /// When the file cannot be read or written, or is damaged.
    pub fn open(folder: &Path, new_device: &str) -> Result<Self> {
        let (lines, found) = Lines::open::<Line>(&folder.join("outbox"))?;
        let mut outbox = Self { lines, device_id: new_device.to_owned(), epoch: None, used: 0, ops: BTreeMap::new() };
        if found.is_empty() {
            outbox.lines.append(&[Line::Device { device_id: new_device.to_owned() }])?;
        }
        for line in found {
            outbox.take(line);
        }
        Ok(outbox)
    }

    fn take(&mut self, line: Line) {
        match line {
            Line::Device { device_id } => self.device_id = device_id,
            Line::Used { seq } => self.used = self.used.max(seq),
            Line::Epoch { epoch } => self.enter(epoch),
            Line::Op { op } => {
                self.used = self.used.max(op.seq);
                self.ops.insert(op.seq, Kept { op, settled: None });
            }
            Line::Settled { outcome, at } => {
                let kept = self.ops.get_mut(&outcome.seq).filter(|kept| kept.op.op_id == outcome.op_id);
                if let Some(kept) = kept {
                    kept.settled = Some((outcome, at));
                }
            }
        }
    }

    /// Another epoch: everything is open again.
    fn enter(&mut self, epoch: String) {
        if self.epoch.as_ref().is_some_and(|known| *known != epoch) {
            self.ops.values_mut().for_each(|kept| kept.settled = None);
        }
        self.epoch = Some(epoch);
    }

    /// The device's id.
    #[must_use]
    pub fn device_id(&self) -> &str {
        &self.device_id
    }

    /// The epoch of the server, as far as it is known.
    #[must_use]
    pub fn epoch(&self) -> Option<&str> {
        self.epoch.as_deref()
    }

    /// Notes what the user did, with what must be there first; it is durable when this returns. After an error open the
    /// outbox anew.
    ///
    /// # Errors
    /// When the phone cannot store it, and for what no push could ever hold: the user must be told.
    pub fn add(&mut self, mut draft: Draft, op_id: Uuid, now: DateTime<Utc>) -> Result<i64> {
        let seq = self.used + 1;
        draft.needs = before(&draft, self.open_ends());
        let op = Operation { seq, op_id, draft, occurred_at: now };
        if length(&op) > MOST_BYTES {
            return Err(Error::new(ErrorKind::InvalidInput, "too long for an operation"));
        }
        self.lines.append(&[Line::Op { op: op.clone() }])?;
        self.take(Line::Op { op });
        Ok(seq)
    }

    /// What waits for a receipt, in order.
    pub fn waiting(&self) -> impl Iterator<Item = &Operation> {
        self.ops.values().filter(|kept| kept.settled.is_none()).map(|kept| &kept.op)
    }

    /// What is not yet known to be done: it waits for a receipt, or the server holds it.
    pub fn open_ends(&self) -> impl Iterator<Item = &Operation> {
        let open = |kept: &&Kept| kept.settled.as_ref().is_none_or(|(outcome, _)| outcome.fate() == "held");
        self.ops.values().filter(open).map(|kept| &kept.op)
    }

    /// The evidence that was declared here.
    pub fn declared(&self) -> impl Iterator<Item = Uuid> {
        self.ops.values().filter(|kept| kept.op.draft.kind == "evidence.declare").map(|kept| kept.op.draft.id)
    }

    /// What the server has and holds back: sent again, the answer tells what became of it since.
    #[must_use]
    pub fn held(&self, most: usize) -> Vec<Operation> {
        let held = |kept: &&Kept| kept.settled.as_ref().is_some_and(|(outcome, _)| outcome.fate() == "held");
        self.ops.values().filter(held).map(|kept| kept.op.clone()).take(most).collect()
    }

    /// The next operations to send: at most so many and so many bytes, but at least one. Groups stay whole, whatever
    /// their size: the server would take parts of one for different groups.
    #[must_use]
    pub fn batch(&self, most: usize, bytes: usize) -> Vec<Operation> {
        let mut batch: Vec<Operation> = Vec::new();
        let mut size = 0;
        for op in self.waiting() {
            let same = |other: &Operation| op.draft.group.is_some() && op.draft.group == other.draft.group;
            if batch.iter().any(same) {
                continue;
            }
            let mut unit = vec![op.clone()];
            unit.extend(self.waiting().filter(|other| other.seq > op.seq && same(other)).cloned());
            let more: usize = unit.iter().map(length).sum();
            if !batch.is_empty() && (batch.len() + unit.len() > most || size + more > bytes) {
                break;
            }
            size += more;
            batch.extend(unit);
        }
        batch
    }

    /// Notes the first epoch, or another one: what was acknowledged before is offered again.
    ///
    /// # Errors
    /// When the phone cannot store it.
    pub fn enter_epoch(&mut self, epoch: &str) -> Result<()> {
        if self.epoch.as_deref() == Some(epoch) {
            return Ok(());
        }
        self.lines.append(&[Line::Epoch { epoch: epoch.to_owned() }])?;
        self.enter(epoch.to_owned());
        Ok(())
    }

    /// Notes what a verified receipt covers. What it does not cover waits on.
    ///
    /// # Errors
    /// When the phone cannot store it: then it is sent again.
    pub fn settle(&mut self, outcomes: Vec<Outcome>, now: DateTime<Utc>) -> Result<()> {
        let lines: Vec<Line> = outcomes.into_iter().map(|outcome| Line::Settled { outcome, at: now }).collect();
        self.lines.append(&lines)?;
        lines.into_iter().for_each(|line| self.take(line));
        Ok(())
    }

    /// What became of each operation that is still kept and has its receipt.
    pub fn outcomes(&self) -> impl Iterator<Item = (&Operation, &Outcome)> {
        self.ops.values().filter_map(|kept| kept.settled.as_ref().map(|(outcome, _)| (&kept.op, outcome)))
    }

    /// Drops what has had its receipt for [`KEEP_DAYS`] and writes the file anew.
    ///
    /// # Errors
    /// When the phone cannot store it; nothing is lost then.
    pub fn tidy(&mut self, now: DateTime<Utc>) -> Result<()> {
        let before = now - TimeDelta::days(KEEP_DAYS);
        let old = |kept: &Kept| kept.settled.as_ref().is_some_and(|(_, at)| *at < before);
        if !self.ops.values().any(old) {
            return Ok(());
        }
        let mut lines = vec![Line::Device { device_id: self.device_id.clone() }, Line::Used { seq: self.used }];
        lines.extend(self.epoch.clone().map(|epoch| Line::Epoch { epoch }));
        for kept in self.ops.values().filter(|kept| !old(kept)) {
            lines.push(Line::Op { op: kept.op.clone() });
            let settled = kept.settled.clone();
            lines.extend(settled.map(|(outcome, at)| Line::Settled { outcome, at }));
        }
        self.lines.rewrite(&lines)?;
        self.ops.retain(|_, kept| !old(kept));
        Ok(())
    }
}

fn length(op: &Operation) -> usize {
    serde_json::to_string(op).map_or(usize::MAX, |text| text.len() + 1)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn draft(words: &str) -> Draft {
        let set = [("text".to_owned(), Value::from(words))].into_iter().collect();
        Draft { kind: "comment.add".into(), id: Uuid::new_v4(), base_version: None, set, needs: vec![], group: None }
    }

    fn outcome(op: &Operation) -> Outcome {
        let status = "applied".to_owned();
        Outcome {
            seq: op.seq,
            op_id: op.op_id,
            status,
            was: None,
            version: None,
            problem: None,
            row: None,
            waiting_for: vec![],
            allowed_then: None,
            conflict_id: None,
            quarantine_id: None,
        }
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_772_000_000, 0).unwrap()
    }

    #[test]
    fn what_was_added_is_there_after_the_app_was_killed_and_sent_unchanged() {
        let folder = tempfile::TempDir::new().unwrap();
        let mut outbox = Outbox::open(folder.path(), "phone-1").unwrap();
        for words in ["一", "二", "三"] {
            outbox.add(draft(words), Uuid::new_v4(), now()).unwrap();
        }
        let before = outbox.batch(10, 10_000);
        drop(outbox);
        let again = Outbox::open(folder.path(), "phone-2").unwrap();
        assert_eq!(again.device_id(), "phone-1");
        assert_eq!(again.batch(10, 10_000), before);
        assert_eq!(before.iter().map(|op| op.seq).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn only_what_a_receipt_covers_leaves_the_queue_and_numbers_are_never_used_again() {
        let folder = tempfile::TempDir::new().unwrap();
        let mut outbox = Outbox::open(folder.path(), "phone-2").unwrap();
        for words in ["一", "二", "三"] {
            outbox.add(draft(words), Uuid::new_v4(), now()).unwrap();
        }
        let sent = outbox.batch(10, 10_000);
        let mut forged = outcome(&sent[1]);
        forged.op_id = Uuid::new_v4();
        outbox.settle(vec![outcome(&sent[0]), forged], now()).unwrap();
        assert_eq!(outbox.waiting().map(|op| op.seq).collect::<Vec<_>>(), [2, 3]);
        outbox.tidy(now() + TimeDelta::days(KEEP_DAYS + 1)).unwrap();
        let rest: Vec<Outcome> = outbox.waiting().map(outcome).collect();
        outbox.settle(rest, now()).unwrap();
        outbox.tidy(now() + TimeDelta::days(KEEP_DAYS + 1)).unwrap();
        assert_eq!(outbox.outcomes().count(), 0);
        let mut again = Outbox::open(folder.path(), "phone-2").unwrap();
        assert_eq!(again.add(draft("四"), Uuid::new_v4(), now()).unwrap(), 4);
    }

    #[test]
    fn after_a_restore_everything_kept_is_offered_again() {
        let folder = tempfile::TempDir::new().unwrap();
        let mut outbox = Outbox::open(folder.path(), "phone-2").unwrap();
        outbox.enter_epoch("one").unwrap();
        outbox.add(draft("一"), Uuid::new_v4(), now()).unwrap();
        let sent = outbox.batch(10, 10_000);
        outbox.settle(vec![outcome(&sent[0])], now()).unwrap();
        assert_eq!(outbox.waiting().count(), 0);
        outbox.enter_epoch("two").unwrap();
        assert_eq!(outbox.batch(10, 10_000), sent);
        let again = Outbox::open(folder.path(), "phone-2").unwrap();
        assert_eq!(again.batch(10, 10_000), sent);
        assert_eq!(again.epoch(), Some("two"));
    }

    #[test]
    fn batches_keep_to_count_and_size_and_do_not_tear_groups() {
        let folder = tempfile::TempDir::new().unwrap();
        let mut outbox = Outbox::open(folder.path(), "phone-2").unwrap();
        let group = Some("both".to_owned());
        for group in [None, None, group.clone(), group, None] {
            outbox.add(Draft { group, ..draft("一") }, Uuid::new_v4(), now()).unwrap();
        }
        let numbers = |most, bytes| outbox.batch(most, bytes).iter().map(|op| op.seq).collect::<Vec<_>>();
        assert_eq!(numbers(10, 100_000), [1, 2, 3, 4, 5]);
        assert_eq!(numbers(3, 100_000), [1, 2]);
        assert_eq!(numbers(4, 100_000), [1, 2, 3, 4]);
        assert_eq!(numbers(1, 100_000), [1]);
        // Whatever stands between them, and however small the batch must be.
        let outcomes = outbox.batch(2, 100_000).iter().map(outcome).collect();
        outbox.settle(outcomes, now()).unwrap();
        outbox.add(Draft { group: Some("both".to_owned()), ..draft("二") }, Uuid::new_v4(), now()).unwrap();
        let numbers = |most, bytes| outbox.batch(most, bytes).iter().map(|op| op.seq).collect::<Vec<_>>();
        assert_eq!(numbers(1, 100_000), [3, 4, 6]);
        assert_eq!(numbers(10, 1), [3, 4, 6]);
    }
    #[test]
    fn what_no_push_could_hold_is_told_at_once_and_blocks_nothing() {
        let folder = tempfile::TempDir::new().unwrap();
        let mut outbox = Outbox::open(folder.path(), "phone-2").unwrap();
        assert!(outbox.add(draft(&"长".repeat(MOST_BYTES)), Uuid::new_v4(), now()).is_err());
        assert_eq!(outbox.add(draft("短"), Uuid::new_v4(), now()).unwrap(), 1);
    }
}
