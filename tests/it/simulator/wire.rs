//! Requests of the phones, and what goes wrong on the way.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::sim::Sim;
use crate::support::{Answer, SEED};

/// Most operations that a phone sends at once here; the server takes them in one or two transactions.
const MOST: usize = 40;

/// What happens to a push on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// Nothing.
    None,
    /// It never arrives.
    RequestLost,
    /// The connection breaks in the midst of the body.
    Cut,
    /// It is stored; the phone never hears of it.
    AnswerLost,
    /// It is sent again at once, and the second answer is the one that arrives.
    Twice,
    /// It is sent three times at the same moment.
    AtOnce,
    /// The database cannot commit.
    CommitFails,
}

impl Sim {
    fn mishap(&mut self) -> Mishap {
        match self.dice.below(100) {
            0..8 => Mishap::RequestLost,
            8..13 => Mishap::Cut,
            13..28 => Mishap::AnswerLost,
            28..38 => Mishap::Twice,
            38..46 => Mishap::AtOnce,
            46..54 => Mishap::CommitFails,
            _ => Mishap::None,
        }
    }

    /// A phone has network for a while: it hands in some of its outbox, some photos, and fetches.
    pub async fn somebody_syncs(&mut self) {
        let place = self.dice.below(self.phones.len());
        if self.dice.often(4) {
            let (who, name) = (self.phones[place].who, self.phones[place].name);
            self.say(format!("{who}/{name} crashes; its local store is lost"));
            self.count("crashes", 1);
            self.phones[place].forget();
        }
        if self.dice.often(80) {
            let some = self.some_of_the_outbox(place);
            if !some.is_empty() {
                let mishap = self.mishap();
                self.push(place, &some, mishap).await;
            }
        }
        if self.dice.often(60) {
            self.send_photos(place, true).await;
        }
        if self.dice.often(75) {
            let turns = 1 + self.dice.below(3);
            for _ in 0..turns {
                let lost = self.dice.often(15);
                if !self.pull(place, lost).await {
                    break;
                }
            }
        }
    }

    /// Some of what is not acknowledged, in some order; groups whole.
    fn some_of_the_outbox(&mut self, place: usize) -> Vec<usize> {
        let outbox = self.phones[place].outbox();
        let mut some = outbox.clone();
        if self.dice.often(30) {
            self.dice.shuffle(&mut some);
        }
        if self.dice.often(40) {
            let count = 1 + self.dice.below(some.len().max(1));
            some.truncate(count);
        }
        some.truncate(MOST);
        // Sometimes what was acknowledged is sent again all the same.
        if self.dice.often(15) {
            let acked: Vec<usize> =
                (0..self.phones[place].log.len()).filter(|one| self.phones[place].log[*one].acked).collect();
            some.extend(self.dice.pick(&acked));
        }
        self.whole_groups(place, some, &outbox)
    }

    fn whole_groups(&self, place: usize, some: Vec<usize>, outbox: &[usize]) -> Vec<usize> {
        let log = &self.phones[place].log;
        let mut whole: Vec<usize> = Vec::new();
        for one in some {
            let with: Vec<usize> = match &log[one].group {
                None => vec![one],
                Some(_) => (0..log.len()).filter(|other| log[*other].group == log[one].group).collect(),
            };
            debug_assert!(log[one].acked || outbox.contains(&one));
            whole.extend(with.into_iter().filter(|one| !whole.contains(one)).collect::<Vec<_>>());
        }
        whole
    }

