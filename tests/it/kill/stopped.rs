//! PostgreSQL is stopped at once (`pg_ctl stop -m immediate`: no checkpoint, every backend dropped), started again, and
//! recovers from its log, while clients report through a server that stays up.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anxiao::platform::db::DatabaseUrl;
use reqwest::StatusCode;
use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

use super::{Known, Reporter, everything_once};
use crate::support::program::{Program, first_person};
use crate::support::{as_postgres, programs};

const ROUNDS: u64 = 6;
const CLIENTS: usize = 6;

/// A cluster of this test's own, with the settings that the promise rests on.
struct Own {
    folder: TempDir,
    run_as: Vec<String>,
}

impl Own {
    fn make() -> Self {
        let folder = TempDir::new().unwrap();
        let run_as = as_postgres(folder.path());
        let own = Self { folder, run_as };
        own.run("initdb", &["-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C"]);
        own.start();
        own.call("createdb", &["-h", &own.folder.path().display().to_string(), "-U", "postgres", "records"]);
        own
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn call(&self, program: &str, arguments: &[&str]) {
        let program = programs().join(program).display().to_string();
        let mut words = self.run_as.iter().cloned().chain([program]).collect::<Vec<_>>();
        let mut command = Command::new(words.remove(0));
        command.args(words).args(arguments).current_dir("/").stdout(std::process::Stdio::null());
        assert!(command.status().unwrap().success(), "{command:?}");
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        self.call(program, &[&["-D", &self.data().display().to_string()], arguments].concat());
    }

    fn start(&self) {
        let folder = self.folder.path().display();
        let options = format!("-k {folder} -c listen_addresses= -c shared_buffers=32MB -c max_connections=60");
        self.run("pg_ctl", &["-w", "-s", "-l", &format!("{folder}/log"), "-o", &options, "start"]);
    }

    fn stop_at_once(&self) {
        self.run("pg_ctl", &["-w", "-s", "-m", "immediate", "stop"]);
    }

    fn url(&self) -> DatabaseUrl {
        let host = self.folder.path().to_string_lossy().replace('/', "%2F");
        DatabaseUrl::parse(&format!("postgres://postgres@{host}/records")).unwrap()
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if Path::new(&self.data().join("postmaster.pid")).exists() {
            self.stop_at_once();
        }
    }
}

/// The number where it was acknowledged; nothing where nobody answered, or the server says that it cannot.
async fn send(reporter: &Reporter, base: &str, id: Uuid) -> Option<String> {
    let request = reporter.client.post(format!("{base}/api/v1/hazards")).bearer_auth(&reporter.token);
    let request = request.header("idempotency-key", id.to_string()).json(&reporter.report(id));
    let answer = request.send().await.ok()?;
    let status = answer.status();
    let body: Value = answer.json().await.ok()?;
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT) {
        return None;
    }
    assert!(status == 200 || status == 201, "{status} {body}");
    assert_eq!(body["id"], id.to_string());
    Some(body["number"].as_str().unwrap().to_owned())
}

async fn client(reporter: Reporter, base: String, known: Arc<Mutex<Known>>, stop: Arc<AtomicBool>) -> usize {
    let mut unanswered = 0;
    while !stop.load(Ordering::SeqCst) {
        let open = known.lock().unwrap().open.pop();
        let id = open.unwrap_or_else(Uuid::now_v7);
        match send(&reporter, &base, id).await {
            Some(number) => known.lock().unwrap().acknowledge(id, number),
            None => {
                known.lock().unwrap().open.push(id);
                unanswered += 1;
                tokio::time::sleep(Duration::from_millis(40)).await;
            }
        }
    }
    unanswered
}

#[test]
fn what_was_acknowledged_survives_a_postgres_stopped_at_once() {
    let own = Arc::new(Own::make());
    let folder = TempDir::new().unwrap();
    first_person(folder.path(), &own.url());
    let mut program = Program::start(folder.path(), &own.url());
    let known = Arc::new(Mutex::new(Known::default()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let unanswered = runtime.block_on(async {
        let base = program.base.clone();
        let reporter = Reporter::sign_in(&base).await;
        let stop = Arc::new(AtomicBool::new(false));
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..CLIENTS {
            clients.spawn(client(reporter.clone(), base.clone(), Arc::clone(&known), Arc::clone(&stop)));
        }
        for _ in 0..ROUNDS {
            tokio::time::sleep(Duration::from_millis(150 + Uuid::new_v4().as_u64_pair().0 % 500)).await;
            let cluster = Arc::clone(&own);
            tokio::task::spawn_blocking(move || {
                cluster.stop_at_once();
                cluster.start();
            })
            .await
            .unwrap();
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        stop.store(true, Ordering::SeqCst);
        let unanswered: usize = clients.join_all().await.into_iter().sum();
        let open = std::mem::take(&mut known.lock().unwrap().open);
        let patience = Instant::now();
        for id in open {
            let number = loop {
                if let Some(number) = send(&reporter, &base, id).await {
                    break number;
                }
                assert!(patience.elapsed() < Duration::from_secs(20), "the server does not come back");
                tokio::time::sleep(Duration::from_millis(50)).await;
            };
            known.lock().unwrap().acknowledge(id, number);
        }
        unanswered
    });
    program.terminate();
    assert!(program.ended().success());
    let known = known.lock().unwrap();
    let acknowledged = known.acknowledged.len();
    eprintln!("PostgreSQL stopped at once {ROUNDS} times: {acknowledged} reports, {unanswered} times no answer");
    assert!(acknowledged > 50 && unanswered > 5, "too little work: {acknowledged} reports, {unanswered} unanswered");
    everything_once(&own.url(), &known.acknowledged);
}
