//! The real program, killed while it writes, and asked to stop while it works.

mod stopped;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anxiao::platform::db::schema::{events, hazard_counters, hazards};
use anxiao::platform::db::types::Id;
use anxiao::platform::db::{Conn, DatabaseUrl, Purpose, word};
use diesel::prelude::*;
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::Engine;
use crate::support::program::{PASSWORD, Program, first_person};

const ROUNDS: u64 = 20;
const CLIENTS: usize = 6;

/// Somebody signed in, and the school to report of.
#[derive(Clone)]
pub struct Reporter {
    pub client: Client,
    pub token: String,
    pub school: String,
}

impl Reporter {
    pub async fn sign_in(base: &str) -> Self {
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(15)).build().unwrap();
        let body = json!({"username": "office", "password": PASSWORD});
        let signed = client.post(format!("{base}/api/v1/auth/login")).json(&body).send().await.unwrap();
        let signed: Value = signed.json().await.unwrap();
        let token = signed["access_token"].as_str().unwrap().to_owned();
        let me = client.get(format!("{base}/api/v1/me")).bearer_auth(&token).send().await.unwrap();
        let me: Value = me.json().await.unwrap();
        let body = json!({
            "kind": "school", "name": "丙区小学", "parent_id": me["memberships"][0]["org"]["id"],
            "school": {"school_kind": "primary"},
        });
        let made = client.post(format!("{base}/api/v1/orgs")).bearer_auth(&token).json(&body).send().await.unwrap();
        assert_eq!(made.status(), 201);
        let made: Value = made.json().await.unwrap();
        Self { client, token, school: made["id"].as_str().unwrap().to_owned() }
    }

    /// What is reported under an id.
    pub fn report(&self, id: Uuid) -> Value {
        json!({
            "id": id, "org_id": self.school, "category": "fang", "domain": "fire", "source": "special",
            "title": format!("通道堵塞 {id}"), "description": "堆放杂物",
        })
    }

    /// Reports, or reports again. The number where it was acknowledged; nothing where nobody answered.
    pub async fn send(&self, base: &str, id: Uuid) -> Option<String> {
        let request = self.client.post(format!("{base}/api/v1/hazards")).bearer_auth(&self.token);
        let request = request.header("idempotency-key", id.to_string()).json(&self.report(id));
        let answer = request.send().await.ok()?;
        let status = answer.status();
        let body: Value = answer.json().await.ok()?;
        assert!(status == 200 || status == 201, "{status} {body}");
        assert_eq!(body["id"], id.to_string());
        Some(body["number"].as_str().unwrap().to_owned())
    }
}

/// What the reporters know: the number of what was acknowledged, and what was not.
#[derive(Default)]
struct Known {
    acknowledged: BTreeMap<Uuid, String>,
    open: Vec<Uuid>,
}

impl Known {
    fn acknowledge(&mut self, id: Uuid, number: String) {
        let before = self.acknowledged.entry(id).or_insert_with(|| number.clone());
        assert_eq!(*before, number, "two numbers for one report");
    }
}

/// One client: first what nobody acknowledged, then one that was acknowledged already, then ever new ones, until the
/// server is gone.
async fn client(reporter: Reporter, base: String, known: Arc<Mutex<Known>>) {
    let again = known.lock().unwrap().acknowledged.keys().next_back().copied();
    if let Some(id) = again {
        match reporter.send(&base, id).await {
            Some(number) => known.lock().unwrap().acknowledge(id, number),
            None => return,
        }
    }
    loop {
        let open = known.lock().unwrap().open.pop();
        let id = open.unwrap_or_else(Uuid::now_v7);
        match reporter.send(&base, id).await {
            Some(number) => known.lock().unwrap().acknowledge(id, number),
            None => {
                known.lock().unwrap().open.push(id);
                return;
            }
        }
    }
}

#[test]
fn what_was_acknowledged_survives_twenty_kills_once() {
    let (url, folder) = Engine::Sqlite.empty_database();
    first_person(folder.path(), &url);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let known = runtime.block_on(under_fire(&url, &folder));
    let known = Arc::into_inner(known).unwrap().into_inner().unwrap();
    assert!(known.open.is_empty());
    everything_once(&url, &known.acknowledged);
}

