//! Patrol points over HTTP: labels on the wall, scans on the round, and what is missing.

use serde_json::{Value, json};

use crate::campaigns::checklist;
use crate::support::TestApp;
use crate::support::district::{org, user};

async fn point(app: &TestApp, school: &str, name: &str, code: &str) -> String {
    let body = json!({"kind": "point", "name": name, "code": code});
    app.post("office", &format!("/orgs/{}/sites", org(school)), body).await.expect(201).id()
}

async fn patrol(app: &TestApp) -> String {
    let list = checklist(app, "fire").await;
    let body = json!({"kind": "patrol", "org_id": org("a.s1"), "checklist_ids": [list], "team": [user("staff1")]});
    app.post("officer1", "/inspections", body).await.expect(201).id()
}

both_engines! {
    async fn a_round_shows_which_points_were_reached_and_which_are_missing(app) {
        let gate = point(app, "a.s1", "校门", "P-1").await;
        point(app, "a.s1", "食堂后门", "P-2").await;
        point(app, "a.s2", "别校", "P-9").await;
        let id = patrol(app).await;
        let scans = format!("/inspections/{id}/scans");
        let early = app.post("staff1", &scans, json!({"code": "P-1"})).await.expect(409);
        assert_eq!(early.faults()[0].1, "wrong_state");
        app.post("staff1", &format!("/inspections/{id}/check-in"), json!({})).await.expect(200);
        let body = json!({
            "id": "0195e0c0-0000-7000-8000-00000000c001", "code": "P-1", "device_time": "2026-03-04T09:00:00+08:00",
            "location": {"lat": 36.9, "lng": 105.2, "accuracy_m": 8, "datum": "wgs84"},
        });
        let made = app.post("staff1", &scans, body.clone()).await.expect(201);
        assert_eq!(made.body["site_id"], json!(gate));
        assert!(made.body["clock_skew_s"].is_i64() && made.body["location"]["lat"] == json!(36.9));
        // Sent again, it is the same scan; with another body the id is taken.
        let again = app.post("staff1", &scans, body.clone()).await.expect(200);
        assert_eq!(again.body, made.body);
        let mut other = body;
        other["code"] = json!("P-2");
        app.post("staff1", &scans, other).await.expect(409);
        let round = app.get("principal1", &scans).await.expect(200).body;
        assert_eq!((&round["expected"], &round["reached"], &round["complete"]), (&json!(2), &json!(1), &json!(false)));
        assert_eq!(round["points"][1]["scans"], Value::Array(Vec::new()));
        app.post("staff1", &scans, json!({"code": "P-2"})).await.expect(201);
        assert_eq!(app.get("staff1", &scans).await.expect(200).body["complete"], json!(true));
        // A label of a place that is no point is shown apart.
        let room = app.post("office", &format!("/orgs/{}/sites", org("a.s1")), json!({"kind": "room", "name": "锅炉房", "code": "R-1"})).await.expect(201).id();
        app.post("staff1", &scans, json!({"code": "R-1"})).await.expect(201);
        let round = app.get("staff1", &scans).await.expect(200).body;
        assert_eq!((&round["elsewhere"][0]["site_id"], &round["expected"]), (&json!(room), &json!(2)));
        let told = app.get("principal1", &format!("/inspections/{id}/history")).await.expect(200);
        assert_eq!(told.rows().iter().filter(|entry| entry["action"] == "point_reached").count(), 3);
    }

    async fn labels_of_elsewhere_and_people_who_are_not_on_the_round_are_refused(app) {
        point(app, "a.s2", "别校", "P-9").await;
        point(app, "a.s1", "校门", "P-1").await;
        let id = patrol(app).await;
        let scans = format!("/inspections/{id}/scans");
        app.post("staff1", &format!("/inspections/{id}/check-in"), json!({})).await.expect(200);
        for code in ["P-9", "nothing"] {
            let refused = app.post("staff1", &scans, json!({"code": code})).await.expect(422);
            assert_eq!(refused.faults(), [("/code".to_owned(), "unknown_code".to_owned())]);
        }
        assert_eq!(app.post("staff1", &scans, json!({"code": ""})).await.expect(422).faults()[0].0, "/code");
        app.post("officer1", &scans, json!({"code": "P-1"})).await.expect(409);
        app.post("officer2", &scans, json!({"code": "P-1"})).await.expect(404);
        app.get("officer2", &scans).await.expect(404);
    }

    async fn labels_are_printed_for_whoever_keeps_the_places(app) {
        point(app, "a.s1", "校门", "P-1").await;
        let path = format!("/orgs/{}/labels", org("a.s1"));
        let page = app.get("officer1", &path).await.expect(200);
        assert!(page.text.contains("校门") && page.text.contains("<svg") && page.text.contains("<code>P-1</code>"));
        app.get("staff1", &path).await.expect(403);
        app.get("officer2", &path).await.expect(404);
    }
}
