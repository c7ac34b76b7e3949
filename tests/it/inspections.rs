//! Inspections over HTTP: from plan to confirmation, and by whom.

use anxiao::catalogue::builtin;
use anxiao::catalogue::rules::{Item, Response, applies};
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::district::{org, user};

const PHOTO: &str = "0195e0c0-0000-7000-8000-0000000000a1";

fn fang() -> String {
    builtin::checklist_id("fang", 1).to_string()
}

fn items_of_s1() -> Vec<&'static Item> {
    let items = &builtin::category("fang").unwrap().items;
    items.iter().filter(|item| applies(item, "primary", &["canteen", "gas"])).collect()
}

fn plan(kind: &str, school: &str, team: &[&str]) -> Value {
    let team: Vec<_> = team.iter().map(|name| user(name)).collect();
    json!({"kind": kind, "org_id": org(school), "checklist_ids": [fang()], "team": team})
}

/// An answer that passes.
fn passing(item: &Item) -> Value {
    match item.response {
        Response::Number => json!({"item_code": item.code, "value": item.min.as_ref().or(item.max.as_ref())}),
        Response::Choice => json!({"item_code": item.code, "value": "none"}),
        Response::Text => json!({"item_code": item.code, "value": "好"}),
        Response::PassFail => json!({"item_code": item.code, "result": "pass"}),
    }
}

async fn planned(app: &TestApp) -> String {
    app.post("office", "/inspections", plan("routine", "a.s1", &["inspector1", "inspector2"])).await.expect(201).id()
}

async fn started(app: &TestApp) -> String {
    let id = planned(app).await;
    app.post("inspector1", &format!("/inspections/{id}/check-in"), json!({})).await.expect(200);
    id
}

async fn pass_all(app: &TestApp, who: &str, id: &str) {
    let answers: Vec<Value> = items_of_s1().into_iter().map(passing).collect();
    app.put(who, &format!("/inspections/{id}/answers"), json!({"answers": answers})).await.expect(200);
}

