//! 200 000 hazards out of the real program, as CSV and as XLSX: how long it takes, and how much more memory.
//! `make test-slow`; the files stay in cargo's folder for tests, for `tests/exports/check`.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anxiao::platform::db::{Conn, DatabaseUrl};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::ledgers::{a_major, close};
use crate::support::district::PASSWORD;

const HAZARDS: usize = 200_000;
/// MiB more than before the export.
const MOST: f64 = 64.0;

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Program {
    /// MiB of a line of `/proc/PID/status`.
    fn memory(&self, name: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }

    /// Lets the peak begin anew.
    fn forget_peak(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.0.id()), "5").unwrap();
    }
}

fn serve(folder: &Path, url: &DatabaseUrl) -> (Program, String) {
    let url = match url {
        DatabaseUrl::Sqlite(path) => format!("sqlite:{path}"),
        DatabaseUrl::Postgres(url) => url.clone(),
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_anxiao"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--log", "error"]);
    command.arg("--data-dir").arg(folder).args(["--database-url", &url]).env_clear().current_dir(folder);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let greeting = lines.next().expect("the server ended before it listened").unwrap();
    let base = greeting.strip_prefix("anxiao listens on ").unwrap().split(' ').next().unwrap().to_owned();
    (Program(child), base)
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
}

fn columns(conn: &mut Conn, table: &str) -> Vec<String> {
    let sql = if conn.is_sqlite() {
        format!("SELECT name FROM pragma_table_info('{table}')")
    } else {
        format!("SELECT column_name::text AS name FROM information_schema.columns WHERE table_name = '{table}'")
    };
    diesel::sql_query(sql).load::<Column>(conn).unwrap().into_iter().map(|column| column.name).collect()
}

/// Copies of the one hazard there is, each with its round and a text that would be a formula now and then.
fn multiply(conn: &mut Conn) {
    let (id, series, moved) = if conn.is_sqlite() {
        (
            "randomblob(16)",
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})",
            "- n.i * 1000000",
        )
    } else {
        ("gen_random_uuid()", "WITH n AS (SELECT generate_series(1, {}) AS i)", "- n.i * interval '1 second'")
    };
    let series = series.replace("{}", &(HAZARDS - 1).to_string());
    let named = columns(conn, "hazards");
    let values: Vec<String> = named
        .iter()
        .map(|column| match column.as_str() {
            "id" => id.to_owned(),
            "number" => "'640104-2025-' || n.i".to_owned(),
            "created_at" => format!("h.created_at {moved}"),
            "body_hash" => "NULL".to_owned(),
            "basis" => "CASE WHEN n.i % 1000 = 0 THEN '=cmd|'' /C calc''!A0' ELSE h.basis END".to_owned(),
            other => format!("h.{other}"),
        })
        .collect();
    let (named, values) = (named.join(", "), values.join(", "));
    conn.batch_execute(&format!("INSERT INTO hazards ({named}) {series} SELECT {values} FROM hazards h, n")).unwrap();
    let named = columns(conn, "hazard_rounds");
    let values: Vec<String> =
        named.iter().map(|column| if column == "hazard_id" { "h.id".into() } else { format!("r.{column}") }).collect();
    let (named, values) = (named.join(", "), values.join(", "));
    conn.batch_execute(&format!(
        "INSERT INTO hazard_rounds ({named}) SELECT {values} FROM hazards h, hazard_rounds r \
         WHERE h.id NOT IN (SELECT hazard_id FROM hazard_rounds)"
    ))
    .unwrap();
    conn.batch_execute("ANALYZE").unwrap();
}

async fn measured(base: &str, token: &str, program: &Program, format: &str) -> (f64, u64) {
    program.forget_peak();
    let before = program.memory("VmRSS");
    let begun = Instant::now();
    let client = Client::builder().no_proxy().build().unwrap();
    let url = format!("{base}/api/v1/ledgers/hazards/export?format={format}");
    let mut answer = client.get(url).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let first = begun.elapsed().as_secs_f64();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("hazards.{format}"));
    let mut file = std::fs::File::create(path).unwrap();
    let mut bytes = 0;
    while let Some(piece) = answer.chunk().await.unwrap() {
        bytes += u64::try_from(piece.len()).unwrap();
        file.write_all(&piece).unwrap();
    }
    let more = program.memory("VmHWM") - before;
    eprintln!(
        "{format}: {HAZARDS} hazards, {:.1} MiB, {first:.1} s to the first byte, {:.1} s in all, {before:.1} MiB before, {more:.1} MiB more",
        f64::from(u32::try_from(bytes / 1024).unwrap()) / 1024.0,
        begun.elapsed().as_secs_f64()
    );
    (more, bytes)
}

both_engines! {
    #[ignore = "takes minutes: 200 000 hazards"]
    async fn two_hundred_thousand_hazards_take_little_more_memory(app) {
        let id = a_major(app).await;
        close(app, &id).await;
        multiply(&mut app.connect());
        let folder = TempDir::new().unwrap();
        let (program, base) = serve(folder.path(), &app.url);
        let client = Client::builder().no_proxy().build().unwrap();
        let body = json!({"username": "office", "password": PASSWORD});
        let signed = client.post(format!("{base}/api/v1/auth/login")).json(&body).send().await.unwrap();
        let signed: Value = signed.json().await.unwrap();
        let token = signed["access_token"].as_str().unwrap();
        for format in ["csv", "xlsx"] {
            let (more, bytes) = measured(&base, token, &program, format).await;
            assert!(more < MOST, "{format} took {more:.1} MiB more");
            assert!(bytes > 1024 * 1024);
        }
        let text = std::fs::read_to_string(Path::new(env!("CARGO_TARGET_TMPDIR")).join("hazards.csv")).unwrap();
        assert_eq!(text.matches("\r\n").count(), HAZARDS + 1);
        let left = std::fs::read_dir(folder.path().join("tmp")).unwrap().count();
        assert_eq!(left, 0, "files are left behind");
    }
}
