//! The real program at work under the recording library, and what it acknowledged when.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};

use anxiao::platform::db::DatabaseUrl;
use anxiao::platform::files::ContentHash;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::kill::Reporter;
use crate::support::handset::{Handset, photo};
use crate::support::program::{FIRST_PERSON, PASSWORD, Program, SERVE, command_of, first_person_by};

const CLIENTS: usize = 4;

/// The data folder and the folder of photos, below the recorded one: the program makes both itself, and the names of
/// folders have to survive as well.
pub const DATA: &str = "srv/data";
pub const PHOTOS: &str = "media/photos";

/// What somebody was told is done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// The first person can sign in: the command ended well.
    Person,
    /// The server listens with this key: what it signs and seals from now on needs the file.
    Key(&'static str, Vec<u8>),
    /// A hazard with its number.
    Hazard(Uuid, String),
    /// A hazard has at least this version.
    Version(Uuid, i64),
    /// A remark.
    Comment(Uuid),
    /// An operation of a phone, in a receipt that verified; its kind and record.
    Operation(String, String, Uuid),
    /// The content of a photo was received; its hash.
    Photo(Uuid, ContentHash),
}

/// A run of the program.
pub struct Recording {
    /// The folder it worked in, as it left it; its own folder [`DATA`] is below.
    pub root: PathBuf,
    /// What it did there.
    pub log: Vec<u8>,
    /// What it acknowledged, each with the length the log had when the answer was there.
    pub told: Vec<(u64, Fact)>,
    _folder: TempDir,
}

static LIBRARY: OnceLock<(TempDir, PathBuf)> = OnceLock::new();

/// The recording library, compiled once for this run.
pub fn library() -> &'static Path {
    let (_, path) = LIBRARY.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("record.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/power/record.c");
        let mut compile = Command::new("cc");
        compile.args(["-shared", "-fPIC", "-O1", "-pthread", "-o"]).arg(&path).arg(source);
        assert!(compile.status().unwrap().success(), "the recording library does not compile");
        (folder, path)
    });
    path
}

/// Lets `program` work until it has acknowledged `enough` things, and stops it as an operator would.
pub fn record(program: &Path, enough: usize) -> Recording {
    let folder = TempDir::new().unwrap();
    let base = folder.path().canonicalize().unwrap();
    let (root, log) = (base.join("disk"), base.join("log"));
    std::fs::create_dir(&root).unwrap();
    let data = root.join(DATA);
    let url = DatabaseUrl::Sqlite(data.join("anxiao.db").display().to_string());
    let recorded = |arguments: &[&str]| {
        let mut command = command_of(program, &data, &url, arguments);
        command.arg("--evidence-store").arg(root.join(PHOTOS)).current_dir(&root);
        command.env("LD_PRELOAD", library()).env("POWER_ROOT", &root).env("POWER_LOG", &log);
        command
    };
    let length = || std::fs::metadata(&log).unwrap().len();
    first_person_by(recorded(FIRST_PERSON));
    let mut told = vec![(length(), Fact::Person)];
    let mut server = Program::of(recorded(SERVE));
    let listening = length();
    for name in ["signing-key.json", "contact-key.json"] {
        told.push((listening, Fact::Key(name, std::fs::read(data.join(name)).unwrap())));
    }
    let told = Arc::new(Mutex::new(told));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let reporter = Reporter::sign_in(&server.base).await;
        let mut clients = tokio::task::JoinSet::new();
        for number in 0..CLIENTS {
            let device = format!("phone-{number}");
            let worker = Worker {
                phone: Handset::new(&server.base, "office", PASSWORD, &device).await,
                number: u32::try_from(number).unwrap(),
                reporter: reporter.clone(),
                base: server.base.clone(),
                log: log.clone(),
                told: Arc::clone(&told),
                enough,
            };
            clients.spawn(worker.work());
        }
        clients.join_all().await;
    });
    server.terminate();
    assert!(server.ended().success());
    let told = std::mem::take(&mut *told.lock().unwrap());
    Recording { root, log: std::fs::read(&log).unwrap(), told, _folder: folder }
}

struct Worker {
    reporter: Reporter,
    phone: Handset,
    number: u32,
    base: String,
    log: PathBuf,
    told: Arc<Mutex<Vec<(u64, Fact)>>>,
    enough: usize,
}

impl Worker {
    async fn work(mut self) {
        let mut round = 0;
        while self.told.lock().unwrap().len() < self.enough {
            let hazard = Uuid::now_v7();
            let number = self.reporter.send(&self.base, hazard).await.unwrap();
            self.tell(Fact::Hazard(hazard, number));
            let comment = Uuid::now_v7();
            let body = json!({"id": comment, "text": "已联系维修单位，周三到场。"});
            self.call(Method::POST, &format!("/hazards/{hazard}/comments"), body, None).await;
            self.tell(Fact::Comment(comment));
            let body = json!({"title": format!("通道仍然堵塞 {hazard}")});
            let changed = self.call(Method::PATCH, &format!("/hazards/{hazard}"), body, Some(1)).await;
            self.tell(Fact::Version(hazard, changed["version"].as_i64().unwrap()));
            self.hand_in(round).await;
            round += 1;
        }
    }

    /// A phone's push of three operations, and the content of the photo that it declared.
    async fn hand_in(&mut self, round: u32) {
        let (hazard, comment, evidence) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
        let mut report = self.reporter.report(hazard);
        report.as_object_mut().unwrap().remove("id");
        let content = photo(self.number * 10_000 + round);
        let first = self.phone.make("hazard.report", hazard, report, &[]);
        self.phone.make("comment.add", comment, json!({"hazard_id": hazard, "text": "现场已设警示。"}), &[&first]);
        self.phone.make("evidence.declare", evidence, Handset::declaration(&content, hazard), &[&first]);
        let ops = self.phone.open();
        assert_eq!(ops.len(), 3);
        let answer = self.phone.push(&self.base, &ops).await.unwrap();
        for (op, result) in ops.iter().zip(answer["results"].as_array().unwrap()) {
            assert_eq!(result["status"], "applied", "{result}");
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            self.tell(Fact::Operation(text(&op["op_id"]), text(&op["kind"]), text(&op["id"]).parse().unwrap()));
        }
        let (status, received) = self.phone.send_content(&self.base, evidence, &content).await;
        assert_eq!((status, &received["state"]), (200, &json!("received")), "{received}");
        self.tell(Fact::Photo(evidence, ContentHash::of(&content)));
    }

    /// The answer is here: whatever the log holds by now, the power may go from here on.
    fn tell(&self, fact: Fact) {
        let at = std::fs::metadata(&self.log).unwrap().len();
        self.told.lock().unwrap().push((at, fact));
    }

    async fn call(&self, method: Method, path: &str, body: Value, version: Option<i64>) -> Value {
        let request = self.reporter.client.request(method, format!("{}/api/v1{path}", self.base));
        let mut request = request.bearer_auth(&self.reporter.token).json(&body);
        if let Some(version) = version {
            request = request.header("if-match", format!("\"{version}\""));
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{status} {text}");
        serde_json::from_str(&text).unwrap()
    }
}
