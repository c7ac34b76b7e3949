//! Answers: first-class rows, one for each item that concerns the school.

use std::collections::{BTreeMap, HashSet};

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::answer_record::{AnswerRow, AnswerView, rows_of, shown, with_items};
use super::people;
use super::rights::may;
use super::sight::{Seen, domains_in_sight};
use crate::access::Rights;
use crate::catalogue::rules::{Fault, Item, Severity};
use crate::catalogue::words::invalid;
use crate::evidence::store::arrived;
use crate::inspections::rules::{self, Action, AnswerInput, Evaluated, Outcome};
use crate::platform::db::schema::{answers, sites};
use crate::platform::db::types::{Doc, Id, Timestamp};
use crate::platform::db::{Conn, Receipt, Tx};
use crate::platform::error::Problem;
use crate::platform::http::{Check, Faults};
use crate::platform::journal::Event;

const MAX_ANSWERS: usize = 500;

/// The answer to one item. It takes the place of the answer given before.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerBody {
    /// Which item; in the path where one is answered alone.
    #[schema(example = "fang-003")]
    pub item_code: Option<String>,
    /// Decides pass/fail items; marks a text as failed; `na` with a reason where the item allows it. For numbers and
    /// choices the server derives it from the value.
    pub result: Option<Outcome>,
    /// The number, the option or the text.
    #[schema(value_type = Option<Value>)]
    pub value: Option<Value>,
    /// A remark, at most 2000 characters.
    pub note: Option<String>,
    /// Why it does not apply.
    pub reason: Option<String>,
    /// Where in the school.
    pub site_id: Option<Id>,
    /// Claims of photos; their content may come later.
    #[serde(default)]
    pub evidence_ids: Vec<Id>,
    /// Put right during the visit.
    #[serde(default)]
    pub on_the_spot: bool,
    /// Photos before the fix.
    #[serde(default)]
    pub before_evidence_ids: Vec<Id>,
    /// Photos after the fix.
    #[serde(default)]
    pub after_evidence_ids: Vec<Id>,
    /// How it was put right.
    pub measures_taken: Option<String>,
    /// Who put it right; not who answers.
    pub fixed_by: Option<Id>,
    /// Proposed level, at least the item's own.
    pub severity: Option<Severity>,
    /// What the device's clock said.
    pub device_time: Option<Timestamp>,
    /// Handed in from offline by this operation; set by the server.
    #[serde(skip)]
    #[schema(ignore)]
    pub origin: Option<Origin>,
}

/// The operation of a device that an answer came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Which device.
    pub device: Id,
    /// Its how-manieth operation.
    pub seq: i64,
}

impl Check for AnswerBody {}

impl AnswerBody {
    fn claims(&self) -> bool {
        [&self.evidence_ids, &self.before_evidence_ids, &self.after_evidence_ids].iter().any(|ids| !ids.is_empty())
    }

    fn input(&self) -> AnswerInput {
        let ids = |ids: &[Id]| ids.iter().map(|id| id.0).collect();
        AnswerInput {
            result: self.result,
            value: self.value.clone(),
            note: self.note.clone(),
            reason: self.reason.clone(),
            evidence_ids: ids(&self.evidence_ids),
            on_the_spot: self.on_the_spot,
            before_evidence_ids: ids(&self.before_evidence_ids),
            after_evidence_ids: ids(&self.after_evidence_ids),
            measures_taken: self.measures_taken.clone(),
            fixed_by: self.fixed_by.map(|id| id.0),
            severity: self.severity,
        }
    }
}

/// Several answers at once: all or none.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswersBody {
    /// At most 500, each with its `item_code`.
    pub answers: Vec<AnswerBody>,
}

impl Check for AnswersBody {
    fn check(&self, faults: &mut Faults) {
        check_codes(faults, &self.answers);
    }
}

