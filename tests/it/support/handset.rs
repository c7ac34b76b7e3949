//! A phone against the real program: what a careful client does, and no more. It drops nothing that it has ever made,
//! because a server may come back older than it was.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A phone: its outbox, its receipts, its own copy of what it may see.
pub struct Handset {
    client: Client,
    who: String,
    token: String,
    /// Its name.
    pub device: String,
    /// The epoch it believes in.
    pub epoch: Option<String>,
    /// Every operation it has ever made.
    pub outbox: Vec<Value>,
    /// The operations covered by receipts that verified, by the epoch of the receipt.
    covered: BTreeMap<String, BTreeSet<String>>,
    /// What it has pulled: collection and id, version and row.
    pub store: BTreeMap<(String, String), (i64, Value)>,
    cursor: Value,
}

impl Handset {
    /// Signs in.
    pub async fn new(base: &str, who: &str, password: &str, device: &str) -> Self {
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
        let mut handset = Self {
            client,
            who: who.to_owned(),
            token: String::new(),
            device: device.to_owned(),
            epoch: None,
            outbox: Vec::new(),
            covered: BTreeMap::new(),
            store: BTreeMap::new(),
            cursor: Value::Null,
        };
        handset.sign_in(base, password).await;
        handset
    }

    /// Signs in anew.
    pub async fn sign_in(&mut self, base: &str, password: &str) {
        let body = json!({"username": self.who, "password": password});
        let (status, signed) = self.call(base, Method::POST, "/api/v1/auth/login", Some(&body)).await;
        assert_eq!(status, 200, "{signed}");
        self.token = signed["access_token"].as_str().unwrap().to_owned();
    }

    /// A request as its person.
    pub async fn call(&self, base: &str, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let mut request = self.client.request(method, format!("{base}{path}"));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Makes an operation and puts it into the outbox; its op_id.
    pub fn make(&mut self, kind: &str, record: Uuid, set: Value, needs: &[&str]) -> String {
        let op_id = Uuid::now_v7().to_string();
        let seq = self.outbox.len() + 1;
        let mut op = json!({"seq": seq, "op_id": op_id, "kind": kind, "id": record, "set": set});
        if !needs.is_empty() {
            op["needs"] = json!(needs);
        }
        self.outbox.push(op);
        op_id
    }

    /// What no receipt of the epoch in force covers.
    pub fn open(&self) -> Vec<Value> {
        let none = BTreeSet::new();
        let covered = self.epoch.as_ref().and_then(|epoch| self.covered.get(epoch)).unwrap_or(&none);
        self.outbox.iter().filter(|op| !covered.contains(op["op_id"].as_str().unwrap())).cloned().collect()
    }

    /// Hands in these operations once. The answer, after its receipt was verified and noted; or the problem.
    pub async fn push(&mut self, base: &str, ops: &[Value]) -> Result<Value, (u16, Value)> {
        let mut body = json!({"device_id": self.device, "schema": 1, "ops": ops});
        if let Some(epoch) = &self.epoch {
            body["epoch"] = json!(epoch);
        }
        let (status, answer) = self.call(base, Method::POST, "/api/v1/sync/push", Some(&body)).await;
        if status != 200 {
            return Err((status, answer));
        }
        let receipt = self.verified(base, answer["receipt"].as_str().unwrap()).await;
        assert_eq!((&receipt["device_id"], &receipt["epoch"]), (&json!(self.device), &answer["epoch"]));
        let epoch = receipt["epoch"].as_str().unwrap().to_owned();
        let ids = receipt["op_ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned());
        self.covered.entry(epoch.clone()).or_default().extend(ids);
        self.epoch = Some(epoch);
        Ok(answer)
    }

    async fn verified(&self, base: &str, jws: &str) -> Value {
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
        let (signed, signature) = jws.rsplit_once('.').unwrap();
        let (header, payload) = signed.split_once('.').unwrap();
        let header: Value = serde_json::from_slice(&decode(header)).unwrap();
        let (_, keys) = self.call(base, Method::GET, "/.well-known/jwks.json", None).await;
        let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).unwrap();
        let public: [u8; 32] = decode(key["x"].as_str().unwrap()).try_into().unwrap();
        let public = ed25519_dalek::VerifyingKey::from_bytes(&public).unwrap();
        let signature = ed25519_dalek::Signature::from_slice(&decode(signature)).unwrap();
        public.verify_strict(signed.as_bytes(), &signature).expect("the receipt does not verify");
        serde_json::from_slice(&decode(payload)).unwrap()
    }

    /// Takes the epoch that a 409 told, and forgets what it has pulled; keeps every operation.
    pub fn begin_anew(&mut self, epoch: &str) {
        self.epoch = Some(epoch.to_owned());
        self.cursor = Value::Null;
        self.store.clear();
    }

    /// One request for what is new where it stands.
    pub async fn pull_once(&mut self, base: &str) -> (u16, Value) {
        let body = json!({"cursor": self.cursor, "limit": 500});
        self.call(base, Method::POST, "/api/v1/sync/pull", Some(&body)).await
    }

    /// Pulls to the end; the sums are those of the server.
    pub async fn pull(&mut self, base: &str) {
        for _ in 0..200 {
            let (status, answer) = self.pull_once(base).await;
            assert_eq!(status, 200, "{answer}");
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            for list in ["tombstones", "revoked"] {
                for gone in answer[list].as_array().unwrap() {
                    self.store.remove(&(text(&gone["c"]), text(&gone["id"])));
                }
            }
            for change in answer["changes"].as_array().unwrap() {
                let key = (text(&change["c"]), text(&change["id"]));
                self.store.insert(key, (change["v"].as_i64().unwrap(), change["row"].clone()));
            }
            self.cursor = answer["cursor"].clone();
            let sums = answer["checksums"].as_object().unwrap();
            if answer["has_more"] == true || sums.is_empty() {
                continue;
            }
            for (collection, sum) in sums {
                assert_eq!(sum, &self.sum(collection), "{collection} of {}", self.device);
            }
            return;
        }
        panic!("{} never comes to an end", self.device);
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

    /// Sends the content of a photo it has declared.
    pub async fn send_content(&self, base: &str, id: Uuid, content: &[u8]) -> (u16, Value) {
        let (media, body) = crate::evidence::multipart(content);
        let request = self.client.post(format!("{base}/api/v1/evidence/{id}/content"));
        let request = request.bearer_auth(&self.token).header("content-type", media).body(body);
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap())
    }

    /// The declaration of a photo as the finding of a hazard.
    pub fn declaration(content: &[u8], hazard: Uuid) -> Value {
        crate::evidence::declaration(None, content, json!({"hazard_id": hazard, "round": 1, "role": "before"}))
    }
}

/// A photo unlike any other.
pub fn photo(number: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let shade = |n: u32| u8::try_from(n % 256).unwrap();
    let pixels = |x: u32, y: u32| image::Rgb([shade(number), shade(number / 256 + x), shade(y * 3)]);
    let image = image::RgbImage::from_fn(64, 48, pixels);
    image::DynamicImage::ImageRgb8(image).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}
