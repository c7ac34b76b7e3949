//! An operation as a phone hands it in. What is wrong with one never stops another: an operation that cannot be read is
//! kept with its fault.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::evidence::body::Declaration;
use crate::hazards::body::TransitionBody;
use crate::hazards::routes::{NewComment, NewReport};
use crate::inspections::store::{CheckIn, NewInspection, Submit};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::{Code, Problem};
use crate::platform::http::{Body, Faults, FieldError, body};

/// The protocol this program speaks. Earlier ones are understood for ever: 0, of the first trials, called `set` `data`.
pub const SCHEMA: i32 = 1;
/// Most ids that one operation may wait for.
pub const MAX_NEEDS: usize = 200;
/// Most characters of a kind or a group.
const MAX_WORD: usize = 100;

/// What an operation does.
#[derive(Debug)]
pub enum Act {
    /// `inspection.create`
    Create(Body<NewInspection>),
    /// `inspection.check_in`
    CheckIn(Body<CheckIn>),
    /// `inspection.answer`: the item, and the fields to change.
    Answer(String, Map<String, Value>),
    /// `inspection.submit`
    Submit(Body<Submit>),
    /// `hazard.report`
    Report(Body<NewReport>),
    /// `hazard.transition`
    Move(Body<TransitionBody>),
    /// `comment.add`, on this hazard.
    Comment(Id, Body<NewComment>),
    /// `evidence.declare`
    Declare(Box<Body<Declaration>>),
}

/// An operation, read.
#[derive(Debug)]
pub struct Operation {
    /// The device's how-manieth.
    pub seq: i64,
    /// Its own id.
    pub op_id: Id,
    /// What it does, in words.
    pub kind: String,
    /// The record it makes or changes.
    pub record: Option<Id>,
    /// The version of the record that the device had seen.
    pub base_version: Option<i64>,
    /// When, by the device; proves nothing.
    pub occurred_at: Option<Timestamp>,
    /// Ids of records or operations that must be there first.
    pub needs: Vec<Id>,
    /// All or none of those with the same word.
    pub group: Option<String>,
    /// In which protocol.
    pub schema: i32,
    /// Seconds by which the device's clock was ahead when it was handed in.
    pub skew_s: Option<i64>,
    /// As it came, byte for byte.
    pub body: String,
    /// Over the body with its keys sorted and blanks removed; over its bytes where it cannot be read.
    pub hash: Vec<u8>,
    /// What to do, or why that cannot be told.
    pub act: Result<Act, Problem>,
}

fn fault(pointer: &str, code: &'static str, zh: &str, en: &str) -> Problem {
    Problem::invalid(FieldError::new(pointer, code, zh, en))
}

fn id_at(object: &Map<String, Value>, name: &str) -> Option<Id> {
    object.get(name).and_then(Value::as_str).and_then(|text| text.parse().ok())
}

/// What identifies an operation; without it nothing could be acknowledged, and the whole request is refused.
///
/// # Errors
/// 422 with a pointer into the request.
pub fn identity(place: usize, tree: &Value) -> Result<(i64, Id), Problem> {
    let mut faults = Faults::default();
    let seq = tree.get("seq").and_then(Value::as_i64).filter(|seq| *seq >= 1);
    let op_id = tree.as_object().and_then(|object| id_at(object, "op_id"));
    if seq.is_none() {
        faults.say(&format!("/ops/{place}/seq"), "required", "须为不小于 1 的整数", "must be an integer of at least 1");
    }
    if op_id.is_none() {
        faults.say(&format!("/ops/{place}/op_id"), "required", "须为 UUID", "must be a UUID");
    }
    faults.finish()?;
    seq.zip(op_id).ok_or_else(|| Problem::new(Code::ValidationFailed))
}