/// Each of several answers names its item, and no item twice.
pub(super) fn check_codes(faults: &mut Faults, answers: &[AnswerBody]) {
    faults.at_most("/answers", answers.len(), MAX_ANSWERS);
    for (place, answer) in answers.iter().enumerate() {
        let at = format!("/answers/{place}/item_code");
        match &answer.item_code {
            None => faults.add(Fault::at(at, "required").into()),
            Some(code) if answers.iter().take(place).any(|other| other.item_code.as_ref() == Some(code)) => {
                faults.add(Fault::at(at, "duplicate").into());
            }
            Some(_) => {}
        }
    }
}

/// The answers of an inspection that the caller may see, in order.
///
/// # Errors
/// Whatever the engine says.
pub fn answers_of(conn: &mut Conn, rights: &Rights, seen: &Seen) -> Result<Vec<AnswerView>, Problem> {
    let mut rows = rows_of(conn, seen.row.id)?;
    if let Some(domains) = domains_in_sight(conn, rights, seen)? {
        rows.retain(|row| domains.contains(&row.domain));
    }
    Ok(with_items(conn, rows)?.into_iter().map(|(row, item)| shown(row, item)).collect())
}

/// Checks that an inspection in sight has this item, in the domains the caller sees.
///
/// # Errors
/// 404 where it has not.
pub fn has_item(conn: &mut Conn, rights: &Rights, seen: &Seen, code: &str) -> Result<(), Problem> {
    // PostgreSQL keeps no U+0000 and would call it a fault of the server.
    if code.chars().any(crate::platform::http::body::forbidden) {
        return Err(Problem::not_found());
    }
    let domain: String = answers::table
        .filter(answers::inspection_id.eq(seen.row.id))
        .filter(answers::item_code.eq(code))
        .select(answers::domain)
        .first(conn)?;
    let sight = domains_in_sight(conn, rights, seen)?;
    if sight.is_none_or(|domains| domains.contains(&domain)) { Ok(()) } else { Err(Problem::not_found()) }
}

/// Stores answers; `place` tells where in the body each stands. No receipt where all of them are stored already.
///
/// # Errors
/// 404 for a site or a person out of sight; 422 with every fault; 409 by the rules.
pub fn answer(
    tx: &mut Tx<'_>,
    rights: &Rights,
    seen: &Seen,
    bodies: &[AnswerBody],
    place: impl Fn(usize) -> String,
) -> Result<(Option<Receipt>, Vec<AnswerView>), Problem> {
    let given = judged(tx, rights, seen, bodies, place)?;
    let answerer = rights.user_id();
    may(tx.conn, rights, seen, Action::Answer)?;
    let claiming: Vec<&str> =
        bodies.iter().filter(|body| body.claims()).filter_map(|body| body.item_code.as_deref()).collect();
    let there = arrived(tx.conn, seen.row.id, &claiming)?;
    let mut changes = Vec::new();
    let mut views = Vec::new();
    let none = HashSet::new();
    for (row, item, body, evaluated) in given {
        let mut after = after(&row, body, &evaluated, answerer, tx.now);
        let received = there.get(&row.item_code).unwrap_or(&none);
        weigh(&mut after, &item, received);
        touch(&row, &mut after, body.origin.as_ref());
        if same(&row, &after) {
            views.push(shown(row, item));
            continue;
        }
        put(tx.conn, &after)?;
        changes.push(json!({"item_code": row.item_code, "from": row.result, "to": after.result}));
        views.push(shown(after, item));
    }
    if changes.is_empty() {
        return Ok((None, views));
    }
    let event = Event::of("inspection", seen.row.id, "answered")
        .at(seen.row.bureau_id, seen.row.org_id)
        .with(json!({"answers": changes}));
    Ok((Some(tx.record(event)?), views))
}

/// An answer as it was given: the row it takes the place in, its item, and what it is worth.
pub(super) type Given<'a> = (AnswerRow, Item, &'a AnswerBody, Evaluated);

