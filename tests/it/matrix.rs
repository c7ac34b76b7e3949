//! The matrix: every operation of the document (and every action of `/transitions`) × every role × {own, below, above,
//! beside, other bureau, absent}, against the permission table.

use std::collections::{BTreeMap, BTreeSet};

use anxiao::access::Permission;
use anxiao::hazards::status::Action;
use anxiao::platform::http::openapi::PERMISSION;
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::support::district::{PEOPLE, org, session, user};
use crate::support::{Answer, TestApp};

pub mod row;
pub mod rows;
pub mod world;

use row::{Case, Expect, Row, callers};
use world::{ABSENT, KEEPERS, Place, STAFFED, of, person, relation};

/// `METHOD path` → the permissions that the document names.
fn operations() -> BTreeMap<String, BTreeSet<String>> {
    let document = serde_json::to_value(anxiao::openapi::document()).unwrap();
    let mut all = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let permissions = operation[PERMISSION].as_str().unwrap_or("");
            let named = permissions.split(['|', ',']).map(|name| name.trim().to_owned()).collect();
            all.insert(format!("{} {path}", method.to_uppercase()), named);
        }
    }
    all
}

fn full_name(row: &Row) -> String {
    row.operation.replacen(' ', " /api/v1", 1)
}

#[test]
fn every_operation_has_a_row_with_its_permissions() {
    let operations = operations();
    let rows = rows::all();
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in &rows {
        let named = row.any_of.iter().map(|permission: &Permission| permission.as_str().to_owned());
        told.entry(full_name(row)).or_default().extend(named);
    }
    for (operation, permissions) in &operations {
        if rows::PUBLIC.contains(&operation.as_str()) {
            assert_eq!(*permissions, BTreeSet::from(["public".to_owned()]), "{operation}");
            continue;
        }
        let row = told.get(operation).unwrap_or_else(|| panic!("{operation} has no row in tests/it/matrix/rows"));
        let own: BTreeSet<String> = BTreeSet::from(["own account".to_owned()]);
        assert_eq!(if row.is_empty() { &own } else { row }, permissions, "{operation}");
    }
    for operation in told.keys().map(String::as_str).chain(rows::PUBLIC.iter().copied()) {
        assert!(operations.contains_key(operation), "{operation} has a row and no route");
    }
    let actions: BTreeSet<&str> = rows.iter().map(|row| row.action).filter(|action| !action.is_empty()).collect();
    assert_eq!(actions, Action::ALL.iter().map(|action| action.as_str()).collect(), "actions of /transitions");
}

/// Every id of the other bureau.
fn foreign_ids() -> Vec<String> {
    let mut ids = vec![org("b"), org("b.s1"), of("policy", "b")];
    ids.extend(PEOPLE.iter().filter(|one| one.0.starts_with("b.")).flat_map(|one| [user(one.0), session(one.0)]));
    ids.extend(STAFFED.iter().filter(|place| place.starts_with('b')).map(|place| person(place)));
    ids.extend(KEEPERS.iter().filter(|place| place.starts_with('b')).map(|place| of("checklist", place)));
    ids.extend(["report", "public report"].map(|noun| of(noun, "b.s1")));
    ids.extend(["site", "hazard", "earlier hazard", "inspection", "comment", "month"].map(|noun| of(noun, "b.s1")));
    ids.extend(
        ["site", "hazard", "earlier hazard", "inspection", "comment", "month", "recusal"].map(|noun| of(noun, "b.s1")),
    );
    ids.extend(world::MEASURES.iter().map(|noun| of(noun, "b.s1")));
    ids.iter().map(ToString::to_string).collect()
}

/// `code` of a problem, where the method lets it have a body.
fn says(row: &Row, answer: &Answer, code: &str) -> bool {
    if row.operation.starts_with("HEAD ") { answer.text.is_empty() } else { answer.code() == code }
}

fn fits(row: &Row, expect: Expect, answer: &Answer) -> bool {
    match expect {
        Expect::Never | Expect::Beyond => answer.status == 403 && says(row, answer, "forbidden"),
        Expect::Sealed => answer.status == 403 && answer.code() == "reporter_sealed",
        Expect::Gone => answer.status == 404,
        Expect::Done => (200..300).contains(&answer.status),
        Expect::Judged => (200..300).contains(&answer.status) || matches!(answer.status, 409 | 422),
    }
}

async fn one_row(app: &TestApp, conn: &mut anxiao::platform::db::Conn, row: &Row, number: &mut usize) -> Vec<String> {
    let mut wrong = Vec::new();
    let foreign = foreign_ids();
    for (who, role, home) in callers() {
        let mut absent: Option<Answer> = None;
        // The absent one first: the others are compared with it.
        let mut places: Vec<Place> = row.targets().to_vec();
        places.sort_by_key(|place| *place != ABSENT);
        for place in places {
            let expect = row.expect(role, home, place);
            if expect == Expect::Never && matches!(place, "a.cluster" | "a.s2" | "a.agency") {
                // Refused before anything is looked for: own, below, foreign and absent tell it.
                continue;
            }
            *number += 1;
            conn.batch_execute("BEGIN").unwrap();
            let ask = (row.ask)(&mut Case { conn, who, place, number: *number });
            conn.batch_execute("COMMIT").unwrap();
            let answer = app.send(row.request(app, who, &ask)).await;
            let about = format!("{} as {who} on {place} ({})", row.name(), relation(home, place));
            if !fits(row, expect, &answer) {
                wrong.push(format!("{about}: expected {expect:?}, got {} {}", answer.status, answer.text));
            }
            // A call for many answers each id as it was given.
            let given = ask.body.as_ref().filter(|_| row.operation.ends_with("/bulk")).map(ToString::to_string);
            let given = |id: &str| given.as_deref().is_some_and(|body| body.contains(id));
            if foreign.iter().any(|id| answer.text.contains(id.as_str()) && !given(id)) {
                wrong.push(format!("{about}: tells of the other bureau: {}", answer.text));
            }
            if place == ABSENT {
                absent = Some(answer);
            } else if answer.status == 404
                && let Some(absent) = &absent
                && (absent.text != answer.text || absent.header("content-type") != answer.header("content-type"))
            {
                wrong.push(format!("{about}: {} differs from absent: {}", answer.text, absent.text));
            }
        }
    }
    wrong
}