both_engines! {
    async fn statistics_count_what_the_caller_sees(app) {
        let rate = |body: &Value| (body["numerator"].as_i64().unwrap(), body["denominator"].as_i64().unwrap(), body["rate"].as_f64());
        let none = app.get("office", "/reports/coverage").await.expect(200);
        assert_eq!(rate(&none.body["coverage"]), (0, 2, Some(0.0)));
        let id = started(app).await;
        planned(app).await;
        pass_all(app, "inspector1", &id).await;
        app.put("inspector2", &format!("/inspections/{id}/answers/fang-001"), json!({"result": "fail", "evidence_ids": [PHOTO]})).await.expect(200);
        let code = |row: &Value| row["item_code"].as_str().unwrap().to_owned();
        // Nothing is handed in yet: no item has a result, the visit counts.
        assert_eq!(app.get("office", "/reports/items").await.expect(200).body["items"], json!([]));
        app.post("inspector1", &format!("/inspections/{id}/submit"), json!({})).await.expect(200);
        let seen = app.get("office", "/reports/coverage").await.expect(200);
        assert_eq!(rate(&seen.body["coverage"]), (1, 2, Some(0.5)));
        let schools = seen.body["schools"].as_array().unwrap();
        assert_eq!((schools[0]["name"].as_str(), schools[1]["visits"].as_i64()), (Some("甲区第二中学"), Some(1)));
        let own = app.get("principal1", "/reports/coverage").await.expect(200);
        assert_eq!(rate(&own.body["coverage"]), (1, 1, Some(1.0)));
        let other = app.get("principal2", "/reports/coverage").await.expect(200);
        assert_eq!(rate(&other.body["coverage"]), (0, 1, Some(0.0)));
        let items = app.get("office", "/reports/items").await.expect(200);
        let first = &items.body["items"][0];
        assert_eq!((code(first).as_str(), rate(&first["pass_rate"]), first["schools_failed"].as_i64()), ("fang-001", (0, 1, Some(0.0)), Some(1)));
        assert_eq!(items.body["items"].as_array().unwrap().len(), items_of_s1().len());
        let fire = app.get("section.fire", "/reports/items").await.expect(200);
        let fire_items = items_of_s1().into_iter().filter(|item| item.domain == "fire").count();
        assert_eq!(fire.body["items"].as_array().unwrap().len(), fire_items);
        assert_eq!(app.get("principal2", "/reports/items").await.expect(200).body["items"], json!([]));
        let loads = app.get("office", "/reports/inspectors").await.expect(200).body["inspectors"].clone();
        let load = |name: &str| loads.as_array().unwrap().iter().find(|load| load["user_id"] == json!(user(name))).unwrap().clone();
        assert_eq!((load("inspector1")["visits"].as_i64(), load("inspector1")["led"].as_i64()), (Some(1), Some(1)));
        assert_eq!((load("inspector2")["answers"].as_i64(), load("inspector2")["failed"].as_i64()), (Some(1), Some(1)));
        app.get("principal1", "/reports/inspectors").await.expect(403);
        app.get("office", "/reports/coverage?from=2026-03-10&to=2026-03-01").await.expect(400);
        let before = app.get("office", "/reports/coverage?from=2026-01-01&to=2026-03-01").await.expect(200);
        assert_eq!(rate(&before.body["coverage"]), (0, 2, Some(0.0)));
    }

    async fn from_plan_to_confirmation(app) {
        let made = app.post("office", "/inspections", plan("routine", "a.s1", &["inspector1", "inspector2"])).await.expect(201);
        let id = made.id();
        let at = format!("/inspections/{id}");
        assert_eq!((made.body["status"].as_str(), made.body["lead_id"].clone()), (Some("planned"), json!(user("inspector1"))));
        assert_eq!(made.header("location"), format!("/api/v1{at}"));
        let rows = app.get("inspector1", &format!("{at}/answers")).await.expect(200).rows();
        let codes: Vec<&str> = rows.iter().map(|row| row["item_code"].as_str().unwrap()).collect();
        assert_eq!(codes, items_of_s1().iter().map(|item| item.code.as_str()).collect::<Vec<_>>());
        assert!(rows.iter().all(|row| row["result"].is_null()));
        let arrival = json!({"location": {"lat": 36.9, "lng": 105.2, "accuracy_m": 8, "datum": "gcj02"}, "device_time": "2026-03-02T10:01:00+08:00"});
        let arrived = app.post("inspector2", &format!("{at}/check-in"), arrival).await.expect(200);
        assert_eq!((arrived.body["status"].as_str(), arrived.body["location"]["lat"].as_f64()), (Some("in_progress"), Some(36.9)));
        let short = app.post("inspector1", &format!("{at}/submit"), json!({})).await.expect(422);
        assert_eq!(short.faults().len(), items_of_s1().len());
        assert!(short.faults().contains(&("/answers/fang-001".into(), "required".into())));
        pass_all(app, "inspector1", &id).await;
        let low = app.put("inspector1", &format!("{at}/answers/fang-010"), json!({"value": 110, "result": "pass", "note": "三盒", "evidence_ids": [PHOTO]})).await.expect(200);
        assert_eq!((low.body["result"].as_str(), low.body["photo"].as_str()), (Some("fail"), Some("awaited")));
        app.put("inspector2", &format!("{at}/answers/fang-001"), json!({"result": "fail", "evidence_ids": [PHOTO]})).await.expect(200);
        let end = app.post("inspector1", &format!("{at}/submit"), json!({"conclusion": "两处不合格"})).await.expect(200);
        assert_eq!(end.body["inspection"]["status"], "submitted");
        let hazards = end.body["hazards"].as_array().unwrap();
        assert_eq!(hazards.len(), 2);
        let of = |code: &str| hazards.iter().find(|hazard| hazard["item_code"] == code).unwrap();
        assert_eq!((of("fang-001")["level"].as_str(), of("fang-001")["domain"].as_str()), (Some("major"), Some("fire")));
        assert_eq!((of("fang-010")["status"].as_str(), of("fang-010")["source"].as_str()), (Some("registered"), Some("routine")));
        assert_eq!(of("fang-010")["description"], "实测110g，不少于125g。三盒");
        let rows = app.get("principal1", &format!("{at}/answers")).await.expect(200).rows();
        let row = rows.iter().find(|row| row["item_code"] == "fang-010").unwrap();
        assert_eq!(row["hazard_id"], of("fang-010")["id"]);
        app.post("inspector1", &format!("{at}/acknowledgement"), json!({"outcome": "signed"})).await.expect(409);
        app.post("principal1", &format!("{at}/acknowledgement"), json!({"outcome": "objected"})).await.expect(422);
        let signed = app.post("principal1", &format!("{at}/acknowledgement"), json!({"outcome": "signed"})).await.expect(201);
        assert_eq!(signed.body["acknowledgement"]["outcome"], "signed");
        app.post("principal1", &format!("{at}/acknowledgement"), json!({"outcome": "signed"})).await.expect(409);
        app.post("inspector1", &format!("{at}/confirm"), json!({})).await.expect(403);
        assert_eq!(app.post("office", &format!("{at}/confirm"), json!({})).await.expect(200).body["status"], "confirmed");
        let history = app.get("principal1", &format!("{at}/history")).await.expect(200).rows();
        let actions: Vec<&str> = history.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["created", "checked_in", "answered", "answered", "answered", "submitted", "acknowledged", "confirmed"]);
    }

    async fn each_role_plans_what_is_its_own(app) {
        let cases: &[(&str, &str, &str, &[&str], u16)] = &[
            ("office", "routine", "a.s1", &["inspector1", "inspector2"], 201),
            ("supervisor", "supervision", "a.s1", &["supervisor", "inspector1"], 201),
            ("supervisor", "supervision", "a.s2", &["supervisor"], 404),
            ("inspector1", "routine", "a.s2", &["inspector1", "inspector2"], 201),
            ("inspector1", "routine", "a.s2", &["inspector2", "office"], 403),
            ("leader", "routine", "a.s1", &["inspector1", "inspector2"], 403),
            ("external1", "third_party", "a.s1", &["external1"], 403),
            ("office", "third_party", "a.s1", &["external1", "inspector1"], 201),
            ("principal1", "self_check", "a.s1", &["officer1"], 201),
            ("principal1", "routine", "a.s1", &["officer1"], 403),
            ("principal1", "self_check", "a.s2", &["officer1"], 404),
            ("principal1", "self_check", "a.s1", &["officer2"], 404),
            ("principal1", "self_check", "a.s1", &["inspector1"], 404),
            ("officer1", "patrol", "a.s1", &["staff1"], 201),
            ("staff1", "patrol", "a.s1", &["staff1"], 201),
            ("staff1", "self_check", "a.s1", &["staff1"], 403),
            ("office", "routine", "a.s1", &["principal1"], 422),
            ("office", "routine", "a.s1", &["b.inspector"], 404),
            ("office", "routine", "a", &["inspector1", "inspector2"], 422),
            ("b.office", "routine", "a.s1", &["b.inspector"], 404),
            ("section.fire", "special", "a.s1", &["inspector1", "inspector2"], 403),
            ("sysadmin", "routine", "a.s1", &["inspector1", "inspector2"], 403),
        ];
        for (who, kind, school, team, status) in cases {
            let answer = app.post(who, "/inspections", plan(kind, school, team)).await;
            assert_eq!(answer.status, *status, "{who} {kind} {school} {team:?}: {}", answer.text);
        }
        let mut body = plan("routine", "a.s1", &["inspector1", "inspector2"]);
        body["checklist_ids"] = json!(["0195e0c0-0000-7000-8000-0000000000ff"]);
        app.post("office", "/inspections", body).await.expect(404);
    }

    async fn only_the_team_performs_and_strangers_see_nothing(app) {
        let id = planned(app).await;
        let at = format!("/inspections/{id}");
        for stranger in ["b.office", "b.principal", "b.inspector", "principal2", "external1", "staff1"] {
            for path in [at.clone(), format!("{at}/answers"), format!("{at}/history")] {
                app.get(stranger, &path).await.expect(404);
            }
            app.post(stranger, &format!("{at}/check-in"), json!({})).await.expect(404);
        }
        let absent = app.get("b.office", "/inspections/0195e0c0-0000-7000-8000-0000000000ff").await.expect(404);
        assert_eq!(app.get("b.office", &at).await.text, absent.text);
        for other in ["office", "leader", "principal1"] {
            let refused = app.post(other, &format!("{at}/check-in"), json!({})).await.expect(409);
            assert_eq!(refused.faults(), [(String::new(), "not_on_team".into())]);
        }
        let early = app.put("inspector1", &format!("{at}/answers/fang-001"), json!({"result": "pass"})).await.expect(409);
        assert_eq!(early.faults(), [(String::new(), "wrong_state".into())]);
        assert_eq!(early.body["allowed_actions"], json!(["check_in"]));
        app.post("inspector1", &format!("{at}/check-in"), json!({})).await.expect(200);
        app.post("inspector1", &format!("{at}/check-in"), json!({})).await.expect(409);
        app.put("inspector1", &format!("{at}/answers/no-such"), json!({"result": "pass"})).await.expect(404);
        app.put("inspector1", &format!("{at}/answers/fang-001"), json!({"result": "maybe"})).await.expect(422);
        app.put("inspector1", &format!("{at}/answers/fang-001"), json!({"result": "pass", "site_id": org("a.s1")})).await.expect(404);
        for (who, count) in [("office", 1), ("leader", 1), ("supervisor", 1), ("inspector2", 1), ("principal1", 1), ("principal2", 0), ("staff1", 0), ("b.office", 0)] {
            assert_eq!(app.get(who, "/inspections").await.expect(200).rows().len(), count, "{who}");
        }
        app.get("office", &format!("/inspections?org_id={}", org("b.s1"))).await.expect(404);
    }

    async fn answers_are_judged_by_the_server_all_or_none(app) {
        let id = started(app).await;
        let at = format!("/inspections/{id}/answers");
        let wrong = app.put("inspector1", &at, json!({"answers": [
            {"item_code": "fang-001", "result": "pass"},
            {"item_code": "fang-010", "value": "viele"},
            {"item_code": "fang-007", "result": "na", "reason": "无"},
            {"item_code": "fang-003", "result": "na"},
            {"item_code": "none", "result": "pass"},
        ]})).await.expect(422);
        assert_eq!(wrong.faults(), [
            ("/answers/1/value".into(), "not_a_number".into()),
            ("/answers/2/result".into(), "na_not_allowed".into()),
            ("/answers/3/reason".into(), "required".into()),
            ("/answers/4/item_code".into(), "unknown_item".into()),
        ]);
        assert!(app.get("inspector1", &at).await.rows().iter().all(|row| row["result"].is_null()));
        let body = json!({"result": "fail", "severity": "general"});
        assert_eq!(app.put("inspector1", &format!("{at}/fang-001"), body).await.expect(422).faults(), [("/severity".into(), "below_default".into())]);
        let first = app.put("inspector1", &format!("{at}/fang-003"), json!({"result": "pass"})).await.expect(200);
        let again = app.put("inspector1", &format!("{at}/fang-003"), json!({"result": "pass"})).await.expect(200);
        assert_eq!((first.text, first.body["version"].as_i64()), (again.text, Some(2)));
    }

    async fn what_is_fixed_on_the_spot_is_born_closed(app) {
        let id = started(app).await;
        let at = format!("/inspections/{id}");
        pass_all(app, "inspector1", &id).await;
        let fixed = json!({
            "result": "fail", "on_the_spot": true, "measures_taken": "当场清走", "fixed_by": user("staff1"),
            "before_evidence_ids": ["0195e0c0-0000-7000-8000-000000000011"],
            "after_evidence_ids": ["0195e0c0-0000-7000-8000-000000000012"],
        });
        let mut own = fixed.clone();
        own["fixed_by"] = json!(user("inspector1"));
        let refused = app.put("inspector1", &format!("{at}/answers/fang-003"), own).await.expect(422);
        assert_eq!(refused.faults(), [("/fixed_by".into(), "same_person".into())]);
        let mut foreign = fixed.clone();
        foreign["fixed_by"] = json!(user("b.principal"));
        app.put("inspector1", &format!("{at}/answers/fang-003"), foreign).await.expect(404);
        app.put("inspector1", &format!("{at}/answers/fang-003"), fixed).await.expect(200);
        let end = app.post("inspector1", &format!("{at}/submit"), json!({})).await.expect(200);
        assert_eq!(end.body["hazards"][0]["status"], "closed");
        let refused = json!({"outcome": "refused", "reason": "拒签", "witness": "王某"});
        app.post("inspector2", &format!("{at}/acknowledgement"), refused.clone()).await.expect(409);
        app.post("inspector1", &format!("{at}/acknowledgement"), refused).await.expect(201);
    }

    async fn answers_are_seen_across_schools_within_scope_and_domain(app) {
        let id = started(app).await;
        pass_all(app, "inspector1", &id).await;
        app.put("inspector1", &format!("/inspections/{id}/answers/fang-001"), json!({"result": "fail", "evidence_ids": [PHOTO]})).await.expect(200);
        let second = app.post("inspector2", "/inspections", plan("routine", "a.s2", &["inspector2", "external1"])).await.expect(201).id();
        let rows = app.get("office", "/answers?item_code=fang-001&count=true").await.expect(200);
        assert_eq!((rows.rows().len(), rows.body["page"]["count"].as_i64()), (2, Some(2)));
        assert_eq!(app.get("office", "/answers?item_code=fang-001&result=fail&from=2026-03-02&to=2026-03-02").await.expect(200).rows().len(), 1);
        assert_eq!(app.get("office", "/answers?result=fail&from=2026-03-03").await.expect(200).rows().len(), 0);
        assert_eq!(app.get("principal2", "/answers?item_code=fang-001").await.expect(200).rows().len(), 1);
        assert_eq!(app.get("b.office", "/answers").await.expect(200).rows().len(), 0);
        let fire = app.get("section.fire", &format!("/inspections/{id}/answers")).await.expect(200).rows();
        assert!(!fire.is_empty() && fire.iter().all(|row| row["domain"] == "fire"));
        let fire = app.get("section.fire", "/answers?limit=200").await.expect(200).rows();
        assert!(!fire.is_empty() && fire.iter().all(|row| row["domain"] == "fire"));
        app.post("section.fire", &format!("/inspections/{second}/void"), json!({"reason": "x"})).await.expect(403);
        app.post("office", &format!("/inspections/{second}/void"), json!({"reason": "重复"})).await.expect(200);
        assert_eq!(app.get("office", "/answers?item_code=fang-001").await.expect(200).rows().len(), 1);
        app.get("office", "/answers?colour=red").await.expect(400);
    }

    async fn a_plan_changes_until_the_team_arrives(app) {
        let id = planned(app).await;
        let at = format!("/inspections/{id}");
        let edit = json!({"title": "春季检查", "planned_on": "2026-03-05", "team": [user("inspector2"), user("supervisor")]});
        app.send(app.request("office", reqwest::Method::PATCH, &at).json(&edit)).await.expect(428);
        app.patch("office", &at, 9, edit.clone()).await.expect(412);
        for other in ["principal1", "inspector1"] {
            app.patch(other, &at, 1, edit.clone()).await.expect(403);
            app.post(other, &format!("{at}/void"), json!({"reason": "x"})).await.expect(403);
        }
        let edited = app.patch("office", &at, 1, edit).await.expect(200);
        assert_eq!((edited.body["lead_id"].clone(), edited.body["planned_on"].as_str()), (json!(user("inspector2")), Some("2026-03-05")));
        app.get("inspector1", &at).await.expect(404);
        let gai = builtin::checklist_id("gai", 1);
        let edited = app.patch("office", &at, 2, json!({"checklist_ids": [gai]})).await.expect(200);
        assert_eq!(edited.body["progress"]["items"].as_u64(), Some(u64::try_from(builtin::category("gai").unwrap().items.len()).unwrap()));
        app.post("inspector2", &format!("{at}/check-in"), json!({})).await.expect(200);
        let late = app.patch("office", &at, 4, json!({"title": "晚"})).await.expect(409);
        assert_eq!(late.faults(), [(String::new(), "wrong_state".into())]);
        app.post("supervisor", &format!("{at}/void"), json!({"reason": "x"})).await.expect(409);
        app.post("leader", &format!("{at}/void"), json!({"reason": "误建"})).await.expect(200);
        app.post("inspector2", &format!("{at}/submit"), json!({})).await.expect(422);
    }

    async fn an_inspector_knows_the_school_only_while_on_its_way_there(app) {
        let old = app.post("office", "/inspections", plan("routine", "a.s1", &["inspector2", "supervisor"])).await.expect(201).id();
        app.get("inspector1", &format!("/inspections/{old}")).await.expect(404);
        let own = planned(app).await;
        app.get("inspector1", &format!("/inspections/{old}")).await.expect(200);
        app.post("office", &format!("/inspections/{own}/void"), json!({"reason": "取消"})).await.expect(200);
        app.get("inspector1", &format!("/inspections/{old}")).await.expect(404);
    }

    async fn a_repeat_makes_one_inspection_and_one_submission(app) {
        let mut body = plan("routine", "a.s1", &["inspector1", "inspector2"]);
        body["id"] = json!("0195e0c0-0000-7000-8000-000000000021");
        app.post("office", "/inspections", body.clone()).await.expect(201);
        app.post("office", "/inspections", body.clone()).await.expect(200);
        body["title"] = json!("另");
        assert_eq!(app.post("office", "/inspections", body).await.expect(409).code(), "id_reused");
        let id = started(app).await;
        pass_all(app, "inspector1", &id).await;
        app.put("inspector1", &format!("/inspections/{id}/answers/fang-001"), json!({"result": "fail", "evidence_ids": [PHOTO]})).await.expect(200);
        let send = || app.request("inspector1", reqwest::Method::POST, &format!("/inspections/{id}/submit"))
            .header("idempotency-key", "hand-in").json(&json!({}));
        let first = app.send(send()).await.expect(200);
        let again = app.send(send()).await.expect(200);
        assert_eq!((first.text, again.header("idempotency-replayed")), (again.text.clone(), "true"));
    }

    async fn a_list_asks_as_many_statements_for_one_row_as_for_ten(app) {
        planned(app).await;
        app.get("office", "/inspections").await.expect(200);
        app.take_statements();
        app.get("office", "/inspections").await.expect(200);
        let one = app.take_statements().len();
        for _ in 0..9 {
            planned(app).await;
        }
        app.take_statements();
        assert_eq!(app.get("office", "/inspections").await.expect(200).rows().len(), 10);
        assert_eq!(app.take_statements().len(), one);
    }
}
