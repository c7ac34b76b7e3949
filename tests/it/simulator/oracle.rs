//! What was acknowledged, in plain maps, and what every answer must agree with.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// What became of one body of one operation.
#[derive(Debug, Clone)]
pub struct Ack {
    pub who: &'static str,
    pub device: &'static str,
    pub body: Value,
    /// `applied`, `merged`, `held`, `conflict`, `quarantined`.
    pub status: String,
    pub version: Option<i64>,
    /// When it was first acknowledged; microseconds of the server's clock.
    pub at: i64,
    /// The how-manieth acknowledgement.
    pub order: usize,
    /// The server's own name for it, where it is kept for people.
    pub kept_as: Option<String>,
    /// As the answer told it, status and what depends on when it was asked apart.
    pub told: Value,
    /// Somebody had it done after all.
    pub accepted: bool,
    /// It waited, or was kept, before it was done: when it was done is not known to the minute.
    pub late: bool,
}

impl Ack {
    pub fn is_done(&self) -> bool {
        matches!(self.status.as_str(), "applied" | "merged") || self.accepted
    }

    pub fn kind(&self) -> &str {
        self.body["kind"].as_str().unwrap()
    }

    pub fn record(&self) -> String {
        self.body["id"].as_str().unwrap().to_owned()
    }

    pub fn op_id(&self) -> &str {
        self.body["op_id"].as_str().unwrap()
    }
}

