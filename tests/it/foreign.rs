//! Each id of a good request replaced, in turn, by one of the other bureau and by one of nothing: 404, and nothing in
//! the database moves.

use std::collections::BTreeMap;

use anxiao::platform::db::Conn;
use anxiao::platform::db::types::Id;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use serde_json::Value;
use uuid::Uuid;

use crate::matrix::row::{Ask, Row};
use crate::matrix::{rows, world};
use crate::support::district::user;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Nullable<Text>)]
    line: Option<String>,
}

fn lines(conn: &mut Conn, sql: &str) -> Vec<String> {
    let rows = diesel::sql_query(sql).load::<Line>(conn).unwrap();
    rows.into_iter().filter_map(|row| row.line).collect()
}

/// What moves with signing in alone.
const APART: &[&str] = &["last_used_at", "failed_logins", "locked_until"];

/// Every row of every table, table by table.
fn everything(conn: &mut Conn) -> BTreeMap<String, Vec<String>> {
    let (tables, columns) = if conn.is_sqlite() {
        (
            "SELECT name AS line FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
            "SELECT name AS line FROM pragma_table_info('{}')",
        )
    } else {
        (
            "SELECT table_name::text AS line FROM information_schema.tables WHERE table_schema = 'public'",
            "SELECT column_name::text AS line FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '{}'",
        )
    };
    let sqlite = conn.is_sqlite();
    let mut all = BTreeMap::new();
    for table in lines(conn, tables) {
        let quoted = |column: &String| {
            if sqlite { format!("quote(\"{column}\")") } else { format!("coalesce(\"{column}\"::text, '-')") }
        };
        let names = lines(conn, &columns.replace("{}", &table));
        let parts: Vec<String> = names.iter().filter(|name| !APART.contains(&name.as_str())).map(quoted).collect();
        let rows = lines(conn, &format!("SELECT {} AS line FROM {table} ORDER BY 1", parts.join(" || '|' || ")));
        all.insert(table, rows);
    }
    all
}

/// Where an id stands in a request.
#[derive(Debug, Clone)]
enum Spot {
    /// The how-manieth id of path and query.
    Path(usize),
    /// A pointer into the body.
    Body(String),
}

fn in_path(path: &str) -> Vec<Uuid> {
    path.split(['/', '?', '&', '=']).filter_map(|part| Uuid::parse_str(part).ok()).collect()
}

fn in_body(value: &Value, at: &str, found: &mut Vec<(String, Uuid)>) {
    match value {
        Value::String(text) => found.extend(Uuid::parse_str(text).ok().map(|id| (at.to_owned(), id))),
        Value::Array(all) => all.iter().enumerate().for_each(|(n, one)| in_body(one, &format!("{at}/{n}"), found)),
        Value::Object(all) => all.iter().for_each(|(name, one)| in_body(one, &format!("{at}/{name}"), found)),
        _ => {}
    }
}

fn spots(ask: &Ask) -> Vec<(Spot, Uuid)> {
    let mut all: Vec<_> = in_path(&ask.path).into_iter().enumerate().map(|(n, id)| (Spot::Path(n), id)).collect();
    let mut body = Vec::new();
    in_body(ask.body.as_ref().unwrap_or(&Value::Null), "", &mut body);
    all.extend(body.into_iter().map(|(at, id)| (Spot::Body(at), id)));
    all
}

fn with(ask: &Ask, spot: &Spot, old: Uuid, new: Id) -> Ask {
    let mut ask = ask.clone();
    match spot {
        Spot::Path(_) => ask.path = ask.path.replace(&old.to_string(), &new.to_string()),
        Spot::Body(at) => *ask.body.as_mut().unwrap().pointer_mut(at).unwrap() = Value::from(new.to_string()),
    }
    ask
}

