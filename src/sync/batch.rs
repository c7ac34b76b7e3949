//! One transaction of a push: the device, what it brought, what became of it, and what had waited for it.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::answers::{Given, run as run_answers};
use super::apply;
use super::device::{self, Device};
use super::held;
use super::judge::{Judge, kept};
use super::ledger::{self, OpRow, Outcome};
use super::op::{Act, Operation};
use super::receipt::CredentialKey;
use crate::access::Rights;
use crate::platform::db::types::Id;
use crate::platform::db::{Commit, Tx, Work};
use crate::platform::error::{Code, Problem};
use crate::platform::http::problem::Language;
use crate::platform::journal::{Event, Stream, epoch};

/// Most operations of one transaction.
pub const MOST: usize = 50;

/// How it is brought.
#[derive(Debug, Clone)]
pub struct Handing {
    /// The device's own name.
    pub device_id: String,
    /// The epoch the device believes in.
    pub epoch: Option<Id>,
    /// Seconds by which its clock is ahead.
    pub skew_s: Option<i64>,
    /// The language of refusals.
    pub language: Language,
    /// From which credentials are made.
    pub key: CredentialKey,
    /// Everything is kept for people for this reason, and nothing done.
    pub only_kept: Option<Code>,
}

/// What one transaction stored.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The epoch in force.
    pub epoch: Id,
    /// Everything of the device up to this one is stored.
    pub acked_seq: i64,
    /// By the ids of operations and the hashes of their bodies, as the answer tells them.
    pub results: Vec<((Id, Vec<u8>), Value)>,
    /// For a device that came for the first time.
    pub credential: Option<String>,
    /// Whether something waits.
    pub holds: bool,
}

/// The operations of a push as transactions take them: in the order of the device, groups whole.
#[must_use]
pub fn portions(ops: &[Operation]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..ops.len()).collect();
    let of = |place: usize| ops.get(place);
    order.sort_by_key(|place| of(*place).map_or(0, |op| op.seq));
    let mut done = HashSet::new();
    let mut portions: Vec<Vec<usize>> = vec![Vec::new()];
    for place in order.clone() {
        if !done.insert(place) {
            continue;
        }
        let group = of(place).and_then(|op| op.group.as_ref());
        let mut unit = vec![place];
        if group.is_some() {
            let same = |other: &usize| of(*other).and_then(|op| op.group.as_ref()) == group;
            unit.extend(order.iter().copied().filter(same).filter(|other| done.insert(*other)));
        }
        match portions.last_mut() {
            Some(last) if last.len() + unit.len() <= MOST || last.is_empty() => last.extend(unit),
            _ => portions.push(unit),
        }
    }
    portions
}

/// Refuses a device that believes in another epoch: nothing is stored before it knows.
///
/// # Errors
/// 409 with the epoch in force.
pub fn same_epoch(now: Id, believed: Option<Id>) -> Result<(), Problem> {
    match believed {
        Some(other) if other != now => Err(Problem::new(Code::EpochChanged).current(json!({"epoch": now}))),
        _ => Ok(()),
    }
}

