//! A real server for one test, and people who call it.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use anxiao::access::turnstile::{Limits, Turnstile};
use anxiao::accounts::tokens::Tokens;
use anxiao::app::App;
use anxiao::platform::clock::SetClock;
use anxiao::platform::db::types::{Id, Timestamp};
use anxiao::platform::db::{DatabaseUrl, Db, DbOptions, StatementLog};
use anxiao::platform::files::Files;
use anxiao::platform::files::settings::{Settings, Where};
use anxiao::platform::ids::{Ids, SeededIds};
use anxiao::platform::telemetry::Metrics;
use anxiao::reports::Compartment;
use anxiao::server::{self, Listen};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::district;
use super::engine::Engine;

/// The seed of the signing key and of the contact key of all tests.
pub const SEED: [u8; 32] = [42; 32];

/// A server with a district of its own.
pub struct TestApp {
    /// Which engine it stands on.
    pub engine: Engine,
    /// Its database.
    pub url: DatabaseUrl,
    /// `http://127.0.0.1:PORT`
    pub base: String,
    /// Its clock; stands at [`district::start_time`] until moved.
    pub clock: Arc<SetClock>,
    /// Every statement of its lanes since the last [`TestApp::take_statements`].
    statements: StatementLog,
    /// Where its evidence is kept: a folder of the test's own.
    pub files: Files,
    tokens: Tokens,
    client: Client,
    server: JoinHandle<()>,
    folder: TempDir,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The body as text.
    pub text: String,
    /// The body as JSON, null where it is none.
    pub body: Value,
}

impl Answer {
    /// A header, empty where it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// `code` of a problem.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }

    /// `code` of each of a problem's errors with its pointer, sorted.
    pub fn faults(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
        let errors = self.body["errors"].as_array().cloned().unwrap_or_default();
        let mut faults: Vec<_> = errors.iter().map(|e| (text(&e["pointer"]), text(&e["code"]))).collect();
        faults.sort();
        faults
    }

    /// The answer, if it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// `id` of the body.
    #[track_caller]
    pub fn id(&self) -> String {
        self.body["id"].as_str().unwrap_or_else(|| panic!("no id in {}", self.text)).to_owned()
    }

    /// The rows of a list.
    #[track_caller]
    pub fn rows(&self) -> Vec<Value> {
        self.body["data"].as_array().unwrap_or_else(|| panic!("no list: {}", self.text)).clone()
    }
}

