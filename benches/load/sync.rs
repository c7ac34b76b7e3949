//! Offline work: a visit handed in, changes fetched, the first load of a phone.

use std::sync::Arc;
use std::time::Instant;

use anxiao::catalogue::builtin;
use anxiao::platform::db::DatabaseUrl;
use anyhow::{Context, Result, bail};
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::client::{Connection, Outcome, Requests, get, post};
use crate::district::{BUREAU_USERS, INSPECTED, Kind, mix};
use crate::rows::{Run, fresh_id, of, outcome_text};
use crate::server::Server;
use crate::table::{Row, Table};
use crate::{changes, photos};

/// Checklists that together have [`ANSWERS`] items for a primary school without a canteen, a bus or boarders.
const CHECKLISTS: [&str; 5] = ["fang", "gai", "ji", "du", "jiu"];
const ANSWERS: usize = 60;
const HAZARDS: usize = 5;
/// Operations of one visit: planned, begun, answered, handed in.
const OPS: u64 = 63;
const PUSHERS: u64 = 8;
const CHANGES: u64 = 10_000;
const PAGE: u64 = 500;
/// Visits that lie before the inspector.
const PLANNED: u64 = 20;
const TIMES: usize = 5;

diesel::table! {
    /// What a push writes at least, bare.
    bench_floor (id) {
        id -> BigInt,
        body -> Text,
    }
}

/// What came of a pull: rows, answers, bytes, and milliseconds.
#[derive(Debug, Default)]
struct Pulled {
    rows: usize,
    pages: usize,
    bytes: usize,
    ms: f64,
    slowest_ms: f64,
    last_ms: f64,
    cursor: Value,
}

impl Pulled {
    fn text(&self) -> String {
        format!(
            "{:.0} ms: {} rows, {} answers, {:.1} MB; slowest {:.0} ms, last (with the sums) {:.0} ms",
            self.ms,
            self.rows,
            self.pages,
            f64::from(u32::try_from(self.bytes).unwrap_or(u32::MAX)) / 1e6,
            self.slowest_ms,
            self.last_ms,
        )
    }
}

/// A visit as operations, but for its ids.
#[derive(Debug, Clone)]
struct Visit {
    plan: Value,
    answers: Vec<Value>,
}