/// What answers are worth, before anybody asks whether they may be given now.
///
/// # Errors
/// 404 for a site or a person out of sight; 422 with every fault.
pub(super) fn judged<'a>(
    tx: &mut Tx<'_>,
    rights: &Rights,
    seen: &Seen,
    bodies: &'a [AnswerBody],
    place: impl Fn(usize) -> String,
) -> Result<Vec<Given<'a>>, Problem> {
    let codes: Vec<String> = bodies.iter().filter_map(|body| body.item_code.clone()).collect();
    let rows: Vec<AnswerRow> = answers::table
        .filter(answers::inspection_id.eq(seen.row.id))
        .filter(answers::item_code.eq_any(codes))
        .select(AnswerRow::as_select())
        .load(tx.conn)?;
    named(tx, seen, bodies)?;
    let mut known = with_items(tx.conn, rows)?;
    let answerer = rights.user_id();
    let mut faults = Vec::new();
    let mut given: Vec<Given<'a>> = Vec::new();
    for (index, body) in bodies.iter().enumerate() {
        let at = place(index);
        let found = known.iter().position(|(row, _)| Some(&row.item_code) == body.item_code.as_ref());
        let Some(found) = found else {
            faults.push(Fault::at(format!("{at}/item_code"), "unknown_item"));
            continue;
        };
        let (row, item) = known.swap_remove(found);
        match rules::evaluate(&item, &body.input(), answerer.0) {
            Ok(evaluated) => given.push((row, item, body, evaluated)),
            Err(found) => faults.extend(found.into_iter().map(|fault| fault.under(&at))),
        }
    }
    if !faults.is_empty() {
        return Err(invalid(faults));
    }
    Ok(given)
}

/// Sites must be the school's; who fixed must be of the school or the bureau.
fn named(tx: &mut Tx<'_>, seen: &Seen, bodies: &[AnswerBody]) -> Result<(), Problem> {
    let mut wanted: Vec<Id> = bodies.iter().filter_map(|body| body.site_id).collect();
    wanted.sort_unstable();
    wanted.dedup();
    if !wanted.is_empty() {
        let found: Vec<Id> = sites::table
            .filter(sites::org_id.eq(seen.org.id))
            .filter(sites::id.eq_any(wanted.clone()))
            .select(sites::id)
            .load(tx.conn)?;
        if found.len() < wanted.len() {
            return Err(Problem::not_found());
        }
    }
    let fixers: Vec<Id> = bodies.iter().filter_map(|body| body.fixed_by).collect();
    if fixers.is_empty() { Ok(()) } else { people::known(tx.conn, &seen.org, &fixers, tx.now) }
}

pub(super) fn after(
    row: &AnswerRow,
    body: &AnswerBody,
    evaluated: &Evaluated,
    answerer: Id,
    now: Timestamp,
) -> AnswerRow {
    AnswerRow {
        version: row.version + 1,
        updated_at: now,
        result: Some(evaluated.result),
        value: evaluated.value.clone().map(Doc),
        note: body.note.clone(),
        reason: body.reason.clone(),
        site_id: body.site_id,
        severity: evaluated.severity,
        on_the_spot: evaluated.on_the_spot,
        evidence_ids: Doc::of(&body.evidence_ids),
        before_evidence_ids: Doc::of(&body.before_evidence_ids),
        after_evidence_ids: Doc::of(&body.after_evidence_ids),
        measures_taken: body.measures_taken.clone(),
        fixed_by: body.fixed_by,
        answered_by: Some(answerer),
        answered_at: Some(now),
        device_time: body.device_time,
        ..row.clone()
    }
}

/// At which version a field last changed, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    /// The version of the answer it came with.
    pub version: i64,
    /// The operation; nothing for a request.
    pub origin: Option<Origin>,
}

/// When each field last changed, by its name.
pub type Touched = BTreeMap<String, Touch>;

