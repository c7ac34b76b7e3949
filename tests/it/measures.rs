//! What accompanies a hazard: more time, supervised listing, stop of use, referral; each refusal with its own code.

use anxiao::platform::db::schema::{hazards, notice_recipients, notices};
use anxiao::platform::db::types::Id;
use chrono::TimeDelta;
use diesel::prelude::*;
use futures_util::future::join_all;
use serde_json::{Map, Value, json};

use crate::support::district::{org, user};
use crate::support::{Answer, TestApp};

const ABSENT: &str = "0195e1a4-0000-7000-8000-000000000000";

fn with(mut base: Value, more: Value) -> Value {
    base.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    base
}

fn finding(source: &str) -> Value {
    json!({
        "org_id": org("a.s1"), "category": "fang", "domain": "fire", "title": "三楼东侧安全出口上锁",
        "description": "午休时段铁链锁闭，无法从内部打开。", "source": source
    })
}

async fn act(app: &TestApp, who: &str, id: &str, action: &str, more: Value) -> Answer {
    app.post(who, &format!("/hazards/{id}/transitions"), with(json!({ "action": action }), more)).await
}

async fn measure(app: &TestApp, who: &str, id: &str, rest: &str, body: Value) -> Answer {
    app.post(who, &format!("/hazards/{id}/{rest}"), body).await
}

/// The rules that stood in the way of something refused.
#[track_caller]
fn refused(answer: Answer) -> Vec<String> {
    let answer = answer.expect(409);
    assert_eq!(answer.code(), "transition_not_allowed", "{}", answer.text);
    assert!(answer.body["current"]["number"].is_string(), "{}", answer.text);
    answer.faults().into_iter().map(|(_, code)| code).collect()
}

/// A general hazard that the bureau found and issued, due on 9 March.
async fn issued(app: &TestApp) -> String {
    let id = app.post("inspector1", "/hazards", finding("routine")).await.expect(201).id();
    act(app, "office", &id, "issue", json!({"level": "general"})).await.expect(200);
    id
}

/// A major, acknowledged; with a plan for this deadline where one is given.
async fn major(app: &TestApp, due_at: Option<&str>) -> String {
    let id =
        app.post("inspector1", "/hazards", with(finding("special"), json!({"level": "major"}))).await.expect(201).id();
    act(app, "office", &id, "issue", json!({"level": "major", "basis": "判定指南第三条（一）8"})).await.expect(200);
    act(app, "officer1", &id, "acknowledge", json!({})).await.expect(200);
    if let Some(due_at) = due_at {
        let plan = json!({"measures": "更换推杠锁", "responsible_user_id": user("staff1"), "leader_user_id": user("principal1"),
            "budget_fen": 120000, "due_at": due_at, "contingency": "专人值守"});
        act(app, "officer1", &id, "file_plan", plan).await.expect(200);
    }
    id
}

fn ask(due_at: &str) -> Value {
    json!({"reason": "定制防火门尚未到货", "interim_controls": "该区域封闭，专人值守", "due_at": due_at})
}

fn decision(approve: bool) -> Value {
    json!({"approve": approve, "opinion": "情况属实"})
}

fn listing() -> Value {
    json!({"authority": "county", "demand": "限期整改，每季度报告进展"})
}

fn opinion() -> Value {
    json!({"opinion": "验收合格"})
}

fn referral() -> Value {
    json!({"authority": "fire", "authority_name": "甲区消防救援大队", "matter": "请依法处理占用消防通道"})
}

async fn hazard(app: &TestApp, id: &str) -> Value {
    app.get("office", &format!("/hazards/{id}")).await.expect(200).body
}

/// Closes a major with everybody it takes.
async fn close(app: &TestApp, id: &str) {
    act(app, "staff1", id, "report_done", json!({"measures_taken": "已更换", "evidence_ids": []})).await.expect(200);
    let passed = json!({"opinion": "已整改", "recheckers": [user("inspector1"), user("inspector2")], "on_site": true});
    act(app, "inspector1", id, "pass", passed).await.expect(200);
    act(app, "leader", id, "approve", json!({"opinion": "同意销号"})).await.expect(200);
}

