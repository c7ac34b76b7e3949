//! A major hazard from report to closing, each guard tried and refused first; and what small schools, named recheckers
//! and unanswered requests come to.

use anxiao::hazards::marks::Marks;
use anxiao::platform::db::schema::{hazard_extensions, hazards};
use anxiao::platform::db::types::{Doc, Id, Timestamp};
use chrono::TimeDelta;
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::support::district::{org, start_time, user};
use crate::support::{Answer, TestApp};

fn with(mut base: Value, more: Value) -> Value {
    base.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    base
}

fn finding(school: &str, source: &str) -> Value {
    json!({
        "org_id": org(school), "category": "fang", "domain": "fire", "title": "三楼东侧安全出口上锁",
        "description": "午休时段铁链锁闭，无法从内部打开。", "source": source
    })
}

async fn act(app: &TestApp, who: &str, id: &str, action: &str, more: Value) -> Answer {
    app.post(who, &format!("/hazards/{id}/transitions"), with(json!({ "action": action }), more)).await
}

/// Refused by exactly these rules, and the record beside says why the rest is closed too.
async fn refused(app: &TestApp, who: &str, id: &str, action: &str, more: Value, codes: &[&str]) {
    let answer = act(app, who, id, action, more).await.expect(409);
    let told: Vec<String> = answer.faults().into_iter().map(|one| one.1).collect();
    assert_eq!(told, codes, "{action} by {who}");
    assert_eq!(answer.body["allowed_actions"], answer.body["current"]["allowed_actions"]);
    assert_eq!(answer.body["refused_actions"], answer.body["current"]["refused_actions"]);
}

fn done() -> Value {
    json!({"measures_taken": "已拆除铁链并更换推杠锁", "evidence_ids": []})
}

fn passed(people: &[&str], on_site: bool) -> Value {
    let people: Vec<Id> = people.iter().map(|name| user(name)).collect();
    json!({"opinion": "已整改到位", "recheckers": people, "on_site": on_site})
}

fn reasons(record: &Value, action: &str) -> Value {
    let all = record["refused_actions"].as_array().unwrap();
    all.iter().find(|one| one["action"] == action).map_or(json!(null), |one| one["reasons"].clone())
}