/// The fields of an answer that people set, as they are in JSON.
#[must_use]
pub fn fields(row: &AnswerRow) -> [(&'static str, Value); 12] {
    [
        ("result", json!(row.result)),
        ("value", row.value.as_ref().map(|doc| doc.0.clone()).unwrap_or_default()),
        ("note", json!(row.note)),
        ("reason", json!(row.reason)),
        ("site_id", json!(row.site_id)),
        ("severity", json!(row.severity)),
        ("on_the_spot", json!(row.on_the_spot)),
        ("evidence_ids", row.evidence_ids.0.clone()),
        ("before_evidence_ids", row.before_evidence_ids.0.clone()),
        ("after_evidence_ids", row.after_evidence_ids.0.clone()),
        ("measures_taken", json!(row.measures_taken)),
        ("fixed_by", json!(row.fixed_by)),
    ]
}

/// Notes which fields an answer changed, so that two devices which change different ones of the same answer do not
/// undo each other.
pub(super) fn touch(before: &AnswerRow, after: &mut AnswerRow, origin: Option<&Origin>) {
    let mut touched: Touched = before.touched.as_ref().map(Doc::read).unwrap_or_default();
    for ((name, old), (_, new)) in fields(before).into_iter().zip(fields(after)) {
        if old != new {
            touched.insert(name.to_owned(), Touch { version: after.version, origin: origin.cloned() });
        }
    }
    after.touched = Some(Doc::of(&touched));
}

/// Whether an answer says what is stored already: a repeat, which changes nothing.
fn same(old: &AnswerRow, new: &AnswerRow) -> bool {
    says_the_same(old, new) && old.answered_by == new.answered_by && old.device_time == new.device_time
}

/// Whether two answers say the same, whoever gave them.
pub(super) fn says_the_same(old: &AnswerRow, new: &AnswerRow) -> bool {
    old.result == new.result
        && old.value == new.value
        && old.note == new.note
        && old.reason == new.reason
        && old.site_id == new.site_id
        && old.severity == new.severity
        && old.on_the_spot == new.on_the_spot
        && old.evidence_ids == new.evidence_ids
        && old.before_evidence_ids == new.before_evidence_ids
        && old.after_evidence_ids == new.after_evidence_ids
        && old.measures_taken == new.measures_taken
        && old.fixed_by == new.fixed_by
}

/// How many of its photos are there and how many are missing, of what was received for this very item.
pub fn weigh(row: &mut AnswerRow, item: &Item, received: &HashSet<Uuid>) {
    let claims = row.claims(item);
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    row.photos_received = count(claims.received(received));
    row.evidence_gaps = count(claims.gaps(received).len());
}

pub(super) fn put(conn: &mut Conn, row: &AnswerRow) -> Result<(), Problem> {
    diesel::update(answers::table.find(row.id))
        .set((
            answers::version.eq(row.version),
            answers::updated_at.eq(row.updated_at),
            answers::result.eq(row.result),
            answers::value.eq(row.value.clone()),
            answers::note.eq(&row.note),
            answers::reason.eq(&row.reason),
            answers::site_id.eq(row.site_id),
            answers::severity.eq(row.severity),
            answers::on_the_spot.eq(row.on_the_spot),
            answers::evidence_ids.eq(&row.evidence_ids),
            answers::before_evidence_ids.eq(&row.before_evidence_ids),
            answers::after_evidence_ids.eq(&row.after_evidence_ids),
            answers::measures_taken.eq(&row.measures_taken),
            answers::fixed_by.eq(row.fixed_by),
            answers::answered_by.eq(row.answered_by),
            answers::answered_at.eq(row.answered_at),
            answers::device_time.eq(row.device_time),
            answers::photos_received.eq(row.photos_received),
            answers::evidence_gaps.eq(row.evidence_gaps),
            answers::touched.eq(&row.touched),
        ))
        .execute(conn)?;
    Ok(())
}
