//! The summary: the counters say what a count over the rows says, for everybody's own scope.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::district::org;

async fn report(app: &TestApp, name: &str, school: &str, category: &str, domain: &str) -> Value {
    let body = json!({
        "org_id": org(school), "category": category, "domain": domain, "source": if name.starts_with("officer") { "self_check" } else { "routine" },
        "title": "灭火器压力不足", "description": "三楼东侧两具灭火器指针在红区",
    });
    app.post(name, "/hazards", body).await.expect(201).body
}

async fn transition(app: &TestApp, name: &str, hazard: &Value, body: Value) -> Value {
    let path = format!("/hazards/{}/transitions", hazard["id"].as_str().unwrap());
    app.post(name, &path, body).await.expect(200).body
}

/// A little term: found by both sides, fixed in time and late, returned, voided, left overdue.
async fn a_term(app: &TestApp) {
    let one = report(app, "inspector1", "a.s1", "cha", "fire").await;
    transition(app, "office", &one, json!({"action": "issue", "level": "general"})).await;
    transition(app, "officer1", &one, json!({"action": "acknowledge"})).await;
    let done = json!({"action": "report_done", "measures_taken": "已更换", "evidence_ids": []});
    transition(app, "officer1", &one, done.clone()).await;
    let again = app.clock.as_ref();
    let due = anxiao::platform::clock::Clock::now(again) + TimeDelta::days(5);
    transition(app, "inspector1", &one, json!({"action": "return", "reason": "仍有一具未更换", "due_at": due})).await;
    transition(app, "officer1", &one, done).await;
    let me = crate::support::district::user("inspector1");
    transition(
        app,
        "inspector1",
        &one,
        json!({"action": "pass", "opinion": "合格", "recheckers": [me], "on_site": true}),
    )
    .await;
    let two = report(app, "inspector1", "a.s2", "fang", "food").await;
    transition(app, "office", &two, json!({"action": "issue", "level": "general"})).await;
    let three = report(app, "officer1", "a.s1", "fang", "fire").await;
    transition(app, "office", &three, json!({"action": "void", "reason": "重复登记"})).await;
    report(app, "officer2", "a.s2", "ji", "gas").await;
    app.clock.advance(TimeDelta::days(20));
    report(app, "office", "a.s1", "fang", "fire").await;
}

/// The figures without what names the question.
fn figures(body: &Value) -> Value {
    json!({"rows": body["rows"], "total": body["total"]})
}

both_engines! {
    async fn counters_and_a_count_over_the_rows_say_the_same_to_everybody(app) {
        a_term(app).await;
        for name in ["leader", "office", "section.fire", "supervisor", "principal1", "officer2"] {
            for group in ["category", "domain", "org", "level", "month"] {
                let counted = app.get(name, &format!("/reports/summary?from=2026-01-01&group_by={group}")).await.expect(200);
                let scanned = app.get(name, &format!("/reports/summary?from=2025-12-31&group_by={group}")).await.expect(200);
                assert_eq!(figures(&counted.body), figures(&scanned.body), "{name} by {group}");
            }
        }
    }

    async fn rates_come_with_their_parts_and_voided_hazards_count_nowhere(app) {
        a_term(app).await;
        let total = app.get("office", "/reports/summary").await.expect(200).body["total"].clone();
        assert_eq!((total["found"].as_i64(), total["closed"].as_i64(), total["overdue"].as_i64()), (Some(4), Some(1), Some(1)));
        assert_eq!(total["rectification_rate"], json!({"numerator": 1, "denominator": 4, "rate": 0.25}));
        assert_eq!(total["return_rate"], json!({"numerator": 1, "denominator": 2, "rate": 0.5}));
        assert_eq!(total["self_found_rate"], json!({"numerator": 1, "denominator": 4, "rate": 0.25}));
        assert_eq!(total["on_time_rate"], json!({"numerator": 1, "denominator": 2, "rate": 0.5}));
    }

    async fn a_rate_over_nothing_is_null(app) {
        let total = app.get("office", "/reports/summary").await.expect(200).body["total"].clone();
        assert_eq!(total["rectification_rate"], json!({"numerator": 0, "denominator": 0, "rate": null}));
    }

    async fn everybody_counts_only_their_own(app) {
        a_term(app).await;
        let found = async |name: &str, query: &str| app.get(name, &format!("/reports/summary{query}")).await.expect(200).body["total"]["found"].as_i64().unwrap();
        assert_eq!(found("office", "").await, 4);
        assert_eq!(found("section.fire", "").await, 2);
        assert_eq!(found("supervisor", "").await, 2);
        assert_eq!(found("principal2", "").await, 2);
        assert_eq!(found("b.office", "").await, 0);
        assert_eq!(found("office", &format!("?org_id={}", org("a.s1"))).await, 2);
        app.get("principal1", &format!("/reports/summary?org_id={}", org("a.s2"))).await.expect(404);
        app.get("b.office", &format!("/reports/summary?org_id={}", org("a"))).await.expect(404);
        app.get("staff1", "/reports/summary").await.expect(403);
    }

    async fn what_is_no_period_is_refused(app) {
        for query in ["?from=2026-05-01&to=2026-04-01", "?from=yesterday", "?group_by=colour", "?year=2026", "?from=1900-01-01"] {
            let answer = app.send(app.request("office", Method::GET, &format!("/reports/summary{query}"))).await;
            assert_eq!(answer.status, 400, "{query}: {}", answer.text);
        }
    }
}