both_engines! {
    async fn a_major_walks_from_report_to_closing_and_every_guard_holds(app) {
        let id = app.post("inspector1", "/hazards", with(finding("a.s1", "special"), json!({"level": "major"}))).await.expect(201).id();
        let path = format!("/hazards/{id}");
        // Graded: only by the bureau, only with the clause.
        let seen = app.get("officer1", &path).await.expect(200).body;
        assert_eq!(seen["allowed_actions"], json!([]));
        assert_eq!((reasons(&seen, "issue"), reasons(&seen, "pass")), (json!(["needs_bureau"]), json!(["wrong_state", "needs_bureau"])));
        refused(app, "supervisor", &id, "issue", json!({"level": "general"}), &["needs_bureau"]).await;
        refused(app, "office", &id, "issue", json!({"level": "major"}), &["basis_missing"]).await;
        let odd = act(app, "office", &id, "issue", json!({"level": "general", "determination": "direct"})).await.expect(422);
        assert_eq!(odd.faults(), [("/determination".to_owned(), "only_for_major".to_owned())]);
        refused(app, "officer1", &id, "acknowledge", json!({}), &["wrong_state"]).await;
        let order = json!({"level": "major", "basis": "判定指南第三条（一）8", "determination": "direct", "requirement": "立即打开"});
        let issued = act(app, "section.fire", &id, "issue", order).await.expect(200).body;
        assert_eq!(issued["marks"], json!({
            "extensions": 0, "finding_withdrawn": false, "extension_pending": false, "listed": false, "suspended": false, "awaiting_reply": 0,
            "determination": "direct", "listed_at": null, "progress_at": null, "resumed_at": null, "resumed_at": null,
        }));
        assert_eq!((&issued["due_at"], &issued["plan_due_at"]), (&json!(null), &json!("2026-03-09T15:59:59.999999Z")));

        // Sent back once, issued again; the level and how it was judged stay.
        act(app, "principal1", &id, "reject_assignment", json!({"reason": "楼栋由街道管理"})).await.expect(200);
        let again = act(app, "office", &id, "issue", json!({"level": "major", "responsible_org_id": org("a.s1")})).await.expect(200).body;
        assert_eq!((&again["marks"]["determination"], &again["basis"]), (&json!("direct"), &json!("判定指南第三条（一）8")));

        // Taken on: the five commitments before the report.
        refused(app, "officer1", &id, "report_done", done(), &["plan_missing", "wrong_state"]).await;
        act(app, "staff1", &id, "acknowledge", json!({})).await.expect(403);
        app.clock.advance(TimeDelta::hours(2));
        act(app, "principal1", &id, "acknowledge", json!({})).await.expect(200);
        refused(app, "officer1", &id, "report_done", done(), &["plan_missing"]).await;
        let plan = json!({"measures": "更换推杠锁", "responsible_user_id": user("staff1"), "leader_user_id": user("principal1"),
            "budget_fen": 120000, "due_at": "2026-04-10T10:00:00Z", "contingency": "专人值守"});
        act(app, "officer1", &id, "file_plan", with(plan.clone(), json!({"responsible_user_id": user("inspector1")}))).await.expect(404);
        let planned = act(app, "officer1", &id, "file_plan", plan).await.expect(200).body;
        assert_eq!((&planned["due_at"], &planned["original_due_at"]), (&json!("2026-04-10T10:00:00.000000Z"), &json!("2026-04-10T10:00:00.000000Z")));
        act(app, "office", &id, "reassign_due", json!({"reason": "设备到货推迟", "due_at": "2026-04-20T10:00:00Z"})).await.expect(200);
        act(app, "staff1", &id, "report_done", with(done(), json!({"signed_off_by": user("principal1")}))).await.expect(200);

        // Rechecked: two, on site, neither of them who did the work; a leader agrees, who was not there.
        refused(app, "officer1", &id, "pass", passed(&["officer1"], true), &["needs_bureau", "needs_two_recheckers"]).await;
        refused(app, "inspector1", &id, "pass", passed(&["inspector1"], false), &["needs_on_site", "needs_two_recheckers"]).await;
        refused(app, "inspector1", &id, "pass", passed(&["inspector1", "staff1"], true), &["not_a_rechecker", "same_person"]).await;
        refused(app, "inspector1", &id, "pass", passed(&["inspector2", "office"], true), &["not_a_rechecker"]).await;
        refused(app, "leader", &id, "approve", json!({"opinion": "同意"}), &["wrong_state"]).await;
        act(app, "inspector1", &id, "return", json!({"reason": "锁仍可反锁", "due_at": "2026-04-25T10:00:00Z"})).await.expect(200);
        act(app, "officer1", &id, "report_done", done()).await.expect(200);
        act(app, "inspector1", &id, "pass", passed(&["inspector1", "inspector2"], true)).await.expect(200);
        act(app, "office", &id, "approve", json!({"opinion": "同意"})).await.expect(403);
        act(app, "leader", &id, "return", json!({"reason": "补充照片", "due_at": "2026-04-28T10:00:00Z"})).await.expect(200);
        act(app, "officer1", &id, "report_done", done()).await.expect(200);
        act(app, "inspector2", &id, "pass", passed(&["inspector1", "inspector2"], true)).await.expect(200);
        let closed = act(app, "leader", &id, "approve", json!({"opinion": "同意销号"})).await.expect(200).body;
        assert_eq!((&closed["status"], &closed["closed_kind"], &closed["closed_by"]), (&json!("closed"), &json!("rechecked"), &json!(user("leader"))));
        refused(app, "office", &id, "void", json!({"reason": "x"}), &["wrong_state"]).await;

        // The rounds keep what each of them said.
        let rounds = closed["rounds"].as_array().unwrap();
        let told: Vec<_> = rounds.iter().map(|one| (one["outcome"].as_str().unwrap(), one["opinion"].as_str().unwrap(), one["approval_opinion"].as_str())).collect();
        assert_eq!(told, [("returned", "锁仍可反锁", None), ("returned", "已整改到位", Some("补充照片")), ("passed", "已整改到位", Some("同意销号"))]);
        assert_eq!(rounds[0]["signed_off_by"], json!(user("principal1")));
        assert!(rounds.iter().all(|one| one["measures_taken"] == "已拆除铁链并更换推杠锁" && !one["due_at"].is_null()));
        assert_eq!(rounds[2]["recheckers"], json!([user("inspector1"), user("inspector2")]));

        // The history reads as a story.
        let history = app.get("leader", &format!("{path}/history")).await.expect(200).rows();
        let story: Vec<String> = history.iter().map(|entry| {
            let name = entry["actor_name"].as_str().unwrap().trim_start_matches("测试 ");
            let said = ["reason", "opinion", "measures_taken"].iter().find_map(|word| entry["payload"][*word].as_str());
            format!("{name} {}{}", entry["action"].as_str().unwrap(), said.map(|said| format!(": {said}")).unwrap_or_default())
        }).collect();
        assert_eq!(story, [
            "inspector1 register", "section.fire issue", "principal1 reject_assignment: 楼栋由街道管理", "office issue",
            "principal1 acknowledge", "officer1 file_plan", "office reassign_due: 设备到货推迟",
            "staff1 report_done: 已拆除铁链并更换推杠锁", "inspector1 return: 锁仍可反锁",
            "officer1 report_done: 已拆除铁链并更换推杠锁", "inspector1 pass: 已整改到位", "leader return: 补充照片",
            "officer1 report_done: 已拆除铁链并更换推杠锁", "inspector2 pass: 已整改到位", "leader approve: 同意销号",
        ]);
        assert_eq!(history[1]["payload"]["set"]["marks"]["determination"], "direct");
    }

    async fn where_a_school_has_no_second_person_the_bureau_rechecks(app) {
        let own = async |school: &str, who: &str| {
            let id = app.post(who, "/hazards", finding(school, "self_check")).await.expect(201).id();
            act(app, who, &id, "issue", json!({"level": "general"})).await.expect(200);
            act(app, who, &id, "acknowledge", json!({})).await.expect(200);
            id
        };
        let with_another = own("a.s1", "officer1").await;
        act(app, "officer1", &with_another, "report_done", done()).await.expect(200);
        refused(app, "officer1", &with_another, "pass", passed(&["officer1"], true), &["same_person"]).await;

        let alone = own("a.s2", "officer2").await;
        act(app, "officer2", &alone, "assign", json!({"responsible_user_id": user("principal2")})).await.expect(200);
        act(app, "officer2", &alone, "report_done", done()).await.expect(200);
        for who in ["officer2", "principal2"] {
            refused(app, who, &alone, "pass", passed(&[who], true), &["needs_bureau", "no_second_person", "same_person"]).await;
        }
        let closed = act(app, "inspector1", &alone, "pass", passed(&["inspector1"], false)).await.expect(200);
        assert_eq!(closed.body["status"], "closed");
    }

    async fn who_was_named_as_rechecker_keeps_sight(app) {
        let rechecked = async |people: &[&str]| {
            let id = app.post("office", "/hazards", finding("a.s1", "complaint")).await.expect(201).id();
            act(app, "office", &id, "issue", json!({"level": "general"})).await.expect(200);
            act(app, "officer1", &id, "acknowledge", json!({})).await.expect(200);
            act(app, "officer1", &id, "report_done", done()).await.expect(200);
            act(app, people[0], &id, "pass", passed(people, true)).await.expect(200);
            format!("/hazards/{id}")
        };
        let (theirs, both) = (rechecked(&["inspector1"]).await, rechecked(&["inspector1", "inspector2"]).await);
        app.get("inspector1", &theirs).await.expect(200);
        app.get("inspector2", &theirs).await.expect(404);
        app.get("inspector2", &both).await.expect(200);
        assert_eq!(app.get("inspector2", "/hazards").await.expect(200).rows().len(), 1);
    }

    async fn a_request_for_more_time_dies_with_the_deadline_it_asks_to_move(app) {
        let mut conn = app.connect();
        let now = Timestamp::from(start_time());
        let status = |conn: &mut anxiao::platform::db::Conn, id: &str| -> String {
            let of = hazard_extensions::table.filter(hazard_extensions::hazard_id.eq(id.parse::<Id>().unwrap()));
            of.select(hazard_extensions::status).first(conn).unwrap()
        };
        let steps = [
            ("officer1", "report_done", done(), true),
            ("office", "reassign_due", json!({"reason": "天气", "due_at": "2026-03-30T00:00:00Z"}), true),
            ("office", "void", json!({"reason": "误报"}), true),
            ("office", "regrade", json!({"level": "major", "basis": "x", "reason": "危及生命"}), true),
            ("officer1", "assign", json!({"responsible_user_id": user("staff1")}), false),
        ];
        for (who, action, more, dies) in steps {
            let id = app.post("office", "/hazards", finding("a.s1", "complaint")).await.expect(201).id();
            act(app, "office", &id, "issue", json!({"level": "general"})).await.expect(200);
            act(app, "officer1", &id, "acknowledge", json!({})).await.expect(200);
            let hazard: Id = id.parse().unwrap();
            diesel::insert_into(hazard_extensions::table)
                .values((
                    (hazard_extensions::id.eq(user(&format!("request {action}"))), hazard_extensions::version.eq(1_i64)),
                    (hazard_extensions::created_at.eq(now), hazard_extensions::updated_at.eq(now)),
                    (hazard_extensions::created_by.eq(user("officer1")), hazard_extensions::bureau_id.eq(org("a"))),
                    (hazard_extensions::org_id.eq(org("a.s1")), hazard_extensions::hazard_id.eq(hazard)),
                    (hazard_extensions::serial.eq(1), hazard_extensions::reason.eq("x"), hazard_extensions::interim_controls.eq("x")),
                    (hazard_extensions::due_at.eq(now), hazard_extensions::due_before.eq(now)),
                    (hazard_extensions::status.eq("pending"), hazard_extensions::decide_by.eq(now)),
                ))
                .execute(&mut conn)
                .unwrap();
            let marks = Marks { extension_pending: true, ..Marks::default() };
            diesel::update(hazards::table.find(hazard)).set(hazards::marks.eq(Doc::of(&marks))).execute(&mut conn).unwrap();
            assert_eq!(app.get("office", "/hazards?extension_pending=true").await.expect(200).rows().len(), 1, "{action}");
            let after = act(app, who, &id, action, more).await.expect(200).body;
            assert_eq!(after["marks"]["extension_pending"], json!(!dies), "{action}");
            assert_eq!(status(&mut conn, &id), if dies { "withdrawn" } else { "pending" }, "{action}");
            let history = app.get("office", &format!("/hazards/{id}/history")).await.expect(200).rows();
            let told = &history.last().unwrap()["payload"]["extension"];
            assert_eq!(told, &if dies { json!("withdrawn") } else { json!(null) }, "{action}");
        }
    }

    async fn the_list_of_a_colour_holds_what_shows_it(app) {
        for (days, level) in [(1, "general"), (3, "general"), (5, "major"), (9, "general"), (20, "general"), (20, "major")] {
            let id = app.post("office", "/hazards", finding("a.s1", "complaint")).await.expect(201).id();
            let due = Timestamp::from(start_time() + TimeDelta::days(days));
            act(app, "office", &id, "issue", json!({"level": level, "basis": "x", "due_at": due})).await.expect(200);
            act(app, "officer1", &id, "assign", json!({"responsible_user_id": user("staff1")})).await.expect(200);
        }
        app.post("office", "/hazards", finding("a.s1", "complaint")).await.expect(201);
        let mut shown = std::collections::BTreeSet::new();
        for _ in 0..16 {
            let all = app.get("office", "/hazards").await.expect(200).rows();
            assert_eq!(all.len(), 7);
            for colour in ["none", "blue", "yellow", "orange", "red"] {
                let mut listed: Vec<Value> = app.get("office", &format!("/hazards?warning={colour}")).await.expect(200).rows();
                let mut right: Vec<Value> = all.iter().filter(|row| row["warning"] == colour).cloned().collect();
                if !right.is_empty() {
                    shown.insert(colour);
                }
                listed.sort_by_key(|row| row["number"].to_string());
                right.sort_by_key(|row| row["number"].to_string());
                assert_eq!(listed, right, "{colour}");
            }
            app.clock.advance(TimeDelta::hours(31));
        }
        assert_eq!(shown.len(), 5);
        let of = async |who: &str, person: Id| app.get(who, &format!("/hazards?responsible_user_id={person}")).await;
        assert_eq!(of("office", user("staff1")).await.expect(200).rows().len(), 6);
        assert_eq!(of("staff1", user("staff1")).await.expect(200).rows().len(), 6);
        assert_eq!(of("office", user("inspector1")).await.expect(200).rows().len(), 0);
        for (who, person) in [("office", "b.officer"), ("officer1", "officer2"), ("office", "nobody")] {
            of(who, user(person)).await.expect(404);
        }
        for (filter, count) in [("listed=true", 0), ("listed=false", 7), ("suspended=true", 0), ("extension_pending=false", 7), ("recurrence=false", 7)] {
            assert_eq!(app.get("office", &format!("/hazards?{filter}")).await.expect(200).rows().len(), count, "{filter}");
        }
    }
}
