//! When nothing goes wrong any more: all phones sync until they are quiet, and everything promised must be there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anxiao::platform::db::schema::{events, sync_ops};
use anxiao::platform::db::types::{Doc, Id, Timestamp};
use anxiao::sync::ledger::OpStatus;
use diesel::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::sim::Sim;
use super::wire::Mishap;

/// Rounds of syncing after which phones must be quiet.
const ROUNDS: usize = 60;

impl Sim {
    /// Faults stop; phones sync until nothing is left to say.
    pub async fn calm(&mut self) {
        self.say("calm");
        self.commit_late();
        for round in 0.. {
            assert!(round < ROUNDS, "phones never come to rest");
            let mut busy = false;
            for place in 0..self.phones.len() {
                let outbox = self.phones[place].outbox();
                for some in outbox.chunks(30) {
                    let whole = self.whole_again(place, some);
                    self.push(place, &whole, Mishap::None).await;
                    busy = true;
                }
            }
            if !busy {
                break;
            }
        }
        // Each operation once more: nothing changes, and whatever waited is told as it is now.
        self.wait_for_what_waits().await;
        for place in 0..self.phones.len() {
            let all: Vec<usize> = (0..self.phones[place].log.len()).collect();
            for some in all.chunks(30) {
                let whole = self.whole_again(place, some);
                self.push(place, &whole, Mishap::None).await;
            }
            assert!(self.phones[place].outbox().is_empty(), "something was taken back");
        }
        for place in 0..self.phones.len() {
            self.send_photos(place, false).await;
        }
        for place in 0..self.phones.len() {
            self.pull_to_the_end(place).await;
        }
    }

    fn whole_again(&self, place: usize, some: &[usize]) -> Vec<usize> {
        let log = &self.phones[place].log;
        let in_group = |one: &usize| log[*one].group.is_some();
        let mut whole: Vec<usize> = some.iter().copied().filter(|one| !in_group(one)).collect();
        for one in some.iter().filter(|one| in_group(one)) {
            let with = (0..log.len()).filter(|other| log[*other].group == log[*one].group);
            whole.extend(with.filter(|one| !whole.contains(one)).collect::<Vec<_>>());
        }
        whole.sort_unstable();
        whole
    }

    pub async fn pull_to_the_end(&mut self, place: usize) {
        let who = self.phones[place].who;
        if !self.may_sync(who) {
            return;
        }
        for _ in 0..2000 {
            if !self.pull(place, false).await {
                return;
            }
        }
        panic!("a pull never ends");
    }

    fn held(&mut self) -> Vec<(Id, Vec<Id>)> {
        let rows: Vec<(Id, Doc)> = sync_ops::table
            .filter(sync_ops::status.eq(OpStatus::Held))
            .select((sync_ops::user_id, sync_ops::needs))
            .load(self.conn())
            .unwrap();
        rows.into_iter().map(|(user, needs)| (user, needs.read())).collect()
    }

