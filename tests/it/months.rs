//! Monthly reports: zero reports, months that lock at the bureau's midnight, who has not reported.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use reqwest::Method;
use serde_json::{Value, json};

use anxiao::platform::db::schema::events;
use anxiao::platform::ids::built_in;

use crate::support::district::{org, user};
use crate::support::{Answer, TestApp};

pub fn at(app: &TestApp, time: &str) {
    app.clock.set(DateTime::parse_from_rfc3339(time).unwrap().with_timezone(&Utc));
}

pub async fn hazard(app: &TestApp, who: &str, school: &str, domain: &str, level: &str) -> Value {
    let body = json!({
        "org_id": org(school), "category": "fang", "domain": domain, "level": level, "title": "出口上锁",
        "description": "铁链锁闭", "source": if who.starts_with("officer") { "self_check" } else { "referral" },
    });
    app.post(who, "/hazards", body).await.expect(201).body
}

pub async fn moves(app: &TestApp, who: &str, hazard: &Value, body: Value) -> Value {
    let path = format!("/hazards/{}/transitions", hazard["id"].as_str().unwrap());
    app.post(who, &path, body).await.expect(200).body
}

/// From the finding to the closing, with costs.
pub async fn put_right(app: &TestApp, hazard: &Value, cost_fen: i64) {
    moves(app, "office", hazard, json!({"action": "issue", "level": "general"})).await;
    moves(app, "officer1", hazard, json!({"action": "acknowledge"})).await;
    let done = json!({"action": "report_done", "measures_taken": "已拆除", "evidence_ids": [], "cost_fen": cost_fen});
    moves(app, "officer1", hazard, done).await;
    let pass = json!({"action": "pass", "opinion": "合格", "recheckers": [user("inspector1")], "on_site": true});
    moves(app, "inspector1", hazard, pass).await;
}

pub fn report(school: &str, month: &str, nothing_found: bool) -> Value {
    json!({"org_id": org(school), "month": month, "nothing_found": nothing_found})
}

pub async fn submit(app: &TestApp, who: &str, school: &str, month: &str, nothing_found: bool) -> Answer {
    app.post(who, "/monthly-reports", report(school, month, nothing_found)).await
}

pub async fn unlock(app: &TestApp, school: &str, month: &str, until: &str) -> Answer {
    let body = json!({"org_id": org(school), "month": month, "until": until, "reason": "停电，补报"});
    app.post("office", "/monthly-reports/unlock", body).await
}

async fn missing(app: &TestApp, who: &str, month: &str) -> Vec<(String, String)> {
    let rows =
        app.get(who, &format!("/monthly-reports/missing?month={month}&sort=created_at")).await.expect(200).rows();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let mut rows: Vec<_> = rows.iter().map(|row| (word(&row["name"]), word(&row["status"]))).collect();
    rows.sort();
    rows
}

fn pairs(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(name, status)| ((*name).to_owned(), (*status).to_owned())).collect()
}

pub const FIRST: &str = "甲区第一小学";
const SECOND: &str = "甲区第二中学";

