//! The two worlds and the comparison of what they answer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use anxiao::access::Role;
use anxiao::platform::db::types::Timestamp;
use anxiao::platform::db::{Conn, DatabaseUrl};
use anxiao::platform::ids::Ids;
use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::script::Step;
use crate::matrix::row::Row;
use crate::matrix::world;
use crate::support::{Answer, Engine, TestApp, district};
use crate::surprise::also;

/// The id of a secret visit that the schools' people hold from the beginning.
pub const TRUE_ID: &str = "3b241101-e2bb-4255-8caf-4136c566a962";
/// The id of one that was called off.
pub const VOID_ID: &str = "9f8b6a54-0d3c-4e21-9b7a-5c6d7e8f9a01";

/// Randomness that begins anew with each step of the script: what is drawn between two steps, and how much, leaves no
/// trace in the next one.
pub struct StepIds(Mutex<StdRng>);

impl StepIds {
    fn step(&self, number: u64) {
        *self.0.lock().unwrap() = StdRng::seed_from_u64(number);
    }
}

impl Ids for StepIds {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap().fill_bytes(bytes);
    }
}

/// One world.
pub struct World {
    /// Its server.
    pub app: TestApp,
    ids: Arc<StepIds>,
    conn: Conn,
    _stop: oneshot::Sender<()>,
}

impl World {
    async fn start(engine: Engine, (url, folder): (DatabaseUrl, TempDir)) -> Self {
        let ids = Arc::new(StepIds(Mutex::new(StdRng::seed_from_u64(0))));
        let (app, stop) = TestApp::start_with(engine, url, folder, ids.clone()).await;
        let conn = world::build(&app).await;
        let past = Timestamp::from(district::start_time() - TimeDelta::days(30));
        district::person(&mut app.connect(), "double", Role::Inspector, "a", None, past);
        also(&app, "double", Role::SchoolSafetyOfficer, "a.s1", past);
        Self { app, ids, conn, _stop: stop }
    }
}

/// What one answer came to, the same in both worlds.
pub struct Told {
    /// Of status, headers and body.
    pub bytes: usize,
    /// Whether the call came as far as the function.
    pub signed_in: bool,
}

/// Both.
pub struct Pair {
    /// Without secrets.
    pub first: World,
    /// With them.
    pub second: World,
}

/// Everything of an answer but the wall clock of the web server, which knows nothing of the test's.
fn whole(answer: &Answer) -> String {
    let mut headers: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, value) in answer.headers.iter().filter(|(name, _)| *name != "date") {
        headers.entry(name.as_str()).or_default().push(String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    let headers: Vec<String> = headers.iter().map(|(name, values)| format!("{name}: {}", values.join(" | "))).collect();
    format!("{}\n{}\n\n{}", answer.status, headers.join("\n"), answer.text)
}

impl Pair {
    pub async fn start(engine: Engine, [first, second]: [(DatabaseUrl, TempDir); 2]) -> Self {
        Self { first: World::start(engine, first).await, second: World::start(engine, second).await }
    }

    /// Moves both clocks on.
    pub fn later(&self, minutes: i64) {
        for world in [&self.first, &self.second] {
            let now = anxiao::platform::clock::Clock::now(world.app.clock.as_ref());
            let now = chrono::DateTime::from_timestamp_micros(now.micros()).unwrap();
            world.app.clock.set(now + TimeDelta::minutes(minutes));
        }
    }

    /// Takes one step in both worlds and compares all it brings back.
    pub async fn take(&mut self, number: usize, step: &Step, rows: &[Row]) -> Vec<Told> {
        let mut all = Vec::new();
        for world in [&mut self.first, &mut self.second] {
            world.ids.step(1 + u64::try_from(number).unwrap());
            world.conn.batch_execute("BEGIN").unwrap();
            let request = step.request(&mut world.conn, number, rows);
            world.conn.batch_execute("COMMIT").unwrap();
            let answers = step.send(&world.app, &request, rows).await;
            all.push((format!("{request:?}"), answers));
        }
        let (second, first) = (all.pop().unwrap(), all.pop().unwrap());
        let name = format!("{} as {} ({})", step.operation(rows), step.who(), step.label());
        assert_eq!(first.0, second.0, "step {number}: the request itself differs: {name}");
        for (first, second) in first.1.iter().zip(&second.1) {
            let (one, other) = (whole(first), whole(second));
            assert!(
                one == other,
                "step {number}: {name} tells the worlds apart\n--- without\n{one}\n--- with\n{other}"
            );
        }
        assert_eq!(first.1.len(), second.1.len(), "step {number}: {name}: more pages in one world");
        let told = |answer: &Answer| Told {
            bytes: whole(answer).len(),
            signed_in: answer.code() != "unauthenticated" || step.who() == "nobody",
        };
        first.1.iter().map(told).collect()
    }
}
