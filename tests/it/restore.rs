//! A backup under load, a hundred pushes after it, a restore, and the phones that come back: with the real program, on
//! both engines.

mod mistakes;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anxiao::platform::db::schema::{comments, events, evidence, hazards, sync_ops};
use anxiao::platform::db::types::Id;
use anxiao::platform::db::{Conn, DatabaseUrl, Purpose};
use anxiao::platform::files::{ContentHash, Key};
use diesel::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::district::{PASSWORD, org};
use crate::support::handset::{Handset, photo};
use crate::support::program::{Program, command};
use crate::support::{Engine, programs};

/// Who comes with which phone; two of one person.
const PHONES: [(&str, &str); 5] =
    [("office", "o-1"), ("office", "o-2"), ("leader", "l-1"), ("supervisor", "s-1"), ("supervisor", "s-2")];
/// Pushes of each phone after the backup: a hundred in all.
const PUSHES: usize = 20;

/// Runs a command to its end.
pub fn ran(mut command: Command) -> Output {
    command.output().unwrap()
}

fn well(command: Command) -> String {
    let shown = format!("{command:?}");
    let ended = ran(command);
    let said = format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{shown}: {said}");
    said
}

/// A program of PostgreSQL's, on one database.
fn of_postgres(name: &str, url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(programs().join(name));
    command.arg(format!("--dbname={url}")).args(arguments);
    command
}

/// What the operator does to have a backup.
fn back_up(url: &DatabaseUrl, folder: &Path, to: &Path) {
    let file = to.join("records").display().to_string();
    match url {
        DatabaseUrl::Sqlite(_) => {
            let said = well(command(folder, url, &["backup", "--to", &file]));
            assert!(said.contains("evidence") && said.contains("contact-key"), "{said}");
        }
        DatabaseUrl::Postgres(url) => drop(well(of_postgres("pg_dump", url, &["--format=custom", "--file", &file]))),
    }
    // Afterwards what never changes: photos and keys.
    for name in ["evidence", "signing-key.json", "contact-key.json"] {
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(folder.join(name)).arg(to);
        well(copy);
    }
}

/// What the operator does to have it back. The server has been stopped.
fn put_back(url: &DatabaseUrl, folder: &Path, from: &Path) -> String {
    let file = from.join("records").display().to_string();
    match url {
        DatabaseUrl::Sqlite(_) => well(command(folder, url, &["restore", "--from", &file])),
        DatabaseUrl::Postgres(database) => {
            well(of_postgres("pg_restore", database, &["--clean", "--if-exists", &file]));
            well(command(folder, url, &["restore"]))
        }
    }
}

fn report(title: &str) -> Value {
    json!({
        "org_id": org("a.s1"), "category": "fang", "domain": "fire", "title": title, "description": "铁链锁闭",
        "source": "referral",
    })
}

/// One push: a hazard, and a remark on the one before.
async fn push_one(phone: &mut Handset, base: &str, last: &mut Option<(Uuid, String)>) {
    let op_id = match last.take() {
        Some((hazard, op_id)) => {
            phone.make("comment.add", Uuid::now_v7(), json!({"hazard_id": hazard, "text": "已通知"}), &[&op_id])
        }
        None => {
            let hazard = Uuid::now_v7();
            let op_id = phone.make("hazard.report", hazard, report(&format!("出口上锁 {hazard}")), &[]);
            *last = Some((hazard, op_id.clone()));
            op_id
        }
    };
    let open = phone.open();
    assert_eq!(open.len(), 1);
    let answer = phone.push(base, &open).await.unwrap();
    assert_eq!(answer["results"][0]["status"], "applied", "{answer}");
    assert!(phone.open().is_empty(), "{op_id} has no receipt");
}

