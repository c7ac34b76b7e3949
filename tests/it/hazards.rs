//! From a finding to a closed hazard, by the right people and by nobody else.

use anxiao::platform::db::schema::hazards;
use anxiao::platform::db::types::Id;
use chrono::TimeDelta;
use diesel::prelude::*;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::support::district::{org, user};
use crate::support::{Answer, TestApp};

fn finding(source: &str) -> Value {
    json!({
        "org_id": org("a.s1"), "category": "fang", "domain": "fire", "title": "三楼东侧安全出口上锁",
        "description": "午休时段铁链锁闭，无法从内部打开。", "source": source
    })
}

fn with(mut base: Value, more: Value) -> Value {
    base.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    base
}

async fn report(app: &TestApp, who: &str, source: &str) -> String {
    app.post(who, "/hazards", finding(source)).await.expect(201).id()
}

async fn act(app: &TestApp, who: &str, id: &str, action: &str, more: Value) -> Answer {
    app.post(who, &format!("/hazards/{id}/transitions"), with(json!({ "action": action }), more)).await
}

fn codes(answer: &Answer) -> Vec<String> {
    answer.faults().into_iter().map(|(_, code)| code).collect()
}

fn done() -> Value {
    json!({"measures_taken": "已拆除铁链并更换推杠锁", "evidence_ids": []})
}

fn passed(people: &[&str], on_site: bool) -> Value {
    let people: Vec<Id> = people.iter().map(|name| user(name)).collect();
    json!({"opinion": "已整改到位", "recheckers": people, "on_site": on_site})
}

/// A general finding of the bureau, acknowledged by the school.
async fn rectifying(app: &TestApp) -> String {
    let id = report(app, "inspector1", "routine").await;
    act(app, "office", &id, "issue", json!({"level": "general"})).await.expect(200);
    act(app, "principal1", &id, "acknowledge", json!({})).await.expect(200);
    id
}

