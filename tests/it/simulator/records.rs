//! What operations did: it is there once where they were done, and not at all where they were not.

use std::collections::{BTreeMap, BTreeSet};

use anxiao::platform::db::schema::{comments, events, evidence, hazards, inspections};
use anxiao::platform::db::types::{Id, Timestamp};
use anxiao::platform::files::ContentHash;
use diesel::prelude::*;

use super::sim::Sim;

/// Actions of hazards that come by operations alone.
const MOVES: [&str; 10] = [
    "issue",
    "acknowledge",
    "assign",
    "reject_assignment",
    "report_done",
    "pass",
    "return",
    "reassign_due",
    "void",
    "reopen",
];

fn text(ids: Vec<Id>) -> BTreeSet<String> {
    ids.into_iter().map(|id| id.to_string()).collect()
}

/// What is in one and not in the other.
fn same(what: &str, there: &BTreeSet<String>, promised: &BTreeSet<String>) {
    let lost: Vec<&String> = promised.difference(there).collect();
    let extra: Vec<&String> = there.difference(promised).collect();
    assert!(lost.is_empty() && extra.is_empty(), "{what}: lost (G1) {lost:?}, never acknowledged (G2) {extra:?}");
}

impl Sim {
    pub fn records(&mut self) {
        let mut reported = self.oracle.made("hazard.report");
        reported.extend(self.oracle.by_request.iter().cloned());
        let rows: Vec<(Id, Option<Id>, Timestamp, Timestamp)> = hazards::table
            .select((hazards::id, hazards::inspection_id, hazards::created_at, hazards::found_at))
            .load(self.conn())
            .unwrap();
        let free: BTreeSet<String> = rows.iter().filter(|row| row.1.is_none()).map(|row| row.0.to_string()).collect();
        same("hazards", &free, &reported);
        self.by_the_servers_clock(&rows);

        let there = text(comments::table.select(comments::id).load(self.conn()).unwrap());
        same("remarks", &there, &self.oracle.made("comment.add"));
        let there = text(inspections::table.select(inspections::id).load(self.conn()).unwrap());
        same("inspections", &there, &self.oracle.made("inspection.create"));
        self.moves_happened();
        self.handed_in_once(&rows);
        self.evidence();
    }

    /// G5: what was made by an operation was made when it arrived, whatever its phone's clock said.
    fn by_the_servers_clock(&mut self, rows: &[(Id, Option<Id>, Timestamp, Timestamp)]) {
        let now = self.now();
        let made: BTreeMap<String, (i64, i64)> =
            rows.iter().map(|row| (row.0.to_string(), (row.2.micros(), row.3.micros()))).collect();
        for ack in self.oracle.done().filter(|ack| ack.kind() == "hazard.report") {
            let (created, found) = made[&ack.record()];
            assert!(found <= created, "G5: {} was found after it was reported", ack.record());
            assert!(created <= now && created >= ack.at || !ack.late && created <= ack.at, "G5: {}", ack.record());
            let alone = self.oracle.done().filter(|other| other.record() == ack.record()).count() == 1;
            if !ack.late && alone {
                assert_eq!(created, ack.at, "G5: {} was made at another hour than it arrived", ack.record());
            }
        }
        let times: Vec<(Id, Timestamp, Option<Timestamp>, Option<Timestamp>)> = inspections::table
            .select((inspections::id, inspections::created_at, inspections::started_at, inspections::submitted_at))
            .load(self.conn())
            .unwrap();
        for (id, created, started, submitted) in times {
            for kind in ["inspection.check_in", "inspection.submit", "inspection.create"] {
                let moment = match kind {
                    "inspection.create" => Some(created),
                    "inspection.check_in" => started,
                    _ => submitted,
                };
                let id = id.to_string();
                let of: Vec<_> = self.oracle.done().filter(|ack| ack.kind() == kind && ack.record() == id).collect();
                if let (Some(moment), false) = (moment, of.is_empty() || of.iter().any(|ack| ack.late)) {
                    let at = of.iter().any(|ack| ack.at == moment.micros());
                    assert!(at, "G5: {kind} of {id} at {moment:?} and not when it arrived");
                }
            }
        }
    }

