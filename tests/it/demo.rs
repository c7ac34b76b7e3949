//! The demo district: whole, the same for the same date, and only in an empty database.

use std::collections::BTreeSet;
use std::sync::Arc;

use anxiao::demo;
use anxiao::hazards::status::Status;
use anxiao::inspections::rules::InspectionStatus;
use anxiao::platform::clock::SystemClock;
use anxiao::platform::db::schema::{events, hazards, inspections, orgs, users};
use anxiao::platform::db::types::Timestamp;
use anxiao::platform::db::{Conn, DatabaseUrl, Db, DbOptions, Purpose, migrations};
use anxiao::platform::ids::SystemIds;
use anxiao::reports::Compartment;
use chrono::NaiveDate;
use diesel::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Engine, TestApp};

/// The compartment of reporters' contacts.
fn keys() -> Arc<Compartment> {
    Arc::new(Compartment::from_seeds(&[[7; 32]]))
}

/// The date on which the clock of [`TestApp`] stands.
fn date() -> NaiveDate {
    "2026-03-02".parse().unwrap()
}

fn prepared(engine: Engine) -> (DatabaseUrl, tempfile::TempDir) {
    let (url, folder) = engine.empty_database();
    migrations::run(&url).unwrap();
    let options = DbOptions { read_lanes: 1, write_lanes: 1, ..DbOptions::default() };
    let db = Db::start(&url, &options, Arc::new(SystemClock), Arc::new(SystemIds), 1).unwrap();
    block(anxiao::built_in::install(&db)).unwrap();
    (url, folder)
}

fn block<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn loaded(engine: Engine, as_of: NaiveDate) -> (DatabaseUrl, tempfile::TempDir) {
    let (url, folder) = prepared(engine);
    let started = std::time::Instant::now();
    block(demo::load(&url, &keys(), as_of)).unwrap();
    eprintln!("the demo district on {engine:?}: {:?}", started.elapsed());
    (url, folder)
}

type Dumped = (String, Status, String, Option<Timestamp>, Timestamp);

/// What somebody would notice: the hazards, and how much there is of everything else.
fn dump(url: &DatabaseUrl) -> (Vec<Dumped>, Vec<(String, InspectionStatus)>, [i64; 3]) {
    let mut conn = Conn::open(url, Purpose::Read).unwrap();
    let rows = hazards::table
        .order(hazards::number)
        .select((hazards::number, hazards::status, hazards::title, hazards::due_at, hazards::registered_at))
        .load(&mut conn)
        .unwrap();
    let visits = inspections::table
        .order((inspections::created_at, inspections::id))
        .select((inspections::title, inspections::status))
        .load(&mut conn)
        .unwrap();
    let counts = [
        orgs::table.count().get_result(&mut conn).unwrap(),
        users::table.count().get_result(&mut conn).unwrap(),
        events::table.filter(events::bureau_id.is_not_null()).count().get_result(&mut conn).unwrap(),
    ];
    (rows, visits, counts)
}

/// Signs in with the published password and asks as that person from then on.
async fn sign_in(app: &TestApp, name: &str) -> String {
    let body = json!({"username": name, "password": demo::PASSWORD});
    app.post("", "/auth/login", body).await.expect(200).body["access_token"].as_str().unwrap().to_owned()
}

async fn get(app: &TestApp, token: &str, path: &str) -> Answer {
    app.send(app.request("", Method::GET, path).bearer_auth(token)).await
}

fn every_sign_in_works_and_every_state_is_there(engine: Engine) {
    let (url, folder) = loaded(engine, date());
    let (rows, visits, [orgs, ..]) = dump(&url);
    let states: BTreeSet<&str> = rows.iter().map(|row| row.1.as_str()).collect();
    assert_eq!(states, Status::ALL.iter().map(|status| status.as_str()).collect());
    let states: BTreeSet<&str> = visits.iter().map(|(_, status)| status.as_str()).collect();
    assert_eq!(states, InspectionStatus::ALL.iter().map(|status| status.as_str()).collect());
    assert_eq!(orgs, 1 + 3 + 2 + 40);
    assert!(rows.len() > 100 && visits.len() > 70, "{} hazards, {} inspections", rows.len(), visits.len());
    let years: BTreeSet<&str> = rows.iter().map(|row| &row.0[..12]).collect();
    for year in years {
        let of_year: Vec<&Dumped> = rows.iter().filter(|row| row.0.starts_with(year)).collect();
        for (at, row) in of_year.iter().enumerate() {
            assert_eq!(row.0, format!("{year}{:06}", at + 1), "numbers have gaps");
        }
        assert!(of_year.is_sorted_by_key(|row| row.4), "numbers are out of order");
    }
    block(async {
        let (app, stop) = TestApp::start(engine, url, folder).await;
        signs_in(&app).await;
        majors_and_the_overdue(&app).await;
        two_schools_reported_february(&app).await;
        drop(stop);
    });
}