both_engines! {
    async fn an_id_that_is_not_yours_is_an_id_of_nothing(app) {
        let mut conn = world::build(app).await;
        let (mut replaced, mut wrong) = (0, Vec::new());
        for (number, row) in rows::all().into_iter().enumerate() {
            let (good, elsewhere) = row.good(&mut conn, number);
            let before = everything(&mut conn);
            let theirs = spots(&elsewhere);
            for (n, (spot, id)) in spots(&good).into_iter().enumerate() {
                let name = format!("{} as {} {spot:?}", row.name(), row.by);
                let own_id = matches!(&spot, Spot::Body(at) if at == "/id");
                if matches!(&spot, Spot::Body(at) if at.contains("evidence_ids")) {
                    // Claims: absent and foreign are accepted alike, as the good request shows.
                    continue;
                }
                let foreign = match theirs.get(n) {
                    _ if own_id => of_same_kind(&row),
                    Some((_, other)) if *other != id => Id(*other),
                    _ => user("b.inspector"),
                };
                for other in [foreign, world::nothing(n)].into_iter().take(if own_id { 1 } else { 2 }) {
                    let answer = app.send(row.request(app, row.by, &with(&good, &spot, id, other))).await;
                    // Whoever is not of the team named beside does not lead it, whether there is such a person or not.
                    let lead = good.body.as_ref().is_some_and(|body| body["lead_id"] == id.to_string());
                    let off_team = [("/lead_id".to_owned(), "not_on_team".to_owned())];
                    let right = if row.operation == "POST /hazards/bulk" {
                        // An outcome for each id: this one is as absent as any.
                        answer.status == 200 && answer.body["results"] == serde_json::json!([{"id": other, "status": "not_found"}])
                    } else if lead && answer.status == 422 {
                        answer.faults() == off_team
                    } else if own_id {
                        (answer.status, answer.code()) == (409, "id_reused") && answer.body["current"].is_null()
                    } else {
                        answer.status == 404
                    };
                    if !right {
                        wrong.push(format!("{name} → {other}: {} {}", answer.status, answer.text));
                    }
                    replaced += 1;
                }
            }
            let after = everything(&mut conn);
            let moved = before.iter().filter(|(table, rows)| after[*table] != **rows).map(|(table, _)| table);
            wrong.extend(moved.map(|table| format!("{} moved {table}", row.name())));
            let answer = app.send(row.request(app, row.by, &good)).await;
            if !((200..300).contains(&answer.status) || row.operation == "POST /auth/password") {
                wrong.push(format!("{} as {} is no good request: {} {}", row.name(), row.by, answer.status, answer.text));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(replaced > 100, "only {replaced} ids were replaced");
    }
}

/// An id of the other bureau that a record of the same kind has.
fn of_same_kind(row: &Row) -> Id {
    match row.operation {
        "POST /users" => world::person("b.s1"),
        "POST /orgs" => world::org_of("b.s1"),
        "POST /orgs/{id}/sites" => world::of("site", "b.s1"),
        "POST /checklists" | "POST /checklists/{id}/additions" => world::of("checklist", "b.s1"),
        "POST /deadline-policies" => world::of("policy", "b"),
        "POST /inspections" => world::of("inspection", "b.s1"),
        "POST /hazards/{id}/extensions" => world::of("extension", "b.s1"),
        "POST /hazards/{id}/listing" => world::of("listing", "b.s1"),
        "POST /hazards/{id}/progress-reports" => world::of("progress", "b.s1"),
        "POST /hazards/{id}/suspension" => world::of("suspension", "b.s1"),
        "POST /hazards/{id}/referrals" => world::of("referral", "b.s1"),
        "POST /hazards/{id}/comments" => world::of("comment", "b.s1"),
        "POST /reports" => world::of("report", "b.s1"),
        "POST /recusals" => world::of("recusal", "b.s1"),
        "POST /hazards/{id}/documents" | "POST /inspections/{id}/documents" => world::of("document", "b.s1"),
        "POST /draws" => world::of("draw", "b"),
        "POST /monthly-reports" => world::of("earlier month", "b.s1"),
        "POST /plans" => world::of("plan", "b.s1"),
        "POST /inspections/{id}/amendments" => world::of("amendment", "b.s1"),
        "POST /orgs/{id}/signing-delegations" => world::of("delegation", "b.s1"),
        "POST /inspections/{id}/scans" => world::of("scan", "b.s1"),
        "POST /hazards" => world::of("hazard", "b.s1"),
        "POST /evidence" => world::of("photo", "b.s1"),
        other => panic!("{other} takes an id of the client: name one of the other bureau here"),
    }
}