async fn matrix_of(app: &TestApp, rows: Vec<Row>) {
    let mut conn = world::build(app).await;
    let mut wrong = Vec::new();
    let mut number = 0;
    for row in rows {
        wrong.extend(one_row(app, &mut conn, &row, &mut number).await);
    }
    assert!(wrong.is_empty(), "{} of {number} cases:\n{}", wrong.len(), wrong.join("\n"));
}

both_engines! {
    async fn people_by_every_role_everywhere(app) {
        matrix_of(app, rows::people::rows()).await;
    }

    async fn organisations_by_every_role_everywhere(app) {
        matrix_of(app, rows::places::rows()).await;
    }

    async fn the_catalogue_by_every_role_everywhere(app) {
        matrix_of(app, rows::catalogue::rows()).await;
    }

    async fn inspections_by_every_role_everywhere(app) {
        matrix_of(app, rows::inspections::rows()).await;
    }

    async fn hazards_by_every_role_everywhere(app) {
        matrix_of(app, rows::hazards::rows()).await;
    }

    async fn reports_by_every_role_everywhere(app) {
        matrix_of(app, rows::reports::rows()).await;
    }

    async fn transitions_by_every_role_everywhere(app) {
        matrix_of(app, rows::hazards::transitions()).await;
    }

    async fn recusals_and_draws_by_every_role_everywhere(app) {
        matrix_of(app, rows::draws::rows()).await;
    }

    async fn months_by_every_role_everywhere(app) {
        matrix_of(app, rows::months::rows()).await;
    }

    async fn inboxes_by_every_role(app) {
        matrix_of(app, rows::notices::rows()).await;
    }

    async fn ledgers_by_every_role_everywhere(app) {
        matrix_of(app, rows::ledgers::rows()).await;
    }

    async fn uploads_by_every_role_everywhere(app) {
        matrix_of(app, rows::uploads::rows()).await;
    }

    async fn plans_and_patrols_by_every_role_everywhere(app) {
        matrix_of(app, rows::plans::rows().into_iter().chain(rows::patrols::rows()).collect()).await;
    }

    async fn evidence_by_every_role_everywhere(app) {
        matrix_of(app, rows::evidence::rows()).await;
    }

    async fn nobody_gets_further_than_the_public_calls(app) {
        let mut conn = world::build(app).await;
        let expired = app.token("office");
        let later = |request: reqwest::RequestBuilder| async { app.send(request).await };
        for row in rows::all() {
            let ask = (row.ask)(&mut Case { conn: &mut conn, who: row.by, place: "a.s1", number: 1 });
            let ask = row::Ask { session: None, ..ask };
            for token in ["", "garbage", "eyJhbGciOiJub25lIn0.e30.", &format!("{expired}x")] {
                let mut request = row.request(app, "", &ask);
                if !token.is_empty() {
                    request = request.bearer_auth(token);
                }
                let answer = later(request).await;
                assert_eq!(answer.status, 401, "{} {token:?}: {}", row.name(), answer.text);
                assert!(says(&row, &answer, "unauthenticated"), "{} {token:?}: {}", row.name(), answer.text);
            }
        }
        app.clock.set(crate::support::district::start_time() + chrono::TimeDelta::minutes(16));
        for row in rows::all() {
            let ask = (row.ask)(&mut Case { conn: &mut conn, who: row.by, place: "a.s1", number: 1 });
            let ask = row::Ask { session: None, ..ask };
            let answer = later(row.request(app, "", &ask).bearer_auth(&expired)).await;
            assert_eq!(answer.status, 401, "{} with an expired token: {}", row.name(), answer.text);
        }
        for operation in rows::PUBLIC {
            let (method, path) = operation.split_once(' ').unwrap();
            let mut request = app.request("", method.parse().unwrap(), &format!("/{path}"));
            if method == "POST" {
                request = request.json(&json!({}));
            }
            let answer = app.send(request).await;
            let expected = match (method, path) {
                ("POST", _) => 422,
                // A link without its token opens nothing.
                (_, "/api/v1/evidence-links") => 404,
                _ => 200,
            };
            if path.ends_with("/sync/hand-in") {
                // Not public but the device's own: without its credential nothing is read.
                assert_eq!(answer.status, 401, "{operation}: {}", answer.text);
                continue;
            }
            assert!(answer.status == expected || (method == "POST" && answer.status == 400), "{operation}: {}", answer.text);
            assert_ne!(answer.body["code"], Value::from("unauthenticated"), "{operation}");
        }
    }
}