    /// What waits for something that has come is done soon, by itself.
    async fn wait_for_what_waits(&mut self) {
        for turn in 0..200 {
            let own: Vec<(Id, Id)> = sync_ops::table
                .filter(sync_ops::status.eq_any([OpStatus::Applied, OpStatus::Merged, OpStatus::Conflict]))
                .select((sync_ops::user_id, sync_ops::op_id))
                .load(self.conn())
                .unwrap();
            let own: BTreeSet<(Id, Id)> = own.into_iter().collect();
            let come = |user: Id, need: &Id| own.contains(&(user, *need));
            let left =
                self.held().into_iter().filter(|(user, needs)| needs.iter().all(|need| come(*user, need))).count();
            if left == 0 {
                break;
            }
            assert!(turn < 199, "G3: {left} operations wait for what has come");
            // Any write wakes the work on what waits.
            let nothing = "/sync/quarantine/00000000-0000-7000-8000-000000000000/dismiss";
            self.post("office", nothing, serde_json::json!({"reason": "x"})).await.expect(404);
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        // What became possible by a record that came last is under way.
        let mut before = self.held().len();
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_millis(30)).await;
            let now = self.held().len();
            if now == before {
                break;
            }
            before = now;
        }
    }

    /// Everything that must hold.
    pub async fn judge(&mut self) {
        self.say("judgement");
        self.ledger().await;
        self.records();
        self.answers_stand();
        self.counters();
        self.journal();
        self.views().await;
    }

    /// G1, G2: each operation is in the ledger once, and where the server's own lists say.
    async fn ledger(&mut self) {
        type Row = (Id, Id, bool, OpStatus, String);
        let rows: Vec<Row> = sync_ops::table
            .select((sync_ops::user_id, sync_ops::op_id, sync_ops::reused, sync_ops::status, sync_ops::body))
            .load(self.conn())
            .unwrap();
        let mut stored: BTreeMap<(String, String), Vec<OpStatus>> = BTreeMap::new();
        for (user, op_id, _, status, body) in &rows {
            let body: Value = serde_json::from_str(body).unwrap();
            assert_eq!(body["op_id"], op_id.to_string());
            stored.entry((user.to_string(), body.to_string())).or_default().push(*status);
        }
        let mut promised = 0;
        for ((who, op_id, body), ack) in &self.oracle.acks {
            let key = (crate::support::district::user(who).to_string(), body.clone());
            let there = stored.get(&key).map(Vec::as_slice).unwrap_or_default();
            assert_eq!(there.len(), 1, "G1/G2: {who} {op_id} ({}) is {} times in the ledger", ack.status, there.len());
            promised += 1;
        }
        assert_eq!(promised, rows.len(), "the ledger holds operations that were never acknowledged");
        for phone in &self.phones {
            for done in &phone.log {
                let key = (phone.who, done.op_id.clone(), done.body.to_string());
                assert!(self.oracle.acks.contains_key(&key), "G1: never acknowledged: {}", done.body);
            }
        }
        for (path, status) in [("/sync/quarantine", "quarantined"), ("/sync/conflicts", "conflict")] {
            let listed = self.all("office", path).await;
            let mut listed: Vec<String> = listed.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
            let mut kept: Vec<String> = self
                .oracle
                .acks
                .values()
                .filter(|ack| ack.told.get(key_of(status)).is_some())
                .filter_map(|ack| ack.kept_as.clone())
                .collect();
            listed.sort();
            kept.sort();
            assert_eq!(listed, kept, "G1: {path} does not list what is kept");
        }
        let devices = self.all("office", "/sync/devices").await;
        let mut holding: Vec<String> = devices
            .iter()
            .flat_map(|device| {
                device["holding"].as_array().unwrap().iter().map(|one| one["op_id"].as_str().unwrap().to_owned())
            })
            .collect();
        let mut held: Vec<String> =
            self.oracle.acks.values().filter(|ack| ack.status == "held").map(|ack| ack.op_id().to_owned()).collect();
        holding.sort();
        held.sort();
        assert_eq!(holding, held, "G1: the devices do not list what waits");
        self.count("held at the end", held.len());
    }

    /// The journal: each entry is what was hashed, each operation was handed in once, and time goes by the server's
    /// clock.
    fn journal(&mut self) {
        type Head = (String, String, Id, String, Option<Id>, Option<String>);
        type Tail = (Timestamp, String, Vec<u8>, Option<Id>, Option<Id>);
        let rows: Vec<(Head, Tail)> = events::table
            .select((
                (events::stream, events::entity, events::entity_id, events::action, events::actor, events::device),
                (events::at, events::payload, events::content_hash, events::bureau_id, events::org_id),
            ))
            .load(self.conn())
            .unwrap();
        let now = Timestamp::from_micros(self.now());
        let mut pushed: BTreeSet<(Option<Id>, String)> = BTreeSet::new();
        for ((stream, entity, entity_id, action, actor, device), (at, payload, hash, bureau, org)) in rows {
            assert!(at <= now, "G5: an entry of the future: {entity} {action} {at:?}");
            if action == "late" {
                continue;
            }
            let mut sha = Sha256::new();
            for part in [stream.as_str(), &entity, &action, device.as_deref().unwrap_or(""), &payload] {
                sha.update(u64::try_from(part.len()).unwrap().to_be_bytes());
                sha.update(part.as_bytes());
            }
            for id in [bureau, org, Some(entity_id), actor] {
                sha.update(id.map_or([0; 16], |id| id.0.into_bytes()));
            }
            sha.update(at.micros().to_be_bytes());
            assert_eq!(hash, sha.finalize().to_vec(), "the journal does not verify: {entity} {action}");
            if entity == "device" && action == "pushed" {
                let payload: Value = serde_json::from_str(&payload).unwrap();
                let mut ops: Vec<&str> =
                    payload["ops"].as_array().unwrap().iter().map(|op| op.as_str().unwrap()).collect();
                ops.dedup();
                for op in ops {
                    let reused = self.oracle.acks.keys().filter(|key| key.1 == op).count() > 1;
                    assert!(pushed.insert((actor, op.to_owned())) || reused, "G2: {op} was handed in twice");
                }
            }
        }
    }
}

fn key_of(status: &str) -> &'static str {
    if status == "conflict" { "conflict_id" } else { "quarantine_id" }
}