    /// Hands in operations of a phone.
    pub async fn push(&mut self, place: usize, some: &[usize], mishap: Mishap) {
        let phone = &self.phones[place];
        let (who, name) = (phone.who, phone.name);
        let ops: Vec<Value> = some.iter().map(|one| phone.log[*one].body.clone()).collect();
        let mut body = json!({"device_id": name, "schema": 1, "ops": ops, "epoch": phone.epoch});
        if self.dice.often(85) {
            body["sent_at"] = self.wall_clock(place);
        }
        self.say(format!("{who}/{name} pushes {} ({mishap:?})", ops.len()));
        self.count("pushes", 1);
        self.count("operations", ops.len());
        if mishap != Mishap::None {
            self.count("mishaps", 1);
        }
        let answer = match mishap {
            Mishap::RequestLost => return,
            Mishap::Cut => return self.cut(who, &body).await,
            Mishap::CommitFails => {
                self.arm(true);
                let answer = self.post(who, "/sync/push", body.clone()).await;
                self.learn(place, &ops, &answer, false);
                self.arm(false);
                if answer.status == 200 {
                    self.phone_hears(place, some, &answer);
                }
                return;
            }
            Mishap::AtOnce => {
                let calls = (0..3).map(|_| self.post(who, "/sync/push", body.clone()));
                let answers = join_all(calls).await;
                for answer in &answers {
                    self.learn(place, &ops, answer, true);
                }
                answers.into_iter().next().unwrap()
            }
            Mishap::Twice => {
                let first = self.post(who, "/sync/push", body.clone()).await;
                self.learn(place, &ops, &first, false);
                let second = self.post(who, "/sync/push", body.clone()).await;
                self.learn(place, &ops, &second, false);
                second
            }
            Mishap::None | Mishap::AnswerLost => {
                let answer = self.post(who, "/sync/push", body.clone()).await;
                self.learn(place, &ops, &answer, false);
                answer
            }
        };
        if mishap == Mishap::AnswerLost {
            return;
        }
        match answer.status {
            200 => self.phone_hears(place, some, &answer),
            401 | 403 => self.hand_in(place, some, body).await,
            409 => {
                let epoch = answer.body["current"]["epoch"].as_str().unwrap().to_owned();
                self.say(format!("{who}/{name} learns of another epoch"));
                self.phones[place].begin_anew(&epoch);
            }
            _ => {}
        }
    }

    /// What the phone's clock says.
    fn wall_clock(&self, place: usize) -> Value {
        use anxiao::platform::db::types::Timestamp;
        json!(Timestamp::from_micros(self.now() + self.phones[place].skew * 1_000_000))
    }

    /// The device hands in without its person.
    async fn hand_in(&mut self, place: usize, some: &[usize], body: Value) {
        let phone = &self.phones[place];
        let (who, name, credential) = (phone.who, phone.name, phone.credential.clone());
        self.say(format!("{who}/{name} hands in by the credential of the device"));
        self.count("hand-ins", 1);
        let request = self.app().request("", Method::POST, "/sync/hand-in");
        let request = request.header("authorization", format!("Device {credential}"));
        let answer = self.app().send(request.json(&body)).await;
        match answer.status {
            200 => {
                let ops: Vec<Value> = some.iter().map(|one| self.phones[place].log[*one].body.clone()).collect();
                let now = self.now();
                let told = self.oracle.hear((who, name), &ops, &answer.body, now, (false, true));
                self.tally(told);
                self.phone_hears(place, some, &answer);
            }
            409 => {
                let epoch = answer.body["current"]["epoch"].as_str().unwrap().to_owned();
                self.phones[place].begin_anew(&epoch);
            }
            // A device that first came after the backup is not known to what was restored.
            401 => assert!(self.count_of("restores") > 0, "a device's credential is refused: {}", answer.text),
            status => assert!(matches!(status, 429 | 503), "hand-in: {}", answer.text),
        }
    }

    pub fn count_of(&self, name: &str) -> usize {
        self.figures.counts.get(name).copied().unwrap_or(0)
    }

    /// What the answer to a push proves, whoever gets it.
    fn learn(&mut self, place: usize, ops: &[Value], answer: &Answer, at_once: bool) {
        let phone = &self.phones[place];
        let (who, name, believed) = (phone.who, phone.name, phone.epoch.clone());
        let foreign = believed.is_some_and(|epoch| epoch != self.oracle.epoch);
        match answer.status {
            200 => {
                assert!(!foreign, "a push of another epoch was taken in: {who}/{name}");
                let now = self.now();
                assert_eq!(answer.body["server_time"], json!(anxiao::platform::db::types::Timestamp::from_micros(now)));
                let told = self.oracle.hear((who, name), ops, &answer.body, now, (at_once, false));
                self.tally(told);
            }
            409 => assert!(foreign && answer.code() == "epoch_changed", "{}", answer.text),
            401 | 403 => {
                let may = self.may_sync(who);
                assert!(!may, "{who} may sync and is refused: {}", answer.text);
            }
            status => assert!(
                self.trapped || (matches!(status, 429 | 503)),
                "{who}/{name}: a push ended with {status}: {}",
                answer.text
            ),
        }
    }