/// Reads one operation.
///
/// # Errors
/// 422 where it has no identity.
pub fn read(
    place: usize,
    raw: &RawValue,
    schema: i32,
    skew_s: Option<i64>,
    now: Timestamp,
) -> Result<Operation, Problem> {
    let (tree, unreadable) = tree(raw);
    let (seq, op_id) = identity(place, &tree)?;
    let hash = match &unreadable {
        None => Sha256::digest(tree.to_string().as_bytes()),
        Some(_) => Sha256::digest(raw.get().as_bytes()),
    };
    let object = upgraded(tree, schema);
    let word = |name: &str| {
        let text = object.get(name).and_then(Value::as_str);
        text.map(|text| text.chars().filter(|c| !c.is_control()).take(MAX_WORD).collect::<String>())
    };
    let occurred_at = object.get("occurred_at").and_then(Value::as_str).and_then(Timestamp::parse);
    let kind = word("kind").unwrap_or_default();
    let record = id_at(&object, "id");
    // What waits for itself waits for nothing.
    let needs: Vec<Id> = object
        .get("needs")
        .and_then(Value::as_array)
        .map(|all| {
            all.iter().filter_map(|id| id.as_str()?.parse().ok()).filter(|id| *id != op_id).take(MAX_NEEDS).collect()
        })
        .unwrap_or_default();
    let act = unreadable
        .map_or_else(|| check(&object, schema), Err)
        .and_then(|()| act(&kind, record, &object, (occurred_at, skew_s, now)));
    Ok(Operation {
        seq,
        op_id,
        record,
        base_version: object.get("base_version").and_then(Value::as_i64),
        occurred_at,
        needs,
        group: word("group").filter(|group| !group.is_empty()),
        schema,
        skew_s,
        body: raw.get().to_owned(),
        hash: hash.to_vec(),
        act,
        kind,
    })
}

/// The parts of an operation, and what is wrong with those that are JSON by their form alone: numbers beyond all range,
/// half characters, a thousand brackets. Such an operation has its identity and is kept like any other.
fn tree(raw: &RawValue) -> (Value, Option<Problem>) {
    match serde_json::from_str(raw.get()) {
        Ok(tree) => (tree, None),
        Err(error) => {
            let unreadable = body::unreadable(&error);
            let parts: BTreeMap<String, Box<RawValue>> = serde_json::from_str(raw.get()).unwrap_or_default();
            let read = |(name, part): (String, Box<RawValue>)| Some((name, serde_json::from_str(part.get()).ok()?));
            (Value::Object(parts.into_iter().filter_map(read).collect()), Some(unreadable))
        }
    }
}

fn upgraded(tree: Value, schema: i32) -> Map<String, Value> {
    let Value::Object(mut object) = tree else { return Map::new() };
    if schema < 1
        && let Some(data) = object.remove("data")
    {
        object.entry("set").or_insert(data);
    }
    object
}

const KNOWN: [&str; 9] = ["seq", "op_id", "kind", "id", "base_version", "set", "occurred_at", "needs", "group"];

fn check(object: &Map<String, Value>, schema: i32) -> Result<(), Problem> {
    if schema > SCHEMA {
        return Err(Problem::new(Code::SchemaTooNew));
    }
    if object.iter().any(|(name, part)| name.chars().any(body::forbidden) || holds_control(part)) {
        return Err(fault("", "control_character", "不得含控制字符", "must not contain control characters"));
    }
    let unknown = object.keys().filter(|key| !KNOWN.contains(&key.as_str()));
    let unknown: Vec<_> = unknown
        .map(|key| FieldError::new(format!("/{key}"), "unknown_field", "未知字段", "is not a known field"))
        .collect();
    if !unknown.is_empty() {
        return Err(Problem::new(Code::MalformedBody).errors(unknown));
    }
    let ids = object.get("needs").filter(|needs| !needs.is_null()).map(|needs| {
        needs.as_array().is_some_and(|all| {
            all.len() <= MAX_NEEDS && all.iter().all(|id| id.as_str().is_some_and(|id| id.parse::<Id>().is_ok()))
        })
    });
    if ids == Some(false) {
        return Err(fault("/needs", "invalid_format", "须为至多 200 个 UUID", "must be at most 200 UUIDs"));
    }
    if object.get("base_version").is_some_and(|version| !version.is_null() && version.as_i64().is_none()) {
        return Err(fault("/base_version", "invalid_format", "须为整数", "must be an integer"));
    }
    Ok(())
}

