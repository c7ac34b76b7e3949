//! The rows of the table, measured one after the other on one engine.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anxiao::accounts::tokens::Tokens;
use anxiao::platform::clock::{Clock, SystemClock};
use anxiao::platform::ids::SystemIds;
use anyhow::{Context, Result, anyhow};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::client::{Connection, Outcome, Requests, drive, get, post};
use crate::district::{BUREAU_USERS, District, Kind, mix};
use crate::fill::{CATEGORIES, DOMAINS};
use crate::server::Server;
use crate::table::{FilterRow, Row, Table};
use crate::{Options, pgbench};

const READERS: u64 = 32;
const REPORTERS: u64 = 64;
const IDLE: u64 = 500;

/// One engine's run.
struct Run<'a> {
    runtime: Runtime,
    url: &'a str,
    folder: &'a Path,
    district: &'a District,
    seconds: f64,
    sqlite: bool,
}

/// Measures every row.
pub fn measure(
    engine: &str,
    url: &str,
    folder: &Path,
    district: &District,
    options: &Options,
    table: &mut Table,
) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let run = Run { runtime, url, folder, district, seconds: options.seconds, sqlite: engine == "SQLite" };
    run.start(table)?;
    let server = run.product(&[])?;
    run.memory(&server, "fresh", table)?;
    run.reads(&server, table)?;
    run.filters(&server, table)?;
    run.summary(&server, table)?;
    let grouped = run.reports(&server, table)?;
    run.memory(&server, "after the load", table)?;
    drop(server);
    run.reports_without_groups(&grouped, table)
}

fn outcome_text(outcome: &Outcome) -> String {
    format!("{:.0}/s, p50 {:.1} ms, p99 {:.1} ms", outcome.per_second, outcome.p50, outcome.p99)
}

