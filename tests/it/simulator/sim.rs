//! One seed: the server, the phones, the steps, and the trail of what was done.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use anxiao::platform::clock::Clock;
use anxiao::platform::db::Conn;
use anxiao::platform::db::types::Id;
use anxiao::platform::ids::SeededIds;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::dice::Dice;
use super::oracle::Oracle;
use super::phone::Phone;
use crate::support::district::{org, session, user};
use crate::support::{Answer, Engine, TestApp};

/// Person and name of each phone; two of them are one person's.
pub const PHONES: [(&str, &str); 7] = [
    ("inspector1", "red"),
    ("inspector1", "red-tablet"),
    ("inspector2", "blue"),
    ("office", "desk"),
    ("officer1", "school-1"),
    ("officer2", "school-2"),
    ("supervisor", "roving"),
];
/// Items of the checklist of the simulated visits.
pub const ITEMS: [&str; 6] = ["sim-1", "sim-2", "sim-3", "sim-4", "sim-5", "sim-6"];
/// Last steps that a failing seed prints.
const TRAIL: usize = 25;

/// What was done, over all seeds.
#[derive(Debug, Default)]
pub struct Figures {
    pub counts: BTreeMap<&'static str, usize>,
}

impl Figures {
    pub fn add(&mut self, other: &Self) {
        for (name, count) in &other.counts {
            *self.counts.entry(name).or_default() += count;
        }
    }

    /// A simulator whose phones get nothing done proves nothing.
    pub fn worth_something(&self, seeds: usize) {
        for name in ["applied", "quarantined", "pulls", "operations"] {
            assert!(self.counts.get(name).is_some_and(|count| *count >= seeds), "{name}: too few, {self}");
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self.counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
        f.write_str(&all.join(", "))
    }
}

/// The last steps; prints them when the seed fails.
struct Trail {
    seed: u64,
    engine: Engine,
    last: Rc<RefCell<VecDeque<String>>>,
}

impl Drop for Trail {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("\nSEED {} failed on {:?}; its last steps:", self.seed, self.engine);
            self.last.borrow().iter().for_each(|line| eprintln!("  {line}"));
            let engine = if self.engine == Engine::Sqlite { "sqlite" } else { "postgres" };
            eprintln!("again: ANXIAO_SEEDS={} ANXIAO_ENGINE={engine} cargo test --test it simulator", self.seed);
        }
    }
}

/// A copy of the database, with what the oracle knew then.
pub struct Backup {
    pub file: PathBuf,
    pub oracle: Oracle,
}

/// A seed under way.
pub struct Sim {
    pub seed: u64,
    pub step: usize,
    pub dice: Dice,
    pub phones: Vec<Phone>,
    pub oracle: Oracle,
    pub figures: Figures,
    pub backup: Option<Backup>,
    /// A transaction of somebody else that is not committed yet.
    pub late: Option<Conn>,
    pub late_hazard: String,
    pub checklist: String,
    /// The session of each person, where it is not the first.
    pub sessions: BTreeMap<&'static str, Id>,
    /// Ids of records that some phone made: others may hear of them before the server does.
    pub rumours: Vec<String>,
    /// Files by hash that were handed in whole.
    pub handed_in: BTreeSet<String>,
    pub conn: Option<Conn>,
    /// Commits that bring operations fail just now.
    pub trapped: bool,
    app: Option<(TestApp, oneshot::Sender<()>)>,
    starts: u64,
    last: Rc<RefCell<VecDeque<String>>>,
}

/// Runs one seed.
pub fn one(engine: Engine, seed: u64, steps: usize) -> Figures {
    let last = Rc::new(RefCell::new(VecDeque::new()));
    let _trail = Trail { seed, engine, last: Rc::clone(&last) };
    let (url, folder) = engine.database();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let app = TestApp::start_with(engine, url, folder, Arc::new(SeededIds::new(seed * 1000))).await;
        let mut sim = Sim {
            seed,
            step: 0,
            dice: Dice::new(seed),
            phones: PHONES.iter().map(|(who, name)| Phone::new(who, name)).collect(),
            oracle: Oracle::default(),
            figures: Figures::default(),
            backup: None,
            late: None,
            late_hazard: String::new(),
            checklist: String::new(),
            sessions: BTreeMap::new(),
            rumours: Vec::new(),
            handed_in: BTreeSet::new(),
            conn: Some(app.0.connect()),
            trapped: false,
            app: Some(app),
            starts: 0,
            last,
        };
        sim.prepare().await;
        for step in 0..steps {
            sim.step = step;
            sim.app().take_statements();
            sim.moment().await;
        }
        sim.calm().await;
        sim.judge().await;
        sim.figures
    })
}

impl Sim {
    pub fn app(&self) -> &TestApp {
        &self.app.as_ref().unwrap().0
    }

    pub fn conn(&mut self) -> &mut Conn {
        self.conn.as_mut().unwrap()
    }

