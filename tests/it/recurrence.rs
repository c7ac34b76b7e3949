//! What has come back: proposed by the server, linked and dismissed by people, never hidden.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::district::{org, user};

const CHECKLIST: &str = "0195e1a4-0000-7000-8000-0000000000c1";

async fn checklist(app: &TestApp) {
    let item = |code: &str| json!({"code": code, "title_zh": "检查项", "response": "pass_fail", "domain": "fire", "category": "fang"});
    let items: Vec<Value> = ["r-1", "r-2", "r-3"].into_iter().map(item).collect();
    let body = json!({"id": CHECKLIST, "title": "复发检查", "org_id": org("a"), "items": items});
    app.post("office", "/checklists", body).await.expect(201);
    app.post("office", &format!("/checklists/{CHECKLIST}/publish"), json!({})).await.expect(200);
}

/// An inspection in which these items fail, each at a site or at none; the hazards it made.
async fn visit(app: &TestApp, school: &str, failed: &[(&str, Option<&str>)]) -> Vec<Value> {
    let body = json!({"kind": "routine", "org_id": org(school), "checklist_ids": [CHECKLIST], "team": [user("inspector1"), user("inspector2")]});
    let id = app.post("office", "/inspections", body).await.expect(201).id();
    app.post("inspector1", &format!("/inspections/{id}/check-in"), json!({})).await.expect(200);
    let answers: Vec<Value> = ["r-1", "r-2", "r-3"]
        .into_iter()
        .map(|code| match failed.iter().find(|one| one.0 == code) {
            Some((_, site)) => json!({"item_code": code, "result": "fail", "note": "不合格", "site_id": site}),
            None => json!({"item_code": code, "result": "pass"}),
        })
        .collect();
    app.send(
        app.request("inspector1", reqwest::Method::PUT, &format!("/inspections/{id}/answers"))
            .json(&json!({"answers": answers})),
    )
    .await
    .expect(200);
    app.take_statements();
    let answer = app.post("inspector1", &format!("/inspections/{id}/submit"), json!({})).await.expect(200);
    answer.body["hazards"].as_array().unwrap().clone()
}

async fn close(app: &TestApp, id: &str) {
    let act =
        async |who: &str, body: Value| app.post(who, &format!("/hazards/{id}/transitions"), body).await.expect(200);
    act("office", json!({"action": "issue", "level": "general"})).await;
    act("officer1", json!({"action": "acknowledge"})).await;
    act("officer1", json!({"action": "report_done", "measures_taken": "已换", "evidence_ids": []})).await;
    act(
        "inspector1",
        json!({"action": "pass", "opinion": "已到位", "recheckers": [user("inspector1")], "on_site": true}),
    )
    .await;
}

fn id(row: &Value) -> String {
    row["id"].as_str().unwrap().to_owned()
}