impl Run<'_> {
    fn product(&self, more: &[&str]) -> Result<Server> {
        Server::product(self.url, self.folder, more)
    }

    /// A token for each user number, good for a quarter of an hour.
    fn tokens(&self, users: impl Iterator<Item = u64>) -> Result<Vec<String>> {
        let tokens = Tokens::open(&self.folder.join("signing-key.json"), &SystemIds).map_err(anyhow::Error::msg)?;
        let now = SystemClock.now();
        let one = |n| {
            let (user, session) = (self.district.id(Kind::User, n), self.district.id(Kind::Session, n));
            tokens.issue(user, session, now).map(|(token, _)| token).map_err(|problem| anyhow!("{problem}"))
        };
        users.map(one).collect()
    }

    fn bureau_tokens(&self) -> Result<Vec<String>> {
        self.tokens((0..BUREAU_USERS).map(|n| self.district.bureau_user(n)))
    }

    fn school_tokens(&self) -> Result<Vec<String>> {
        self.tokens(0..self.district.schools)
    }

    fn drive(
        &self,
        address: SocketAddr,
        connections: u64,
        seconds: f64,
        what: &str,
        requests: Requests,
        table: &mut Table,
    ) -> Result<Outcome> {
        let outcome = self.runtime.block_on(drive(address, connections, seconds, requests)).context(what.to_owned())?;
        if outcome.refused > 0 {
            table.refusal(format!("{what}: {} times, first {}", outcome.refused, outcome.refusal));
        }
        Ok(outcome)
    }

    fn start(&self, table: &mut Table) -> Result<()> {
        let mut times = Vec::new();
        for _ in 0..5 {
            times.push(self.product(&[])?.ready_after.as_secs_f64() * 1000.0);
        }
        times.sort_by(f64::total_cmp);
        let median = times.get(2).copied().unwrap_or(f64::NAN);
        table.row(Row {
            work: "start to ready, migrated database, median of 5".to_owned(),
            goal: "under 300 ms".to_owned(),
            measured: format!("{median:.0} ms"),
            reached: Some(median < 300.0),
            ..Row::default()
        });
        Ok(())
    }

    fn memory(&self, server: &Server, when: &str, table: &mut Table) -> Result<()> {
        let request = get("/api/v1/me", self.bureau_tokens()?.first().context("no token")?);
        let (now, most) = self.runtime.block_on(async {
            let mut open = Vec::new();
            for _ in 0..IDLE {
                let mut connection = Connection::open(server.address).await?;
                connection.exchange(&request).await?;
                open.push(connection);
            }
            Ok::<_, anyhow::Error>(server.memory())
        })?;
        table.row(Row {
            work: format!("memory with {IDLE} connections, {when}"),
            goal: "under 150 MiB".to_owned(),
            measured: format!("{now:.0} MiB (most {most:.0} MiB)"),
            reached: Some(now < 150.0),
            ..Row::default()
        });
        Ok(())
    }

    fn reads(&self, server: &Server, table: &mut Table) -> Result<()> {
        let floor = Server::floor(self.url)?;
        let (district, tokens) = (self.district.clone(), self.bureau_tokens()?);
        let hazard =
            move |connection: u64, number: u64| district.hazard(mix(connection << 32 | number) % district.hazards);
        let bare = hazard.clone();
        let point: Requests = Arc::new(move |connection, number| {
            get(&format!("/api/v1/hazards/{}", hazard(connection, number)), of(&tokens, connection))
        });
        let bare: Requests =
            Arc::new(move |connection, number| get(&format!("/hazards/{}", bare(connection, number)), ""));
        let measured = self.drive(server.address, READERS, self.seconds, "point read", point, table)?;
        let least = self.drive(floor.address, READERS, self.seconds, "floor of the point read", bare, table)?;
        let ratio = measured.per_second / least.per_second;
        let enough = ratio >= 0.5 && (!self.sqlite || (measured.per_second >= 15_000.0 && measured.p99 < 8.0));
        table.row(Row {
            work: format!("point read of a hazard, {READERS} clients"),
            goal: if self.sqlite {
                "15 000/s and 0.5 of the floor, p99 under 8 ms".to_owned()
            } else {
                "0.5 of pgbench, next rows".to_owned()
            },
            measured: outcome_text(&measured),
            floor: format!("same SQL through lanes {}", outcome_text(&least)),
            ratio: Some(ratio),
            reached: self.sqlite.then_some(enough),
        });
        self.pgbench("point read, its three statements", &pgbench::point_read(self.district), &measured, true, table)?;
        self.pgbench("point read, the row alone", &pgbench::row(self.district), &measured, false, table)?;

        let (district, tokens) = (self.district.clone(), self.school_tokens()?);
        let any_school = move |connection: u64, number: u64| mix(connection << 32 | number) % district.schools;
        let (district, bare) = (self.district.clone(), any_school);
        let list: Requests = Arc::new(move |connection, number| {
            get("/api/v1/hazards?limit=20", of(&tokens, any_school(connection, number)))
        });
        let bare: Requests = Arc::new(move |connection, number| {
            get(&format!("/schools/{}", district.id(Kind::School, bare(connection, number))), "")
        });
        let measured = self.drive(server.address, READERS, self.seconds, "list of 20", list, table)?;
        let least = self.drive(floor.address, READERS, self.seconds, "floor of the list of 20", bare, table)?;
        let ratio = measured.per_second / least.per_second;
        table.row(Row {
            work: format!("list of 20 in a school's scope, {READERS} clients"),
            goal: if self.sqlite { "0.5 of the floor".to_owned() } else { "0.5 of pgbench, next row".to_owned() },
            measured: outcome_text(&measured),
            floor: format!("same SQL through lanes {}", outcome_text(&least)),
            ratio: Some(ratio),
            reached: self.sqlite.then_some(ratio >= 0.5),
        });
        self.pgbench("list of 20, its two statements", &pgbench::list(self.district), &measured, true, table)
    }

    fn pgbench(&self, work: &str, script: &str, measured: &Outcome, judged: bool, table: &mut Table) -> Result<()> {
        if self.sqlite {
            return Ok(());
        }
        let Some(tps) = pgbench::run(self.url, self.folder, script, self.seconds)? else {
            return Ok(());
        };
        let ratio = measured.per_second / tps;
        table.row(Row {
            work: work.to_owned(),
            goal: if judged { "0.5 of pgbench".to_owned() } else { String::new() },
            measured: format!("{:.0}/s", measured.per_second),
            floor: format!("pgbench, prepared, 8 connections: {tps:.0}/s"),
            ratio: Some(ratio),
            reached: judged.then_some(ratio >= 0.5),
        });
        Ok(())
    }

    /// Every filter that the list allows, broad and narrow, found and not found.
    fn queries(&self) -> Vec<String> {
        let district = self.district;
        let school = district.id(Kind::School, 0);
        let day = |n: u64| district.found(n).utc().format("%Y-%m-%d").to_string();
        let (middle, late) = (day(district.hazards / 2), day(district.hazards * 99 / 100));
        let mut all = vec![String::new(), "sort=created_at".to_owned(), "count=true".to_owned()];
        let words = ["registered", "issued", "rectifying", "awaiting_recheck", "awaiting_approval", "closed", "void"];
        all.extend(words.map(|word| format!("status={word}")));
        all.extend(["category=fang", "domain=fire", "domain=cyber", "level=general", "level=major"].map(str::to_owned));
        all.extend(["source=routine", "source=self_check", "source=staff_hint"].map(str::to_owned));
        all.push(format!("org_id={school}"));
        all.push(format!("under={school}"));
        all.push(format!("under={}", district.bureau));
        all.push("overdue=true".to_owned());
        all.push("overdue=false".to_owned());
        all.push(format!("due_before={}", day(0)));
        all.push(format!("due_before={middle}"));
        all.push(format!("due_before={late}"));
        all.push(format!("due_after={middle}"));
        all.push("due_after=2099-01-01".to_owned());
        all.push(format!("due_after={middle}&due_before={middle}"));
        all.push(format!("from={middle}&to={middle}"));
        all.push(format!("to={middle}"));
        all.push("from=2099-01-01".to_owned());
        all.push(format!("inspection_id={}", district.id(Kind::Inspection, 0)));
        all.push("status=registered&level=major".to_owned());
        all.push("status=void&domain=cyber".to_owned());
        all.push("category=fang&domain=emergency".to_owned());
        all.push("domain=fire&overdue=true".to_owned());
        all.push("level=major&overdue=true&sort=created_at".to_owned());
        all.push(format!("org_id={school}&status=void"));
        all.push(format!("under={school}&overdue=true"));
        all.push("status=closed&count=true".to_owned());
        all
    }

    fn filters(&self, server: &Server, table: &mut Table) -> Result<()> {
        let seconds = (self.seconds * 0.4).max(1.0);
        let tokens = Arc::new(self.bureau_tokens()?);
        let section = Arc::new(self.tokens(std::iter::once(self.district.section_user()))?);
        let mut measured = Vec::new();
        let everyone = self.queries().into_iter().map(|query| (query, Arc::clone(&tokens), ""));
        let narrowed = ["", "status=void", "overdue=true", "domain=food"]
            .map(|query| (query.to_owned(), Arc::clone(&section), " (narrowed to two domains)"));
        for (query, tokens, whose) in everyone.chain(narrowed) {
            let path = format!("/api/v1/hazards?limit=50{}{query}", if query.is_empty() { "" } else { "&" });
            let name = format!("{}{whose}", if query.is_empty() { "no filter" } else { &query });
            let requests: Requests = Arc::new(move |connection, _| get(&path, of(&tokens, connection)));
            let outcome = self.drive(server.address, READERS, seconds, &name, requests, table)?;
            let Outcome { per_second, p50, p99, .. } = outcome;
            measured.push(FilterRow { query: name, per_second, p50, p99 });
        }
        let worst = measured.iter().max_by(|one, other| one.p99.total_cmp(&other.p99)).context("no filter")?;
        let slow = measured.iter().filter(|one| one.p99 >= 30.0).count();
        table.row(Row {
            work: format!("list of 50 in a bureau's scope, any filter, {READERS} clients"),
            goal: "p99 under 30 ms".to_owned(),
            measured: format!(
                "worst p99 {:.1} ms with `{}`; {slow} of {} queries at or over 30 ms",
                worst.p99,
                worst.query,
                measured.len()
            ),
            reached: Some(slow == 0),
            ..Row::default()
        });
        let path = "/api/v1/hazards?limit=50&q=%E9%93%81%E9%93%BE";
        let requests: Requests = Arc::new(move |connection, _| get(path, of(&tokens, connection)));
        let found = self.drive(server.address, READERS, seconds, "q", requests, table)?;
        table.row(Row {
            work: "list of 50 in a bureau's scope, text search, for the record".to_owned(),
            measured: outcome_text(&found),
            ..Row::default()
        });
        table.filters(measured);
        Ok(())
    }

    fn summary(&self, server: &Server, table: &mut Table) -> Result<()> {
        let tokens = self.bureau_tokens()?;
        let first = of(&tokens, 0).to_owned();
        for by in ["category", "domain", "org", "level", "month"] {
            let path = format!("/api/v1/reports/summary?group_by={by}");
            let answer = self
                .runtime
                .block_on(async { Connection::open(server.address).await?.exchange(&get(&path, &first)).await })?;
            if answer.status != 200 {
                let text = String::from_utf8_lossy(&answer.body);
                crate::progress(&format!("  no summary by {by}: {} {text}", answer.status));
                continue;
            }
            let (whole, token) = (path.clone(), first.clone());
            let requests: Requests = Arc::new(move |_, _| get(&whole, &token));
            let alone = self.drive(server.address, 1, (self.seconds * 0.4).max(1.0), &path, requests, table)?;
            table.row(Row {
                work: format!("summary report over the bureau by {by}, 1 client"),
                goal: "under 10 ms (judged by p50)".to_owned(),
                measured: outcome_text(&alone),
                reached: Some(alone.p50 < 10.0),
                ..Row::default()
            });
        }
        Ok(())
    }

    fn report_requests(&self, run: u64) -> Result<Requests> {
        let (tokens, district) = (self.school_tokens()?, self.district.clone());
        Ok(Arc::new(move |connection, number| {
            let seed = mix(run << 56 | connection << 40 | number);
            let school = (connection + number * REPORTERS) % district.schools;
            let id = fresh_id(seed);
            let body = format!(
                "{{\"id\":\"{id}\",\"org_id\":\"{}\",\"category\":\"{}\",\"domain\":\"{}\",\"source\":\"self_check\",\
                 \"title\":\"三楼东侧安全出口上锁\",\"description\":\"午休时段铁链锁闭，无法从内部打开。\"}}",
                district.id(Kind::School, school),
                one_of(&CATEGORIES, seed),
                one_of(&DOMAINS, seed >> 8),
            );
            post("/api/v1/hazards", of(&tokens, school), &id.to_string(), &body)
        }))
    }

    fn reports(&self, server: &Server, table: &mut Table) -> Result<Outcome> {
        let requests = self.report_requests(1)?;
        let outcome = self.drive(server.address, REPORTERS, self.seconds, "report a hazard", requests, table)?;
        if !self.sqlite {
            table.row(Row {
                work: format!("report a hazard (row, counters, journal, idempotency), {REPORTERS} clients"),
                measured: outcome_text(&outcome),
                ..Row::default()
            });
        }
        Ok(outcome)
    }

    fn reports_without_groups(&self, grouped: &Outcome, table: &mut Table) -> Result<()> {
        if !self.sqlite {
            return Ok(());
        }
        let server = self.product(&["--batch", "1"])?;
        let requests = self.report_requests(2)?;
        let alone = self.drive(server.address, REPORTERS, self.seconds, "report, --batch 1", requests, table)?;
        let ratio = grouped.per_second / alone.per_second;
        table.row(Row {
            work: format!("report a hazard (row, counters, journal, idempotency; FULL), {REPORTERS} clients"),
            goal: "3 times the same without group commit; aim at 6 000/s".to_owned(),
            measured: outcome_text(grouped),
            floor: format!("`--batch 1` {}", outcome_text(&alone)),
            ratio: Some(ratio),
            reached: Some(ratio >= 3.0),
        });
        Ok(())
    }
}

fn of(tokens: &[String], n: u64) -> &str {
    let length = u64::try_from(tokens.len()).unwrap_or(1).max(1);
    usize::try_from(n % length).ok().and_then(|at| tokens.get(at)).map_or("", String::as_str)
}

fn one_of<'a>(words: &'a [&'a str], seed: u64) -> &'a str {
    let length = u64::try_from(words.len()).unwrap_or(1).max(1);
    usize::try_from(seed % length).ok().and_then(|at| words.get(at)).copied().unwrap_or("")
}

/// A UUIDv7 as a client makes it: of this instant, never twice.
fn fresh_id(seed: u64) -> Uuid {
    let now = u64::try_from(SystemClock.now().micros() / 1000).unwrap_or(0);
    let [_, _, a, b, c, d, e, f] = now.to_be_bytes();
    let [g, h, i, j, k, l, m, n] = seed.to_be_bytes();
    Uuid::from_bytes([a, b, c, d, e, f, 0x70 | (g & 0xf), h, 0x80 | (i & 0x3f), g, h, i, j, k, l ^ m, n])
}
