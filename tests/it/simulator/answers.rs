//! Answers, played again from what was acknowledged: who overwrote whom, and what stands at the end.

use std::collections::BTreeMap;

use anxiao::platform::db::schema::answers;
use anxiao::platform::db::types::{Doc, Id};
use diesel::prelude::*;
use serde_json::{Value, json};

use super::oracle::Ack;
use super::sim::Sim;

/// The fields that the simulated people set.
const FIELDS: [&str; 3] = ["result", "note", "evidence_ids"];

/// When a field last changed, on which device, by which of its operations.
type Touch = (i64, (&'static str, &'static str), i64);

/// One answer.
#[derive(Debug, Default)]
struct Played {
    fields: BTreeMap<&'static str, Value>,
    touched: BTreeMap<&'static str, Touch>,
    version: i64,
}

fn empty(field: &str) -> Value {
    if field == "evidence_ids" { json!([]) } else { Value::Null }
}

impl Played {
    fn take(&mut self, ack: &Ack) {
        let version = ack.version.unwrap_or_else(|| panic!("an answer without a version: {ack:?}"));
        assert!(version >= self.version, "versions go back: {ack:?}");
        let device = (ack.who, ack.device);
        let seq = ack.body["seq"].as_i64().unwrap();
        let base = if ack.accepted && ack.told.get("conflict_id").is_some() {
            i64::MAX
        } else {
            ack.body["base_version"].as_i64().unwrap_or(1)
        };
        for field in FIELDS {
            let Some(new) = ack.body["set"].get(field) else { continue };
            let old = self.fields.get(field).cloned().unwrap_or_else(|| empty(field));
            if old == *new {
                continue;
            }
            if let Some((at, by, their_seq)) = self.touched.get(field) {
                if *by == device && *their_seq > seq {
                    continue;
                }
                assert!(
                    *by == device || *at <= base,
                    "an answer that the device had not seen was overwritten: {field} {old} of {by:?} at {at} by {ack:?}"
                );
            }
            assert!(version > self.version || self.version == 0, "a change without a version of its own: {ack:?}");
            self.fields.insert(field, new.clone());
            self.touched.insert(field, (version, device, seq));
        }
        self.version = version;
    }
}

impl Sim {
    /// Plays the answers that were acknowledged, and compares with what stands.
    pub fn answers_stand(&mut self) {
        let mut by_item: BTreeMap<(String, String), Vec<&Ack>> = BTreeMap::new();
        for ack in self.oracle.done().filter(|ack| ack.kind() == "inspection.answer") {
            let code = ack.body["set"]["item_code"].as_str().unwrap().to_owned();
            by_item.entry((ack.record(), code)).or_default().push(ack);
        }
        let mut played: BTreeMap<(String, String), Played> = BTreeMap::new();
        for (item, mut acks) in by_item {
            acks.sort_by_key(|ack| (ack.version, ack.order));
            let state = played.entry(item).or_default();
            acks.into_iter().for_each(|ack| state.take(ack));
        }
        type Row = (Id, String, i64, Option<Id>, Option<String>, Option<String>, Doc);
        let rows: Vec<Row> = answers::table
            .select((
                answers::inspection_id,
                answers::item_code,
                answers::version,
                answers::hazard_id,
                answers::result,
                answers::note,
                answers::evidence_ids,
            ))
            .load(self.conn())
            .unwrap();
        for (visit, code, version, hazard, result, note, photos) in rows {
            let item = (visit.to_string(), code);
            let stands = [("result", json!(result)), ("note", json!(note)), ("evidence_ids", photos.0)];
            let none = Played::default();
            let state = played.get(&item).unwrap_or(&none);
            for (field, there) in stands {
                let promised = state.fields.get(field).cloned().unwrap_or_else(|| empty(field));
                assert_eq!(there, promised, "G1: {field} of {item:?} is not what was acknowledged: {state:?}");
            }
            let last = state.version.max(1) + i64::from(hazard.is_some());
            assert_eq!(version, last, "G2: {item:?} changed more often than acknowledged");
        }
    }
}