async fn under_fire(url: &DatabaseUrl, folder: &TempDir) -> Arc<Mutex<Known>> {
    let known = Arc::new(Mutex::new(Known::default()));
    let mut reporter = None;
    let mut lost = 0;
    let few = |known: &Mutex<Known>| known.lock().unwrap().acknowledged.len() <= 60;
    let mut round = 0;
    // On a machine that has other work too, some more.
    while round < ROUNDS || (round < 3 * ROUNDS && few(&known)) {
        let mut program = Program::start(folder.path(), url);
        let base = program.base.clone();
        if reporter.is_none() {
            reporter = Some(Reporter::sign_in(&base).await);
        }
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..CLIENTS {
            clients.spawn(client(reporter.clone().unwrap(), base.clone(), Arc::clone(&known)));
        }
        // A moment nobody chose, soon after the start or well into the work.
        let moment = Uuid::new_v4().as_u64_pair().0 % (40 + round * 40);
        tokio::time::sleep(Duration::from_millis(5 + moment)).await;
        program.kill();
        clients.join_all().await;
        lost += known.lock().unwrap().open.len();
        round += 1;
    }
    // At the end everybody asks again until everything is acknowledged, old acknowledgements included.
    let mut program = Program::start(folder.path(), url);
    let reporter = reporter.unwrap();
    let open = std::mem::take(&mut known.lock().unwrap().open);
    let some: Vec<Uuid> = known.lock().unwrap().acknowledged.keys().copied().step_by(9).collect();
    for id in open.into_iter().chain(some) {
        let number = reporter.send(&program.base, id).await.expect("the server is there");
        known.lock().unwrap().acknowledge(id, number);
    }
    program.terminate();
    assert!(program.ended().success());
    let acknowledged = known.lock().unwrap().acknowledged.len();
    eprintln!("{round} kills, {acknowledged} reports, {lost} times no answer");
    assert!(acknowledged > 50 && lost > 20, "too little work under fire: {acknowledged} reports, {lost} unanswered");
    known
}

/// The database holds each acknowledged report once, and nothing else.
fn everything_once(url: &DatabaseUrl, acknowledged: &BTreeMap<Uuid, String>) {
    let mut conn = Conn::open(url, Purpose::Write).unwrap();
    if conn.is_sqlite() {
        assert_eq!(word(&mut conn, "SELECT integrity_check AS word FROM pragma_integrity_check").unwrap(), "ok");
    }
    let rows: Vec<(Id, String)> =
        hazards::table.order(hazards::number).select((hazards::id, hazards::number)).load(&mut conn).unwrap();
    let stored: BTreeMap<Uuid, String> = rows.iter().map(|(id, number)| (id.0, number.clone())).collect();
    assert_eq!(stored.len(), rows.len());
    assert_eq!(&stored, acknowledged);
    let years: BTreeSet<&str> = rows.iter().map(|(_, number)| &number[..12]).collect();
    for year in years {
        let of_year = rows.iter().filter(|(_, number)| number.starts_with(year));
        for (at, (_, number)) in of_year.enumerate() {
            assert_eq!(*number, format!("{year}{:06}", at + 1), "numbers have gaps");
        }
    }
    let count = i64::try_from(rows.len()).unwrap();
    let entries: i64 = events::table.filter(events::action.eq("register")).count().get_result(&mut conn).unwrap();
    assert_eq!(entries, count, "one entry of the journal for each");
    let counted: Vec<i64> = hazard_counters::table
        .filter(hazard_counters::scope_id.eq(hazard_counters::bureau_id))
        .select(hazard_counters::found)
        .load(&mut conn)
        .unwrap();
    assert_eq!(counted.into_iter().sum::<i64>(), count, "the counters agree");
}

fn stops_gracefully(engine: Engine) {
    let (url, folder) = engine.empty_database();
    first_person(folder.path(), &url);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut program = Program::start(folder.path(), &url);
        let reporter = Reporter::sign_in(&program.base).await;
        let ready = async |client: &Client| client.get(format!("{}/health/ready", program.base)).send().await;
        assert_eq!(ready(&reporter.client).await.unwrap().status(), 200);
        let id = Uuid::now_v7();
        let body = reporter.report(id).to_string();
        let mut slow = half_sent(&program.base, &reporter.token, &body);
        program.terminate();
        // Readiness goes first, while everything else is still answered.
        let asked = Instant::now();
        while ready(&reporter.client).await.unwrap().status() != 503 {
            assert!(asked.elapsed() < Duration::from_millis(700), "readiness stays");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let other = Uuid::now_v7();
        assert!(reporter.send(&program.base, other).await.is_some(), "refused although it was still listening");
        // When nobody new is let in any more, the request in flight still ends well.
        while TcpStream::connect(program.base.strip_prefix("http://").unwrap()).is_ok() {
            assert!(asked.elapsed() < Duration::from_secs(10), "it still listens");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(program.child.try_wait().unwrap(), None, "it went away under a request");
        slow.write_all(&body.as_bytes()[body.len() / 2..]).unwrap();
        let mut answer = String::new();
        slow.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
        assert_eq!(program.ended().code(), Some(0));
        let mut conn = Conn::open(&url, Purpose::Read).unwrap();
        let mut stored: Vec<Id> = hazards::table.select(hazards::id).load(&mut conn).unwrap();
        stored.sort_unstable();
        assert_eq!(stored, [Id(id), Id(other)]);
    });
}

/// A report of which the server has the head and half the body.
fn half_sent(base: &str, token: &str, body: &str) -> TcpStream {
    let mut slow = TcpStream::connect(base.strip_prefix("http://").unwrap()).unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!(
        "POST /api/v1/hazards HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    slow.write_all(head.as_bytes()).unwrap();
    slow.write_all(&body.as_bytes()[..body.len() / 2]).unwrap();
    slow.flush().unwrap();
    std::thread::sleep(Duration::from_millis(200));
    slow
}

mod sqlite {
    #[test]
    fn stops_gracefully() {
        super::stops_gracefully(crate::support::Engine::Sqlite);
    }
}

mod postgres {
    #[test]
    fn stops_gracefully() {
        super::stops_gracefully(crate::support::Engine::Postgres);
    }
}
