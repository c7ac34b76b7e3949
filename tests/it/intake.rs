//! What is pointed out before it is a hazard: hints, suggestions, the public's reports, and the sealed contact.

use anxiao::catalogue::builtin;
use anxiao::catalogue::rules::{Response, applies};
use anxiao::platform::db::schema::{events, notice_recipients, notices, orgs, report_contacts, sites};
use anxiao::platform::db::types::Id;
use anxiao::platform::ids::{SystemIds, built_in};
use anxiao::reports::{Compartment, unopened_in};
use chrono::TimeDelta;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::district::{org, user};
use crate::support::{Answer, SEED, TestApp};

const CODE: &str = "3164010401";
const PHONE: &str = "13912345678";

/// Gives the first school its code.
pub fn coded(app: &TestApp) {
    let changed =
        diesel::update(orgs::table.find(org("a.s1"))).set(orgs::identifier.eq(CODE)).execute(&mut app.connect());
    assert_eq!(changed.unwrap(), 1);
}

pub fn public() -> Value {
    json!({"school_code": CODE, "description": "校门口井盖松动", "contact": {"phone": PHONE}})
}

/// Somebody without an account, at another address than all others.
pub async fn from(app: &TestApp, address: &str, path: &str, body: Value) -> Answer {
    app.send(app.request("", Method::POST, path).header("x-forwarded-for", address).json(&body)).await
}

pub async fn progress(app: &TestApp, code: &str) -> Answer {
    from(app, "198.51.100.7", "/public/reports/progress", json!({"tracking_code": code})).await
}

async fn told(app: &TestApp, code: &str) -> String {
    progress(app, code).await.expect(200).body["progress"].as_str().unwrap().to_owned()
}

fn hint() -> Value {
    json!({"org_id": org("a.s1"), "title": "插座发热", "description": "有焦味"})
}

pub async fn only(app: &TestApp, who: &str) -> String {
    let rows = app.get(who, "/reports").await.expect(200).rows();
    assert_eq!(rows.len(), 1, "{who}: {rows:?}");
    rows[0]["id"].as_str().unwrap().to_owned()
}

fn accept() -> Value {
    json!({"outcome": "accept", "category": "fang", "domain": "traffic", "title": "井盖松动", "description": "校门口井盖松动"})
}

async fn act(app: &TestApp, who: &str, hazard: &str, body: Value) {
    app.post(who, &format!("/hazards/{hazard}/transitions"), body).await.expect(200);
}

/// Everybody who was told of this kind.
fn told_of(app: &TestApp, kind: &str) -> Vec<Id> {
    let mut found: Vec<Id> = notices::table
        .inner_join(notice_recipients::table.on(notice_recipients::notice_id.eq(notices::id)))
        .filter(notices::kind.eq(kind))
        .select(notice_recipients::user_id)
        .load(&mut app.connect())
        .unwrap();
    found.sort_unstable();
    found
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Nullable<Text>)]
    line: Option<String>,
}

/// Every event's payload and every row of the reports, as text.
fn dump(app: &TestApp) -> String {
    let mut conn = app.connect();
    let payloads: Vec<String> = events::table.select(events::payload).load(&mut conn).unwrap();
    let sql = if conn.is_sqlite() {
        "SELECT quote(title) || quote(description) || quote(reason) || quote(body_hash) AS line FROM reports"
    } else {
        "SELECT r::text AS line FROM reports r UNION ALL SELECT c::text FROM report_contacts c"
    };
    let rows = diesel::sql_query(sql).load::<Line>(&mut conn).unwrap();
    payloads.into_iter().chain(rows.into_iter().filter_map(|row| row.line)).collect()
}