    /// Microseconds of the server's clock.
    pub fn now(&self) -> i64 {
        self.app().clock.now().micros()
    }

    /// Notes a step.
    pub fn say(&self, what: impl fmt::Display) {
        let mut last = self.last.borrow_mut();
        if last.len() == TRAIL {
            last.pop_front();
        }
        last.push_back(format!("{:>3} {what}", self.step));
    }

    pub fn count(&mut self, name: &'static str, number: usize) {
        *self.figures.counts.entry(name).or_default() += number;
    }

    /// An id of an app.
    pub fn id(&mut self) -> String {
        let millis = self.now() / 1000;
        self.dice.id(millis).to_string()
    }

    pub fn token(&self, who: &str) -> String {
        let session = self.sessions.get(who).copied().unwrap_or_else(|| session(who));
        self.app().token_for(user(who), session)
    }

    /// A request as somebody.
    pub async fn call(&self, who: &str, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let mut request = self.app().request("", method, path).bearer_auth(self.token(who));
        if let Some(body) = body {
            request = request.json(body);
        }
        self.app().send(request).await
    }

    pub async fn get(&self, who: &str, path: &str) -> Answer {
        self.call(who, Method::GET, path, None).await
    }

    pub async fn post(&self, who: &str, path: &str, body: Value) -> Answer {
        self.call(who, Method::POST, path, Some(&body)).await
    }

    /// All rows of a list, page by page; the count that the first page tells is their number.
    pub async fn all(&self, who: &str, path: &str) -> Vec<Value> {
        let (mut rows, mut count, mut cursor) = (Vec::new(), Value::Null, String::new());
        loop {
            let sign = if path.contains('?') { '&' } else { '?' };
            let answer = self.get(who, &format!("{path}{sign}limit=200&count=true{cursor}")).await.expect(200);
            rows.extend(answer.rows());
            if count.is_null() {
                count = answer.body["page"]["count"].clone();
            }
            match answer.body["page"]["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(count, json!(rows.len()), "the count of {path} for {who} is not the number of its rows");
        rows
    }

    /// Stops the server and starts another one on the same database; `meanwhile` gets the folder.
    pub async fn restart(&mut self, meanwhile: impl FnOnce(&std::path::Path, &anxiao::platform::db::DatabaseUrl)) {
        self.starts += 1;
        let ids = Arc::new(SeededIds::new(self.seed * 1000 + self.starts));
        let (app, stop) = self.app.take().unwrap();
        self.conn = None;
        let app = app.restarted(stop, ids, meanwhile).await;
        self.conn = Some(app.0.connect());
        self.app = Some(app);
    }

    async fn prepare(&mut self) {
        let item = |code: &&str| {
            let mut item =
                json!({"code": code, "title_zh": code, "response": "pass_fail", "domain": "fire", "category": "fang"});
            if **code == *ITEMS[5] {
                item["on_fail_require"] = json!(["photo"]);
            }
            item
        };
        let list = json!({"title": "模拟", "items": ITEMS.iter().map(item).collect::<Vec<_>>()});
        let list = self.post("office", "/checklists", list).await.expect(201).id();
        self.post("office", &format!("/checklists/{list}/publish"), json!({})).await.expect(200);
        self.checklist = list;
        let hazard = json!({
            "org_id": org("a.s1"), "category": "fang", "domain": "fire", "title": "late", "description": "x",
            "source": "referral",
        });
        let hazard = self.post("office", "/hazards", hazard).await.expect(201).id();
        self.oracle.by_request.insert(hazard.clone());
        self.late_hazard = hazard;
        self.oracle.epoch = self.epoch_in_force();
        self.set_trap();
        for place in 0..self.phones.len() {
            let phone = &self.phones[place];
            let body = json!({"device_id": phone.name, "limit": 500});
            let answer = self.post(phone.who, "/sync/pull", body).await.expect(200).body;
            self.phones[place].credential = answer["device_credential"].as_str().unwrap().to_owned();
            let skew = match self.dice.below(4) {
                0 => self.dice.from(-3 * 86_400, 3 * 86_400),
                1 => self.dice.from(-7200, 7200),
                _ => 0,
            };
            let phone = &mut self.phones[place];
            (phone.skew, phone.epoch) = (skew, answer["epoch"].as_str().map(str::to_owned));
            phone.take(&answer);
        }
    }

    /// One step: somebody does something, a phone syncs, or something goes wrong elsewhere.
    async fn moment(&mut self) {
        let seconds = if self.dice.often(90) { self.dice.from(1, 600) } else { self.dice.from(600, 20_000) };
        // Now and then several things happen at the same instant.
        if self.dice.often(70) {
            self.app().clock.advance(chrono::TimeDelta::seconds(seconds));
        }
        match self.dice.below(100) {
            0..45 => self.somebody_acts(),
            45..88 => self.somebody_syncs().await,
            _ => self.weather().await,
        }
    }
}