/// What people were told of a hazard: kind and who, sorted.
fn told(app: &TestApp, id: &str) -> Vec<(String, Id)> {
    let mut conn = app.connect();
    let mut rows: Vec<(anxiao::notices::Kind, Id)> = notices::table
        .inner_join(notice_recipients::table.on(notice_recipients::notice_id.eq(notices::id)))
        .filter(notices::entity_id.eq(id.parse::<Id>().unwrap()))
        .select((notices::kind, notice_recipients::user_id))
        .load(&mut conn)
        .unwrap();
    rows.sort();
    rows.into_iter().map(|(kind, who)| (kind.as_str().to_owned(), who)).collect()
}

both_engines! {
    async fn a_school_gets_more_time_when_somebody_else_agrees(app) {
        let id = issued(app).await;
        let rest = "extensions";
        for (who, status) in [("", 401), ("staff1", 403), ("office", 403), ("leader", 403), ("officer2", 404), ("b.officer", 404)] {
            measure(app, who, &id, rest, ask("2026-03-20T12:00:00+08:00")).await.expect(status);
        }
        measure(app, "officer1", ABSENT, rest, ask("2026-03-20T12:00:00+08:00")).await.expect(404);
        measure(app, "officer1", &id, rest, with(ask("2026-03-20T12:00:00+08:00"), json!({"approve": true}))).await.expect(400);
        let bad = measure(app, "officer1", &id, rest, json!({"reason": " ", "interim_controls": "", "due_at": "2026-03-09T12:00:00+08:00"})).await.expect(422);
        assert_eq!(bad.faults(), [("/due_at", "not_later"), ("/interim_controls", "required"), ("/reason", "required")].map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert_eq!(measure(app, "officer1", &id, rest, json!({"reason": "x", "due_at": "2026-03-20T12:00:00+08:00"})).await.expect(422).faults()[0].0, "/interim_controls");

        let own = "0195e1a4-0000-7000-8000-00000000e001";
        let body = with(ask("2026-03-20T12:00:00+08:00"), json!({"id": own}));
        let asked = measure(app, "officer1", &id, rest, body.clone()).await.expect(201);
        assert_eq!(asked.header("location"), format!("/api/v1/hazards/{id}/extensions"));
        assert_eq!((&asked.body["status"], &asked.body["serial"], &asked.body["due_before"]), (&json!("pending"), &json!(1), &json!("2026-03-09T15:59:59.999999Z")));
        assert_eq!((&asked.body["decide_by"], &asked.body["decision_overdue"]), (&json!("2026-03-05T15:59:59.999999Z"), &json!(false)));
        assert_eq!(asked.body["hazard_due_at"], "2026-03-09T15:59:59.999999Z", "asking is not getting");
        assert_eq!(measure(app, "officer1", &id, rest, body.clone()).await.expect(200).body, asked.body);
        assert_eq!(measure(app, "officer1", &id, rest, with(body.clone(), json!({"reason": "另"}))).await.expect(409).code(), "id_reused");
        assert_eq!(measure(app, "principal1", &id, rest, body.clone()).await.expect(409).code(), "id_reused");
        assert_eq!(refused(measure(app, "principal1", &id, rest, ask("2026-03-25T12:00:00+08:00")).await), ["extension_pending"]);

        let decide = format!("extensions/{own}/decision");
        measure(app, "officer1", &id, &decide, decision(true)).await.expect(403);
        assert_eq!(refused(measure(app, "principal1", &id, &decide, decision(true)).await), ["needs_bureau"]);
        assert_eq!(refused(measure(app, "supervisor", &id, &decide, decision(true)).await), ["not_the_issuer"]);
        measure(app, "principal2", &id, &decide, decision(true)).await.expect(404);
        measure(app, "b.leader", &id, &decide, decision(true)).await.expect(404);
        measure(app, "office", &id, &format!("extensions/{ABSENT}/decision"), decision(true)).await.expect(404);
        let other = issued(app).await;
        measure(app, "office", &other, &decide, decision(true)).await.expect(404);
        measure(app, "office", &id, &decide, json!({"approve": true, "opinion": ""})).await.expect(422);

        app.clock.advance(TimeDelta::days(8));
        let late = app.get("principal1", &format!("/hazards/{id}/extensions")).await.expect(200).rows();
        assert_eq!((&late[0]["decision_overdue"], &late[0]["status"]), (&json!(true), &json!("pending")));
        assert_eq!(hazard(app, &id).await["overdue"], json!(true), "no answer is not approval");
        let granted = measure(app, "office", &id, &decide, decision(true)).await.expect(200);
        assert_eq!((&granted.body["status"], &granted.body["hazard_due_at"]), (&json!("granted"), &json!("2026-03-20T04:00:00.000000Z")));
        assert_eq!(granted.body["decided_by"], json!(user("office")));
        assert_eq!(refused(measure(app, "office", &id, &decide, decision(false)).await), ["already_decided"]);
        let now = hazard(app, &id).await;
        assert_eq!((&now["due_at"], &now["due_on"], &now["overdue"]), (&json!("2026-03-20T04:00:00.000000Z"), &json!("2026-03-20"), &json!(false)));
        assert_eq!(now["original_due_at"], "2026-03-09T15:59:59.999999Z");

        // A refused one does not count; a second granted one is the last.
        for (due_at, approve) in [("2026-03-28T12:00:00+08:00", false), ("2026-03-30T12:00:00+08:00", true)] {
            app.clock.advance(TimeDelta::seconds(1));
            let asked = measure(app, "principal1", &id, rest, ask(due_at)).await.expect(201).id();
            measure(app, "section.fire", &id, &format!("extensions/{asked}/decision"), decision(approve)).await.expect(200);
        }
        assert_eq!(refused(measure(app, "officer1", &id, rest, ask("2026-04-20T12:00:00+08:00")).await), ["extension_limit"]);
        let all = app.get("officer1", &format!("/hazards/{id}/extensions?sort=created_at&count=true")).await.expect(200);
        let seen: Vec<_> = all.rows().iter().map(|row| row["status"].as_str().unwrap().to_owned()).collect();
        assert_eq!((seen.as_slice(), &all.body["page"]["count"]), (["granted".to_owned(), "refused".to_owned(), "granted".to_owned()].as_slice(), &json!(3)));
        assert_eq!(told(app, &id).iter().filter(|(kind, who)| kind == "extension_requested" && *who == user("office")).count(), 3);
        assert_eq!(told(app, &id).iter().filter(|(kind, who)| kind == "extension_decided" && *who == user("officer1")).count(), 3);

        let mut replayed = Map::new();
        let mut actions = Vec::new();
        for entry in app.get("office", &format!("/hazards/{id}/history")).await.expect(200).rows() {
            replayed.extend(entry["payload"]["set"].as_object().unwrap().clone());
            actions.push(entry["action"].as_str().unwrap().to_owned());
        }
        assert_eq!(actions[2..], ["extension_asked", "extension_granted", "extension_asked", "extension_refused", "extension_asked", "extension_granted"]);
        assert_eq!(replayed["due_at"], hazard(app, &id).await["due_at"]);
        assert_eq!((&replayed["marks"]["extensions"], &replayed["marks"]["extension_pending"]), (&json!(2), &json!(false)));
    }

    async fn after_the_deadline_or_the_report_nobody_asks_for_more_time(app) {
        let id = issued(app).await;
        app.clock.advance(TimeDelta::days(8));
        assert_eq!(refused(measure(app, "officer1", &id, "extensions", ask("2026-03-20T12:00:00+08:00")).await), ["extension_too_late"]);
        act(app, "officer1", &id, "acknowledge", json!({})).await.expect(200);
        act(app, "officer1", &id, "report_done", json!({"measures_taken": "已更换", "evidence_ids": []})).await.expect(200);
        assert_eq!(refused(measure(app, "officer1", &id, "extensions", ask("2026-03-20T12:00:00+08:00")).await), ["wrong_state"]);
        let waiting = app.post("inspector1", "/hazards", finding("routine")).await.expect(201).id();
        assert_eq!(refused(measure(app, "officer1", &waiting, "extensions", ask("2026-03-20T12:00:00+08:00")).await), ["wrong_state"]);
    }

    async fn nobody_decides_their_own_request_whatever_else_they_are(app) {
        let both = json!({"org_id": org("a"), "role": "bureau_leader"});
        app.post("sysadmin", &format!("/users/{}/memberships", user("officer1")), both).await.expect(201);
        let id = issued(app).await;
        let asked = measure(app, "officer1", &id, "extensions", ask("2026-03-20T12:00:00+08:00")).await.expect(201).id();
        assert_eq!(refused(measure(app, "officer1", &id, &format!("extensions/{asked}/decision"), decision(true)).await), ["same_person"]);
        assert_eq!(hazard(app, &id).await["due_on"], "2026-03-09");

        // The school's own: its principal decides, but not what the principal asked.
        let own = app.post("principal1", "/hazards", finding("self_check")).await.expect(201).id();
        act(app, "principal1", &own, "issue", json!({"level": "general"})).await.expect(200);
        let asked = measure(app, "principal1", &own, "extensions", ask("2026-03-20T12:00:00+08:00")).await.expect(201).id();
        let decide = format!("extensions/{asked}/decision");
        assert_eq!(refused(measure(app, "principal1", &own, &decide, decision(true)).await), ["same_person"]);
        measure(app, "office", &own, &decide, decision(false)).await.expect(200);
        let asked = measure(app, "officer1", &own, "extensions", ask("2026-03-20T12:00:00+08:00")).await.expect(201).id();
        measure(app, "principal1", &own, &format!("extensions/{asked}/decision"), decision(true)).await.expect(200);

        // A supervisor decides of what that supervisor issued.
        let theirs = app.post("supervisor", "/hazards", finding("supervision")).await.expect(201).id();
        act(app, "supervisor", &theirs, "issue", json!({"level": "general"})).await.expect(200);
        let asked = measure(app, "principal1", &theirs, "extensions", ask("2026-03-20T12:00:00+08:00")).await.expect(201).id();
        measure(app, "supervisor", &theirs, &format!("extensions/{asked}/decision"), decision(true)).await.expect(200);
    }

    async fn of_a_listed_major_more_time_is_asked_for_fifteen_working_days_ahead(app) {
        // 23 March is the fifteenth working day after Monday 2 March.
        let id = major(app, Some("2026-03-23T09:00:00+08:00")).await;
        let other = major(app, Some("2026-03-23T09:00:00+08:00")).await;
        for one in [&id, &other] {
            measure(app, "leader", one, "listing", listing()).await.expect(201);
        }
        let asked = measure(app, "officer1", &id, "extensions", ask("2026-04-23T12:00:00+08:00")).await.expect(201).id();
        app.clock.advance(TimeDelta::days(1));
        assert_eq!(refused(measure(app, "officer1", &other, "extensions", ask("2026-04-23T12:00:00+08:00")).await), ["needs_fifteen_working_days"]);
        let decide = format!("extensions/{asked}/decision");
        for who in ["office", "section.fire", "supervisor"] {
            assert_eq!(refused(measure(app, who, &id, &decide, decision(true)).await), ["needs_leader"], "{who}");
        }
        measure(app, "leader", &id, &decide, decision(true)).await.expect(200);
        let now = hazard(app, &id).await;
        assert_eq!((&now["due_on"], &now["original_due_at"]), (&json!("2026-04-23"), &json!("2026-03-23T01:00:00.000000Z")));
        let planless = major(app, None).await;
        assert_eq!(refused(measure(app, "officer1", &planless, "extensions", ask("2026-04-23T12:00:00+08:00")).await), ["no_deadline"]);
    }

    async fn a_major_is_listed_stopped_reported_on_closed_and_only_then_let_go(app) {
        let general = issued(app).await;
        assert_eq!(refused(measure(app, "leader", &general, "listing", listing()).await), ["not_major"]);
        assert_eq!(refused(measure(app, "officer1", &general, "progress-reports", json!({"progress": "进场", "percent": 10})).await), ["not_major"]);
        let proposed = app.post("inspector1", "/hazards", with(finding("special"), json!({"level": "major"}))).await.expect(201).id();
        assert_eq!(refused(measure(app, "leader", &proposed, "listing", listing()).await), ["wrong_state"]);

        let id = major(app, Some("2026-04-10T10:00:00Z")).await;
        for (who, status) in [("", 401), ("office", 403), ("principal1", 403), ("officer1", 403), ("b.leader", 404)] {
            measure(app, who, &id, "listing", listing()).await.expect(status);
            measure(app, who, &id, "delisting", opinion()).await.expect(status);
            measure(app, who, &id, "suspension/lift", opinion()).await.expect(status);
        }
        assert_eq!(refused(measure(app, "leader", &id, "delisting", opinion()).await), ["not_listed"]);
        measure(app, "leader", &id, "listing", json!({"authority": "village", "demand": "x"})).await.expect(422);
        let own = json!({"id": "0195e1a4-0000-7000-8000-00000000e002"});
        let listed = measure(app, "leader", &id, "listing", with(listing(), own.clone())).await.expect(201);
        assert_eq!(listed.body["number"], "校安督〔2026〕1号");
        assert_eq!(measure(app, "leader", &id, "listing", with(listing(), own)).await.expect(200).body, listed.body);
        assert_eq!(refused(measure(app, "leader", &id, "listing", listing()).await), ["already_listed"]);
        assert_eq!(refused(measure(app, "leader", &id, "delisting", opinion()).await), ["not_closed"]);

        let now = hazard(app, &id).await;
        assert_eq!((&now["next_progress_due"], &now["progress_overdue"]), (&json!("2026-03-31T15:59:59.999999Z"), &json!(false)));
        let wrong = measure(app, "officer1", &id, "progress-reports", json!({"progress": "", "percent": 101})).await.expect(422);
        assert_eq!(wrong.faults().len(), 2);
        for (who, status) in [("office", 403), ("inspector1", 403), ("officer2", 404)] {
            measure(app, who, &id, "progress-reports", json!({"progress": "进场", "percent": 10})).await.expect(status);
        }
        let report = measure(app, "staff1", &id, "progress-reports", json!({"progress": "进场", "percent": 10, "evidence_ids": [ABSENT]})).await.expect(201);
        assert_eq!((&report.body["listing_id"], &report.body["evidence_ids"]), (&listed.body["id"], &json!([ABSENT])));
        assert_eq!(hazard(app, &id).await["next_progress_due"], "2026-06-30T15:59:59.999999Z");

        for (who, status) in [("principal1", 403), ("officer1", 403), ("supervisor", 403), ("b.office", 404)] {
            measure(app, who, &id, "suspension", json!({"scope": "三楼", "reason": "危险"})).await.expect(status);
        }
        let faults = measure(app, "office", &id, "suspension", json!({"scope": "三楼", "reason": " ", "since": "2026-05-01T00:00:00Z"})).await.expect(422).faults();
        assert_eq!(faults, [("/reason", "required"), ("/since", "in_the_future")].map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert_eq!(refused(measure(app, "leader", &id, "suspension/lift", opinion()).await), ["not_suspended"]);
        measure(app, "section.fire", &id, "suspension", json!({"scope": "三楼", "reason": "危险"})).await.expect(201);
        assert_eq!(refused(measure(app, "office", &id, "suspension", json!({"scope": "三楼", "reason": "危险"})).await), ["already_suspended"]);
        assert_eq!(refused(measure(app, "leader", &id, "suspension/lift", opinion()).await), ["not_closed"]);

        close(app, &id).await;
        assert_eq!(refused(measure(app, "officer1", &id, "progress-reports", json!({"progress": "完", "percent": 100})).await), ["wrong_state"]);
        let delisted = measure(app, "leader", &id, "delisting", opinion()).await.expect(200);
        assert_eq!((&delisted.body["delisted_by"], &delisted.body["version"]), (&json!(user("leader")), &json!(2)));
        assert_eq!(refused(measure(app, "leader", &id, "delisting", opinion()).await), ["not_listed"]);
        measure(app, "leader", &id, "suspension/lift", opinion()).await.expect(200);
        assert_eq!(refused(measure(app, "leader", &id, "suspension/lift", opinion()).await), ["not_suspended"]);
        assert_eq!(refused(measure(app, "office", &id, "suspension", json!({"scope": "三楼", "reason": "危险"})).await), ["wrong_state"]);

        let history = app.get("principal1", &format!("/hazards/{id}/history")).await.expect(200).rows();
        let actions: Vec<_> = history.iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect();
        assert_eq!(actions, ["register", "issue", "acknowledge", "file_plan", "listed", "progress_reported", "suspended", "report_done", "pass", "approve", "delisted", "suspension_lifted"]);
        for (list, count) in [("listings", 1), ("progress-reports", 1), ("suspensions", 1), ("referrals", 0), ("extensions", 0)] {
            assert_eq!(app.get("principal1", &format!("/hazards/{id}/{list}")).await.expect(200).rows().len(), count, "{list}");
            app.get("principal2", &format!("/hazards/{id}/{list}")).await.expect(404);
        }
        for kind in ["hazard_listed", "use_stopped", "hazard_delisted", "use_resumed"] {
            assert!(told(app, &id).contains(&(kind.to_owned(), user("principal1"))), "{kind}");
        }
    }

    async fn who_put_it_right_neither_delists_nor_lifts(app) {
        let both = json!({"org_id": org("a"), "role": "bureau_leader"});
        app.post("sysadmin", &format!("/users/{}/memberships", user("staff1")), both).await.expect(201);
        let id = major(app, Some("2026-04-10T10:00:00Z")).await;
        measure(app, "leader", &id, "listing", listing()).await.expect(201);
        measure(app, "office", &id, "suspension", json!({"scope": "三楼", "reason": "危险"})).await.expect(201);
        close(app, &id).await;
        assert_eq!(refused(measure(app, "staff1", &id, "delisting", opinion()).await), ["same_person"]);
        assert_eq!(refused(measure(app, "staff1", &id, "suspension/lift", opinion()).await), ["same_person"]);
    }

    async fn document_numbers_have_no_gaps_and_are_given_once(app) {
        let mut ids = Vec::new();
        for _ in 0..5 {
            ids.push(major(app, Some("2026-04-10T10:00:00Z")).await);
        }
        let typed = with(listing(), json!({"number": "校安督〔2026〕2号"}));
        let number = async |id: &str, body: Value| measure(app, "leader", id, "listing", body).await.expect(201).body["number"].clone();
        assert_eq!(number(&ids[0], listing()).await, "校安督〔2026〕1号");
        assert_eq!(number(&ids[1], typed.clone()).await, "校安督〔2026〕2号");
        assert_eq!(measure(app, "leader", &ids[2], "listing", typed).await.expect(409).code(), "number_taken");
        refused(measure(app, "leader", &ids[0], "listing", listing()).await);
        assert_eq!(number(&ids[2], listing()).await, "校安督〔2026〕3号", "a number typed in is stepped over");
        assert_eq!(number(&ids[3], with(listing(), json!({"authority": "city", "number": "市校安督〔2026〕12号"}))).await, "市校安督〔2026〕12号");
        app.clock.advance(TimeDelta::days(365));
        // Tokens of the test last fifteen minutes of its clock and are made anew for each call.
        assert_eq!(number(&ids[4], listing()).await, "校安督〔2027〕1号");
    }

    async fn a_referral_waits_for_its_reply_and_the_hazard_stays_open(app) {
        let id = issued(app).await;
        for (who, status) in [("principal1", 403), ("supervisor", 403), ("b.office", 404)] {
            measure(app, who, &id, "referrals", referral()).await.expect(status);
        }
        measure(app, "office", &id, "referrals", with(referral(), json!({"authority": "circus"}))).await.expect(422);
        let faults = measure(app, "office", &id, "referrals", with(referral(), json!({"matter": "", "reply_due_at": "2026-01-01T00:00:00Z"}))).await.expect(422).faults();
        assert_eq!(faults, [("/matter", "required"), ("/reply_due_at", "in_the_past")].map(|(a, b)| (a.to_owned(), b.to_owned())));
        let made = measure(app, "office", &id, "referrals", referral()).await.expect(201);
        assert_eq!((&made.body["reply_due_at"], &made.body["reply_overdue"]), (&json!("2026-03-16T15:59:59.999999Z"), &json!(false)));
        measure(app, "leader", &id, "referrals", with(referral(), json!({"authority": "gas"}))).await.expect(201);
        assert_eq!(hazard(app, &id).await["status"], "issued");
        app.clock.advance(TimeDelta::days(15));
        let list = app.get("principal1", &format!("/hazards/{id}/referrals")).await.expect(200).rows();
        assert!(list.iter().all(|row| row["reply_overdue"] == true) && list.len() == 2);

        let rest = format!("referrals/{}/reply", made.id());
        measure(app, "officer1", &id, &rest, json!({"reply": "已处理"})).await.expect(403);
        measure(app, "b.office", &id, &rest, json!({"reply": "已处理"})).await.expect(404);
        measure(app, "office", &id, &format!("referrals/{ABSENT}/reply"), json!({"reply": "已处理"})).await.expect(404);
        let early = measure(app, "office", &id, &rest, json!({"reply": "已处理", "replied_at": "2026-03-01T00:00:00Z"})).await.expect(422);
        assert_eq!(early.faults(), [("/replied_at".to_owned(), "before_referred".to_owned())]);
        let replied = measure(app, "section.fire", &id, &rest, json!({"reply": "已责令清理", "replied_at": "2026-03-10T00:00:00Z"})).await.expect(200);
        assert_eq!((&replied.body["reply_overdue"], &replied.body["reply_recorded_by"]), (&json!(false), &json!(user("section.fire"))));
        assert_eq!(refused(measure(app, "office", &id, &rest, json!({"reply": "再次"})).await), ["already_replied"]);
        let mut conn = app.connect();
        let marks: anxiao::platform::db::types::Doc = hazards::table.find(id.parse::<Id>().unwrap()).select(hazards::marks).first(&mut conn).unwrap();
        assert_eq!(marks.0["awaiting_reply"], 1);
        act(app, "office", &id, "void", json!({"reason": "重复"})).await.expect(200);
        assert_eq!(refused(measure(app, "office", &id, "referrals", referral()).await), ["wrong_state"]);
    }

    async fn of_many_who_ask_at_once_one_is_heard(app) {
        let id = issued(app).await;
        let answers = join_all((0..10).map(|_| measure(app, "officer1", &id, "extensions", ask("2026-03-20T12:00:00+08:00")))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
        assert_eq!(answers.iter().filter(|answer| answer.status == 409).count(), 9);
        let asked = answers.iter().find(|answer| answer.status == 201).unwrap().id();
        let rest = format!("extensions/{asked}/decision");
        let answers = join_all(["office", "leader", "section.fire"].map(|who| measure(app, who, &id, &rest, decision(true)))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        assert_eq!(hazard(app, &id).await["version"], 4);
    }
}
