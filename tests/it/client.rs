//! The reference client against the real server, over lines that do what lines do.

mod basement;
mod line;
mod media;
mod strangers;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anxiao::platform::clock::Clock as _;
use anxiao_client::http::{Http, Trouble};
use anxiao_client::operation::{Draft, Operation, Outcome};
use anxiao_client::phone::Phone;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::district::PASSWORD;
use line::Line;

/// A phone in somebody's hand, with the line it has and a clock of its own.
pub struct Handset {
    pub phone: Option<Phone>,
    pub name: &'static str,
    pub who: &'static str,
    folder: TempDir,
    http: Http,
    /// By how much its clock is ahead.
    ahead: TimeDelta,
    ids: u128,
}

impl Handset {
    /// A new phone; nobody is signed in.
    pub fn new(line: &Line, who: &'static str, name: &'static str) -> Self {
        let folder = TempDir::new().unwrap();
        let phone = Some(Phone::open(folder.path(), name).unwrap());
        let http = Http::new(&line.base, Duration::from_secs(20));
        Self { phone, name, who, folder, http, ahead: TimeDelta::zero(), ids: 0 }
    }

    /// The same, signed in, with everything its person may see.
    pub fn ready(app: &TestApp, line: &Line, who: &'static str, name: &'static str) -> Self {
        let mut handset = Self::new(line, who, name);
        handset.sign_in().unwrap();
        handset.agree(app);
        handset
    }

    pub fn with_clock(mut self, ahead: TimeDelta) -> Self {
        self.ahead = ahead;
        self
    }

    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub fn phone(&mut self) -> &mut Phone {
        self.phone.as_mut().unwrap()
    }

    /// The app is killed and started again.
    pub fn kill(&mut self) {
        self.phone = None;
        self.phone = Some(Phone::open(self.folder.path(), "another name").unwrap());
    }

    pub fn sign_in(&mut self) -> Result<(), Trouble> {
        let phone = self.phone.as_mut().unwrap();
        phone.sign_in(&mut self.http, "https://anxiao.example", self.who, PASSWORD)
    }

    /// What its own clock says.
    pub fn now(&self, app: &TestApp) -> DateTime<Utc> {
        app.clock.now().utc() + self.ahead
    }

    pub fn id(&mut self) -> Uuid {
        self.ids += 1;
        crate::sync::id(&format!("{} {}", self.name, self.ids))
    }

    /// Notes an operation as an app does, at a time of the phone's clock.
    pub fn note(&mut self, kind: &str, id: Uuid, set: Value, at: DateTime<Utc>) -> Uuid {
        let base_version = (kind == "inspection.answer").then(|| {
            let code = set["item_code"].as_str().unwrap();
            self.phone().local.answer(&id.to_string(), code).map(|answer| answer.v)
        });
        let set = set.as_object().cloned().unwrap();
        let base_version = base_version.flatten();
        let draft = Draft { kind: kind.into(), id, base_version, set, needs: vec![], group: None };
        let op_id = self.id();
        let at = at + self.ahead;
        self.phone().note(draft, op_id, at).unwrap();
        op_id
    }

    pub fn waiting(&mut self) -> Vec<Operation> {
        self.phone().outbox.waiting().cloned().collect()
    }

    pub fn push_some(&mut self, app: &TestApp, some: &[Operation]) -> Result<Vec<Outcome>, Trouble> {
        let now = self.now(app);
        self.phone.as_mut().unwrap().push_some(&mut self.http, some, now)
    }

    pub fn push(&mut self, app: &TestApp) -> Result<Vec<Outcome>, Trouble> {
        let now = self.now(app);
        self.phone.as_mut().unwrap().push(&mut self.http, now)
    }

    pub fn hand_in(&mut self, app: &TestApp) -> Result<Vec<Outcome>, Trouble> {
        let now = self.now(app);
        self.phone.as_mut().unwrap().hand_in(&mut self.http, now)
    }

    pub fn pull(&mut self) -> Result<anxiao_client::pull::Pulled, Trouble> {
        self.phone.as_mut().unwrap().pull(&mut self.http)
    }

    pub fn upload(&mut self) -> Result<Vec<Uuid>, Trouble> {
        self.phone.as_mut().unwrap().upload(&mut self.http)
    }

    pub fn sync(&mut self, app: &TestApp) -> Result<anxiao_client::phone::Synced, Trouble> {
        let now = self.now(app);
        self.phone.as_mut().unwrap().sync(&mut self.http, now)
    }

    /// Hands in and fetches until the server says what it counts, which it does when nothing is under way: it is what is
    /// here.
    #[track_caller]
    pub fn agree(&mut self, app: &TestApp) {
        for _ in 0..200 {
            match self.sync(app).unwrap().pulled.agreed {
                Some(agreed) => return assert!(agreed, "{} does not show what the server does", self.name),
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        }
        panic!("never quiet");
    }

    /// What became of each operation, by its id.
    pub fn fates(&mut self) -> BTreeMap<Uuid, String> {
        self.phone().outbox.outcomes().map(|(op, outcome)| (op.op_id, outcome.fate().to_owned())).collect()
    }
}

/// A hazard at the first school.
pub fn report() -> Value {
    serde_json::json!({
        "org_id": crate::support::district::org("a.s1"), "category": "fang", "domain": "fire", "title": "出口上锁",
        "description": "铁链锁闭", "source": "routine",
    })
}