both_engines! {
    async fn nothing_found_is_a_positive_statement_with_null_rates(app) {
        let report = submit(app, "principal1", "a.s1", "2026-03", true).await.expect(201);
        assert!(report.header("location").ends_with(&report.id()));
        assert_eq!((report.body["status"].as_str(), report.body["nothing_found"].as_bool()), (Some("reported"), Some(true)));
        assert_eq!(report.body["figures"]["cumulative"]["general"]["rate"], json!({"numerator": 0, "denominator": 0, "rate": null}));
        assert_eq!(report.body["editable_until"], "2026-03-31T16:00:00.000000Z");
        let again = submit(app, "officer1", "a.s1", "2026-03", true).await.expect(409);
        assert_eq!((again.code(), &again.body["current"]["id"]), ("month_reported", &report.body["id"]));
        let seen = app.get("leader", &format!("/monthly-reports/{}", report.id())).await.expect(200);
        assert_eq!(seen.body["org_name"], FIRST);
    }

    async fn nothing_found_is_refused_while_the_ledger_has_something_and_the_other_way_round(app) {
        let empty = submit(app, "principal1", "a.s1", "2026-03", false).await.expect(409);
        assert_eq!(empty.code(), "nothing_to_report");
        let one = hazard(app, "office", "a.s1", "fire", "general").await;
        hazard(app, "officer1", "a.s1", "gas", "general").await;
        let refused = submit(app, "principal1", "a.s1", "2026-03", true).await.expect(409);
        assert_eq!(refused.code(), "contradicts_ledger");
        assert_eq!(refused.faults(), [("/nothing_found".to_owned(), "contradicts_ledger".to_owned())]);
        assert!(refused.body["detail"].as_str().unwrap().contains("has 2 hazards"), "{}", refused.text);
        moves(app, "office", &one, json!({"action": "void", "reason": "重复登记"})).await;
        let refused = submit(app, "principal1", "a.s1", "2026-03", true).await.expect(409);
        assert!(refused.body["detail"].as_str().unwrap().contains("has 1 hazards"), "{}", refused.text);
        let stands = submit(app, "principal1", "a.s1", "2026-03", false).await.expect(201);
        assert_eq!(stands.body["figures"]["month"]["general"]["found"], 1);
        // Counts without rows are something too, and not beside nothing.
        let mut counts = report("a.s2", "2026-03", true);
        counts["aggregates"] = json!([{"domain": "fire", "found": 12, "rectified": 9}]);
        let refused = app.post("officer2", "/monthly-reports", counts.clone()).await.expect(422);
        assert_eq!(refused.faults(), [("/aggregates".to_owned(), "contradicts_nothing_found".to_owned())]);
        counts["nothing_found"] = json!(false);
        let stands = app.post("officer2", "/monthly-reports", counts).await.expect(201);
        assert_eq!(stands.body["figures"]["month"]["general"]["rate"], json!({"numerator": 9, "denominator": 12, "rate": 0.75}));
    }

    async fn a_repeat_with_the_same_id_is_the_same_report(app) {
        let mut body = report("a.s1", "2026-03", true);
        body["id"] = json!(built_in("a month"));
        let first = app.post("principal1", "/monthly-reports", body.clone()).await.expect(201);
        let again = app.post("principal1", "/monthly-reports", body.clone()).await.expect(200);
        assert_eq!(first.body, again.body);
        body["note"] = json!("另有说明");
        let other = app.post("principal1", "/monthly-reports", body.clone()).await.expect(409);
        assert_eq!((other.code(), other.body["current"].is_null()), ("id_reused", true));
        body["org_id"] = json!(org("a.s2"));
        app.post("principal2", "/monthly-reports", body).await.expect(409);
    }

    async fn figures_are_frozen_with_the_report_and_correcting_takes_them_anew(app) {
        let one = hazard(app, "office", "a.s1", "fire", "general").await;
        put_right(app, &one, 12_500).await;
        hazard(app, "office", "a.s1", "gas", "major").await;
        let made = submit(app, "officer1", "a.s1", "2026-03", false).await.expect(201);
        let figures = &made.body["figures"];
        assert_eq!(figures["cumulative"], figures["month"]);
        assert_eq!(figures["month"]["general"]["rate"], json!({"numerator": 1, "denominator": 1, "rate": 1.0}));
        assert_eq!(figures["month"]["major"]["rate"], json!({"numerator": 0, "denominator": 1, "rate": 0.0}));
        assert_eq!(figures["month"]["spent_fen"], 12_500);
        // The ledger moves on; the report does not.
        hazard(app, "office", "a.s1", "fire", "general").await;
        let path = format!("/monthly-reports/{}", made.id());
        assert_eq!(app.get("office", &path).await.expect(200).body["figures"], *figures);
        app.send(app.request("officer1", Method::PATCH, &path).json(&json!({}))).await.expect(428);
        let stale = app.patch("officer1", &path, 7, json!({})).await.expect(412);
        assert_eq!(stale.body["current"]["version"], 1);
        let change = json!({"note": "已复核", "spent_fen": 99, "aggregates": [{"domain": "food", "found": 3, "rectified": 1}]});
        let after = app.patch("officer1", &path, 1, change).await.expect(200).body;
        assert_eq!((after["version"].as_i64(), after["corrected_late"].as_bool()), (Some(2), Some(false)));
        assert_eq!(after["figures"]["month"]["general"]["rate"], json!({"numerator": 2, "denominator": 5, "rate": 0.4}));
        assert_eq!((after["figures"]["month"]["spent_fen"].as_i64(), after["note"].as_str()), (Some(99), Some("已复核")));
        let refused = app.patch("officer1", &path, 2, json!({"nothing_found": true, "aggregates": []})).await.expect(409);
        assert_eq!(refused.code(), "contradicts_ledger");
        let back = app.patch("officer1", &path, 2, json!({"spent_fen": null, "note": null})).await.expect(200).body;
        assert_eq!((back["figures"]["month"]["spent_fen"].as_i64(), back["note"].is_null()), (Some(12_500), true));
        // The month over, what is closed later belongs to later months, and nothing can be corrected.
        at(app, "2026-04-02T09:00:00+08:00");
        let kept = app.get("office", &path).await.expect(200).body;
        hazard(app, "office", "a.s1", "fire", "general").await;
        assert_eq!((&kept["figures"], kept["editable_until"].is_null()), (&back["figures"], true));
        assert_eq!(app.patch("officer1", &path, 3, json!({"note": "晚了"})).await.expect(409).code(), "month_locked");
        // Every version is in the journal, figures and all.
        let mut conn = app.connect();
        let kept: Vec<String> = events::table
            .filter(events::entity.eq("monthly_report"))
            .order(events::seq)
            .select(events::payload)
            .load(&mut conn)
            .unwrap();
        let versions: Vec<Value> = kept.iter().map(|one| serde_json::from_str::<Value>(one).unwrap()).collect();
        assert_eq!(versions.iter().map(|one| one["version"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(versions[0]["set"]["figures"]["spent_fen"]["month"], 12_500);
    }

    async fn figures_are_cumulative_from_january(app) {
        hazard(app, "office", "a.s1", "fire", "general").await;
        let mut march = report("a.s1", "2026-03", false);
        march["spent_fen"] = json!(1_000);
        march["aggregates"] = json!([{"domain": "fire", "found": 4, "rectified": 4}]);
        app.post("officer1", "/monthly-reports", march).await.expect(201);
        at(app, "2026-05-06T09:00:00+08:00");
        let one = hazard(app, "office", "a.s1", "gas", "general").await;
        put_right(app, &one, 500).await;
        let may = submit(app, "officer1", "a.s1", "2026-05", false).await.expect(201).body["figures"].clone();
        assert_eq!(may["month"]["general"]["rate"], json!({"numerator": 1, "denominator": 1, "rate": 1.0}));
        assert_eq!(may["cumulative"]["general"]["rate"], json!({"numerator": 5, "denominator": 6, "rate": 0.8333}));
        assert_eq!((may["month"]["spent_fen"].as_i64(), may["cumulative"]["spent_fen"].as_i64()), (Some(500), Some(1_500)));
        at(app, "2027-01-06T09:00:00+08:00");
        let january = submit(app, "officer1", "a.s1", "2027-01", true).await.expect(201).body["figures"].clone();
        assert_eq!(january["cumulative"]["general"]["found"], 0);
    }

    async fn a_month_locks_at_the_midnight_of_the_bureau(app) {
        assert_eq!(submit(app, "principal1", "a.s1", "2026-04", true).await.expect(422).faults(), [("/month".to_owned(), "in_the_future".to_owned())]);
        assert_eq!(submit(app, "principal1", "a.s1", "2026-02", true).await.expect(409).code(), "month_locked");
        at(app, "2026-03-31T23:59:59+08:00");
        let first = submit(app, "principal1", "a.s1", "2026-03", true).await.expect(201);
        assert_eq!(missing(app, "office", "2026-03").await, pairs(&[(SECOND, "pending")]));
        // Still March in UTC, and no March any more in the bureau.
        at(app, "2026-04-01T00:00:00+08:00");
        assert_eq!(submit(app, "principal2", "a.s2", "2026-03", true).await.expect(409).code(), "month_locked");
        let path = format!("/monthly-reports/{}", first.id());
        assert_eq!(app.patch("principal1", &path, 1, json!({"note": "补充"})).await.expect(409).code(), "month_locked");
        assert_eq!(missing(app, "office", "2026-03").await, pairs(&[(SECOND, "missing")]));
        assert_eq!(missing(app, "office", "2026-04").await, pairs(&[(FIRST, "pending"), (SECOND, "pending")]));
        submit(app, "principal2", "a.s2", "2026-04", true).await.expect(201);
    }

    async fn days_of_grace_are_the_bureau_s_to_give(app) {
        let policy = app.get("principal1", "/monthly-reports/policy").await.expect(200);
        assert_eq!((policy.body["grace_days"].as_i64(), policy.body["version"].as_i64()), (Some(0), Some(0)));
        app.put("principal1", "/monthly-reports/policy", json!({"grace_days": 3})).await.expect(403);
        app.put("office", "/monthly-reports/policy", json!({"grace_days": 16})).await.expect(422);
        app.put("office", "/monthly-reports/policy", json!({"grace_days": 3})).await.expect(200);
        at(app, "2026-04-03T23:59:59+08:00");
        let report = submit(app, "principal1", "a.s1", "2026-03", true).await.expect(201);
        assert_eq!(report.body["status"], "reported");
        assert_eq!(missing(app, "office", "2026-03").await, pairs(&[(SECOND, "pending")]));
        at(app, "2026-04-04T00:00:00+08:00");
        assert_eq!(submit(app, "principal2", "a.s2", "2026-03", true).await.expect(409).code(), "month_locked");
        // Another bureau keeps its own.
        assert_eq!(app.get("b.office", "/monthly-reports/policy").await.expect(200).body["grace_days"], 0);
        app.put("office", "/monthly-reports/policy", json!({"grace_days": 4})).await.expect(200);
        submit(app, "principal2", "a.s2", "2026-03", true).await.expect(201);
    }

    async fn two_who_decide_at_once_decide_one_after_the_other(app) {
        at(app, "2026-04-10T09:00:00+08:00");
        let all = futures_util::future::join_all((1..=8).map(|day| async move {
            let until = format!("2026-04-{:02}T18:00:00+08:00", 10 + day);
            let opened = unlock(app, "a.s1", "2026-03", &until).await.expect(200).body["version"].as_i64();
            let put = app.put("office", "/monthly-reports/policy", json!({"grace_days": day})).await;
            (opened, put.expect(200).body["version"].as_i64())
        }))
        .await;
        let (mut opened, mut put): (Vec<_>, Vec<_>) = all.into_iter().unzip();
        opened.sort_unstable();
        put.sort_unstable();
        let each: Vec<_> = (1..=8).map(Some).collect();
        assert_eq!((&opened, &put), (&each, &each), "every version once");
    }

    async fn a_report_of_a_school_that_is_younger_than_the_month_is_not_among_those_due(app) {
        at(app, "2026-03-20T09:00:00+08:00");
        unlock(app, "a.s1", "2025-02", "2026-03-25T18:00:00+08:00").await.expect(200);
        submit(app, "principal1", "a.s1", "2025-02", true).await.expect(201);
        let summary = app.get("office", "/monthly-reports/summary?month=2025-02").await.expect(200).body;
        assert_eq!((&summary["schools"], &summary["reported"], &summary["missing"]), (&json!(0), &json!(0), &json!(0)));
    }

    async fn the_safety_office_opens_a_locked_month_for_a_while_and_the_report_is_late(app) {
        at(app, "2026-04-10T09:00:00+08:00");
        hazard(app, "office", "a.s1", "fire", "general").await;
        let wrong = unlock(app, "a.s1", "2026-03", "2026-04-10T08:59:00+08:00").await.expect(422);
        assert_eq!(wrong.faults(), [("/until".to_owned(), "in_the_past".to_owned())]);
        unlock(app, "a.s1", "2026-03", "2026-06-10T08:59:00+08:00").await.expect(422);
        assert_eq!(unlock(app, "a.s1", "2026-04", "2026-04-12T18:00:00+08:00").await.expect(409).code(), "month_open");
        // What has not begun is nothing to open.
        let future = unlock(app, "a.s1", "2026-05", "2026-04-12T18:00:00+08:00").await.expect(422);
        assert_eq!(future.faults(), [("/month".to_owned(), "in_the_future".to_owned())]);
        unlock(app, "a.cluster", "2026-03", "2026-04-12T18:00:00+08:00").await.expect(422);
        unlock(app, "b.s1", "2026-03", "2026-04-12T18:00:00+08:00").await.expect(404);
        let opened = unlock(app, "a.s1", "2026-03", "2026-04-12T18:00:00+08:00").await.expect(200);
        assert_eq!(opened.body["until"], "2026-04-12T10:00:00.000000Z");
        // Only this school, only this month.
        assert_eq!(submit(app, "principal2", "a.s2", "2026-03", true).await.expect(409).code(), "month_locked");
        assert_eq!(submit(app, "principal1", "a.s1", "2026-02", true).await.expect(409).code(), "month_locked");
        let silent = app.get("office", "/monthly-reports/missing?month=2026-03").await.expect(200).rows();
        let open: Vec<bool> = silent.iter().map(|row| row["editable_until"].is_string() == (row["name"] == FIRST)).collect();
        assert_eq!(open, [true, true]);
        // What was found in April is not March's.
        let late = submit(app, "principal1", "a.s1", "2026-03", true).await.expect(201);
        assert_eq!((late.body["status"].as_str(), late.body["late"].as_bool()), (Some("late"), Some(true)));
        assert_eq!(late.body["figures"]["as_of"], "2026-03-31T15:59:59.999999Z");
        let path = format!("/monthly-reports/{}", late.id());
        let corrected = app.patch("principal1", &path, 1, json!({"note": "补报"})).await.expect(200).body;
        assert_eq!((corrected["late"].as_bool(), corrected["corrected_late"].as_bool()), (Some(true), Some(true)));
        at(app, "2026-04-12T18:00:00+08:00");
        assert_eq!(app.patch("principal1", &path, 2, json!({})).await.expect(409).code(), "month_locked");
        let again = unlock(app, "a.s1", "2026-03", "2026-04-13T18:00:00+08:00").await.expect(200);
        assert_eq!(again.body["version"], 2);
        app.patch("principal1", &path, 2, json!({})).await.expect(200);
        let rows = app.get("office", "/monthly-reports?month=2026-03&status=late&count=true").await.expect(200);
        assert_eq!(rows.body["page"]["count"], 1);
        assert_eq!(app.get("office", "/monthly-reports?status=missing").await.expect(400).faults()[0].0, "status");
    }

    async fn everybody_sees_the_reports_of_their_own_schools(app) {
        let first = submit(app, "principal1", "a.s1", "2026-03", true).await.expect(201).id();
        let second = submit(app, "principal2", "a.s2", "2026-03", true).await.expect(201).id();
        let theirs = submit(app, "b.principal", "b.s1", "2026-03", true).await.expect(201).id();
        let seen = async |who: &str| app.get(who, "/monthly-reports").await.expect(200).rows().len();
        for (who, count) in [("office", 2), ("leader", 2), ("section.fire", 2), ("supervisor", 1), ("principal1", 1), ("officer2", 1), ("b.office", 1)] {
            assert_eq!(seen(who).await, count, "{who}");
        }
        let absent = app.get("principal1", &format!("/monthly-reports/{}", built_in("nothing"))).await.expect(404);
        for (who, id) in [("principal1", &second), ("supervisor", &second), ("office", &theirs)] {
            assert_eq!(app.get(who, &format!("/monthly-reports/{id}")).await.expect(404).text, absent.text, "{who}");
        }
        app.patch("principal1", &format!("/monthly-reports/{second}"), 1, json!({})).await.expect(404);
        app.patch("office", &format!("/monthly-reports/{first}"), 1, json!({})).await.expect(403);
        submit(app, "principal1", "a.s2", "2026-03", true).await.expect(404);
        submit(app, "office", "a.s2", "2026-03", true).await.expect(403);
        submit(app, "staff1", "a.s1", "2026-03", true).await.expect(403);
        unlock(app, "a.s1", "2026-02", "2026-03-05T18:00:00+08:00").await.expect(200);
        let body = json!({"org_id": org("a.s1"), "month": "2026-02", "until": "2026-03-05T18:00:00+08:00", "reason": "补报"});
        app.post("leader", "/monthly-reports/unlock", body).await.expect(403);
        app.get("inspector1", "/monthly-reports").await.expect(403);
        app.get("principal1", &format!("/monthly-reports?under={}", org("a"))).await.expect(404);
        app.get("principal1", &format!("/monthly-reports/missing?month=2026-02&under={}", org("a.s2"))).await.expect(404);
        assert_eq!(missing(app, "principal1", "2026-02").await, pairs(&[(FIRST, "missing")]));
        assert_eq!(missing(app, "supervisor", "2026-02").await, pairs(&[(FIRST, "missing")]));
        // In December nobody existed yet.
        assert_eq!(missing(app, "office", "2025-12").await, pairs(&[]));
    }

    async fn a_section_officer_reads_the_figures_of_the_own_domains(app) {
        hazard(app, "office", "a.s1", "fire", "general").await;
        hazard(app, "office", "a.s1", "gas", "general").await;
        hazard(app, "office", "a.s1", "gas", "major").await;
        let mut body = report("a.s1", "2026-03", false);
        body["aggregates"] = json!([{"domain": "fire", "found": 2, "rectified": 1}, {"domain": "food", "found": 5, "rectified": 5}]);
        body["spent_fen"] = json!(777);
        let id = app.post("principal1", "/monthly-reports", body).await.expect(201).id();
        let whole = app.get("office", &format!("/monthly-reports/{id}")).await.expect(200).body;
        assert_eq!((whole["figures"]["month"]["general"]["found"].as_i64(), whole["domains"].is_null()), (Some(9), true));
        let part = app.get("section.fire", &format!("/monthly-reports/{id}")).await.expect(200).body;
        assert_eq!(part["domains"], json!(["fire"]));
        assert_eq!(part["figures"]["month"]["general"]["rate"], json!({"numerator": 1, "denominator": 3, "rate": 0.3333}));
        assert_eq!(part["figures"]["month"]["major"]["found"], 0);
        assert_eq!(part["aggregates"], json!([{"domain": "fire", "found": 2, "rectified": 1}]));
        assert!(part["stated_spent_fen"].is_null() && part["figures"]["month"]["spent_fen"].is_null(), "{part}");
        let sum = app.get("section.fire", "/monthly-reports/summary?month=2026-03").await.expect(200).body;
        assert_eq!(sum["this_month"]["general"]["found"], 3);
        assert_eq!((sum["this_month"]["major"]["found"].as_i64(), sum["major_stock"]["new"].as_i64()), (Some(0), Some(0)));
        assert!(sum["this_month"]["spent_fen"].is_null());
    }
}