both_engines! {
    async fn a_hint_becomes_a_hazard_of_the_school_by_somebody_else(app) {
        let sent = app.post("staff1", "/reports", hint()).await.expect(201);
        let at = format!("/reports/{}", sent.id());
        assert_eq!((sent.body["kind"].as_str(), sent.body["status"].as_str()), (Some("hint"), Some("waiting")));
        assert_eq!(sent.header("location"), format!("/api/v1{at}"));
        for who in ["staff1", "officer1", "principal1", "office", "leader", "supervisor"] {
            app.get(who, &at).await.expect(200);
        }
        // Without a domain it is nobody's section; others have nothing to do with it.
        for who in ["section.fire", "principal2", "officer2", "inspector1", "external1", "b.office"] {
            app.get(who, &at).await.expect(404);
            assert!(app.get(who, "/reports").await.expect(200).rows().is_empty(), "{who}");
        }
        app.post("staff1", &format!("{at}/triage"), accept()).await.expect(403);
        app.get("staff1", &format!("{at}/history")).await.expect(403);
        let bare = app.post("officer1", &format!("{at}/triage"), json!({"outcome": "accept"})).await.expect(422);
        assert_eq!(bare.faults(), [("/category".into(), "required".into()), ("/domain".into(), "required".into())]);
        let done = app.post("officer1", &format!("{at}/triage"), json!({"outcome": "accept", "category": "fang", "domain": "electric"})).await.expect(200);
        let hazard = &done.body["hazard"];
        assert_eq!((hazard["source"].as_str(), hazard["title"].as_str()), (Some("staff_hint"), Some("插座发热")));
        assert_eq!(hazard["reported_by"], json!(user("staff1")));
        assert_eq!((done.body["report"]["status"].as_str(), &done.body["report"]["hazard_id"]), (Some("accepted"), &hazard["id"]));
        let again = app.post("office", &format!("{at}/triage"), accept()).await.expect(409);
        assert_eq!(again.faults(), [(String::new(), "already_triaged".into())]);
        let history = app.get("officer1", &format!("{at}/history")).await.expect(200).rows();
        assert_eq!(history.iter().map(|entry| entry["action"].as_str().unwrap()).collect::<Vec<_>>(), ["filed", "triaged"]);
    }

    async fn who_triages_is_told_and_the_school_of_a_public_report_is_not(app) {
        coded(app);
        from(app, "203.0.113.5", "/public/reports", public()).await.expect(201);
        assert_eq!(told_of(app, "report_filed"), [user("office")]);
        let sent = app.post("staff1", "/reports", hint()).await.expect(201);
        let mut school = vec![user("office"), user("officer1"), user("principal1")];
        school.sort_unstable();
        assert_eq!(told_of(app, "report_filed"), school);
        let gone = json!({"outcome": "out_of_scope", "reason": "已报修"});
        app.post("principal1", &format!("/reports/{}/triage", sent.id()), gone).await.expect(200);
        assert_eq!(told_of(app, "report_triaged"), [user("staff1")]);
    }

    async fn who_also_belongs_to_the_school_sees_nothing_of_what_is_reported_about_it(app) {
        coded(app);
        let staff = json!({"org_id": org("a.s1"), "role": "school_safety_officer"});
        from(app, "203.0.113.6", "/public/reports", public()).await.expect(201);
        let id = only(app, "office").await;
        app.post("sysadmin", &format!("/users/{}/memberships", user("office")), staff).await.expect(201);
        assert_eq!(app.get("office", "/reports?count=true").await.expect(200).body["page"]["count"], 0);
        app.get("office", &format!("/reports/{id}")).await.expect(404);
        app.get("office", &format!("/reports/{id}/history")).await.expect(404);
        app.post("office", &format!("/reports/{id}/contact"), json!({"reason": "核实"})).await.expect(404);
        app.post("office", &format!("/reports/{id}/triage"), json!({"outcome": "out_of_scope", "reason": "无事"})).await.expect(404);
        assert!(app.get("office", "/notices").await.expect(200).rows().iter().all(|row| row["kind"] != "report_filed"));
        // What the school's own people point out is the school's to judge; the bureau's others see the report as before.
        let hinted = app.post("staff1", "/reports", hint()).await.expect(201).id();
        app.get("office", &format!("/reports/{hinted}")).await.expect(200);
        app.post("leader", &format!("/reports/{id}/contact"), json!({"reason": "核实"})).await.expect(200);
    }

    async fn nobody_triages_what_they_reported_themselves(app) {
        let id = app.post("staff1", "/reports", hint()).await.expect(201).id();
        let mut conn = app.connect();
        diesel::update(anxiao::platform::db::schema::reports::table.find(id.parse::<Id>().unwrap()))
            .set(anxiao::platform::db::schema::reports::reported_by.eq(user("officer1")))
            .execute(&mut conn).unwrap();
        let refused = app.post("officer1", &format!("/reports/{id}/triage"), accept()).await.expect(409);
        assert_eq!(refused.faults(), [(String::new(), "same_person".into())]);
        app.post("principal1", &format!("/reports/{id}/triage"), accept()).await.expect(200);
    }

    async fn who_may_report_hazards_reports_hazards(app) {
        for who in ["office", "principal1", "officer1", "inspector1", "supervisor"] {
            let refused = app.post(who, "/reports", hint()).await.expect(422);
            assert_eq!(refused.faults(), [("/org_id".into(), "report_the_hazard".into())], "{who}");
        }
        let mut elsewhere = hint();
        elsewhere["org_id"] = json!(org("a.s2"));
        for who in ["staff1", "external1", "principal1", "b.office"] {
            app.post(who, "/reports", elsewhere.clone()).await.expect(404);
        }
        app.post("sysadmin", "/reports", hint()).await.expect(403);
    }

    async fn a_repeat_is_one_hint(app) {
        let mut body = hint();
        body["id"] = json!(built_in("a hint"));
        app.post("staff1", "/reports", body.clone()).await.expect(201);
        app.post("staff1", "/reports", body.clone()).await.expect(200);
        body["title"] = json!("另");
        assert_eq!(app.post("staff1", "/reports", body).await.expect(409).code(), "id_reused");
        only(app, "officer1").await;
    }

    async fn an_external_inspector_suggests_and_the_school_sees_only_the_hazard(app) {
        let team: Vec<Id> = vec![user("external1"), user("inspector1")];
        let body = json!({"kind": "third_party", "org_id": org("a.s1"), "checklist_ids": [builtin::checklist_id("fang", 1)], "team": team});
        let id = app.post("office", "/inspections", body).await.expect(201).id();
        let at = format!("/inspections/{id}");
        app.post("external1", &format!("{at}/check-in"), json!({})).await.expect(200);
        let items = &builtin::category("fang").unwrap().items;
        let answers: Vec<Value> = items.iter().filter(|item| applies(item, "primary", &["canteen", "gas"])).map(|item| match item.response {
            Response::Number => json!({"item_code": item.code, "value": item.min.as_ref().or(item.max.as_ref())}),
            Response::Choice => json!({"item_code": item.code, "value": "none"}),
            Response::Text => json!({"item_code": item.code, "value": "好"}),
            Response::PassFail if item.code == "fang-001" => {
                json!({"item_code": item.code, "result": "fail", "evidence_ids": [built_in("photo")]})
            }
            Response::PassFail => json!({"item_code": item.code, "result": "pass"}),
        }).collect();
        app.put("external1", &format!("{at}/answers"), json!({"answers": answers})).await.expect(200);
        let own = json!({"result": "fail", "on_the_spot": true, "measures_taken": "清走", "fixed_by": user("staff1"),
            "before_evidence_ids": [built_in("before")], "after_evidence_ids": [built_in("after")]});
        app.put("external1", &format!("{at}/answers/fang-003"), own).await.expect(200);
        // A finding of the bureau's own inspector on the same team is a hazard at once.
        app.put("inspector1", &format!("{at}/answers/fang-010"), json!({"value": 90, "evidence_ids": [built_in("photo")]})).await.expect(200);
        let end = app.post("external1", &format!("{at}/submit"), json!({})).await.expect(200);
        let suggestions = end.body["suggestions"].as_array().unwrap().clone();
        assert_eq!(end.body["hazards"].as_array().unwrap().len(), 1);
        assert_eq!(suggestions.iter().map(|one| one["item_code"].as_str().unwrap()).collect::<Vec<_>>(), ["fang-001", "fang-003"]);
        for who in ["principal1", "officer1", "staff1"] {
            assert!(app.get(who, "/reports").await.expect(200).rows().is_empty());
            app.get(who, &format!("/reports/{}", suggestions[0]["id"].as_str().unwrap())).await.expect(404);
        }
        let history = app.get("principal1", &format!("{at}/history")).await.expect(200).text;
        assert!(suggestions.iter().all(|one| !history.contains(one["id"].as_str().unwrap())), "{history}");
        assert_eq!(app.get("principal1", "/hazards").await.expect(200).rows().len(), 1);
        assert_eq!(app.get("external1", "/reports?kind=suggestion").await.expect(200).rows().len(), 2);
        // In the domain of fire the section officer judges too.
        let path = |n: usize| format!("/reports/{}/triage", suggestions[n]["id"].as_str().unwrap());
        let major = app.post("section.fire", &path(0), json!({"outcome": "accept"})).await.expect(200);
        assert_eq!((major.body["hazard"]["source"].as_str(), major.body["hazard"]["level"].as_str()), (Some("third_party"), Some("major")));
        assert_eq!(major.body["hazard"]["inspection_id"], json!(id));
        let spot = app.post("office", &path(1), json!({"outcome": "accept"})).await.expect(200);
        assert_eq!((spot.body["hazard"]["status"].as_str(), spot.body["hazard"]["closed_kind"].as_str()), (Some("closed"), Some("on_spot")));
        assert_eq!(app.get("principal1", "/hazards").await.expect(200).rows().len(), 3);
        let rows = app.get("principal1", &format!("{at}/answers")).await.expect(200).rows();
        let row = rows.iter().find(|row| row["item_code"] == "fang-001").unwrap();
        assert_eq!(row["hazard_id"], major.body["hazard"]["id"]);
        // Apart from an inspection the external inspector may suggest as well, where one was given.
        let mut free = hint();
        free["inspection_id"] = json!(id);
        let sent = app.post("external1", "/reports", free).await.expect(201);
        assert_eq!(sent.body["kind"], "suggestion");
        let refused = app.post("supervisor", &format!("/reports/{}/triage", sent.id()), json!({"outcome": "out_of_scope", "reason": "非校内"})).await.expect(200);
        assert_eq!((refused.body["report"]["status"].as_str(), refused.body["hazard"].is_null()), (Some("out_of_scope"), true));
    }

    async fn a_public_report_lives_and_its_reporter_is_told_progress_alone(app) {
        coded(app);
        let sent = from(app, "203.0.113.5", "/public/reports", public()).await.expect(201);
        let code = sent.body["tracking_code"].as_str().unwrap().to_owned();
        assert_eq!(sent.body.as_object().unwrap().len(), 2, "{}", sent.text);
        assert_eq!(told(app, &code).await, "received");
        let id = only(app, "office").await;
        let at = format!("/reports/{id}");
        for who in ["principal1", "officer1", "staff1", "section.fire", "inspector1", "b.leader"] {
            app.get(who, &at).await.expect(404);
            assert!(app.get(who, "/reports").await.expect(200).rows().is_empty(), "{who}");
        }
        app.post("principal1", &format!("{at}/triage"), accept()).await.expect(404);
        app.post("office", &format!("{at}/triage"), json!({"outcome": "review"})).await.expect(200);
        assert_eq!(told(app, &code.to_lowercase()).await, "under_review");
        let done = app.post("office", &format!("{at}/triage"), accept()).await.expect(200);
        let hazard = done.body["hazard"].clone();
        assert_eq!((hazard["source"].as_str(), hazard["reported_by"].clone()), (Some("complaint"), json!(user("office"))));
        let hazard = hazard["id"].as_str().unwrap();
        assert_eq!(told(app, &code).await, "accepted");
        app.get("principal1", &format!("/hazards/{hazard}")).await.expect(200);
        let history = app.get("principal1", &format!("/hazards/{hazard}/history")).await.expect(200);
        assert!(!history.text.contains(&id) && !history.text.contains("report_id"), "{}", history.text);
        act(app, "office", hazard, json!({"action": "issue", "level": "general"})).await;
        act(app, "principal1", hazard, json!({"action": "acknowledge"})).await;
        assert_eq!(told(app, &code).await, "rectifying");
        act(app, "officer1", hazard, json!({"action": "report_done", "measures_taken": "已修", "evidence_ids": []})).await;
        app.clock.advance(TimeDelta::minutes(2));
        act(app, "inspector1", hazard, json!({"action": "pass", "opinion": "好", "recheckers": [user("inspector1")], "on_site": true})).await;
        let end = progress(app, &code).await.expect(200);
        assert_eq!(end.body, json!({"status": "accepted", "progress": "rectified", "updated_at": "2026-03-02"}));
        for wrong in ["00000-00000-00000-00000-000000", "x", "ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZ-ZZZZZZ"] {
            progress(app, wrong).await.expect(404);
        }
    }

    async fn duplicates_and_transfers_name_where_it_goes_on(app) {
        coded(app);
        let known = json!({"org_id": org("a.s1"), "category": "fang", "domain": "traffic", "title": "井盖", "description": "松动", "source": "referral"});
        let hazard = app.post("office", "/hazards", known.clone()).await.expect(201).id();
        let mut other = known;
        other["org_id"] = json!(org("a.s2"));
        let elsewhere = app.post("office", "/hazards", other).await.expect(201).id();
        let code = from(app, "203.0.113.5", "/public/reports", public()).await.expect(201).body["tracking_code"].as_str().unwrap().to_owned();
        let at = format!("/reports/{}/triage", only(app, "leader").await);
        let missing = app.post("office", &at, json!({"outcome": "duplicate"})).await.expect(422);
        assert_eq!(missing.faults(), [("/duplicate_of".into(), "required".into())]);
        app.post("office", &at, json!({"outcome": "duplicate", "duplicate_of": elsewhere})).await.expect(404);
        let mixed = json!({"outcome": "duplicate", "duplicate_of": hazard, "reason": "重复", "level": "major"});
        assert_eq!(app.post("office", &at, mixed).await.expect(422).faults(), [
            ("/level".into(), "not_for_this_outcome".into()), ("/reason".into(), "not_for_this_outcome".into())
        ]);
        app.post("office", &at, json!({"outcome": "duplicate", "duplicate_of": hazard})).await.expect(200);
        assert_eq!(told(app, &code).await, "accepted");
        act(app, "office", &hazard, json!({"action": "void", "reason": "误报"})).await;
        assert_eq!(told(app, &code).await, "not_accepted");
        let code = from(app, "203.0.113.6", "/public/reports", public()).await.expect(201).body["tracking_code"].as_str().unwrap().to_owned();
        let id = app.get("office", "/reports?status=waiting").await.expect(200).rows()[0]["id"].as_str().unwrap().to_owned();
        let moved = json!({"outcome": "transferred", "reason": "属市政", "transferred_to": "住建局"});
        app.post("leader", &format!("/reports/{id}/triage"), moved).await.expect(200);
        assert_eq!(told(app, &code).await, "transferred");
    }

    async fn a_lost_answer_is_given_again_and_another_body_is_not(app) {
        coded(app);
        let mut body = public();
        body["id"] = json!(built_in("a public report"));
        let first = from(app, "203.0.113.5", "/public/reports", body.clone()).await.expect(201);
        app.clock.advance(TimeDelta::hours(1));
        let again = from(app, "203.0.113.5", "/public/reports", body.clone()).await.expect(200);
        assert_eq!(first.text, again.text);
        body["contact"]["phone"] = json!("13900000000");
        assert_eq!(from(app, "203.0.113.5", "/public/reports", body).await.expect(409).code(), "id_reused");
        only(app, "office").await;
    }

    async fn the_contact_is_sealed_and_each_opening_is_told(app) {
        coded(app);
        from(app, "203.0.113.5", "/public/reports", public()).await.expect(201);
        let id = only(app, "office").await;
        let at = format!("/reports/{id}/contact");
        let why = || json!({"reason": "核实位置"});
        for who in ["principal1", "officer1", "supervisor", "section.fire"] {
            assert_eq!(app.post(who, &at, why()).await.expect(403).code(), "reporter_sealed", "{who}");
        }
        for who in ["staff1", "inspector1", "sysadmin", "auditadmin"] {
            assert_eq!(app.post(who, &at, why()).await.expect(403).code(), "forbidden", "{who}");
        }
        app.post("b.leader", &at, why()).await.expect(404);
        app.post("office", &at, json!({"reason": " "})).await.expect(422);
        let told = app.get("office", &format!("/reports/{id}")).await.expect(200);
        assert_eq!((told.body["has_contact"].as_bool(), told.text.contains(PHONE)), (Some(true), false));
        assert_eq!(app.post("office", &at, why()).await.expect(200).body["phone"], PHONE);
        let history = app.get("leader", &format!("/reports/{id}/history")).await.expect(200).rows();
        let opened: Vec<_> = history.iter().filter(|entry| entry["action"] == "contact_revealed").collect();
        assert_eq!((opened.len(), opened[0]["payload"]["reason"].as_str(), opened[0]["actor"].clone()), (1, Some("核实位置"), json!(user("office"))));
        // Neither the number nor the reporter's words are in the journal, and the number is nowhere in clear.
        let mut conn = app.connect();
        let payloads: Vec<String> = events::table.select(events::payload).load(&mut conn).unwrap();
        assert!(payloads.iter().all(|payload| !payload.contains("井盖") && !payload.contains(PHONE)));
        assert!(!dump(app).contains(PHONE));
        if let anxiao::platform::db::DatabaseUrl::Sqlite(path) = &app.url {
            for file in [path.clone(), format!("{path}-wal")] {
                let bytes = std::fs::read(&file).unwrap_or_default();
                assert!(!bytes.windows(PHONE.len()).any(|part| part == PHONE.as_bytes()), "{file}");
            }
        }
        // With another key the operator is told which one is missing, and the caller that it is closed.
        let here = Compartment::from_seeds(&[SEED]).key_ids();
        assert_eq!(unopened_in(&mut conn, &here).unwrap(), None);
        let sentence = unopened_in(&mut conn, &Compartment::from_seeds(&[[1; 32]]).key_ids()).unwrap().unwrap();
        assert!(sentence.contains(&here[0]) && sentence.starts_with("1 contacts"), "{sentence}");
        diesel::update(report_contacts::table).set(report_contacts::key_id.eq("gone")).execute(&mut conn).unwrap();
        let refused = app.post("office", &at, why()).await.expect(503);
        assert!(refused.body["detail"].as_str().unwrap().contains("operator"), "{}", refused.text);
        let mut anonymous = public();
        anonymous.as_object_mut().unwrap().remove("contact");
        from(app, "203.0.113.6", "/public/reports", anonymous).await.expect(201);
        let bare = app.get("office", "/reports?status=waiting").await.rows()[0]["id"].as_str().unwrap().to_owned();
        let none = app.post("leader", &format!("/reports/{bare}/contact"), why()).await;
        assert!(none.status == 409 && none.code() == "no_contact", "{}", none.text);
    }

    async fn bad_public_reports_are_told_what_is_wrong(app) {
        coded(app);
        let send = async |body: Value| from(app, "203.0.113.9", "/public/reports", body).await;
        let unknown = send(json!({"school_code": "nowhere", "description": "x"})).await.expect(422);
        assert_eq!(unknown.faults(), [("/school_code".into(), "unknown_school_code".into())]);
        let many = send(json!({"school_code": " ", "description": "", "category": "x", "domain": "y", "contact": {}})).await.expect(422);
        assert_eq!(many.faults().len(), 5, "{}", many.text);
        send(json!({"school_code": CODE, "description": "x", "name": "张三"})).await.expect(400);
        let mut early = public();
        early["found_at"] = json!("2026-03-03T10:00:00+08:00");
        assert_eq!(send(early).await.expect(422).faults(), [("/found_at".into(), "in_the_future".into())]);
        let mut long = public();
        long["contact"]["other"] = json!("长".repeat(6000));
        send(long).await.expect(413);
        // The label of a place in the school leads to the school and the place.
        let site = json!({"kind": "building", "name": "教学楼", "code": "QR-77"});
        let site = app.post("office", &format!("/orgs/{}/sites", org("a.s1")), site).await.expect(201).id();
        send(json!({"school_code": "QR-77", "description": "灯坏了"})).await.expect(201);
        let row = app.get("office", "/reports").await.expect(200).rows().remove(0);
        assert_eq!((row["org_id"].clone(), row["site_id"].clone()), (json!(org("a.s1")), json!(site)));
        // The same label in two bureaus is nobody's.
        let theirs = json!({"kind": "building", "name": "教学楼", "code": "QR-77"});
        app.post("b.office", &format!("/orgs/{}/sites", org("b.s1")), theirs).await.expect(201);
        assert_eq!(sites::table.filter(sites::code.eq("QR-77")).count().get_result::<i64>(&mut app.connect()).unwrap(), 2);
        assert_eq!(send(json!({"school_code": "QR-77", "description": "灯"})).await.expect(422).faults()[0].1, "ambiguous_school_code");
    }
}

#[test]
fn a_contact_key_file_is_made_once_and_a_bad_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys").join("contact-key.json");
    let first = Compartment::open(&path, &SystemIds).unwrap().key_ids();
    assert_eq!(Compartment::open(&path, &SystemIds).unwrap().key_ids(), first);
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::write(&path, "{\"seeds\":[\"c2hvcnQ\"]}").unwrap();
    let sentence = Compartment::open(&path, &SystemIds).unwrap_err();
    assert!(sentence.contains("contact key") && sentence.contains("contact-key.json"), "{sentence}");
}