/// Stores operations and does them, in one transaction. Whatever becomes of each, its body is kept.
///
/// # Errors
/// 409 for another epoch; failures on this side.
pub fn store(
    tx: &mut Tx<'_>,
    rights: &Rights,
    handing: &Handing,
    ops: &[&Operation],
) -> Result<Commit<Stored>, Problem> {
    let work = Work { actor: Some(rights.user_id()), device: Some(handing.device_id.clone()), ..Work::default() };
    let now = tx.now;
    let mut tx = tx.acting(&work, now);
    let tx = &mut tx;
    let epoch = epoch::current(tx.conn)?.id;
    same_epoch(epoch, handing.epoch)?;
    let (device, registered) = device::locked_or_new(tx, &rights.caller, &handing.device_id, &handing.key)?;
    let credential = registered.as_ref().map(|_| handing.key.credential(device.id)).transpose()?;
    let ids: Vec<Id> = ops.iter().map(|op| op.op_id).collect();
    let mut known = ledger::known(tx.conn, rights.user_id(), &ids)?;
    let mut results = Vec::new();
    let mut fresh: Vec<(&Operation, bool)> = Vec::new();
    for op in ops {
        let rows = known.get(&op.op_id).map(Vec::as_slice).unwrap_or_default();
        if let Some(row) = rows.iter().find(|row| row.body_hash == op.hash) {
            results.push((key_of(op), row.told(true)));
        } else {
            let twice = fresh.iter().find(|(one, _)| one.op_id == op.op_id && one.hash == op.hash);
            if twice.is_none() {
                let reused = !rows.is_empty() || fresh.iter().any(|(one, _)| one.op_id == op.op_id);
                fresh.push((op, reused));
            }
        }
    }
    known.clear();
    let judge = Judge { rights, device: device.id, language: handing.language };
    let outcomes = judged(tx, &judge, handing, &fresh)?;
    // A word for a group binds the operations of one request alone.
    let request = tx.new_id();
    let rows: Vec<OpRow> = fresh
        .iter()
        .zip(outcomes)
        .map(|((op, reused), outcome)| OpRow {
            group_key: op.group.as_ref().map(|word| format!("{request} {word}")),
            ..OpRow::of(tx.new_id(), now, &device, op, *reused, outcome)
        })
        .collect();
    ledger::put(tx.conn, &rows)?;
    let mut rows = rows;
    let arrived = rows.iter().any(|row| row.status != ledger::OpStatus::Held);
    if arrived && handing.only_kept.is_none() {
        for changed in held::ripen(tx, &judge, &device)? {
            if let Some(row) = rows.iter_mut().find(|row| row.id == changed.id) {
                *row = changed;
            } else {
                results.push(((changed.op_id, changed.body_hash.clone()), changed.told(true)));
            }
        }
    }
    let holds = rows.iter().any(|row| row.status == ledger::OpStatus::Held);
    results.extend(rows.iter().map(|row| ((row.op_id, row.body_hash.clone()), row.told(false))));
    if rows.is_empty() {
        let stored = Stored { epoch, acked_seq: device.acked_seq, results, credential, holds };
        return Ok(match registered {
            Some(receipt) => receipt.with(stored),
            None => Commit::unchanged(stored),
        });
    }
    let acked_seq = device::note(tx, &device, handing.skew_s)?;
    let receipt = tx.record(pushed(&device, &rows))?;
    Ok(receipt.with(Stored { epoch, acked_seq, results, credential, holds }))
}

fn key_of(op: &Operation) -> (Id, Vec<u8>) {
    (op.op_id, op.hash.clone())
}

fn pushed(device: &Device, rows: &[OpRow]) -> Event {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for row in rows {
        *counts.entry(row.status.as_str()).or_default() += 1;
    }
    let ops: Vec<Id> = rows.iter().map(|row| row.op_id).collect();
    Event::of("device", device.id, "pushed")
        .at(device.bureau_id, device.org_id)
        .stream(Stream::Accounts)
        .with(json!({"ops": ops, "counts": counts}))
}

/// What becomes of each new operation, in their order.
fn judged(
    tx: &mut Tx<'_>,
    judge: &Judge<'_>,
    handing: &Handing,
    fresh: &[(&Operation, bool)],
) -> Result<Vec<Outcome>, Problem> {
    let mut needs: Vec<Id> = fresh.iter().flat_map(|(op, _)| op.needs.iter().copied()).collect();
    needs.sort_unstable();
    needs.dedup();
    let needed = if handing.only_kept.is_some() { Vec::new() } else { apply::present(tx.conn, judge.rights, &needs)? };
    let mut there: HashSet<Id> = needed.into_iter().collect();
    let mut outcomes: Vec<Option<Outcome>> = vec![None; fresh.len()];
    let mut place = 0;
    while let Some((op, reused)) = fresh.get(place) {
        let (taken, found) = if let Some(code) = handing.only_kept {
            let place = apply::place(tx.conn, judge.rights, op)?;
            (1, vec![kept(&Problem::new(code), handing.language, None, place)])
        } else if *reused {
            (1, vec![kept(&Problem::new(Code::OpReused), handing.language, None, None)])
        } else {
            unit(tx, judge, fresh.get(place..).unwrap_or_default(), &there)?
        };
        for (offset, outcome) in found.into_iter().enumerate() {
            if let Some((op, _)) = fresh.get(place + offset).filter(|_| outcome.is_done()) {
                there.insert(op.op_id);
                there.extend(op.record);
            }
            if let Some(slot) = outcomes.get_mut(place + offset) {
                *slot = Some(outcome);
            }
        }
        debug_assert!(taken > 0, "{}", op.kind);
        place += taken.max(1);
    }
    outcomes.into_iter().map(|one| one.ok_or_else(|| Problem::internal("an operation without an outcome"))).collect()
}

/// What an operation waits for. One that can never be done waits for nothing: people see it at once.
fn missing(op: &Operation, there: &HashSet<Id>) -> Vec<Id> {
    if op.act.is_err() {
        return Vec::new();
    }
    op.needs.iter().copied().filter(|id| !there.contains(id)).collect()
}

