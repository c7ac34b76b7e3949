//! A phone: what it did and whether that was acknowledged, what it fetched, and the photos it still has to send.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Rows by collection and id, with their versions.
pub type Store = BTreeMap<(String, String), (i64, Value)>;

/// An operation. The phone keeps it for ever; what is not acknowledged is its outbox.
#[derive(Debug, Clone)]
pub struct Done {
    pub op_id: String,
    pub body: Value,
    pub acked: bool,
    pub group: Option<String>,
}

/// A photo to hand in.
#[derive(Debug, Clone)]
pub struct Photo {
    pub id: String,
    pub bytes: Vec<u8>,
    pub sent: bool,
}

/// A phone.
#[derive(Debug, Clone)]
pub struct Phone {
    pub who: &'static str,
    pub name: &'static str,
    pub log: Vec<Done>,
    seq: i64,
    /// Seconds by which its clock is ahead.
    pub skew: i64,
    /// The epoch it believes in.
    pub epoch: Option<String>,
    pub store: Store,
    pub cursor: Value,
    pub credential: String,
    pub photos: Vec<Photo>,
    /// Inspections and hazards that it made itself, whatever became of them.
    pub visits: Vec<(String, String)>,
    pub hazards: Vec<String>,
}

impl Phone {
    pub fn new(who: &'static str, name: &'static str) -> Self {
        Self {
            who,
            name,
            log: Vec::new(),
            seq: 0,
            skew: 0,
            epoch: None,
            store: Store::new(),
            cursor: Value::Null,
            credential: String::new(),
            photos: Vec::new(),
            visits: Vec::new(),
            hazards: Vec::new(),
        }
    }

    /// Does something: the operation goes into the outbox. `more` holds what it has beside kind, record and `set`.
    pub fn does(&mut self, op_id: String, kind: &str, record: &str, set: Value, more: Value) -> String {
        self.seq += 1;
        let mut body = json!({"seq": self.seq, "op_id": op_id, "kind": kind, "id": record, "set": set});
        for (name, value) in more.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
            body[name] = value.clone();
        }
        let group = body["group"].as_str().map(str::to_owned);
        self.log.push(Done { op_id: op_id.clone(), body, acked: false, group });
        op_id
    }

    /// The same operation id with another body: a fault of the app.
    pub fn misuses(&mut self, place: usize) {
        let mut body = self.log[place].body.clone();
        body["set"]["note"] = json!("etwas anderes");
        body["seq"] = json!(self.seq + 1);
        self.seq += 1;
        let op_id = self.log[place].op_id.clone();
        if let Some(object) = body.as_object_mut() {
            object.remove("group");
        }
        self.log.push(Done { op_id, body, acked: false, group: None });
    }

    /// Places of the log that nobody has acknowledged.
    pub fn outbox(&self) -> Vec<usize> {
        (0..self.log.len()).filter(|place| !self.log[*place].acked).collect()
    }

    /// The local store is lost; the outbox is not.
    pub fn forget(&mut self) {
        self.store.clear();
        self.cursor = Value::Null;
    }

    /// Another epoch: everything is offered again and fetched again.
    pub fn begin_anew(&mut self, epoch: &str) {
        self.epoch = Some(epoch.to_owned());
        self.log.iter_mut().for_each(|one| one.acked = false);
        self.photos.iter_mut().for_each(|one| one.sent = false);
        self.forget();
    }

    /// Takes over an answer to a pull.
    pub fn take(&mut self, body: &Value) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        for list in ["tombstones", "revoked"] {
            for gone in body[list].as_array().unwrap() {
                self.store.remove(&(text(&gone["c"]), text(&gone["id"])));
            }
        }
        for change in body["changes"].as_array().unwrap() {
            assert_eq!(
                change["v"], change["row"]["version"],
                "the version beside a row is not that of the row: {change}"
            );
            let key = (text(&change["c"]), text(&change["id"]));
            self.store.insert(key, (change["v"].as_i64().unwrap(), change["row"].clone()));
        }
        self.cursor = body["cursor"].clone();
    }

    /// The sums of the local store are those of the server, where it told any.
    pub fn sums_agree(&self, sums: &Value) {
        for (collection, sum) in sums.as_object().unwrap() {
            assert_eq!(sum, &self.sum(collection), "G4: the checksum of {collection} on {} ({})", self.name, self.who);
        }
    }

    fn sum(&self, collection: &str) -> Value {
        let (mut x, mut n) = ([0_u8; 8], 0);
        for ((c, id), (version, _)) in self.store.iter().filter(|((c, _), _)| c == collection) {
            let hash = Sha256::digest(format!("{c}:{id}:{version}").as_bytes());
            x.iter_mut().zip(hash.iter()).for_each(|(byte, other)| *byte ^= other);
            n += 1;
        }
        let x: String = x.iter().map(|byte| format!("{byte:02x}")).collect();
        json!({"n": n, "x": x})
    }

    /// Rows of a collection.
    pub fn rows(&self, collection: &str) -> impl Iterator<Item = &Value> {
        self.store.iter().filter(move |((c, _), _)| c == collection).map(|(_, (_, row))| row)
    }

    /// The version of the answer to an item, as far as the phone has seen it.
    pub fn answer_version(&self, visit: &str, code: &str) -> Option<i64> {
        self.rows("answers")
            .find(|row| row["inspection_id"] == visit && row["item_code"] == code)
            .and_then(|row| row["version"].as_i64())
    }
}