/// A photo of a hazard: declared by a push, its content sent. Hazard and photo.
async fn push_photo(phone: &mut Handset, base: &str, number: u32) -> (Uuid, Uuid) {
    let (hazard, id, content) = (Uuid::now_v7(), Uuid::now_v7(), photo(number));
    let mut with_photo = report("有照片");
    with_photo["evidence_ids"] = json!([id]);
    let first = phone.make("hazard.report", hazard, with_photo, &[]);
    phone.make("evidence.declare", id, Handset::declaration(&content, hazard), &[&first]);
    let open = phone.open();
    let answer = phone.push(base, &open).await.unwrap();
    assert!(answer["results"].as_array().unwrap().iter().all(|one| one["status"] == "applied"), "{answer}");
    assert_eq!(phone.send_content(base, id, &content).await.0, 200);
    (hazard, id)
}

/// Reports until it is told to stop; how many.
async fn load(base: String, name: &'static str, stop: Arc<AtomicBool>) -> usize {
    let mut phone = Handset::new(&base, "office", PASSWORD, name).await;
    let mut last = None;
    while !stop.load(Ordering::SeqCst) {
        push_one(&mut phone, &base, &mut last).await;
    }
    phone.outbox.len()
}

/// The operations in the ledger: how often each is there as applied.
fn ledger(url: &DatabaseUrl) -> BTreeMap<String, usize> {
    let mut conn = Conn::open(url, Purpose::Read).unwrap();
    let rows: Vec<(Id, String)> = sync_ops::table.select((sync_ops::op_id, sync_ops::status)).load(&mut conn).unwrap();
    let mut times = BTreeMap::new();
    for (id, status) in rows {
        assert_eq!(status, "applied");
        *times.entry(id.0.to_string()).or_default() += 1;
    }
    times
}

/// Each record of these operations is there once, each told once in the journal.
fn everything_once(url: &DatabaseUrl, ops: &[Value]) {
    let times = ledger(url);
    let mut conn = Conn::open(url, Purpose::Read).unwrap();
    let mut of = |kind: &str| -> BTreeSet<String> {
        let rows: Vec<Id> = match kind {
            "hazard.report" => hazards::table.select(hazards::id).load(&mut conn).unwrap(),
            "comment.add" => comments::table.select(comments::id).load(&mut conn).unwrap(),
            _ => evidence::table.select(evidence::id).load(&mut conn).unwrap(),
        };
        rows.iter().map(|id| id.0.to_string()).collect()
    };
    let there: BTreeMap<&str, BTreeSet<String>> =
        ["hazard.report", "comment.add", "evidence.declare"].map(|kind| (kind, of(kind))).into();
    for op in ops {
        let (kind, id) = (op["kind"].as_str().unwrap(), op["id"].as_str().unwrap());
        assert_eq!(times.get(op["op_id"].as_str().unwrap()), Some(&1), "{op}");
        assert!(there[kind].contains(id), "{op}");
    }
    let told: Vec<Id> =
        events::table.filter(events::action.eq("register")).select(events::entity_id).load(&mut conn).unwrap();
    let once: BTreeSet<String> = told.iter().map(|id| id.0.to_string()).collect();
    assert_eq!((told.len(), &once), (once.len(), &there["hazard.report"]), "one entry of the journal for each hazard");
}

/// Every photo that the database calls received is a file with its hash.
fn photos_are_whole(url: &DatabaseUrl, folder: &Path) -> usize {
    let mut conn = Conn::open(url, Purpose::Read).unwrap();
    let rows: Vec<(Id, Vec<u8>)> = evidence::table
        .filter(evidence::received_at.is_not_null())
        .select((evidence::bureau_id, evidence::sha256))
        .load(&mut conn)
        .unwrap();
    for (bureau, hash) in &rows {
        let hash = ContentHash::from_bytes(hash).unwrap();
        let bytes = std::fs::read(folder.join("evidence").join(Key::original(*bureau, hash).to_string())).unwrap();
        assert_eq!(ContentHash::of(&bytes), hash);
    }
    rows.len()
}

