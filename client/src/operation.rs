//! Operations: what the user did, what is sent, what the server made of it, and what must come before what.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Most ids that one operation may wait for.
pub const MOST_NEEDS: usize = 200;

/// What the user did, before it has a number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// `inspection.answer`, `hazard.report` …
    pub kind: String,
    /// The record it is about: made here for what is new.
    pub id: Uuid,
    /// The version of the record that the user saw, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_version: Option<i64>,
    /// The fields.
    pub set: Map<String, Value>,
    /// Records made offline, or own operations, that must be there first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Uuid>,
    /// Operations of one group are applied all or not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// An operation as it is sent, always the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// Counts up from 1 on this device.
    pub seq: i64,
    /// Its name for ever.
    pub op_id: Uuid,
    /// What was done.
    #[serde(flatten)]
    pub draft: Draft,
    /// By this phone's clock, right or wrong.
    pub occurred_at: DateTime<Utc>,
}

/// What the server made of an operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Its number.
    pub seq: i64,
    /// Its name.
    pub op_id: Uuid,
    /// `applied`, `merged`, `duplicate`, `held`, `conflict`, `quarantined`.
    pub status: String,
    /// Of a `duplicate`: what it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// The record's version afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// Why it was not simply applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Value>,
    /// The record as it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<Value>,
    /// Of what is `held`: what it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting_for: Vec<Uuid>,
    /// Refused now: whether it was allowed when it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_then: Option<bool>,
    /// Where both values of a conflict are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict_id: Option<Uuid>,
    /// Where people look at what could not be applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine_id: Option<Uuid>,
}

impl Outcome {
    /// What became of the operation, however often it was sent.
    #[must_use]
    pub fn fate(&self) -> &str {
        self.was.as_deref().filter(|_| self.status == "duplicate").unwrap_or(&self.status)
    }
}

/// The operations of this device that must be there before a draft, among those that are not yet known to be done. With
/// these named, whatever is sent may arrive in any order.
#[must_use]
pub fn before<'a>(draft: &Draft, open: impl Iterator<Item = &'a Operation>) -> Vec<Uuid> {
    let about = subjects(draft);
    let comes_before = |op: &Operation| {
        let same = about.contains(&op.draft.id);
        match (op.draft.kind.as_str(), draft.kind.as_str()) {
            ("inspection.create" | "hazard.report", _) => same,
            ("inspection.check_in", kind) => same && kind != "inspection.check_in",
            ("inspection.answer", "inspection.submit") | ("hazard.transition", "hazard.transition") => same,
            _ => false,
        }
    };
    let mut needs: Vec<Uuid> = draft.needs.clone();
    for op in open.filter(|op| comes_before(op)) {
        if !needs.contains(&op.op_id) {
            needs.push(op.op_id);
        }
    }
    // The oldest were sent first.
    needs.split_off(needs.len().saturating_sub(MOST_NEEDS))
}

/// The records a draft is about.
fn subjects(draft: &Draft) -> Vec<Uuid> {
    let of = |map: &Map<String, Value>| {
        let ids = ["inspection_id", "hazard_id"].into_iter().filter_map(|name| map.get(name)?.as_str()?.parse().ok());
        ids.collect::<Vec<Uuid>>()
    };
    let mut all = vec![draft.id];
    all.extend(of(&draft.set));
    all.extend(draft.set.get("target").and_then(Value::as_object).map(of).unwrap_or_default());
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn op(seq: i64, kind: &str, id: u128, set: &Value) -> Operation {
        let set = set.as_object().cloned().unwrap_or_default();
        let draft =
            Draft { kind: kind.into(), id: Uuid::from_u128(id), base_version: None, set, needs: vec![], group: None };
        let op_id = Uuid::from_u128(1000 + u128::try_from(seq).unwrap());
        Operation { seq, op_id, draft, occurred_at: DateTime::UNIX_EPOCH }
    }

    #[test]
    fn each_names_what_must_be_there_first() {
        let visit = Uuid::from_u128(1);
        let done = [
            op(1, "inspection.create", 1, &json!({})),
            op(2, "inspection.check_in", 1, &json!({})),
            op(3, "inspection.answer", 1, &json!({"item_code": "fang-001"})),
            op(4, "inspection.answer", 2, &json!({"item_code": "fang-001"})),
            op(5, "hazard.report", 3, &json!({})),
            op(6, "hazard.transition", 3, &json!({})),
        ];
        let before = |kind: &str, id: u128, set: Value| -> Vec<u128> {
            let needs = before(&op(9, kind, id, &set).draft, done.iter());
            needs.iter().map(|id| id.as_u128() - 1000).collect()
        };
        assert_eq!(before("inspection.check_in", 1, json!({})), [1]);
        assert_eq!(before("inspection.answer", 1, json!({})), [1, 2]);
        assert_eq!(before("inspection.submit", 1, json!({})), [1, 2, 3]);
        let target = json!({"target": {"inspection_id": visit, "item_code": "fang-001"}});
        assert_eq!(before("evidence.declare", 8, target), [1, 2]);
        assert_eq!(before("comment.add", 8, json!({"hazard_id": Uuid::from_u128(3)})), [5]);
        assert_eq!(before("hazard.transition", 3, json!({})), [5, 6]);
        assert!(before("inspection.answer", 7, json!({})).is_empty());
    }

    #[test]
    fn no_more_is_named_than_the_server_takes() {
        let many: Vec<Operation> = (1..=300).map(|seq| op(seq, "inspection.answer", 1, &json!({}))).collect();
        let needs = before(&op(301, "inspection.submit", 1, &json!({})).draft, many.iter());
        assert_eq!((needs.len(), needs.last()), (MOST_NEEDS, Some(&many[299].op_id)));
    }
}
