//! Races and rough input that a reading of the code brought up.

use chrono::TimeDelta;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::district::{org, user};

fn finding() -> Value {
    json!({
        "org_id": org("a.s1"), "category": "fang", "domain": "fire", "title": "三楼东侧安全出口上锁",
        "description": "午休时段铁链锁闭，无法从内部打开。", "source": "routine"
    })
}

async fn issued(app: &TestApp) -> String {
    let id = app.post("office", "/hazards", finding()).await.expect(201).id();
    let path = format!("/hazards/{id}/transitions");
    app.post("office", &path, json!({"action": "issue", "level": "general"})).await.expect(200);
    id
}

both_engines! {
    async fn twins_under_one_key_are_one_transition(app) {
        for round in 0..4 {
            let path = format!("/hazards/{}/transitions", issued(app).await);
            let twins = (0..12).map(|_| {
                let request = app.request("principal1", Method::POST, &path).header("idempotency-key", format!("k{round}"));
                app.send(request.json(&json!({"action": "acknowledge"})))
            });
            for answer in join_all(twins).await {
                answer.expect(200);
            }
        }
    }

    async fn twins_with_one_id_are_one_hazard(app) {
        let mut body = finding();
        body["id"] = json!("0198a000-0000-7000-8000-00000000abcd");
        let answers = join_all((0..12).map(|_| app.post("office", "/hazards", body.clone()))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 11);
        let next = app.post("office", "/hazards", finding()).await.expect(201);
        assert_eq!(next.body["number"], "640104-2026-000002");
    }

    async fn a_body_is_an_object_and_its_faults_are_not_endless(app) {
        let login = json!(["officer1", "demo-Anquan-2026", null]);
        assert_eq!(app.post("", "/auth/login", login).await.expect(400).faults()[0].1, "wrong_type");
        let many: serde_json::Map<String, Value> = (0..5000).map(|n| (format!("k{n}"), json!(1))).collect();
        assert_eq!(app.post("", "/auth/login", Value::Object(many)).await.expect(400).faults().len(), 100);
    }

    async fn far_days_and_control_characters_in_addresses_are_no_fault_of_the_server(app) {
        for path in ["/answers", "/inspections"] {
            for day in ["-262143-01-01", "9999-12-31", "%2B262142-12-31"] {
                app.get("office", &format!("{path}?from={day}")).await.expect(400);
                app.get("office", &format!("{path}?to={day}")).await.expect(400);
            }
        }
        for path in ["/categories/%00", "/hazards/%00", "/orgs/%00", "/calendar/99999999999"] {
            app.get("office", path).await.expect(404);
        }
    }

    async fn who_found_it_stays_unknown_to_the_school_after_a_correction(app) {
        let id = app.post("inspector1", "/hazards", finding()).await.expect(201).id();
        let path = format!("/hazards/{id}");
        app.patch("inspector1", &path, 1, json!({"title": "东侧安全出口上锁"})).await.expect(200);
        app.clock.advance(TimeDelta::minutes(1));
        let entries = app.get("principal1", &format!("{path}/history")).await.expect(200).rows();
        assert_eq!(entries.len(), 2);
        assert!(entries.iter().all(|entry| entry["actor"].is_null() && entry["actor_name"].is_null()), "{entries:?}");
        let entries = app.get("office", &format!("{path}/history")).await.expect(200).rows();
        assert!(entries.iter().all(|entry| entry["actor"].is_string()));
    }

    async fn people_of_another_school_are_absent_for_a_school(app) {
        let path = format!("/hazards/{}/transitions", issued(app).await);
        let assign = |person: &str| json!({"action": "assign", "responsible_user_id": user(person)});
        let foreign = app.post("principal1", &path, assign("officer2")).await.expect(404);
        let absent = app.post("principal1", &path, assign("nobody at all")).await.expect(404);
        assert_eq!(foreign.text, absent.text);
        app.post("office", &path, assign("officer2")).await.expect(422);
        app.post("principal1", &path, assign("staff1")).await.expect(200);
    }
}