/// Person, operation, body.
pub type Key = (&'static str, String, String);

/// What the server has promised.
#[derive(Debug, Clone, Default)]
pub struct Oracle {
    pub epoch: String,
    pub acks: BTreeMap<Key, Ack>,
    /// Hazards that were reported by a request and not by an operation.
    pub by_request: BTreeSet<String>,
    /// Hazards that a phone was shown.
    pub shown: BTreeSet<String>,
    /// Numbers that are stored, for each device.
    seqs: BTreeMap<(&'static str, &'static str), BTreeSet<i64>>,
    /// Files that were handed in whole for a piece of evidence, by its id.
    pub received: BTreeMap<String, String>,
    order: usize,
}

/// How an operation got from one state to another without being sent again.
fn may_become(before: &str, after: &str) -> bool {
    before == after || before == "held" || (after == "applied" && matches!(before, "quarantined" | "conflict"))
}

impl Oracle {
    /// Hears the answer to a push. `at_once`: others of the same operations are under way. Gives the status of what is
    /// new.
    pub fn hear(
        &mut self,
        (who, device): (&'static str, &'static str),
        ops: &[Value],
        body: &Value,
        now: i64,
        (at_once, handed_in): (bool, bool),
    ) -> Vec<&'static str> {
        assert_eq!(body["epoch"], json!(self.epoch), "the epoch of an answer");
        let results = body["results"].as_array().unwrap();
        assert_eq!(results.len(), ops.len(), "one result for each operation");
        let mut new = Vec::new();
        let known_before: BTreeSet<Key> = self.acks.keys().cloned().collect();
        let waits = self.must_wait(ops);
        for (op, result) in ops.iter().zip(results) {
            assert_eq!((&op["op_id"], &op["seq"]), (&result["op_id"], &result["seq"]), "a result of another operation");
            self.seqs.entry((who, device)).or_default().insert(op["seq"].as_i64().unwrap());
            if waits.contains(op["op_id"].as_str().unwrap()) && !handed_in {
                let absent = ["held", "duplicate"].contains(&result["status"].as_str().unwrap());
                assert!(
                    absent || result["problem"]["code"] == "op_reused",
                    "G3: what it needs is nowhere: {op} {result}"
                );
            }
            new.extend(self.one((who, device), op, result, now, (at_once, handed_in)));
        }
        self.groups(who, ops, &known_before);
        self.reach(who, device, body["acked_seq"].as_i64().unwrap());
        new
    }

    fn one(
        &mut self,
        (who, device): (&'static str, &'static str),
        op: &Value,
        result: &Value,
        now: i64,
        (at_once, handed_in): (bool, bool),
    ) -> Option<&'static str> {
        let key: Key = (who, op["op_id"].as_str().unwrap().to_owned(), op.to_string());
        let said = result["status"].as_str().unwrap();
        let status = result["was"].as_str().unwrap_or(said).to_owned();
        let mut told = result.clone();
        for name in ["status", "was"] {
            told.as_object_mut().unwrap().remove(name);
        }
        if let Some(known) = self.acks.get_mut(&key) {
            let about = format!("{op} was {} and is {result}", known.status);
            assert!(at_once || said == "duplicate", "G2: a repeat is not told as one: {about}");
            let before = if known.accepted { "applied" } else { known.status.as_str() };
            assert!(may_become(before, &status), "G2: a repeat tells something else: {about}");
            if before == status && !known.accepted {
                if handed_in {
                    // Who hands in with the device alone is told nothing of records.
                    for name in ["version", "row"] {
                        known.told.as_object_mut().unwrap().remove(name);
                        assert!(told.get(name).is_none(), "a device alone is told of a record: {about}");
                    }
                }
                assert_eq!(told, known.told, "G2: a repeat does not answer the same: {about}");
            } else if before == "held" {
                (known.status, known.told, known.late) = (status, told, true);
                known.version = result["version"].as_i64();
                known.kept_as = kept_as(result);
            }
            return None;
        }
        assert!(said != "duplicate" || at_once, "G2: called a repeat, and was never acknowledged: {op} {result}");
        let first = !self.acks.keys().any(|other| other.0 == who && other.1 == key.1);
        let code = result["problem"]["code"].as_str().unwrap_or("");
        if !first {
            assert_eq!(
                (status.as_str(), code),
                ("quarantined", if handed_in { code } else { "op_reused" }),
                "another body under an operation's id: {op} {result}"
            );
        }
        if handed_in {
            assert_eq!(status, "quarantined", "done without its person: {op} {result}");
        }
        if status == "quarantined" || status == "conflict" {
            assert!(kept_as(result).is_some(), "kept nowhere: {result}");
        }
        self.order += 1;
        let ack = Ack {
            who,
            device,
            body: op.clone(),
            version: result["version"].as_i64(),
            at: now,
            order: self.order,
            kept_as: kept_as(result),
            told,
            accepted: false,
            late: status == "held",
            status: status.clone(),
        };
        self.acks.insert(key, ack);
        Some(match status.as_str() {
            "applied" => "applied",
            "merged" => "merged",
            "held" => "held",
            "conflict" => "conflict",
            "quarantined" => "quarantined",
            other => panic!("an unknown status {other}"),
        })
    }

    /// Operations, of no group, that need what nobody has handed in so far.
    fn must_wait(&self, ops: &[Value]) -> BTreeSet<String> {
        let mut there: BTreeSet<String> = self.by_request.union(&self.shown).cloned().collect();
        let known = self.acks.values().map(|ack| &ack.body);
        for op in known.chain(ops) {
            there.extend(["op_id", "id"].iter().map(|name| op[*name].as_str().unwrap().to_owned()));
        }
        let absent = |op: &&Value| {
            let needs = op["needs"].as_array().map(Vec::as_slice).unwrap_or_default();
            op["group"].is_null() && needs.iter().any(|need| !there.contains(need.as_str().unwrap()))
        };
        ops.iter().filter(absent).map(|op| op["op_id"].as_str().unwrap().to_owned()).collect()
    }

    /// Of a group all or none are done.
    fn groups(&self, who: &'static str, ops: &[Value], known: &BTreeSet<Key>) {
        let mut groups: BTreeMap<&str, Vec<&Ack>> = BTreeMap::new();
        for op in ops {
            let key: Key = (who, op["op_id"].as_str().unwrap().to_owned(), op.to_string());
            if let (Some(name), false) = (op["group"].as_str(), known.contains(&key)) {
                groups.entry(name).or_default().push(&self.acks[&key]);
            }
        }
        for (name, members) in groups {
            let done = members.iter().filter(|ack| ack.is_done()).count();
            assert!(
                done == 0 || done == members.len(),
                "group {name} is done by {done} of {}: {members:?}",
                members.len()
            );
        }
    }

    /// A number never covers what was not stored.
    fn reach(&self, who: &'static str, device: &'static str, acked: i64) {
        let stored = &self.seqs[&(who, device)];
        let gap = (1..=acked).find(|seq| !stored.contains(seq));
        assert_eq!(gap, None, "G1: acked_seq {acked} of {who}/{device} covers what was never stored");
    }

    pub fn done(&self) -> impl Iterator<Item = &Ack> {
        self.acks.values().filter(|ack| ack.is_done())
    }

    /// Records that operations of this kind made.
    pub fn made(&self, kind: &str) -> BTreeSet<String> {
        self.done().filter(|ack| ack.kind() == kind).map(Ack::record).collect()
    }
}

fn kept_as(result: &Value) -> Option<String> {
    ["quarantine_id", "conflict_id"].iter().find_map(|name| result[*name].as_str()).map(str::to_owned)
}