/// Control characters anywhere: nothing of them gets into answers, rows or the ledger's columns.
fn holds_control(part: &Value) -> bool {
    match part {
        Value::String(text) => text.chars().any(body::forbidden),
        Value::Array(parts) => parts.iter().any(holds_control),
        Value::Object(parts) => {
            parts.iter().any(|(name, part)| name.chars().any(body::forbidden) || holds_control(part))
        }
        _ => false,
    }
}

/// When something happened by the server's clock, as far as the device's clock and its measured error tell.
#[must_use]
pub fn corrected(occurred_at: Option<Timestamp>, skew_s: Option<i64>, now: Timestamp) -> Option<Timestamp> {
    let at = occurred_at? - TimeDelta::try_seconds(skew_s.unwrap_or(0)).unwrap_or_default();
    // Two clocks that lie in opposite ways lead out of every calendar.
    Some(at.min(now).max(Timestamp::from_micros(0)))
}

fn act(
    kind: &str,
    record: Option<Id>,
    object: &Map<String, Value>,
    (occurred_at, skew_s, now): (Option<Timestamp>, Option<i64>, Timestamp),
) -> Result<Act, Problem> {
    let mut set = match object.get("set") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(set)) => set.clone(),
        Some(_) => return Err(fault("/set", "wrong_type", "须为对象", "must be an object")),
    };
    let record = || record.ok_or_else(|| Problem::invalid(FieldError::required("/id")));
    match kind {
        "inspection.create" => {
            set.insert("id".into(), json!(record()?));
            Ok(Act::Create(Body::of(&Value::Object(set))))
        }
        "inspection.check_in" => {
            record()?;
            device_time(&mut set, occurred_at);
            Ok(Act::CheckIn(Body::of(&Value::Object(set))))
        }
        "inspection.answer" => {
            record()?;
            device_time(&mut set, occurred_at);
            match set.remove("item_code") {
                Some(Value::String(code)) => Ok(Act::Answer(code, set)),
                _ => Err(Problem::invalid(FieldError::required("/set/item_code"))),
            }
        }
        "inspection.submit" => {
            record()?;
            Ok(Act::Submit(Body::of(&Value::Object(set))))
        }
        "hazard.report" => {
            set.insert("id".into(), json!(record()?));
            found_at(&mut set, corrected(occurred_at, skew_s, now), skew_s, now);
            Ok(Act::Report(Body::of(&Value::Object(set))))
        }
        "hazard.transition" => {
            record()?;
            Ok(Act::Move(Body::of(&Value::Object(set))))
        }
        "comment.add" => {
            let hazard = set.remove("hazard_id").and_then(|id| id.as_str()?.parse().ok());
            let hazard = hazard.ok_or_else(|| Problem::invalid(FieldError::required("/set/hazard_id")))?;
            set.insert("id".into(), json!(record()?));
            Ok(Act::Comment(hazard, Body::of(&Value::Object(set))))
        }
        "evidence.declare" => {
            set.insert("id".into(), json!(record()?));
            device_time(&mut set, occurred_at);
            Ok(Act::Declare(Box::new(Body::of(&Value::Object(set)))))
        }
        _ => Err(Problem::new(Code::UnknownKind)),
    }
}

fn device_time(set: &mut Map<String, Value>, occurred_at: Option<Timestamp>) {
    if let Some(at) = occurred_at {
        set.entry("device_time").or_insert(json!(at));
    }
}