both_engines! {
    async fn a_finding_of_the_bureau_goes_from_report_to_closed(app) {
        let created = app.post("inspector1", "/hazards", finding("routine")).await.expect(201);
        let id = created.id();
        assert_eq!(created.header("location"), format!("/api/v1/hazards/{id}"));
        assert_eq!(created.body["number"], "640104-2026-000001");
        assert_eq!(created.body["status"], "registered");
        assert_eq!(created.body["due_at"], json!(null));

        let issued = act(app, "office", &id, "issue", json!({"level": "general", "requirement": "立即打开"})).await.expect(200);
        assert_eq!(issued.body["status"], "issued");
        assert_eq!(issued.body["due_on"], "2026-03-09");
        assert_eq!(issued.body["due_at"], "2026-03-09T15:59:59.999999Z");
        assert_eq!((&issued.body["days_left"], &issued.body["overdue"]), (&json!(7), &json!(false)));

        act(app, "principal1", &id, "acknowledge", json!({})).await.expect(200);
        app.clock.advance(TimeDelta::days(8));
        let late = app.get("office", &format!("/hazards/{id}")).await.expect(200);
        assert_eq!((&late.body["overdue"], &late.body["warning"]), (&json!(true), &json!("orange")));
        let reported = act(app, "officer1", &id, "report_done", done()).await.expect(200);
        assert_eq!((&reported.body["status"], &reported.body["overdue"]), (&json!("awaiting_recheck"), &json!(false)));
        assert_eq!(reported.body["recheck_due_at"], "2026-03-17T15:59:59.999999Z");

        let refused = act(app, "officer1", &id, "pass", passed(&["officer1"], true)).await.expect(409);
        assert_eq!(refused.code(), "transition_not_allowed");
        assert_eq!(codes(&refused), ["needs_bureau", "same_person"]);
        assert_eq!(refused.body["current"]["status"], "awaiting_recheck");
        assert_eq!(refused.body["allowed_actions"], json!([]));

        let returned = act(app, "inspector2", &id, "return", json!({"reason": "锁仍可从外反锁", "due_at": "2026-03-20T12:00:00+08:00"})).await.expect(200);
        assert_eq!((&returned.body["status"], &returned.body["round"]), (&json!("rectifying"), &json!(2)));
        assert_eq!(returned.body["original_due_at"], "2026-03-09T15:59:59.999999Z");
        act(app, "officer1", &id, "report_done", done()).await.expect(200);
        let closed = act(app, "inspector2", &id, "pass", passed(&["inspector2"], false)).await.expect(200);
        assert_eq!((&closed.body["status"], &closed.body["closed_kind"]), (&json!("closed"), &json!("rechecked")));
        assert_eq!(closed.body["rounds"].as_array().unwrap().len(), 2);

        let history = app.get("officer1", &format!("/hazards/{id}/history")).await.expect(200).rows();
        let actions: Vec<_> = history.iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect();
        assert_eq!(actions, ["register", "issue", "acknowledge", "report_done", "return", "report_done", "pass"]);
        assert_eq!(history[0]["actor"], json!(null), "the school learns who found it");
        assert_eq!(history[1]["actor"], json!(user("office")));
    }

    async fn the_history_replayed_gives_the_row(app) {
        let id = rectifying(app).await;
        act(app, "officer1", &id, "report_done", done()).await.expect(200);
        act(app, "inspector2", &id, "pass", passed(&["inspector2"], true)).await.expect(200);
        act(app, "supervisor", &id, "reopen", json!({"reason": "回头看发现复锁", "due_at": "2026-04-01T00:00:00Z"})).await.expect(200);
        let mut replayed = Map::new();
        for entry in app.get("office", &format!("/hazards/{id}/history")).await.expect(200).rows() {
            replayed.extend(entry["payload"]["set"].as_object().unwrap().clone());
        }
        let now = app.get("office", &format!("/hazards/{id}")).await.expect(200).body;
        for (name, value) in replayed.iter().filter(|(name, _)| now.get(*name).is_some()) {
            assert_eq!(&now[name], value, "{name}");
        }
        for name in ["status", "round", "due_at", "issued_by", "acknowledged_by", "number", "title", "level"] {
            assert_eq!(now[name], replayed[name], "{name}");
        }
    }

    async fn a_major_needs_basis_plan_two_recheckers_on_site_and_a_leader(app) {
        let id = app.post("inspector1", "/hazards", with(finding("special"), json!({"level": "major"}))).await.expect(201).id();
        assert_eq!(codes(&act(app, "supervisor", &id, "issue", json!({"level": "general"})).await.expect(409)), ["needs_bureau"]);
        assert_eq!(codes(&act(app, "office", &id, "issue", json!({"level": "major"})).await.expect(409)), ["basis_missing"]);
        let issued = act(app, "section.fire", &id, "issue", json!({"level": "major", "basis": "判定指南第三条（一）8"})).await.expect(200);
        assert_eq!((&issued.body["due_at"], &issued.body["plan_due_at"]), (&json!(null), &json!("2026-03-09T15:59:59.999999Z")));
        act(app, "officer1", &id, "acknowledge", json!({})).await.expect(200);
        assert_eq!(codes(&act(app, "officer1", &id, "report_done", done()).await.expect(409)), ["plan_missing"]);
        let plan = json!({"measures": "更换推杠锁", "responsible_user_id": user("staff1"), "leader_user_id": user("principal1"),
            "budget_fen": 120000, "due_at": "2026-04-10T10:00:00Z", "contingency": "专人值守"});
        let planned = act(app, "officer1", &id, "file_plan", plan.clone()).await.expect(200);
        assert_eq!(planned.body["due_at"], "2026-04-10T10:00:00.000000Z");
        let again = act(app, "officer1", &id, "file_plan", with(plan, json!({"due_at": "2026-05-10T10:00:00Z"}))).await.expect(200);
        assert_eq!(again.body["due_at"], "2026-04-10T10:00:00.000000Z", "a later plan moved the deadline");
        act(app, "staff1", &id, "report_done", done()).await.expect(200);
        assert_eq!(codes(&act(app, "inspector1", &id, "pass", passed(&["inspector1"], false)).await.expect(409)), ["needs_on_site", "needs_two_recheckers"]);
        assert_eq!(codes(&act(app, "inspector1", &id, "pass", passed(&["inspector1", "staff1"], true)).await.expect(409)), ["not_a_rechecker", "same_person"]);
        assert_eq!(codes(&act(app, "inspector1", &id, "pass", passed(&["inspector2", "office"], true)).await.expect(409)), ["not_a_rechecker"]);
        act(app, "inspector1", &id, "pass", passed(&["inspector1", "b.inspector"], true)).await.expect(404);
        let passed_on = act(app, "inspector1", &id, "pass", passed(&["inspector1", "office"], true)).await.expect(200);
        assert_eq!(passed_on.body["status"], "awaiting_approval");
        act(app, "office", &id, "approve", json!({"opinion": "同意"})).await.expect(403);
        let approved = act(app, "leader", &id, "approve", json!({"opinion": "同意销号"})).await.expect(200);
        assert_eq!(approved.body["status"], "closed");
    }

    async fn a_school_closes_its_own_general_finding_by_two_people(app) {
        let id = report(app, "officer1", "self_check").await;
        let mine = app.get("officer1", &format!("/hazards/{id}")).await.expect(200);
        assert_eq!(mine.body["allowed_actions"], json!(["issue", "reassign_due", "void"]));
        assert_eq!(mine.body["reported_by"], json!(user("officer1")));
        assert_eq!(codes(&act(app, "officer1", &id, "issue", json!({"level": "major", "basis": "x"})).await.expect(409)), ["needs_bureau"]);
        act(app, "officer1", &id, "issue", json!({"level": "general", "remedy": "purchase"})).await.expect(200);
        act(app, "officer1", &id, "assign", json!({"responsible_user_id": user("staff1")})).await.expect(200);
        act(app, "officer1", &id, "assign", json!({"responsible_user_id": user("officer2")})).await.expect(404);
        let acknowledged = act(app, "officer1", &id, "acknowledge", json!({})).await.expect(200);
        assert_eq!(acknowledged.body["due_on"], "2026-03-17");
        act(app, "staff1", &id, "report_done", done()).await.expect(200);
        let closed = act(app, "principal1", &id, "pass", passed(&["principal1"], true)).await.expect(200);
        assert_eq!(closed.body["status"], "closed");

        act(app, "officer1", &id, "reopen", json!({"reason": "x", "due_at": "2026-04-01T00:00:00Z"})).await.expect(403);
    }

    async fn what_a_caller_may_not_do_is_refused_in_order(app) {
        let id = report(app, "inspector1", "routine").await;
        let path = format!("/hazards/{id}/transitions");
        app.post("", &path, json!({"action": "issue"})).await.expect(401);
        app.post("auditadmin", &path, json!({"nonsense": 1})).await.expect(403);
        act(app, "principal1", &id, "approve", json!({"opinion": "x"})).await.expect(403);
        let hidden = act(app, "officer2", &id, "acknowledge", json!({})).await.expect(404);
        let absent = act(app, "officer2", "0195e1a4-0000-7000-8000-000000000000", "acknowledge", json!({})).await.expect(404);
        assert_eq!(hidden.text, absent.text);
        act(app, "b.office", &id, "void", json!({"reason": "x"})).await.expect(404);
        app.post("office", &path, json!({"action": "issue", "colour": "red"})).await.expect(400);
        app.post("office", &path, json!({"action": "explode"})).await.expect(422);
        let bad = act(app, "office", &id, "regrade", json!({"opinion": "x", "due_at": "2020-01-01T00:00:00Z"})).await.expect(422);
        let faults = bad.faults();
        assert!(faults.contains(&("/level".to_owned(), "required".to_owned())), "{faults:?}");
        assert!(faults.contains(&("/reason".to_owned(), "required".to_owned())), "{faults:?}");
        assert!(faults.contains(&("/opinion".to_owned(), "not_of_this_action".to_owned())), "{faults:?}");
        assert_eq!(codes(&act(app, "inspector1", &id, "issue", json!({"level": "general"})).await.expect(409)), ["not_permitted"]);
        assert_eq!(codes(&act(app, "officer1", &id, "void", json!({"reason": "误报"})).await.expect(409)), ["needs_bureau"]);
        act(app, "office", &id, "void", json!({"reason": "误报"})).await.expect(200);
        let next = app.post("inspector1", "/hazards", finding("routine")).await.expect(201);
        assert_eq!(next.body["number"], "640104-2026-000002");
    }

    async fn each_role_sees_its_own(app) {
        let found = report(app, "inspector1", "routine").await;
        let own = report(app, "officer1", "patrol").await;
        let other = app.post("office", "/hazards", with(finding("complaint"), json!({"org_id": org("a.s2"), "domain": "food"}))).await.expect(201).id();
        app.post("b.office", "/hazards", with(finding("complaint"), json!({"org_id": org("b.s1")}))).await.expect(201);
        let seen = async |who: &str| {
            let mut ids: Vec<String> = app.get(who, "/hazards").await.expect(200).rows().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
            ids.sort();
            ids
        };
        let sorted = |ids: &[&String]| {
            let mut ids: Vec<String> = ids.iter().map(|id| (*id).clone()).collect();
            ids.sort();
            ids
        };
        for who in ["leader", "office"] {
            assert_eq!(seen(who).await, sorted(&[&found, &own, &other]), "{who}");
        }
        assert_eq!(seen("section.fire").await, sorted(&[&found, &own]));
        assert_eq!(seen("supervisor").await, sorted(&[&found, &own]));
        assert_eq!(seen("inspector1").await, sorted(&[&found]));
        assert_eq!(seen("inspector2").await, Vec::<String>::new());
        assert_eq!(seen("officer1").await, sorted(&[&found, &own]));
        assert_eq!(seen("staff1").await, Vec::<String>::new());
        assert_eq!(seen("principal2").await, sorted(&[&other]));
        assert_eq!(seen("external1").await, Vec::<String>::new());
        assert_eq!(seen("b.officer").await.len(), 1);
        app.get("sysadmin", "/hazards").await.expect(403);
        assert_eq!(app.get("officer1", &format!("/hazards/{found}")).await.expect(200).body["reported_by"], json!(null));
        app.post("staff1", "/hazards", finding("staff_hint")).await.expect(403);
        app.post("external1", "/hazards", finding("third_party")).await.expect(403);
        app.post("officer1", "/hazards", finding("routine")).await.expect(422);
        app.post("office", "/hazards", finding("self_check")).await.expect(422);
        app.post("officer2", "/hazards", finding("self_check")).await.expect(404);
    }

    async fn a_report_sent_again_is_one_hazard(app) {
        let id = "0195e1a4-0000-7000-8000-000000000001";
        let body = with(finding("routine"), json!({"id": id}));
        let first = app.post("inspector1", "/hazards", body.clone()).await.expect(201);
        let again = app.post("inspector1", "/hazards", body.clone()).await.expect(200);
        assert_eq!(first.body, again.body);
        assert_eq!(app.post("inspector1", "/hazards", with(body.clone(), json!({"title": "另"}))).await.expect(409).code(), "id_reused");
        assert_eq!(app.post("inspector2", "/hazards", body).await.expect(409).code(), "id_reused");

        let keyed = || app.request("inspector1", Method::POST, "/hazards").header("idempotency-key", "k1").json(&finding("routine"));
        let one = app.send(keyed()).await.expect(201);
        let two = app.send(keyed()).await.expect(201);
        assert_eq!((one.text, two.header("idempotency-replayed")), (two.text.clone(), "true"));
        let action = || app.request("office", Method::POST, &format!("/hazards/{id}/transitions")).header("idempotency-key", "k2").json(&json!({"action": "issue", "level": "general"}));
        app.send(action()).await.expect(200);
        app.send(action()).await.expect(200);
        assert_eq!(app.get("office", "/hazards?count=true").await.expect(200).body["page"]["count"], 2);
    }

    async fn numbers_have_no_gaps_however_many_report_at_once(app) {
        let mut bad = finding("routine");
        bad["domain"] = json!("nothing");
        let reports = (0..24).map(|n| {
            let body = if n % 4 == 3 { bad.clone() } else { finding("routine") };
            app.post("inspector1", "/hazards", body)
        });
        let answers = futures_util::future::join_all(reports).await;
        let mut numbers: Vec<_> = answers.iter().filter(|answer| answer.status == 201).map(|answer| answer.body["number"].as_str().unwrap().to_owned()).collect();
        numbers.sort();
        let expected: Vec<_> = (1..=18).map(|n| format!("640104-2026-{n:06}")).collect();
        assert_eq!(numbers, expected);
    }

    async fn lists_filter_and_ask_as_much_for_many_as_for_one(app) {
        let first = rectifying(app).await;
        // The first call also loads who asks.
        app.get("supervisor", "/hazards").await.expect(200);
        app.take_statements();
        app.get("supervisor", "/hazards").await.expect(200);
        let for_one = app.take_statements().len();
        app.clock.advance(TimeDelta::seconds(1));
        let second = report(app, "officer1", "self_check").await;
        app.clock.advance(TimeDelta::seconds(1));
        app.post("office", "/hazards", with(finding("complaint"), json!({"domain": "food", "category": "cha", "title": "100%_过期"}))).await.expect(201);
        app.take_statements();
        app.get("supervisor", "/hazards").await.expect(200);
        assert_eq!(app.take_statements().len(), for_one);

        let count = async |query: &str| app.get("office", &format!("/hazards?{query}")).await.expect(200).rows().len();
        assert_eq!(count("status=rectifying").await, 1);
        assert_eq!(count("category=cha&domain=food").await, 1);
        assert_eq!(count("level=major").await, 0);
        assert_eq!(count("source=self_check").await, 1);
        assert_eq!(count(&format!("org_id={}", org("a.s1"))).await, 3);
        assert_eq!(count(&format!("under={}", org("a.cluster"))).await, 3);
        assert_eq!(count(&format!("under={}", org("a.s2"))).await, 0);
        assert_eq!(count("due_before=2026-03-09&due_after=2026-03-09").await, 1);
        assert_eq!(count("due_before=2026-03-08").await, 0);
        assert_eq!(count("from=2026-03-02&to=2026-03-02").await, 3);
        assert_eq!(count("to=2026-03-01").await, 0);
        assert_eq!(count("q=100%25_").await, 1);
        assert_eq!(count("q=%25").await, 1);
        assert_eq!(count("overdue=true").await, 0);
        assert_eq!(count("overdue=false").await, 3);
        app.clock.advance(TimeDelta::days(9));
        assert_eq!(count("overdue=true").await, 1);
        assert_eq!(count("overdue=false").await, 2);
        app.get("office", &format!("/hazards?org_id={}", org("b.s1"))).await.expect(404);
        app.get("office", "/hazards?colour=red").await.expect(400);
        app.get("office", "/hazards?due_before=soon").await.expect(400);
        let page = app.get("office", "/hazards?limit=2&sort=created_at").await.expect(200);
        assert_eq!((&page.rows()[0]["id"], &page.rows()[1]["id"]), (&json!(first), &json!(second)));
        let cursor = page.body["page"]["next_cursor"].as_str().unwrap();
        assert_eq!(app.get("office", &format!("/hazards?limit=2&sort=created_at&cursor={cursor}")).await.expect(200).rows().len(), 1);
    }

    async fn texts_change_before_issue_and_later_by_the_bureau_only(app) {
        let id = report(app, "officer1", "self_check").await;
        let path = format!("/hazards/{id}");
        let change = json!({"title": "二楼西侧安全出口上锁"});
        app.send(app.request("officer1", Method::PATCH, &path).json(&change)).await.expect(428);
        app.patch("officer1", &path, 7, change.clone()).await.expect(412);
        app.patch("officer2", &path, 1, change.clone()).await.expect(404);
        app.patch("leader", &path, 1, change.clone()).await.expect(403);
        app.patch("officer1", &path, 1, json!({"status": "closed"})).await.expect(400);
        app.patch("officer1", &path, 1, json!({"site_id": org("a.s1")})).await.expect(404);
        let changed = app.patch("officer1", &path, 1, change.clone()).await.expect(200);
        assert_eq!((&changed.body["version"], &changed.body["title"]), (&json!(2), &change["title"]));
        act(app, "officer1", &id, "issue", json!({"level": "general"})).await.expect(200);
        app.patch("officer1", &path, 3, json!({"title": "x"})).await.expect(409);
        app.patch("office", &path, 3, json!({"title": "安全出口上锁"})).await.expect(200);
        let found = report(app, "inspector1", "routine").await;
        app.patch("officer1", &format!("/hazards/{found}"), 1, change.clone()).await.expect(403);
        app.patch("inspector1", &format!("/hazards/{found}"), 1, change).await.expect(200);
    }

    async fn remarks_stay(app) {
        let id = report(app, "inspector1", "routine").await;
        let path = format!("/hazards/{id}/comments");
        let body = json!({"id": "0195e1a4-0000-7000-8000-00000000000c", "text": "周三到场维修"});
        let made = app.post("officer1", &path, body.clone()).await.expect(201);
        assert_eq!((&made.body["author_name"], &made.body["text"]), (&json!("测试 officer1"), &json!("周三到场维修")));
        app.post("officer1", &path, body.clone()).await.expect(200);
        app.post("officer1", &path, with(body, json!({"text": "x"}))).await.expect(409);
        app.post("officer2", &path, json!({"text": "x"})).await.expect(404);
        app.post("external1", &path, json!({"text": "x"})).await.expect(403);
        app.post("officer1", &path, json!({"text": "  "})).await.expect(422);
        assert_eq!(app.get("inspector1", &path).await.expect(200).rows().len(), 1);
    }

    async fn a_bureaus_own_policy_and_calendar_count_from_then_on(app) {
        let before = rectifying(app).await;
        let rows = app.get("principal1", "/deadline-policies").await.expect(200).rows();
        assert_eq!(rows.len(), 4);
        app.post("leader", "/deadline-policies", json!({"level": "general", "days": 1})).await.expect(403);
        let own = app.post("office", "/deadline-policies", json!({"level": "general", "domain": "fire", "days": 2, "day_kind": "working"})).await.expect(201);
        let path = format!("/deadline-policies/{}", own.id());
        let built_in = format!("/deadline-policies/{}", rows[0]["id"].as_str().unwrap());
        app.patch("office", &built_in, 1, json!({"days": 3})).await.expect(409);
        app.patch("b.office", &path, 1, json!({"days": 3})).await.expect(404);
        app.patch("office", &path, 1, json!({"days": 3})).await.expect(200);
        assert_eq!(app.get("b.office", "/deadline-policies").await.expect(200).rows().len(), 4);

        let known = app.get("office", "/calendar/2026").await.expect(200);
        assert_eq!((&known.body["own"], &known.body["calendar_provisional"]), (&json!(false), &json!(false)));
        assert_eq!(app.get("office", "/calendar/2031").await.expect(200).body["calendar_provisional"], true);
        app.get("office", "/calendar/nextyear").await.expect(404);
        let term = json!({"holidays": [{"date": "2026-03-03", "name": "校庆"}], "makeup_workdays": []});
        app.put("officer1", "/calendar/2026", term.clone()).await.expect(403);
        app.put("office", "/calendar/2027", term.clone()).await.expect(422);
        app.put("office", "/calendar/2026", term).await.expect(200);

        let id = report(app, "inspector1", "routine").await;
        let issued = act(app, "office", &id, "issue", json!({"level": "general"})).await.expect(200);
        assert_eq!(issued.body["due_on"], "2026-03-06", "three working days, Tuesday off");
        assert_eq!(app.get("office", &format!("/hazards/{before}")).await.expect(200).body["due_on"], "2026-03-09");
        let mut conn = app.connect();
        let policy: Option<Id> = hazards::table.find(id.parse::<Id>().unwrap()).select(hazards::policy_id).first(&mut conn).unwrap();
        assert_eq!(policy.map(|id| id.to_string()), Some(own.id()));
    }
}