impl Run<'_> {
    /// Every row of offline work.
    pub fn offline(&self, server: &Server, table: &mut Table) -> Result<()> {
        let visit = self.visit(server)?;
        self.pushes(server, &visit, table)?;
        self.first_load(server, &visit, table)?;
        self.changes(server, table)?;
        photos::measure(self, server, &visit.plan, table)
    }

    fn ask(&self, server: &Server, request: &[u8]) -> Result<Value> {
        let answer =
            self.runtime.block_on(async { Connection::open(server.address).await?.exchange(request).await })?;
        if !(200..300).contains(&answer.status) {
            bail!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        Ok(serde_json::from_slice(&answer.body)?)
    }

    /// Plans a visit of the first school to learn its items.
    fn visit(&self, server: &Server) -> Result<Visit> {
        let token = self.bureau_tokens()?.first().context("no token")?.clone();
        let user = |n| self.district.id(Kind::User, self.district.bureau_user(n));
        let plan = json!({
            "kind": "routine", "org_id": self.district.id(Kind::School, 0), "team": [user(0), user(1)],
            "checklist_ids": CHECKLISTS.map(|category| builtin::checklist_id(category, 1)),
        });
        let key = fresh_id(mix(1)).to_string();
        let made = self.ask(server, &post("/api/v1/inspections", &token, &key, &plan.to_string()))?;
        let id = made["id"].as_str().context("an inspection without an id")?;
        let path = format!("/api/v1/inspections/{id}/answers?limit=200");
        let rows = self.ask(server, &get(&path, &token))?;
        let rows = rows["items"].as_array().or_else(|| rows.as_array()).context("no answers")?.clone();
        if rows.len() != ANSWERS {
            bail!("the visit has {} items, not {ANSWERS}", rows.len());
        }
        let mut failed = 0;
        let answers = rows.iter().map(|row| answer(&row["item"], &mut failed)).collect();
        Ok(Visit { plan, answers })
    }

    fn visits(&self, visit: &Visit, run: u64) -> Result<Requests> {
        let (tokens, district, visit) = (self.bureau_tokens()?, self.district.clone(), visit.clone());
        Ok(Arc::new(move |connection, number| {
            let seed = |n: u64| fresh_id(mix(run << 56 | connection << 48 | number << 16 | n));
            let user = |n| district.id(Kind::User, district.bureau_user(n));
            let (id, first) = (seed(1), number * OPS);
            let mut plan = visit.plan.clone();
            plan["org_id"] = json!(district.id(Kind::School, mix(connection << 32 | number) % district.schools));
            plan["team"] = json!([user(connection), user(connection + 1)]);
            let op = |n: u64, kind: &str, set: &Value, needs: &[u64]| {
                let needs: Vec<_> = needs.iter().map(|n| seed(100 + n)).collect();
                json!({"seq": first + n, "op_id": seed(100 + n), "kind": kind, "id": id, "set": set, "needs": needs, "base_version": 1})
            };
            let mut ops = vec![op(1, "inspection.create", &plan, &[]), op(2, "inspection.check_in", &json!({}), &[1])];
            for (n, answer) in (3..).zip(&visit.answers) {
                ops.push(op(n, "inspection.answer", answer, &[2]));
            }
            let all: Vec<u64> = (3..OPS).collect();
            ops.push(op(OPS, "inspection.submit", &json!({"conclusion": "五处不合格"}), &all));
            for op in ops.iter_mut().filter(|op| op["kind"] != "inspection.answer") {
                op.as_object_mut().map(|op| op.remove("base_version"));
            }
            let body = json!({"device_id": format!("bench-{run}-{connection}"), "schema": 1, "ops": ops}).to_string();
            post("/api/v1/sync/push", of(&tokens, connection), &id.to_string(), &body)
        }))
    }

    fn pushes(&self, server: &Server, visit: &Visit, table: &mut Table) -> Result<()> {
        // That every operation is done is looked at once; the figures would be of refusals else.
        let once = self.visits(visit, 9)?(0, 0);
        let told = self.ask(server, &once)?;
        let results = told["results"].as_array().context("no results")?;
        if let Some(other) = results.iter().find(|one| one["status"] != "applied") {
            bail!("a visit was not handed in: {other}");
        }
        let alone = |run: u64, table: &mut Table| {
            self.drive(server.address, 1, self.seconds, "push of a visit", self.visits(visit, run)?, table)
        };
        let (mut best, mut floor) = (alone(10, table)?, self.bare_rows()?);
        for run in 11..13 {
            let again = alone(run, table)?;
            best = if again.p50 < best.p50 { again } else { best };
            floor = floor.min(self.bare_rows()?);
        }
        let bare = 2 * ANSWERS + usize::try_from(OPS)? + HAZARDS;
        table.row(Row {
            work: format!(
                "push of a visit ({OPS} operations: {ANSWERS} answers, {HAZARDS} hazards), 1 client, best of 3"
            ),
            goal: "under 20 ms (judged by p50)".to_owned(),
            measured: outcome_text(&best),
            floor: format!("{bare} bare rows in two commits: {floor:.1} ms"),
            ratio: Some(floor / best.p50),
            reached: Some(best.p50 < 20.0),
        });
        let mut most = Outcome::default();
        for run in 20..23 {
            let many = self.visits(visit, run)?;
            let many = self.drive(server.address, PUSHERS, self.seconds, "push of visits", many, table)?;
            most = if many.per_second > most.per_second { many } else { most };
        }
        table.row(Row {
            work: format!("the same, {PUSHERS} clients, best of 3"),
            goal: "100/s".to_owned(),
            measured: outcome_text(&most),
            reached: Some(most.per_second >= 100.0),
            ..Row::default()
        });
        Ok(())
    }

    /// Milliseconds that so many rows take by themselves, one statement each, in two commits on one connection.
    fn bare_rows(&self) -> Result<f64> {
        use diesel::connection::SimpleConnection;
        let mut conn = crate::open(self.url)?;
        conn.batch_execute("CREATE TABLE IF NOT EXISTS bench_floor (id bigint PRIMARY KEY, body text NOT NULL)")?;
        let body = "x".repeat(400);
        let rows = i64::try_from(2 * ANSWERS + HAZARDS)? + i64::try_from(OPS)?;
        let mut best = f64::INFINITY;
        for _ in 0..TIMES {
            conn.batch_execute("DELETE FROM bench_floor")?;
            let started = Instant::now();
            for part in [0..rows / 2, rows / 2..rows] {
                diesel::Connection::transaction(&mut conn, |conn| {
                    for n in part {
                        let row = (bench_floor::id.eq(n), bench_floor::body.eq(&body));
                        diesel::insert_into(bench_floor::table).values(row).execute(conn)?;
                    }
                    diesel::QueryResult::Ok(())
                })?;
            }
            best = best.min(started.elapsed().as_secs_f64() * 1000.0);
        }
        Ok(best)
    }

    /// Fetches to the end.
    fn pull(&self, server: &Server, token: &str, cursor: &Value, collections: Option<Value>) -> Result<Pulled> {
        let mut pulled = Pulled { cursor: cursor.clone(), ..Pulled::default() };
        let key = fresh_id(mix(2)).to_string();
        self.runtime.block_on(async {
            let mut link = Connection::open(server.address).await?;
            loop {
                let mut body = json!({"cursor": pulled.cursor, "limit": PAGE});
                if let Some(collections) = collections.as_ref().filter(|_| pulled.cursor.is_null()) {
                    body["collections"] = collections.clone();
                }
                let request = post("/api/v1/sync/pull", token, &key, &body.to_string());
                let started = Instant::now();
                let answer = link.exchange(&request).await?;
                pulled.last_ms = started.elapsed().as_secs_f64() * 1000.0;
                if answer.status != 200 {
                    bail!("{}: {}", answer.status, String::from_utf8_lossy(&answer.body));
                }
                pulled.ms += pulled.last_ms;
                pulled.slowest_ms = pulled.slowest_ms.max(pulled.last_ms);
                pulled.pages += 1;
                pulled.bytes += answer.body.len();
                let told: Value = serde_json::from_slice(&answer.body)?;
                pulled.rows += told["changes"].as_array().map_or(0, Vec::len);
                pulled.cursor = told["cursor"].clone();
                if told["has_more"] != true {
                    return Ok(pulled);
                }
            }
        })
    }

    /// The inspector has been to many schools, and has visits before him.
    fn first_load(&self, server: &Server, visit: &Visit, table: &mut Table) -> Result<()> {
        let token = self.bureau_tokens()?.first().context("no token")?.clone();
        let user = |n| self.district.id(Kind::User, n);
        for n in 0..PLANNED {
            let mut plan = visit.plan.clone();
            plan["org_id"] = json!(self.district.id(Kind::School, n % self.district.schools));
            plan["team"] = json!([user(self.district.inspector()), user(self.district.bureau_user(0))]);
            let key = fresh_id(mix(700 + n)).to_string();
            self.ask(server, &post("/api/v1/inspections", &token, &key, &plan.to_string()))?;
        }
        let token = self.tokens(std::iter::once(self.district.inspector()))?.pop().context("no token")?;
        let mut best = self.pull(server, &token, &Value::Null, None)?;
        for _ in 1..TIMES {
            let again = self.pull(server, &token, &Value::Null, None)?;
            best = if again.ms < best.ms { again } else { best };
        }
        table.row(Row {
            work: format!(
                "first load of an inspector with {} schools and {PLANNED} visits to do, best of {TIMES}",
                INSPECTED.min(self.district.schools)
            ),
            measured: best.text(),
            ..Row::default()
        });
        let mut quiet = f64::INFINITY;
        for _ in 0..TIMES {
            quiet = quiet.min(self.pull(server, &token, &best.cursor, None)?.ms);
        }
        table.row(Row {
            work: "the same inspector asks again, nothing has changed".to_owned(),
            measured: format!("{quiet:.1} ms"),
            ..Row::default()
        });
        Ok(())
    }

    fn changes(&self, server: &Server, table: &mut Table) -> Result<()> {
        let last = self.tokens(std::iter::once(self.district.bureau_user(BUREAU_USERS - 1)))?;
        let token = last.first().context("no token")?;
        let loaded = self.pull(server, token, &Value::Null, Some(json!(["hazards"])))?;
        let view = loaded.rows;
        table.row(Row {
            work: "first load of all hazards of half a year by the bureau, for the record".to_owned(),
            measured: loaded.text(),
            ..Row::default()
        });
        let count = CHANGES.min(self.district.hazards);
        changes::change(&DatabaseUrl::parse(self.url).map_err(anyhow::Error::msg)?, self.district, count)?;
        let floor = Server::floor(self.url)?;
        let (mut best, mut least) = (Pulled { ms: f64::INFINITY, ..Pulled::default() }, f64::INFINITY);
        for _ in 0..TIMES {
            // The same cursor may be asked again.
            let again = self.pull(server, token, &loaded.cursor, None)?;
            best = if again.ms < best.ms { again } else { best };
            least = least.min(self.bare_pages(&floor, count)?);
        }
        if best.rows < usize::try_from(count)? {
            table.refusal(format!("{} changes came of {count}", best.rows));
        }
        table.row(Row {
            work: format!("pull of {count} changes by one who holds {view}, {PAGE} an answer, best of {TIMES}"),
            goal: "under 500 ms".to_owned(),
            measured: best.text(),
            floor: format!("the rows by primary key through lanes: {least:.0} ms"),
            ratio: Some(least / best.ms),
            reached: Some(best.ms < 500.0),
        });
        let mut quiet = f64::INFINITY;
        for _ in 0..TIMES {
            quiet = quiet.min(self.pull(server, token, &best.cursor, None)?.ms);
        }
        table.row(Row {
            work: format!("a pull that finds nothing new, with sums over {view} rows"),
            measured: format!("{quiet:.1} ms"),
            ..Row::default()
        });
        Ok(())
    }

    fn bare_pages(&self, floor: &Server, count: u64) -> Result<f64> {
        let first = self.district.hazards - count;
        self.runtime.block_on(async {
            let mut link = Connection::open(floor.address).await?;
            let started = Instant::now();
            for page in 0..count.div_ceil(PAGE) {
                let id = self.district.hazard(first + page * PAGE);
                link.exchange(&get(&format!("/behind/{id}"), "")).await?;
            }
            Ok(started.elapsed().as_secs_f64() * 1000.0)
        })
    }
}

/// A good answer, but for the first few items that can fail.
fn answer(item: &Value, failed: &mut usize) -> Value {
    let code = &item["code"];
    match item["response"].as_str().unwrap_or_default() {
        "number" => json!({"item_code": code, "value": item["min"].as_f64().or(item["max"].as_f64()).unwrap_or(1.0)}),
        "choice" => {
            let options = item["options"].as_array().map(Vec::as_slice).unwrap_or_default();
            let good = options.iter().find(|option| option["fail"] != true).map(|option| option["value"].clone());
            json!({"item_code": code, "value": good})
        }
        "text" => json!({"item_code": code, "value": "好"}),
        _ if *failed < HAZARDS => {
            *failed += 1;
            let claim = fresh_id(mix(u64::try_from(*failed).unwrap_or(0)));
            json!({"item_code": code, "result": "fail", "note": "堆放杂物", "evidence_ids": [claim]})
        }
        _ => json!({"item_code": code, "result": "pass"}),
    }
}