impl TestApp {
    /// Runs one test against a fresh server.
    pub fn run(engine: Engine, test: impl AsyncFnOnce(&Self)) {
        let (url, folder) = engine.database();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (app, stop) = Self::start(engine, url, folder).await;
            test(&app).await;
            drop(stop);
        });
    }

    /// Starts a server on a database; it stops when the second part is dropped.
    pub async fn start(engine: Engine, url: DatabaseUrl, folder: TempDir) -> (Self, oneshot::Sender<()>) {
        Self::start_with(engine, url, folder, Arc::new(SeededIds::new(2026))).await
    }

    /// The same with a source of ids of the test's own.
    pub async fn start_with(
        engine: Engine,
        url: DatabaseUrl,
        folder: TempDir,
        ids: Arc<dyn Ids>,
    ) -> (Self, oneshot::Sender<()>) {
        let place = Self::store_in(&folder);
        Self::start_at(engine, url, folder, ids, &place, SetClock::new(district::start_time())).await
    }

    /// A store of evidence in the folder of the test.
    fn store_in(folder: &TempDir) -> Settings {
        let place = folder.path().join("evidence");
        Settings { parts: place.join(".parts"), place: Where::Folder(place) }
    }

    /// Stops this server, lets something be done to the database that nobody uses then, and starts another one on it.
    /// The clock goes on.
    pub async fn restarted(
        self,
        stop: oneshot::Sender<()>,
        ids: Arc<dyn Ids>,
        meanwhile: impl FnOnce(&Path, &DatabaseUrl),
    ) -> (Self, oneshot::Sender<()>) {
        let Self { engine, url, clock, client, server, folder, files, .. } = self;
        drop((stop, client, files));
        tokio::task::spawn_blocking(move || server.join()).await.unwrap().unwrap();
        meanwhile(folder.path(), &url);
        let place = Self::store_in(&folder);
        Self::start_at(engine, url, folder, ids, &place, clock).await
    }

    /// A server with a store of evidence and a clock of the test's own.
    pub async fn start_at(
        engine: Engine,
        url: DatabaseUrl,
        folder: TempDir,
        ids: Arc<dyn Ids>,
        place: &Settings,
        clock: Arc<SetClock>,
    ) -> (Self, oneshot::Sender<()>) {
        let statements: StatementLog = Arc::new(Mutex::new(Vec::new()));
        let options =
            DbOptions { read_lanes: 2, write_lanes: 2, statements: Some(statements.clone()), ..DbOptions::default() };
        let db = Db::start(&url, &options, clock.clone(), ids.clone(), 1).unwrap();
        let keys = (Tokens::from_seeds(&[SEED]).unwrap(), Arc::new(Compartment::from_seeds(&[SEED])));
        // Everybody comes from this machine: who another is, is told by X-Forwarded-For. The clock stands still, so
        // sign-ins of a whole test fall into one minute.
        let limits = Limits { sign_ins_per_minute: 200, ..Limits::default() };
        let turnstile = Turnstile::new(limits, vec!["127.0.0.0/8".parse().unwrap()], clock.clone());
        let files = Files::open(place).unwrap();
        let app = App::new(db, clock.clone(), ids, keys, turnstile, Arc::new(Metrics::new().unwrap()), files.clone());
        let (stop, stopped) = oneshot::channel::<()>();
        let (address_out, address) = oneshot::channel();
        let server = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let listen = Listen {
                    api: "127.0.0.1:0".parse().unwrap(),
                    metrics: Some("127.0.0.1:0".parse().unwrap()),
                    workers: 1,
                };
                let running = server::start(app, &listen).unwrap();
                address_out.send(running.address).unwrap();
                let _ = stopped.await;
                running.stop().await;
            });
        });
        let base = format!("http://{}", address.await.unwrap());
        let app = Self {
            engine,
            url,
            base,
            clock,
            statements,
            files,
            tokens: Tokens::from_seeds(&[SEED]).unwrap(),
            client: Client::builder().no_proxy().build().unwrap(),
            server,
            folder,
        };
        (app, stop)
    }

    /// An access token of a person of the district, good for 15 minutes of the test's clock.
    pub fn token(&self, name: &str) -> String {
        self.token_for(district::user(name), district::session(name))
    }

    /// An access token for any user and session.
    pub fn token_for(&self, user: Id, session: Id) -> String {
        let now: Timestamp = anxiao::platform::clock::Clock::now(self.clock.as_ref());
        self.tokens.issue(user, session, now).unwrap().0
    }

    /// The folder of this server's data.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A request as somebody; as nobody with an empty name. Paths are under `/api/v1` unless they begin with `//`.
    pub fn request(&self, name: &str, method: Method, path: &str) -> RequestBuilder {
        let url = match path.strip_prefix("//") {
            Some(outside) => format!("{}/{outside}", self.base),
            None => format!("{}/api/v1{path}", self.base),
        };
        let request = self.client.request(method, url).header("accept-language", "en");
        if name.is_empty() { request } else { request.bearer_auth(self.token(name)) }
    }

    /// Sends a request.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status, headers, text, body }
    }

    /// GET as somebody.
    pub async fn get(&self, name: &str, path: &str) -> Answer {
        self.send(self.request(name, Method::GET, path)).await
    }

    /// POST as somebody.
    pub async fn post(&self, name: &str, path: &str, body: Value) -> Answer {
        self.send(self.request(name, Method::POST, path).json(&body)).await
    }

    /// PUT as somebody.
    pub async fn put(&self, name: &str, path: &str, body: Value) -> Answer {
        self.send(self.request(name, Method::PUT, path).json(&body)).await
    }

    /// PATCH as somebody who has seen `version`.
    pub async fn patch(&self, name: &str, path: &str, version: i64, body: Value) -> Answer {
        let request = self.request(name, Method::PATCH, path).header("if-match", format!("\"{version}\""));
        self.send(request.json(&body)).await
    }

    /// DELETE as somebody.
    pub async fn delete(&self, name: &str, path: &str) -> Answer {
        self.send(self.request(name, Method::DELETE, path)).await
    }

    /// The statements since the last call, connection settings and transaction control apart.
    pub fn take_statements(&self) -> Vec<String> {
        let all = std::mem::take(&mut *self.statements.lock().unwrap());
        let control = ["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA", "SET "];
        all.into_iter().filter(|sql| !control.iter().any(|word| sql.starts_with(word))).collect()
    }

    /// A connection of the test's own to the database.
    pub fn connect(&self) -> anxiao::platform::db::Conn {
        anxiao::platform::db::Conn::open(&self.url, anxiao::platform::db::Purpose::Write).unwrap()
    }
}