async fn signs_in(app: &TestApp) {
    let roles = [
        ("leader", "bureau_leader", "bureau"),
        ("office", "safety_office", "bureau"),
        ("section.fire", "section_officer", "bureau"),
        ("supervisor", "supervisor", "cluster"),
        ("inspector1", "inspector", "bureau"),
        ("inspector2", "inspector", "bureau"),
        ("external1", "external_inspector", "bureau"),
        ("principal1", "principal", "school"),
        ("officer1", "school_safety_officer", "school"),
        ("staff1", "school_staff", "school"),
        ("principal2", "principal", "school"),
        ("officer2", "school_safety_officer", "school"),
        ("sysadmin", "system_admin", "bureau"),
        ("secadmin", "security_admin", "bureau"),
        ("auditadmin", "audit_admin", "bureau"),
    ];
    assert_eq!(roles.map(|(name, ..)| name), demo::SIGN_INS);
    let mut schools = BTreeSet::new();
    for (name, role, kind) in roles {
        let token = sign_in(app, name).await;
        let me = get(app, &token, "/me").await.expect(200).body;
        let membership = &me["memberships"][0];
        assert_eq!(
            (membership["role"].as_str(), membership["org"]["kind"].as_str()),
            (Some(role), Some(kind)),
            "{name}"
        );
        let fire = if role == "section_officer" { json!(["fire"]) } else { Value::Null };
        assert_eq!(membership["domains"], fire, "{name}");
        assert_eq!(membership["valid_to"].is_string(), role == "external_inspector", "{name}");
        if name.ends_with('1') && kind == "school" || name.ends_with('2') && kind == "school" {
            schools.insert((name.chars().last(), membership["org"]["id"].to_string()));
        }
        // Administrators see no hazards; everybody else has something to look at.
        let seen = get(app, &token, "/hazards").await;
        if role.ends_with("_admin") {
            seen.expect(403);
        } else {
            assert!(!seen.expect(200).rows().is_empty(), "{name} sees no hazard");
            let visits = get(app, &token, "/inspections").await.expect(200).rows();
            assert!(!visits.is_empty(), "{name} sees no inspection");
        }
    }
    assert_eq!(schools.len(), 2, "…1 and …2 are of two schools");
}

async fn two_schools_reported_february(app: &TestApp) {
    let office = sign_in(app, "office").await;
    let sum = get(app, &office, "/monthly-reports/summary?month=2026-02").await.expect(200).body;
    assert_eq!([&sum["schools"], &sum["reported"], &sum["zero_reports"], &sum["missing"]], [40, 2, 1, 38]);
    assert_eq!(sum["major_stock"]["reconciles"], true);
}

async fn majors_and_the_overdue(app: &TestApp) {
    let leader = sign_in(app, "leader").await;
    let count = async |query: &str| {
        let path = format!("/hazards?count=true&limit=1&{query}");
        get(app, &leader, &path).await.expect(200).body["page"]["count"].as_i64().unwrap()
    };
    for status in Status::ALL.iter().filter(|status| !matches!(status, Status::Issued | Status::Void)) {
        assert!(count(&format!("status={status}&level=major")).await > 0, "no major is {status}");
    }
    assert!(count("overdue=true").await > 3);
    assert!(count("overdue=true&level=major").await > 0);
    let mut conn = app.connect();
    let more = |condition: diesel::dsl::Gt<hazards::reopened, i32>| condition;
    let reopened: i64 = hazards::table.filter(more(hazards::reopened.gt(0))).count().get_result(&mut conn).unwrap();
    let returned: i64 = hazards::table.filter(hazards::returns.gt(0)).count().get_result(&mut conn).unwrap();
    let on_spot: i64 = hazards::table.filter(hazards::closed_kind.eq("on_spot")).count().get_result(&mut conn).unwrap();
    assert!(
        reopened > 0 && returned > 2 && on_spot > 0,
        "{reopened} reopened, {returned} returned, {on_spot} on the spot"
    );
}

fn the_same_date_gives_the_same_district(engine: Engine) {
    // A date in the school holidays, in a year whose holidays nobody has announced.
    let date: NaiveDate = "2028-08-15".parse().unwrap();
    let (one, _first) = loaded(engine, date);
    let (two, _second) = loaded(engine, date);
    assert_eq!(dump(&one), dump(&two));
    let states: BTreeSet<&str> = dump(&one).0.iter().map(|row| row.1.as_str()).collect();
    assert_eq!(states.len(), Status::ALL.len());
}

fn only_an_empty_database_is_filled(engine: Engine) {
    let (url, _folder) = engine.database();
    let before = dump(&url);
    let refused = block(demo::load(&url, &keys(), date())).unwrap_err();
    assert!(refused.contains("not empty") && !refused.contains('\n'), "{refused}");
    assert_eq!(dump(&url), before);
    let options = DbOptions { read_lanes: 1, write_lanes: 1, ..DbOptions::default() };
    let db = Db::start(&url, &options, Arc::new(SystemClock), Arc::new(SystemIds), 1).unwrap();
    assert_eq!(block(demo::load_if_empty(&db, &url, &keys(), date())), Ok(false));
}

/// What fails leaves nothing behind: here the checklists are missing.
fn a_failed_load_leaves_nothing(engine: Engine) {
    let (url, _folder) = engine.empty_database();
    migrations::run(&url).unwrap();
    let refused = block(demo::load(&url, &keys(), date())).unwrap_err();
    assert!(refused.contains("nothing of it was kept"), "{refused}");
    assert_eq!(dump(&url).2, [0, 0, 0]);
}

macro_rules! on_both {
    ($($name:ident),+) => {
        mod sqlite { $(#[test] fn $name() { super::$name(crate::support::Engine::Sqlite); })+ }
        mod postgres { $(#[test] fn $name() { super::$name(crate::support::Engine::Postgres); })+ }
    };
}
on_both!(
    every_sign_in_works_and_every_state_is_there,
    the_same_date_gives_the_same_district,
    only_an_empty_database_is_filled,
    a_failed_load_leaves_nothing
);