/// The next unit of work: a group, the answers of one inspection that follow each other, or one operation.
fn unit(
    tx: &mut Tx<'_>,
    judge: &Judge<'_>,
    rest: &[(&Operation, bool)],
    there: &HashSet<Id>,
) -> Result<(usize, Vec<Outcome>), Problem> {
    let Some((first, _)) = rest.first() else { return Ok((1, Vec::new())) };
    if first.group.is_some() {
        let group: Vec<&Operation> = rest.iter().map(|(op, _)| *op).take_while(|op| op.group == first.group).collect();
        let again = |place: usize| rest.get(place).is_some_and(|(_, reused)| *reused);
        if (0..group.len()).any(again) {
            let reason = |place| Problem::new(if again(place) { Code::OpReused } else { Code::GroupRefused });
            let outcomes = (0..group.len()).map(|place| judge.kept(&reason(place), None, None));
            return Ok((group.len(), outcomes.collect()));
        }
        return Ok((group.len(), of_group(tx, judge, &group, there)?));
    }
    let waits = missing(first, there);
    if !waits.is_empty() {
        return Ok((1, vec![Outcome::held(&waits)]));
    }
    let answers = following(rest, there);
    let (Some(inspection), true) = (first.record, answers.len() > 1) else {
        return Ok((1, vec![judge.one(tx, first)?]));
    };
    let verdicts = run_answers(tx, judge.rights, inspection, &answers, judge.device)?;
    let mut outcomes = Vec::with_capacity(verdicts.len());
    for (given, verdict) in answers.iter().zip(verdicts) {
        outcomes.push(judge.of_answer(tx, given.op, verdict)?);
    }
    Ok((answers.len(), outcomes))
}

/// Answers to different items of the same inspection, one after the other.
fn following<'a>(rest: &[(&'a Operation, bool)], there: &HashSet<Id>) -> Vec<Given<'a>> {
    let mut answers: Vec<Given<'a>> = Vec::new();
    let inspection = rest.first().and_then(|(op, _)| op.record);
    for (op, reused) in rest {
        let Ok(Act::Answer(code, set)) = &op.act else { break };
        let again = answers.iter().any(|one| one.code == code);
        if *reused || again || op.group.is_some() || op.record != inspection || !missing(op, there).is_empty() {
            break;
        }
        answers.push(Given { op, code, set });
    }
    answers
}

fn of_group(
    tx: &mut Tx<'_>,
    judge: &Judge<'_>,
    group: &[&Operation],
    there: &HashSet<Id>,
) -> Result<Vec<Outcome>, Problem> {
    if group.len() > MOST {
        let problem = Problem::new(Code::GroupRefused).detail("每组至多 50 项", "a group has at most 50 operations");
        return Ok(group.iter().map(|_| judge.kept(&problem, None, None)).collect());
    }
    // What one of the group makes, another of it may need.
    let own: HashSet<Id> = group.iter().flat_map(|op| op.record.into_iter().chain([op.op_id])).collect();
    let waits: Vec<Id> = group.iter().flat_map(|op| missing(op, there)).filter(|id| !own.contains(id)).collect();
    if waits.is_empty() {
        held::together(tx, judge, group)
    } else {
        Ok(group.iter().map(|_| Outcome::held(&waits)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::db::types::Timestamp;
    use crate::sync::op::read;
    use serde_json::value::RawValue;

    fn ops(list: &[(i64, Option<&str>)]) -> Vec<Operation> {
        let one = |(seq, group): &(i64, Option<&str>)| {
            let body = json!({"seq": seq, "op_id": uuid::Uuid::from_u128(u128::try_from(*seq).unwrap()), "kind": "x", "group": group});
            let raw = RawValue::from_string(body.to_string()).unwrap();
            read(0, &raw, 1, None, Timestamp::from_micros(0)).unwrap()
        };
        list.iter().map(one).collect()
    }

    #[test]
    fn transactions_hold_fifty_and_never_part_a_group() {
        let many: Vec<(i64, Option<&str>)> = (1..=120).rev().map(|seq| (seq, None)).collect();
        let sizes: Vec<usize> = portions(&ops(&many)).iter().map(Vec::len).collect();
        assert_eq!(sizes, [50, 50, 20]);
        let mut mixed: Vec<(i64, Option<&str>)> = (1..=48).map(|seq| (seq, None)).collect();
        mixed.extend([(49, Some("g")), (50, None), (51, Some("g")), (52, Some("g"))]);
        let portions = portions(&ops(&mixed));
        assert_eq!(portions.iter().map(Vec::len).collect::<Vec<_>>(), [48, 4]);
        assert_eq!(portions[1], [48, 50, 51, 49]);
    }
}