    /// Each transition that was acknowledged is in the journal once.
    fn moves_happened(&mut self) {
        let found: Vec<(Id, String)> = events::table
            .filter(events::entity.eq("hazard"))
            .filter(events::action.eq_any(MOVES.to_vec()))
            .select((events::entity_id, events::action))
            .load(self.conn())
            .unwrap();
        let mut there: BTreeMap<(String, String), i32> = BTreeMap::new();
        for (id, action) in found {
            *there.entry((id.to_string(), action)).or_default() += 1;
        }
        for ack in self.oracle.done().filter(|ack| ack.kind() == "hazard.transition") {
            let action = ack.body["set"]["action"].as_str().unwrap().to_owned();
            *there.entry((ack.record(), action)).or_default() -= 1;
        }
        there.retain(|_, count| *count != 0);
        assert!(there.is_empty(), "transitions done more (G2) or less (G1) often than acknowledged: {there:?}");
    }

    /// A visit is handed in once, and each failed item became one hazard.
    fn handed_in_once(&mut self, rows: &[(Id, Option<Id>, Timestamp, Timestamp)]) {
        let mut by_visit: BTreeMap<String, usize> = BTreeMap::new();
        for row in rows {
            if let Some(visit) = row.1 {
                *by_visit.entry(visit.to_string()).or_default() += 1;
            }
        }
        let submitted: Vec<(Id, Option<Timestamp>)> =
            inspections::table.select((inspections::id, inspections::submitted_at)).load(self.conn()).unwrap();
        for (id, at) in submitted {
            let id = id.to_string();
            let submits =
                self.oracle.done().filter(|ack| ack.kind() == "inspection.submit" && ack.record() == id).count();
            assert_eq!(submits, usize::from(at.is_some()), "submissions of {id}, which is handed in: {at:?}");
            let failed = if at.is_some() { self.failed_items(&id) } else { 0 };
            assert_eq!(by_visit.get(&id).copied().unwrap_or(0), failed, "hazards of {id}");
        }
    }

    fn failed_items(&mut self, visit: &str) -> usize {
        use anxiao::platform::db::schema::answers;
        let of = answers::table.filter(answers::inspection_id.eq(visit.parse::<Id>().unwrap()));
        let count: i64 = of.filter(answers::result.eq("fail")).count().get_result(self.conn()).unwrap();
        usize::try_from(count).unwrap()
    }

    /// G6: received only where the very bytes were handed in; what was handed in is received.
    fn evidence(&mut self) {
        type Row = (Id, Vec<u8>, Option<Timestamp>);
        let rows: Vec<Row> =
            evidence::table.select((evidence::id, evidence::sha256, evidence::received_at)).load(self.conn()).unwrap();
        let there = rows.iter().map(|row| row.0.to_string()).collect();
        same("declarations", &there, &self.oracle.made("evidence.declare"));
        for (id, hash, at) in rows {
            let hash = ContentHash::from_bytes(&hash).unwrap().to_string();
            let handed = self.oracle.received.get(&id.to_string());
            assert_eq!(at.is_some(), handed.is_some(), "G6: received without its bytes, or forgotten: {id}");
            if let Some(handed) = handed {
                assert_eq!(*handed, hash, "G6: another content than was declared: {id}");
            }
            let declared =
                self.oracle.done().find(|ack| ack.kind() == "evidence.declare" && ack.record() == id.to_string());
            assert_eq!(
                declared.unwrap().body["set"]["sha256"],
                hash.as_str(),
                "G6: another hash than was declared: {id}"
            );
        }
    }

    /// Counters equal a count over the rows.
    pub fn counters(&mut self) {
        let about = format!("seed {}", self.seed);
        crate::hazard_loop::recount(self.conn(), &about);
    }
}