    fn tally(&mut self, told: Vec<&'static str>) {
        for word in told {
            self.count(word, 1);
        }
    }

    /// The phone takes over an answer: it forgets only what is in a receipt that verifies.
    fn phone_hears(&mut self, place: usize, some: &[usize], answer: &Answer) {
        let said = receipt(answer.body["receipt"].as_str().unwrap());
        let phone = &mut self.phones[place];
        assert_eq!((&said["device_id"], &said["epoch"]), (&json!(phone.name), &answer.body["epoch"]));
        assert_eq!(said["acked_seq"], answer.body["acked_seq"]);
        let covered = said["op_ids"].as_array().unwrap();
        let sent: Vec<&str> = some.iter().map(|one| phone.log[*one].op_id.as_str()).collect();
        assert!(covered.iter().all(|id| sent.contains(&id.as_str().unwrap())), "a receipt for what was not sent");
        phone.epoch = answer.body["epoch"].as_str().map(str::to_owned);
        for one in some {
            if covered.iter().any(|id| *id == phone.log[*one].op_id.as_str()) {
                phone.log[*one].acked = true;
            }
        }
    }

    /// Sends the head of a request and a part of its body, and hangs up.
    async fn cut(&mut self, who: &str, body: &Value) {
        let text = body.to_string();
        let part = self.dice.below(text.len());
        let head = format!(
            "POST /api/v1/sync/push HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            self.token(who),
            text.len()
        );
        let address = self.app().base.trim_start_matches("http://").to_owned();
        let mut line = tokio::net::TcpStream::connect(address).await.unwrap();
        line.write_all(head.as_bytes()).await.unwrap();
        line.write_all(&text.as_bytes()[..part]).await.unwrap();
    }

    /// Fetches once; whether there is more at once. A lost answer changes nothing on the phone.
    pub async fn pull(&mut self, place: usize, lost: bool) -> bool {
        let limit = self.dice.of(&[1, 3, 10, 50, 500]);
        let phone = &self.phones[place];
        let (who, name) = (phone.who, phone.name);
        let body = json!({"cursor": phone.cursor, "limit": limit});
        let answer = self.post(who, "/sync/pull", body).await;
        self.say(format!("{who}/{name} pulls {limit}: {}{}", answer.status, if lost { ", answer lost" } else { "" }));
        self.count("pulls", 1);
        match answer.status {
            200 => {
                assert_eq!(answer.body["epoch"], json!(self.oracle.epoch), "the epoch of a pull");
                if lost {
                    return false;
                }
                let phone = &mut self.phones[place];
                if phone.epoch.as_ref().is_some_and(|epoch| answer.body["epoch"] != epoch.as_str()) {
                    let epoch = answer.body["epoch"].as_str().unwrap().to_owned();
                    phone.begin_anew(&epoch);
                    return true;
                }
                phone.take(&answer.body);
                phone.sums_agree(&answer.body["checksums"]);
                answer.body["has_more"] == true
            }
            409 => {
                let epoch = answer.body["current"]["epoch"].as_str().unwrap().to_owned();
                self.phones[place].begin_anew(&epoch);
                true
            }
            400 => {
                assert_eq!(answer.code(), "invalid_cursor", "{}", answer.text);
                self.phones[place].forget();
                true
            }
            401 | 403 => {
                assert!(!self.may_sync(who), "{who} may sync and is refused: {}", answer.text);
                false
            }
            429 | 503 => false,
            status => panic!("a pull ended with {status}: {}", answer.text),
        }
    }
}

/// What a receipt says, once it verifies by the server's public key.
fn receipt(jws: &str) -> Value {
    let parts: Vec<&str> = jws.split('.').collect();
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    let header: Value = serde_json::from_slice(&decode(parts[0])).unwrap();
    assert_eq!(header["typ"], "sync-receipt+jws");
    let public = ed25519_dalek::SigningKey::from_bytes(&SEED).verifying_key();
    let signature = ed25519_dalek::Signature::from_slice(&decode(parts[2])).unwrap();
    public
        .verify_strict(format!("{}.{}", parts[0], parts[1]).as_bytes(), &signature)
        .expect("a receipt does not verify");
    serde_json::from_slice(&decode(parts[1])).unwrap()
}
