//! What a database and its folder of photos hold after a cut, and what of the acknowledged is not in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anxiao::platform::db::schema::{comments, events, evidence, hazard_counters, hazards, sync_ops, users};
use anxiao::platform::db::types::{Id, Timestamp};
use anxiao::platform::db::{Conn, DatabaseUrl, Purpose, word};
use anxiao::platform::files::{ContentHash, Key};
use diesel::prelude::*;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::recording::{DATA, Fact, PHOTOS};

pub struct Stored {
    people: usize,
    hazards: BTreeMap<Uuid, (i64, String)>,
    comments: BTreeSet<Uuid>,
    /// How often an operation is in the ledger as applied.
    operations: BTreeMap<String, usize>,
    /// Received photos: the key of the file.
    photos: BTreeMap<Uuid, Key>,
}

type Event =
    (String, String, String, Option<String>, String, Option<Id>, Option<Id>, Id, Option<Id>, Timestamp, Vec<u8>);

impl Stored {
    /// Everything there is; fails where the database is damaged or contradicts itself.
    pub fn read(url: &DatabaseUrl) -> Result<Self, String> {
        let mut conn = Conn::open(url, Purpose::Write).map_err(|error| format!("it does not open: {error}"))?;
        let damaged = |error: diesel::result::Error| format!("it cannot be read: {error}");
        if conn.is_sqlite() {
            let verdict =
                word(&mut conn, "SELECT integrity_check AS word FROM pragma_integrity_check").map_err(damaged)?;
            if verdict != "ok" {
                return Err(format!("it is damaged: {verdict}"));
            }
        }
        let people: i64 = users::table.count().get_result(&mut conn).map_err(damaged)?;
        let rows: Vec<(Id, i64, String)> =
            hazards::table.select((hazards::id, hazards::version, hazards::number)).load(&mut conn).map_err(damaged)?;
        let remarks: Vec<Id> = comments::table.select(comments::id).load(&mut conn).map_err(damaged)?;
        let ops: Vec<(Id, String)> =
            sync_ops::table.select((sync_ops::op_id, sync_ops::status)).load(&mut conn).map_err(damaged)?;
        let mut operations = BTreeMap::new();
        for (id, _) in ops.iter().filter(|(_, status)| status == "applied") {
            *operations.entry(id.0.to_string()).or_default() += 1;
        }
        let received: Vec<(Id, Id, Vec<u8>)> = evidence::table
            .filter(evidence::received_at.is_not_null())
            .select((evidence::id, evidence::bureau_id, evidence::sha256))
            .load(&mut conn)
            .map_err(damaged)?;
        let key = |bureau, hash: &[u8]| Key::original(bureau, ContentHash::from_bytes(hash).unwrap());
        let stored = Self {
            people: usize::try_from(people).unwrap(),
            hazards: rows.into_iter().map(|(id, version, number)| (id.0, (version, number))).collect(),
            comments: remarks.into_iter().map(|id| id.0).collect(),
            operations,
            photos: received.into_iter().map(|(id, bureau, hash)| (id.0, key(bureau, &hash))).collect(),
        };
        stored.agrees(&mut conn)?;
        Ok(stored)
    }

    /// One entry of the journal for each hazard, entries as they were written and without a gap, counters that agree,
    /// numbers given once.
    fn agrees(&self, conn: &mut Conn) -> Result<(), String> {
        let damaged = |error: diesel::result::Error| format!("it cannot be read: {error}");
        let told: Vec<Id> = events::table
            .filter(events::action.eq("register"))
            .select(events::entity_id)
            .load(conn)
            .map_err(damaged)?;
        let once: BTreeSet<Uuid> = told.iter().map(|id| id.0).collect();
        if told.len() != once.len() || once != self.hazards.keys().copied().collect::<BTreeSet<Uuid>>() {
            return Err(format!("{} hazards, {} entries of {}", self.hazards.len(), told.len(), once.len()));
        }
        let numbers: BTreeSet<&str> = self.hazards.values().map(|(_, number)| number.as_str()).collect();
        if numbers.len() != self.hazards.len() {
            return Err("a number was given twice".into());
        }
        let counted: Vec<i64> = hazard_counters::table
            .filter(hazard_counters::scope_id.eq(hazard_counters::bureau_id))
            .select(hazard_counters::found)
            .load(conn)
            .map_err(damaged)?;
        if counted.iter().sum::<i64>() != i64::try_from(self.hazards.len()).unwrap() {
            return Err(format!("counters say {counted:?} of {} hazards", self.hazards.len()));
        }
        let (last, all): (Option<i64>, i64) = events::table
            .select((diesel::dsl::max(events::seq), diesel::dsl::count_star()))
            .first(conn)
            .map_err(damaged)?;
        if conn.is_sqlite() && last.unwrap_or(0) != all {
            return Err(format!("the journal has {all} entries and ends at {last:?}"));
        }
        let entries: Vec<Event> = events::table
            .order(events::seq)
            .select((
                events::stream,
                events::entity,
                events::action,
                events::device,
                events::payload,
                events::bureau_id,
                events::org_id,
                events::entity_id,
                events::actor,
                events::at,
                events::content_hash,
            ))
            .load(conn)
            .map_err(damaged)?;
        match entries.iter().position(|entry| sum(entry) != entry.10) {
            Some(place) => Err(format!("entry {place} of the journal is not as it was written")),
            None => Ok(()),
        }
    }

    /// What of the acknowledged is not there, or not with the right content.
    pub fn missing(&self, told: &[&Fact], folder: &Path) -> Vec<String> {
        told.iter().filter(|fact| !self.holds(fact, folder)).map(|fact| format!("{fact:?} is missing")).collect()
    }

    fn holds(&self, fact: &Fact, folder: &Path) -> bool {
        match fact {
            Fact::Person => self.people > 0,
            Fact::Key(name, bytes) => std::fs::read(folder.join(DATA).join(name)).is_ok_and(|found| found == *bytes),
            Fact::Hazard(id, number) => self.hazards.get(id).is_some_and(|(_, stored)| stored == number),
            Fact::Version(id, version) => self.hazards.get(id).is_some_and(|(stored, _)| stored >= version),
            Fact::Comment(id) => self.comments.contains(id),
            Fact::Operation(op_id, kind, record) => {
                self.operations.get(op_id) == Some(&1)
                    && match kind.as_str() {
                        "hazard.report" => self.hazards.contains_key(record),
                        "comment.add" => self.comments.contains(record),
                        // Its row is the content's to prove.
                        _ => true,
                    }
            }
            Fact::Photo(id, hash) => self.photos.get(id).is_some_and(|key| {
                key.hash == *hash
                    && std::fs::read(folder.join(PHOTOS).join(key.to_string()))
                        .is_ok_and(|bytes| ContentHash::of(&bytes) == *hash)
            }),
        }
    }
}

/// What an entry of the journal says of its own content.
fn sum(entry: &Event) -> Vec<u8> {
    let (stream, entity, action, device, payload, bureau, org, id, actor, at, _) = entry;
    let mut hash = Sha256::new();
    for part in [stream, entity, action, device.as_ref().unwrap_or(&String::new()), payload] {
        hash.update(u64::try_from(part.len()).unwrap().to_be_bytes());
        hash.update(part.as_bytes());
    }
    for id in [*bureau, *org, Some(*id), *actor] {
        hash.update(id.map_or([0; 16], |id| id.0.into_bytes()));
    }
    hash.update(at.micros().to_be_bytes());
    hash.finalize().to_vec()
}