/// When it was found is the device's to say, less the error of its clock; never later than now.
fn found_at(set: &mut Map<String, Value>, occurred: Option<Timestamp>, skew_s: Option<i64>, now: Timestamp) {
    let said = set.get("found_at").and_then(Value::as_str).and_then(Timestamp::parse);
    let found = match said {
        Some(at) if at > now => corrected(Some(at), skew_s, now),
        Some(_) => return,
        None if set.get("found_at").is_none_or(Value::is_null) => occurred,
        None => return,
    };
    if let Some(at) = found {
        set.insert("found_at".into(), json!(at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(text: &str, schema: i32) -> Operation {
        let raw = RawValue::from_string(text.to_owned()).unwrap();
        read(0, &raw, schema, Some(172_800), Timestamp::parse("2026-03-02T02:00:00Z").unwrap()).unwrap()
    }

    #[test]
    fn a_clock_two_days_ahead_is_set_right_by_its_measured_error() {
        let at = op(
            r#"{"seq":1,"op_id":"00000000-0000-7000-8000-000000000001","kind":"hazard.report",
                "id":"00000000-0000-7000-8000-000000000002","occurred_at":"2026-03-04T01:00:00Z","set":{}}"#,
            1,
        );
        let Ok(Act::Report(_)) = &at.act else { panic!() };
        let now = Timestamp::parse("2026-03-02T02:00:00Z").unwrap();
        let corrected = corrected(at.occurred_at, at.skew_s, now).unwrap();
        assert_eq!(corrected, Timestamp::parse("2026-03-02T01:00:00Z").unwrap());
    }

    #[test]
    fn the_first_protocol_is_still_understood() {
        let old = op(
            r#"{"seq":1,"op_id":"00000000-0000-7000-8000-000000000001","kind":"inspection.answer",
                "id":"00000000-0000-7000-8000-000000000002","data":{"item_code":"fang-001","result":"pass"}}"#,
            0,
        );
        assert!(matches!(&old.act, Ok(Act::Answer(code, _)) if code == "fang-001"));
        assert_eq!(op(&old.body, 2).act.unwrap_err().code, Code::SchemaTooNew);
    }

    #[test]
    fn json_by_its_form_alone_keeps_its_identity() {
        let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
        for set in [r#"{"text":"\ud800"}"#, r#"{"n":1e999}"#, deep.as_str()] {
            let text = format!(
                r#"{{"seq":7,"op_id":"00000000-0000-7000-8000-000000000001","kind":"comment.add","group":"g","set":{set}}}"#
            );
            let kept = op(&text, 1);
            assert_eq!((kept.seq, kept.kind.as_str(), kept.group.as_deref()), (7, "comment.add", Some("g")));
            assert_eq!((kept.body.as_str(), kept.act.unwrap_err().code), (text.as_str(), Code::MalformedBody));
        }
    }

    #[test]
    fn two_clocks_that_lie_in_opposite_ways_stay_within_the_calendar() {
        // The year 0.
        let at = Timestamp::from_micros(-62_167_219_200_000_000);
        let now = Timestamp::parse("2026-03-02T02:00:00Z").unwrap();
        assert_eq!(corrected(Some(at), Some(251_000_000_000), now), Some(Timestamp::from_micros(0)));
        assert_eq!(corrected(Some(now), Some(-251_000_000_000), now), Some(now));
    }

    #[test]
    fn what_is_wrong_with_an_operation_is_its_own_fault() {
        let bad = op(r#"{"seq":1,"op_id":"00000000-0000-7000-8000-000000000001","kind":"record.create"}"#, 1);
        assert_eq!(bad.act.unwrap_err().code, Code::UnknownKind);
        let raw = RawValue::from_string(r#"{"seq":0}"#.to_owned()).unwrap();
        let problem = read(3, &raw, 1, None, Timestamp::from_micros(0)).unwrap_err();
        let at: Vec<_> = problem.errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(at, ["/ops/3/seq", "/ops/3/op_id"]);
    }
}