/// The backup elsewhere, on a machine that has nothing else: whole, and with every receipt given before it was begun.
fn stands_elsewhere(url: &DatabaseUrl, backup: &Path, before: &[Value]) {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = match url {
        DatabaseUrl::Sqlite(_) => DatabaseUrl::Sqlite(folder.path().join("anxiao.db").display().to_string()),
        DatabaseUrl::Postgres(_) => Engine::Postgres.empty_database().0,
    };
    for name in ["evidence", "signing-key.json", "contact-key.json"] {
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(backup.join(name)).arg(folder.path());
        well(copy);
    }
    put_back(&elsewhere, folder.path(), backup);
    well(command(folder.path(), &elsewhere, &["doctor"]));
    everything_once(&elsewhere, before);
    assert!(photos_are_whole(&elsewhere, folder.path()) >= 1);
    let mut server = Program::start(folder.path(), &elsewhere);
    server.terminate();
    assert!(server.ended().success());
}

fn kept_aside(folder: &Path) -> Vec<PathBuf> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    names.filter(|path| path.to_string_lossy().contains(".before-")).collect()
}

fn drill(engine: Engine) {
    let (url, folder) = engine.database();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut server = Program::start(folder.path(), &url);
        let base = server.base.clone();
        let mut phones = Vec::new();
        for (who, name) in PHONES {
            let mut phone = Handset::new(&base, who, PASSWORD, name).await;
            phone.pull(&base).await;
            let mut last = None;
            for _ in 0..4 {
                push_one(&mut phone, &base, &mut last).await;
            }
            phones.push(phone);
        }
        push_photo(&mut phones[0], &base, 1).await;
        let before: Vec<Value> = phones.iter().flat_map(|phone| phone.outbox.clone()).collect();

        // The backup, while others go on.
        let stop = Arc::new(AtomicBool::new(false));
        let others = ["x-1", "x-2", "x-3"].map(|name| tokio::spawn(load(base.clone(), name, Arc::clone(&stop))));
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        let backup = tempfile::tempdir().unwrap();
        let (from, data, to) = (url.clone(), folder.path().to_owned(), backup.path().to_owned());
        tokio::task::spawn_blocking(move || back_up(&from, &data, &to)).await.unwrap();
        stop.store(true, Ordering::SeqCst);
        let mut under_load = 0;
        for other in others {
            under_load += other.await.unwrap();
        }
        assert!(under_load > 10, "{under_load}");
        let (from, at, known) = (url.clone(), backup.path().to_owned(), before.clone());
        tokio::task::spawn_blocking(move || stands_elsewhere(&from, &at, &known)).await.unwrap();

        // A hundred pushes, each with its receipt, and a photo: the backup knows nothing of them.
        let mut pushes = 0;
        for phone in &mut phones {
            let mut last = None;
            for _ in 0..PUSHES {
                push_one(phone, &base, &mut last).await;
                pushes += 1;
            }
        }
        let (hazard, late_photo) = push_photo(&mut phones[0], &base, 2).await;
        let all: Vec<Value> = phones.iter().flat_map(|phone| phone.outbox.clone()).collect();
        assert_eq!((pushes, all.len()), (100, before.len() + 102));
        let old = phones[0].epoch.clone().unwrap();
        server.terminate();
        assert!(server.ended().success());
        let said = put_back(&url, folder.path(), backup.path());
        assert!(said.contains("epoch 2 begins"), "{said}");
        assert_eq!(kept_aside(folder.path()).len(), usize::from(engine == Engine::Sqlite));
        well(command(folder.path(), &url, &["doctor"]));
        // The restore has taken them away: otherwise nothing would be proved.
        let times = ledger(&url);
        let gone = all[..].iter().filter(|op| !times.contains_key(op["op_id"].as_str().unwrap())).count();
        assert_eq!(gone, 102);

        // The phones come back.
        let mut server = Program::start(folder.path(), &url);
        let base = server.base.clone();
        for phone in &mut phones {
            // What it makes meanwhile; it does not know yet.
            phone.make("hazard.report", Uuid::now_v7(), report("恢复以后"), &[]);
            let open = phone.open();
            let (status, problem) = phone.push(&base, &open).await.unwrap_err();
            assert_eq!((status, &problem["code"]), (409, &json!("epoch_changed")), "{problem}");
            let epoch = problem["current"]["epoch"].as_str().unwrap().to_owned();
            assert_ne!(epoch, old);
            let (status, problem) = phone.pull_once(&base).await;
            assert_eq!((status, &problem["code"]), (409, &json!("epoch_changed")), "{problem}");
            phone.begin_anew(&epoch);
            // No receipt of the new epoch covers anything: all is offered, at most 7 at once.
            let open = phone.open();
            assert_eq!(open.len(), phone.outbox.len());
            let mut words: BTreeMap<String, usize> = BTreeMap::new();
            for some in open.chunks(7) {
                let answer = phone.push(&base, some).await.unwrap();
                for result in answer["results"].as_array().unwrap() {
                    *words.entry(result["status"].as_str().unwrap().to_owned()).or_default() += 1;
                }
            }
            let known = open.iter().filter(|op| times.contains_key(op["op_id"].as_str().unwrap())).count();
            let expected = [("applied".to_owned(), open.len() - known), ("duplicate".to_owned(), known)];
            assert_eq!(words, expected.into(), "{}", phone.device);
            assert!(phone.open().is_empty());
        }
        // The server says what it lacks of the photo; the phone sends it again.
        let path = format!("/api/v1/hazards/{hazard}/evidence?missing=true");
        let (status, missing) = phones[0].call(&base, Method::GET, &path, None).await;
        assert_eq!((status, missing["data"].as_array().map(Vec::len)), (200, Some(1)), "{missing}");
        assert_eq!(phones[0].send_content(&base, late_photo, &photo(2)).await.0, 200);
        let (_, missing) = phones[0].call(&base, Method::GET, &path, None).await;
        assert_eq!(missing["data"], json!([]));

        let ops: Vec<Value> = phones.iter().flat_map(|phone| phone.outbox.clone()).collect();
        everything_once(&url, &ops);
        assert_eq!(photos_are_whole(&url, folder.path()), 2);
        converged(&mut phones, &base).await;
        server.terminate();
        assert!(server.ended().success());
        eprintln!(
            "{engine:?}: {} operations before the backup, {under_load} during it, {pushes} pushes after it; restored, all there once",
            before.len()
        );
    });
}

