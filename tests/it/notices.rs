//! Who is told what, that it is told once, and that an inbox holds nothing its reader may not see.

use std::sync::Arc;

use anxiao::notices::warning::{self, Outcome, Warnings};
use anxiao::platform::db::types::{Id, Timestamp};
use anxiao::platform::db::{Db, DbOptions, StatementLog};
use anxiao::platform::ids::{Ids, SystemIds, built_in};
use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::district::{PASSWORD, org, start_time, user};
use crate::support::{Answer, TestApp};

pub fn timer(app: &TestApp, statements: Option<StatementLog>, leased: bool) -> Warnings {
    let options = DbOptions { read_lanes: 1, write_lanes: 1, statements, ..DbOptions::default() };
    let db = Db::start(&app.url, &options, app.clock.clone(), Arc::new(SystemIds), 1).unwrap();
    let lease = leased.then(|| warning::lease(SystemIds.next(Timestamp::from(start_time()))));
    Warnings { db, clock: app.clock.clone(), lease }
}

/// The timer's work, once, at the test's clock; every statement goes into the log.
pub async fn warn_logged(app: &TestApp, log: Option<StatementLog>) -> Outcome {
    timer(app, log, true).run(&|| true).await.unwrap()
}

async fn warn(app: &TestApp) -> usize {
    warn_logged(app, None).await.made
}

