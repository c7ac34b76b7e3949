//! Offline work: handing in, fetching, what is kept for people.

mod kept;
mod nodes;
mod pull;
mod push;

use anxiao::platform::ids::built_in;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::district::{org, user};
use crate::support::{Answer, TestApp};

/// A phone: its person, its name, and the number of its last operation.
pub struct Phone {
    pub who: &'static str,
    pub name: &'static str,
    seq: i64,
}

/// An id by name.
pub fn id(name: &str) -> Uuid {
    built_in(&format!("sync test {name}")).0
}

impl Phone {
    pub const fn new(who: &'static str, name: &'static str) -> Self {
        Self { who, name, seq: 0 }
    }

    /// The next operation; `more` holds what it has beside kind, record and `set`.
    pub fn op(&mut self, kind: &str, record: impl ToString, set: Value, more: Value) -> Value {
        self.seq += 1;
        let mut op = json!({
            "seq": self.seq, "op_id": id(&format!("{} {}", self.name, self.seq)), "kind": kind, "id": record.to_string(),
            "set": set,
        });
        for (name, value) in more.as_object().into_iter().flatten() {
            op[name] = value.clone();
        }
        op
    }

    pub fn body(&self, ops: &[Value]) -> Value {
        json!({"device_id": self.name, "schema": 1, "ops": ops})
    }

    /// Hands in; the answer is whole and its receipt verifies.
    pub async fn push(&self, app: &TestApp, ops: &[Value]) -> Answer {
        let answer = app.post(self.who, "/sync/push", self.body(ops)).await.expect(200);
        receipt(app, &answer, self.name, ops).await;
        answer
    }

    pub async fn pull(&self, app: &TestApp, cursor: Value) -> Answer {
        app.post(self.who, "/sync/pull", json!({"cursor": cursor})).await
    }
}

/// Checks the receipt with the server's public key.
async fn receipt(app: &TestApp, answer: &Answer, device: &str, ops: &[Value]) {
    let jws = answer.body["receipt"].as_str().unwrap();
    let parts: Vec<&str> = jws.split('.').collect();
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let header: Value = serde_json::from_slice(&decode(parts[0])).unwrap();
    let said: Value = serde_json::from_slice(&decode(parts[1])).unwrap();
    let keys = app.get("", "//.well-known/jwks.json").await.expect(200).body;
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).unwrap().clone();
    let public: [u8; 32] = decode(key["x"].as_str().unwrap()).try_into().unwrap();
    let public = ed25519_dalek::VerifyingKey::from_bytes(&public).unwrap();
    let signature = ed25519_dalek::Signature::from_slice(&decode(parts[2])).unwrap();
    let signed = format!("{}.{}", parts[0], parts[1]);
    public.verify_strict(signed.as_bytes(), &signature).expect("the receipt does not verify");
    assert!(public.verify_strict(signed.replace('.', ",").as_bytes(), &signature).is_err());
    assert_eq!(header["typ"], "sync-receipt+jws");
    let mut ids: Vec<Value> = Vec::new();
    for op in ops {
        if !ids.contains(&op["op_id"]) {
            ids.push(op["op_id"].clone());
        }
    }
    assert_eq!(said["op_ids"], json!(ids));
    assert_eq!((&said["device_id"], &said["epoch"]), (&json!(device), &answer.body["epoch"]));
    assert_eq!(said["acked_seq"], answer.body["acked_seq"]);
}

/// The status word of each operation.
pub fn words(answer: &Answer) -> Vec<String> {
    let results = answer.body["results"].as_array().unwrap();
    results.iter().map(|result| result["status"].as_str().unwrap().to_owned()).collect()
}

/// `problem.code` of an operation.
pub fn problem(answer: &Answer, place: usize) -> &str {
    answer.body["results"][place]["problem"]["code"].as_str().unwrap_or("")
}

/// The body of an inspection of school a.s1 by the two inspectors.
pub fn plan() -> Value {
    json!({
        "kind": "routine", "org_id": org("a.s1"), "team": [user("inspector1"), user("inspector2")],
        "checklist_ids": [anxiao::catalogue::builtin::checklist_id("fang", 1)],
    })
}

/// Planned and begun by requests; its id.
pub async fn begun(app: &TestApp) -> String {
    let visit = app.post("office", "/inspections", plan()).await.expect(201).id();
    app.post("inspector1", &format!("/inspections/{visit}/check-in"), json!({})).await.expect(200);
    visit
}

/// A good answer to each item of a visit; the item `failed` fails.
pub async fn good_answers(app: &TestApp, visit: &str, failed: &str) -> Vec<Value> {
    let rows = app.get("office", &format!("/inspections/{visit}/answers")).await.expect(200).rows();
    rows.iter().map(|row| good_answer(&row["item"], failed)).collect()
}

/// A good answer to an item, a bad one to `failed`.
pub fn good_answer(item: &Value, failed: &str) -> Value {
    let code = &item["code"];
    match item["response"].as_str().unwrap() {
        "number" => json!({"item_code": code, "value": item["min"].as_f64().or(item["max"].as_f64()).unwrap_or(1.0)}),
        "choice" => json!({"item_code": code, "value": item["options"][0]["value"]}),
        "text" => json!({"item_code": code, "value": "好"}),
        _ if code == failed => {
            json!({"item_code": code, "result": "fail", "note": "堆物", "evidence_ids": [id(&format!("photo of {code}"))]})
        }
        _ => json!({"item_code": code, "result": "pass"}),
    }
}

/// The answer to an item as it stands.
pub async fn stands(app: &TestApp, visit: &str, code: &str) -> Value {
    let rows = app.get("office", &format!("/inspections/{visit}/answers")).await.expect(200).rows();
    rows.into_iter().find(|row| row["item_code"] == code).unwrap()
}