/// When all is quiet the stores agree with the server: with its sums, with its lists, and those of one person with each
/// other.
async fn converged(phones: &mut [Handset], base: &str) {
    for phone in &mut *phones {
        phone.pull(base).await;
    }
    assert_eq!(phones[0].store, phones[1].store);
    for phone in &*phones {
        let mut listed = BTreeMap::new();
        let mut path = "/api/v1/hazards?limit=200".to_owned();
        loop {
            let (status, page) = phone.call(base, Method::GET, &path, None).await;
            assert_eq!(status, 200, "{page}");
            for row in page["data"].as_array().unwrap() {
                listed.insert(row["id"].as_str().unwrap().to_owned(), row.clone());
            }
            match page["page"]["next_cursor"].as_str() {
                Some(next) => path = format!("/api/v1/hazards?limit=200&cursor={next}"),
                None => break,
            }
        }
        let own = phone.store.iter().filter(|((c, _), _)| c == "hazards");
        let own: BTreeMap<String, Value> = own.map(|((_, id), (_, row))| (id.clone(), row.clone())).collect();
        assert!(own.len() >= 60, "{} sees {}", phone.device, own.len());
        assert_eq!(own, listed, "{}", phone.device);
    }
    let (_, devices) = phones[0].call(base, Method::GET, "/api/v1/sync/devices?limit=200", None).await;
    for phone in &*phones {
        let rows = devices["data"].as_array().unwrap();
        let device = rows.iter().find(|row| row["device_id"] == json!(phone.device)).unwrap();
        assert_eq!(device["acked_seq"], json!(phone.outbox.len()), "{device}");
        assert_eq!((&device["held"], &device["quarantined"]), (&json!(0), &json!(0)), "{device}");
    }
}

#[test]
fn phones_bring_back_what_a_restore_took_away_on_sqlite() {
    drill(Engine::Sqlite);
}

#[test]
fn phones_bring_back_what_a_restore_took_away_on_postgres() {
    drill(Engine::Postgres);
}