fn finding(domain: &str, more: Value) -> Value {
    let mut body = json!({
        "org_id": org("a.s1"), "category": "fang", "domain": domain, "title": "三楼东侧安全出口上锁",
        "description": "午休时段铁链锁闭。", "source": "routine",
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn report(app: &TestApp, who: &str, more: Value) -> String {
    app.post(who, "/hazards", finding("fire", more)).await.expect(201).id()
}

async fn act(app: &TestApp, who: &str, id: &str, mut body: Value, action: &str) -> Answer {
    // Notices of one instant stand in no order.
    app.clock.advance(TimeDelta::seconds(1));
    body["action"] = action.into();
    app.post(who, &format!("/hazards/{id}/transitions"), body).await.expect(200)
}

pub async fn issued(app: &TestApp) -> String {
    let id = report(app, "inspector1", json!({})).await;
    act(app, "office", &id, json!({"level": "general"}), "issue").await;
    id
}

async fn inbox(app: &TestApp, who: &str) -> Vec<Value> {
    app.get(who, "/notices").await.expect(200).rows()
}

/// The kinds in somebody's inbox, oldest first; warnings with their colour.
async fn told(app: &TestApp, who: &str) -> Vec<String> {
    let kind = |row: &Value| match row["colour"].as_str() {
        Some(colour) => colour.to_owned(),
        None => row["kind"].as_str().unwrap().to_owned(),
    };
    inbox(app, who).await.iter().rev().map(kind).collect()
}

/// Who of bureau 甲区 has how many notices.
async fn counts(app: &TestApp) -> Vec<(&'static str, usize)> {
    let mut all = Vec::new();
    for who in [
        "leader",
        "office",
        "section.fire",
        "supervisor",
        "inspector1",
        "inspector2",
        "external1",
        "principal1",
        "officer1",
        "staff1",
        "principal2",
        "officer2",
        "sysadmin",
        "b.leader",
        "b.office",
        "b.principal",
    ] {
        let many = inbox(app, who).await.len();
        if many > 0 {
            all.push((who, many));
        }
    }
    all
}

pub async fn unread(app: &TestApp, who: &str) -> i64 {
    app.get(who, "/notices/unread-count").await.expect(200).body["unread"].as_i64().unwrap()
}

fn passed(people: &[&str]) -> Value {
    let people: Vec<Id> = people.iter().map(|name| user(name)).collect();
    json!({"opinion": "已整改到位", "recheckers": people, "on_site": true})
}

fn done() -> Value {
    json!({"measures_taken": "已拆除铁链", "evidence_ids": []})
}

both_engines! {
    async fn each_step_is_told_to_those_it_concerns_and_not_to_who_takes_it(app) {
        let id = report(app, "inspector1", json!({})).await;
        assert_eq!(counts(app).await, [], "a general finding waits for nobody in particular");
        act(app, "office", &id, json!({"level": "general"}), "issue").await;
        assert_eq!(counts(app).await, [("principal1", 1), ("officer1", 1)]);
        let first = &inbox(app, "principal1").await[0];
        assert_eq!((&first["kind"], &first["hazard_id"], &first["entity"]), (&json!("hazard_issued"), &json!(id), &json!("hazard")));
        assert_eq!(first["title"], "Hazard 640104-2026-000001 is issued to you, please acknowledge, due 2026-03-09");
        assert_eq!((&first["due_at"], &first["read_at"]), (&json!("2026-03-09T15:59:59.999999Z"), &json!(null)));
        let chinese = app.request("principal1", Method::GET, "/notices").header("accept-language", "zh-CN");
        let chinese = app.send(chinese).await.expect(200).rows();
        // The first header of the two counts; the default is Chinese.
        assert!(chinese[0]["title"].as_str().unwrap().contains("640104-2026-000001"));
        act(app, "officer1", &id, json!({"responsible_user_id": user("staff1")}), "assign").await;
        assert_eq!(told(app, "staff1").await, ["hazard_assigned"]);
        act(app, "principal1", &id, json!({}), "acknowledge").await;
        act(app, "staff1", &id, done(), "report_done").await;
        for who in ["office", "section.fire", "supervisor"] {
            assert_eq!(told(app, who).await, ["hazard_reported_done"], "{who}");
        }
        act(app, "inspector2", &id, json!({"reason": "仍可反锁", "due_at": "2026-03-20T12:00:00+08:00"}), "return").await;
        for who in ["staff1", "officer1", "principal1"] {
            assert_eq!(told(app, who).await.last().unwrap(), "hazard_returned", "{who}");
        }
        act(app, "officer1", &id, done(), "report_done").await;
        act(app, "inspector2", &id, passed(&["inspector2", "inspector1"]), "pass").await;
        assert_eq!(told(app, "inspector1").await, ["recheck_named"]);
        assert_eq!(told(app, "inspector2").await, Vec::<String>::new());
        assert_eq!(told(app, "staff1").await, ["hazard_assigned", "hazard_returned", "hazard_closed"]);
        act(app, "supervisor", &id, json!({"reason": "复锁", "due_at": "2026-04-01T00:00:00Z"}), "reopen").await;
        assert_eq!(told(app, "officer1").await, ["hazard_issued", "hazard_returned", "hazard_closed", "hazard_reopened"]);
        act(app, "office", &id, json!({"due_at": "2026-04-05T00:00:00Z", "reason": "雨季"}), "reassign_due").await;
        act(app, "office", &id, json!({"reason": "误报"}), "void").await;
        assert_eq!(told(app, "principal1").await.split_off(4), ["hazard_due_reassigned", "hazard_voided"]);

        let second = issued(app).await;
        act(app, "officer1", &second, json!({"reason": "非本校"}), "reject_assignment").await;
        assert_eq!(told(app, "office").await.last().unwrap(), "hazard_rejected");
        assert_eq!(told(app, "leader").await, Vec::<String>::new());
        assert!(counts(app).await.iter().all(|(who, _)| !who.contains('2') && !who.starts_with("b.")));
    }

    async fn the_bureau_hears_of_a_major_at_once_and_the_leaders_of_what_waits_for_them(app) {
        let id = report(app, "inspector1", json!({"level": "major", "source": "special"})).await;
        assert_eq!(counts(app).await, [("leader", 1), ("office", 1), ("section.fire", 1)]);
        app.post("inspector1", "/hazards", finding("food", json!({"level": "major"}))).await.expect(201);
        assert_eq!(counts(app).await, [("leader", 2), ("office", 2), ("section.fire", 1)], "food is not of the section of fire");
        act(app, "office", &id, json!({"level": "major", "basis": "判定指南第三条（一）8"}), "issue").await;
        act(app, "officer1", &id, json!({}), "acknowledge").await;
        let plan = json!({"measures": "更换推杠锁", "responsible_user_id": user("staff1"), "leader_user_id": user("principal1"),
            "budget_fen": 120000, "due_at": "2026-04-10T10:00:00Z", "contingency": "专人值守"});
        act(app, "officer1", &id, plan, "file_plan").await;
        act(app, "staff1", &id, done(), "report_done").await;
        act(app, "inspector1", &id, passed(&["inspector1", "office"]), "pass").await;
        assert_eq!(told(app, "leader").await, ["hazard_escalated", "hazard_escalated", "hazard_awaiting_approval"]);
        assert_eq!(told(app, "office").await.last().unwrap(), "recheck_named");
        act(app, "leader", &id, json!({"opinion": "同意销号"}), "approve").await;
        assert_eq!(told(app, "principal1").await.last().unwrap(), "hazard_closed");
    }

    async fn what_happened_to_an_account_is_read_after_the_next_sign_in(app) {
        let reset = app.post("sysadmin", &format!("/users/{}/reset-password", user("officer1")), json!({})).await.expect(200);
        let sign_in = async |password: &str| {
            app.post("", "/auth/login", json!({"username": "officer1", "password": password})).await.expect(200).body["access_token"].as_str().unwrap().to_owned()
        };
        let one_time = reset.body["one_time_password"].as_str().unwrap();
        let token = sign_in(one_time).await;
        let path = |path: &str| format!("{}/api/v1{path}", app.base);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let body = json!({"current_password": one_time, "new_password": format!("{PASSWORD}-2")});
        app.send(client.post(path("/auth/password")).bearer_auth(token).json(&body)).await.expect(204);
        let token = sign_in(&format!("{PASSWORD}-2")).await;
        let mine = app.send(client.get(path("/notices")).bearer_auth(token).header("accept-language", "zh")).await.expect(200).rows();
        assert_eq!((mine.len(), &mine[0]["title"]), (1, &json!("您的密码已被管理员重置")));
        assert_eq!(told(app, "sysadmin").await, Vec::<String>::new());
    }

    async fn a_deadline_is_told_once_for_each_colour_and_again_after_it_moved(app) {
        let id = issued(app).await;
        let at = |text: &str| app.clock.set(chrono::DateTime::parse_from_rfc3339(text).unwrap().to_utc());
        assert_eq!(warn(app).await, 0);
        at("2026-03-06T12:00:00+08:00");
        assert_eq!((warn(app).await, warn(app).await), (1, 0));
        at("2026-03-08T23:00:00+08:00");
        assert_eq!(warn(app).await, 0, "still blue");
        assert_eq!(told(app, "officer1").await, ["hazard_issued", "blue"], "nobody is named, so the school's officer");
        at("2026-03-09T00:30:00+08:00");
        assert_eq!((warn(app).await, warn(app).await), (1, 0));
        assert_eq!(told(app, "principal1").await, ["hazard_issued", "yellow"]);
        at("2026-03-10T00:30:00+08:00");
        assert_eq!((warn(app).await, warn(app).await), (1, 0));
        for who in ["office", "section.fire", "supervisor"] {
            assert_eq!(told(app, who).await, ["orange"], "{who}");
        }
        at("2026-03-17T12:00:00+08:00");
        assert_eq!((warn(app).await, warn(app).await), (1, 0));
        assert_eq!(told(app, "leader").await, ["red"]);
        act(app, "office", &id, json!({"due_at": "2026-03-25T10:00:00+08:00", "reason": "已批准延期"}), "reassign_due").await;
        act(app, "officer1", &id, json!({"responsible_user_id": user("staff1")}), "assign").await;
        assert_eq!(warn(app).await, 0);
        at("2026-03-23T12:00:00+08:00");
        assert_eq!((warn(app).await, warn(app).await), (1, 0), "the deadline moved: blue again");
        assert_eq!(told(app, "staff1").await, ["hazard_assigned", "blue"]);
        act(app, "officer1", &id, json!({}), "acknowledge").await;
        act(app, "staff1", &id, done(), "report_done").await;
        at("2026-03-26T12:00:00+08:00");
        assert_eq!(warn(app).await, 0, "the clock stands");
        at("2026-04-02T12:00:00+08:00");
        assert_eq!((warn(app).await, warn(app).await), (1, 0), "the bureau's own clock does not");
        assert_eq!(told(app, "office").await.last().unwrap(), "recheck_overdue");
    }

    async fn plans_and_replies_that_are_late_are_told(app) {
        let id = report(app, "inspector1", json!({"level": "major", "source": "special"})).await;
        act(app, "office", &id, json!({"level": "major", "basis": "判定指南第三条"}), "issue").await;
        let (now, due) = (Timestamp::from(start_time()), Timestamp::from(start_time() + TimeDelta::days(3)));
        let referral = format!(
            "INSERT INTO hazard_referrals (id, version, created_at, updated_at, created_by, bureau_id, org_id, hazard_id, authority, \
             authority_name, matter, referred_at, reply_due_at) SELECT id, 1, created_at, created_at, reported_by, bureau_id, org_id, id, \
             'fire', '消防', '通道', created_at, {} FROM hazards",
            if app.connect().is_sqlite() { due.micros().to_string() } else { format!("'{}'", due.utc().to_rfc3339()) }
        );
        app.connect().batch_execute(&referral).unwrap();
        assert!(now < due);
        assert_eq!(warn(app).await, 0);
        app.clock.advance(TimeDelta::days(4));
        assert_eq!((warn(app).await, warn(app).await), (1, 0));
        app.clock.advance(TimeDelta::days(4));
        assert_eq!((warn(app).await, warn(app).await), (1, 0));
        assert_eq!(told(app, "office").await, ["hazard_escalated", "referral_overdue", "plan_overdue"]);
        assert_eq!(told(app, "principal1").await, ["hazard_issued", "plan_overdue"]);
        assert_eq!(told(app, "leader").await, ["hazard_escalated"]);
    }

    async fn a_quarter_of_a_major_without_a_word_of_progress_is_told(app) {
        let id = report(app, "inspector1", json!({"level": "major", "source": "special"})).await;
        act(app, "office", &id, json!({"level": "major", "basis": "判定指南第三条"}), "issue").await;
        act(app, "officer1", &id, json!({}), "acknowledge").await;
        let plan = json!({"measures": "更换推杠锁", "responsible_user_id": user("staff1"), "leader_user_id": user("principal1"),
            "budget_fen": 120000, "due_at": "2026-09-10T10:00:00Z", "contingency": "专人值守"});
        act(app, "officer1", &id, plan, "file_plan").await;
        app.clock.advance(TimeDelta::days(28));
        assert_eq!(warn(app).await, 0);
        app.clock.advance(TimeDelta::days(3));
        assert_eq!((warn(app).await, warn(app).await), (1, 0));
        for who in ["officer1", "office"] {
            assert_eq!(told(app, who).await.last().unwrap(), "progress_overdue", "{who}");
        }
        app.post("officer1", &format!("/hazards/{id}/progress-reports"), json!({"progress": "进场", "percent": 10})).await.expect(201);
        app.clock.advance(TimeDelta::days(60));
        assert_eq!(warn(app).await, 0, "the next report is due at the end of June");
    }

    async fn what_was_read_is_marked_once_and_only_by_its_reader(app) {
        for _ in 0..3 {
            issued(app).await;
            app.clock.advance(TimeDelta::minutes(1));
        }
        assert_eq!((unread(app, "principal1").await, unread(app, "officer1").await), (3, 3));
        let rows = inbox(app, "principal1").await;
        let id = |n: usize| rows[n]["id"].as_str().unwrap().to_owned();
        let read = app.post("principal1", &format!("/notices/{}/read", id(0)), json!({})).await;
        assert_eq!(read.status, 200, "{}", read.text);
        assert_eq!((&read.body["version"], read.body["read_at"].is_string()), (&json!(2), true));
        app.clock.advance(TimeDelta::minutes(1));
        let again = app.post("principal1", &format!("/notices/{}/read", id(0)), json!({})).await.expect(200);
        assert_eq!(again.body, read.body, "the first time counts");
        assert_eq!((unread(app, "principal1").await, unread(app, "officer1").await), (2, 3));
        for filter in ["unread=true&count=true", "unread=true&kind=hazard_issued&limit=1&count=true"] {
            let page = app.get("principal1", &format!("/notices?{filter}")).await.expect(200);
            assert_eq!(page.body["page"]["count"], 2, "{}", page.text);
        }
        let page = app.get("principal1", "/notices?limit=2").await.expect(200);
        let cursor = page.body["page"]["next_cursor"].as_str().unwrap();
        let rest = app.get("principal1", &format!("/notices?limit=2&cursor={cursor}")).await.expect(200);
        assert_eq!((rest.rows().len(), rest.rows()[0]["id"].as_str().unwrap().to_owned()), (1, id(2)));
        app.get("principal1", "/notices?kind=gossip").await.expect(400);
        app.get("officer1", &format!("/notices?limit=2&cursor={cursor}")).await.expect(400);

        app.post("principal2", &format!("/notices/{}/read", id(1)), json!({})).await.expect(404);
        app.post("principal1", "/notices/read", json!({"ids": [id(1), built_in("nothing")]})).await.expect(404);
        for bad in [json!({}), json!({"ids": []}), json!({"ids": [id(1)], "until": "2026-03-09T00:00:00Z"})] {
            app.post("principal1", "/notices/read", bad).await.expect(422);
        }
        let marks = app.post("principal1", "/notices/read", json!({"ids": [id(0), id(1)]})).await.expect(200);
        assert_eq!(marks.body, json!({"marked": 1, "unread": 1}));
        let until = rows[2]["created_at"].clone();
        let marks = app.post("principal1", "/notices/read", json!({"until": until})).await.expect(200);
        assert_eq!(marks.body, json!({"marked": 1, "unread": 0}));
        let marks = app.post("officer1", "/notices/read", json!({"until": until})).await.expect(200);
        assert_eq!(marks.body, json!({"marked": 1, "unread": 2}), "what came later stays unread");
    }

    async fn what_has_left_somebodys_sight_leaves_the_inbox(app) {
        report(app, "inspector1", json!({"level": "major"})).await;
        assert_eq!((inbox(app, "section.fire").await.len(), unread(app, "section.fire").await), (1, 1));
        let id = inbox(app, "section.fire").await[0]["id"].as_str().unwrap().to_owned();
        let person = user("section.fire");
        let body = json!({"org_id": org("a"), "role": "inspector"});
        app.post("sysadmin", &format!("/users/{person}/memberships"), body).await.expect(201);
        let old = built_in("test membership section.fire");
        app.delete("sysadmin", &format!("/users/{person}/memberships/{old}")).await;
        assert_eq!((inbox(app, "section.fire").await.len(), unread(app, "section.fire").await), (0, 0));
        assert_eq!(app.get("section.fire", "/notices?count=true").await.expect(200).body["page"]["count"], 0);
        app.post("section.fire", &format!("/notices/{id}/read"), json!({})).await.expect(404);
        app.post("section.fire", "/notices/read", json!({"ids": [id]})).await.expect(404);
        assert_eq!(inbox(app, "office").await.len(), 1);
    }

    async fn what_is_out_of_sight_is_not_marked_as_read(app) {
        report(app, "inspector1", json!({"level": "major"})).await;
        let person = user("section.fire");
        let old = built_in("test membership section.fire");
        let other = json!({"org_id": org("a"), "role": "inspector"});
        app.post("sysadmin", &format!("/users/{person}/memberships"), other).await.expect(201);
        app.delete("sysadmin", &format!("/users/{person}/memberships/{old}")).await;
        let marks = app.post("section.fire", "/notices/read", json!({"until": "2030-01-01T00:00:00Z"})).await.expect(200);
        assert_eq!(marks.body, json!({"marked": 0, "unread": 0}));
        let again = json!({"org_id": org("a"), "role": "section_officer", "domains": ["fire"]});
        app.post("sysadmin", &format!("/users/{person}/memberships"), again).await.expect(201);
        assert_eq!((inbox(app, "section.fire").await.len(), unread(app, "section.fire").await), (1, 1));
    }

    async fn who_has_left_the_school_is_not_warned_in_place_of_it(app) {
        let id = issued(app).await;
        act(app, "officer1", &id, json!({"responsible_user_id": user("staff1")}), "assign").await;
        let person = user("staff1");
        let elsewhere = json!({"org_id": org("a.s2"), "role": "school_staff"});
        app.post("sysadmin", &format!("/users/{person}/memberships"), elsewhere).await.expect(201);
        app.delete("sysadmin", &format!("/users/{person}/memberships/{}", built_in("test membership staff1"))).await;
        app.clock.set("2026-03-07T12:00:00+08:00".parse::<chrono::DateTime<chrono::Utc>>().unwrap());
        assert_eq!(warn(app).await, 1);
        assert_eq!(told(app, "officer1").await, ["hazard_issued", "blue"]);
        assert_eq!(told(app, "staff1").await, Vec::<String>::new());
    }

    async fn without_any_timer_overdue_colour_and_lists_are_right(app) {
        let id = issued(app).await;
        for (day, colour, overdue) in [(0, "none", false), (4, "blue", false), (7, "yellow", false), (8, "orange", true), (15, "red", true)] {
            app.clock.set(start_time() + TimeDelta::days(day));
            let one = app.get("office", &format!("/hazards/{id}")).await.expect(200);
            assert_eq!((&one.body["warning"], &one.body["overdue"]), (&json!(colour), &json!(overdue)), "day {day}");
            let list = app.get("office", "/hazards?overdue=true").await.expect(200).rows();
            assert_eq!(list.len(), usize::from(overdue), "day {day}");
            let row = &app.get("principal1", "/hazards").await.expect(200).rows()[0];
            assert_eq!((&row["warning"], &row["overdue"]), (&json!(colour), &json!(overdue)), "day {day}");
        }
        assert_eq!(told(app, "officer1").await, ["hazard_issued"]);
    }

    async fn a_visit_is_told_step_by_step_to_those_it_concerns(app) {
        let team = ["inspector1", "inspector2"].map(user);
        let body = json!({"kind": "routine", "org_id": org("a.s1"), "checklist_ids": [anxiao::catalogue::builtin::checklist_id("fang", 1)], "team": team});
        let id = app.post("office", "/inspections", body.clone()).await.expect(201).id();
        assert_eq!(counts(app).await, [("inspector1", 1), ("inspector2", 1)]);
        app.clock.advance(TimeDelta::seconds(1));
        crate::documents::visited(app, "inspector2", &id, &[]).await;
        for who in ["principal1", "officer1"] {
            let mut told = told(app, who).await;
            told.sort();
            assert_eq!(told, ["inspection_started", "signature_due"], "{who}");
        }
        for who in ["office", "section.fire"] {
            assert_eq!(told(app, who).await, ["inspection_submitted"], "{who}");
        }
        app.clock.advance(TimeDelta::seconds(1));
        let at = format!("/inspections/{id}");
        app.post("principal1", &format!("{at}/acknowledgement"), json!({"outcome": "objected", "statement": "当日已整改"})).await.expect(201);
        assert_eq!(told(app, "inspector1").await, ["inspection_assigned", "inspection_objected"]);
        assert_eq!(told(app, "office").await, ["inspection_submitted", "inspection_objected"]);
        assert_eq!(told(app, "inspector2").await, ["inspection_assigned"]);
        app.clock.advance(TimeDelta::seconds(1));
        let answer = json!({"decision": "dismissed", "reason": "经复核，记录无误"});
        app.post("office", &format!("{at}/objection-reply"), answer).await.expect(200);
        for who in ["principal1", "officer1", "inspector1"] {
            assert_eq!(told(app, who).await.last().unwrap(), "objection_answered", "{who}");
        }
        app.clock.advance(TimeDelta::seconds(1));
        app.post("leader", &format!("{at}/confirm"), json!({})).await.expect(200);
        assert_eq!(told(app, "officer1").await.last().unwrap(), "inspection_confirmed");
        assert_eq!(told(app, "inspector1").await.last().unwrap(), "inspection_confirmed");
        // A refusal is recorded by the lead; the office and the school hear of it.
        let second = app.post("office", "/inspections", body).await.expect(201).id();
        crate::documents::visited(app, "inspector1", &second, &[]).await;
        app.clock.advance(TimeDelta::seconds(1));
        let refusal = json!({"outcome": "refused", "reason": "校长不在场", "witness": "王某"});
        app.post("inspector1", &format!("/inspections/{second}/acknowledgement"), refusal).await.expect(201);
        for who in ["office", "principal1"] {
            assert_eq!(told(app, who).await.last().unwrap(), "signature_refused", "{who}");
        }
        app.clock.advance(TimeDelta::seconds(1));
        app.post("office", &format!("/inspections/{second}/void"), json!({"reason": "重复"})).await.expect(200);
        for who in ["inspector1", "inspector2", "principal1"] {
            assert_eq!(told(app, who).await.last().unwrap(), "inspection_voided", "{who}");
        }
        assert!(counts(app).await.iter().all(|(who, _)| !["staff1", "principal2", "officer2", "external1", "supervisor", "leader"].contains(who)));
        let page = app.get("principal1", "/notices?limit=200").await.expect(200).text;
        assert!(!page.contains("当日已整改") && !page.contains("王某"), "no words of people");
    }

    async fn of_a_hidden_visit_the_school_hears_at_the_check_in_and_not_before(app) {
        let team = ["inspector1", "inspector2"].map(user);
        let body = json!({"kind": "unannounced", "announced": false, "org_id": org("a.s1"), "team": team,
            "checklist_ids": [anxiao::catalogue::builtin::checklist_id("fang", 1)]});
        let id = app.post("office", "/inspections", body.clone()).await.expect(201).id();
        let gone = app.post("office", "/inspections", body).await.expect(201).id();
        app.post("office", &format!("/inspections/{gone}/void"), json!({"reason": "改期"})).await.expect(200);
        for who in ["principal1", "officer1", "staff1"] {
            assert_eq!((inbox(app, who).await.len(), unread(app, who).await), (0, 0), "{who}");
        }
        app.clock.advance(TimeDelta::seconds(1));
        assert_eq!(told(app, "inspector1").await.len(), 3, "two assignments, one called off");
        app.post("inspector1", &format!("/inspections/{id}/check-in"), json!({})).await.expect(200);
        for who in ["principal1", "officer1"] {
            assert_eq!(told(app, who).await, ["inspection_started"], "{who}");
        }
        assert_eq!(told(app, "staff1").await, Vec::<String>::new());
        // A notice that should never have been is not even counted: who comes to the school loses sight of its secrets.
        let third = json!({"kind": "unannounced", "announced": false, "org_id": org("a.s2"), "team": team,
            "checklist_ids": [anxiao::catalogue::builtin::checklist_id("fang", 1)]});
        app.post("office", "/inspections", third).await.expect(201);
        let before = unread(app, "inspector2").await;
        let to_school = json!({"org_id": org("a.s2"), "role": "school_staff"});
        app.post("sysadmin", &format!("/users/{}/memberships", user("inspector2")), to_school).await.expect(201);
        assert_eq!(unread(app, "inspector2").await, before - 1);
    }

    async fn a_schools_own_checks_are_told_to_nobody_of_the_bureau(app) {
        let body = json!({"kind": "self_check", "org_id": org("a.s1"), "checklist_ids": [anxiao::catalogue::builtin::checklist_id("fang", 1)], "team": [user("officer1")]});
        let id = app.post("principal1", "/inspections", body).await.expect(201).id();
        crate::documents::visited(app, "officer1", &id, &[]).await;
        assert_eq!(counts(app).await, [("officer1", 1)]);
    }

    async fn an_exception_of_a_recusal_is_told_to_whoever_may_approve_it(app) {
        let tie = json!({"inspector_id": user("inspector1"), "org_id": org("a.s1"), "relation": "family"});
        let id = app.post("office", "/recusals", tie).await.expect(201).id();
        let asked = app.post("office", &format!("/recusals/{id}/override"), json!({"reason": "无人可派"})).await.expect(201);
        assert_eq!(counts(app).await, [("leader", 1)], "neither who asked nor whom it is about");
        let release = asked.body["overrides"][0]["id"].as_str().unwrap();
        app.post("leader", &format!("/recusals/{id}/override/{release}/approve"), json!({})).await.expect(200);
        assert_eq!(told(app, "office").await, ["override_approved"]);
        assert!(!app.get("leader", "/notices").await.text.contains("无人可派"));
    }

    async fn what_was_read_long_ago_is_deleted_and_what_runs_is_not_told_again(app) {
        use anxiao::notices::retention::Retention;
        use anxiao::platform::db::schema::{notice_recipients, notices};
        use diesel::prelude::*;
        let id = issued(app).await;
        app.clock.set("2026-03-20T12:00:00+08:00".parse::<chrono::DateTime<chrono::Utc>>().unwrap());
        assert_eq!(warn(app).await, 1, "red");
        for who in ["principal1", "leader"] {
            app.post(who, "/notices/read", json!({"until": "2026-03-21T00:00:00Z"})).await.expect(200);
        }
        let sweep = async |days: Option<u32>| {
            let work = timer(app, None, false);
            Retention { db: work.db, clock: app.clock.clone(), days }.run(&|| true).await.unwrap()
        };
        let rows = || {
            let mut conn = app.connect();
            (notices::table.count().get_result::<i64>(&mut conn).unwrap(), notice_recipients::table.count().get_result::<i64>(&mut conn).unwrap())
        };
        assert_eq!(rows(), (2, 3));
        app.clock.advance(TimeDelta::days(29));
        assert_eq!((sweep(Some(30)).await, sweep(None).await, rows()), (0, 0, (2, 3)));
        app.clock.advance(TimeDelta::days(2));
        assert_eq!((sweep(Some(30)).await, sweep(Some(30)).await), (2, 0));
        assert_eq!(rows(), (2, 1), "the officer has not read it; that the red one was told is still known");
        assert_eq!((inbox(app, "principal1").await.len(), inbox(app, "officer1").await.len(), inbox(app, "leader").await.len()), (0, 1, 0));
        assert_eq!(warn(app).await, 0, "not told again");
        act(app, "office", &id, json!({"reason": "误报"}), "void").await;
        for who in ["principal1", "officer1"] {
            app.post(who, "/notices/read", json!({"until": "2027-01-01T00:00:00Z"})).await.expect(200);
        }
        app.clock.advance(TimeDelta::days(31));
        assert_eq!(sweep(Some(30)).await, 3);
        assert_eq!(rows(), (1, 0), "the clock of a void hazard runs no more; only what was read by nobody since is kept");
    }
}