both_engines! {
    async fn the_server_proposes_the_hazard_that_came_back(app) {
        checklist(app).await;
        let site = app.post("officer1", &format!("/orgs/{}/sites", org("a.s1")), json!({"kind": "building", "name": "教学楼"})).await.expect(201).id();
        let first = visit(app, "a.s1", &[("r-1", None), ("r-2", Some(&site))]).await;
        assert!(first.iter().all(|row| row["proposed_recurrence_of"].is_null()));
        let (one, two) = (id(&first[0]), id(&first[1]));
        app.clock.advance(TimeDelta::days(1));
        // Still open: not come back, never gone.
        assert!(visit(app, "a.s1", &[("r-1", None)]).await[0]["proposed_recurrence_of"].is_null());
        close(app, &one).await;
        close(app, &two).await;
        app.clock.advance(TimeDelta::days(100));
        let again = visit(app, "a.s1", &[("r-1", None), ("r-2", None), ("r-3", None)]).await;
        assert_eq!(again[0]["proposed_recurrence_of"], json!(one));
        assert!(again[1]["proposed_recurrence_of"].is_null(), "the same item at another place");
        assert!(again[2]["proposed_recurrence_of"].is_null(), "never found before");
        assert!(again[0]["recurrence_of"].is_null(), "a proposal is no link");
        assert_eq!(visit(app, "a.s1", &[("r-2", Some(&site))]).await[0]["proposed_recurrence_of"], json!(two));
        assert!(visit(app, "a.s2", &[("r-1", None)]).await[0]["proposed_recurrence_of"].is_null(), "another school");
        app.clock.advance(TimeDelta::days(81));
        assert!(visit(app, "a.s1", &[("r-1", None)]).await[0]["proposed_recurrence_of"].is_null(), "after 180 days");
    }

    async fn people_link_and_dismiss_and_nothing_hides_the_link(app) {
        checklist(app).await;
        let one = id(&visit(app, "a.s1", &[("r-1", None)]).await[0]);
        close(app, &one).await;
        app.clock.advance(TimeDelta::days(10));
        let later = id(&visit(app, "a.s1", &[("r-1", None)]).await[0]);
        let path = format!("/hazards/{later}");
        let version = async || app.get("office", &path).await.expect(200).body["version"].as_i64().unwrap();
        let elsewhere = {
            let body = json!({"org_id": org("a.s2"), "category": "fang", "domain": "fire", "title": "x", "description": "x", "source": "complaint"});
            app.post("office", "/hazards", body).await.expect(201).id()
        };
        app.patch("office", &path, 1, json!({"recurrence_of": elsewhere})).await.expect(404);
        app.patch("office", &path, 1, json!({"recurrence_of": user("nobody")})).await.expect(404);
        assert_eq!(app.patch("office", &path, 1, json!({"recurrence_of": later})).await.expect(422).faults()[0].1, "itself");
        assert_eq!(app.patch("office", &path, 1, json!({"proposed_recurrence_of": one})).await.expect(422).faults()[0].1, "only_null");
        app.patch("officer1", &path, 1, json!({"recurrence_of": one})).await.expect(403);
        let dismissed = app.patch("office", &path, 1, json!({"proposed_recurrence_of": null})).await.expect(200);
        assert!(dismissed.body["proposed_recurrence_of"].is_null());
        let linked = app.patch("office", &path, 2, json!({"recurrence_of": one})).await.expect(200);
        assert_eq!(linked.body["recurrence_of"], json!(one));
        assert_eq!(app.get("office", "/hazards?recurrence=true").await.expect(200).rows().len(), 1);
        // A chain does not bite its tail, and what is open has not come back.
        close(app, &later).await;
        let back = json!({"action": "reopen", "reason": "回头看", "due_at": "2026-06-01T00:00:00Z"});
        assert_eq!(app.get("office", &path).await.expect(200).body["recurrence_of"], json!(one), "closing hides it");
        let first = app.get("office", &format!("/hazards/{one}")).await.expect(200).body["version"].as_i64().unwrap();
        assert_eq!(app.patch("office", &format!("/hazards/{one}"), first, json!({"recurrence_of": later})).await.expect(422).faults()[0].1, "not_earlier");
        app.post("supervisor", &format!("{path}/transitions"), back).await.expect(200);
        assert_eq!(app.get("office", &path).await.expect(200).body["recurrence_of"], json!(one), "reopening hides it");
        let unlinked = app.patch("office", &path, version().await, json!({"recurrence_of": null})).await.expect(200);
        assert!(unlinked.body["recurrence_of"].is_null());
        let report = |earlier: &str| json!({
            "org_id": org("a.s1"), "category": "fang", "domain": "fire", "title": "x", "description": "x", "source": "complaint",
            "recurrence_of": earlier,
        });
        let open = app.post("office", "/hazards", report(&later)).await.expect(422);
        assert_eq!(open.faults(), [("/recurrence_of".to_owned(), "not_closed".to_owned())]);
        // Known only to whom it is in sight: a section officer of another domain does not see it.
        let of_food = json!({"org_id": org("a"), "role": "section_officer", "domains": ["food"]});
        app.post("sysadmin", &format!("/users/{}/memberships", user("external1")), of_food).await.expect(201);
        let mut food = report(&one);
        food["domain"] = json!("food");
        app.post("external1", "/hazards", food).await.expect(404);
        app.post("office", "/hazards", report(&one)).await.expect(201);
        // The bureau links what is closed as well; texts of it stay.
        let state = app.get("office", &format!("/hazards/{one}")).await.expect(200).body;
        assert_eq!(state["status"], "closed");
        app.patch("office", &format!("/hazards/{one}"), first, json!({"proposed_recurrence_of": null, "title": "x"})).await.expect(409);
    }

    async fn a_submission_asks_once_however_many_findings(app) {
        checklist(app).await;
        let mut asked = Vec::new();
        for failed in [&[("r-1", None)][..], &[("r-1", None), ("r-2", None), ("r-3", None)][..]] {
            visit(app, "a.s1", failed).await;
            let all = app.take_statements();
            let plain = |sql: &String| sql.replace(['`', '"'], "");
            let proposals = all.iter().map(plain).filter(|sql| sql.starts_with("SELECT hazards.id, hazards.item_code")).count();
            asked.push(proposals);
        }
        assert_eq!(asked, [1, 1]);
    }
}
